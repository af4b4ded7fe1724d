// The packed 16-bit instructions of the Arm DSP extension (Cortex-M4, M7, M33), and plain C++ of the same
// meaning elsewhere, so that a kernel written with them runs, and can be tested, on any core.
#pragma once
#include "nb.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__thumb2__)
#define NB_DSP 1
#else
#define NB_DSP 0
#endif

namespace nb {

/// Four bytes from any address.
NB_INLINE uint32_t load4(const void* from) {
  uint32_t word;
  __builtin_memcpy(&word, from, 4);
  return word;
}
/// Four bytes to any address.
NB_INLINE void store4(void* to, uint32_t word) { __builtin_memcpy(to, &word, 4); }

/// Signed halves of a word.
NB_INLINE int32_t low_half(uint32_t x) { return static_cast<int16_t>(x); }
NB_INLINE int32_t high_half(uint32_t x) { return static_cast<int16_t>(x >> 16); }

/// Bytes 0 and 2 of x, each extended to 16 bits.
NB_INLINE uint32_t even_bytes(uint32_t x) {
#if NB_DSP
  uint32_t r;
  __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(x));
  return r;
#else
  return (static_cast<uint32_t>(static_cast<int8_t>(x)) & 0xffffu) |
         (static_cast<uint32_t>(static_cast<int8_t>(x >> 16)) << 16);
#endif
}

/// Bytes 1 and 3 of x, each extended to 16 bits.
NB_INLINE uint32_t odd_bytes(uint32_t x) {
#if NB_DSP
  uint32_t r;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
  return r;
#else
  return even_bytes(x >> 8);
#endif
}

/// a - b in each half.
NB_INLINE uint32_t subtract_halves(uint32_t a, uint32_t b) {
#if NB_DSP
  uint32_t r;
  __asm__("ssub16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
  return r;
#else
  return ((a - b) & 0xffffu) | ((a & 0xffff0000u) - (b & 0xffff0000u));
#endif
}

/// sum + the two products of the signed halves of a and b.
NB_INLINE int32_t multiply_add_halves(uint32_t a, uint32_t b, int32_t sum) {
#if NB_DSP
  int32_t r;
  __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum) : "cc");
  return r;
#else
  return static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(low_half(a) * low_half(b)) +
                              static_cast<uint32_t>(high_half(a) * high_half(b)));
#endif
}

/// sum + the two products of the signed halves of a and b, in 64 bits.
NB_INLINE int64_t multiply_add_halves64(uint32_t a, uint32_t b, int64_t sum) {
#if NB_DSP
  __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b) : "cc");
  return sum;
#else
  return sum + low_half(a) * low_half(b) + static_cast<int64_t>(high_half(a)) * high_half(b);
#endif
}

/// round(a * b / 2^32) + c, ties towards plus infinity.
NB_INLINE int32_t multiply_high_add(int32_t a, int32_t b, int32_t c) {
#if NB_DSP
  int32_t r;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
#else
  return c + static_cast<int32_t>((static_cast<int64_t>(a) * b + (int64_t{1} << 31)) >> 32);
#endif
}

/// x clamped to int16.
NB_INLINE int32_t saturate16(int32_t x) {
#if NB_DSP
  __asm__("ssat %0, #16, %0" : "+r"(x));
  return x;
#else
  return clamp(x, int32_t{-32768}, int32_t{32767});
#endif
}

/// Clamps `count` bytes in place to [low, high].
NB_NOINLINE inline void clamp_s8(int8_t* x, int32_t count, int32_t low, int32_t high) {
#if NB_DSP
  const uint32_t lows = (low & 0xff) * 0x01010101u, highs = (high & 0xff) * 0x01010101u;
  for (; count >= 4; count -= 4, x += 4) {
    uint32_t word = load4(x), scratch;
    __asm__("ssub8 %1, %0, %2\n\tsel %0, %0, %2\n\tssub8 %1, %3, %0\n\tsel %0, %0, %3"
            : "+r"(word), "=&r"(scratch)
            : "r"(lows), "r"(highs)
            : "cc");
    store4(x, word);
  }
#endif
  for (; count > 0; --count, ++x) *x = static_cast<int8_t>(clamp<int32_t>(*x, low, high));
}

/// Clamps `count` int16 in place to [low, high].
NB_NOINLINE inline void clamp_s16(int16_t* x, int32_t count, int32_t low, int32_t high) {
#if NB_DSP
  const uint32_t lows = (low & 0xffff) * 0x00010001u, highs = (high & 0xffff) * 0x00010001u;
  for (; count >= 2; count -= 2, x += 2) {
    uint32_t word = load4(x), scratch;
    __asm__("ssub16 %1, %0, %2\n\tsel %0, %0, %2\n\tssub16 %1, %3, %0\n\tsel %0, %0, %3"
            : "+r"(word), "=&r"(scratch)
            : "r"(lows), "r"(highs)
            : "cc");
    store4(x, word);
  }
#endif
  for (; count > 0; --count, ++x) *x = static_cast<int16_t>(clamp<int32_t>(*x, low, high));
}

}  // namespace nb
