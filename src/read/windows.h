// Convolutions and pools of images with channels first, [N,C,spatial...], as ONNX and PyTorch state them.
#pragma once
#include "read/translation.h"

namespace nb::read {

/// One spatial axis each.
struct Windows {
  Ints kernel, stride, dilation, before, after;
  /// What ceil_mode adds behind `after`, so that the last window is whole.
  Ints extra;
  [[nodiscard]] std::size_t size() const { return kernel.size(); }
};

/// Refuses numbers that are no window.
void check_windows(Translation& l, const Windows& w);
/// Sets `extra` of an image of the given spatial dimensions; refuses a window larger than the padded image.
void fit_windows(Translation& l, Windows& w, const Shape& spatial, bool is_ceil);

/// Refuses an image [N,C,spatial...] without spatial axes, and weights of another rank.
void check_image(Translation& l, ValueId x, ValueId w);

/// [N,C,spatial...] as NHWC: one spatial axis becomes the columns of one row.
[[nodiscard]] ValueId to_nhwc(Translation& l, ValueId x);
/// NHWC back to [N,C,spatial...] with `spatial_rank` spatial axes.
[[nodiscard]] ValueId from_nhwc(Translation& l, ValueId x, std::size_t spatial_rank);

/// {rows, columns}: a single spatial axis is the columns.
[[nodiscard]] Ints two(const Ints& values, std::int64_t for_rows);
/// {top, left, bottom, right}.
[[nodiscard]] Ints four(const Ints& before, const Ints& after);
/// Element by element.
[[nodiscard]] Ints sum(const Ints& a, const Ints& b);

/// Convolution of x [N,C,spatial...] with w [O,C/groups,kernel...] and bias b [O], which may be absent. Any
/// number of spatial axes; pads may be negative. Constant weights are not needed.
[[nodiscard]] ValueId convolve(Translation& l, ValueId x, ValueId w, ValueId b, Windows window,
                               std::int64_t groups);
/// Transposed convolution of x [N,C,spatial...] with w [C,O/groups,kernel...]; `more` is added behind each
/// axis of the result.
[[nodiscard]] ValueId convolve_transposed(Translation& l, ValueId x, ValueId w, ValueId b,
                                          const Windows& window, const Ints& more, std::int64_t groups);

/// How windows are reduced.
enum class Pool : std::uint8_t { max, average_inside, average_with_padding };
/// x [N,C,spatial...] pooled.
[[nodiscard]] ValueId pooled(Translation& l, ValueId x, Pool pool, Windows w);
/// The same of images whose dtype may be an integer without a scale.
[[nodiscard]] ValueId max_pooled(Translation& l, ValueId x, const Windows& w);
/// Over the whole image; its axes stay as 1.
[[nodiscard]] ValueId globally_pooled(Translation& l, ValueId x, bool is_max);

}  // namespace nb::read
