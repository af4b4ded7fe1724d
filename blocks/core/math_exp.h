// Float math: exp and its family, and erf. Polynomials in 32-bit fixed point, fitted by tools/fit_math.py:
// they need no FPU, no division and no table, and their error beyond the last rounding is a few hundredths of
// an ulp.
#pragma once
#include "math_bits.h"

namespace nb {
namespace fixed {

/// x * log2(e) in Q32, error below |x| * 2^-33 + 2^-32; |x| < 128.
NB_INLINE int64_t exponent_of_two(float x) {
  const uint32_t bits = float_bits(x);
  const int32_t e = static_cast<int32_t>((bits >> 23) & 255) - 127;
  const uint32_t m = (bits << 8) | kSignBit;
  int64_t t;
  if (e >= -1) {  // x in Q24, its fraction in two parts: log2(e) = 1 + 0.4427
    const uint32_t whole = m >> (7 - e);
    t = static_cast<int64_t>(((static_cast<uint64_t>(whole) * 0x71547653u) >> 24) +
                             (static_cast<uint64_t>(whole) << 8));
  } else {
    t = shift_right(mul_high(m, 0xb8aa3b29u), -2 - e);
  }
  return bits & kSignBit ? -t : t;
}

/// 2^t for t in Q32, relative error below 2^-29. The slope's coefficients are rounded down, so that it stays
/// below 1.
NB_INLINE Scaled exp2(int64_t t) {
  const uint32_t f = static_cast<uint32_t>(t);
  const uint32_t slope =
      horner(f, 0xb17217f8u, 0x3d7f7ba5u, 0x0e3589f8u, 0x02763464u, 0x0057bf1au, 0x00099316u, 0x00015bd2u);
  const uint32_t rise = static_cast<uint32_t>((static_cast<uint64_t>(slope) * f) >> 33);
  return {kSignBit + rise, static_cast<int32_t>(t >> 32)};
}

/// e^x; |x| < 128.
NB_INLINE Scaled exp(float x) { return exp2(exponent_of_two(x)); }

/// v in Q32; v < 1.
NB_INLINE uint32_t to_q32(Scaled v) { return shift_right(v.m, -1 - v.e); }

/// e^x for |x| >= 128 or NaN.
NB_INLINE float exp_far(float x) {
  return isnan(x) ? bits_float(kNanBits) : signbit(x) ? 0.0f : bits_float(kInfinityBits);
}

}  // namespace fixed

/// e^x, at most 0.59 ulp: infinite above 88.7228, denormal below -87.3365, 0 below -103.9721.
inline float exp(float x) {
  if (NB_UNLIKELY(!(fabs(x) < 128.0f))) return fixed::exp_far(x);
  return fixed::pack(0, fixed::exp(x));
}

/// e^x - 1, at most 0.76 ulp.
inline float expm1(float x) {
  if (NB_UNLIKELY(!(fabs(x) < 128.0f))) return x < 0 ? -1.0f : fixed::exp_far(x);
  if (fabs(x) < 0x1p-4f) {
    return copysign(x + x * x * (0.5f + x * (0.16666667f + x * (0.041666668f + x * 0.008333334f))), x);
  }
  const fixed::Scaled power = fixed::exp(x);
  const uint64_t wide = static_cast<uint64_t>(power.m) << 32;
  const uint64_t one = uint64_t{1} << 63;
  if (power.e < 0)
    return fixed::pack(kSignBit, fixed::normalize(one - fixed::shift_right(wide, -power.e), 0));
  return fixed::pack(0, fixed::normalize(wide - fixed::shift_right(one, power.e), power.e));
}

/// tanh(x), at most 0.62 ulp; no division.
inline float tanh(float x) {
  const uint32_t sign = float_bits(x) & kSignBit;
  const float magnitude = fabs(x);
  if (magnitude < 0x1p-4f) {
    const float square = x * x;
    return copysign(magnitude - magnitude * square * (0.33333334f - square * 0.13333334f), x);
  }
  if (!(magnitude < 10.0f)) return bits_float(isnan(x) ? kNanBits : sign | 0x3f800000u);
  // (1 - p) / (1 + p) for p = e^(-2|x|), here 0 < p < 0.89.
  const uint32_t p = fixed::to_q32(fixed::exp(-2.0f * magnitude));
  const uint32_t inverse = fixed::reciprocal(kSignBit + (p >> 1));  // 2 / (1 + p)
  return fixed::pack(sign, fixed::multiply(0u - p, inverse, -1));
}

/// 1 / (1 + e^-x), the logistic function, at most 0.59 ulp; no division. Denormal below -87.3365.
inline float sigmoid(float x) {
  const float magnitude = fabs(x);
  if (NB_UNLIKELY(!(magnitude < 128.0f))) {
    return isnan(x) ? bits_float(kNanBits) : signbit(x) ? 0.0f : 1.0f;
  }
  if (magnitude < 0x1p-25f) return 0.5f;  // below 2^-25; keeps p under 1
  const fixed::Scaled power = fixed::exp(-magnitude);
  const uint32_t p = fixed::to_q32(power);
  const uint32_t inverse = fixed::reciprocal(kSignBit + (p >> 1));  // 2 / (1 + p)
  if (!signbit(x)) return fixed::pack(0, {inverse, -1});
  return fixed::pack(0, fixed::multiply(power.m, inverse, power.e));
}

/// (e^x - e^-x) / 2, at most 0.56 ulp; infinite beyond +-89.4160.
inline float sinh(float x) {
  const uint32_t sign = float_bits(x) & kSignBit;
  const float magnitude = fabs(x);
  if (magnitude < 0x1p-3f) {
    const float square = x * x;
    return x + x * square * (0.16666667f + square * 0.008333334f);
  }
  if (NB_UNLIKELY(!(magnitude < 128.0f))) return bits_float(isnan(x) ? kNanBits : sign | kInfinityBits);
  const fixed::Scaled up = fixed::exp(magnitude), down = fixed::exp(-magnitude);
  const uint64_t difference = (static_cast<uint64_t>(up.m) << 31) -
                              fixed::shift_right(static_cast<uint64_t>(down.m) << 31, up.e - down.e);
  return fixed::pack(sign, fixed::normalize(difference, up.e));
}

/// (e^x + e^-x) / 2, at most 0.56 ulp; infinite beyond +-89.4160.
inline float cosh(float x) {
  const float magnitude = fabs(x);
  if (NB_UNLIKELY(!(magnitude < 128.0f))) return fixed::exp_far(magnitude);
  const fixed::Scaled up = fixed::exp(magnitude), down = fixed::exp(-magnitude);
  const uint64_t sum = (static_cast<uint64_t>(up.m) << 31) +
                       fixed::shift_right(static_cast<uint64_t>(down.m) << 31, up.e - down.e);
  return fixed::pack(0, fixed::normalize(sum, up.e));
}

/// The error function, at most 0.56 ulp.
inline float erf(float x) {
  const uint32_t sign = float_bits(x) & kSignBit;
  const float magnitude = fabs(x);
  if (magnitude < 1.0f) {
    if (magnitude == 0.0f) return x;
    const fixed::Scaled v = fixed::unpack(x);
    const uint32_t ratio =
        fixed::alternating(fixed::square(v), 0x906eba82u, 0x3024e8d6u, 0x0e717905u, 0x03705976u, 0x00ab2c46u,
                           0x001bfe16u, 0x0003eafdu, 0x000074aeu, 0x000008e2u);
    return fixed::pack(sign, fixed::multiply(v.m, ratio, v.e + 1));
  }
  if (!(magnitude < 4.0f)) return bits_float(isnan(x) ? kNanBits : sign | 0x3f800000u);
  // 1 - 2^-t with t = -log2(erfc(|x|)), a polynomial in (|x| - 2.5) / 4.
  const fixed::Scaled v = fixed::unpack(x);
  const int32_t centred = static_cast<int32_t>((v.m >> (1 - v.e)) - 0xa0000000u);
  const int32_t t = fixed::horner(centred, 377918658, 1036467664, 731084375, 33641543, -26833862, 20825736,
                                  -15325527, 10560537, -5193896);
  const uint32_t complement = fixed::to_q32(fixed::exp2(static_cast<int64_t>(t) * -128));
  return fixed::pack(sign, fixed::normalize(static_cast<uint64_t>(0u - complement) << 32, -1));
}

}  // namespace nb
