// Products of the rows of two matrices of 16-bit integers that a kernel makes ready in scratch, in the order
// that the core's instructions take: with the DSP extension two rows in turn, a word (two elements) of each;
// else row after row.
#pragma once
#include "simd_dsp.h"

namespace nb {

/// Rows are padded with zeros to a multiple of this.
#if NB_DSP
constexpr int32_t kProductsPad = 4;
#else
constexpr int32_t kProductsPad = 1;
#endif
constexpr int32_t padded_length(int32_t length) {
  return (length + kProductsPad - 1) / kProductsPad * kProductsPad;
}

/// Where row r begins; rows are `step` elements apart. With the DSP extension r and r ^ 1 share 2 * step
/// elements.
template <class S>
NB_INLINE S* products_row(S* matrix, int32_t step, int32_t r) {
#if NB_DSP
  return matrix + (r >> 1) * 2 * step + (r & 1) * 2;
#else
  return matrix + r * step;
#endif
}
/// Distance of element k from the begin of its row.
NB_INLINE int32_t products_place(int32_t k) {
#if NB_DSP
  return 2 * k - (k & 1);
#else
  return k;
#endif
}

/// sum + a * b by elements of a word, in 32 bits, which do not overflow, or in 64.
NB_INLINE int32_t add_products(uint32_t a, uint32_t b, int32_t sum) { return multiply_add_halves(a, b, sum); }
NB_INLINE int64_t add_products(uint32_t a, uint32_t b, int64_t sum) {
#if NB_DSP
  __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
#else
  return sum + int64_t{low_half(a) * low_half(b)} + int64_t{high_half(a) * high_half(b)};
#endif
}

/// out[r][c] = init[c] + sum over k < length of a[r][k] * b[c][k] for `rows` rows of a and `columns` of b,
/// both as products_row and products_place tell; lengths as padded_length gives. Where one of a pair of rows
/// is absent, what lies there is read, but makes nothing.
template <class Sum>
NB_NOINLINE void products_s16(const int16_t* a, int32_t a_step, int32_t rows, const int16_t* b,
                              int32_t b_step, int32_t columns, int32_t length, const Sum* init, Sum* out,
                              int32_t out_step) {
  for (int32_t r = 0; r < rows; r += 2)
    for (int32_t c = 0; c < columns; c += 2) {
      const bool two_rows = r + 1 < rows, two_columns = c + 1 < columns;
      Sum s00 = init[c], s01 = two_columns ? init[c + 1] : 0, s10 = s00, s11 = s01;
#if NB_DSP
      const int16_t *x = products_row(a, a_step, r), *y = products_row(b, b_step, c);
      for (const int16_t* const end = x + 2 * length; x != end; x += 8, y += 8) {
        uint32_t x0, x1, y0, y1;
        __asm__("ldrd %0, %1, [%2]" : "=r"(x0), "=r"(x1) : "r"(x), "m"(*(const int16_t(*)[8])x));
        __asm__("ldrd %0, %1, [%2]" : "=r"(y0), "=r"(y1) : "r"(y), "m"(*(const int16_t(*)[8])y));
        s00 = add_products(x0, y0, s00), s01 = add_products(x0, y1, s01);
        s10 = add_products(x1, y0, s10), s11 = add_products(x1, y1, s11);
        __asm__("ldrd %0, %1, [%2, #8]" : "=r"(x0), "=r"(x1) : "r"(x), "m"(*(const int16_t(*)[8])x));
        __asm__("ldrd %0, %1, [%2, #8]" : "=r"(y0), "=r"(y1) : "r"(y), "m"(*(const int16_t(*)[8])y));
        s00 = add_products(x0, y0, s00), s01 = add_products(x0, y1, s01);
        s10 = add_products(x1, y0, s10), s11 = add_products(x1, y1, s11);
      }
#else
      const int16_t *x0 = a + r * a_step, *x1 = two_rows ? x0 + a_step : x0;
      const int16_t *y0 = b + c * b_step, *y1 = two_columns ? y0 + b_step : y0;
      for (int32_t k = 0; k < length; ++k) {
        s00 += x0[k] * y0[k], s01 += x0[k] * y1[k];
        s10 += x1[k] * y0[k], s11 += x1[k] * y1[k];
      }
#endif
      Sum* to = out + r * out_step + c;
      to[0] = s00;
      if (two_columns) to[1] = s01;
      if (two_rows) to[out_step] = s10;
      if (two_rows && two_columns) to[out_step + 1] = s11;
    }
}

}  // namespace nb
