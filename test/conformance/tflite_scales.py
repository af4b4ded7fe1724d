"""Scales, zero points, weights and biases of the cases of tflite_ops.py, drawn so that most values fit."""

import numpy as np

NAMES = {np.float32: "f32", np.int8: "i8", np.uint8: "u8", np.int16: "i16", np.int32: "i32"}
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
SAME, VALID = 0, 1


def quantization(rng, dtype, low=0.002, high=0.1):
    """(scale, zero point) as converters make them: int16 is symmetric."""
    if dtype == np.float32 or dtype == np.int32:
        return None, 0
    scale = float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))
    if dtype == np.int16:
        return float(np.float32(scale / 256)), 0
    info = np.iinfo(dtype)
    return scale, int(rng.integers(info.min, info.max + 1))


def weights_scales(rng, count, is_per_channel):
    scales = np.exp(rng.uniform(np.log(0.002), np.log(0.02), count if is_per_channel else 1)).astype(np.float32)
    return scales if is_per_channel and count > 1 else scales[0]


def biased_layer(rng, m, x, w_shape, axis, is_per_channel, has_bias, int32_bias=False):
    """(weights, bias or None, standard deviation of the sums) of a layer; `axis` counts output channels."""
    channels = w_shape[axis]
    taps = int(np.prod(w_shape)) // channels
    if x.dtype == np.float32:
        w = m.constant(rng.standard_normal(w_shape), np.float32)
        bias = m.constant(rng.standard_normal(channels), np.float32) if has_bias else None
        return w, bias, np.sqrt(taps)
    scales = weights_scales(rng, channels, is_per_channel)
    w = m.constant(rng.integers(-127, 128, w_shape), np.int8, scales, 0, axis)
    wide = x.dtype == np.int16 and not int32_bias
    bias = None
    if has_bias:
        limit = 2000 if x.dtype == np.int8 else 200000
        bias = m.constant(rng.integers(-limit, limit, channels), np.int64 if wide else np.int32,
                          np.atleast_1d(np.float32(x.scale) * np.atleast_1d(scales)), 0, 0)
    spread = 74 if x.dtype == np.int8 else 19000
    return w, bias, float(np.mean(scales)) * x.scale * 73 * spread * np.sqrt(taps)


def output_quantization(rng, dtype, deviation):
    """Of an output with that standard deviation: most values fit."""
    if dtype == np.float32:
        return None, 0
    if dtype == np.int16:
        return float(np.float32(deviation * 4 / 32768)), 0
    return float(np.float32(deviation * 5 / 256)), int(rng.integers(-60, 60))


def window_output(size, kernel, stride, dilation, padding):
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else -(-(size - reach + 1) // stride)
