// Indices as vectors with one element on.
#pragma once
#include "../core/strided.h"

namespace nb {

/// The indices are [outer, inner], the output [outer, depth, inner].
struct OneHot {
  int32_t outer, depth, inner;
};

/// values[0] everywhere, values[1] where the index is; negative indices count from the end, an index outside
/// turns nothing on.
template <int kBytes, class I>
NB_NOINLINE inline void one_hot(const OneHot& p, const I* indices, const void* values, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* value = static_cast<const T*>(values);
  T* to = static_cast<T*>(out);
  for (int32_t n = 0; n < p.outer; ++n, indices += p.inner)
    for (int32_t k = 0; k < p.depth; ++k)
      for (int32_t j = 0; j < p.inner; ++j) {
        const I index = indices[j];
        *to++ = value[index == static_cast<I>(k) || index == static_cast<I>(k - p.depth) ? 1 : 0];
      }
}

}  // namespace nb
