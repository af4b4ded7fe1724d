// Powers of one half in integers.
#pragma once
#include "high_word.h"

namespace nb {

/// 2^-x in units of 1 / 65535, x in units of 2^-20, below 2^25: linear between the 128 values of `table` for
/// steps of 1/128, each 2^-x in units of 2^-17 in the upper 18 bits and, below, how much it falls to the next
/// in units of 2^-21. Off by at most 2^-15.5 of itself before it is rounded.
NB_INLINE uint32_t power_of_half(uint32_t x, const uint32_t* table) {
  const uint32_t word = table[(x >> 13) & 127u];
  const uint32_t power = (word >> 14) - (((word & 0x3fffu) * (x & 0x1fffu)) >> 17);
  return ((power >> (x >> 20)) + 1) >> 1;
}

/// The same in units of 2^-30, off by at most 2^-24 of itself before it is rounded: `table` has 2^(-i / 128)
/// in units of 2^-31, and e^-t for the rest is 1 - t + t * t / 2.
NB_INLINE uint32_t fine_power_of_half(uint32_t x, const uint32_t* table) {
  constexpr uint32_t kLog2 = 2977044472;  // in units of 2^-32
  const uint32_t t = multiply_high_u32((x & 0x1fffu) << 12, kLog2);
  const uint32_t fall = t - multiply_high_u32(t, t) / 2, whole = table[(x >> 13) & 127u];
  const uint32_t power = whole - multiply_high_u32(whole, fall);
  return ((power >> (x >> 20)) + 1) >> 1;
}

}  // namespace nb
