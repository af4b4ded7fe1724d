// Attention of int8 or int16 with one scale a tensor, in integers only, by a few rows of scores at a time.
#pragma once
#include "../core/high_word.h"
#include "../core/products_s16.h"
#include "seen_keys.h"

namespace nb {

/// What it needs beside its tensors: as Attention, with numbers. k's zero point adds the same to all scores
/// of a row, which changes nothing; v's is part of out_offset.
struct AttentionQuantized {
  int32_t batch, heads, group, queries, keys, depth, value_depth;
  AttentionSteps q, k, v, y;
  MaskSteps mask;
  int32_t left, right, offset;
  int32_t q_zero, out_zero;
  int32_t score_shift;                   ///< a sum of products / 2^score_shift is a score, below 2^29
  int32_t sign;                          ///< -1: smaller scores have larger powers
  int32_t mask_left, mask_multiplier;    ///< a score to the units of a mask of integers, see high_word
  int32_t power_limit;                   ///< scores further below the largest have no power
  int32_t power_left, power_multiplier;  ///< a difference of scores to 2^-20 octaves, see high_word
  int32_t factor_high, factor_low;  ///< 2^(32 + bits + out_shift) * v's scale over the output's, below 2^62
  int32_t out_shift, out_offset;    ///< the output in units of 2^-out_shift, half a step included
};

/// Keys whose values are in scratch at a time: so many products of a power and an int8 fit in 32 bits.
constexpr int32_t kAttentionKeys = 256;
/// Keys, or features of values, that are multiplied at a time.
constexpr int32_t kAttentionStrip = 8;

constexpr int32_t attention_padded(int32_t length) { return (length + 7) / 8 * 8; }
/// Bytes of scratch: the scores of a few rows, these rows of q, and a strip of keys or of values.
constexpr int32_t attention_quantized_scratch(int32_t queries, int32_t keys, int32_t depth) {
  const int32_t rows = (min(queries, kAttentionRows) + 1) / 2 * 2;
  return rows * (4 * attention_padded(keys) + 2 * attention_padded(depth)) +
         2 * kAttentionStrip * attention_padded(max(depth, min(keys, kAttentionKeys)));
}

/// Scores, in whose place powers are written.
using ScoreS32 = int32_t __attribute__((may_alias));
constexpr int32_t kHiddenScore = INT32_MIN;

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

/// How attention of T computes: sums of products of q and k, and powers as they are kept in place of scores.
template <class T>
struct AttentionNumbers;
template <>
struct AttentionNumbers<int8_t> {
  using Sum = int32_t;
  /// Powers less 32768, in the order of products_place.
  static constexpr int32_t kBits = 8, kLow = -128, kHigh = 127;
  NB_INLINE void put(ScoreS32* row, int32_t i, uint32_t power) {
    reinterpret_cast<int16_t*>(row)[products_place(i)] =
        static_cast<int16_t>(static_cast<int32_t>(power) - 32768);
  }
  NB_INLINE uint32_t power(uint32_t x, const uint32_t* table) { return power_of_half(x, table); }
};
template <>
struct AttentionNumbers<int16_t> {
  using Sum = int64_t;
  static constexpr int32_t kBits = 16, kLow = -32768, kHigh = 32767;
  NB_INLINE void put(ScoreS32* row, int32_t i, uint32_t power) { row[i] = static_cast<int32_t>(power); }
  NB_INLINE uint32_t power(uint32_t x, const uint32_t* table) { return fine_power_of_half(x, table); }
};

/// The scores of one query as softmax compares them: of the right sign, masked.
NB_INLINE int32_t masked_score(const AttentionQuantized&, int32_t score, uint8_t mask) {
  return mask ? score : kHiddenScore;
}
NB_INLINE int32_t masked_score(const AttentionQuantized& p, int32_t score, int32_t mask) {
  return mask == kHiddenScore ? kHiddenScore
                              : high_word_add(score * (1 << p.mask_left), p.mask_multiplier, mask);
}
template <class Mask>
NB_NOINLINE void attention_bend(const AttentionQuantized& p, int32_t count, const Mask* mask,
                                ScoreS32* scores) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t score = p.sign < 0 ? -scores[i] : scores[i];
    scores[i] = mask ? masked_score(p, score, mask[i * p.mask.k]) : score;
  }
}

/// What scales the sums of one row.
struct AttentionFactor {
  int32_t left;    ///< of the sum, to the right where it is negative
  int32_t factor;  ///< 0 if the row sees nothing
};
NB_INLINE AttentionFactor attention_factor(const AttentionQuantized& p, uint64_t sum, int32_t bits) {
  if (sum == 0) return {0, 0};
  const int32_t zeros = __builtin_clzll(sum);
  const uint64_t factor =
      static_cast<uint64_t>(static_cast<uint32_t>(p.factor_high)) << 32 | static_cast<uint32_t>(p.factor_low);
  return {zeros - 32 - bits, static_cast<int32_t>(factor / static_cast<uint32_t>((sum << zeros) >> 32))};
}

