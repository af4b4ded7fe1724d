// The two products of attention in integers: scores of q and k, and sums of powers times v.
#pragma once
#include "../core/products_s16.h"
#include "quantized.h"

namespace nb {

/// Sums of products of int8 take 32 bits, of int16 64.
template <class T>
struct ScoreSum {
  using Type = int64_t;
};
template <>
struct ScoreSum<int8_t> {
  using Type = int32_t;
};

/// Where feature i of a row of q, or of a column of k, is put. Bytes go by four, as the DSP extension widens
/// them: 0, 2, 1, 3.
template <class T, bool kIsColumn>
NB_INLINE int32_t feature_place(int32_t i) {
#if NB_PAIRED_ROWS
  if (sizeof(T) == 1) i = (i & ~3) | (i & 1) << 1 | (i >> 1 & 1);
#endif
  return kIsColumn ? column_place(i) : products_place(i);
}

/// Rows of q, or of k as columns: `rows` of `length` features each, less `zero`, padded; features are `step`
/// apart and rows `row_step`.
template <bool kIsColumn, class T>
NB_NOINLINE void attention_expand(const T* from, int32_t row_step, int32_t step, int32_t rows, int32_t length,
                                  int32_t zero, int16_t* matrix) {
  const int32_t padded = padded_length(length);
  for (int32_t r = 0; r < rows; ++r, from += row_step) {
    int16_t* const to = kIsColumn ? products_column(matrix, padded, r) : products_row(matrix, padded, r);
    int32_t i = 0;
#if defined(__ARM_FEATURE_MVE)
    if constexpr (sizeof(T) == 2)
      if (step == 1)
        for (; i + 8 <= length; i += 8)
          vstrhq_s16(to + i, vsubq_n_s16(vldrhq_s16(from + i), static_cast<int16_t>(zero)));
#elif NB_PAIRED_ROWS
    constexpr int32_t kWords = kIsColumn ? 4 : 2;  // from one word of the row to the next
    using Word = uint32_t __attribute__((may_alias));
    auto* words = reinterpret_cast<Word*>(to);
    if (sizeof(T) == 1 && step == 1) {
      const uint32_t zeros = (static_cast<uint32_t>(zero) & 0xffffu) * 0x00010001u;
      if (zero == 0) {
#pragma GCC unroll 4
        for (; i + 4 <= length; i += 4, words += 2 * kWords) {
          const uint32_t word = load4(from + i);
          words[0] = even_bytes(word);
          words[kWords] = odd_bytes(word);
        }
      } else {
        for (; i + 4 <= length; i += 4, words += 2 * kWords) {
          const uint32_t word = load4(from + i);
          words[0] = subtract_halves(even_bytes(word), zeros);
          words[kWords] = subtract_halves(odd_bytes(word), zeros);
        }
      }
    } else if (sizeof(T) == 2 && step == 1 && zero == 0) {
#pragma GCC unroll 4
      for (; i + 2 <= length; i += 2, words += kWords) words[0] = load4(from + i);
    }
#endif
    for (; i < length; ++i) to[feature_place<T, kIsColumn>(i)] = static_cast<int16_t>(from[i * step] - zero);
    for (; i < padded; ++i) to[feature_place<T, kIsColumn>(i)] = 0;
  }
}

#if defined(__ARM_FEATURE_MVE)
/// Scores of three queries with `count` keys of 16 * kVectors features, which stay in registers.
template <int kVectors>
NB_INLINE void scores_of_three(const int8_t* q0, const int8_t* q1, const int8_t* q2, int32_t zero,
                               const int8_t* k, int32_t step, int32_t count, int32_t* to0, int32_t* to1,
                               int32_t* to2) {
  constexpr int kNext = 16 * (kVectors - 1);
  const int8x16_t a = vldrbq_s8(q0), b = vldrbq_s8(q1), c = vldrbq_s8(q2);
  const int8x16_t a2 = vldrbq_s8(q0 + kNext), b2 = vldrbq_s8(q1 + kNext), c2 = vldrbq_s8(q2 + kNext);
  for (; count > 0; --count, k += step) {
    const int8x16_t x = vldrbq_s8(k);
    int32_t sum = vaddvq_s8(x), s0 = vmladavq_s8(a, x), s1 = vmladavq_s8(b, x), s2 = vmladavq_s8(c, x);
    if (kVectors > 1) {
      const int8x16_t y = vldrbq_s8(k + kNext);
      sum = vaddvaq_s8(sum, y);
      s0 = vmladavaq_s8(s0, a2, y);
      s1 = vmladavaq_s8(s1, b2, y);
      s2 = vmladavaq_s8(s2, c2, y);
    }
    sum *= zero;
    *to0++ = s0 - sum;
    *to1++ = s1 - sum;
    *to2++ = s2 - sum;
  }
}

/// The same as attention_scores of bytes that are read where they lie.
NB_NOINLINE inline void scores_in_place(const AttentionQuantized& p, int32_t rows, int32_t count,
                                        const int8_t* q, const int8_t* k, int32_t* scores, int32_t width) {
  const int32_t depth = p.depth, step = p.k.t, zero = p.q_zero;
  if (depth == 16 || depth == 32) {
    for (int32_t r = 0; r < rows; r += 3) {
      const int32_t last = min<int32_t>(rows - r, 3) - 1, next = min<int32_t>(last, 1);  // some twice
      const int8_t *const q0 = q + r * p.q.t, *const q1 = q0 + next * p.q.t, *const q2 = q0 + last * p.q.t;
      int32_t *const to0 = scores + r * width, *const to1 = to0 + next * width,
                     *const to2 = to0 + last * width;
      if (depth == 16)
        scores_of_three<1>(q0, q1, q2, zero, k, step, count, to0, to1, to2);
      else
        scores_of_three<2>(q0, q1, q2, zero, k, step, count, to0, to1, to2);
    }
    return;
  }
  for (int32_t r = 0; r < rows; r += 4, q += 4 * p.q.t, scores += 4 * width) {
    const int32_t last = min<int32_t>(rows - r, 4) - 1;
    const int8_t *const q1 = q + min<int32_t>(last, 1) * p.q.t, *const q2 = q + min<int32_t>(last, 2) * p.q.t,
                        *const q3 = q + last * p.q.t;
    const int8_t* key = k;
    int32_t* to = scores;
    for (int32_t left = count; left > 0; --left, key += step, ++to) {
      int32_t s[4] = {}, sum = 0;
      products_four(key, q, q1, q2, q3, depth, s, sum);
      sum *= zero;
      to[0] = s[0] - sum;
      if (last > 0) to[width] = s[1] - sum;
      if (last > 1) to[2 * width] = s[2] - sum;
      if (last > 2) to[3 * width] = s[3] - sum;
    }
  }
}
#endif

#if defined(__ARM_FEATURE_MVE)
/// The same as attention_scores of int16 with zero point 0 that are read where they lie.
NB_NOINLINE inline void scores_in_place(const AttentionQuantized& p, int32_t rows, int32_t count,
                                        const int16_t* q, const int16_t* k, int32_t* scores, int32_t width) {
  const int32_t depth = p.depth, step = p.k.t, shift = p.score_shift;
  for (int32_t r = 0; r < rows; r += 2, q += 2 * p.q.t, scores += 2 * width) {
    const bool two = r + 1 < rows;
    const int16_t *const next = two ? q + p.q.t : q, *key = k;
    int32_t *to = scores, *below = two ? scores + width : scores;
    for (int32_t left = count; left > 0; --left, key += step) {
      int64_t s0, s1;
      products_two_wide(key, q, next, depth, s0, s1);
      *below++ = static_cast<int32_t>(s1 >> shift);
      *to++ = static_cast<int32_t>(s0 >> shift);
    }
  }
}
#endif

/// The same as attention_scores of bytes and all keys, which `columns` has widened.
NB_NOINLINE inline void scores_of_kept(const AttentionQuantized& p, int32_t rows, const int8_t* q,
                                       const int16_t* columns, int32_t* scores, int32_t width,
                                       int16_t* rows_of_q) {
  static constexpr int32_t kZeros[kAttentionStrip] = {};
  const int32_t depth = padded_length(p.depth);
  attention_expand<false>(q, p.q.t, 1, rows, p.depth, p.q_zero, rows_of_q);
#if NB_PAIRED_ROWS
  for (int32_t r = 0; r < rows; r += 2)
    products_of_pair(products_row(rows_of_q, depth, r), columns, depth, p.keys, depth, kZeros,
                     scores + r * width, width, 0);
#else
  for (int32_t key = 0; key < p.keys; key += kAttentionStrip)
    products_s16<int32_t>(rows_of_q, depth, rows, products_column(columns, depth, key), depth,
                          min(p.keys - key, kAttentionStrip), depth, kZeros, scores + key, width);
#endif
}

/// scores[r * width + i] for `rows` queries from q on and `count` keys from k on. `strip` is scratch for the
/// rows and a strip of keys.
template <class T>
NB_NOINLINE void attention_scores(const AttentionQuantized& p, int32_t rows, int32_t count, const T* q,
                                  const T* k, int32_t* scores, int32_t width, int16_t* strip) {
  using Sum = typename ScoreSum<T>::Type;
  [[maybe_unused]] static constexpr Sum kZeros[kAttentionStrip] = {};
#if defined(__ARM_FEATURE_MVE)
  if (p.k.d == 1 && p.depth > 0 && (sizeof(T) == 1 || p.q_zero == 0))
    return scores_in_place(p, rows, count, q, k, scores, width);
#endif
  const int32_t depth = padded_length(p.depth);
  int16_t *const rows_of_q = strip, *const keys_strip = strip + (rows + 1) / 2 * 2 * depth;
  attention_expand<false>(q, p.q.t, 1, rows, p.depth, p.q_zero, rows_of_q);
  for (int32_t key = 0; key < count; key += kAttentionStrip, k += kAttentionStrip * p.k.t) {
    const int32_t keys = min(count - key, kAttentionStrip);
    attention_expand<true>(k, p.k.t, p.k.d, keys, p.depth, 0, keys_strip);
    if constexpr (sizeof(T) == 1) {
      products_s16<Sum>(rows_of_q, depth, rows, keys_strip, depth, keys, depth, kZeros, scores + key, width);
    } else {
#if NB_PAIRED_ROWS
      for (int32_t r = 0; r < rows; r += 2)
        for (int32_t c = 0; c < keys; c += 2) {
          const int16_t* const x = products_row(rows_of_q, depth, r);
          const WideTile tile{x,
                              products_column(keys_strip, depth, c),
                              x + 2 * depth,
                              scores + r * width + key + c,
                              4 * width,
                              p.score_shift,
                              32 - p.score_shift};
          products_wide_tile(&tile);
        }
#else
      Sum sums[kAttentionRows * kAttentionStrip];
      products_s16<Sum>(rows_of_q, depth, rows, keys_strip, depth, keys, depth, kZeros, sums,
                        kAttentionStrip);
      for (int32_t r = 0; r < rows; ++r)
        for (int32_t c = 0; c < keys; ++c)
          scores[r * width + key + c] = static_cast<int32_t>(sums[r * kAttentionStrip + c] >> p.score_shift);
#endif
    }
  }
}

#if NB_PAIRED_ROWS
/// Four features of each of two keys to four columns.
NB_INLINE void transpose_words(uint32_t x, uint32_t y, int16_t* to) {
  const uint32_t x02 = even_bytes(x), x13 = odd_bytes(x), y02 = even_bytes(y), y13 = odd_bytes(y);
  uint32_t f0, f1, f2, f3;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(f0) : "r"(x02), "r"(y02));
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(f1) : "r"(x13), "r"(y13));
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(f2) : "r"(y02), "r"(x02));
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(f3) : "r"(y13), "r"(x13));
  __asm__ volatile("strd %1, %2, [%0]\n\tstrd %3, %4, [%0, #8]"
                   :
                   : "r"(to), "r"(f0), "r"(f1), "r"(f2), "r"(f3)
                   : "memory");
}
#endif

