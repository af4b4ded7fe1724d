// Products of matrices of floats or whole integers, over broadcast batches, portable.
#pragma once
#include "../core/strided.h"

namespace nb {

/// One product [m,k] x [k,n] -> [m,n]; steps in elements, so that either factor may lie transposed.
struct MatmulSizes {
  int32_t m, k, n;
  int32_t a_row, a_step;  ///< from one row of a to the next, and within a row
  int32_t b_step, b_col;  ///< from one row of b to the next, and within a row
};

/// The products of a batch: a loop nest of N axes, outermost first; `in` steps a, `out` steps b. The results
/// lie one after the other.
template <int N>
struct Matmul {
  MatmulSizes sizes;
  CopyAxis axes[N];
};

/// Sums of integers wrap, which signed ones may not.
template <class T>
struct MatmulSum {
  using Type = T;
};
template <>
struct MatmulSum<int32_t> {
  using Type = uint32_t;
};
template <>
struct MatmulSum<int64_t> {
  using Type = uint64_t;
};

/// out = a x b. Four columns a turn share each load of a.
template <class T>
NB_NOINLINE inline void matmul_one(const MatmulSizes& p, const T* NB_RESTRICT a, const T* NB_RESTRICT b,
                                   T* NB_RESTRICT out) {
  using Sum = typename MatmulSum<T>::Type;
  for (int32_t i = 0; i < p.m; ++i, a += p.a_row) {
    const T* columns = b;
    int32_t j = 0;
    for (; j + 4 <= p.n; j += 4, columns += 4 * p.b_col) {
      Sum s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      const T *x = a, *y = columns;
      for (int32_t k = 0; k < p.k; ++k, x += p.a_step, y += p.b_step) {
        const Sum left = static_cast<Sum>(*x);
        s0 += left * static_cast<Sum>(y[0]);
        s1 += left * static_cast<Sum>(y[p.b_col]);
        s2 += left * static_cast<Sum>(y[2 * p.b_col]);
        s3 += left * static_cast<Sum>(y[3 * p.b_col]);
      }
      *out++ = static_cast<T>(s0);
      *out++ = static_cast<T>(s1);
      *out++ = static_cast<T>(s2);
      *out++ = static_cast<T>(s3);
    }
    for (; j < p.n; ++j, columns += p.b_col) {
      Sum sum = 0;
      const T *x = a, *y = columns;
      for (int32_t k = 0; k < p.k; ++k, x += p.a_step, y += p.b_step)
        sum += static_cast<Sum>(*x) * static_cast<Sum>(*y);
      *out++ = static_cast<T>(sum);
    }
  }
}

/// Calls one(a, b, out) for each product of the batch; `size` is m * n.
template <class T, class One>
NB_INLINE void matmul_batch(const CopyAxis* axes, int32_t rank, int32_t size, const T* a, const T* b, T* out,
                            One one) {
  for (int32_t i = 0; i < rank; ++i)
    if (axes[i].size == 0) return;
  int32_t at[kMaxRank] = {};
  do {
    one(a, b, out);
    out += size;
  } while (next_index(axes, rank, at, [&](const CopyAxis& axis, int32_t steps) {
    a += steps * axis.in;
    b += steps * axis.out;
  }));
}

/// out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]; float, or 32 or 64 bit integers that wrap.
template <class T, int N>
NB_INLINE void matmul(const Matmul<N>& p, const T* a, const T* b, T* out) {
  matmul_batch(p.axes, N, p.sizes.m * p.sizes.n, a, b, out,
               [&](const T* x, const T* y, T* to) { matmul_one(p.sizes, x, y, to); });
}

}  // namespace nb
