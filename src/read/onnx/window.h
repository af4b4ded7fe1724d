// The windows of convolutions and pools as ONNX states them.
#pragma once
#include "read/onnx/layer.h"
#include "read/windows.h"

namespace nb::onnx {

/// Reads kernel_shape (unless `kernel` is given), strides, dilations, pads, auto_pad and ceil_mode for images
/// of the given spatial dimensions. Refuses numbers that are no window.
[[nodiscard]] Windows read_windows(Layer& l, const Shape& spatial, const Ints& kernel = {});

/// The pool of x [N,C,spatial...] that the attributes of AveragePool describe.
[[nodiscard]] ValueId average_pooled(Layer& l, ValueId x);

}  // namespace nb::onnx