/// The features of a few keys as columns, along the keys: column c is feature c of
/// `features`, at most kAttentionStrip, each of `length` elements with padding.
NB_NOINLINE inline void attention_transpose(const int8_t* v, int32_t key_step, int32_t feature_step,
                                            int32_t keys, int32_t features, int16_t* strip, int32_t length) {
  int32_t key = 0;
#if defined(__ARM_FEATURE_MVE)
  if (feature_step == 1) {
    const uint16x8_t rows = vmulq_n_u16(vidupq_n_u16(0, 1), static_cast<uint16_t>(length));
    const mve_pred16_t lanes = vctp16q(static_cast<uint32_t>(features));
    if (features == kAttentionStrip)
      for (; key < keys; ++key, v += key_step)
        vstrhq_scatter_shifted_offset_s16(strip + key, rows, vldrbq_s16(v));
    for (; key < keys; ++key, v += key_step)
      vstrhq_scatter_shifted_offset_p_s16(strip + key, rows, vldrbq_z_s16(v, lanes), lanes);
  }
#elif NB_PAIRED_ROWS
  if (feature_step == 1 && features == kAttentionStrip)
    for (int16_t *to = strip, *to4 = strip + 4 * length; key + 2 <= keys;
         key += 2, v += 2 * key_step, to += 8, to4 += 8) {
      transpose_words(load4(v), load4(v + key_step), to);
      transpose_words(load4(v + 4), load4(v + key_step + 4), to4);
    }
#endif
  for (int32_t c = 0; c < features; ++c) {
    int16_t* const column = products_column(strip, length, c);
    const int8_t* from = v + c * feature_step;
    int32_t i = key;
    for (; i < keys; ++i, from += key_step) column[column_place(i)] = *from;
    for (; i < length; ++i) column[column_place(i)] = 0;
  }
}

