// Elements kept within bounds.
#pragma once
#include "../core/nb.h"

namespace nb {

template <class T>
struct Clip {
  int32_t count;
  T low, high;
};

/// out[i] = min(max(in[i], low), high); the output may lie exactly on the input.
template <class T>
NB_NOINLINE inline void clip(const Clip<T>& p, const T* in, T* out) {
  for (int32_t i = 0; i < p.count; ++i) {
    const T x = in[i] < p.low ? p.low : in[i];
    out[i] = x > p.high ? p.high : x;
  }
}

}  // namespace nb
