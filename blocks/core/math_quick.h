// Float exp, tanh and sigmoid for gates, activations and softmax: arithmetic of the FPU where the core has
// one, else the functions of math_exp.h. At most 2.5 ulp; unlike those, results below the smallest normal
// float are 0 and the last bits depend on whether the core fuses multiplication and addition. Coefficients:
// tools/fit_math.py.
#pragma once
#include "math_exp.h"

#if (defined(__ARM_FP) && (__ARM_FP & 4)) || defined(__x86_64__) || defined(__aarch64__) || \
    defined(__riscv_flen)
#define NB_FPU 1
#else
#define NB_FPU 0
#endif

namespace nb {

#if NB_FPU

/// a * b + c, rounded once where the core can.
NB_INLINE float multiply_add(float a, float b, float c) {
#if defined(__ARM_FEATURE_FMA) || defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

/// e^x = (1 + rise) * 2^k, |x| < 89.
struct PowerF32 {
  float rise;
  int32_t k;
};
NB_INLINE PowerF32 power_f32(float x) {
  const float shifted =
      multiply_add(x, 1.44269504f, 12582912.0f);  // 1.5 * 2^23: the integer is in the low bits
  const float k = shifted - 12582912.0f;
  const float r = multiply_add(k, 2.12194440e-4f, multiply_add(k, -0.693359375f, x));
  float q = multiply_add(r, 0.0013926184f, 0.008363179f);
  q = multiply_add(r, q, 0.041666556f);
  q = multiply_add(r, q, 0.16666576f);
  q = multiply_add(r, q, 0.5f);
  return {multiply_add(r * r, q, r), static_cast<int32_t>(float_bits(shifted) - 0x4b400000u)};
}

/// e^x; infinite above 88.7228, 0 below -87.3365.
inline float quick_exp(float x) {
  if (NB_UNLIKELY(!(fabs(x) < 87.3365f))) {
    if (!(x < 88.7228f)) return isnan(x) ? bits_float(kNanBits) : bits_float(kInfinityBits);
    if (x < 0) return 0.0f;
  }
  const PowerF32 power = power_f32(x);
  return bits_float(float_bits(1.0f + power.rise) + (static_cast<uint32_t>(power.k) << 23));
}

/// 1 / (1 + e^-x).
inline float quick_sigmoid(float x) {
  const float power = quick_exp(-fabs(x));
  const float upper = 1.0f / (1.0f + power);
  return signbit(x) ? power * upper : upper;
}

/// tanh(x).
inline float quick_tanh(float x) {
  const float magnitude = fabs(x);
  if (NB_UNLIKELY(!(magnitude < 10.0f))) return isnan(x) ? bits_float(kNanBits) : copysign(1.0f, x);
  const PowerF32 power = power_f32(2.0f * magnitude);
  const float scale = bits_float(static_cast<uint32_t>(power.k + 127) << 23);
  const float rise = multiply_add(scale, power.rise, scale - 1.0f);  // e^(2|x|) - 1
  return copysign(rise / (rise + 2.0f), x);
}

#else

inline float quick_exp(float x) { return exp(x); }
inline float quick_sigmoid(float x) { return sigmoid(x); }
inline float quick_tanh(float x) { return tanh(x); }

#endif

}  // namespace nb
