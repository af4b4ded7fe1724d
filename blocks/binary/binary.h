// One function of two tensors element by element, with broadcasting.
#pragma once
#include "../core/strided.h"
#include "functions.h"
#include "functions_quantized.h"

namespace nb {

/// One loop over the output: how often, and how far a and b step, in elements; 0 repeats.
struct BinaryAxis {
  int32_t size, a, b;
};

/// The function with its parameters, and a loop nest of N axes, outermost first, that fills the output in
/// order.
template <class F, int N>
struct Binary {
  F f;
  BinaryAxis axes[N];
};

/// Functors with more bytes of numbers than this are the quantized ones.
inline constexpr size_t kSmallFunctor = 16;

template <class F, class T, class U, class R>
NB_NOINLINE inline void binary_axes(const F& function, const BinaryAxis* axes, int32_t rank, const T* a,
                                    const U* b, R* out) {
  const F f = function;
  int32_t at[kMaxRank] = {};
  const BinaryAxis inner = axes[rank - 1];
  do {
    // A second loop, without strides, only for functions that are small beside it.
    if (sizeof(F) <= kSmallFunctor && inner.a == 1 && inner.b == 1)
      for (int32_t i = 0; i < inner.size; ++i) out[i] = static_cast<R>(f(a[i], b[i]));
    else
      for (int32_t i = 0; i < inner.size; ++i) out[i] = static_cast<R>(f(a[i * inner.a], b[i * inner.b]));
    out += inner.size;
  } while (next_index(axes, rank - 1, at, [&](const BinaryAxis& axis, int32_t n) {
    a += n * axis.a;
    b += n * axis.b;
  }));
}

/// out[i] = f(a[i], b[i]), broadcast. The output may lie exactly on an input of its shape and element size.
template <class F, int N, class T, class U, class R>
NB_INLINE void binary(const Binary<F, N>& p, const T* a, const U* b, R* out) {
  binary_axes(p.f, p.axes, N, a, b, out);
}

}  // namespace nb
