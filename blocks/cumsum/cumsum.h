// Running sums and products along an axis.
#pragma once
#include "../core/integers.h"

namespace nb {

/// The tensors are [outer, size, inner].
struct Cumsum {
  int32_t outer, size, inner;
  bool exclusive, reverse;
};

struct RunningSum {
  template <class W>
  static W first() {
    return W(0);
  }
  template <class W>
  static W next(W total, W x) {
    return total + x;
  }
};
struct RunningProduct {
  template <class W>
  static W first() {
    return W(1);
  }
  template <class W>
  static W next(W total, W x) {
    return total * x;
  }
};

/// The output may lie exactly on the input. Integers wrap.
template <class F, class T>
NB_NOINLINE inline void cumulate(const Cumsum& p, const T* in, T* out) {
  using W = Wrapping<T>;
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      W total = F::template first<W>();
      for (int32_t i = 0; i < p.size; ++i) {
        const int32_t at = (n * p.size + (p.reverse ? p.size - 1 - i : i)) * p.inner + j;
        const W with = F::next(total, static_cast<W>(in[at]));
        out[at] = static_cast<T>(p.exclusive ? total : with);
        total = with;
      }
    }
}
template <class T>
NB_INLINE void cumsum(const Cumsum& p, const T* in, T* out) {
  cumulate<RunningSum>(p, in, out);
}
template <class T>
NB_INLINE void cumprod(const Cumsum& p, const T* in, T* out) {
  cumulate<RunningProduct>(p, in, out);
}

}  // namespace nb
