// Functions of two quantized elements, with the rounding of TensorFlow Lite Micro's reference kernels.
#pragma once
#include "../core/reciprocal.h"

namespace nb {

/// Both inputs on a common scale with `left_shift` bits below the point, clamp(out_zero + rescale(a + sign_b
/// * b)).
struct AddQuantized {
  int32_t left_shift, sign_b;
  int32_t a_zero, a_multiplier, a_shift;
  int32_t b_zero, b_multiplier, b_shift;
  int32_t out_zero, out_multiplier, out_shift;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t a, int32_t b) const {
    const int32_t one = 1 << left_shift;
    const int32_t x = rescale((a - a_zero) * one, a_multiplier, a_shift);
    const int32_t y = rescale((b - b_zero) * one, b_multiplier, b_shift);
    return clamp(rescale(x + sign_b * y, out_multiplier, out_shift) + out_zero, out_min, out_max);
  }
};

/// clamp(out_zero + rescale((a - a_zero) * (b - b_zero))).
struct MulQuantized {
  int32_t a_zero, b_zero;
  int32_t out_zero, multiplier, shift;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t a, int32_t b) const {
    return clamp(rescale((a - a_zero) * (b - b_zero), multiplier, shift) + out_zero, out_min, out_max);
  }
};

/// clamp(out_zero + (a - a_zero) / (b - b_zero) rescaled), by a reciprocal in 31 bits; 0 for b == b_zero. The
/// result has at most 16 bits.
struct DivQuantized {
  int32_t a_zero, b_zero;
  int32_t out_zero, multiplier, shift;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t a, int32_t b) const {
    int32_t x = a - a_zero, divisor = b - b_zero;
    if (divisor < 0) {
      x = -x;
      divisor = -divisor;
    }
    int32_t y = 0;
    if (x != 0 && divisor != 0) {
      const int zeros = __builtin_clz(static_cast<uint32_t>(divisor));
      const auto above_one = static_cast<int32_t>((static_cast<uint32_t>(divisor) << zeros) - (1u << 31));
      const int32_t inverse = shift_left_saturating(twice_over_one_plus(above_one), 1);
      const int headroom = __builtin_clz(static_cast<uint32_t>(x < 0 ? ~x : x) | 1u) - (x == -1 ? 0 : 1);
      const auto widened = static_cast<int32_t>(static_cast<uint32_t>(x) << headroom);
      const int32_t quotient = high_multiply(widened, inverse);
      const int total = shift - (31 - zeros) - headroom;
      if (total >= 0) return quotient < 0 ? out_min : out_max;  // beyond 2^28
      y = total < -31 ? 0 : rescale(quotient, multiplier, total);
    }
    return clamp(y + out_zero, out_min, out_max);
  }
};

/// As AddQuantized, with the square of the difference.
struct SquaredDifferenceQuantized {
  int32_t left_shift;
  int32_t a_zero, a_multiplier, a_shift;
  int32_t b_zero, b_multiplier, b_shift;
  int32_t out_zero, out_multiplier, out_shift;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t a, int32_t b) const {
    const int32_t one = 1 << left_shift;
    const int32_t d = rescale((a - a_zero) * one, a_multiplier, a_shift) -
                      rescale((b - b_zero) * one, b_multiplier, b_shift);
    const auto square = static_cast<int32_t>(static_cast<uint32_t>(d) * static_cast<uint32_t>(d));
    return clamp(rescale(square, out_multiplier, out_shift) + out_zero, out_min, out_max);
  }
};

/// x >= 0: rescaled by one factor; else times the slope and rescaled by another.
struct PreluQuantized {
  int32_t in_zero, slope_zero, out_zero;
  int32_t multiplier_above, shift_above;
  int32_t multiplier_below, shift_below;
  int32_t out_min, out_max;
  __attribute__((always_inline)) int32_t operator()(int32_t q, int32_t slope) const {
    const int32_t x = q - in_zero;
    const int32_t y = x >= 0 ? rescale(x, multiplier_above, shift_above)
                             : rescale(x * (slope - slope_zero), multiplier_below, shift_below);
    return clamp(y + out_zero, out_min, out_max);
  }
};

/// Compares the real values with 8 bits below the point.
template <class F>
struct CompareQuantized {
  int32_t a_zero, a_multiplier, a_shift;
  int32_t b_zero, b_multiplier, b_shift;
  __attribute__((always_inline)) int32_t operator()(int32_t a, int32_t b) const {
    return F()(rescale((a - a_zero) * 256, a_multiplier, a_shift),
               rescale((b - b_zero) * 256, b_multiplier, b_shift));
  }
};

}  // namespace nb
