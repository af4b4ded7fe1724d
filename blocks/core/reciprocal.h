// 1 / (1 + x) in fixed point, by the reference kernels' steps.
#pragma once
#include "requantize.h"

namespace nb {

/// x * 2^bits, saturated.
NB_INLINE int32_t shift_left_saturating(int32_t x, int bits) {
  if (x > INT32_MAX >> bits) return INT32_MAX;
  if (x < INT32_MIN >> bits) return INT32_MIN;
  return x * (1 << bits);
}

/// 2 / (1 + x) in units of 2^-29, for x in [0, 1] in units of 2^-31: a line through 48/17 and -32/17, then
/// three steps of Newton's iteration on half of the denominator.
inline int32_t twice_over_one_plus(int32_t x) {
  const int32_t half = (x >> 1) + (1 << 30);
  int32_t y = 1515870810 + high_multiply_in_range(half, -1010580540);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = (1 << 29) - high_multiply_in_range(half, y);
    y += shift_left_saturating(high_multiply_in_range(y, error), 2);
  }
  return y;
}

}  // namespace nb
