// Sums of products of one row with four others by vectors (Helium): what attention multiplies matrices with.
#pragma once
#include <arm_mve.h>

#include "nb.h"

namespace nb {

// Accumulators are even registers. Rows move on by themselves; `letp` ends with a vector of the lanes that
// are left.
#define NB_PRODUCTS_FOUR(load, bits, extra)                                             \
  "dlstp." bits                                                                         \
  " lr, %[n]\n1:\n"                                                                     \
  "\t" load " q0, [%[b]], #16\n\t" load " q1, [%[a0]], #16\n" extra "\tvmladava.s" bits \
  " %[s0], q0, q1\n\t" load                                                             \
  " q2, [%[a1]], #16\n"                                                                 \
  "\tvmladava.s" bits " %[s1], q0, q2\n\t" load                                         \
  " q3, [%[a2]], #16\n"                                                                 \
  "\tvmladava.s" bits " %[s2], q0, q3\n\t" load                                         \
  " q1, [%[a3]], #16\n"                                                                 \
  "\tvmladava.s" bits " %[s3], q0, q1\n\tletp lr, 1b\n"
#define NB_PRODUCTS_FOUR_OPERANDS                                                                     \
  [s0] "+Te"(s[0]), [s1] "+Te"(s[1]), [s2] "+Te"(s[2]), [s3] "+Te"(s[3]), [b] "+r"(b), [a0] "+r"(a0), \
      [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3)

/// s[i] += sum over k < n of a_i[k] * b[k], n above 0.
NB_INLINE void products_four(const int16_t* b, const int16_t* a0, const int16_t* a1, const int16_t* a2,
                             const int16_t* a3, int32_t n, int32_t (&s)[4]) {
  __asm__ volatile(NB_PRODUCTS_FOUR("vldrh.16", "16", "")
                   : NB_PRODUCTS_FOUR_OPERANDS
                   : [n] "r"(n)
                   : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
}
/// The same of bytes; `sum` += sum of b[k].
NB_INLINE void products_four(const int8_t* b, const int8_t* a0, const int8_t* a1, const int8_t* a2,
                             const int8_t* a3, int32_t n, int32_t (&s)[4], int32_t& sum) {
  __asm__ volatile(NB_PRODUCTS_FOUR("vldrb.8", "8", "\tvaddva.s8 %[sum], q0\n")
                   : NB_PRODUCTS_FOUR_OPERANDS, [sum] "+Te"(sum)
                   : [n] "r"(n)
                   : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
}
#undef NB_PRODUCTS_FOUR
#undef NB_PRODUCTS_FOUR_OPERANDS

/// s0, s1 = sum over k < n of b[k] * a0[k] and of b[k] * a1[k], n above 0, in 64 bits.
NB_INLINE void products_two_wide(const int16_t* b, const int16_t* a0, const int16_t* a1, int32_t n,
                                 int64_t& s0, int64_t& s1) {
  s0 = s1 = 0;
  __asm__ volatile(
      "dlstp.16 lr, %[n]\n1:\n"
      "\tvldrh.16 q0, [%[b]], #16\n\tvldrh.16 q1, [%[a0]], #16\n"
      "\tvmlaldava.s16 %Q[s0], %R[s0], q0, q1\n\tvldrh.16 q2, [%[a1]], #16\n"
      "\tvmlaldava.s16 %Q[s1], %R[s1], q0, q2\n\tletp lr, 1b\n"
      : [s0] "+r"(s0), [s1] "+r"(s1), [b] "+r"(b), [a0] "+r"(a0), [a1] "+r"(a1)
      : [n] "r"(n)
      : "q0", "q1", "q2", "lr", "cc", "memory");
}
/// The same of int32 a0, a1 and elements of b that lie in memory at multiples of `step`; `places` are the
/// first four multiples.
NB_INLINE void products_two_wide(const int16_t* b, uint32x4_t places, int32_t step, const int32_t* a0,
                                 const int32_t* a1, int32_t n, int64_t& s0, int64_t& s1) {
  s0 = s1 = 0;
  __asm__ volatile(
      "dlstp.32 lr, %[n]\n1:\n"
      "\tvldrh.s32 q0, [%[b], %q[places], uxtw #1]\n\tvldrw.32 q1, [%[a0]], #16\n"
      "\tvmlaldava.s32 %Q[s0], %R[s0], q0, q1\n\tvldrw.32 q2, [%[a1]], #16\n"
      "\tvmlaldava.s32 %Q[s1], %R[s1], q0, q2\n\tadd %[b], %[step]\n\tletp lr, 1b\n"
      : [s0] "+r"(s0), [s1] "+r"(s1), [b] "+r"(b), [a0] "+r"(a0), [a1] "+r"(a1)
      : [n] "r"(n), [step] "r"(8 * step), [places] "w"(places)
      : "q0", "q1", "q2", "lr", "cc", "memory");
}

}  // namespace nb
