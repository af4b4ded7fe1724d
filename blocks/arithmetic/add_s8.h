// What the kernels of quantized int8 addition share: equal shapes, no broadcasting.
#pragma once
#include "../core/nb.h"

namespace nb {

/// y = clamp(y_zero + rescale(rescale((a - a_zero) << 20) + rescale((b - b_zero) << 20))), each with its
/// multiplier and a right shift (0..31).
struct AddS8 {
  int32_t count;
  int32_t a_zero, a_multiplier, a_right_shift;
  int32_t b_zero, b_multiplier, b_right_shift;
  int32_t y_zero, y_multiplier, y_right_shift;
  int32_t y_min, y_max;  ///< the fused activation, in output units
};

}  // namespace nb
