// Products of one vector with four rows of int8 weights that lie one after the other, as recurrent layers
// need them: the vector changes with each step, so nothing is gained by tiles.
#pragma once
#include "simd_dsp.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

namespace nb {

/// sums[i] += sum over k of in[k] * rows[i * size + k], for four rows.
template <class T, class Sum>
NB_INLINE void four_rows(const T* NB_RESTRICT in, const int8_t* NB_RESTRICT rows, int32_t size,
                         Sum* NB_RESTRICT sums) {
  const int8_t *r1 = rows + size, *r2 = r1 + size, *r3 = r2 + size;
  Sum s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (int32_t k = 0; k < size; ++k) {
    const int32_t value = in[k];
    s0 += value * rows[k];
    s1 += value * r1[k];
    s2 += value * r2[k];
    s3 += value * r3[k];
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#if defined(__ARM_FEATURE_MVE)
NB_INLINE void four_rows(const int8_t* NB_RESTRICT in, const int8_t* NB_RESTRICT rows, int32_t size,
                         int32_t* NB_RESTRICT sums) {
  const int8_t *r1 = rows + size, *r2 = r1 + size, *r3 = r2 + size;
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (int32_t k = 0; k < size; k += 16) {
    const mve_pred16_t lanes = vctp8q(static_cast<uint32_t>(size - k));
    const int8x16_t x = vldrbq_z_s8(in + k, lanes);
    s0 = vmladavaq_s8(s0, x, vldrbq_z_s8(rows + k, lanes));
    s1 = vmladavaq_s8(s1, x, vldrbq_z_s8(r1 + k, lanes));
    s2 = vmladavaq_s8(s2, x, vldrbq_z_s8(r2 + k, lanes));
    s3 = vmladavaq_s8(s3, x, vldrbq_z_s8(r3 + k, lanes));
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}
#elif NB_DSP
/// sum + four products of a row, whose vector's elements are given as even and odd ones.
NB_INLINE int32_t add_four(uint32_t even, uint32_t odd, const int8_t*& row, int32_t sum) {
  const uint32_t weights = load4(row);
  row += 4;
  __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(even), "r"(even_bytes(weights)));
  __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(odd), "r"(odd_bytes(weights)));
  return sum;
}
NB_INLINE void four_rows(const int8_t* NB_RESTRICT in, const int8_t* rows, int32_t size,
                         int32_t* NB_RESTRICT sums) {
  const int8_t *r1 = rows + size, *r2 = r1 + size, *r3 = r2 + size;
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const int8_t* const fours = in + (size & ~3);
  const int8_t* const end = in + size;
  while (in < fours) {
    const uint32_t word = load4(in), even = even_bytes(word), odd = odd_bytes(word);
    in += 4;
    s0 = add_four(even, odd, rows, s0);
    s1 = add_four(even, odd, r1, s1);
    s2 = add_four(even, odd, r2, s2);
    s3 = add_four(even, odd, r3, s3);
  }
  for (; in < end; ++in) {
    s0 += *in * *rows++;
    s1 += *in * *r1++;
    s2 += *in * *r2++;
    s3 += *in * *r3++;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}
#endif

}  // namespace nb