/// Adds the values of the keys [begin, end) to `sums` of features, or subtracts them.
NB_NOINLINE inline void add_values(const AttentionQuantized& p, const int8_t* v, int32_t begin, int32_t end,
                                   int32_t sign, int32_t* sums) {
  const int32_t step = p.v.t, feature = p.v.d;
  if (begin >= end) return;
  v += begin * step;
  int32_t d = 0;
  for (; d + 4 <= p.value_depth; d += 4) {
    const int8_t* from = v + d * feature;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t left = end - begin; left > 0; --left, from += step) {
      s0 += from[0];
      s1 += from[feature];
      s2 += from[2 * feature];
      s3 += from[3 * feature];
    }
    sums[d] += sign * s0, sums[d + 1] += sign * s1, sums[d + 2] += sign * s2, sums[d + 3] += sign * s3;
  }
  for (; d < p.value_depth; ++d)
    for (int32_t key = 0; key < end - begin; ++key) sums[d] += sign * v[key * step + d * feature];
}

/// A head's keys as columns and its values as columns along the keys, kAttentionStrip features after
/// another, where AttentionKept says.
NB_NOINLINE inline void keep_head(const AttentionQuantized& p, const int8_t* k, const int8_t* v,
                                  int16_t* keys, int16_t* values) {
  attention_expand<true>(k, p.k.t, p.k.d, p.keys, p.depth, 0, keys);
  const int32_t length = padded_length(p.keys);
  for (int32_t d = 0; d < p.value_depth; d += kAttentionStrip)
    attention_transpose(v + d * p.v.d, p.v.t, p.v.d, p.keys, min(p.value_depth - d, kAttentionStrip),
                        values + d * length, length);
}

