// Triangles of matrices.
#pragma once
#include "../core/strided.h"

namespace nb {

/// `count` matrices; elements outside of the triangle become `fill`, the bits of zero.
template <int kBytes>
struct Trilu {
  int32_t count, rows, columns;
  int32_t diagonal;
  bool upper;
  typename Cell<kBytes>::Type fill;
};

/// The output may lie exactly on the input.
template <int kBytes>
NB_NOINLINE inline void trilu(const Trilu<kBytes>& p, const void* in, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (int32_t n = 0; n < p.count; ++n)
    for (int32_t i = 0; i < p.rows; ++i)
      for (int32_t j = 0; j < p.columns; ++j, ++from)
        *to++ = (p.upper ? j - i >= p.diagonal : j - i <= p.diagonal) ? *from : p.fill;
}

}  // namespace nb
