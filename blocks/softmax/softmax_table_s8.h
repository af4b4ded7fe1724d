// Softmax of int8 along any axis by a table of exponentials, rounded once to any numbers, portable.
#pragma once
#include "../core/nb.h"

namespace nb {

/// What it needs beside its tensors [outer, size, inner] and its table; rows run along `size`, at most 8191
/// elements. Element d of the table is exp(-beta * in_scale * d) in units in which a row's sum is below 2^32.
struct SoftmaxTableS8 {
  int32_t outer, size, inner;
  int32_t numerator_high, numerator_low;  ///< 2^shift / out_scale, below 2^63
  int32_t shift;                          ///< 1..62
  int32_t out_zero;
};

/// What brings a power of the row to the output's steps, in units of 2^-shift; below 2^32, as the sum is at
/// least the table's first element.
inline uint32_t softmax_table_factor(const SoftmaxTableS8& p, uint32_t sum) {
  const uint64_t numerator = static_cast<uint64_t>(static_cast<uint32_t>(p.numerator_high)) << 32 |
                             static_cast<uint32_t>(p.numerator_low);
  return static_cast<uint32_t>(numerator / sum);
}

NB_INLINE int8_t softmax_table_quotient(const SoftmaxTableS8& p, uint32_t power, uint32_t factor) {
  const uint64_t product = static_cast<uint64_t>(power) * factor + (uint64_t{1} << (p.shift - 1));
  const auto steps = static_cast<uint32_t>(min<uint64_t>(product >> p.shift, 512));
  return static_cast<int8_t>(clamp<int32_t>(static_cast<int32_t>(steps) + p.out_zero, -128, 127));
}

/// out = softmax(in). `out` may be `in`.
NB_NOINLINE inline void softmax_table_s8(const SoftmaxTableS8& p, const int8_t* in, const uint32_t* table,
                                         int8_t* out) {
  if (p.size == 0) return;
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      const int32_t begin = n * p.size * p.inner + j;
      const int8_t* from = in + begin;
      int8_t* to = out + begin;
      int32_t largest = -128;
      for (int32_t i = 0; i < p.size; ++i) largest = max<int32_t>(largest, from[i * p.inner]);
      uint32_t sum = 0;
      for (int32_t i = 0; i < p.size; ++i) sum += table[largest - from[i * p.inner]];
      const uint32_t factor = softmax_table_factor(p, sum);
      for (int32_t i = 0; i < p.size; ++i)
        to[i * p.inner] = softmax_table_quotient(p, table[largest - from[i * p.inner]], factor);
    }
}

}  // namespace nb
