// A choice between two tensors, element by element.
#pragma once
#include "../core/strided.h"

namespace nb {

/// One loop over the output: how often, and how far each operand steps, in elements; 0 repeats.
struct WhereAxis {
  int32_t size, condition, a, b;
};
template <int N>
struct Where {
  WhereAxis axes[N];
};

template <int kBytes>
NB_NOINLINE inline void where_axes(const WhereAxis* axes, int32_t rank, const uint8_t* condition,
                                   const void* chosen, const void* other, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* a = static_cast<const T*>(chosen);
  const T* b = static_cast<const T*>(other);
  T* y = static_cast<T*>(out);
  int32_t at[kMaxRank] = {};
  const WhereAxis inner = axes[rank - 1];
  do {
    for (int32_t i = 0; i < inner.size; ++i)
      *y++ = condition[i * inner.condition] ? a[i * inner.a] : b[i * inner.b];
  } while (next_index(axes, rank - 1, at, [&](const WhereAxis& axis, int32_t n) {
    condition += n * axis.condition;
    a += n * axis.a;
    b += n * axis.b;
  }));
}

/// out[i] = condition[i] ? a[i] : b[i], broadcast; elements of kBytes bytes.
template <int kBytes, int N>
NB_INLINE void where(const Where<N>& p, const uint8_t* condition, const void* a, const void* b, void* out) {
  where_axes<kBytes>(p.axes, N, condition, a, b, out);
}

}  // namespace nb
