// Quantized int8 addition with the high multiply of the Arm DSP extension: about 30 instructions an element,
// or 15 where one operand counts half.
#pragma once
#include "../core/simd_dsp.h"
#include "add_s8.h"

namespace nb {

/// Right shift by `shift`, ties away from zero. `ties` is -1, or 0 where shift is 0; `half` is 2^(shift-1),
/// or 0.
struct RoundingShiftDsp {
  int32_t shift, half, ties;
};
NB_INLINE RoundingShiftDsp rounding_shift_dsp(int32_t shift) {
  return {shift, shift > 0 ? int32_t{1} << (shift - 1) : 0, shift > 0 ? -1 : 0};
}

/// rescale(x / 2, multiplier, -r.shift): the doubling of the high multiply is in x already.
NB_INLINE int32_t rescale_doubled_dsp(int32_t x, int32_t multiplier, const RoundingShiftDsp& r) {
  int32_t v;
#if NB_DSP
  __asm__("smmulr %0, %1, %2" : "=r"(v) : "r"(x), "r"(multiplier));
#else
  v = multiply_high_add(x, multiplier, 0);
#endif
  return (v + ((v >> 31) & r.ties) + r.half) >> r.shift;
}

/// y may lie exactly on a or b.
NB_NOINLINE inline void add_s8_dsp(const AddS8& p, const int8_t* a, const int8_t* b, int8_t* y) {
  const RoundingShiftDsp ra = rounding_shift_dsp(p.a_right_shift), rb = rounding_shift_dsp(p.b_right_shift),
                         ry = rounding_shift_dsp(p.y_right_shift);
  const int32_t am = p.a_multiplier, bm = p.b_multiplier, ym = p.y_multiplier;
  const int32_t az = -p.a_zero * (1 << 21), bz = -p.b_zero * (1 << 21), yz = p.y_zero;
  const int8_t* const end = a + p.count;
  int8_t* out = y;
  while (a != end) {
    const int32_t ta = rescale_doubled_dsp(*a++ * (1 << 21) + az, am, ra);
    const int32_t tb = rescale_doubled_dsp(*b++ * (1 << 21) + bz, bm, rb);
    int32_t q = rescale_doubled_dsp((ta + tb) * 2, ym, ry) + yz;
#if NB_DSP
    __asm__("ssat %0, #8, %0" : "+r"(q));
#else
    q = clamp<int32_t>(q, -128, 127);
#endif
    *out++ = static_cast<int8_t>(q);
  }
  if (p.y_min > -128 || p.y_max < 127) clamp_s8(y, p.count, p.y_min, p.y_max);
}

/// rescale(x / 2, multiplier, -shift) + more, shift above 0, `half` 2^(shift-1) + more * 2^shift: of a
/// negative x one less, so that ties go away from zero.
NB_INLINE int32_t rescale_doubled_s8_dsp(int32_t x, int32_t multiplier, int32_t half, int32_t shift) {
  return multiply_high_add(x, multiplier, half + (x >> 31)) >> shift;
}

/// y may lie exactly on a or b.
NB_NOINLINE inline void add_half_s8_dsp(const AddHalfS8& p, const int8_t* a, const int8_t* b, int8_t* y) {
  const int32_t bm = p.b_multiplier, bs = p.b_right_shift, ym = p.y_multiplier, ys = p.y_right_shift;
  const int32_t b_half = 1 << (bs - 1), y_half = (1 << (ys - 1)) + p.y_zero * (1 << ys);
  const int32_t az = -p.a_zero * (1 << 20), bz = -p.b_zero * (1 << 21);
  const int8_t* const end = a + p.count;
  int8_t* out = y;
#pragma GCC unroll 2
  while (a != end) {
    const int32_t tb = rescale_doubled_s8_dsp(*b++ * (1 << 21) + bz, bm, b_half, bs);
    const int32_t sum = tb * 2 + az + *a++ * (1 << 20);
    int32_t q = rescale_doubled_s8_dsp(sum, ym, y_half, ys);
#if NB_DSP
    __asm__("ssat %0, #8, %0" : "+r"(q));
#else
    q = clamp<int32_t>(q, -128, 127);
#endif
    *out++ = static_cast<int8_t>(q);
  }
  if (p.y_min > -128 || p.y_max < 127) clamp_s8(y, p.count, p.y_min, p.y_max);
}

}  // namespace nb
