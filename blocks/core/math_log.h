// Float math: logarithms, the inverse hyperbolic functions, softplus and pow, all on one fixed-point
// logarithm.
#pragma once
#include "math_exp.h"

namespace nb {
namespace fixed {

/// A logarithm as value * 2^-q.
struct Log2 {
  int64_t value;
  int32_t q;
};

/// log2 of v: absolute error below 2^-37 where the result is above 0.04, relative error below 2^-34 near v
/// == 1. q is 54, or 65 when v lies in [1 - 1/32, 1 + 1/16).
NB_NOINLINE inline Log2 log2(Scaled v) {
  // m in [1, 2) falls in one of 16 intervals; a factor of 8 bits brings it to 1 + r with r in [-1/32, 1/16],
  // exactly where the mantissa is a float's. The first and the last interval use 1 and 1/2, so that r is x -
  // 1 around x == 1.
  static constexpr uint16_t kFactor[16] = {256, 234, 221, 210, 200, 191, 182, 174,
                                           167, 161, 155, 149, 144, 139, 134, 128};
  static constexpr int64_t kLog[16] = {0x0,
                                       0x84bf1c6730325,
                                       0xd930124bea9a3,
                                       0x1249cd2b13cd6c,
                                       0x16cb0f6865c8ea,
                                       0x1b0b67f4f46810,
                                       0x1f804ae8d0cd02,
                                       0x23a6d052d6a4aa,
                                       0x2771638d1f4dda,
                                       0x2ad24203b3694d,
                                       0x2e53fa4d6e0f90,
                                       0x31f92499135909,
                                       0x351ff2e30214bc,
                                       0x386344fba01693,
                                       0x3bc531d8175819,
                                       0x40000000000000};
  const uint32_t interval = (v.m >> 27) & 15;
  const int64_t product = static_cast<int64_t>(static_cast<uint64_t>(v.m) * kFactor[interval]);
  const int32_t r = static_cast<int32_t>((product - (int64_t{1} << 39)) >> 4);  // Q35; also 8 r in Q32
  // log2(1 + r) = r * ratio, ratio = 1 / ln2 + 8 r * slope in Q62.
  const int32_t slope = horner(r, -774541002, 64545083, -6051105, 605156, -63021, 6241);
  const uint64_t ratio = 0x5c551d94ae0bf85eu + static_cast<uint64_t>((static_cast<int64_t>(r) * slope) >> 3);
  const int64_t high = r * static_cast<int64_t>(ratio >> 32);
  const int64_t low = (r * static_cast<int64_t>(ratio & 0xffffffffu)) >> 32;
  const int64_t near = high + low;  // Q65
  const int64_t far = v.e * (int64_t{1} << 54) + kLog[interval];
  if (far == 0) return {near, 65};
  return {far + (near >> 11), 54};
}

/// v * ln2 as a float.
NB_NOINLINE inline float natural(Log2 v) {
  if (v.value == 0) return 0.0f;
  const uint64_t magnitude = static_cast<uint64_t>(v.value < 0 ? -v.value : v.value);
  const Scaled log = normalize(magnitude, 63 - v.q);
  return pack(v.value < 0 ? kSignBit : 0, multiply(log.m, 0xb17217f8u, log.e));
}

/// 1 + x, exact up to 2^-31 relative; x > -1, 2^-8 <= |x|, finite.
inline Scaled one_plus(float x) {
  const Scaled v = unpack(x);
  if (signbit(x)) return normalize(static_cast<uint64_t>(kSignBit - (v.m >> -v.e)) << 32, 0);
  if (v.e < 0) return {kSignBit + (v.m >> -v.e), 0};
  const uint64_t sum = static_cast<uint64_t>(v.m) + shift_right(kSignBit, v.e);
  return sum >> 32 ? Scaled{static_cast<uint32_t>(sum >> 1), v.e + 1}
                   : Scaled{static_cast<uint32_t>(sum), v.e};
}

}  // namespace fixed

/// The natural logarithm, at most 0.51 ulp. -infinity at 0, NaN below.
inline float log(float x) {
  const uint32_t bits = float_bits(x);
  if (NB_UNLIKELY(bits - 1 >= kInfinityBits - 1)) {  // zero, negative, infinite or NaN
    if ((bits & ~kSignBit) == 0) return bits_float(kSignBit | kInfinityBits);
    return bits == kInfinityBits ? x : bits_float(kNanBits);
  }
  return fixed::natural(fixed::log2(fixed::unpack(x)));
}

/// The logarithm to base 2, at most 0.51 ulp. -infinity at 0, NaN below.
inline float log2(float x) {
  const uint32_t bits = float_bits(x);
  if (NB_UNLIKELY(bits - 1 >= kInfinityBits - 1)) return log(x);
  const fixed::Log2 v = fixed::log2(fixed::unpack(x));
  if (v.value == 0) return 0.0f;
  const uint64_t magnitude = static_cast<uint64_t>(v.value < 0 ? -v.value : v.value);
  return fixed::pack(v.value < 0 ? kSignBit : 0, fixed::normalize(magnitude, 63 - v.q));
}

/// log(1 + x), at most 0.51 ulp. -infinity at -1, NaN below.
inline float log1p(float x) {
  if (fabs(x) < 0x1p-8f) return x - x * x * (0.5f - x * (0.33333334f - x * 0.25f));
  if (!(x > -1.0f)) return bits_float(x == -1.0f ? kSignBit | kInfinityBits : kNanBits);
  if (isinf(x)) return x;
  return fixed::natural(fixed::log2(fixed::one_plus(x)));
}

/// log(1 + e^x) without overflow, at most 1.50 ulp.
inline float softplus(float x) {
  const float tail = log1p(exp(-fabs(x)));
  return x > 0 ? x + tail : tail;
}

/// log(sigmoid(x)) = -softplus(-x) without overflow, at most 1.50 ulp.
inline float log_sigmoid(float x) {
  const float tail = log1p(exp(-fabs(x)));
  return isnan(tail) ? tail : x < 0 ? x - tail : -tail;
}

/// The inverse of sinh, at most 1.52 ulp.
inline float asinh(float x) {
  const float magnitude = fabs(x);
  if (!isfinite(x)) return isnan(x) ? bits_float(kNanBits) : x;
  if (magnitude >= 4096.0f) {  // log(2 |x|)
    fixed::Scaled v = fixed::unpack(x);
    v.e += 1;
    return copysign(fixed::natural(fixed::log2(v)), x);
  }
  const float square = x * x;
  return copysign(log1p(magnitude + square / (1.0f + sqrt(square + 1.0f))), x);
}

/// The inverse of cosh, at most 1.43 ulp. NaN below 1.
inline float acosh(float x) {
  if (!(x >= 1.0f)) return bits_float(kNanBits);
  if (isinf(x)) return x;
  const float above = x - 1.0f;
  if (above < 0x1p-6f) {
    const float root = sqrt(above + above);
    return root - root * above * (0.083333336f - above * (0.01875f - above * 0.0055803573f));
  }
  fixed::Scaled v = fixed::unpack(x);
  if (x >= 4096.0f) {  // log(2 x)
    v.e += 1;
  } else {  // log(x + sqrt(x^2 - 1)), the square being exact
    const uint64_t m = v.m >> 8;
    const fixed::Scaled root = fixed::wide_root(((m * m) << 16) - ((uint64_t{1} << 62) >> (2 * v.e)), v.e);
    const uint64_t sum =
        (static_cast<uint64_t>(v.m) << 31) + ((static_cast<uint64_t>(root.m) << 31) >> (v.e - root.e));
    v = fixed::normalize(sum, v.e + 1);
  }
  return fixed::natural(fixed::log2(v));
}

/// The inverse of tanh, at most 0.51 ulp. Infinite at +-1, NaN beyond.
inline float atanh(float x) {
  const float magnitude = fabs(x);
  if (magnitude < 0x1p-8f) return x + x * x * x * 0.33333334f;
  if (!(magnitude < 1.0f))
    return bits_float(magnitude == 1.0f ? (float_bits(x) & kSignBit) | kInfinityBits : kNanBits);
  // (log(1 + |x|) - log(1 - |x|)) / 2
  const fixed::Log2 up = fixed::log2(fixed::one_plus(magnitude)),
                    down = fixed::log2(fixed::one_plus(-magnitude));
  const int64_t difference = (up.value >> (up.q - 54)) - (down.value >> (down.q - 54));
  return copysign(fixed::natural({difference, 55}), x);
}

/// x^y, at most 0.57 ulp (over samples), with the special cases of C99: 1 for y == 0 or x == 1 whatever the
/// other, NaN for a negative x and a y that is no integer.
inline float pow(float x, float y) {
  const uint32_t xb = float_bits(x) & ~kSignBit, yb = float_bits(y) & ~kSignBit;
  if (yb == 0 || float_bits(x) == 0x3f800000u) return 1.0f;
  if (xb > kInfinityBits || yb > kInfinityBits) return bits_float(kNanBits);
  // What y is: below 1 no integer, from 2^24 an even one.
  const int32_t y_exponent = static_cast<int32_t>(yb >> 23) - 127;
  const uint32_t y_mantissa = (yb & 0x7fffffu) | 0x800000u;
  const bool integer = y_exponent >= 23 || (y_exponent >= 0 && (y_mantissa << (9 + y_exponent)) == 0);
  const bool odd = integer && y_exponent <= 23 && ((y_mantissa >> (23 - y_exponent)) & 1);
  const uint32_t sign = odd ? float_bits(x) & kSignBit : 0;
  if (xb == 0 || xb == kInfinityBits) return bits_float(sign | ((xb == 0) == signbit(y) ? kInfinityBits : 0));
  if (yb == kInfinityBits) {
    if (xb == 0x3f800000u) return 1.0f;
    return bits_float((xb < 0x3f800000u) == signbit(y) ? kInfinityBits : 0);
  }
  if (signbit(x) && !integer) return bits_float(kNanBits);

  const fixed::Log2 log = fixed::log2(fixed::unpack(x));
  if (log.value == 0) return bits_float(sign | 0x3f800000u);
  const bool negative = (log.value < 0) != signbit(y);
  uint64_t magnitude = static_cast<uint64_t>(log.value < 0 ? -log.value : log.value);
  const int32_t zeros = __builtin_clzll(magnitude);
  magnitude <<= zeros;
  const fixed::Scaled factor = fixed::unpack(y);
  // |log2(x) * y| = product * 2^(factor.e - zeros - log.q + 9), product in [2^54, 2^56).
  const uint32_t factor24 = factor.m >> 8;
  const uint64_t product = (magnitude >> 32) * factor24 + (((magnitude & 0xffffffffu) * factor24) >> 32);
  const int32_t shift = log.q + zeros - factor.e - 41;                       // to Q32
  if (shift < 14) return bits_float(sign | (negative ? 0 : kInfinityBits));  // |log2(x^y)| >= 512
  const int64_t t = static_cast<int64_t>(fixed::shift_right(product, shift));
  return fixed::pack(sign, fixed::exp2(negative ? -t : t));
}

}  // namespace nb
