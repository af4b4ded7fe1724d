// The k largest or smallest elements along an axis, in order.
#pragma once
#include "../core/nb.h"

namespace nb {

/// The input is [outer, size, inner], the outputs [outer, k, inner].
struct TopK {
  int32_t outer, size, inner, k;
  bool largest;
};

/// By insertion: of equal elements the first comes first. Comparisons: size * k at most.
template <class T, class I>
NB_NOINLINE inline void topk(const TopK& p, const T* in, T* values, I* indices) {
  for (int32_t n = 0; n < p.outer;
       ++n, in += p.size * p.inner, values += p.k * p.inner, indices += p.k * p.inner)
    for (int32_t j = 0; j < p.inner; ++j) {
      int32_t have = 0;
      for (int32_t i = 0; i < p.size; ++i) {
        const T x = in[i * p.inner + j];
        int32_t at = have;
        for (; at > 0; --at) {
          const T other = values[(at - 1) * p.inner + j];
          if (!(p.largest ? other < x : x < other)) break;
          if (at < p.k) {
            values[at * p.inner + j] = other;
            indices[at * p.inner + j] = indices[(at - 1) * p.inner + j];
          }
        }
        if (at >= p.k) continue;
        values[at * p.inner + j] = x;
        indices[at * p.inner + j] = static_cast<I>(i);
        if (have < p.k) ++have;
      }
    }
}

}  // namespace nb
