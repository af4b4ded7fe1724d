// int16 addition with the high multiply of the Arm DSP extension: about 15 instructions an element.
#pragma once
#include "../core/simd_dsp.h"
#include "add_s16.h"

namespace nb {

/// rescale(x / 2, multiplier, -shift), shift above 0, `half` 2^(shift-1): of a negative x one less, so that
/// ties go away from zero.
NB_INLINE int32_t rescale_doubled_s16_dsp(int32_t x, int32_t multiplier, int32_t half, int32_t shift) {
  return multiply_high_add(x, multiplier, half + (x >> 31)) >> shift;
}

/// y may lie exactly on a or b. kIsPositive: y_min is 0.
template <bool kIsPositive>
NB_NOINLINE void add_s16_dsp(const AddS16& p, const int16_t* a, const int16_t* b, int16_t* y) {
  const int32_t b_half = int32_t{1} << (p.b_right_shift - 1), y_half = int32_t{1} << (p.y_right_shift - 1);
  const int32_t bm = p.b_multiplier, bs = p.b_right_shift, ym = p.y_multiplier, ys = p.y_right_shift;
  const int16_t* const end = a + p.count;
  int16_t* out = y;
#pragma GCC unroll 2
  while (a != end) {
    const int32_t tb = rescale_doubled_s16_dsp(*b++ * (1 << 16), bm, b_half, bs);
    const int32_t sum = *a++ * (1 << 14) + tb;
    int32_t q = rescale_doubled_s16_dsp(sum * 2, ym, y_half, ys);
#if NB_DSP
    if (kIsPositive)
      __asm__("usat %0, #15, %0" : "+r"(q));
    else
      q = saturate16(q);
#else
    q = clamp<int32_t>(q, kIsPositive ? 0 : -32768, 32767);
#endif
    *out++ = static_cast<int16_t>(q);
  }
  if (p.y_min > (kIsPositive ? 0 : -32768) || p.y_max < 32767) clamp_s16(y, p.count, p.y_min, p.y_max);
}

}  // namespace nb
