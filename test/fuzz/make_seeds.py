"""Writes small model files for the fuzz targets: one file a family of operators, made with the packages whose schemas
the readers follow, and graph text, boards and arrays.

usage: make_seeds.py CORPUS [NBLOCKS] [--all]   NBLOCKS prints the graph text; --all adds every node test of onnx
"""
import pathlib
import subprocess
import sys
import tempfile

import flatbuffers
import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/models"))
import torch_archive  # noqa: E402
MAX_BYTES = 4096
RANDOM = np.random.default_rng(1)


# ---- TFLite ----
class TfliteFile:
    """One subgraph; a tensor is named by its index."""

    def __init__(self):
        self.builder = flatbuffers.Builder(1024)
        self.buffers = [self.table("Buffer")]
        self.tensors, self.operators, self.codes, self.inputs = [], [], [], []

    def table(self, name, **fields):
        getattr(tflite, name + "Start")(self.builder)
        for field, value in fields.items():
            getattr(tflite, name + "Add" + field)(self.builder, value)
        return getattr(tflite, name + "End")(self.builder)

    def tensor(self, shape, dtype="FLOAT32", data=None, scale=None, zero=0, axis=0, variable=False):
        b, buffer = self.builder, 0
        if data is not None:
            self.buffers.append(self.table("Buffer", Data=b.CreateByteVector(np.ascontiguousarray(data).tobytes())))
            buffer = len(self.buffers) - 1
        fields = dict(Shape=b.CreateNumpyVector(np.array(shape, np.int32)), Type=getattr(tflite.TensorType, dtype),
                      Buffer=buffer, Name=b.CreateString(f"t{len(self.tensors)}"), IsVariable=variable)
        if scale is not None:
            scales = np.atleast_1d(np.array(scale, np.float32))
            fields["Quantization"] = self.table(
                "QuantizationParameters", Scale=b.CreateNumpyVector(scales),
                ZeroPoint=b.CreateNumpyVector(np.full(len(scales), zero, np.int64)), QuantizedDimension=axis)
        self.tensors.append(self.table("Tensor", **fields))
        return len(self.tensors) - 1

    def input(self, shape, dtype="FLOAT32", **kwargs):
        self.inputs.append(self.tensor(shape, dtype, **kwargs))
        return self.inputs[-1]

    def constant(self, values, dtype=None, **kwargs):
        values = np.asarray(values)
        names = {"float32": "FLOAT32", "int32": "INT32", "int64": "INT64", "int8": "INT8", "bool": "BOOL",
                 "float16": "FLOAT16", "int16": "INT16"}
        return self.tensor(values.shape, dtype or names[str(values.dtype)], data=values, **kwargs)

    def op(self, code, inputs, outputs, table=None, **options):
        b = self.builder
        if code not in self.codes:
            self.codes.append(code)
        for key, value in options.items():
            if isinstance(value, list):
                options[key] = b.CreateNumpyVector(np.array(value, np.int32))
        fields = dict(OpcodeIndex=self.codes.index(code), Inputs=b.CreateNumpyVector(np.array(inputs, np.int32)),
                      Outputs=b.CreateNumpyVector(np.array(outputs, np.int32)))
        if table:
            fields["BuiltinOptions"] = self.table(table, **options)
            fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, table)
        self.operators.append(self.table("Operator", **fields))
        return outputs[0]

    def finish(self, outputs):
        b = self.builder

        def vector(offsets):
            b.StartVector(4, len(offsets), 4)
            for offset in reversed(offsets):
                b.PrependUOffsetTRelative(offset)
            return b.EndVector()

        ends = [b.CreateNumpyVector(np.array(ids, np.int32)) for ids in (self.inputs, outputs)]
        tensors, operators, buffers = (vector(v) for v in (self.tensors, self.operators, self.buffers))
        graphs = vector([self.table("SubGraph", Tensors=tensors, Inputs=ends[0], Outputs=ends[1],
                                    Operators=operators)])
        codes = [getattr(tflite.BuiltinOperator, code) for code in self.codes]
        codes = vector([self.table("OperatorCode", DeprecatedBuiltinCode=min(code, 127), BuiltinCode=code, Version=1)
                        for code in codes])
        b.Finish(self.table("Model", Version=3, OperatorCodes=codes, Subgraphs=graphs, Buffers=buffers), b"TFL3")
        return bytes(b.Output())


