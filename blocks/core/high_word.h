// The high word of a product of 32-bit integers, in the best way of each core.
#pragma once
#include "simd_dsp.h"

namespace nb {

/// round(a * b / 2^32) + c, ties towards plus infinity; the sum wraps.
NB_INLINE int32_t high_word_add(int32_t a, int32_t b, int32_t c) {
#if NB_DSP
  int32_t r;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
#else
  const auto high = static_cast<uint32_t>((static_cast<int64_t>(a) * b + (int64_t{1} << 31)) >> 32);
  return static_cast<int32_t>(high + static_cast<uint32_t>(c));
#endif
}

/// round(a * b / 2^32).
NB_INLINE int32_t high_word(int32_t a, int32_t b) {
#if NB_DSP
  int32_t r;
  __asm__("smmulr %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
  return r;
#else
  return high_word_add(a, b, 0);
#endif
}

/// floor(a * b / 2^32).
NB_INLINE uint32_t multiply_high_u32(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}

}  // namespace nb
