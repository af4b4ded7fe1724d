"""The operators of tflite_ops.py: for each a function from a random generator to a model."""

import functools

import numpy as np

from tflite_builder import Model, schema
from tflite_recurrent import both_lstm, lstm, sequence_rnn, while_gru, while_small
from tflite_scales import (NAMES, NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, biased_layer,
                           output_quantization, quantization, weights_scales, window_output)


def conv(rng, dtype, per_channel=True, bias=True, groups=1, int32_bias=False):
    m = Model()
    kh, kw = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    stride = [int(s) for s in rng.integers(1, 3, 2)]
    dilation = [int(d) for d in rng.integers(1, 3, 2)] if stride == [1, 1] else [1, 1]
    h, w = int(rng.integers(6, 11)), int(rng.integers(6, 11))
    cin = int(rng.integers(1, 9)) * groups
    cout = int(rng.integers(1, 9)) * groups
    padding, activation = int(rng.integers(0, 2)), int(rng.choice([NONE, RELU, RELU6]))
    x = m.input((1, h, w, cin), dtype, *quantization(rng, dtype))
    weights, b, deviation = biased_layer(rng, m, x, (cout, kh, kw, cin // groups), 0, per_channel, bias, int32_bias)
    oh, ow = (window_output(n, k, s, d, padding) for n, k, s, d in zip((h, w), (kh, kw), stride, dilation))
    y = m.output((1, oh, ow, cout), dtype, *output_quantization(rng, dtype, deviation))
    m.operator("CONV_2D", [x, weights, b], [y], ("Conv2DOptions", dict(
        padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], fusedActivationFunction=activation)), version=3)
    return m


def depthwise(rng, dtype, multiplier=1, bias=True):
    m = Model()
    kh, kw = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    stride = [int(rng.integers(1, 3))] * 2
    dilation = [int(d) for d in rng.integers(1, 3, 2)] if stride == [1, 1] else [1, 1]
    h, w, c = int(rng.integers(6, 11)), int(rng.integers(6, 11)), int(rng.integers(1, 9))
    padding, activation = int(rng.integers(0, 2)), int(rng.choice([NONE, RELU, RELU6]))
    x = m.input((1, h, w, c), dtype, *quantization(rng, dtype))
    weights, b, deviation = biased_layer(rng, m, x, (1, kh, kw, c * multiplier), 3, True, bias)
    oh, ow = (window_output(n, k, s, d, padding) for n, k, s, d in zip((h, w), (kh, kw), stride, dilation))
    y = m.output((1, oh, ow, c * multiplier), dtype, *output_quantization(rng, dtype, deviation))
    m.operator("DEPTHWISE_CONV_2D", [x, weights, b], [y], ("DepthwiseConv2DOptions", dict(
        padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], depthMultiplier=multiplier, fusedActivationFunction=activation)), version=3)
    return m


def transpose_conv(rng, dtype, bias=True):
    m = Model()
    kh, kw = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    stride = [int(s) for s in rng.integers(1, 4, 2)]
    h, w = int(rng.integers(2, 6)), int(rng.integers(2, 6))
    cin, cout = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    padding = int(rng.integers(0, 2))
    if padding == SAME:
        oh, ow = h * stride[0], w * stride[1]
    else:
        oh, ow = valid_transposed(h, stride[0], kh), valid_transposed(w, stride[1], kw)
    shape = m.constant([1, oh, ow, cout], np.int32)
    x = m.input((1, h, w, cin), dtype, *quantization(rng, dtype))
    weights, b, deviation = biased_layer(rng, m, x, (cout, kh, kw, cin), 0, True, bias)
    y = m.output((1, oh, ow, cout), dtype, *output_quantization(rng, dtype, deviation))
    m.operator("TRANSPOSE_CONV", [shape, weights, x] + ([b] if bias else []), [y], ("TransposeConvOptions", dict(
        padding=padding, strideH=stride[0], strideW=stride[1])), version=3)
    return m


def valid_transposed(size, stride, kernel):
    return (size - 1) * stride + max(kernel, stride)


