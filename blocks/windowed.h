// Inference and parameters shared by blocks that slide a window over an NHWC image. For declarations; not for
// the chip.
#pragma once
#include "blocks/core/window.h"
#include "graph/block.h"

namespace nb {

/// The window of a block over image `x` [N,H,W,C], or why there is none. Lists are [rows, columns]; pad is
/// [top, left, bottom, right]. Output size: floor((in + pads - dilation * (kernel - 1) - 1) / stride) + 1.
[[nodiscard]] Checked<Window2d> make_window(const Type& x, std::int64_t kernel_h, std::int64_t kernel_w,
                                            const std::vector<std::int64_t>& stride,
                                            const std::vector<std::int64_t>& pad,
                                            const std::vector<std::int64_t>& dilation);

/// Whether each window along an axis of `out` positions meets the image of `in`.
[[nodiscard]] bool meets_image(std::int32_t out, std::int32_t stride, std::int32_t pad, std::int32_t kernel,
                               std::int32_t dilation, std::int32_t in);
/// The same along both axes.
[[nodiscard]] bool meets_image(const Window2d& window);

/// The members of a Window2d as initialisers.
[[nodiscard]] Param window_param(const Window2d& window);

}  // namespace nb
