// 16-bit floats as storage: to and from float32.
#pragma once
#include "math_bits.h"

namespace nb {

/// IEEE half to float, exact.
NB_INLINE float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31u, mantissa = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(static_cast<int32_t>(mantissa)) * 0x1p-24f;
    return bits_float(sign | float_bits(magnitude));
  }
  if (exponent == 31) return bits_float(sign | kInfinityBits | (mantissa << 13));
  return bits_float(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

/// Float to IEEE half, nearest, ties to even; NaN stays NaN.
inline uint16_t float_to_half(float x) {
  const uint32_t bits = float_bits(x), magnitude = bits & ~kSignBit;
  const auto sign = static_cast<uint32_t>((bits >> 16) & 0x8000u);
  if (magnitude > kInfinityBits) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 2^16 and above
  if (magnitude < 0x38800000u) {                                               // below 2^-14: units of 2^-24
    const float units = rint(bits_float(magnitude) * 0x1p24f);
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(units));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

NB_INLINE float bfloat16_to_float(uint16_t x) { return bits_float(static_cast<uint32_t>(x) << 16); }

/// Float to bfloat16, nearest, ties to even; NaN stays NaN.
inline uint16_t float_to_bfloat16(float x) {
  const uint32_t bits = float_bits(x);
  if (isnan(x)) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace nb