def dense(rng, dtype, per_channel=False, bias=True, int32_bias=False):
    m = Model()
    rows, inputs, outputs = int(rng.integers(1, 4)), int(rng.integers(1, 70)), int(rng.integers(1, 20))
    x = m.input((rows, inputs), dtype, *quantization(rng, dtype))
    weights, b, deviation = biased_layer(rng, m, x, (outputs, inputs), 0, per_channel, bias, int32_bias)
    y = m.output((rows, outputs), dtype, *output_quantization(rng, dtype, deviation))
    m.operator("FULLY_CONNECTED", [x, weights, b], [y], ("FullyConnectedOptions", dict(
        fusedActivationFunction=int(rng.choice([NONE, RELU, RELU6])))), version=4)
    return m


def batch_matmul(rng, dtype, adj_x=False, adj_y=False, constant=False):
    m = Model()
    n, rows, inner, columns = (int(v) for v in rng.integers(1, 9, 4))
    x_shape = (n, inner, rows) if adj_x else (n, rows, inner)
    y_shape = (n, columns, inner) if adj_y else (n, inner, columns)
    a = m.input(x_shape, dtype, *quantization(rng, dtype))
    if constant:
        values = rng.integers(-127, 128, y_shape) if dtype != np.float32 else rng.standard_normal(y_shape)
        scale, zero = quantization(rng, dtype)
        b = m.constant(values, dtype, scale, zero)
    else:
        b = m.input(y_shape, dtype, *quantization(rng, dtype))
    deviation = 1.0
    if dtype != np.float32:
        spread = 74 if dtype == np.int8 else 19000
        b_spread = 74 if constant or dtype == np.int8 else 19000
        deviation = a.scale * b.scale * spread * b_spread * np.sqrt(inner)
    y = m.output((n, rows, columns), dtype, *output_quantization(rng, dtype, deviation))
    m.operator("BATCH_MATMUL", [a, b], [y], ("BatchMatMulOptions", dict(adjX=adj_x, adjY=adj_y)), version=2)
    return m


def pool(rng, dtype, name):
    m = Model()
    h, w, c = (int(v) for v in rng.integers(4, 10, 3))
    kh, kw = (int(v) for v in rng.integers(1, 5, 2))
    stride = [int(s) for s in rng.integers(1, 4, 2)]
    padding = int(rng.integers(0, 2))
    q = quantization(rng, dtype)
    x = m.input((1, h, w, c), dtype, *q)
    oh, ow = (window_output(n, k, s, 1, padding) for n, k, s in zip((h, w), (kh, kw), stride))
    y = m.output((1, oh, ow, c), dtype, *q)
    m.operator(name, [x], [y], ("Pool2DOptions", dict(
        padding=padding, strideH=stride[0], strideW=stride[1], filterHeight=kh, filterWidth=kw,
        fusedActivationFunction=int(rng.choice([NONE, RELU, RELU6])))), version=2)
    return m


def softmax(rng, dtype, to=None):
    m = Model()
    to = to or dtype
    x = m.input((int(rng.integers(1, 5)), int(rng.integers(2, 40))), dtype, *quantization(rng, dtype, 0.01, 0.3))
    q = {np.float32: (None, 0), np.int8: (1 / 256, -128), np.int16: (1 / 32768, 0)}[to]
    if to == np.int16 and dtype == np.int8:
        q = (1 / 65536, -32768)
    y = m.output(x.shape, to, *q)
    beta = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.3, 2))
    m.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", dict(beta=beta)), version=2)
    return m


def log_softmax(rng, dtype):
    m = Model()
    x = m.input((int(rng.integers(1, 5)), int(rng.integers(2, 40))), dtype, *quantization(rng, dtype, 0.01, 0.3))
    y = m.output(x.shape, dtype, *((16 / 256, 127) if dtype == np.int8 else (None, 0)))
    m.operator("LOG_SOFTMAX", [x], [y], ("LogSoftmaxOptions", {}), version=2)
    return m


def unary(rng, dtype, name, options=None, y_q=None, x_range=None, same=False, version=2):
    m = Model()
    q = quantization(rng, dtype)
    x = m.input((1, 4, int(rng.integers(20, 60))), dtype, *q)
    if x_range:
        x.range = x_range
    y = m.output(x.shape, dtype, *(q if same else (y_q if y_q else quantization(rng, dtype)) if q[0] else q))
    m.operator(name, [x], [y], options, version=version)
    return m


