// Products of the rows of two matrices of 16-bit integers that a kernel makes ready in scratch, in the order
// that the core's instructions take: with the DSP extension two rows in turn, a word (two elements) of each;
// else row after row.
#pragma once
#include "simd_dsp.h"

#if defined(__ARM_FEATURE_MVE)
#include "products_mve.h"
#define NB_PAIRED_ROWS 0
#else
#define NB_PAIRED_ROWS NB_DSP
#endif

namespace nb {

/// Rows are padded with zeros to a multiple of this, at most 8.
#if defined(__ARM_FEATURE_MVE)
constexpr int32_t kProductsPad = 8;
#elif NB_PAIRED_ROWS
constexpr int32_t kProductsPad = 4;
#else
constexpr int32_t kProductsPad = 1;
#endif
constexpr int32_t padded_length(int32_t length) {
  return (length + kProductsPad - 1) / kProductsPad * kProductsPad;
}

/// Where row r begins; rows are `step` elements apart, an even number. With the DSP extension r and r ^ 1
/// share 2 * step elements.
template <class S>
NB_INLINE S* products_row(S* matrix, int32_t step, int32_t r) {
#if NB_PAIRED_ROWS
  return matrix + (r >> 1) * 2 * step + (r & 1) * 2;
#else
  return matrix + r * step;
#endif
}
/// Distance of element k from the begin of its row.
NB_INLINE int32_t products_place(int32_t k) {
#if NB_PAIRED_ROWS
  return 2 * k - (k & 1);
#else
  return k;
#endif
}

#if NB_PAIRED_ROWS

/// Four steps of k: twice a word of each of two rows, times the same of two columns.
#define NB_PRODUCTS_STEP                                                         \
  "ldrd %[x0], %[x1], [%[x]], #8\n\tldrd %[y0], %[y1], [%[y]], #8\n\t"           \
  "smlad %[s00], %[x0], %[y0], %[s00]\n\tsmlad %[s01], %[x0], %[y1], %[s01]\n\t" \
  "smlad %[s10], %[x1], %[y0], %[s10]\n\tsmlad %[s11], %[x1], %[y1], %[s11]\n\t"
#define NB_PRODUCTS_OPERANDS                                                                    \
  [x] "+r"(x), [y] "+r"(y), [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10), [s11] "+r"(s11), \
      [x0] "=&r"(x0), [x1] "=&r"(x1), [y0] "=&r"(y0), [y1] "=&r"(y1)

/// Two rows by all columns, two at a time.
NB_INLINE void products_of_pair(const int16_t* a, const int16_t* b, int32_t b_step, int32_t columns,
                                int32_t length, const int32_t* init, int32_t* out0, int32_t* out1) {
  const int16_t* const end = a + 2 * length;
  for (int32_t c = 0; c < columns; c += 2, b += 2 * b_step) {
    int32_t s00 = init[c], s01 = init[c + 1], s10 = s00, s11 = s01, x0, x1, y0, y1;
    const int16_t *x = a, *y = b;
    if (length & 4) __asm__ volatile(NB_PRODUCTS_STEP NB_PRODUCTS_STEP:NB_PRODUCTS_OPERANDS : : "memory");
    while (x != end)
      __asm__ volatile(NB_PRODUCTS_STEP NB_PRODUCTS_STEP NB_PRODUCTS_STEP NB_PRODUCTS_STEP
:NB_PRODUCTS_OPERANDS
                       :
                       : "memory");
    out0[c] = s00, out0[c + 1] = s01;
    out1[c] = s10, out1[c + 1] = s11;
  }
}
NB_INLINE void products_of_pair(const int16_t* a, const int16_t* b, int32_t b_step, int32_t columns,
                                int32_t length, const int64_t* init, int64_t* out0, int64_t* out1) {
  const int16_t* const end = a + 2 * length;
  for (int32_t c = 0; c < columns; c += 2, b += 2 * b_step) {
    int64_t s00 = init[c], s01 = init[c + 1], s10 = s00, s11 = s01;
    for (const int16_t *x = a, *y = b; x != end; x += 4, y += 4) {
      const uint32_t x0 = load4(x), x1 = load4(x + 2), y0 = load4(y), y1 = load4(y + 2);
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s00) : "r"(x0), "r"(y0));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s01) : "r"(x0), "r"(y1));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s10) : "r"(x1), "r"(y0));
      __asm__("smlald %Q0, %R0, %1, %2" : "+r"(s11) : "r"(x1), "r"(y1));
    }
    out0[c] = s00, out0[c + 1] = s01;
    out1[c] = s10, out1[c + 1] = s11;
  }
}
#undef NB_PRODUCTS_STEP
#undef NB_PRODUCTS_OPERANDS

#endif

/// out[r][c] = init[c] + sum over k < length of a[r][k] * b[c][k] for `rows` rows of a and `columns` of b,
/// both as products_row and products_place tell; lengths as padded_length gives. Rows and columns are made in
/// pairs: where the second of a pair is absent, what lies there is read and written nevertheless.
template <class Sum>
NB_NOINLINE void products_s16(const int16_t* a, int32_t a_step, int32_t rows, const int16_t* b,
                              int32_t b_step, int32_t columns, int32_t length, const Sum* init, Sum* out,
                              int32_t out_step) {
#if defined(__ARM_FEATURE_MVE)
  if constexpr (sizeof(Sum) == 4) {
    for (int32_t r = 0; r < rows && length > 0; r += 4, a += 4 * a_step, out += 4 * out_step) {
      const int32_t last = min<int32_t>(rows - r, 4) - 1;
      const int16_t *const a1 = a + min<int32_t>(last, 1) * a_step,
                           *const a2 = a + min<int32_t>(last, 2) * a_step, *const a3 = a + last * a_step;
      const int16_t* column = b;
      for (int32_t c = 0; c < columns; ++c, column += b_step) {
        int32_t s[4] = {init[c], init[c], init[c], init[c]};
        products_four(column, a, a1, a2, a3, length, s);
        int32_t* const to = out + c;
        to[0] = s[0];
        if (last > 0) to[out_step] = s[1];
        if (last > 1) to[2 * out_step] = s[2];
        if (last > 2) to[3 * out_step] = s[3];
      }
    }
  } else {
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < columns; ++c) {
        int64_t sum = init[c];
        for (int32_t k = 0; k < length; k += 8)
          sum = vmlaldavaq_s16(sum, vldrhq_s16(a + r * a_step + k), vldrhq_s16(b + c * b_step + k));
        out[r * out_step + c] = sum;
      }
  }
#elif NB_PAIRED_ROWS
  for (int32_t r = 0; r < rows; r += 2, out += 2 * out_step)
    products_of_pair(products_row(a, a_step, r), b, b_step, columns, length, init, out, out + out_step);
#else
  for (int32_t r = 0; r < rows; r += 2)
    for (int32_t c = 0; c < columns; c += 2) {
      Sum s00 = init[c], s01 = init[c + 1], s10 = s00, s11 = s01;
      const int16_t *x0 = a + r * a_step, *x1 = r + 1 < rows ? x0 + a_step : x0;
      const int16_t *y0 = b + c * b_step, *y1 = c + 1 < columns ? y0 + b_step : y0;
      for (int32_t k = 0; k < length; ++k) {
        s00 += x0[k] * y0[k], s01 += x0[k] * y1[k];
        s10 += x1[k] * y0[k], s11 += x1[k] * y1[k];
      }
      Sum* const to = out + r * out_step + c;
      to[0] = s00, to[1] = s01, to[out_step] = s10, to[out_step + 1] = s11;
    }
#endif
}

}  // namespace nb
