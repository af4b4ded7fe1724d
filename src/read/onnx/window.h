// The windows of convolutions and pools as ONNX states them.
#pragma once
#include "read/onnx/layer.h"

namespace nb::onnx {

/// One spatial axis each.
struct Windows {
  Ints kernel, stride, dilation, before, after;
  /// What ceil_mode adds behind `after`, so that the last window is whole.
  Ints extra;
  [[nodiscard]] std::size_t size() const { return kernel.size(); }
};

/// Reads kernel_shape (unless `kernel` is given), strides, dilations, pads, auto_pad and ceil_mode for images
/// of the given spatial dimensions. Refuses numbers that are no window.
[[nodiscard]] Windows read_windows(Layer& l, const Shape& spatial, const Ints& kernel = {});

/// [N,C,spatial...] as NHWC: one spatial axis becomes the columns of one row.
[[nodiscard]] ValueId to_nhwc(Layer& l, ValueId x);
/// NHWC back to [N,C,spatial...] with `spatial_rank` spatial axes.
[[nodiscard]] ValueId from_nhwc(Layer& l, ValueId x, std::size_t spatial_rank);

/// {rows, columns}: a single spatial axis is the columns.
[[nodiscard]] Ints two(const Ints& values, std::int64_t for_rows);
/// {top, left, bottom, right}.
[[nodiscard]] Ints four(const Ints& before, const Ints& after);

/// Pools of x [N,C,spatial...], by the attributes of AveragePool or over the whole image.
[[nodiscard]] ValueId average_pooled(Layer& l, ValueId x);
[[nodiscard]] ValueId globally_pooled(Layer& l, ValueId x, bool is_max);

}  // namespace nb::onnx