def leaky_relu(rng, dtype):
    return unary(rng, dtype, "LEAKY_RELU", ("LeakyReluOptions", dict(alpha=float(rng.uniform(-0.2, 0.9)))))


def binary(rng, dtype, name, options=None, shapes=None, same=False, to=None, symmetric=False, x_range=None):
    m = Model()
    shape = tuple(int(v) for v in rng.integers(2, 7, 4))
    if shapes is None:
        shapes = [(shape, shape), (shape, (1,) * 4), ((1, 1, 1, shape[3]), shape), ((shape[0], 1, shape[2], 1), shape)][
            int(rng.integers(0, 4))]
    q = quantization(rng, dtype)
    if symmetric:
        q = q[0], 0
    a = m.input(shapes[0], dtype, *q)
    b = m.input(shapes[1], dtype, *(q if same else quantization(rng, dtype)))
    if symmetric:
        m.graph.tensors[b.index].quantization and setattr(m.graph.tensors[b.index].quantization, "zeroPoint", [0])
    if x_range:
        a.range = b.range = x_range
    if to is not None:
        y_q = (None, 0)
    elif same:
        y_q = q
    elif name == "MUL" and dtype != np.float32:
        spread = 74 if dtype != np.int16 else 19000
        y_q = output_quantization(rng, dtype, a.scale * b.scale * spread * spread)
    else:
        y_q = quantization(rng, dtype)
    y = m.output(np.broadcast_shapes(*shapes), to or dtype, *y_q)
    if options is not None and "fusedActivationFunction" in options[1]:
        options[1]["fusedActivationFunction"] = int(rng.choice([NONE, RELU, RELU6]))
    m.operator(name, [a, b], [y], options, version=2)
    return m


def arithmetic(name):
    kind = name.capitalize() + "Options"
    return lambda rng, dtype: binary(rng, dtype, name, (kind, dict(fusedActivationFunction=0)))


def div(rng, dtype):
    """Operands are well above zero: the interpreter's quotients by 0, or too small for 32 bits, are undefined."""
    m = Model()
    shape = tuple(int(v) for v in rng.integers(2, 7, 3))
    q = (None, 0) if dtype == np.float32 else (float(rng.uniform(0.01, 0.1)), -128)
    a = m.input(shape, dtype, *q)
    a.range = (-3, 3) if dtype == np.float32 else (-100, 127)
    b = m.input(shape, dtype, *((None, 0) if dtype == np.float32 else (float(rng.uniform(0.01, 0.1)), -128)))
    b.range = (0.5, 3) if dtype == np.float32 else (-100, 127)
    y_q = q if dtype == np.float32 else (a.scale / b.scale * float(rng.uniform(0.01, 0.05)), int(rng.integers(-50, 50)))
    y = m.output(shape, dtype, *y_q)
    m.operator("DIV", [a, b], [y], ("DivOptions", dict(fusedActivationFunction=int(rng.choice([NONE, RELU])))), version=2)
    return m


def rsqrt(rng, dtype):
    m = Model()
    x = m.input((2, 60), dtype, float(rng.uniform(0.01, 0.1)), -128)
    x.range = (-120, 127)
    m.operator("RSQRT", [x], [m.output(x.shape, dtype, float(rng.uniform(0.005, 0.02)), -128)], version=2)
    return m


def reduce(rng, dtype, name):
    m = Model()
    shape = tuple(int(v) for v in rng.integers(2, 6, 4))
    axes = sorted(rng.choice(4, int(rng.integers(1, 4)), replace=False).tolist())
    keeps = bool(rng.random() < 0.5)
    q = quantization(rng, dtype)
    x = m.input(shape, dtype, *q)
    out = [1 if i in axes else n for i, n in enumerate(shape)] if keeps else [
        n for i, n in enumerate(shape) if i not in axes]
    same = name.startswith("REDUCE") or rng.random() < 0.3
    y_q = q if same or q[0] is None else quantization(rng, dtype)
    if name == "SUM" and q[0] is not None:
        y_q = (q[0] * 10, y_q[1])
    y = m.output(out, dtype, *y_q)
    m.operator(name, [x, m.constant(axes, np.int32)], [y], ("ReducerOptions", dict(keepDims=keeps)), version=2)
    return m


