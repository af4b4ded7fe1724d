// Depthwise convolution of int8 images for Armv8.1-M with the vector extension (Helium): 16 channels at a
// time, products of two taps summed in 16 bits, then in 32.
#pragma once
#include "../core/requantize_mve.h"
#include "depthwise_rows_mve.h"

namespace nb {

// clang-format off
// Pieces of the loops. Q0-Q3: sums of 16 channels; Q4, Q5: sums of two products; Q6, Q7: inputs, weights.
// All eight are taken: the second product of the odd lanes loads its inputs again.
#define NB_ROW "  ldr %[at], [%[row]], #4\n  add %[at], %[offset]\n"
#define NB_NEXT "  add %[at], %[tap]\n"
#define NB_FIRST                                                                                    \
  "  vldrb.8 q6, [%[at]]\n"                                                                         \
  "  vldrw.32 q7, [%[w]], #16\n"                                                                    \
  "  vmullb.s8 q4, q6, q7\n"                                                                        \
  "  vmullt.s8 q5, q6, q7\n"
#define NB_SECOND                                                                                   \
  "  vldrb.8 q6, [%[at]]\n"                                                                         \
  "  vldrw.32 q7, [%[w]], #16\n"                                                                    \
  "  vmullb.s8 q6, q6, q7\n"                                                                        \
  "  vadd.i16 q4, q4, q6\n"                                                                         \
  "  vldrb.8 q6, [%[at]]\n"                                                                         \
  "  vmullt.s8 q6, q6, q7\n"                                                                        \
  "  vadd.i16 q5, q5, q6\n"
#define NB_START                                                                                    \
  "  vmovlb.s16 q0, q4\n"                                                                           \
  "  vmovlt.s16 q1, q4\n"                                                                           \
  "  vmovlb.s16 q2, q5\n"                                                                           \
  "  vmovlt.s16 q3, q5\n"
#define NB_WIDEN                                                                                    \
  "  vmovlb.s16 q6, q4\n"                                                                           \
  "  vadd.i32 q0, q0, q6\n"                                                                         \
  "  vmovlt.s16 q4, q4\n"                                                                           \
  "  vadd.i32 q1, q1, q4\n"                                                                         \
  "  vmovlb.s16 q6, q5\n"                                                                           \
  "  vadd.i32 q2, q2, q6\n"                                                                         \
  "  vmovlt.s16 q5, q5\n"                                                                           \
  "  vadd.i32 q3, q3, q5\n"
// Only the low byte of a lane of Q5 counts as its shift.
#define NB_SCALE(sum, word, multiplier, fix)                                                        \
  "  vldrw.32 q5, [%[w], #" word "]\n"                                                              \
  "  vldrw.32 q6, [%[w], #" multiplier "]\n"                                                        \
  "  vshr.s32 q4, q5, #8\n"                                                                         \
  "  vadd.i32 " sum ", " sum ", q4\n"                                                               \
  "  vqrdmulh.s32 " sum ", " sum ", q6\n" fix                                                       \
  "  vrshl.s32 " sum ", " sum ", q5\n"
// VRSHL rounds ties towards plus infinity. One less in negative lanes turns that into away from zero and moves
// no other value over a tie.
#define NB_FIX(sum)                                                                                 \
  "  vshr.s32 q6, " sum ", #31\n"                                                                   \
  "  vadd.i32 " sum ", " sum ", q6\n"

/// With a depth multiplier of 1 and no general form. kIs3x3: three rows of three taps, unrolled; two taps are
/// added also across rows.
template <bool kIs3x3>
NB_NOINLINE void depthwise_conv2d_s8_mve_row(const DepthwiseRowMve& job) {
  const int8_t *at, *w;
  const int8_t* const* row;
  int32_t i, j, offset = job.offset, count = job.count, room = job.room;
  int8_t* out = job.out;
#define NB_OPERANDS                                                                                 \
  : [at] "=&r"(at), [w] "=&r"(w), [row] "=&r"(row), [i] "=&r"(i), [j] "=&l"(j), [offset] "+r"(offset), \
    [count] "+r"(count), [room] "+r"(room), [out] "+r"(out)                                         \
  : [job] "r"(&job), [tap] "r"(job.tap_step)                                                        \
  : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory"
#define NB_BEGIN                                                                                    \
  "1:\n"                                                                                            \
  "  ldr %[w], [%[job], #48]\n"                                                                     \
  "  ldr %[row], [%[job], #32]\n"
#define NB_END                                                                                      \
  "  ldrd %[i], %[j], [%[job], #72]\n"                                                              \
  "  cmp %[i], #0\n"                                                                                \
  "  bne 6f\n" NB_SCALE("q0", "0", "16", "") NB_SCALE("q1", "32", "48", "")                         \
  NB_SCALE("q2", "64", "80", "") NB_SCALE("q3", "96", "112", "")                                    \
  "5:\n"                                                                                            \
  "  vqmovnb.s32 q0, q0\n"                                                                          \
  "  vqmovnt.s32 q0, q1\n"                                                                          \
  "  vqmovnb.s32 q2, q2\n"                                                                          \
  "  vqmovnt.s32 q2, q3\n"                                                                          \
  /* Saturated to 16 bits before the zero point is added: no difference survives int8. */           \
  "  vqadd.s16 q0, q0, %[j]\n"                                                                      \
  "  vqadd.s16 q2, q2, %[j]\n"                                                                      \
  "  vldrw.32 q4, [%[job]]\n"                                                                       \
  "  vqmovnb.s16 q0, q0\n"                                                                          \
  "  vldrw.32 q5, [%[job], #16]\n"                                                                  \
  "  vqmovnt.s16 q0, q2\n"                                                                          \
  "  ldrd %[i], %[j], [%[job], #56]\n"                                                              \
  "  vmax.s8 q0, q0, q4\n"                                                                          \
  "  cmp %[room], #16\n"                                                                            \
  "  vmin.s8 q0, q0, q5\n"                                                                          \
  "  blt 8f\n"                                                                                      \
  "  vstrb.8 q0, [%[out]]\n"                                                                        \
  "7:\n"                                                                                            \
  "  add %[offset], %[i]\n"                                                                         \
  "  add %[out], %[j]\n"                                                                            \
  "  ldr %[i], [%[job], #88]\n"                                                                     \
  "  subs %[count], #1\n"                                                                           \
  "  sub %[room], %[i]\n"                                                                           \
  "  bne 1b\n"                                                                                      \
  "  b 9f\n"                                                                                        \
  "6:\n"                                                                                            \
  NB_SCALE("q0", "0", "16", NB_FIX("q0")) NB_SCALE("q1", "32", "48", NB_FIX("q1"))                  \
  NB_SCALE("q2", "64", "80", NB_FIX("q2")) NB_SCALE("q3", "96", "112", NB_FIX("q3"))                \
  "  b 5b\n"                                                                                        \
  "8:\n"                                                                                            \
  "  vctp.8 %[room]\n"                                                                              \
  "  vpst\n"                                                                                        \
  "  vstrbt.8 q0, [%[out]]\n"                                                                       \
  "  b 7b\n"                                                                                        \
  "9:\n"
  if (kIs3x3) {
    __asm__ volatile(NB_BEGIN
                     NB_ROW NB_FIRST NB_NEXT NB_SECOND NB_START NB_NEXT NB_FIRST
                     NB_ROW NB_SECOND NB_WIDEN NB_NEXT NB_FIRST NB_NEXT NB_SECOND NB_WIDEN
                     NB_ROW NB_FIRST NB_NEXT NB_SECOND NB_WIDEN NB_NEXT NB_FIRST NB_WIDEN
                     NB_END NB_OPERANDS);
  } else {
    __asm__ volatile(NB_BEGIN
                     "  vmov.i32 q0, #0\n"
                     "  vmov.i32 q1, #0\n"
                     "  vmov.i32 q2, #0\n"
                     "  vmov.i32 q3, #0\n"
                     "  ldr %[i], [%[job], #36]\n"
                     "2:\n" NB_ROW
                     "  ldr %[j], [%[job], #40]\n"
                     "  cbz %[j], 4f\n"
                     "3:\n" NB_FIRST NB_NEXT NB_SECOND NB_NEXT NB_WIDEN
                     "  subs %[j], #1\n"
                     "  bne 3b\n"
                     "4:\n"
                     "  ldr %[j], [%[job], #44]\n"
                     "  cbz %[j], 5f\n" NB_FIRST NB_WIDEN
                     "5:\n"
                     "  subs %[i], #1\n"
                     "  bne 2b\n" NB_END NB_OPERANDS);
  }
}
// clang-format on
#undef NB_ROW
#undef NB_NEXT
#undef NB_FIRST
#undef NB_SECOND
#undef NB_START
#undef NB_WIDEN
#undef NB_SCALE
#undef NB_FIX
#undef NB_OPERANDS
#undef NB_BEGIN
#undef NB_END

/// The same of any layer: inputs are gathered by lane, sums rescaled in any form.
NB_NOINLINE inline void depthwise_conv2d_s8_mve_gathered_row(const DepthwiseRowMve& job) {
  const uint8x16_t lanes = vldrbq_u8(reinterpret_cast<const uint8_t*>(job.block));
  const int16_t zero = static_cast<int16_t>(job.out_zero);
  const int32_t taps = 2 * job.pairs + job.odd;
  const int32_t steps = job.form & kGeneralMve ? kRescaleTiesMve | kRescaleLeftMve : job.form;
  for (int32_t n = 0; n < job.count; ++n) {
    const int8_t* stream = job.block + 16;
    int32x4_t sums[4];
    for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
    for (int32_t i = 0; i < job.kernel_h; ++i) {
      const int8_t* at = job.rows[i] + job.offset + n * job.in_step;
      for (int32_t j = 0; j < taps; ++j, at += job.tap_step, stream += 16) {
        const int8x16_t input = vldrbq_gather_offset_s8(at, lanes), weight = vldrbq_s8(stream);
        const int16x8_t even = vmullbq_int_s8(input, weight), odd = vmulltq_int_s8(input, weight);
        sums[0] = vaddq_s32(sums[0], vmovlbq_s16(even));
        sums[1] = vaddq_s32(sums[1], vmovltq_s16(even));
        sums[2] = vaddq_s32(sums[2], vmovlbq_s16(odd));
        sums[3] = vaddq_s32(sums[3], vmovltq_s16(odd));
      }
    }
    const int8_t* wide = stream + 128;
    for (int32x4_t& sum : sums) {
      const int32x4_t word = take_s32x4_mve(stream);
      sum = vaddq_s32(sum, vshrq_n_s32(word, 8));
      if (job.form & kWideMve) sum = vaddq_s32(sum, take_s32x4_mve(wide));
      sum = rescale_mve(sum, take_s32x4_mve(stream), vshrq_n_s32(vshlq_n_s32(word, 24), 24), steps);
    }
    int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sums[0]), sums[0]), sums[1]);
    int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sums[2]), sums[2]), sums[3]);
    even = vqaddq_n_s16(even, zero);
    odd = vqaddq_n_s16(odd, zero);
    int8x16_t all = vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd);
    all = vminq_s8(vmaxq_s8(all, vldrbq_s8(job.low)), vldrbq_s8(job.high));
    vstrbq_p_s8(job.out + n * job.out_step, all, vctp8q(static_cast<uint32_t>(job.room - n * job.room_step)));
  }
}

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `p` and
/// `packed` come from pack_depthwise_conv2d_s8_mve, which says what `row` is; `scratch` (4-byte aligned) has
/// depthwise_conv2d_s8_mve_scratch_bytes(p). Equals depthwise_conv2d_s8_rows bit for bit.
NB_INLINE void depthwise_conv2d_s8_mve_rows(const DepthwiseConv2dS8Mve& p, const int8_t* in, int32_t in_row,
                                            const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                            int8_t* scratch, DepthwiseRowFunctionMve row) {
  DepthwiseRowMve job;
  vstrbq_s8(job.low, vdupq_n_s8(p.out_min));
  vstrbq_s8(job.high, vdupq_n_s8(p.out_max));
  depthwise_mve_rows(p, job, depthwise_conv2d_s8_mve_block_bytes(p), in, in_row, packed, out, y_begin, y_end,
                     scratch, row);
}

/// The whole image.
NB_NOINLINE NB_SMALL inline void depthwise_conv2d_s8_mve(const DepthwiseConv2dS8Mve& p, const int8_t* in,
                                                         const int8_t* packed, int8_t* out, int8_t* scratch,
                                                         DepthwiseRowFunctionMve row) {
  depthwise_conv2d_s8_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch, row);
}

}  // namespace nb
