// Depthwise convolution of int16 images with int8 weights for Armv8.1-M with the vector extension (Helium): 8
// channels at a time.
#pragma once
#include <arm_mve.h>

#include "depthwise_rows_mve.h"
#include "layout_s16_mve.h"

namespace nb {

// clang-format off
// Pieces of the loops. Q0, Q1: sums of even and of odd channels; Q6, Q7: inputs, weights. Q2, Q3: bounds of the
// output. Loads that widen want a low register.
#define NB_ROW "  ldr %[at], [%[row]], #4\n  add %[at], %[offset]\n"
#define NB_NEXT "  add %[at], %[tap]\n"
#define NB_FIRST                                                                                    \
  "  vldrh.16 q6, [%[at]]\n"                                                                        \
  "  vldrb.s16 q7, [%[w]], #8\n"                                                                    \
  "  vmullb.s16 q0, q6, q7\n"                                                                       \
  "  vmullt.s16 q1, q6, q7\n"
#define NB_TAP                                                                                      \
  "  vldrh.16 q6, [%[at]]\n"                                                                        \
  "  vldrb.s16 q7, [%[w]], #8\n"                                                                    \
  "  vmullb.s16 q4, q6, q7\n"                                                                       \
  "  vadd.i32 q0, q0, q4\n"                                                                         \
  "  vmullt.s16 q5, q6, q7\n"                                                                       \
  "  vadd.i32 q1, q1, q5\n"

/// kIs3x3: three rows of three taps, unrolled.
template <bool kIs3x3>
NB_NOINLINE void depthwise_conv2d_s16_mve_row(const DepthwiseRowMve& job) {
  const int8_t *at, *w;
  const int8_t* const* row;
  int32_t i, j, offset = job.offset, count = job.count, room = job.room;
  int8_t* out = job.out;
#define NB_OPERANDS                                                                                 \
  : [at] "=&r"(at), [w] "=&l"(w), [row] "=&r"(row), [i] "=&r"(i), [j] "=&l"(j), [offset] "+r"(offset), \
    [count] "+r"(count), [room] "+r"(room), [out] "+r"(out)                                         \
  : [job] "r"(&job), [tap] "r"(job.tap_step)                                                        \
  : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory"
#define NB_BEGIN                                                                                    \
  "  vldrw.32 q2, [%[job]]\n"                                                                       \
  "  vldrw.32 q3, [%[job], #16]\n"                                                                  \
  "1:\n"                                                                                            \
  "  ldr %[w], [%[job], #48]\n"                                                                     \
  "  ldr %[row], [%[job], #32]\n"
// VRSHL rounds ties towards plus infinity. One less in negative lanes turns that into away from zero and moves
// no other value over a tie.
#define NB_END                                                                                      \
  "  vldrw.32 q4, [%[w]]\n"                                                                         \
  "  ldr %[j], [%[job], #72]\n"                                                                     \
  "  vldrw.32 q5, [%[w], #16]\n"                                                                    \
  "  vadd.i32 q0, q0, q4\n"                                                                         \
  "  vldrw.32 q6, [%[w], #32]\n"                                                                    \
  "  vadd.i32 q1, q1, q5\n"                                                                         \
  "  vldrw.32 q7, [%[w], #48]\n"                                                                    \
  "  vqrdmulh.s32 q0, q0, q6\n"                                                                     \
  "  vqrdmulh.s32 q1, q1, q7\n"                                                                     \
  "  cbz %[j], 5f\n"                                                                                \
  "  vldrw.32 q6, [%[w], #64]\n"                                                                    \
  "  lsrs %[j], %[j], #2\n"                                                                         \
  "  vldrw.32 q7, [%[w], #80]\n"                                                                    \
  "  bcc 6f\n"                                                                                      \
  "  vshr.s32 q4, q0, #31\n"                                                                        \
  "  vadd.i32 q0, q0, q4\n"                                                                         \
  "  vshr.s32 q5, q1, #31\n"                                                                        \
  "  vadd.i32 q1, q1, q5\n"                                                                         \
  "6:\n"                                                                                            \
  "  vrshl.s32 q0, q0, q6\n"                                                                        \
  "  vrshl.s32 q1, q1, q7\n"                                                                        \
  "5:\n"                                                                                            \
  "  vqmovnb.s32 q0, q0\n"                                                                          \
  "  vctp.8 %[room]\n"                                                                              \
  "  vqmovnt.s32 q0, q1\n"                                                                          \
  "  ldrd %[i], %[j], [%[job], #56]\n"                                                              \
  "  vmax.s16 q0, q0, q2\n"                                                                         \
  "  add %[offset], %[i]\n"                                                                         \
  "  vmin.s16 q0, q0, q3\n"                                                                         \
  "  ldr %[i], [%[job], #88]\n"                                                                     \
  "  vpst\n"                                                                                        \
  "  vstrbt.8 q0, [%[out]]\n"                                                                       \
  "  subs %[count], #1\n"                                                                           \
  "  add %[out], %[j]\n"                                                                            \
  "  sub %[room], %[i]\n"                                                                           \
  "  bne 1b\n"
  if (kIs3x3) {
    __asm__ volatile(NB_BEGIN
                     NB_ROW NB_FIRST NB_NEXT NB_TAP NB_NEXT NB_TAP
                     NB_ROW NB_TAP NB_NEXT NB_TAP NB_NEXT NB_TAP
                     NB_ROW NB_TAP NB_NEXT NB_TAP NB_NEXT NB_TAP
                     NB_END NB_OPERANDS);
  } else {
    __asm__ volatile(NB_BEGIN
                     "  vmov.i32 q0, #0\n"
                     "  vmov.i32 q1, #0\n"
                     "  ldr %[i], [%[job], #36]\n"
                     "2:\n"
                     "  ldrd %[j], %[at], [%[job], #40]\n"
                     "  add %[j], %[at], %[j], lsl #1\n" NB_ROW
                     "3:\n" NB_TAP NB_NEXT
                     "  subs %[j], #1\n"
                     "  bne 3b\n"
                     "  subs %[i], #1\n"
                     "  bne 2b\n" NB_END NB_OPERANDS);
  }
}
// clang-format on
#undef NB_ROW
#undef NB_NEXT
#undef NB_FIRST
#undef NB_TAP
#undef NB_OPERANDS
#undef NB_BEGIN
#undef NB_END

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `p` and
/// `packed` come from pack_depthwise_conv2d_s16_mve; `scratch` (4-byte aligned) has
/// depthwise_conv2d_s16_mve_scratch_bytes(p). Equals depthwise_conv2d_s16_rows bit for bit.
NB_INLINE void depthwise_conv2d_s16_mve_rows(const DepthwiseConv2dS16Mve& p, const int16_t* in,
                                             int32_t in_row, const int8_t* packed, int16_t* out,
                                             int32_t y_begin, int32_t y_end, int8_t* scratch,
                                             DepthwiseRowFunctionMve row) {
  const DepthwiseConv2dS8Mve bytes{p.window, static_cast<uint16_t>(2 * p.channels), 1, 0, 0, 0, 0, p.form};
  DepthwiseRowMve job;
  vstrbq_s8(job.low, vreinterpretq_s8_s16(vdupq_n_s16(p.out_min)));
  vstrbq_s8(job.high, vreinterpretq_s8_s16(vdupq_n_s16(p.out_max)));
  depthwise_mve_rows(bytes, job, depthwise_conv2d_s16_mve_block_bytes(p), reinterpret_cast<const int8_t*>(in),
                     in_row, packed, reinterpret_cast<int8_t*>(out), y_begin, y_end, scratch, row);
}

/// The whole image.
NB_NOINLINE NB_SMALL inline void depthwise_conv2d_s16_mve(const DepthwiseConv2dS16Mve& p, const int16_t* in,
                                                          const int8_t* packed, int16_t* out, int8_t* scratch,
                                                          DepthwiseRowFunctionMve row) {
  depthwise_conv2d_s16_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch, row);
}

}  // namespace nb