def arg(rng, dtype, name):
    m = Model()
    shape = tuple(int(v) for v in rng.integers(2, 6, 3))
    x = m.input(shape, dtype, *quantization(rng, dtype))
    axis = int(rng.integers(0, 3))
    y = m.output([n for i, n in enumerate(shape) if i != axis], np.int32)
    kind = "ArgMaxOptions" if name == "ARG_MAX" else "ArgMinOptions"
    m.operator(name, [x, m.constant(axis, np.int32)], [y], (kind, dict(outputType=schema.TensorType.INT32)))
    return m


def resize(rng, dtype, name, align=False, half=False):
    m = Model()
    h, w, c = (int(v) for v in rng.integers(2, 6, 3))
    size = [int(v) for v in rng.integers(1, 12, 2)]
    q = quantization(rng, dtype)
    x = m.input((1, h, w, c), dtype, *q)
    y = m.output((1, *size, c), dtype, *q)
    kind = {"RESIZE_BILINEAR": "ResizeBilinearOptions", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions"}[name]
    m.operator(name, [x, m.constant(size, np.int32)], [y], (kind, dict(alignCorners=align, halfPixelCenters=half)),
               version=3)
    return m


def pad(rng, dtype, name="PAD", mode=0):
    m = Model()
    shape = tuple(int(v) for v in rng.integers(3, 6, 4))
    pads = rng.integers(0, 3, (4, 2))
    if name == "MIRROR_PAD":
        pads[0] = 0
    q = quantization(rng, dtype)
    x = m.input(shape, dtype, *q)
    y = m.output([n + int(p.sum()) for n, p in zip(shape, pads)], dtype, *q)
    operands = [x, m.constant(pads, np.int32)]
    options = ("PadOptions", {})
    if name == "PADV2":
        value = rng.integers(-100, 100, 1) if dtype != np.float32 else rng.standard_normal(1)
        operands.append(m.constant(value, dtype, *q))
        options = ("PadV2Options", {})
    if name == "MIRROR_PAD":
        options = ("MirrorPadOptions", dict(mode=mode))
    m.operator(name, operands, [y], options, version=2)
    return m


def concatenation(rng, dtype):
    m = Model()
    axis = int(rng.integers(0, 3))
    base = [int(v) for v in rng.integers(2, 6, 3)]
    q = quantization(rng, dtype)
    inputs = []
    for _ in range(3):
        shape = list(base)
        shape[axis] = int(rng.integers(1, 6))
        inputs.append(m.input(shape, dtype, *q))
    out = list(base)
    out[axis] = sum(t.shape[axis] for t in inputs)
    m.operator("CONCATENATION", inputs, [m.output(out, dtype, *q)], ("ConcatenationOptions", dict(axis=axis)), version=2)
    return m


def split(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    axis = int(rng.integers(0, 3))
    shape = [int(v) for v in rng.integers(2, 5, 3)]
    part = list(shape)
    shape[axis] *= 3
    x = m.input(shape, dtype, *q)
    m.operator("SPLIT", [m.constant(axis, np.int32), x], [m.output(part, dtype, *q) for _ in range(3)],
               ("SplitOptions", dict(numSplits=3)), version=2)
    return m


def transpose(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    shape = [int(v) for v in rng.integers(2, 6, 4)]
    order = rng.permutation(4).tolist()
    x = m.input(shape, dtype, *q)
    y = m.output([shape[i] for i in order], dtype, *q)
    m.operator("TRANSPOSE", [x, m.constant(order, np.int32)], [y], ("TransposeOptions", {}), version=2)
    return m


def strided_slice(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    shape = [int(v) for v in rng.integers(4, 8, 3)]
    begin = [int(rng.integers(0, 2)) for _ in shape]
    end = [int(rng.integers(3, n + 1)) for n in shape]
    step = [int(rng.integers(1, 3)) for _ in shape]
    x = m.input(shape, dtype, *q)
    y = m.output([len(range(b, e, s)) for b, e, s in zip(begin, end, step)], dtype, *q)
    m.operator("STRIDED_SLICE", [x] + [m.constant(v, np.int32) for v in (begin, end, step)], [y],
               ("StridedSliceOptions", {}), version=2)
    return m


def quantize(rng, dtype, to):
    m = Model()
    q = quantization(rng, dtype)
    to_q = quantization(rng, to)
    if dtype == np.int16 and to == np.int8:
        to_q = (q[0] * 200, to_q[1])
    if to == np.int32:
        to_q = (q[0] * 0.01, 0)
    x = m.input((2, 50), dtype, *q)
    m.operator("QUANTIZE", [x], [m.output(x.shape, to, *to_q)], ("QuantizeOptions", {}), version=2)
    return m


def dequantize(rng, dtype):
    m = Model()
    x = m.input((2, 50), dtype, *quantization(rng, dtype))
    m.operator("DEQUANTIZE", [x], [m.output(x.shape, np.float32)], ("DequantizeOptions", {}), version=3)
    return m


def prelu(rng, dtype):
    m = Model()
    c = int(rng.integers(2, 9))
    x = m.input((1, 4, 5, c), dtype, *quantization(rng, dtype))
    if dtype == np.float32:
        alpha = m.constant(rng.uniform(-0.5, 1, (1, 1, c)), np.float32)
    else:
        alpha = m.constant(rng.integers(-128, 128, (1, 1, c)), np.int8, 0.006, int(rng.integers(-20, 20)))
    m.operator("PRELU", [x, alpha], [m.output(x.shape, dtype, *quantization(rng, dtype))])
    return m


def comparison(rng, dtype, name, kind):
    return binary(rng, dtype, name, (kind, {}), to=np.bool_)


def l2_normalization(rng, dtype):
    m = Model()
    x = m.input((2, 3, int(rng.integers(2, 20))), dtype, *quantization(rng, dtype))
    y = m.output(x.shape, dtype, *((1 / 128, 0) if dtype == np.int8 else (None, 0)))
    m.operator("L2_NORMALIZATION", [x], [y], ("L2NormOptions", {}), version=2)
    return m


def cumsum(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    x = m.input((3, 4, 5), dtype, *q)
    y_q = (q[0] * 3, 5) if q[0] else q
    m.operator("CUMSUM", [x, m.constant(int(rng.integers(0, 3)), np.int32)], [m.output(x.shape, dtype, *y_q)], (
        "CumsumOptions", dict(exclusive=bool(rng.integers(0, 2)), reverse=bool(rng.integers(0, 2)))))
    return m


def add_n(rng, dtype):
    m = Model()
    inputs = [m.input((3, 7), dtype, *quantization(rng, dtype)) for _ in range(3)]
    m.operator("ADD_N", inputs, [m.output((3, 7), dtype, *quantization(rng, dtype))], ("AddNOptions", {}))
    return m


def moved(rng, dtype, name, out, options=None, extra=(), judge=None):
    """An operator that moves the elements of (1, 4, 6, 8)."""
    m = Model()
    m.judge = judge
    q = quantization(rng, dtype)
    x = m.input((1, 4, 6, 8), dtype, *q)
    m.operator(name, [x] + [m.constant(v, np.int32) for v in extra], [m.output(out, dtype, *q)], options)
    return m


def gather(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    x = m.input((5, 4, 3), dtype, *q)
    i = m.constant(rng.integers(0, 4, (2, 3)), np.int32)
    m.operator("GATHER", [x, i], [m.output((5, 2, 3, 3), dtype, *q)], ("GatherOptions", dict(axis=1)))
    return m


def select(rng, dtype):
    m = Model()
    q = quantization(rng, dtype)
    c, a, b = m.input((3, 4), np.bool_), m.input((3, 4), dtype, *q), m.input((3, 4), dtype, *q)
    m.operator("SELECT_V2", [c, a, b], [m.output((3, 4), dtype, *q)], ("SelectV2Options", {}))
    return m


def all_cases():
    """(name, function from a generator to a model) of every case."""
    f32, i8, i16 = np.float32, np.int8, np.int16
    cases = []

    def add(make, dtypes, name, *args, **kwargs):
        for dtype in dtypes:
            cases.append((f"{name}_{NAMES[dtype]}", functools.partial(_call, make, dtype, args, kwargs)))

    every = [f32, i8, i16]
    add(conv, every, "conv2d")
    add(conv, [i8, i16], "conv2d_per_tensor", per_channel=False)
    add(conv, [i8, i16], "conv2d_no_bias", bias=False)
    add(conv, [f32, i8], "conv2d_groups", groups=2)
    add(conv, [i16], "conv2d_bias32", int32_bias=True)
    add(depthwise, every, "depthwise_conv2d")
    add(depthwise, every, "depthwise_conv2d_multiplier", multiplier=3)
    add(depthwise, [i8, i16], "depthwise_conv2d_no_bias", bias=False)
    add(transpose_conv, every, "transpose_conv")
    add(transpose_conv, [i8, i16], "transpose_conv_no_bias", bias=False)
    add(dense, every, "fully_connected")
    add(dense, [i8, i16], "fully_connected_per_channel", per_channel=True)
    add(dense, [i8, i16], "fully_connected_no_bias", bias=False)
    add(dense, [i16], "fully_connected_bias32", int32_bias=True)
    for adj_x in (False, True):
        for adj_y in (False, True):
            add(batch_matmul, every, f"batch_matmul_{int(adj_x)}{int(adj_y)}", adj_x=adj_x, adj_y=adj_y)
    add(batch_matmul, [f32, i8], "batch_matmul_constant", constant=True)
    for name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        add(pool, every, name.lower(), name)
    add(pool, [f32], "l2_pool_2d", "L2_POOL_2D")
    add(softmax, every, "softmax")
    add(softmax, [i8], "softmax_to_i16", to=i16)
    add(log_softmax, [f32, i8], "log_softmax")
    add(unary, [f32], "logistic", "LOGISTIC")
    add(unary, [i8], "logistic", "LOGISTIC", y_q=(1 / 256, -128))
    add(unary, [i16], "logistic", "LOGISTIC", y_q=(1 / 32768, 0))
    add(unary, [f32], "tanh", "TANH")
    add(unary, [i8], "tanh", "TANH", y_q=(1 / 128, 0))
    add(unary, [i16], "tanh", "TANH", y_q=(1 / 32768, 0))
    add(leaky_relu, every, "leaky_relu")
    add(prelu, [f32, i8], "prelu")
    add(unary, every, "relu", "RELU")
    add(unary, [f32, i8], "relu6", "RELU6", same=True)
    for name in ("HARD_SWISH", "ELU"):
        add(unary, [f32, i8], name.lower(), name)
    add(unary, [f32, i8, i16], "abs", "ABS", ("AbsOptions", {}))
    for name, x_range in (("EXP", None), ("LOG", (0.1, 5)), ("SQRT", (0.0, 9)), ("RSQRT", (0.1, 9)), ("SIN", None),
                          ("COS", None), ("NEG", None), ("SQUARE", None), ("FLOOR", None), ("CEIL", None), ("ROUND", None)):
        add(unary, [f32], name.lower(), name, x_range=x_range, version=1)
    for approximate in (False, True):
        add(unary, [f32, i8], f"gelu_{int(approximate)}", "GELU", ("GeluOptions", dict(approximate=approximate)))
    add(rsqrt, [i8], "rsqrt")
    for name in ("ADD", "SUB", "MUL"):
        add(arithmetic(name), every, name.lower())
    add(div, [f32, i8], "div")
    add(binary, [f32, i8], "squared_difference", "SQUARED_DIFFERENCE", ("SquaredDifferenceOptions", {}))
    for name in ("MAXIMUM", "MINIMUM"):
        add(binary, every, name.lower(), name, ("MaximumMinimumOptions", {}), same=True)
    for name, kind in (("EQUAL", "EqualOptions"), ("NOT_EQUAL", "NotEqualOptions"), ("LESS", "LessOptions"),
                       ("LESS_EQUAL", "LessEqualOptions"), ("GREATER", "GreaterOptions"),
                       ("GREATER_EQUAL", "GreaterEqualOptions")):
        add(comparison, [f32, i8], name.lower(), name, kind)
    add(binary, [f32], "floor_div", "FLOOR_DIV", ("FloorDivOptions", {}), x_range=(1, 9))
    add(binary, [f32], "floor_mod", "FLOOR_MOD", ("FloorModOptions", {}), x_range=(1, 9))
    for name in ("MEAN", "SUM"):
        add(reduce, every, name.lower(), name)
    for name in ("REDUCE_MAX", "REDUCE_MIN"):
        add(reduce, every, name.lower(), name)
    for name in ("ARG_MAX", "ARG_MIN"):
        add(arg, [f32, i8], name.lower(), name)
    for align, half in ((False, False), (True, False), (False, True)):
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
            add(resize, every, f"{name.lower()}_{int(align)}{int(half)}", name, align=align, half=half)
    add(pad, every, "pad")
    add(pad, every, "padv2", "PADV2")
    for mode in (0, 1):
        add(pad, [f32, i8], f"mirror_pad_{mode}", "MIRROR_PAD", mode)
    add(concatenation, every, "concatenation")
    add(split, every, "split")
    add(transpose, every, "transpose")
    add(strided_slice, every, "strided_slice")
    add(gather, [f32, i8, i16], "gather")
    add(select, [f32, i8, i16], "select_v2")
    for dtype, to in ((f32, i8), (f32, i16), (i8, i8), (i16, i16), (i16, i8), (i8, i16), (i8, np.int32), (i16, np.int32),
                      (np.uint8, i8), (i8, np.uint8)):
        add(quantize, [dtype], f"quantize_to_{NAMES[to]}", to)
    add(dequantize, [i8, i16, np.uint8], "dequantize")
    add(l2_normalization, [f32, i8], "l2_normalization")
    add(cumsum, [f32, i8], "cumsum")
    add(add_n, [f32], "add_n")
    add(moved, every, "reshape", "RESHAPE", (4, 48), ("ReshapeOptions", dict(newShape=[4, 48])), [[4, 48]])
    add(moved, every, "squeeze", "SQUEEZE", (4, 6, 8), ("SqueezeOptions", dict(squeezeDims=[0])))
    add(moved, every, "expand_dims", "EXPAND_DIMS", (1, 1, 4, 6, 8), ("ExpandDimsOptions", {}), [[1]])
    add(moved, [f32, i8], "space_to_depth", "SPACE_TO_DEPTH", (1, 2, 3, 32), ("SpaceToDepthOptions", dict(blockSize=2)))
    add(moved, [f32, i8], "depth_to_space", "DEPTH_TO_SPACE", (1, 8, 12, 2), ("DepthToSpaceOptions", dict(blockSize=2)))
    # The interpreter of the first judge pads int8 with 0 instead of the zero point.
    add(moved, [f32, i8], "space_to_batch_nd", "SPACE_TO_BATCH_ND", (6, 3, 2, 8), ("SpaceToBatchNDOptions", {}),
        [[2, 3], [[1, 1], [0, 0]]], judge="litert")
    add(moved, every, "tile", "TILE", (1, 8, 6, 24), ("TileOptions", {}), [[1, 2, 1, 3]])
    add(moved, every, "slice", "SLICE", (1, 2, 3, 5), ("SliceOptions", {}), [[0, 1, 2, 3], [1, 2, 3, 5]])
    add(moved, [f32, i8], "broadcast_to", "BROADCAST_TO", (3, 4, 6, 8), ("BroadcastToOptions", {}), [[3, 4, 6, 8]])
    add(lstm, every, "lstm")
    add(lstm, every, "lstm_time_major", time_major=True)
    add(lstm, [i8, i16], "lstm_clip", clip=0.6)
    add(sequence_rnn, [f32], "sequence_rnn")
    add(sequence_rnn, [f32], "sequence_rnn_relu", time_major=True, activation=1)
    add(sequence_rnn, [f32], "both_rnn", both=True)
    add(sequence_rnn, [f32], "both_rnn_merged", both=True, merge=True, time_major=True)
    add(both_lstm, [f32], "both_lstm")
    add(both_lstm, [f32], "both_lstm_time_major", time_major=True)
    add(both_lstm, [f32], "both_lstm_apart", merge=False, time_major=True, clip=0.6)
    add(while_gru, [f32], "while_gru")
    add(while_small, [f32], "while_small")
    add(while_gru, [f32], "while_gru_update", keeps="update")
    add(while_gru, [f32], "while_gru_concat", keeps="concat")
    return cases


def _call(make, dtype, args, kwargs, rng):
    return make(rng, dtype, *args, **kwargs)
