"""Small .tflite models written from scratch, for tests of single operators."""

import contextlib

import numpy as np

import flatbuffers
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class Tensor:
    """A tensor of a model: its index, shape, dtype and quantization (one scale and zero point, or none)."""

    def __init__(self, index, shape, dtype, scale, zero):
        self.index, self.shape, self.dtype, self.scale, self.zero = index, tuple(shape), np.dtype(dtype), scale, zero

    @property
    def is_quantized(self):
        return self.scale is not None


class Model:
    """Inputs and outputs are in the order in which they were declared. `judge` names the only
    interpreter to ask, if not the first that takes the model."""

    def __init__(self):
        self.judge = None
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "test"
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        graph = self.graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        self.model.subgraphs = [graph]
        self.inputs, self.outputs = [], []

    @contextlib.contextmanager
    def subgraph(self, shapes):
        """Another subgraph, to which tensors and operators go meanwhile: gives its index and its inputs, which are
        (shape, dtype) each. Its outputs are declared inside with output()."""
        outer = self.graph, self.inputs, self.outputs
        self.graph, self.inputs, self.outputs = schema.SubGraphT(), [], []
        graph = self.graph
        graph.name = f"subgraph{len(self.model.subgraphs)}"
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        self.model.subgraphs.append(graph)
        yield len(self.model.subgraphs) - 1, [self.input(*shape) for shape in shapes]
        self.graph, self.inputs, self.outputs = outer

    def tensor(self, shape, dtype, scale=None, zero=0, data=None, axis=None, is_variable=False, dynamic=None):
        """A tensor; with data a constant; `scale` may be a list along `axis`. The size of axis `dynamic` is unknown."""
        t = schema.TensorT()
        if dynamic is not None:
            t.shapeSignature = [-1 if i == dynamic else int(n) for i, n in enumerate(shape)]
        t.shape = [int(n) for n in shape]
        t.type = TYPES[np.dtype(dtype)]
        t.name = f"t{len(self.graph.tensors)}"
        t.buffer = 0
        t.isVariable = is_variable
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        if scale is not None:
            q = t.quantization = schema.QuantizationParametersT()
            q.scale = [float(s) for s in np.atleast_1d(scale)]
            q.zeroPoint = [int(zero)] * len(q.scale)
            q.quantizedDimension = axis or 0
        self.graph.tensors.append(t)
        one_scale = None if scale is None or np.size(scale) > 1 else float(np.float32(np.atleast_1d(scale)[0]))
        return Tensor(len(self.graph.tensors) - 1, shape, dtype, one_scale, zero)

    def input(self, shape, dtype, scale=None, zero=0):
        t = self.tensor(shape, dtype, scale, zero)
        self.inputs.append(t)
        self.graph.inputs.append(t.index)
        return t

    def output(self, shape, dtype, scale=None, zero=0):
        t = self.tensor(shape, dtype, scale, zero)
        self.outputs.append(t)
        self.graph.outputs.append(t.index)
        return t

    def constant(self, data, dtype=None, scale=None, zero=0, axis=None):
        data = np.asarray(data, dtype)
        return self.tensor(data.shape, data.dtype, scale, zero, data, axis)

    def operator(self, name, inputs, outputs, options=None, version=1):
        """An operator by its BuiltinOperator name; `inputs` may hold None. `options` is (name of the union's
        member, its fields)."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.model.operatorCodes) - 1
        while inputs[-1] is None and "_SEQUENCE_" not in name:
            inputs = inputs[:-1]
        op.inputs = [-1 if t is None else t.index for t in inputs]
        op.outputs = [t.index for t in outputs]
        if options:
            kind, fields = options
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = getattr(schema, kind + "T")()
            for field, value in fields.items():
                if not hasattr(op.builtinOptions, field):
                    raise ValueError(f"{kind} has no {field}")
                setattr(op.builtinOptions, field, value)
        self.graph.operators.append(op)

    def bytes(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
