// Products of int16 activations with int8 weights, exact in 64 bits, and their way to an output.
#pragma once
#include "requantize.h"
#include "simd_dsp.h"

namespace nb {

/// sum over k < n of x[k] * w[k].
NB_INLINE int64_t dot_s16(const int16_t* NB_RESTRICT x, const int8_t* NB_RESTRICT w, int32_t n) {
  int64_t sum = 0;
#if NB_DSP
  for (; n >= 4; n -= 4, x += 4, w += 4) {
    const uint32_t x01 = load4(x), x23 = load4(x + 2), weights = load4(w);
    const uint32_t x02 = (x01 & 0xffffu) | (x23 << 16), x13 = (x01 >> 16) | (x23 & 0xffff0000u);
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(x02), "r"(even_bytes(weights)));
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(x13), "r"(odd_bytes(weights)));
  }
#endif
  while (n > 0) {
    const int32_t count = n < 256 ? n : 256;  // so many products fit in 32 bits
    int32_t part = 0;
    for (int32_t k = 0; k < count; ++k) part += x[k] * w[k];
    sum += part;
    x += count;
    w += count;
    n -= count;
  }
  return sum;
}

/// A sum times its factor: with a 64-bit bias rounded once, with a 32-bit bias as sums of int8 are.
NB_INLINE int32_t rescale_s16(int64_t sum, int64_t bias, int32_t multiplier, int shift) {
  return rescale64(sum + bias, multiplier, shift);
}
NB_INLINE int32_t rescale_s16(int64_t sum, int32_t bias, int32_t multiplier, int shift) {
  return rescale(static_cast<int32_t>(sum + bias), multiplier, shift);
}

}  // namespace nb
