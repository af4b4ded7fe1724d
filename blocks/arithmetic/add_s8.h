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

/// The same where a has the larger scale and counts half: the other rescalings have a multiplier and a right
/// shift (b 1..30, y 1..22). With b's scale the same, b_multiplier is 2^31 - 1 and b_right_shift 1: exact for
/// all b.
struct AddHalfS8 {
  int32_t count;
  int32_t a_zero, b_zero;
  int32_t b_multiplier, b_right_shift;
  int32_t y_zero, y_multiplier, y_right_shift;
  int32_t y_min, y_max;  ///< the fused activation, in output units
};

}  // namespace nb
