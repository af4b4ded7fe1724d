// Reciprocal square roots in integers.
#pragma once
#include "high_word.h"

namespace nb {

/// 2^30 / sqrt(x), x = u / 2^32 in [1/4, 1), so that the result lies between 2^30 and 2^31 - 1: a table of
/// the upper six bits (off by 1/64 at most), then three steps of Newton's iteration, r += r * (1 - x * r * r)
/// / 2. Off by less than 2^-29 of itself.
inline uint32_t inverse_root(uint32_t u) {
  static constexpr uint16_t kSeeds[48] = {504, 490, 476, 464, 453, 442, 432, 422, 414, 406, 398, 391,
                                          384, 377, 371, 365, 359, 354, 349, 344, 339, 335, 330, 326,
                                          322, 318, 314, 311, 307, 304, 301, 298, 295, 292, 289, 286,
                                          283, 281, 278, 276, 273, 271, 269, 266, 264, 262, 260, 258};
  uint32_t r = static_cast<uint32_t>(kSeeds[(u >> 26) - 16]) << 22;
  for (int i = 0; i < 3; ++i) {
    const auto square = static_cast<uint32_t>((static_cast<uint64_t>(r) * r) >> 30);
    const uint32_t left = (uint32_t{3} << 30) - multiply_high_u32(square, u);
    r = static_cast<uint32_t>((static_cast<uint64_t>(r) * left) >> 31);
  }
  return clamp(r, uint32_t{1} << 30, (uint32_t{1} << 31) - 1);
}

}  // namespace nb
