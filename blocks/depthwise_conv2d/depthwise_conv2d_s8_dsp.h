// Depthwise convolution of int8 images for cores with the DSP extension: one output pixel by four channels at
// a time. A word of four channels expands to two words of int16, channels 0 and 2 then 1 and 3, which
// half-word multiply-adds take as they are. Taps are found through a table of byte offsets; where a window
// leaves the image its table points to a vector of zero points instead, so that one inner loop serves every
// kernel size, stride, dilation and border.
//
// A stream of constants is a head of four words (0 or for the 3x3 form 1, 0, finish, 0), then for each
// multiple m of the depth multiplier and each group of four channels (the last group ends with the last
// channel and may overlap the one before): four biases; for each tap weights {0, 2} and {1, 3} as int16, an
// odd tap first; four times {multiplier, offset, shift}. Biases and weights are doubled for the fast
// finishes, which core/matmul_s8_dsp.h explains.
#pragma once
#include "../core/matmul_s8_dsp.h"
#include "depthwise_3x3_dsp.h"
#include "depthwise_taps_dsp.h"

namespace nb {

/// One group's outputs by the general rescaling.
NB_NOINLINE inline void depthwise_finish_slow_dsp(const int32_t* constants, const int32_t* sums,
                                                  int8_t* out) {
  for (int channel = 0; channel < 4; ++channel, constants += 3) {
    const int32_t scaled = constants[1] + rescale(sums[channel], constants[0], constants[2]);
    out[channel] = static_cast<int8_t>(clamp<int32_t>(scaled, -128, 127));
  }
}

#if NB_DSP

// 64 bytes: two taps. r0 weights, r1 table, r2 base, r4-r7 sums.
#define NB_STEP                     \
  "ldrd r3, r12, [r1], #8\n"        \
  "ldr.w r3, [r2, r3]\n"            \
  "ldr.w r12, [r2, r12]\n"          \
  "sxtb16 lr, r3\n"                 \
  "sxtb16 r3, r3, ror #8\n"         \
  "ldm.w r0!, {r8, r9, r10, r11}\n" \
  "smlabb r4, lr, r8, r4\n"         \
  "smlatt r6, lr, r8, r6\n"         \
  "smlabb r5, r3, r9, r5\n"         \
  "smlatt r7, r3, r9, r7\n"         \
  "sxtb16 lr, r12\n"                \
  "sxtb16 r12, r12, ror #8\n"       \
  "smlabb r4, lr, r10, r4\n"        \
  "smlatt r6, lr, r10, r6\n"        \
  "smlabb r5, r12, r11, r5\n"       \
  "smlatt r7, r12, r11, r7\n"

#define NB_FINISH_SIGNED(x, y)             \
  "ldm r0!, {r3, r8, r9, r10, r11, r12}\n" \
  "add r8, r8, " x                         \
  ", asr #31\n"                            \
  "add r11, r11, " y ", asr #31\n" NB_FINISH_FLOOR_LOADED(x, y)

#define NB_FINISH_FLOOR(x, y) "ldm r0!, {r3, r8, r9, r10, r11, r12}\n" NB_FINISH_FLOOR_LOADED(x, y)

#define NB_FINISH_FLOOR_LOADED(x, y) \
  "smmlar " x ", " x                 \
  ", r3, r8\n"                       \
  "smmlar " y ", " y                 \
  ", r10, r11\n"                     \
  "asr " x ", " x                    \
  ", r9\n"                           \
  "asr " y ", " y                    \
  ", r12\n"                          \
  "ssat " x ", #8, " x               \
  "\n"                               \
  "ssat " y ", #8, " y               \
  "\n"                               \
  "strb " x                          \
  ", [r1], #1\n"                     \
  "strb " y ", [r1], #1\n"

/// Groups of four channels of one pixel, until `out` reaches `out_end`. Returns the stream past them.
NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_groups(const DepthwiseTapsDsp*) {
  // The frame: sp+0 table, +4 table_end, +8 out, +12 out_end, +16 start, +20 loop entry, +24 finish, +28
  // slow.
  __asm__ volatile(
      ".syntax unified\n"
      "push {r3-r11, lr}\n"
      "ldm r0, {r0-r9}\n"
      "mov r12, r1\n"
      "mov lr, r2\n"
      "adr r10, 3f\n"
      "sub r7, r10, r7, lsl #6\n"
      "orr r7, r7, #1\n"  // loop entry
      "adr r10, 9f\n"
      "orr r10, r10, #1\n"
      "cmp r6, #0\n"
      "ite eq\n"
      "moveq r6, r7\n"
      "movne r6, r10\n"  // start
      "adr r10, 4f\n"
      "adr r11, 5f\n"
      "cmp r8, #1\n"
      "it eq\n"
      "moveq r10, r11\n"
      "adr r11, 6f\n"
      "it hi\n"
      "movhi r10, r11\n"
      "orr r8, r10, #1\n"  // finish
      "push {r3-r9}\n"
      "push {r12}\n"
      "mov r2, lr\n"
      "1:\n"
      "ldr r1, [sp]\n"
      "ldm r0!, {r4-r7}\n"
      "ldr pc, [sp, #16]\n"
      ".balign 4\n"
      "9:\n"
      "ldr r3, [r1], #4\n"
      "ldr r3, [r2, r3]\n"
      "ldrd r8, r9, [r0], #8\n"
      "sxtb16 lr, r3\n"
      "sxtb16 r3, r3, ror #8\n"
      "smlabb r4, lr, r8, r4\n"
      "smlatt r6, lr, r8, r6\n"
      "smlabb r5, r3, r9, r5\n"
      "smlatt r7, r3, r9, r7\n"
      "ldr pc, [sp, #20]\n"
      ".balign 4\n"
      "2:\n"
      ".rept 4\n" NB_STEP
      ".endr\n"
      "3:\n"
      "ldr r3, [sp, #4]\n"
      "cmp r1, r3\n"
      "bne 2b\n"
      "ldr r1, [sp, #8]\n"
      "ldr pc, [sp, #24]\n"
      ".balign 4\n"
      "5:\n" NB_FINISH_SIGNED("r4", "r5") NB_FINISH_SIGNED("r6", "r7")
      "b 8f\n"
      ".balign 4\n"
      "4:\n" NB_FINISH_FLOOR("r4", "r5") NB_FINISH_FLOOR("r6", "r7")
      "8:\n"
      "str r1, [sp, #8]\n"
      "adds r2, r2, #4\n"
      "ldr r3, [sp, #12]\n"
      "cmp r1, r3\n"
      "bne 1b\n"
      "add sp, sp, #36\n"
      "pop {r4-r11, pc}\n"
      ".balign 4\n"
      "6:\n"
      "push {r0, r1, r2, r3, r4, r5, r6, r7}\n"
      "mov r2, r1\n"
      "add r1, sp, #16\n"
      "ldr r12, [sp, #60]\n"
      "blx r12\n"
      "pop {r0, r1, r2, r3, r4, r5, r6, r7}\n"
      "adds r0, r0, #48\n"
      "adds r1, r1, #4\n"
      "b 8b\n");
}

#undef NB_STEP
#undef NB_FINISH_SIGNED
#undef NB_FINISH_FLOOR
#undef NB_FINISH_FLOOR_LOADED

#else

/// The function above, in plain C++.
inline const uint32_t* depthwise_groups(const DepthwiseTapsDsp* d) {
  const uint32_t* stream = d->stream;
  const int8_t* base = d->base;
  for (int8_t* out = d->out; out != d->out_end; out += 4, base += 4) {
    const int32_t* biases = reinterpret_cast<const int32_t*>(stream);
    int32_t sums[4] = {biases[0], biases[1], biases[2], biases[3]};
    stream += 4;
    for (const int32_t* tap = d->table; tap != d->table_end; ++tap, stream += 2) {
      const uint32_t word = load4(*tap == kPadTapDsp ? d->zeros + (base - d->base) : base + *tap);
      const uint32_t even = even_bytes(word), odd = odd_bytes(word);
      sums[0] += low_half(even) * low_half(stream[0]);
      sums[2] += high_half(even) * high_half(stream[0]);
      sums[1] += low_half(odd) * low_half(stream[1]);
      sums[3] += high_half(odd) * high_half(stream[1]);
    }
    const int32_t* constants = reinterpret_cast<const int32_t*>(stream);
    stream += 12;
    if (d->finish == kFinishSlowDsp) {
      depthwise_finish_slow_dsp(constants, sums, out);
      continue;
    }
    for (int channel = 0; channel < 4; ++channel, constants += 3) {
      const int32_t offset = constants[1] - (d->finish == kFinishSignedDsp && sums[channel] < 0 ? 1 : 0);
      const int32_t scaled = multiply_high_add(sums[channel], constants[0], offset) >> constants[2];
      out[channel] = static_cast<int8_t>(clamp<int32_t>(scaled, -128, 127));
    }
  }
  return stream;
}

#endif

/// Bytes of scratch, 4-byte aligned: what either form needs.
constexpr int32_t depthwise_conv2d_s8_dsp_scratch_bytes(const DepthwiseConv2dS8& p) {
  const int32_t tables = depthwise_taps_dsp_scratch_bytes(p, 1);
  return depthwise_3x3_dsp_applies(p) ? max(tables, depthwise_3x3_dsp_scratch_bytes(p)) : tables;
}

/// Output rows [y_begin, y_end) as depthwise_conv2d_s8_rows, with the constants of
/// pack_depthwise_conv2d_s8_dsp; at least four input channels. The outputs must not overlap the inputs. The
/// 3x3 form is fastest on even numbers of rows.
NB_NOINLINE inline void depthwise_conv2d_s8_dsp_rows(const DepthwiseConv2dS8& p, const int8_t* in,
                                                     int32_t in_row, const int8_t* packed, int8_t* out,
                                                     int32_t y_begin, int32_t y_end, int8_t* scratch) {
  if (reinterpret_cast<const int32_t*>(packed)[0] == 1) {
    depthwise_3x3_dsp_rows(p, in, in_row, packed, out, y_begin, y_end, scratch, depthwise_3x3_rows_s8);
  } else {
    depthwise_taps_dsp_rows(p, in, in_row, packed, out, y_begin, y_end, scratch, depthwise_finish_slow_dsp,
                            depthwise_groups);
  }
  if (p.out_min > -128 || p.out_max < 127)
    clamp_s8(out, (y_end - y_begin) * p.window.out.w * p.in_channels * p.depth_multiplier, p.out_min,
             p.out_max);
}

/// The whole image.
NB_INLINE void depthwise_conv2d_s8_dsp(const DepthwiseConv2dS8& p, const int8_t* in, const int8_t* packed,
                                       int8_t* out, int8_t* scratch) {
  depthwise_conv2d_s8_dsp_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
