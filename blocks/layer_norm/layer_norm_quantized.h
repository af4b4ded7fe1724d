// Rows of int8 or int16 brought to mean 0 and variance 1, or to mean square 1, in integers only.
#pragma once
#include "../core/high_word.h"
#include "../core/inverse_root.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

namespace nb {

/// The input is [rows, size]. A row's spread is size * (sum of squares) - (sum)^2, or, where it is not
/// centered, the sum of (x - zero)^2: exact in 64 bits.
struct LayerNormQuantized {
  int32_t rows, size;
  int32_t centered, zero;
  int32_t epsilon_high, epsilon_low;  ///< in units of the spread times 2^spread_shift
  int32_t spread_shift;               ///< even
  int32_t normal_bits;                ///< a normalized element is in units of 2^-normal_bits
  int32_t out_shift;  ///< 1..: multipliers and offsets give units of 2^-out_shift of the output
  int32_t gain_step;  ///< from one group of gains to the next: 8, or 0 where all are the same
};

/// Gains go by four: four multipliers, then four offsets.
constexpr int32_t kLayerNormGroup = 4;

/// A normalized element is (x * count - sum) * inverse / 2^32; the difference wraps.
struct RowNormal {
  uint32_t count, sum;
  int32_t inverse;
};

/// What normalizes a row, from the sums of its elements and of their squares.
inline RowNormal row_normal(const LayerNormQuantized& p, int32_t sum, int64_t squares) {
  int32_t count = 1, center = p.zero;
  int64_t spread;
  if (p.centered) {
    count = p.size, center = sum;
    spread = squares * count - static_cast<int64_t>(sum) * sum;
  } else {
    spread = squares - int64_t{2} * p.zero * sum + int64_t{p.size} * p.zero * p.zero;
  }
  if (spread == 0) return {0, 0, 0};
  auto u = static_cast<uint64_t>(spread);
  u = p.spread_shift < 0 ? u >> -p.spread_shift : u << p.spread_shift;
  u += static_cast<uint64_t>(static_cast<uint32_t>(p.epsilon_high)) << 32 |
       static_cast<uint32_t>(p.epsilon_low);
  if (u == 0) u = 1;
  const int32_t half_zeros = __builtin_clzll(u) / 2;
  const uint32_t inverse = inverse_root(static_cast<uint32_t>((u << (2 * half_zeros)) >> 32));
  const int32_t left = p.spread_shift / 2 + p.normal_bits + half_zeros - 30;
  if (left < 0)
    return {static_cast<uint32_t>(count), static_cast<uint32_t>(center),
            left < -31 ? 0 : static_cast<int32_t>(inverse >> -left)};
  return {static_cast<uint32_t>(count) << left, static_cast<uint32_t>(center) << left,
          static_cast<int32_t>(inverse)};
}

/// The output for one element of a row.
template <class T>
NB_INLINE T normal_output(const LayerNormQuantized& p, const RowNormal& n, T x, int32_t multiplier,
                          int32_t offset) {
  const uint32_t distance = static_cast<uint32_t>(static_cast<int32_t>(x)) * n.count - n.sum;
  const int32_t normal = high_word(static_cast<int32_t>(distance), n.inverse);
  const int32_t y = high_word_add(normal, multiplier, offset) >> p.out_shift;
  constexpr int32_t kLow = sizeof(T) == 1 ? -128 : -32768, kHigh = sizeof(T) == 1 ? 127 : 32767;
  return static_cast<T>(clamp(y, kLow, kHigh));
}

/// Sums of the elements of a row and of their squares.
template <class T>
NB_INLINE void row_sums(const T* in, int32_t size, int32_t& sum, int64_t& squares) {
  for (; size > 0; size -= 4096) {  // so many squares of int8 stay below 2^27, of int16 they take 64 bits
    const int32_t count = min<int32_t>(size, 4096);
    if constexpr (sizeof(T) == 1) {
      int32_t part = 0;
      for (int32_t i = 0; i < count; ++i) {
        const int32_t x = *in++;
        sum += x;
        part += x * x;
      }
      squares += part;
    } else {
      for (int32_t i = 0; i < count; ++i) {
        const int32_t x = *in++;
        sum += x;
        squares += static_cast<uint32_t>(x * x);
      }
    }
  }
}

/// out = (in - m) / sqrt(v + epsilon) * scale + bias in the output's numbers, m and v the mean and the
/// variance of the row; `gains` as above. At most 32768 elements a row. The output may lie exactly on the
/// input.
template <class T>
NB_NOINLINE void layer_norm_quantized(const LayerNormQuantized& p, const T* in, const int32_t* gains,
                                      T* out) {
  for (int32_t n = 0; n < p.rows; ++n) {
    int32_t sum = 0;
    int64_t squares = 0;
    row_sums(in, p.size, sum, squares);
    const RowNormal normal = row_normal(p, sum, squares);
    const int32_t* group = gains;
    for (int32_t left = p.size; left > 0; left -= kLayerNormGroup, group += p.gain_step)
      for (int32_t i = 0; i < min(left, kLayerNormGroup); ++i)
        *out++ = normal_output(p, normal, *in++, group[i], group[kLayerNormGroup + i]);
  }
}

}  // namespace nb
