// Where attention's tensors lie, and which keys a query sees.
#pragma once
#include "../core/nb.h"

namespace nb {

/// Distances in elements from one batch, head, row and feature of a tensor to the next.
struct AttentionSteps {
  int32_t b, h, t, d;
};
/// The same of a mask: 0 where it is the same for all.
struct MaskSteps {
  int32_t b, h, q, k;
};

/// Queries whose scores are in scratch at a time: they share the keys and values that are made ready for
/// them.
constexpr int32_t kAttentionRows = 8;

/// What a query gets whose boolean mask hides all keys: zeros, the mean of the values of its window, or what
/// it gets without the mask.
constexpr int32_t kBlindZeros = 0, kBlindMean = 1;

/// [begin, end).
struct KeyRange {
  int32_t begin, end;
};
/// The keys that a query sees. Later queries begin and end no earlier.
template <class Params>
NB_INLINE KeyRange keys_of_query(const Params& p, int32_t query) {
  const int32_t at = query + p.offset;
  const int32_t begin = p.left < 0 ? 0 : clamp<int32_t>(at - p.left, 0, p.keys);
  return {begin, p.right < 0 ? p.keys : clamp<int32_t>(at + p.right + 1, begin, p.keys)};
}

/// Whether a boolean mask, `step` elements from one key to the next, hides all keys of a row. One that is
/// added hides none.
NB_NOINLINE inline bool hides_all(const uint8_t* mask, int32_t step, KeyRange seen) {
  for (int32_t i = seen.begin; i < seen.end; ++i)
    if (mask[i * step]) return false;
  return true;
}
template <class Added>
NB_INLINE bool hides_all(const Added*, int32_t, KeyRange) {
  return false;
}

}  // namespace nb