/// The power of e of a score that lies `below` the largest.
template <class T>
NB_INLINE uint32_t attention_power(const AttentionQuantized& p, uint32_t below, const uint32_t* table) {
  if (below > static_cast<uint32_t>(p.power_limit)) return 0;
  const int32_t x = high_word(static_cast<int32_t>(below << p.power_left), p.power_multiplier);
  return AttentionNumbers<T>::power(static_cast<uint32_t>(x), table);
}

/// The scores of one query become powers of e relative to the largest; `powers` is where those of int8 begin.
/// The scores of the keys `all` are given, `seen` among them are seen. Gives the sum of the powers.
template <class T>
NB_NOINLINE uint64_t attention_powers(const AttentionQuantized& p, KeyRange seen, KeyRange all,
                                      const ScoreS32* scores, const uint32_t* table, ScoreS32* powers) {
  using Numbers = AttentionNumbers<T>;
  const int32_t begin = seen.begin - all.begin, end = seen.end - all.begin;
  int32_t largest = kHiddenScore;
  for (int32_t i = begin; i < end; ++i) largest = max<int32_t>(largest, scores[i]);
  const int32_t from = largest == kHiddenScore ? end : begin;
  for (int32_t i = 0; i < from; ++i) Numbers::put(powers, i, 0);
  uint64_t sum = 0;
  for (int32_t i = from; i < end; ++i) {
    const uint32_t below = static_cast<uint32_t>(largest) - static_cast<uint32_t>(scores[i]);
    const uint32_t power = attention_power<T>(p, below, table);
    sum += power;
    Numbers::put(powers, i, power);
  }
  for (int32_t i = end; i < all.end - all.begin; ++i) Numbers::put(powers, i, 0);
  return sum;
}

/// A row of `length` elements, `step` apart, less `zero`, in the order of products_place, padded.
template <class T>
NB_NOINLINE void attention_expand(const T* from, int32_t step, int32_t length, int32_t zero, int16_t* to) {
  int32_t i = 0;
  for (; i < length; ++i, from += step) to[products_place(i)] = static_cast<int16_t>(*from - zero);
  for (; i < padded_length(length); ++i) to[products_place(i)] = 0;
}

/// What a feature's sum makes of its value.
template <class Total>
NB_INLINE int32_t attention_output(const AttentionQuantized& p, AttentionFactor f, Total total) {
  if (f.factor == 0) return p.out_zero;
  const auto shifted = static_cast<int32_t>(f.left < 0 ? total >> -f.left : total * (Total{1} << f.left));
  return high_word_add(shifted, f.factor, p.out_offset) >> p.out_shift;
}

/// Scores of `rows` queries with the keys `all`, each row `width` scores long. q and k are those of the
/// first.
template <class T>
NB_NOINLINE void attention_scores(const AttentionQuantized& p, int32_t rows, int32_t count, const T* q,
                                  const T* k, ScoreS32* scores, int32_t width) {
  using Sum = typename AttentionNumbers<T>::Sum;
  static constexpr Sum kZeros[kAttentionStrip] = {};
  const int32_t depth = padded_length(p.depth), even_rows = (rows + 1) / 2 * 2;
  auto* const rows_of_q = reinterpret_cast<int16_t*>(scores + even_rows * width);
  int16_t* const strip = rows_of_q + even_rows * depth;
  for (int32_t r = 0; r < rows; ++r)
    attention_expand(q + r * p.q.t, 1, p.depth, p.q_zero, products_row(rows_of_q, depth, r));
  for (int32_t key = 0; key < count; key += kAttentionStrip, k += kAttentionStrip * p.k.t) {
    const int32_t keys = min(count - key, kAttentionStrip);
    for (int32_t c = 0; c < keys; ++c)
      attention_expand(k + c * p.k.t, p.k.d, p.depth, 0, products_row(strip, depth, c));
    Sum sums[kAttentionRows * kAttentionStrip];
    products_s16<Sum>(rows_of_q, depth, rows, strip, depth, keys, depth, kZeros, sums, kAttentionStrip);
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < keys; ++c)
        scores[r * width + key + c] = static_cast<int32_t>(sums[r * kAttentionStrip + c] >> p.score_shift);
  }
}

