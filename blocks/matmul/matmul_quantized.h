// Products of matrices of int8 or int16 with one scale a tensor, over broadcast batches, portable.
#pragma once
#include "../core/requantize.h"
#include "matmul_f32.h"

namespace nb {

/// As Matmul, with the numbers of the three tensors.
template <int N>
struct MatmulQuantized {
  MatmulSizes sizes;
  int32_t a_zero, b_zero, out_zero;
  int32_t multiplier, shift;  ///< a_scale * b_scale / out_scale, see rescale
  CopyAxis axes[N];
};

/// The sum of products, rescaled: int8 sums in 32 bits round twice, int16 sums in 64 bits round once.
NB_INLINE int32_t matmul_rescale(int32_t sum, int32_t multiplier, int32_t shift) {
  return rescale(sum, multiplier, shift);
}
NB_INLINE int32_t matmul_rescale(int64_t sum, int32_t multiplier, int32_t shift) {
  return rescale64(sum, multiplier, shift);
}

/// out[..., i, j] = clamp(out_zero + rescale(sum over k of (a[..., i, k] - a_zero) * (b[..., k, j] -
/// b_zero))). T, Sum: int8_t, int32_t or int16_t, int64_t.
template <class T, class Sum, int N>
NB_NOINLINE void matmul_quantized(const MatmulQuantized<N>& p, const T* a, const T* b, T* out) {
  const MatmulSizes s = p.sizes;
  constexpr int32_t kLow = sizeof(T) == 1 ? -128 : -32768, kHigh = sizeof(T) == 1 ? 127 : 32767;
  matmul_batch(p.axes, N, s.m * s.n, a, b, out, [&](const T* rows, const T* columns, T* to) {
    for (int32_t i = 0; i < s.m; ++i)
      for (int32_t j = 0; j < s.n; ++j) {
        Sum sum = 0;
        const T *x = rows + i * s.a_row, *y = columns + j * s.b_col;
        for (int32_t k = 0; k < s.k; ++k, x += s.a_step, y += s.b_step)
          sum += static_cast<Sum>(*x - p.a_zero) * (*y - p.b_zero);
        const int32_t scaled = p.out_zero + matmul_rescale(sum, p.multiplier, p.shift);
        *to++ = static_cast<T>(clamp(scaled, kLow, kHigh));
      }
  });
}

}  // namespace nb
