// Elements picked by indices.
#pragma once
#include "../core/indices.h"
#include "../core/strided.h"

namespace nb {

/// x is [batch, outer, axis_size, row], indices [batch, count], out [batch, outer, count, row]; rows in
/// bytes.
struct Gather {
  int32_t batch, outer, axis_size, count;
  int32_t row_bytes;
};

/// out[b, o, i] = x[b, o, indices[b, i]].
template <class I>
NB_NOINLINE inline void gather(const Gather& p, const void* in, const I* indices, void* out) {
  const uint8_t* from = static_cast<const uint8_t*>(in);
  uint8_t* to = static_cast<uint8_t*>(out);
  for (int32_t b = 0; b < p.batch; ++b, indices += p.count)
    for (int32_t o = 0; o < p.outer; ++o, from += p.axis_size * p.row_bytes)
      for (int32_t i = 0; i < p.count; ++i, to += p.row_bytes)
        __builtin_memcpy(to, from + inside(indices[i], p.axis_size) * p.row_bytes,
                         static_cast<size_t>(p.row_bytes));
}

/// One axis of the indices, and how far x steps (0 along the axis that is indexed).
struct PickAxis {
  int32_t size, in;
};
template <int N>
struct GatherElements {
  int32_t axis_size, axis_step;
  PickAxis axes[N];
};

template <int kBytes, class I>
NB_NOINLINE inline void gather_elements_axes(int32_t axis_size, int32_t axis_step, const PickAxis* axes,
                                             int32_t rank, const void* in, const I* indices, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  int32_t at[kMaxRank] = {};
  for (int32_t k = 0; k < rank; ++k)
    if (axes[k].size == 0) return;
  do {
    *to++ = from[axis_step * inside(*indices++, axis_size)];
  } while (next_index(axes, rank, at, [&](const PickAxis& axis, int32_t n) { from += n * axis.in; }));
}
/// out[i] = x[i with the axis replaced by indices[i]].
template <int kBytes, int N, class I>
NB_INLINE void gather_elements(const GatherElements<N>& p, const void* in, const I* indices, void* out) {
  gather_elements_axes<kBytes>(p.axis_size, p.axis_step, p.axes, N, in, indices, out);
}

/// Tuples of K indices into x: [batch, ...K axes..., row], tuples [batch, count, K].
template <int K>
struct GatherNd {
  int32_t batch, count, batch_bytes;
  int32_t row_bytes;
  int32_t sizes[K];
};
/// out[b, i] = x[b, tuple i of b].
template <int K, class I>
NB_NOINLINE inline void gather_nd(const GatherNd<K>& p, const void* in, const I* indices, void* out) {
  const uint8_t* from = static_cast<const uint8_t*>(in);
  uint8_t* to = static_cast<uint8_t*>(out);
  for (int32_t b = 0; b < p.batch; ++b, from += p.batch_bytes)
    for (int32_t i = 0; i < p.count; ++i, to += p.row_bytes) {
      int32_t row = 0;
      for (int32_t k = 0; k < K; ++k) row = row * p.sizes[k] + inside(*indices++, p.sizes[k]);
      __builtin_memcpy(to, from + row * p.row_bytes, static_cast<size_t>(p.row_bytes));
    }
}

}  // namespace nb