/// totals[r * kAttentionStrip + c] = sum over `count` keys of power * v for `rows` rows of powers and
/// `features` features from the one that v points to, which `kept` has as columns if it is not null;
/// `value_sums` are their sums over the keys. `strip` is scratch.
template <class Total>
NB_NOINLINE void attention_sums(const AttentionQuantized& p, int32_t rows, int32_t count,
                                const int16_t* powers, int32_t width, const int8_t* v, const int16_t* kept,
                                int32_t features, const int32_t* value_sums, int16_t* strip, Total* totals) {
  Total init[kAttentionStrip] = {};
  for (int32_t c = 0; c < features; ++c) init[c] = value_sums[c] * Total{32768};
  for (int32_t key = 0; key < count; key += kAttentionKeys, v += kAttentionKeys * p.v.t) {
    const int32_t keys = min(count - key, kAttentionKeys), length = padded_length(keys);
    if (kept == nullptr) attention_transpose(v, p.v.t, p.v.d, keys, features, strip, length);
    if (key == 0) {
      products_s16<Total>(powers, 2 * width, rows, kept == nullptr ? strip : kept, length, features, length,
                          init, totals, kAttentionStrip);
      for (Total& x : init) x = 0;
      continue;
    }
    Total sums[kAttentionRows * kAttentionStrip];
    products_s16<Total>(powers + products_place(key), 2 * width, rows, strip, length, features, length, init,
                        sums, kAttentionStrip);
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < features; ++c) totals[r * kAttentionStrip + c] += sums[r * kAttentionStrip + c];
  }
}
/// The same of int16, whose powers have 32 bits and, with the DSP extension, zeros up to a multiple of four:
/// four features at a time.
NB_NOINLINE inline void attention_sums(const AttentionQuantized& p, int32_t rows, int32_t count,
                                       const ScoreS32* powers, int32_t width, const int16_t* v,
                                       const int16_t*, int32_t features, const int32_t*,
                                       [[maybe_unused]] int16_t* strip, int64_t* totals) {
  const int32_t key_step = p.v.t, step = p.v.d;
#if defined(__ARM_FEATURE_MVE)
  // Four keys at a time; two rows share what is gathered.
  const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), static_cast<uint32_t>(key_step));
  for (int32_t r = 0; r < rows && count > 0; r += 2, powers += 2 * width, totals += 2 * kAttentionStrip) {
    const ScoreS32* const next = r + 1 < rows ? powers + width : powers;
    int64_t* const below = r + 1 < rows ? totals + kAttentionStrip : totals;
    for (int32_t c = 0; c < features; ++c) {
      int64_t s0, s1;
      products_two_wide(v + c * step, places, key_step, powers, next, count, s0, s1);
      below[c] = s1;
      totals[c] = s0;
    }
  }
