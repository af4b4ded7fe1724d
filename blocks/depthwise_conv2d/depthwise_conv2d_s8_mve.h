// Depthwise convolution of int8 images for Armv8.1-M with the vector extension (Helium): 16 channels at a
// time, products of two taps summed in 16 bits, then in 32.
#pragma once
#include "../core/copy_mve.h"
#include "../core/requantize_mve.h"
#include "layout_mve.h"

namespace nb {

/// One row of one block of 16 channels: `count` vectors of outputs. The code below knows the offsets of the
/// fields.
struct DepthwiseRowMve {
  alignas(16) int8_t low[16];  ///< 0: out_min in all lanes
  int8_t high[16];             ///< 16: out_max
  const int8_t* const* rows;   ///< 32: the input rows of the kernel rows
  int32_t kernel_h;            ///< 36
  int32_t pairs, odd;          ///< 40, 44: the taps of a kernel row, by two and the rest
  const int8_t* block;         ///< 48: constants
  int32_t tap_step;            ///< 52: bytes from a tap to the next
  int32_t in_step, out_step;   ///< 56, 60: bytes from a vector to the next
  int32_t offset;              ///< 64: of the first input vector in its rows
  int8_t* out;                 ///< 68
  int32_t rescale_steps;       ///< 72
  int32_t out_zero;            ///< 76
  int32_t count;               ///< 80
  int32_t room;                ///< 84: bytes to write of the first vector, if under 16
  int32_t room_step;           ///< 88: less of each next one
};
static_assert(offsetof(DepthwiseRowMve, room_step) == 88, "the assembly below knows the offsets");

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
#define NB_WIDEN                                                                                    \
  "  vmovlb.s16 q6, q4\n"                                                                           \
  "  vadd.i32 q0, q0, q6\n"                                                                         \
  "  vmovlt.s16 q4, q4\n"                                                                           \
  "  vadd.i32 q1, q1, q4\n"                                                                         \
  "  vmovlb.s16 q6, q5\n"                                                                           \
  "  vadd.i32 q2, q2, q6\n"                                                                         \
  "  vmovlt.s16 q5, q5\n"                                                                           \
  "  vadd.i32 q3, q3, q5\n"
#define NB_LEFT(sum, at)                                                                            \
  "  vldrw.32 q5, [%[w], #64 + " at "]\n"                                                           \
  "  vmax.s32 q5, q5, q7\n"                                                                         \
  "  vshl.s32 " sum ", " sum ", q5\n"
#define NB_SCALE(sum, at, fix)                                                                      \
  "  vldrw.32 q4, [%[w], #" at "]\n"                                                                \
  "  vldrw.32 q5, [%[w], #64 + " at "]\n"                                                           \
  "  vqrdmulh.s32 " sum ", " sum ", q4\n" fix                                                       \
  "  vrshl.s32 " sum ", " sum ", q5\n"
#define NB_FIX(sum)                                                                                 \
  "  vmin.s32 q5, q5, q7\n"                                                                         \
  "  vand q6, " sum ", q5\n"                                                                        \
  "  vshr.s32 q6, q6, #31\n"                                                                        \
  "  vadd.i32 " sum ", " sum ", q6\n"

/// kIs3x3: three rows of three taps, unrolled; two taps are added also across rows.
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
  "  ldr %[row], [%[job], #32]\n"                                                                   \
  "  vldrw.32 q0, [%[w]], #16\n"                                                                    \
  "  vldrw.32 q1, [%[w]], #16\n"                                                                    \
  "  vldrw.32 q2, [%[w]], #16\n"                                                                    \
  "  vldrw.32 q3, [%[w]], #16\n"
#define NB_END                                                                                      \
  "  ldrd %[i], %[j], [%[job], #72]\n"                                                              \
  "  cmp %[i], #0\n"                                                                                \
  "  bne 6f\n" NB_SCALE("q0", "0", "") NB_SCALE("q1", "16", "")                                     \
  NB_SCALE("q2", "32", "") NB_SCALE("q3", "48", "")                                                 \
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
  "8:\n"                                                                                            \
  "  vctp.8 %[room]\n"                                                                              \
  "  vpst\n"                                                                                        \
  "  vstrbt.8 q0, [%[out]]\n"                                                                       \
  "  b 7b\n"                                                                                        \
  "6:\n"                                                                                            \
  "  vmov.i32 q7, #0\n"                                                                             \
  "  lsrs %[i], #2\n"                                                                               \
  "  bcc 4f\n" NB_LEFT("q0", "0") NB_LEFT("q1", "16") NB_LEFT("q2", "32") NB_LEFT("q3", "48")       \
  "4:\n" NB_SCALE("q0", "0", NB_FIX("q0")) NB_SCALE("q1", "16", NB_FIX("q1"))                       \
  NB_SCALE("q2", "32", NB_FIX("q2")) NB_SCALE("q3", "48", NB_FIX("q3"))                             \
  "  b 5b\n"                                                                                        \
  "9:\n"
  if (kIs3x3) {
    __asm__ volatile(NB_BEGIN
                     NB_ROW NB_FIRST NB_NEXT NB_SECOND NB_WIDEN NB_NEXT NB_FIRST
                     NB_ROW NB_SECOND NB_WIDEN NB_NEXT NB_FIRST NB_NEXT NB_SECOND NB_WIDEN
                     NB_ROW NB_FIRST NB_NEXT NB_SECOND NB_WIDEN NB_NEXT NB_FIRST NB_WIDEN
                     NB_END NB_OPERANDS);
  } else {
    __asm__ volatile(NB_BEGIN
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
#undef NB_WIDEN
#undef NB_LEFT
#undef NB_SCALE
#undef NB_FIX
#undef NB_OPERANDS
#undef NB_BEGIN
#undef NB_END

/// The same with a depth multiplier: inputs are gathered by lane.
NB_NOINLINE inline void depthwise_conv2d_s8_mve_gathered_row(const DepthwiseRowMve& job) {
  const uint8x16_t lanes = vldrbq_u8(reinterpret_cast<const uint8_t*>(job.block));
  const int16_t zero = static_cast<int16_t>(job.out_zero);
  const int32_t taps = 2 * job.pairs + job.odd;
  for (int32_t n = 0; n < job.count; ++n) {
    const int8_t* stream = job.block + 16;
    int32x4_t sum0 = take_s32x4_mve(stream), sum1 = take_s32x4_mve(stream);
    int32x4_t sum2 = take_s32x4_mve(stream), sum3 = take_s32x4_mve(stream);
    for (int32_t i = 0; i < job.kernel_h; ++i) {
      const int8_t* at = job.rows[i] + job.offset + n * job.in_step;
      for (int32_t j = 0; j < taps; ++j, at += job.tap_step, stream += 16) {
        const int8x16_t input = vldrbq_gather_offset_s8(at, lanes), weight = vldrbq_s8(stream);
        const int16x8_t even = vmullbq_int_s8(input, weight), odd = vmulltq_int_s8(input, weight);
        sum0 = vaddq_s32(sum0, vmovlbq_s16(even));
        sum1 = vaddq_s32(sum1, vmovltq_s16(even));
        sum2 = vaddq_s32(sum2, vmovlbq_s16(odd));
        sum3 = vaddq_s32(sum3, vmovltq_s16(odd));
      }
    }
    const auto scale = [&](int32x4_t sum, int32_t at) {
      const int8_t* multiplier = stream + at;
      const int8_t* shift = multiplier + 64;
      return rescale_mve(sum, take_s32x4_mve(multiplier), take_s32x4_mve(shift), job.rescale_steps);
    };
    sum0 = scale(sum0, 0);
    sum1 = scale(sum1, 16);
    sum2 = scale(sum2, 32);
    sum3 = scale(sum3, 48);
    int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sum0), sum0), sum1);
    int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sum2), sum2), sum3);
    even = vqaddq_n_s16(even, zero);
    odd = vqaddq_n_s16(odd, zero);
    int8x16_t all = vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd);
    all = vminq_s8(vmaxq_s8(all, vldrbq_s8(job.low)), vldrbq_s8(job.high));
    vstrbq_p_s8(job.out + n * job.out_step, all, vctp8q(static_cast<uint32_t>(job.room)));
  }
}

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `packed`
/// comes from pack_depthwise_conv2d_s8_mve; `scratch` (4-byte aligned) has
/// depthwise_conv2d_s8_mve_scratch_bytes(p). Equals depthwise_conv2d_s8_rows bit for bit.
NB_NOINLINE inline void depthwise_conv2d_s8_mve_rows(const DepthwiseConv2dS8& p, const int8_t* in,
                                                     int32_t in_row, const int8_t* packed, int8_t* out,
                                                     int32_t y_begin, int32_t y_end, int8_t* scratch) {
  const int32_t channels = p.in_channels, out_channels = channels * p.depth_multiplier;
  Window2d g = p.window;
  in -= in_row * g.in.w * channels;
  if (depthwise_conv2d_s8_mve_transposes(g)) {
    g = depthwise_conv2d_s8_mve_transposed(g, y_begin, y_end);
    y_begin = 0;
    y_end = 1;
  }
  const bool in_place = depthwise_conv2d_s8_mve_in_place(p, g);
  const bool folds = depthwise_conv2d_s8_mve_folds(p);
  const int32_t rescale_steps = rescale_steps_mve(p.out_min, p.out_zero, packed[0] != 0);
  packed += 16;
  const int8_t** rows = reinterpret_cast<const int8_t**>(scratch);
  int8_t* lines = scratch + (g.kernel.h * static_cast<int32_t>(sizeof *rows) + 15) / 16 * 16;

  // A padded row: `before` columns of padding, `copied` of the image from `first` on, then `after`.
  const int32_t reach = depthwise_conv2d_s8_mve_reach(g),
                line_bytes = depthwise_conv2d_s8_mve_line_bytes(p, g);
  const int32_t before = clamp<int32_t>(g.pad.w, 0, reach), first = max<int32_t>(-g.pad.w, 0);
  const int32_t copied = clamp<int32_t>(reach - before, 0, g.in.w - first), after = reach - before - copied;
  const int32_t ring = (g.kernel.h - 1) * g.dilation.h + 1;
  if (in_place && depthwise_conv2d_s8_mve_lines(p, g)) fill_mve(lines, p.in_zero, reach * channels);

  const int32_t block_bytes = depthwise_conv2d_s8_mve_block_bytes(p);
  const int32_t row_bytes = g.out.w * out_channels;
  DepthwiseRowMve job;
  vstrbq_s8(job.low, vdupq_n_s8(static_cast<int8_t>(p.out_min)));
  vstrbq_s8(job.high, vdupq_n_s8(static_cast<int8_t>(p.out_max)));
  job.rows = rows;
  job.kernel_h = g.kernel.h;
  job.pairs = g.kernel.w >> 1;
  job.odd = g.kernel.w & 1;
  job.tap_step = g.dilation.w * channels;
  job.in_step = folds ? 16 : g.stride.w * channels;
  job.out_step = folds ? 16 : out_channels;
  job.rescale_steps = rescale_steps;
  job.out_zero = p.out_zero;
  job.count = folds ? (row_bytes + 15) >> 4 : g.out.w;
  job.room_step = folds ? 16 : 0;
  int32_t filled =
      y_begin * g.stride.h - g.pad.h;  // input rows before this one are in the ring or not needed
  for (int32_t y = y_begin; y < y_end; ++y, out += row_bytes) {
    int32_t iy = y * g.stride.h - g.pad.h;
    if (!in_place) {
      for (filled = max(filled, iy); filled < iy + ring; ++filled) {
        int8_t* line = lines + (filled + g.pad.h) % ring * line_bytes;
        if (filled < 0 || filled >= g.in.h) {
          fill_mve(line, p.in_zero, reach * channels);
          continue;
        }
        // In this order: each step may write past its end.
        fill_mve(line, p.in_zero, before * channels);
        line += before * channels;
        copy_mve(line, in + (filled * g.in.w + first) * channels, copied * channels);
        fill_mve(line + copied * channels, p.in_zero, after * channels);
      }
    }
    for (int32_t i = 0; i < g.kernel.h; ++i, iy += g.dilation.h) {
      if (!in_place) {
        rows[i] = lines + (iy + g.pad.h) % ring * line_bytes;
      } else {
        rows[i] = iy < 0 || iy >= g.in.h ? lines : in + (iy * g.in.w + first) * channels;
      }
    }
    job.block = packed;
    for (int32_t c = 0; c < (folds ? 1 : out_channels); c += 16, job.block += block_bytes) {
      job.offset = p.depth_multiplier == 1 ? c : c / p.depth_multiplier;
      job.out = out + c;
      job.room = folds ? row_bytes : out_channels - c;
      if (p.depth_multiplier != 1) {
        depthwise_conv2d_s8_mve_gathered_row(job);
      } else if (g.kernel.h == 3 && g.kernel.w == 3) {
        depthwise_conv2d_s8_mve_row<true>(job);
      } else {
        depthwise_conv2d_s8_mve_row<false>(job);
      }
    }
  }
}

/// The whole image.
NB_INLINE void depthwise_conv2d_s8_mve(const DepthwiseConv2dS8& p, const int8_t* in, const int8_t* packed,
                                       int8_t* out, int8_t* scratch) {
  depthwise_conv2d_s8_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
