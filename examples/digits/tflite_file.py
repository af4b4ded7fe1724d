"""Writes a chain of int8 layers as a .tflite file with the schema's own accessors, and runs such a file.

Quantization as TensorFlow Lite states it: activations asymmetric int8, one scale; convolution weights
symmetric int8, one scale an output channel; dense weights symmetric int8, one scale; bias int32 with scale
input * weight.
"""
import flatbuffers
import numpy as np
import tflite


def activation_range(values):
    """(scale, zero_point) of an int8 tensor that covers `values` and holds 0 exactly."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = np.float32((high - low) / 255)
    return scale, int(np.clip(round(-128 - low / float(scale)), -128, 127))


def _table(builder, name, **fields):
    """Writes table `name`; offsets among `fields` are written before the call."""
    getattr(tflite, name + "Start")(builder)
    for field, value in fields.items():
        getattr(tflite, name + "Add" + field)(builder, value)
    return getattr(tflite, name + "End")(builder)


def _offsets(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _bytes(builder, raw):
    """A vector of bytes aligned to 16, as the schema asks of a buffer's content."""
    builder.StartVector(1, len(raw), 16)
    builder.head -= len(raw)
    builder.Bytes[builder.head:builder.head + len(raw)] = raw
    return builder.EndVector()


class Int8Model:
    """A model of one input and one output whose layers follow each other."""

    def __init__(self, input_name, shape, quantization):
        self.builder = flatbuffers.Builder(16384)
        self.buffers = [_table(self.builder, "Buffer")]  # buffer 0 is empty by the schema's rule
        self.tensors, self.operators, self.codes = [], [], []
        self.current = self._activation(input_name, shape, quantization)

    def conv2d(self, name, weights, bias, quantization):
        """Stride 1, SAME padding, ReLU. `weights` OHWI float, `bias` (O) float."""
        options = dict(Padding=tflite.Padding.SAME, StrideW=1, StrideH=1, DilationWFactor=1,
                       DilationHFactor=1, FusedActivationFunction=tflite.ActivationFunctionType.RELU)
        self._weighted("CONV_2D", 1, "Conv2DOptions", options, name, weights, bias, 0,
                       (*self.shape[:3], len(bias)), quantization)

    def depthwise_conv2d(self, name, weights, bias, quantization):
        """Stride 1, SAME padding, multiplier 1, ReLU. `weights` 1HWC float, `bias` (C) float."""
        options = dict(Padding=tflite.Padding.SAME, StrideW=1, StrideH=1, DilationWFactor=1,
                       DilationHFactor=1, DepthMultiplier=1,
                       FusedActivationFunction=tflite.ActivationFunctionType.RELU)
        self._weighted("DEPTHWISE_CONV_2D", 1, "DepthwiseConv2DOptions", options, name, weights, bias, 3,
                       self.shape, quantization)

    def dense(self, name, weights, bias, quantization):
        """`weights` (O, I) float, `bias` (O) float; no activation."""
        options = dict(FusedActivationFunction=tflite.ActivationFunctionType.NONE)
        self._weighted("FULLY_CONNECTED", 1, "FullyConnectedOptions", options, name, weights, bias, None,
                       (1, len(bias)), quantization)

    def max_pool(self, name):
        """2x2 window, stride 2; scale and zero point are those of the input."""
        batch, height, width, channels = self.shape
        output = self._activation(name, (batch, height // 2, width // 2, channels), self.quantization)
        options = dict(Padding=tflite.Padding.VALID, StrideW=2, StrideH=2, FilterWidth=2, FilterHeight=2,
                       FusedActivationFunction=tflite.ActivationFunctionType.NONE)
        self._operator("MAX_POOL_2D", 2, "Pool2DOptions", options, [self.current], output)

    def flatten(self, name):
        """Reshape to (1, everything)."""
        shape = (1, int(np.prod(self.shape)))
        target = self._constant(name + "/shape", np.array(shape, np.int32), tflite.TensorType.INT32, None)
        source = self.current
        output = self._activation(name, shape, self.quantization)
        new_shape = self.builder.CreateNumpyVector(np.array(shape, np.int32))
        self._operator("RESHAPE", 1, "ReshapeOptions", dict(NewShape=new_shape), [source, target], output)

    def finish(self, description):
        """Bytes of the file; the last layer's tensor is the output."""
        b = self.builder
        ends = [b.CreateNumpyVector(np.array([index], np.int32)) for index in (0, self.current)]
        vectors = {name: _offsets(b, offsets) for name, offsets in
                   (("tensors", self.tensors), ("operators", self.operators), ("buffers", self.buffers))}
        name = b.CreateString("main")
        graph = _table(b, "SubGraph", Tensors=vectors["tensors"], Inputs=ends[0], Outputs=ends[1],
                       Operators=vectors["operators"], Name=name)
        graphs = _offsets(b, [graph])
        codes = _offsets(b, [_table(b, "OperatorCode", DeprecatedBuiltinCode=code, BuiltinCode=code,
                                    Version=version) for code, version in self.codes])
        text = b.CreateString(description)
        model = _table(b, "Model", Version=3, OperatorCodes=codes, Subgraphs=graphs, Description=text,
                       Buffers=vectors["buffers"])
        b.Finish(model, b"TFL3")
        return bytes(b.Output())

    def _weighted(self, code, version, table, options, name, weights, bias, axis, shape, quantization):
        """A layer with weights; `axis` is the weights' output channel axis, None for one scale in all."""
        others = tuple(i for i in range(weights.ndim) if i != axis) if axis is not None else None
        scale = np.atleast_1d(np.abs(weights).max(axis=others) / 127).astype(np.float32)
        if not scale.all():
            raise ValueError(f"{name}: a channel has only zero weights, so it has no scale")
        broadcast = scale.reshape([-1 if i == axis else 1 for i in range(weights.ndim)])
        integers = np.clip(np.round(weights / broadcast), -127, 127).astype(np.int8)
        bias_scale = np.float32(self.quantization[0]) * scale
        bias_integers = np.round(bias / bias_scale).astype(np.int32)
        source = self.current
        kernel = self._constant(name + "/weights", integers, tflite.TensorType.INT8, scale, axis or 0)
        offset = self._constant(name + "/bias", bias_integers, tflite.TensorType.INT32, bias_scale)
        output = self._activation(name, shape, quantization)
        self._operator(code, version, table, options, [source, kernel, offset], output)

    def _activation(self, name, shape, quantization):
        index = self._tensor(name, shape, tflite.TensorType.INT8, 0, [quantization[0]], [quantization[1]], 0)
        self.shape, self.quantization = tuple(shape), quantization
        return index

    def _constant(self, name, values, dtype, scale, axis=0):
        content = _bytes(self.builder, np.ascontiguousarray(values).tobytes())
        self.buffers.append(_table(self.builder, "Buffer", Data=content))
        zeros = None if scale is None else np.zeros(len(scale))
        return self._tensor(name, values.shape, dtype, len(self.buffers) - 1, scale, zeros, axis)

    def _tensor(self, name, shape, dtype, buffer, scale, zero_point, axis):
        b = self.builder
        fields = dict(Shape=b.CreateNumpyVector(np.array(shape, np.int32)), Type=dtype, Buffer=buffer,
                      Name=b.CreateString(name))
        if scale is not None:
            scales = b.CreateNumpyVector(np.array(scale, np.float32))
            zeros = b.CreateNumpyVector(np.array(zero_point, np.int64))
            fields["Quantization"] = _table(b, "QuantizationParameters", Scale=scales, ZeroPoint=zeros,
                                            QuantizedDimension=axis)
        self.tensors.append(_table(b, "Tensor", **fields))
        return len(self.tensors) - 1

    def _operator(self, code, version, table, options, inputs, output):
        b = self.builder
        key = (getattr(tflite.BuiltinOperator, code), version)
        if key not in self.codes:
            self.codes.append(key)
        operands = b.CreateNumpyVector(np.array(inputs, np.int32))
        results = b.CreateNumpyVector(np.array([output], np.int32))
        written = _table(b, table, **options)
        self.operators.append(_table(b, "Operator", OpcodeIndex=self.codes.index(key), Inputs=operands,
                                     Outputs=results, BuiltinOptions=written,
                                     BuiltinOptionsType=getattr(tflite.BuiltinOptions, table)))
        self.current = output


def run_tflite(path, x):
    """Quantizes each row of float `x` and runs it; returns (int8 inputs, int8 outputs), one row a sample.

    The interpreter is TensorFlow Lite Micro's with its reference kernels."""
    from tflite_micro import runtime
    interpreter = runtime.Interpreter.from_file(str(path))
    details = interpreter.get_input_details(0)["quantization_parameters"]
    scale, zero_point = np.float32(details["scales"][0]), int(details["zero_points"][0])
    inputs = np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)
    outputs = []
    for row in inputs:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        outputs.append(np.array(interpreter.get_output(0)[0]))
    return inputs, np.stack(outputs)
