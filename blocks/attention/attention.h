// Attention by a few rows of scores at a time: softmax(scale * q k^T + mask) v without the matrix of all
// scores.
#pragma once
#include "../core/math_quick.h"
#include "../core/tile_f32.h"
#include "seen_keys.h"

namespace nb {

/// What it needs beside its tensors. Each `group` heads of q share a head of k and v. The steps of q and y
/// have d = 1. Query i sees the keys from i + offset - left to i + offset + right; -1: all.
struct Attention {
  int32_t batch, heads, group, queries, keys, depth, value_depth;
  AttentionSteps q, k, v, y;
  MaskSteps mask;
  float scale, softcap;
  int32_t left, right, offset;
  int32_t blind = kBlindZeros;
};

/// Floats of a row of scores: the keys in whole tiles.
constexpr int32_t attention_row(int32_t keys) {
  return (keys + kTileChannels - 1) / kTileChannels * kTileChannels;
}
/// Floats of scratch: the scores of a few rows, and eight keys, or eight features of all values.
constexpr int32_t attention_scratch(int32_t queries, int32_t keys, int32_t depth) {
  return min(queries, kAttentionRows) * attention_row(keys) + kTileChannels * max(keys, depth);
}

/// to[i * 8 + c] = from[i * along + c * across] for i < length and c < count, 0 for the other c < 8.
NB_NOINLINE inline void attention_strip(const float* from, int32_t along, int32_t across, int32_t length,
                                        int32_t count, float* to) {
  for (; length > 0; --length, from += along, to += kTileChannels) {
    if (count >= kTileChannels) {
#pragma GCC unroll 8
      for (int32_t c = 0; c < kTileChannels; ++c) to[c] = from[c * across];
      continue;
    }
    for (int32_t c = 0; c < kTileChannels; ++c) to[c] = c < count ? from[c * across] : 0.0f;
  }
}

/// What a mask makes of a score: true of a boolean one keeps it, a float one is added.
NB_INLINE float masked_score(float score, uint8_t mask) { return mask ? score : -__builtin_huge_valf(); }
NB_INLINE float masked_score(float score, float mask) { return score + mask; }

/// The scores as softmax takes them: scaled, bent, masked.
template <class Mask>
NB_NOINLINE void attention_bend(const Attention& p, KeyRange seen, const Mask* mask, float* scores) {
  for (int32_t i = seen.begin; i < seen.end; ++i) {
    float score = scores[i] * p.scale;
    if (p.softcap > 0) score = p.softcap * quick_tanh(score / p.softcap);
    scores[i] = mask ? masked_score(score, mask[i * p.mask.k]) : score;
  }
}

/// The products of one query, which sees the keys `seen`, become powers of e relative to their maximum; they
/// are 0 for the other keys of `all`. Gives 1 / their sum, or 0 if the query sees nothing.
template <class Mask>
NB_NOINLINE float attention_powers(const Attention& p, KeyRange seen, KeyRange all, const Mask* mask,
                                   float* scores) {
  float scale = p.scale;
  if (mask || p.softcap > 0 || !(scale > 0)) {
    attention_bend(p, seen, mask, scores);
    scale = 1.0f;
  }
  constexpr float kLeast = -__builtin_huge_valf();
  float largest = kLeast;
  for (int32_t i = seen.begin; i < seen.end; ++i) largest = max(largest, scores[i]);
  for (int32_t i = all.begin; i < seen.begin; ++i) scores[i] = 0.0f;
  for (int32_t i = seen.end; i < all.end; ++i) scores[i] = 0.0f;
  float sum = 0.0f;
  if (largest == kLeast) {  // all are hidden or no number
    for (int32_t i = seen.begin; i < seen.end; ++i) sum += scores[i] = scores[i] == kLeast ? 0.0f : scores[i];
    return sum;
  }
  for (int32_t i = seen.begin; i < seen.end; ++i) {
    const float power = quick_exp((scores[i] - largest) * scale);
    scores[i] = power;
    sum += power;
  }
  return 1.0f / sum;
}

/// The queries [from, from + rows) of one head, at most kAttentionRows; q, mask and y are those of the first.
template <class Mask>
NB_NOINLINE void attention_rows(const Attention& p, int32_t from, int32_t rows, const float* q,
                                const float* k, const float* v, const Mask* mask, float* y, float* scratch) {
  static constexpr float kZeros[kTileChannels] = {};
  const int32_t width = attention_row(p.keys);
  float *const scores = scratch, *const strip = scratch + min(p.queries, kAttentionRows) * width;
  const KeyRange all{keys_of_query(p, from).begin / kTileChannels * kTileChannels,
                     keys_of_query(p, from + rows - 1).end};
  for (int32_t key = all.begin; key < all.end; key += kTileChannels) {
    attention_strip(k + key * p.k.t, p.k.d, p.k.t, p.depth, p.keys - key, strip);
    tiles_f32({1, p.depth, 0, 0}, strip, {rows, q, p.q.t, kZeros, 0, scores + key, width});
  }
  float inverse[kAttentionRows], sums[kAttentionRows * kTileChannels];
  for (int32_t r = 0; r < rows; ++r) {
    const KeyRange seen = keys_of_query(p, from + r);
    const Mask* row = mask ? mask + r * p.mask.q : nullptr;
    if (row && p.blind != kBlindZeros && hides_all(row, p.mask.k, seen)) {
      row = nullptr;
      for (int32_t i = seen.begin; p.blind == kBlindMean && i < seen.end; ++i) scores[r * width + i] = 0.0f;
    }
    inverse[r] = attention_powers(p, seen, all, row, scores + r * width);
  }
  for (int32_t d = 0; d < p.value_depth; d += kTileChannels) {
    const int32_t count = min(p.value_depth - d, kTileChannels);
    attention_strip(v + all.begin * p.v.t + d * p.v.d, p.v.t, p.v.d, all.end - all.begin, count, strip);
    tiles_f32({1, all.end - all.begin, 0, 0}, strip,
              {rows, scores + all.begin, width, kZeros, 0, sums, kTileChannels});
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < count; ++c) y[r * p.y.t + d + c] = sums[r * kTileChannels + c] * inverse[r];
  }
}

/// y = softmax(softcap(scale * q k^T) + mask) v for each batch and head, 0 in rows that see nothing, unless
/// `blind` says otherwise of a boolean mask. `mask` may be null; Mask is float (added) or uint8_t (0 hides).
/// y may lie exactly on q if their steps are the same and neither k nor v lies there. Scratch:
/// attention_scratch floats.
template <class Mask>
NB_NOINLINE void attention(const Attention& p, const float* q, const float* k, const float* v,
                           const Mask* mask, float* y, float* scratch) {
  for (int32_t b = 0; b < p.batch; ++b)
    for (int32_t h = 0; h < p.heads; ++h)
      for (int32_t from = 0; from < p.queries; from += kAttentionRows)
        attention_rows(p, from, min(p.queries - from, kAttentionRows),
                       q + b * p.q.b + h * p.q.h + from * p.q.t, k + b * p.k.b + h / p.group * p.k.h,
                       v + b * p.v.b + h / p.group * p.v.h,
                       mask ? mask + b * p.mask.b + h * p.mask.h + from * p.mask.q : nullptr,
                       y + b * p.y.b + h * p.y.h + from * p.y.t, scratch);
}

}  // namespace nb
