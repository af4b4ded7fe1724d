// Where the largest or smallest element along an axis lies.
#pragma once
#include "../core/nb.h"

namespace nb {

/// The input is [outer, size, inner], the output [outer, inner]. Of equal elements the first, or the last.
struct ArgMax {
  int32_t outer, size, inner;
  bool smallest, last;
};

template <class T, class I>
NB_NOINLINE inline void argmax(const ArgMax& p, const T* in, I* out) {
  for (int32_t n = 0; n < p.outer; ++n, in += p.size * p.inner)
    for (int32_t j = 0; j < p.inner; ++j) {
      int32_t found = 0;
      T best = in[j];
      for (int32_t i = 1; i < p.size; ++i) {
        const T x = in[i * p.inner + j];
        const bool is_better = p.smallest ? x < best : best < x;
        if (is_better || (p.last && x == best)) {
          best = x;
          found = i;
        }
      }
      *out++ = static_cast<I>(found);
    }
}

}  // namespace nb
