// Attention of int8 or int16 with one scale a tensor, in integers only, by a few rows of scores at a time.
#pragma once
#include "powers.h"
#include "products.h"

namespace nb {

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

/// What brings a row's sums to the output's numbers.
struct AttentionOutput {
  int32_t offset, shift;
};
NB_INLINE int32_t attention_output(const AttentionOutput& p, AttentionFactor f, int64_t total) {
  const auto shifted = static_cast<int32_t>(f.left < 0 ? total >> -f.left : total * (int64_t{1} << f.left));
  return high_word_add(shifted, f.factor, p.offset) >> p.shift;
}
/// The same for sums of few powers, which are shifted to the left always.
NB_INLINE int32_t attention_output(const AttentionOutput& p, AttentionFactor f, int32_t total) {
  return high_word_add(total * (1 << f.left), f.factor, p.offset) >> p.shift;
}

/// A row of `features` outputs.
template <class T, class Total>
NB_INLINE void attention_finish(const AttentionQuantized& p, AttentionFactor f, const Total* totals,
                                int32_t features, T* y) {
  constexpr int32_t kLow = sizeof(T) == 1 ? -128 : -32768, kHigh = sizeof(T) == 1 ? 127 : 32767;
  int32_t c = 0;
  if (f.factor == 0) {
    for (; c < features; ++c) y[c] = static_cast<T>(p.out_zero);
    return;
  }
#if defined(__ARM_FEATURE_MVE)
  if constexpr (sizeof(T) == 1 && sizeof(Total) == 4) {
    const int32x4_t low = vdupq_n_s32(kLow), high = vdupq_n_s32(kHigh);
    for (; c + 4 <= features; c += 4) {
      const int32x4_t total = vshlq_r_s32(vldrwq_s32(totals + c), f.left);
      const int32x4_t units = vaddq_n_s32(vrmulhq_s32(total, vdupq_n_s32(f.factor)), p.out_offset);
      vstrbq_s32(y + c, vminq_s32(vmaxq_s32(vshlq_r_s32(units, -p.out_shift), low), high));
    }
  }
#endif
  // In registers: what is stored could be these, for all the compiler knows.
  const AttentionOutput output{p.out_offset, p.out_shift};
  for (; c < features; ++c) y[c] = static_cast<T>(clamp(attention_output(output, f, totals[c]), kLow, kHigh));
}

/// One head: where its tensors begin, and what its blocks of rows share.
template <class T>
struct AttentionHead {
  const T *k, *v;
  int8_t* scratch;
  int16_t *kept_keys, *kept_values;  ///< of kKeeps
  KeyRange summed;                   ///< the keys whose values are in the sums of values
};

/// The sums of v's features over the keys `all`, kept from one block of rows to the next.
NB_INLINE void sum_values(const AttentionQuantized& p, AttentionHead<int8_t>& head, KeyRange all,
                          int32_t* sums) {
  add_values(p, head.v, head.summed.begin, min(all.begin, head.summed.end), -1, sums);
  add_values(p, head.v, max(all.begin, head.summed.end), all.end, 1, sums);
  head.summed = all;
}
NB_INLINE void sum_values(const AttentionQuantized&, AttentionHead<int16_t>&, KeyRange, int32_t*) {}

NB_INLINE int16_t* powers_of_row(int32_t* scores, int32_t width, int32_t r, int8_t) {
  return products_row(reinterpret_cast<int16_t*>(scores), 2 * width, r);
}
NB_INLINE ScoreS32* powers_of_row(int32_t* scores, int32_t width, int32_t r, int16_t) {
  return scores + r * width;
}

/// The queries [from, from + rows) of one head, at most kAttentionRows; q, mask and y are those of the first.
template <class T, class Total, bool kKeeps, class Mask>
NB_NOINLINE void attention_rows(const AttentionQuantized& p, AttentionHead<T>& head, int32_t from,
                                int32_t rows, const T* q, const Mask* mask, const uint32_t* table, T* y) {
  const AttentionScratch parts(p.queries, p.keys, p.depth);
  auto* const scores = reinterpret_cast<int32_t*>(head.scratch);
  auto* const strip = reinterpret_cast<int16_t*>(head.scratch + parts.strip());
  auto* const value_sums = reinterpret_cast<int32_t*>(head.scratch + parts.value_sums());
  const KeyRange all{keys_of_query(p, from).begin, keys_of_query(p, from + rows - 1).end};
  const int32_t count = all.end - all.begin, width = parts.width;
  if constexpr (kKeeps)
    scores_of_kept(p, rows, q, head.kept_keys, scores, width, strip);
  else
    attention_scores(p, rows, count, q, head.k + all.begin * p.k.t, scores, width, strip);
  AttentionFactor factors[kAttentionRows];
  for (int32_t r = 0; r < rows; ++r) {
    const KeyRange seen = keys_of_query(p, from + r);
    const int32_t begin = seen.begin - all.begin, end = seen.end - all.begin;
    const Mask* row = mask ? mask + r * p.mask.q : nullptr;
    if (row && p.blind != kBlindZeros && hides_all(row, p.mask.k, seen)) {
      row = nullptr;
      for (int32_t i = begin; p.blind == kBlindMean && i < end; ++i) scores[r * width + i] = 0;
    }
    if (row || p.sign < 0)
      attention_bend(p, end - begin, row ? row + seen.begin * p.mask.k : nullptr, scores + r * width + begin);
    const uint64_t sum = attention_powers<T>(p, begin, end, count, scores + r * width, table,
                                             powers_of_row(scores, width, r, T{}));
    factors[r] = attention_factor(p, sum, 8 * sizeof(T));
  }
  sum_values(p, head, all, value_sums);
  for (int32_t d = 0; d < p.value_depth; d += kAttentionStrip) {
    const int32_t features = min(p.value_depth - d, kAttentionStrip);
    Total totals[kAttentionRows * kAttentionStrip];
    attention_sums(p, rows, count, powers_of_row(scores, width, 0, T{}), width,
                   head.v + all.begin * p.v.t + d * p.v.d,
                   kKeeps ? head.kept_values + d * padded_length(count) : nullptr, features, value_sums + d,
                   strip, totals);
    for (int32_t r = 0; r < rows; ++r)
      attention_finish(p, factors[r], totals + r * kAttentionStrip, features, y + r * p.y.t + d);
  }
}

/// y = softmax(scale * q k^T + mask) v for each batch and head in the output's numbers, real 0 in rows that
/// see nothing, unless `blind` says otherwise of a boolean mask. `mask` may be null; Mask is uint8_t (0
/// hides) or int32_t (added, kHiddenScore hides). Total is int32_t for int8 and at most kAttentionKeys keys,
/// else int64_t. kKeeps, of int8 without windows: scratch holds the keys and values of a head, widened once
/// for all its queries. `table` as power_of_half wants it. y may lie exactly on q if their steps are the same
/// and neither k nor v lies there.
template <class T, class Total, class Mask, bool kKeeps = false>
NB_NOINLINE void attention_quantized(const AttentionQuantized& p, const T* q, const T* k, const T* v,
                                     const Mask* mask, const uint32_t* table, T* y, int8_t* scratch) {
  const AttentionScratch parts(p.queries, p.keys, p.depth);
  auto* const value_sums = reinterpret_cast<int32_t*>(scratch + parts.value_sums());
  for (int32_t b = 0; b < p.batch; ++b)
    for (int32_t h = 0; h < p.heads; ++h) {
      AttentionHead<T> head{k + b * p.k.b + h / p.group * p.k.h,
                            v + b * p.v.b + h / p.group * p.v.h,
                            scratch,
                            nullptr,
                            nullptr,
                            {}};
      if constexpr (kKeeps) {
        const AttentionKept kept(parts, p.keys, p.depth, p.value_depth);
        head.kept_keys = reinterpret_cast<int16_t*>(scratch + kept.keys);
        head.kept_values = reinterpret_cast<int16_t*>(scratch + kept.values);
        keep_head(p, head.k, head.v, head.kept_keys, head.kept_values);
      }
      for (int32_t d = 0; d < p.value_depth; ++d) value_sums[d] = 0;
      for (int32_t from = 0; from < p.queries; from += kAttentionRows)
        attention_rows<T, Total, kKeeps>(
            p, head, from, min(p.queries - from, kAttentionRows), q + b * p.q.b + h * p.q.h + from * p.q.t,
            mask ? mask + b * p.mask.b + h * p.mask.h + from * p.mask.q : nullptr, table,
            y + b * p.y.b + h * p.y.h + from * p.y.t);
    }
}

}  // namespace nb