#elif NB_PAIRED_ROWS
  // Four features of some keys are widened for all rows.
  auto* const values = reinterpret_cast<ScoreS32*>(strip);
  for (int32_t c = 0; c < features; c += 4) {
    const int32_t last = min<int32_t>(features - c, 4) - 1;
    const int32_t step1 = min<int32_t>(last, 1) * step, step2 = min<int32_t>(last, 2) * step,
                  step3 = last * step;
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t i = 0; i < 4; ++i) totals[r * kAttentionStrip + c + i] = 0;
    for (int32_t key = 0; key < count; key += kAttentionKeys) {
      const int32_t keys = min(count - key, kAttentionKeys);
      const int16_t* at = v + key * key_step + c * step;
      ScoreS32* to = values;
      for (int32_t i = keys; i > 0; --i, at += key_step, to += 4) {
        to[0] = at[0];
        to[1] = at[step1];
        to[2] = at[step2];
        to[3] = at[step3];
      }
      for (int32_t r = 0; r < rows; ++r) {
        const ScoreS32* const x = powers + r * width + key;
        const LongTile tile{x, values, x + ((keys + 3) & ~3), totals + r * kAttentionStrip + c};
        products_long_tile(&tile);
      }
    }
  }
#else
  for (int32_t r = 0; r < rows; ++r, powers += width, totals += kAttentionStrip)
    for (int32_t c = 0; c < features; c += 4) {
      const int32_t last = min<int32_t>(features - c, 4) - 1;
      const int16_t* at = v + c * step;
      const int32_t step1 = min<int32_t>(last, 1) * step, step2 = min<int32_t>(last, 2) * step,
                    step3 = last * step;
      int64_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (int32_t i = 0; i < count; ++i, at += key_step) {
        const int64_t power = powers[i];
        s0 += power * at[0];
        s1 += power * at[step1];
        s2 += power * at[step2];
        s3 += power * at[step3];
      }
      totals[c] = s0;
      if (last > 0) totals[c + 1] = s1;
      if (last > 1) totals[c + 2] = s2;
      if (last > 2) totals[c + 3] = s3;
    }
#endif
}

}  // namespace nb
