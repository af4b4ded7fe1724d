// What attention of int8 or int16 needs beside its tensors, and its scratch.
#pragma once
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
  int32_t blind;
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
/// Where things are in scratch, in bytes: scores of a few rows; then, while scores are made, these rows of q
/// and a strip of keys, and while sums are made, a strip of values; at the end the sums of all values.
struct AttentionScratch {
  int32_t rows, width;  ///< of scores
  int32_t strip_bytes;
  constexpr AttentionScratch(int32_t queries, int32_t keys, int32_t depth)
      : rows((min(queries, kAttentionRows) + 1) / 2 * 2),
        width(attention_padded(keys)),
        strip_bytes(2 * max((rows + kAttentionStrip) * attention_padded(depth),
                            kAttentionStrip * attention_padded(min(keys, kAttentionKeys)))) {}
  [[nodiscard]] constexpr int32_t strip() const { return 4 * rows * width; }
  [[nodiscard]] constexpr int32_t value_sums() const { return strip() + strip_bytes; }
};
/// Behind them, where they are kept: the keys of a head, and its values by kAttentionStrip features.
struct AttentionKept {
  int32_t keys, values, end;
  constexpr AttentionKept(const AttentionScratch& before, int32_t key_count, int32_t depth,
                          int32_t value_depth)
      : keys(before.value_sums() + 4 * attention_padded(value_depth)),
        values(keys + 2 * attention_padded(depth) * attention_padded(key_count)),
        end(values + 2 * attention_padded(value_depth) * attention_padded(key_count)) {}
};
/// Whether they are kept: int8 that all queries see all of, that would be widened three times or more, and
/// that takes at most a third of the bytes of q, k and v, `tensor_bytes`.
constexpr bool attention_keeps(int32_t queries, int32_t keys, int32_t depth, int32_t value_depth,
                               int64_t tensor_bytes) {
  const int64_t features = int64_t{attention_padded(depth)} + attention_padded(value_depth);
  return queries > 2 * kAttentionRows && keys <= kAttentionKeys &&
         3 * 2 * features * attention_padded(keys) <= tensor_bytes;
}
constexpr int32_t attention_quantized_scratch(int32_t queries, int32_t keys, int32_t depth,
                                              int32_t value_depth, bool keeps) {
  const AttentionScratch parts(queries, keys, depth);
  return keeps ? AttentionKept(parts, keys, depth, value_depth).end : parts.value_sums() + 4 * value_depth;
}

/// Scores, in whose place powers are written.
using ScoreS32 = int32_t __attribute__((may_alias));
constexpr int32_t kHiddenScore = INT32_MIN;

}  // namespace nb
