// What the kernels of int16 addition need beside their tensors.
#pragma once
#include "../core/nb.h"

namespace nb {

/// y = clamp(rescale(a * 2^14 + rescale(b * 2^15))), of zero points 0, each rescaling with its multiplier and
/// a right shift (1..30): a has the larger scale, and counts half. With b's scale the same, b_multiplier is
/// 2^31 - 1 and b_right_shift 1: exact for all b.
struct AddS16 {
  int32_t count;
  int32_t b_multiplier, b_right_shift;
  int32_t y_multiplier, y_right_shift;
  int32_t y_min, y_max;  ///< the fused activation, in output units
};

}  // namespace nb
