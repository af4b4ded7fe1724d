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
#elif defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
  // No long multiplication: by halves.
  const int32_t a_high = a >> 16, b_high = b >> 16, a_low = a & 0xffff, b_low = b & 0xffff;
  const int32_t cross_a = a_high * b_low, cross_b = a_low * b_high;
  const uint32_t low = static_cast<uint32_t>(a_low) * static_cast<uint32_t>(b_low);
  const auto middle = static_cast<int32_t>((low >> 16) + (static_cast<uint32_t>(cross_a) & 0xffffu) +
                                           (static_cast<uint32_t>(cross_b) & 0xffffu) + 0x8000u);
  const int32_t high = a_high * b_high + (cross_a >> 16) + (cross_b >> 16) + (middle >> 16);
  return static_cast<int32_t>(static_cast<uint32_t>(high) + static_cast<uint32_t>(c));
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
