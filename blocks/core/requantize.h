// Fixed-point rescaling with the rounding of TensorFlow Lite Micro's reference kernels:
// a rounding doubling high multiply, then a division by a power of two that rounds half away from zero.
#pragma once
#include "nb.h"

namespace nb {

/// round(a * b / 2^31), ties towards plus infinity; not for a == b == INT32_MIN, the one overflow.
NB_INLINE int32_t high_multiply_in_range(int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(a) * b + (int64_t{1} << 30)) >> 31);
}

/// The same, saturated.
NB_INLINE int32_t high_multiply(int32_t a, int32_t b) {
  return NB_UNLIKELY(a == INT32_MIN && b == INT32_MIN) ? INT32_MAX : high_multiply_in_range(a, b);
}

/// round(x / 2^exponent), ties away from zero; exponent in 0..31.
NB_INLINE int32_t divide_by_power_of_two(int32_t x, int exponent) {
  const int32_t mask = static_cast<int32_t>((uint32_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/// x * multiplier * 2^(shift - 31), rounded twice as above. `multiplier` is a Q31 mantissa in [2^30, 2^31),
/// or any non-negative one where `shift` is 0, which then rounds once; `shift` is positive for a left shift.
/// The left-shifted x wraps modulo 2^32.
NB_INLINE int32_t rescale(int32_t x, int32_t multiplier, int shift) {
  const int left = shift > 0 ? shift : 0;
  const int right = shift > 0 ? 0 : -shift;
  const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return divide_by_power_of_two(high_multiply_in_range(shifted, multiplier),
                                right);  // the multiplier is >= 0
}

/// The same with one rounding, ties towards plus infinity; shift in -31..30.
NB_INLINE int32_t rescale_once(int32_t x, int32_t multiplier, int shift) {
  const int total = 31 - shift;
  return static_cast<int32_t>((static_cast<int64_t>(x) * multiplier + (int64_t{1} << (total - 1))) >> total);
}

/// A 48-bit sum times the factor, rounded once (int16 activations with int64 bias): the multiplier loses its
/// low 16 bits first, x * round(multiplier / 2^16) * 2^(shift - 15), ties towards plus infinity.
NB_INLINE int32_t rescale64(int64_t x, int32_t multiplier, int shift) {
  const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int total = 15 - shift;
  const int64_t scaled = x * reduced + (int64_t{1} << (total - 1));
  return static_cast<int32_t>(scaled >> total);
}

}  // namespace nb
