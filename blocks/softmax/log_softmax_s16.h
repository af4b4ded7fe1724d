// Log-softmax of int16 along any axis, portable.
#pragma once
#include "../core/math_log.h"
#include "../core/powers.h"

namespace nb {

/// What it needs beside its tensors [outer, size, inner]; rows run along `size`, at most 65535 elements.
struct LogSoftmaxS16 {
  int32_t outer, size, inner;
  /// Differences of elements to octaves in units of 2^-20, by high_word; beyond the limit powers are 0.
  int32_t power_limit, power_left, power_multiplier;
  int32_t multiplier, shift;          ///< x's steps to y's: multiplier * 2^-shift
  int32_t log_multiplier, log_shift;  ///< octaves in units of 2^-24 to y's steps in units of 2^-shift
  int32_t out_zero;
};

/// y - zero point of x's largest element, in units of 2^-shift: minus the logarithm of the sum of e^(x -
/// largest). `table` as fine_power_of_half takes it.
NB_NOINLINE inline int64_t log_of_powers_s16(const LogSoftmaxS16& p, const int16_t* from, int32_t largest,
                                             const uint32_t* table) {
  const auto limit = static_cast<uint32_t>(p.power_limit);
  uint64_t sum = 0;
  for (int32_t i = 0; i < p.size; ++i) {
    const auto below = static_cast<uint32_t>(largest - from[i * p.inner]);
    if (below > limit) continue;
    const int32_t x = high_word(static_cast<int32_t>(below << p.power_left), p.power_multiplier);
    sum += fine_power_of_half(static_cast<uint32_t>(x), table);
  }
  const fixed::Log2 log = fixed::log2(fixed::normalize(sum, 33));  // of units of 2^-30
  const int64_t octaves = log.value >> (log.q - 24);
  return -((octaves * p.log_multiplier) >> p.log_shift);
}

/// out = log(softmax(in)), rounded once. `out` may be `in`.
NB_NOINLINE inline void log_softmax_s16(const LogSoftmaxS16& p, const int16_t* in, const uint32_t* table,
                                        int16_t* out) {
  for (int32_t n = 0; p.size > 0 && n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      const int32_t begin = n * p.size * p.inner + j;
      const int16_t* from = in + begin;
      int16_t* to = out + begin;
      int32_t largest = -32768;
      for (int32_t i = 0; i < p.size; ++i) largest = max<int32_t>(largest, from[i * p.inner]);
      const int64_t first = log_of_powers_s16(p, from, largest, table) +
                            p.out_zero * (int64_t{1} << p.shift) + (int64_t{1} << p.shift) / 2;
      for (int32_t i = 0; i < p.size; ++i) {
        const int32_t below = largest - from[i * p.inner];
        const int64_t y = (first - static_cast<int64_t>(below) * p.multiplier) >> p.shift;
        to[i * p.inner] = static_cast<int16_t>(clamp<int64_t>(y, -32768, 32767));
      }
    }
}

}  // namespace nb