def tflite_files():
    """(name, bytes)"""
    f = TfliteFile()
    x = f.input([1, 2, 3], "FLOAT32")
    ends = []
    for code, table, *options in [("RELU", None), ("RELU6", None), ("RELU_N1_TO_1", None), ("LOGISTIC", None), ("TANH", None),
                        ("HARD_SWISH", None), ("GELU", "GeluOptions"), ("LEAKY_RELU", "LeakyReluOptions"),
                        ("ELU", None), ("EXP", None), ("SQRT", None), ("RSQRT", None), ("NEG", "NegOptions"),
                        ("SOFTMAX", "SoftmaxOptions", "Beta"), ("LOG_SOFTMAX", "LogSoftmaxOptions"), ("FLOOR", None),
                        ("L2_NORMALIZATION", "L2NormOptions")]:
        x = f.op(code, [x], [f.tensor([1, 2, 3])], table, **dict.fromkeys(options, 1.0))
    yield "unary_float", f.finish([x])

    f = TfliteFile()
    x = f.input([1, 6], "INT8", scale=0.1, zero=-3)
    for code in ("RELU", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "ABS", "RSQRT"):
        scale = 1 / 256 if code == "LOGISTIC" else 0.1
        x = f.op(code, [x], [f.tensor([1, 6], "INT8", scale=scale, zero=-128 if scale < 0.1 else 1)])
    yield "unary_int8", f.finish([x])

    f = TfliteFile()
    a, b = f.input([2, 1, 3]), f.input([4, 1])
    ends = [f.op(code, [a, b], [f.tensor([2, 4, 3])], table) for code, table in
            [("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions"),
             ("MINIMUM", "MaximumMinimumOptions"), ("MAXIMUM", "MaximumMinimumOptions"), ("POW", "PowOptions"),
             ("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"), ("FLOOR_DIV", None), ("FLOOR_MOD", None)]]
    less = f.op("LESS", [a, b], [f.tensor([2, 4, 3], "BOOL")])
    ends.append(f.op("SELECT_V2", [less, ends[0], ends[1]], [f.tensor([2, 4, 3])]))
    yield "binary_float", f.finish(ends)

    f = TfliteFile()
    a, b = f.input([1, 4], "INT8", scale=0.1, zero=1), f.input([1, 4], "INT8", scale=0.2, zero=-2)
    ends = [f.op(code, [a, b], [f.tensor([1, 4], "INT8", scale=0.3, zero=5)], table,
                 FusedActivationFunction=1) for code, table in
            [("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")]]
    ends.append(f.op("CONCATENATION", [a, b], [f.tensor([2, 4], "INT8", scale=0.1, zero=1)], "ConcatenationOptions",
                     Axis=0))
    ends.append(f.op("QUANTIZE", [a], [f.tensor([1, 4], "INT8", scale=0.5, zero=0)]))
    ends.append(f.op("DEQUANTIZE", [b], [f.tensor([1, 4])]))
    yield "binary_int8", f.finish(ends)

    f = TfliteFile()
    x = f.input([1, 6, 6, 4], "INT8", scale=0.05, zero=-7)
    conv = dict(StrideW=1, StrideH=2, DilationWFactor=1, DilationHFactor=1, Padding=0)

    def weights(shape, axis, **kwargs):
        return f.constant(RANDOM.integers(-127, 127, shape).astype(np.int8), axis=axis, **kwargs)

    x = f.op("CONV_2D", [x, weights([8, 3, 3, 4], 0, scale=[0.01] * 8),
                         f.constant(np.arange(8, dtype=np.int32), scale=[0.0005] * 8)],
             [f.tensor([1, 3, 6, 8], "INT8", scale=0.1, zero=2)], "Conv2DOptions", FusedActivationFunction=1, **conv)
    x = f.op("DEPTHWISE_CONV_2D", [x, weights([1, 3, 3, 8], 3, scale=[0.01] * 8),
                                   f.constant(np.arange(8, dtype=np.int32), scale=[0.001] * 8)],
             [f.tensor([1, 2, 6, 8], "INT8", scale=0.1, zero=2)], "DepthwiseConv2DOptions", DepthMultiplier=1, **conv)
    pool = dict(Padding=1, StrideW=2, StrideH=2, FilterWidth=2, FilterHeight=2)
    x = f.op("MAX_POOL_2D", [x], [f.tensor([1, 1, 3, 8], "INT8", scale=0.1, zero=2)], "Pool2DOptions", **pool)
    x = f.op("RESHAPE", [x, f.constant(np.array([1, 24], np.int32))],
             [f.tensor([1, 24], "INT8", scale=0.1, zero=2)], "ReshapeOptions", NewShape=[1, 24])
    x = f.op("FULLY_CONNECTED", [x, weights([3, 24], 0, scale=0.02), f.constant(np.array([1, 2, 3], np.int32))],
             [f.tensor([1, 3], "INT8", scale=0.2, zero=2)], "FullyConnectedOptions")
    yield "cnn_int8", f.finish([f.op("SOFTMAX", [x], [f.tensor([1, 3], "INT8", scale=1 / 256, zero=-128)],
                                     "SoftmaxOptions", Beta=1.0)])

    f = TfliteFile()
    x = f.input([-1, 4, 4, 2])
    x = f.op("CONV_2D", [x, f.constant(np.ones([3, 2, 2, 2], np.float16))], [f.tensor([1, 4, 4, 3])], "Conv2DOptions",
             **dict(conv, StrideH=1))
    x = f.op("AVERAGE_POOL_2D", [x], [f.tensor([1, 2, 2, 3])], "Pool2DOptions", **pool)
    shape = f.constant(np.array([1, 4, 4, 2], np.int32))
    x = f.op("TRANSPOSE_CONV", [shape, f.constant(np.ones([2, 2, 2, 3], np.float32)), x], [f.tensor([1, 4, 4, 2])],
             "TransposeConvOptions", StrideW=2, StrideH=2, Padding=0)
    x = f.op("RESIZE_BILINEAR", [x, f.constant(np.array([3, 5], np.int32))], [f.tensor([1, 3, 5, 2])],
             "ResizeBilinearOptions", HalfPixelCenters=True)
    x = f.op("MEAN", [x, f.constant(np.array([1, 2], np.int32))], [f.tensor([1, 2])], "ReducerOptions")
    yield "cnn_float", f.finish([x])

    f = TfliteFile()
    x = f.input([2, 3, 4])

    def ints(*values):
        return f.constant(np.array(values, np.int32))

    ends = [f.op("TRANSPOSE", [x, ints(2, 0, 1)], [f.tensor([4, 2, 3])], "TransposeOptions"),
            f.op("SLICE", [x, ints(0, 1, 1), ints(2, -1, 2)], [f.tensor([2, 2, 2])], "SliceOptions"),
            f.op("STRIDED_SLICE", [x, ints(0, 2, 0), ints(2, 0, 4), ints(1, -1, 2)], [f.tensor([2, 3, 2])],
                 "StridedSliceOptions", BeginMask=1, EndMask=2),
            f.op("GATHER", [x, ints(2, 0)], [f.tensor([2, 2, 4])], "GatherOptions", Axis=1),
            f.op("PAD", [x, f.constant(np.array([[0, 1], [1, 0], [2, 2]], np.int32))], [f.tensor([3, 4, 8])],
                 "PadOptions"),
            f.op("MIRROR_PAD", [x, f.constant(np.array([[0, 1], [1, 0], [2, 2]], np.int32))],
                 [f.tensor([3, 4, 8])], "MirrorPadOptions", Mode=0),
            f.op("TILE", [x, ints(1, 2, 1)], [f.tensor([2, 6, 4])], "TileOptions"),
            f.op("BROADCAST_TO", [x, ints(2, 2, 3, 4)], [f.tensor([2, 2, 3, 4])], "BroadcastToOptions"),
            f.op("EXPAND_DIMS", [x, ints(-1)], [f.tensor([2, 3, 4, 1])], "ExpandDimsOptions"),
            f.op("PACK", [x, x], [f.tensor([2, 2, 3, 4])], "PackOptions", ValuesCount=2, Axis=1),
            f.op("ARG_MAX", [x, ints(1)], [f.tensor([2, 4], "INT32")], "ArgMaxOptions", OutputType=2),
            f.op("CUMSUM", [x, ints(1)], [f.tensor([2, 3, 4])], "CumsumOptions", Exclusive=True),
            f.op("CAST", [x], [f.tensor([2, 3, 4], "INT32")], "CastOptions", InDataType=0, OutDataType=2),
            f.op("REVERSE_V2", [x, ints(0)], [f.tensor([2, 3, 4])])]
    yield "moving", f.finish(ends)

    f = TfliteFile()
    x = f.input([2, 4, 6])
    parts = [f.tensor([2, 2, 6]) for _ in range(2)]
    f.op("SPLIT", [f.constant(np.array(1, np.int32)), x], parts, "SplitOptions", NumSplits=2)
    rows = [f.tensor([2, 6]) for _ in range(2)]
    f.op("UNPACK", [parts[0]], rows, "UnpackOptions", Num=2, Axis=1)
    shape = f.op("SHAPE", [x], [f.tensor([3], "INT32")], "ShapeOptions", OutType=2)
    filled = f.op("FILL", [shape, f.constant(np.array(2, np.float32))], [f.tensor([2, 4, 6])], "FillOptions")
    steps = [f.constant(np.array(v, np.int32)) for v in (0, 9, 2)]
    numbers = f.op("RANGE", steps, [f.tensor([5], "INT32")], "RangeOptions")
    y = f.op("BATCH_MATMUL", [parts[1], f.constant(np.ones([2, 6, 3], np.float32))], [f.tensor([2, 2, 3])],
             "BatchMatMulOptions")
    image = f.input([1, 4, 4, 4])
    s2d = f.op("SPACE_TO_DEPTH", [image], [f.tensor([1, 2, 2, 16])], "SpaceToDepthOptions", BlockSize=2)
    d2s = f.op("DEPTH_TO_SPACE", [image], [f.tensor([1, 8, 8, 1])], "DepthToSpaceOptions", BlockSize=2)
    blocks = [f.constant(np.array(v, np.int32)) for v in ([2, 2], [[0, 0], [0, 0]])]
    s2b = f.op("SPACE_TO_BATCH_ND", [image, *blocks], [f.tensor([4, 2, 2, 4])], "SpaceToBatchNDOptions")
    b2s = f.op("BATCH_TO_SPACE_ND", [s2b, *blocks], [f.tensor([1, 4, 4, 4])], "BatchToSpaceNDOptions")
    yield "shapes", f.finish([*rows, y, filled, numbers, s2d, d2s, b2s])

    for is_int8 in (False, True):
        f = TfliteFile()
        batch, steps, wide, hidden = 1, 3, 2, 2

        def matrix(rows, columns):
            if is_int8:
                return f.constant(RANDOM.integers(-90, 90, [rows, columns]).astype(np.int8), scale=0.01)
            return f.constant(RANDOM.normal(size=[rows, columns]).astype(np.float32))

        quantization = dict(dtype="INT8", scale=0.02, zero=3) if is_int8 else {}
        x = f.input([batch, steps, wide], **quantization)
        operands = [x] + [matrix(hidden, wide) for _ in range(4)] + [matrix(hidden, hidden) for _ in range(4)]
        operands += [-1] * 3
        operands += [f.constant(np.zeros(hidden, np.int32 if is_int8 else np.float32)) for _ in range(4)] + [-1] * 2
        operands.append(f.tensor([batch, hidden], variable=True, **quantization))
        cell = dict(dtype="INT16", scale=2.0 ** -11) if is_int8 else {}
        operands.append(f.tensor([batch, hidden], variable=True, **cell))
        y = f.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [f.tensor([batch, steps, hidden], **quantization)],
                 "UnidirectionalSequenceLSTMOptions", FusedActivationFunction=4, TimeMajor=False)
        yield "lstm_int8" if is_int8 else "lstm_float", f.finish([y])

    # Values that are constants when compiling.
    f = TfliteFile()
    big = f.op("FILL", [f.constant(np.array([64, 64], np.int32)), f.constant(np.array(1, np.float32))],
               [f.tensor([64, 64])], "FillOptions")
    yield "folded", f.finish([f.op("BATCH_MATMUL", [big, big], [f.tensor([64, 64])], "BatchMatMulOptions")])