/// totals[r * kAttentionStrip + c] = sum over keys of power * v for `rows` rows of powers and `features`
/// features from the one that v points to. `strip` is scratch.
template <class Total>
NB_NOINLINE void attention_sums(const AttentionQuantized& p, int32_t rows, int32_t count,
                                const ScoreS32* powers, int32_t width, const int8_t* v, int32_t features,
                                int16_t* strip, Total* totals) {
  for (int32_t i = 0; i < rows * kAttentionStrip; ++i) totals[i] = 0;
  for (int32_t key = 0; key < count; key += kAttentionKeys, v += kAttentionKeys * p.v.t) {
    const int32_t keys = min(count - key, kAttentionKeys), length = padded_length(keys);
    Total init[kAttentionStrip] = {}, sums[kAttentionRows * kAttentionStrip];
    for (int32_t c = 0; c < features; ++c) {
      const int8_t* const values = v + c * p.v.d;
      attention_expand(values, p.v.t, keys, 0, products_row(strip, length, c));
      for (int32_t i = 0; i < keys; ++i) init[c] += values[i * p.v.t] * Total{32768};
    }
    products_s16<Total>(reinterpret_cast<const int16_t*>(powers) + products_place(key), 2 * width, rows,
                        strip, length, features, length, init, sums, kAttentionStrip);
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < features; ++c) totals[r * kAttentionStrip + c] += sums[r * kAttentionStrip + c];
  }
}
NB_NOINLINE inline void attention_sums(const AttentionQuantized& p, int32_t rows, int32_t count,
                                       const ScoreS32* powers, int32_t width, const int16_t* v,
                                       int32_t features, int16_t*, int64_t* totals) {
  for (int32_t r = 0; r < rows; ++r, powers += width, totals += kAttentionStrip)
    for (int32_t c = 0; c < features; ++c) {
      int64_t total = 0;
      const int16_t* value = v + c * p.v.d;
      for (int32_t i = 0; i < count; ++i, value += p.v.t) total += int64_t{powers[i]} * *value;
      totals[c] = total;
    }
}

/// The queries [from, from + rows) of one head, at most kAttentionRows; q, mask and y are those of the first.
template <class T, class Total, class Mask>
NB_NOINLINE void attention_rows(const AttentionQuantized& p, int32_t from, int32_t rows, const T* q,
                                const T* k, const T* v, const Mask* mask, const uint32_t* table, T* y,
                                int8_t* scratch) {
  using Numbers = AttentionNumbers<T>;
  const KeyRange all{keys_of_query(p, from).begin, keys_of_query(p, from + rows - 1).end};
  const int32_t count = all.end - all.begin, width = attention_padded(p.keys);
  auto* const scores = reinterpret_cast<ScoreS32*>(scratch);
  attention_scores(p, rows, count, q, k + all.begin * p.k.t, scores, width);
  AttentionFactor factors[kAttentionRows];
  for (int32_t r = 0; r < rows; ++r) {
    const KeyRange seen = keys_of_query(p, from + r);
    ScoreS32* const row = scores + r * width;
    if (mask || p.sign < 0)
      attention_bend(p, seen.end - seen.begin, mask ? mask + r * p.mask.q + seen.begin * p.mask.k : nullptr,
                     row + seen.begin - all.begin);
    ScoreS32* powers = row;
    if constexpr (sizeof(T) == 1)
      powers = reinterpret_cast<ScoreS32*>(products_row(reinterpret_cast<int16_t*>(scores), 2 * width, r));
    factors[r] = attention_factor(p, attention_powers<T>(p, seen, all, row, table, powers), Numbers::kBits);
  }
  auto* const strip = reinterpret_cast<int16_t*>(scores + (rows + 1) / 2 * 2 * width);
  for (int32_t d = 0; d < p.value_depth; d += kAttentionStrip) {
    const int32_t features = min(p.value_depth - d, kAttentionStrip);
    Total totals[kAttentionRows * kAttentionStrip];
    attention_sums(p, rows, count, scores, width, v + all.begin * p.v.t + d * p.v.d, features, strip, totals);
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < features; ++c)
        y[r * p.y.t + d + c] = static_cast<T>(clamp(
            attention_output(p, factors[r], totals[r * kAttentionStrip + c]), Numbers::kLow, Numbers::kHigh));
  }
}

/// y = softmax(scale * q k^T + mask) v for each batch and head in the output's numbers, real 0 in rows that
/// see nothing. `mask` may be null; Mask is uint8_t (0 hides) or int32_t (added, kHiddenScore hides). Total
/// is int32_t for int8 and at most kAttentionKeys keys, else int64_t. `table` as power_of_half wants it. y
/// may lie exactly on q if their steps are the same and neither k nor v lies there.
template <class T, class Total, class Mask>
NB_NOINLINE void attention_quantized(const AttentionQuantized& p, const T* q, const T* k, const T* v,
                                     const Mask* mask, const uint32_t* table, T* y, int8_t* scratch) {
  for (int32_t b = 0; b < p.batch; ++b)
    for (int32_t h = 0; h < p.heads; ++h)
      for (int32_t from = 0; from < p.queries; from += kAttentionRows)
        attention_rows<T, Total>(p, from, min(p.queries - from, kAttentionRows),
                                 q + b * p.q.b + h * p.q.h + from * p.q.t,
                                 k + b * p.k.b + h / p.group * p.k.h, v + b * p.v.b + h / p.group * p.v.h,
                                 mask ? mask + b * p.mask.b + h * p.mask.h + from * p.mask.q : nullptr, table,
                                 y + b * p.y.b + h * p.y.h + from * p.y.t, scratch);
}

}  // namespace nb
