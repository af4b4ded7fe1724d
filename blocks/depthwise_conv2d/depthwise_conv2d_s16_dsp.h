// Depthwise convolution of int16 images with int8 weights for cores with the DSP extension: as of int8 (see
// depthwise_conv2d_s8_dsp.h), of words of two channels.
//
// A stream of constants is a head of four words (0 or for the 3x3 form 1, 0, finish, 0), then for each
// multiple m of the depth multiplier and each group of four channels (the last group ends with the last
// channel and may overlap the one before): four biases; for each tap weights {0, 1} and {2, 3} as int16; four
// times {multiplier, offset, shift}, or {multiplier} where sums round once. Biases and weights are doubled.
#pragma once
#include "../core/matmul_s16_dsp.h"
#include "depthwise_3x3_dsp.h"
#include "depthwise_taps_dsp.h"

namespace nb {

#if NB_DSP

// 28 bytes: one tap, whose offset is in `at`. r0 weights, r2 base, lr base + 4, r4-r7 sums.
#define NB_TAP(at)            \
  "ldr r8, [r2, " at          \
  "]\n"                       \
  "ldr r9, [lr, " at          \
  "]\n"                       \
  "ldrd r10, r11, [r0], #8\n" \
  "smlabb r4, r8, r10, r4\n"  \
  "smlatt r5, r8, r10, r5\n"  \
  "smlabb r6, r9, r11, r6\n"  \
  "smlatt r7, r9, r11, r7\n"
#define NB_TWICE(x, y, sign, saturate, bits)                                                       \
  "ldm r0!, {r3, r8, r9, r10, r11, r12}\n" sign "smmlar " x ", " x                                 \
  ", r3, r8\n"                                                                                     \
  "smmlar " y ", " y                                                                               \
  ", r10, r11\n"                                                                                   \
  "asr " x ", " x                                                                                  \
  ", r9\n"                                                                                         \
  "asr " y ", " y ", r12\n" saturate " " x ", #" bits ", " x "\n" saturate " " y ", #" bits ", " y \
  "\n"                                                                                             \
  "pkhbt " x ", " x ", " y                                                                         \
  ", lsl #16\n"                                                                                    \
  "str " x ", [r1], #4\n"
#define NB_POSITIVE(x, y) NB_TWICE(x, y, "", "usat", "15")
#define NB_ANY_SIGN(x, y) \
  NB_TWICE(x, y, "add r8, r8, " x ", asr #31\nadd r11, r11, " y ", asr #31\n", "ssat", "16")
#define NB_ONCE(x, y, saturate, bits)                                                                \
  "ldm r0!, {r3, r8}\n"                                                                              \
  "smmulr " x ", " x                                                                                 \
  ", r3\n"                                                                                           \
  "smmulr " y ", " y ", r8\n" saturate " " x ", #" bits ", " x "\n" saturate " " y ", #" bits ", " y \
  "\n"                                                                                               \
  "pkhbt " x ", " x ", " y                                                                           \
  ", lsl #16\n"                                                                                      \
  "str " x ", [r1], #4\n"

// Groups of four channels of one pixel, until `out` reaches `out_end`; returns the stream past them. The
// frame: sp+0 table, +4 table_end, +8 out, +12 out_end, +16 start, +20 loop entry, +24 finish.
#define NB_DEPTHWISE_GROUPS(positive, any_sign) \
  ".syntax unified\n" \
      "push {r3-r11, lr}\n" \
      "ldm r0, {r0-r8}\n" \
      "mov r12, r1\n" \
      "adr r10, 3f\n" \
      "rsb r7, r7, r7, lsl #4\n" \
      "sub r7, r10, r7, lsl #2\n" \
      "orr r7, r7, #1\n" \
      "adr r10, 9f\n" \
      "orr r10, r10, #1\n" \
      "cmp r6, #0\n" \
      "ite eq\n" \
      "moveq r6, r7\n" \
      "movne r6, r10\n" \
      "adr r10, 4f\n" \
      "adr r11, 5f\n" \
      "cmp r8, #0\n" \
      "it ne\n" \
      "movne r10, r11\n" \
      "orr r8, r10, #1\n" \
      "push {r3-r8}\n" \
      "push {r12}\n" \
      "1:\n" \
      "ldr r1, [sp]\n" \
      "add lr, r2, #4\n" \
      "ldm r0!, {r4-r7}\n" \
      "ldr pc, [sp, #16]\n" \
      ".balign 4\n" \
      "9:\n" \
      "ldr r3, [r1], #4\n" NB_TAP("r3") \
      "ldr pc, [sp, #20]\n" \
      ".balign 4\n" \
      "2:\n" \
      ".rept 4\n" \
      "ldrd r3, r12, [r1], #8\n" NB_TAP("r3") NB_TAP("r12") \
      ".endr\n" \
      "3:\n" \
      "ldr r3, [sp, #4]\n" \
      "cmp r1, r3\n" \
      "bne 2b\n" \
      "ldr r1, [sp, #8]\n" \
      "ldr pc, [sp, #24]\n" \
      ".balign 4\n" \
      "4:\n" positive \
      "b 8f\n" \
      ".balign 4\n" \
      "5:\n" any_sign \
      "8:\n" \
      "str r1, [sp, #8]\n" \
      "adds r2, r2, #8\n" \
      "ldr r3, [sp, #12]\n" \
      "cmp r1, r3\n" \
      "bne 1b\n" \
      "add sp, sp, #32\n" \
      "pop {r4-r11, pc}\n"

NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_groups_s16_twice(
    const DepthwiseTapsDsp*) {
  __asm__ volatile(NB_DEPTHWISE_GROUPS(NB_POSITIVE("r4", "r5") NB_POSITIVE("r6", "r7"),
                                       NB_ANY_SIGN("r4", "r5") NB_ANY_SIGN("r6", "r7")));
}
NB_NOINLINE __attribute__((naked)) inline const uint32_t* depthwise_groups_s16_once(const DepthwiseTapsDsp*) {
  __asm__ volatile(NB_DEPTHWISE_GROUPS(NB_ONCE("r4", "r5", "usat", "15") NB_ONCE("r6", "r7", "usat", "15"),
                                       NB_ONCE("r4", "r5", "ssat", "16") NB_ONCE("r6", "r7", "ssat", "16")));
}

#undef NB_TAP
#undef NB_TWICE
#undef NB_POSITIVE
#undef NB_ANY_SIGN
#undef NB_ONCE
#undef NB_DEPTHWISE_GROUPS

#else

/// The functions above, in plain C++.
template <bool kOnce>
inline const uint32_t* depthwise_groups_s16_plain(const DepthwiseTapsDsp* d) {
  const uint32_t* stream = d->stream;
  const int8_t* base = d->base;
  for (int8_t* out = d->out; out != d->out_end; out += 8, base += 8) {
    const int32_t* biases = reinterpret_cast<const int32_t*>(stream);
    int32_t sums[4] = {biases[0], biases[1], biases[2], biases[3]};
    stream += 4;
    for (const int32_t* tap = d->table; tap != d->table_end; ++tap)
      for (int i = 0; i < 4; i += 2, ++stream) {
        const uint32_t word = load4((*tap == kPadTapDsp ? d->zeros + (base - d->base) : base + *tap) + 2 * i);
        sums[i] += low_half(word) * low_half(*stream);
        sums[i + 1] += high_half(word) * high_half(*stream);
      }
    const int32_t* constants = reinterpret_cast<const int32_t*>(stream);
    for (int i = 0; i < 4; ++i, constants += kOnce ? 1 : 3) {
      const int32_t sign = d->finish != kFinishPositiveDsp && sums[i] < 0 ? 1 : 0;
      const int32_t scaled =
          kOnce ? multiply_high_add(sums[i], constants[0], 0)
                : multiply_high_add(sums[i], constants[0], constants[1] - sign) >> constants[2];
      const int32_t low = d->finish == kFinishPositiveDsp ? 0 : -32768;
      reinterpret_cast<int16_t*>(out)[i] = static_cast<int16_t>(clamp<int32_t>(scaled, low, 32767));
    }
    stream += kOnce ? 4 : 12;
  }
  return stream;
}
inline const uint32_t* depthwise_groups_s16_twice(const DepthwiseTapsDsp* d) {
  return depthwise_groups_s16_plain<false>(d);
}
inline const uint32_t* depthwise_groups_s16_once(const DepthwiseTapsDsp* d) {
  return depthwise_groups_s16_plain<true>(d);
}

#endif

/// The forms of the kernel, by what becomes of sums and by the window.
struct DepthwiseTapsTwiceDsp {
  static constexpr auto kGroups = depthwise_groups_s16_twice;
};
struct DepthwiseTapsOnceDsp {
  static constexpr auto kGroups = depthwise_groups_s16_once;
};
struct Depthwise3x3TwiceDsp {
  static constexpr auto kRows = depthwise_3x3_rows_s16_twice;
};
struct Depthwise3x3OnceDsp {
  static constexpr auto kRows = depthwise_3x3_rows_s16_once;
};

/// Bytes of scratch, 4-byte aligned.
constexpr int32_t depthwise_conv2d_s16_dsp_scratch_bytes(const DepthwiseConv2dS8& p) {
  return depthwise_3x3_dsp_applies(p) ? depthwise_3x3_dsp_scratch_bytes(p)
                                      : depthwise_taps_dsp_scratch_bytes(p, 2);
}

/// Output rows [y_begin, y_end) as depthwise_conv2d_s16_rows, with the constants of
/// pack_depthwise_conv2d_s16_dsp; at least four input channels. The outputs must not overlap the inputs.
template <class Form>
NB_INLINE void depthwise_s16_dsp_rows(const DepthwiseConv2dS8& p, const int16_t* in, int32_t in_row,
                                      const int8_t* packed, int16_t* out, int32_t y_begin, int32_t y_end,
                                      int8_t* scratch, decltype(Form::kRows)* /*form*/) {
  depthwise_3x3_dsp_rows(p, in, in_row, packed, out, y_begin, y_end, scratch, Form::kRows);
}
template <class Form>
NB_INLINE void depthwise_s16_dsp_rows(const DepthwiseConv2dS8& p, const int16_t* in, int32_t in_row,
                                      const int8_t* packed, int16_t* out, int32_t y_begin, int32_t y_end,
                                      int8_t* scratch, decltype(Form::kGroups)* /*form*/) {
  depthwise_taps_dsp_rows(p, in, in_row, packed, out, y_begin, y_end, scratch, nullptr, Form::kGroups);
}
template <class Form>
NB_INLINE void depthwise_conv2d_s16_dsp_rows(const DepthwiseConv2dS8& p, const int16_t* in, int32_t in_row,
                                             const int8_t* packed, int16_t* out, int32_t y_begin,
                                             int32_t y_end, int8_t* scratch) {
  depthwise_s16_dsp_rows<Form>(p, in, in_row, packed, out, y_begin, y_end, scratch, nullptr);
  const int32_t low = reinterpret_cast<const int32_t*>(packed)[2] == kFinishPositiveDsp ? 0 : -32768;
  if (p.out_min > low || p.out_max < 32767)
    clamp_s16(out, (y_end - y_begin) * p.window.out.w * p.in_channels * p.depth_multiplier, p.out_min,
              p.out_max);
}

/// The whole image.
template <class Form>
NB_INLINE void depthwise_conv2d_s16_dsp(const DepthwiseConv2dS8& p, const int16_t* in, const int8_t* packed,
                                        int16_t* out, int8_t* scratch) {
  depthwise_conv2d_s16_dsp_rows<Form>(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