# ---- ONNX ----
def onnx_file(nodes, inputs, outputs, constants=(), opset=23, functions=()):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_empty_tensor_value_info(n) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("own", 1)],
                              functions=list(functions))
    model.producer_name = ""
    return model.SerializeToString()


def chain(operators, dtype=TensorProto.FLOAT, shape=(2, 3)):
    nodes = [helper.make_node(op, [f"t{i}"], [f"t{i + 1}"]) for i, op in enumerate(operators)]
    return onnx_file(nodes, [("t0", dtype, shape)], [f"t{len(operators)}"])


def onnx_files():
    """(name, bytes)"""
    node = helper.make_node
    normal = lambda *shape: RANDOM.normal(size=shape).astype(np.float32)  # noqa: E731
    f32 = TensorProto.FLOAT
    yield "unary", chain("Abs Neg Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Softplus Softsign "
                         "ThresholdedRelu Mish Gelu Exp Log Sqrt Reciprocal Erf Sin Cos Tan Asin Acos Atan Sinh Cosh "
                         "Asinh Acosh Atanh Ceil Floor Round Sign Identity Softmax LogSoftmax Hardmax Shrink".split())
    binary = "Add Sub Mul Div Pow PRelu Max Min Mean Sum".split()
    yield "binary", onnx_file([node(op, ["a", "b"], [f"y{i}"]) for i, op in enumerate(binary)] +
                              [node("Greater", ["a", "b"], ["c"]), node("Where", ["c", "a", "b"], ["w"]),
                               node("Mod", ["a", "b"], ["m"], fmod=1)],
                              [("a", f32, [2, 1, 3]), ("b", f32, [4, 1])], ["w", "m", "y0"])
    reduces = "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp " \
              "ReduceSumSquare".split()
    yield "reduce", onnx_file([node(op, ["a", "axes"], [f"y{i}"], keepdims=i % 2) for i, op in enumerate(reduces)] +
                              [node("ArgMax", ["a"], ["k"], axis=1), node("TopK", ["a", "two"], ["v", "i"]),
                               node("CumSum", ["a", "zero"], ["s"])],
                              [("a", f32, [2, 3, 4])], ["y0", "k", "v", "i", "s"],
                              [("axes", np.array([1, -1])), ("two", np.array([2])), ("zero", np.array(0))])
    yield "cnn", onnx_file(
        [node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 1]),
         node("BatchNormalization", ["c", "b", "b", "b", "v"], ["n"]), node("Clip", ["n", "lo", "hi"], ["r"]),
         node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], ceil_mode=1),
         node("ConvTranspose", ["p", "wt"], ["t"], strides=[2, 2], output_padding=[1, 0]),
         node("AveragePool", ["t"], ["q"], kernel_shape=[3, 3], auto_pad="SAME_UPPER", count_include_pad=1),
         node("Pad", ["q", "pads"], ["d"], mode="reflect"), node("GlobalAveragePool", ["d"], ["g"]),
         node("Flatten", ["g"], ["f"]), node("Gemm", ["f", "wd", "b"], ["y"], transB=1, alpha=0.5)],
        [("x", f32, ["N", 2, 6, 5])], ["y"],
        [("w", normal(4, 2, 3, 3)), ("b", normal(4)), ("v", np.ones(4, np.float32)), ("wt", normal(4, 3, 2, 2)),
         ("wd", normal(4, 3)), ("lo", np.float32(0)), ("hi", np.float32(6)),
         ("pads", np.array([0, 0, 1, 1, 0, 0, 1, 0]))])
    yield "cnn_1d", onnx_file(
        [node("Conv", ["x", "w"], ["c"], group=2, dilations=[2]), node("InstanceNormalization", ["c", "s", "s"], ["n"]),
         node("LpPool", ["n"], ["l"], kernel_shape=[2]), node("LRN", ["l"], ["y"], size=3)],
        [("x", f32, [1, 4, 9])], ["y"], [("w", normal(4, 2, 3)), ("s", normal(4))])
    quantized = [("sx", np.float32(0.1)), ("zx", np.int8(3)), ("sw", np.full(3, 0.02, np.float32)),
                 ("zw", np.zeros(3, np.int8)), ("w", RANDOM.integers(-99, 99, [3, 2, 3, 3]).astype(np.int8)),
                 ("b", np.array([1, 2, 3], np.int32))]
    yield "qdq", onnx_file(
        [node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]), node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
         node("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=0), node("Conv", ["xd", "wd"], ["c"]),
         node("Relu", ["c"], ["r"]), node("QuantizeLinear", ["r", "sx", "zx"], ["rq"]),
         node("DequantizeLinear", ["rq", "sx", "zx"], ["y"])], [("x", f32, [1, 2, 5, 5])], ["y"], quantized)
    yield "qlinear", onnx_file(
        [node("QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sx", "zx", "b"], ["y"], pads=[1, 1, 1, 1]),
         node("MatMulInteger", ["a", "m"], ["z"]), node("ConvInteger", ["x", "w", "zx"], ["c"]),
         node("QLinearMatMul", ["a", "sx", "zx", "m", "sx", "zx", "sx", "zx"], ["q"])],
        [("x", TensorProto.INT8, [1, 2, 5, 5]), ("a", TensorProto.INT8, [2, 4])], ["y", "z", "c", "q"],
        quantized + [("m", RANDOM.integers(-9, 9, [4, 3]).astype(np.int8))])
    yield "dynamic_quantize", onnx_file([node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])],
                                        [("x", f32, [2, 3])], ["y", "s", "z"])
    yield "moving", onnx_file(
        [node("Transpose", ["x"], ["t"], perm=[2, 0, 1]), node("Slice", ["x", "one", "big", "two", "minus"], ["s"]),
         node("Gather", ["x", "index"], ["g"], axis=1), node("Split", ["x"], ["p", "q"], axis=2, num_outputs=2),
         node("Concat", ["p", "q"], ["c"], axis=-1), node("Tile", ["x", "reps"], ["ti"]),
         node("Expand", ["x", "shape"], ["e"]), node("Unsqueeze", ["x", "two"], ["u"]), node("Squeeze", ["u"], ["v"]),
         node("Reshape", ["x", "flat"], ["r"]), node("Cast", ["x"], ["k"], to=TensorProto.INT32),
         node("Trilu", ["x"], ["l"], upper=0), node("OneHot", ["index", "depth", "pair"], ["h"]),
         node("GatherElements", ["x", "zeros"], ["ge"], axis=1), node("ScatterND", ["x", "where", "row"], ["sc"])],
        [("x", f32, [2, 3, 4])], ["t", "s", "g", "c", "ti", "e", "v", "r", "k", "l", "h", "ge", "sc"],
        [("one", np.array([1])), ("big", np.array([2 ** 62])), ("two", np.array([2])), ("minus", np.array([1])),
         ("index", np.array([2, 0])), ("reps", np.array([1, 2, 1])), ("shape", np.array([2, 1, 3, 4])),
         ("flat", np.array([0, -1])), ("depth", np.array(3)), ("pair", np.array([0, 1], np.float32)),
         ("zeros", np.zeros([2, 1, 4], np.int64)), ("where", np.array([[0, 1]])), ("row", normal(1, 4))])
    yield "shapes", onnx_file(
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "index"], ["d"]), node("Mul", ["d", "index"], ["m"]),
         node("ConstantOfShape", ["m"], ["k"]), node("Range", ["zero", "nine", "two"], ["r"]),
         node("Concat", ["s", "r"], ["c"], axis=0), node("Size", ["x"], ["z"]), node("Reshape", ["x", "minus"], ["y"])],
        [("x", f32, ["N", 3, 4])], ["y", "k", "c", "z"],
        [("index", np.array([1, 2])), ("zero", np.array(0)), ("nine", np.array(9)), ("two", np.array(2)),
         ("minus", np.array([-1, 6]))])
    yield "resize", onnx_file(
        [node("Resize", ["x", "", "scales"], ["y"], mode="linear", coordinate_transformation_mode="align_corners"),
         node("Resize", ["x", "", "", "sizes"], ["z"], mode="nearest"), node("DepthToSpace", ["x"], ["d"], blocksize=2),
         node("SpaceToDepth", ["x"], ["s"], blocksize=2)],
        [("x", f32, [1, 4, 4, 4])], ["y", "z", "d", "s"],
        [("scales", np.array([1, 1, 2, 1.5], np.float32)), ("sizes", np.array([1, 4, 3, 5]))])
    recurrent = [("w", normal(1, 8, 3)), ("r", normal(1, 8, 2)), ("b", normal(1, 16)), ("wg", normal(1, 6, 3)),
                 ("rg", normal(1, 6, 2)), ("wr", normal(1, 2, 3)), ("rr", normal(1, 2, 2))]
    for op, operands in (("LSTM", ["x", "w", "r", "b"]), ("GRU", ["x", "wg", "rg"]), ("RNN", ["x", "wr", "rr"])):
        yield op.lower(), onnx_file([node(op, operands, ["y", "h"], hidden_size=2)], [("x", f32, [3, 1, 3])],
                                    ["y", "h"], [c for c in recurrent if c[0] in operands])
    yield "attention", onnx_file(
        [node("Attention", ["q", "q", "q"], ["a"], is_causal=1), node("LayerNormalization", ["a", "s"], ["l"]),
         node("RMSNormalization", ["l", "s"], ["y"])], [("q", f32, [1, 2, 3, 4])], ["y"], [("s", normal(4))])
    yield "einsum", onnx_file([node("Einsum", ["a", "a"], ["y"], equation="ij,kj->ik")], [("a", f32, [2, 3])], ["y"])
    body = helper.make_graph(
        [node("Add", ["acc", "acc"], ["acc_out"]), node("Identity", ["go"], ["go_out"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("acc", f32, [2])],
        [helper.make_tensor_value_info("go_out", TensorProto.BOOL, []), helper.make_tensor_value_info("acc_out", f32, [2])])
    branch = lambda op: helper.make_graph([node(op, ["x"], ["b"])], "b", [],  # noqa: E731
                                          [helper.make_tensor_value_info("b", f32, [2])])
    yield "control", onnx_file(
        [node("Loop", ["three", "yes", "x"], ["l"], body=body),
         node("If", ["yes"], ["y"], then_branch=branch("Neg"), else_branch=branch("Exp"))],
        [("x", f32, [2])], ["l", "y"], [("three", np.array(3)), ("yes", np.array(True))])
    own = helper.make_function("own", "Twice", ["a"], ["c"],
                               [node("Add", ["a", "a"], ["b"]), node("Mul", ["b", "b"], ["c"])],
                               [helper.make_opsetid("", 23)])
    yield "function", onnx_file([node("Twice", ["x"], ["y"], domain="own"), node("Twice", ["y"], ["z"], domain="own")],
                                [("x", f32, [2])], ["z"], functions=[own])
    yield "opset_7", onnx_file([node("Upsample", ["x", "s"], ["u"]), node("BatchNormalization", ["u"] + ["o"] * 4, ["y"])],
                               [("x", f32, [1, 1, 2, 2])], ["y"],
                               [("s", np.array([1, 1, 2, 2], np.float32)), ("o", np.ones(1, np.float32))], opset=9)
    halves = onnx_file([node("MatMul", ["x", "w"], ["y"])], [("x", TensorProto.FLOAT16, [2, 3])], ["y"],
                       [("w", normal(3, 4).astype(np.float16))])
    yield "float16", halves
    outside = numpy_helper.from_array(normal(3, 4), "w")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="w.bin")
    outside.external_data.add(key="offset", value="16")
    model = onnx.ModelProto.FromString(halves)
    del model.graph.initializer[:]
    model.graph.initializer.append(outside)
    yield "external", model.SerializeToString()


def node_tests():
    from onnx.backend.test.case.node import collect_testcases
    for case in collect_testcases(None):
        yield case.name, case.model.SerializeToString()


# ---- the rest ----
def graph_texts(nblocks, models):
    for name, data in models:
        with tempfile.TemporaryDirectory() as folder:
            model, text = pathlib.Path(folder) / "m.onnx", pathlib.Path(folder) / "m.nb"
            model.write_bytes(data)
            for phase in ("read", "plan-memory"):
                end = subprocess.run([nblocks, "analyze", model, "--stop-after", phase, "-o", text, "-q", "--name", "m"],
                                     capture_output=True)
                if end.returncode == 0:
                    yield f"{name}_{phase}", text.read_bytes() + b"\0" + text.with_suffix(".bin").read_bytes()


def array_files():
    import io
    arrays = {"f32": normal_array(np.float32), "i8": normal_array(np.int8), "fortran": np.asfortranarray(np.eye(3)),
              "empty": np.zeros([0, 3], np.float32), "scalar": np.array(3, np.int64), "bool": np.array([True, False])}
    for name, array in arrays.items():
        out = io.BytesIO()
        np.save(out, array)
        yield "npy", name, out.getvalue()
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        out = io.BytesIO()
        save(out, **{k: arrays[k] for k in ("f32", "i8", "scalar")})
        yield "npz", name, out.getvalue()


def torch_files():
    """Archives, pickles and code of TorchScript; the code is that of a module without attributes."""
    weight = normal_array(np.float32)
    yield "torch_script", "weights", torch_archive.network(
        "y = torch.matmul(x, self.w)\nreturn torch.add(y, CONSTANTS.c0)", constants=[np.array(2.0)],
        members={"w": torch_archive.View(RANDOM.normal(size=[4, 2]).astype(np.float32)), "n": [1, "a", None, 2.5, True]})
    yield "torch_script", "state_dict", torch_archive.archive({"data.pkl": torch_archive.pickled({"w": weight})[0]})
    values = {"a": [1, -2, 3.5, None, True, 1 << 40], "b": (torch_archive.View(weight, (3, 2), (1, 3)), "text"), "c": {}}
    yield "torch_pickle", "values", torch_archive.pickled(values)[0]
    yield "torch_pickle", "object", torch_archive.pickled(torch_archive.Object("__torch__.a", "Net", w=weight))[0]
    code = {
        "plain": "return torch.relu(torch.add(x, 1, alpha=2))",
        "flow": "n = 0\nfor i in range(3):\n  if torch.eq(i, 1):\n    n = torch.add(n, i)\n  else:\n    pass\nwhile torch.lt(n, 9):\n"
                "  n = torch.mul(n, 2)\nassert n > 8, \"n is {}\"\nreturn torch.mul(x, n)",
        "lists": "a = annotate(List[int], [])\n_0 = torch.append(a, torch.size(x, -1))\nb, c, = torch.unbind(torch.reshape(x, [2, 2]))\n"
                 "d = {\"k\": [b, c]}\nreturn torch.cat(d[\"k\"][::-1])",
        "texts": "_1 = \"is {}\\t\\101\"\nif torch.__isnot__(x, None):\n  y = unchecked_cast(Tensor, x)\nelse:\n"
                 "  ops.prim.RaiseException(torch.format(_1, torch.dim(x)))\nreturn (self).twice(y, 0.5 if ops.prim.is_cpu(x) else -1e-3)",
    }
    twice = "  def twice(self: __torch__.net.Net,\n    y: Tensor,\n    k: float=1.) -> Tensor:\n    return torch.mul(y, k)\n"
    for name, body in code.items():
        lines = "\n".join("    " + line for line in body.splitlines())
        yield "torch_code", name, (f"class Net(Module):\n  __parameters__ = []\n  k : Final[int] = 3\n  def forward(self: __torch__.net.Net,\n"
                                   f"    x: Tensor) -> Tensor:\n{lines}\n{twice}").encode()


def normal_array(dtype):
    return (RANDOM.normal(size=[2, 3]) * 9).astype(dtype)


def main():
    corpus = pathlib.Path(sys.argv[1])
    is_all = "--all" in sys.argv
    nblocks = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] != "--all" else None

    def put(target, name, data):
        if len(data) > MAX_BYTES:
            if not is_all:
                print(f"left out {target}/{name}: {len(data)} bytes")
            return
        (corpus / target).mkdir(parents=True, exist_ok=True)
        (corpus / target / name).write_bytes(data)

    for name, data in tflite_files():
        put("tflite", name, data)
    models = list(onnx_files())
    for name, data in models + (list(node_tests()) if is_all else []):
        put("onnx", name, data)
    for name, data in graph_texts(nblocks, models) if nblocks else ():
        put("graph_text", name, data)
    for target, name, data in [*array_files(), *torch_files()]:
        put(target, name, data)
    for name in ("stm32h735g-dk", "rpi-pico", "cortex-m0", "host"):
        put("board", name, (ROOT / "src/target/boards" / (name + ".toml")).read_bytes())


if __name__ == "__main__":
    main()
