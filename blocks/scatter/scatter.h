// Elements replaced (or reduced) at indices.
#pragma once
#include "../core/indices.h"
#include "../core/integers.h"
#include "../core/strided.h"

namespace nb {

struct ScatterSet {
  template <class T>
  T operator()(T, T update) const {
    return update;
  }
};
struct ScatterAdd {
  template <class T>
  T operator()(T x, T update) const {
    return static_cast<T>(static_cast<Wrapping<T>>(x) + static_cast<Wrapping<T>>(update));
  }
};
struct ScatterMul {
  template <class T>
  T operator()(T x, T update) const {
    return static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(update));
  }
};
struct ScatterMin {
  template <class T>
  T operator()(T x, T update) const {
    return update < x ? update : x;
  }
};
struct ScatterMax {
  template <class T>
  T operator()(T x, T update) const {
    return x < update ? update : x;
  }
};

/// One axis of the indices, and how far the output steps (0 along the axis that is indexed).
struct ScatterAxis {
  int32_t size, out;
};
template <class F, int N>
struct ScatterElements {
  int32_t count;  ///< of x
  int32_t axis_size, axis_step;
  ScatterAxis axes[N];
};

template <class F, class T, class I>
NB_NOINLINE inline void scatter_elements_axes(int32_t axis_size, int32_t axis_step, const ScatterAxis* axes,
                                              int32_t rank, const I* indices, const T* updates, T* out) {
  int32_t at[kMaxRank] = {};
  for (int32_t k = 0; k < rank; ++k)
    if (axes[k].size == 0) return;
  do {
    T& y = out[axis_step * inside(*indices++, axis_size)];
    y = F()(y, *updates++);
  } while (next_index(axes, rank, at, [&](const ScatterAxis& axis, int32_t n) { out += n * axis.out; }));
}
/// out = x, then out[i with the axis replaced by indices[i]] = f(that element, updates[i]) in order. The
/// output may lie exactly on x.
template <class F, int N, class T, class I>
NB_INLINE void scatter_elements(const ScatterElements<F, N>& p, const T* in, const I* indices,
                                const T* updates, T* out) {
  if (in != out) __builtin_memcpy(out, in, static_cast<size_t>(p.count) * sizeof(T));
  scatter_elements_axes<F>(p.axis_size, p.axis_step, p.axes, N, indices, updates, out);
}

/// `tuples` tuples of K indices, each with a row of updates.
template <class F, int K>
struct ScatterNd {
  int32_t count;  ///< of x
  int32_t tuples, row;
  int32_t sizes[K];
};
/// out = x, then out[tuple i, j] = f(that element, updates[i, j]) in order. The output may lie exactly on x.
template <class F, int K, class T, class I>
NB_NOINLINE inline void scatter_nd(const ScatterNd<F, K>& p, const T* in, const I* indices, const T* updates,
                                   T* out) {
  if (in != out) __builtin_memcpy(out, in, static_cast<size_t>(p.count) * sizeof(T));
  for (int32_t i = 0; i < p.tuples; ++i) {
    int32_t row = 0;
    for (int32_t k = 0; k < K; ++k) row = row * p.sizes[k] + inside(*indices++, p.sizes[k]);
    for (int32_t j = 0; j < p.row; ++j) {
      T& y = out[row * p.row + j];
      y = F()(y, *updates++);
    }
  }
}

}  // namespace nb
