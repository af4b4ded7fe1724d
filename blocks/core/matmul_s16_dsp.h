// Matrix product of int16 with int8 weights for cores with the DSP extension: the inner machine of
// convolution and dense kernels. Activations are pairs as they lie in memory.
//
// Weights of two output channels share one 16-bit lane, 256 * b + a: a dual multiply-add of the lane in 64
// bits gathers 256 * B + A; sign-extending the lane's low byte gives a, and a second one A in 32 bits, which
// packing proves that it fits. Two channels by two columns then cost 12 instructions for 16 products, and a
// weight is one byte. Where sums may leave 30 bits, or factors are unusual, all of it is done in 64 bits.
//
// A stream of constants is a head of two words (pairs of inputs, an even number; finish), then for each two
// channels `pairs` words of lanes, then the constants of each of its two channels:
//   twice: {2 bias, multiplier, e - 1} for a shift of e to the right: a doubling high multiply, then a
//          division that rounds ties away from zero, out = (round(2 acc * m / 2^32) + 2^(e-1) - (acc < 0)) >>
//          e;
//   once:  {2 bias, multiplier}: out = round(2 acc * m / 2^32);
//   wide:  {lower bias, upper bias, multiplier, shift as the model has it}.
#pragma once
#include "dot_s16.h"

namespace nb {

enum FinishS16Dsp : int32_t {
  /// Outputs are clamped at zero: the rounding of negative sums does not matter.
  kFinishPositiveDsp = 0,
  kFinishAnySignDsp = 1,
  kFinishWideTwiceDsp = 2,  ///< of the wide form: sums of 32 bits that round twice
  kFinishWideOnceDsp = 3,   ///< sums of 64 bits that round once
};

/// What the inner loops read. Its layout is known to the assembly below.
struct MatmulS16Dsp {
  const uint32_t* stream;   ///< the first block
  const uint32_t* columns;  ///< pairs of activations; with two columns, word by word in turn
  const uint32_t* end;      ///< of the columns
  int16_t* out0;
  int16_t* out1;        ///< of the second column
  int16_t* out_end;     ///< of out0: two outputs a block
  int32_t first_steps;  ///< steps of the first, shortened round of the unrolled loop
  int32_t finish;
  int32_t odd_four;  ///< of one column: whether four inputs go before whole eights
};

#if NB_DSP

// 48 bytes: two pairs of inputs, two columns, two channels. r0 weights, r1 columns, r4, r5 sums of the first
// channel, r6-r9 those of the lanes.
#define NB_STEP_2                  \
  "ldm r1!, {r10, r11, r12, lr}\n" \
  "ldrd r2, r3, [r0], #8\n"        \
  "smlald r6, r7, r2, r10\n"       \
  "smlald r8, r9, r2, r11\n"       \
  "sxtb16 r2, r2\n"                \
  "smlald r6, r7, r3, r12\n"       \
  "smlald r8, r9, r3, lr\n"        \
  "sxtb16 r3, r3\n"                \
  "smlad r4, r2, r10, r4\n"        \
  "smlad r5, r2, r11, r5\n"        \
  "smlad r4, r3, r12, r4\n"        \
  "smlad r5, r3, lr, r5\n"
// The second channel's sums to r6, r8.
#define NB_SPLIT_2            \
  "subs r6, r6, r4\n"         \
  "sbc r7, r7, r4, asr #31\n" \
  "lsr r6, r6, #8\n"          \
  "orr r6, r6, r7, lsl #24\n" \
  "subs r8, r8, r5\n"         \
  "sbc r9, r9, r5, asr #31\n" \
  "lsr r8, r8, #8\n"          \
  "orr r8, r8, r9, lsl #24\n"
#define NB_DOUBLE_2(a, b) \
  "add r4, " a            \
  ", r4, lsl #1\n"        \
  "add r5, " a            \
  ", r5, lsl #1\n"        \
  "add r6, " b            \
  ", r6, lsl #1\n"        \
  "add r8, " b ", r8, lsl #1\n"
#define NB_TWICE_2 \
  "ldm r0!, {r2, r3, r7, r9, r10, r11}\n"  \
  NB_DOUBLE_2("r2", "r9")                  \
  "movs r2, #1\n"                          \
  "lsl r9, r2, r11\n"                      \
  "lsl r2, r2, r7\n"
#define NB_SHIFT_2    \
  "asr r4, r4, r7\n"  \
  "asr r5, r5, r7\n"  \
  "asr r6, r6, r11\n" \
  "asr r8, r8, r11\n"
#define NB_TWICE_POSITIVE_2             \
  NB_TWICE_2                            \
  "smmlar r4, r4, r3, r2\n"             \
  "smmlar r5, r5, r3, r2\n"             \
  "smmlar r6, r6, r10, r9\n"            \
  "smmlar r8, r8, r10, r9\n" NB_SHIFT_2 \
  "usat r4, #15, r4, asr #1\n"          \
  "usat r5, #15, r5, asr #1\n"          \
  "usat r6, #15, r6, asr #1\n"          \
  "usat r8, #15, r8, asr #1\n"
#define NB_TWICE_ANY_SIGN_2             \
  NB_TWICE_2                            \
  "add r12, r2, r4, asr #31\n"          \
  "add r2, r2, r5, asr #31\n"           \
  "smmlar r4, r4, r3, r12\n"            \
  "smmlar r5, r5, r3, r2\n"             \
  "add r12, r9, r6, asr #31\n"          \
  "add r9, r9, r8, asr #31\n"           \
  "smmlar r6, r6, r10, r12\n"           \
  "smmlar r8, r8, r10, r9\n" NB_SHIFT_2 \
  "ssat r4, #16, r4, asr #1\n"          \
  "ssat r5, #16, r5, asr #1\n"          \
  "ssat r6, #16, r6, asr #1\n"          \
  "ssat r8, #16, r8, asr #1\n"
#define NB_ONCE_2(saturate, bits) \
  "ldm r0!, {r2, r3, r9, r10}\n"      \
  NB_DOUBLE_2("r2", "r9")             \
  "smmulr r4, r4, r3\n"               \
  "smmulr r5, r5, r3\n"               \
  "smmulr r6, r6, r10\n"              \
  "smmulr r8, r8, r10\n"              \
  saturate " r4, " bits ", r4\n"      \
  saturate " r5, " bits ", r5\n"      \
  saturate " r6, " bits ", r6\n"      \
  saturate " r8, " bits ", r8\n"

// All blocks of two channels for two columns; returns the stream past them. The frame: sp+0 columns, +4 six
// zeros, +28 end, +32 out0, +36 out1, +40 out_end, +44 where the unrolled loop is entered, +48 the finish.
#define NB_TWO_COLUMNS(positive, any_sign) \
  ".syntax unified\n"                      \
  "push {r4-r11, lr}\n"                    \
  "ldm r0, {r0-r7}\n"                      \
  "adr r8, 3f\n"                           \
  "add r6, r6, r6, lsl #1\n"               \
  "sub r6, r8, r6, lsl #4\n"               \
  "orr r6, r6, #1\n"                       \
  "adr r8, 4f\n"                           \
  "adr r9, 5f\n"                           \
  "cmp r7, #0\n"                           \
  "it ne\n"                                \
  "movne r8, r9\n"                         \
  "orr r7, r8, #1\n"                       \
  "push {r2-r7}\n"                         \
  "movs r2, #0\n"                          \
  "movs r3, #0\n"                          \
  "movs r4, #0\n"                          \
  "movs r5, #0\n"                          \
  "movs r6, #0\n"                          \
  "movs r7, #0\n"                          \
  "push {r1-r7}\n"                         \
  "1:\n"                                   \
  "ldm sp, {r1, r4-r9}\n"                  \
  "ldr pc, [sp, #44]\n"                    \
  ".balign 4\n"                            \
  "2:\n"                                   \
  ".rept 4\n" NB_STEP_2                    \
  ".endr\n"                                \
  "3:\n"                                   \
  "ldr r2, [sp, #28]\n"                    \
  "cmp r1, r2\n"                           \
  "bne 2b\n" NB_SPLIT_2                    \
  "ldr pc, [sp, #48]\n"                    \
  ".balign 4\n"                            \
  "4:\n" positive                          \
  "b 6f\n"                                 \
  ".balign 4\n"                            \
  "5:\n" any_sign                          \
  "6:\n"                                   \
  "ldrd r2, r3, [sp, #32]\n"               \
  "pkhbt r4, r4, r6, lsl #16\n"            \
  "pkhbt r5, r5, r8, lsl #16\n"            \
  "str r4, [r2], #4\n"                     \
  "str r5, [r3], #4\n"                     \
  "strd r2, r3, [sp, #32]\n"               \
  "ldr r4, [sp, #40]\n"                    \
  "cmp r2, r4\n"                           \
  "bne 1b\n"                               \
  "add sp, sp, #52\n"                      \
  "pop {r4-r11, pc}\n"

NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_s16_two_columns_twice(const MatmulS16Dsp*) {
  __asm__ volatile(NB_TWO_COLUMNS(NB_TWICE_POSITIVE_2, NB_TWICE_ANY_SIGN_2));
}
NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_s16_two_columns_once(const MatmulS16Dsp*) {
  __asm__ volatile(NB_TWO_COLUMNS(NB_ONCE_2("usat", "#15"), NB_ONCE_2("ssat", "#16")));
}

// 56 bytes: eight inputs of one column, two channels. r0 weights, r1 column, r4 sum of the first channel, r6,
// r7 that of the lanes.
#define NB_STEP_1                \
  "ldm r1!, {r8-r11}\n"          \
  "ldm r0!, {r2, r3, r12, lr}\n" \
  "smlald r6, r7, r2, r8\n"      \
  "sxtb16 r2, r2\n"              \
  "smlald r6, r7, r3, r9\n"      \
  "sxtb16 r3, r3\n"              \
  "smlald r6, r7, r12, r10\n"    \
  "sxtb16 r12, r12\n"            \
  "smlald r6, r7, lr, r11\n"     \
  "sxtb16 lr, lr\n"              \
  "smlad r4, r2, r8, r4\n"       \
  "smlad r4, r3, r9, r4\n"       \
  "smlad r4, r12, r10, r4\n"     \
  "smlad r4, lr, r11, r4\n"
#define NB_STEP_1_HALF      \
  "ldrd r8, r9, [r1], #8\n" \
  "ldrd r2, r3, [r0], #8\n" \
  "smlald r6, r7, r2, r8\n" \
  "sxtb16 r2, r2\n"         \
  "smlald r6, r7, r3, r9\n" \
  "sxtb16 r3, r3\n"         \
  "smlad r4, r2, r8, r4\n"  \
  "smlad r4, r3, r9, r4\n"
#define NB_TWICE_1                        \
  "ldm r0!, {r2, r3, r8, r9, r10, r11}\n" \
  "add r4, r2, r4, lsl #1\n"              \
  "add r6, r9, r6, lsl #1\n"              \
  "movs r2, #1\n"                         \
  "lsl r9, r2, r11\n"                     \
  "lsl r2, r2, r8\n"
#define NB_TWICE_POSITIVE_1    \
  NB_TWICE_1                   \
  "smmlar r4, r4, r3, r2\n"    \
  "smmlar r6, r6, r10, r9\n"   \
  "asr r4, r4, r8\n"           \
  "asr r6, r6, r11\n"          \
  "usat r4, #15, r4, asr #1\n" \
  "usat r6, #15, r6, asr #1\n"
#define NB_TWICE_ANY_SIGN_1    \
  NB_TWICE_1                   \
  "add r2, r2, r4, asr #31\n"  \
  "add r9, r9, r6, asr #31\n"  \
  "smmlar r4, r4, r3, r2\n"    \
  "smmlar r6, r6, r10, r9\n"   \
  "asr r4, r4, r8\n"           \
  "asr r6, r6, r11\n"          \
  "ssat r4, #16, r4, asr #1\n" \
  "ssat r6, #16, r6, asr #1\n"
#define NB_ONCE_1(saturate, bits) \
  "ldm r0!, {r2, r3, r9, r10}\n"  \
  "add r4, r2, r4, lsl #1\n"      \
  "add r6, r9, r6, lsl #1\n"      \
  "smmulr r4, r4, r3\n"           \
  "smmulr r6, r6, r10\n" saturate " r4, " bits ", r4\n" saturate " r6, " bits ", r6\n"

// All blocks for one column. R5 is the column's end. The frame: sp+0 column, +4 three zeros, +16 out0, +20
// out_end, +24 where the unrolled loop is entered, +28 the finish, +32 where a block starts.
#define NB_ONE_COLUMN(positive, any_sign) \
  ".syntax unified\n"                     \
  "push {r4-r11, lr}\n"                   \
  "ldm r0, {r0-r8}\n"                     \
  "adr r9, 3f\n"                          \
  "rsb r6, r6, r6, lsl #3\n"              \
  "sub r6, r9, r6, lsl #3\n"              \
  "orr r6, r6, #1\n"                      \
  "adr r9, 7f\n"                          \
  "orr r9, r9, #1\n"                      \
  "cmp r8, #0\n"                          \
  "ite ne\n"                              \
  "movne r8, r9\n"                        \
  "moveq r8, r6\n"                        \
  "adr r9, 4f\n"                          \
  "adr r10, 5f\n"                         \
  "cmp r7, #0\n"                          \
  "it ne\n"                               \
  "movne r9, r10\n"                       \
  "orr r7, r9, #1\n"                      \
  "push {r3, r5, r6, r7, r8}\n"           \
  "mov r5, r2\n"                          \
  "movs r2, #0\n"                         \
  "movs r3, #0\n"                         \
  "movs r4, #0\n"                         \
  "push {r1-r4}\n"                        \
  "1:\n"                                  \
  "ldm sp, {r1, r4, r6, r7}\n"            \
  "ldr pc, [sp, #32]\n"                   \
  ".balign 4\n"                           \
  "7:\n" NB_STEP_1_HALF                   \
  "ldr pc, [sp, #24]\n"                   \
  ".balign 4\n"                           \
  "2:\n"                                  \
  ".rept 4\n" NB_STEP_1                   \
  ".endr\n"                               \
  "3:\n"                                  \
  "cmp r1, r5\n"                          \
  "bne 2b\n"                              \
  "subs r6, r6, r4\n"                     \
  "sbc r7, r7, r4, asr #31\n"             \
  "lsr r6, r6, #8\n"                      \
  "orr r6, r6, r7, lsl #24\n"             \
  "ldr pc, [sp, #28]\n"                   \
  ".balign 4\n"                           \
  "4:\n" positive                         \
  "b 6f\n"                                \
  ".balign 4\n"                           \
  "5:\n" any_sign                         \
  "6:\n"                                  \
  "ldrd r2, r3, [sp, #16]\n"              \
  "pkhbt r4, r4, r6, lsl #16\n"           \
  "str r4, [r2], #4\n"                    \
  "str r2, [sp, #16]\n"                   \
  "cmp r2, r3\n"                          \
  "bne 1b\n"                              \
  "add sp, sp, #36\n"                     \
  "pop {r4-r11, pc}\n"

NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_s16_one_column_twice(const MatmulS16Dsp*) {
  __asm__ volatile(NB_ONE_COLUMN(NB_TWICE_POSITIVE_1, NB_TWICE_ANY_SIGN_1));
}
NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_s16_one_column_once(const MatmulS16Dsp*) {
  __asm__ volatile(NB_ONE_COLUMN(NB_ONCE_1("usat", "#15"), NB_ONCE_1("ssat", "#16")));
}

#undef NB_STEP_2
#undef NB_SPLIT_2
#undef NB_DOUBLE_2
#undef NB_TWICE_2
#undef NB_SHIFT_2
#undef NB_TWICE_POSITIVE_2
#undef NB_TWICE_ANY_SIGN_2
#undef NB_ONCE_2
#undef NB_TWO_COLUMNS
#undef NB_STEP_1
#undef NB_STEP_1_HALF
#undef NB_TWICE_1
#undef NB_TWICE_POSITIVE_1
#undef NB_TWICE_ANY_SIGN_1
#undef NB_ONCE_1
#undef NB_ONE_COLUMN

#else

/// The functions above, in plain C++.
template <bool kOnce>
inline const uint32_t* matmul_s16_plain(const MatmulS16Dsp* m, int columns) {
  const uint32_t* stream = m->stream;
  for (int32_t at = 0; m->out0 + at != m->out_end; at += 2) {
    int32_t a[2] = {};
    int64_t both[2] = {};
    for (const uint32_t* pair = m->columns; pair != m->end; pair += columns, ++stream)
      for (int column = 0; column < columns; ++column) {
        a[column] = multiply_add_halves(even_bytes(*stream), pair[column], a[column]);
        both[column] = multiply_add_halves64(*stream, pair[column], both[column]);
      }
    const int32_t* constants = reinterpret_cast<const int32_t*>(stream);
    for (int channel = 0; channel < 2; ++channel, constants += kOnce ? 2 : 3)
      for (int column = 0; column < columns; ++column) {
        const int64_t sum = channel == 0 ? a[column] : (both[column] - a[column]) >> 8;
        const auto twice = static_cast<int32_t>(constants[0] + 2 * sum);
        int32_t scaled = 0;
        if (kOnce) {
          scaled = multiply_high_add(twice, constants[1], 0);
        } else {
          const int32_t offset = (1 << constants[2]) - (m->finish == kFinishAnySignDsp && twice < 0 ? 1 : 0);
          scaled = (multiply_high_add(twice, constants[1], offset) >> constants[2]) >> 1;
        }
        const int32_t low = m->finish == kFinishPositiveDsp ? 0 : -32768;
        (column ? m->out1 : m->out0)[at + channel] = static_cast<int16_t>(clamp<int32_t>(scaled, low, 32767));
      }
    stream += kOnce ? 4 : 6;
  }
  return stream;
}
inline const uint32_t* matmul_s16_two_columns_twice(const MatmulS16Dsp* m) {
  return matmul_s16_plain<false>(m, 2);
}
inline const uint32_t* matmul_s16_two_columns_once(const MatmulS16Dsp* m) {
  return matmul_s16_plain<true>(m, 2);
}
inline const uint32_t* matmul_s16_one_column_twice(const MatmulS16Dsp* m) {
  return matmul_s16_plain<false>(m, 1);
}
inline const uint32_t* matmul_s16_one_column_once(const MatmulS16Dsp* m) {
  return matmul_s16_plain<true>(m, 1);
}

#endif

/// A column in 64 bits; its words are `step` apart.
NB_NOINLINE inline const uint32_t* matmul_s16_column_wide(const MatmulS16Dsp* m, const uint32_t* column,
                                                          int32_t step, int16_t* out) {
  const uint32_t* stream = m->stream;
  const int32_t blocks = static_cast<int32_t>(m->out_end - m->out0) >> 1;
  for (int16_t* const end = out + 2 * blocks; out != end; out += 2) {
    int64_t a = 0, both = 0;
    for (const uint32_t *x = column, *last = column + (m->end - m->columns); x != last; x += 2 * step) {
      for (int32_t i = 0; i < 2; ++i) {
        const uint32_t lanes = *stream++, pair = x[i * step];
        both = multiply_add_halves64(lanes, pair, both);
        a = multiply_add_halves64(even_bytes(lanes), pair, a);
      }
    }
    const int64_t sums[2] = {a, (both - a) >> 8};
    for (int32_t i = 0; i < 2; ++i, stream += 4) {
      const int64_t sum = sums[i] + static_cast<int64_t>(static_cast<uint64_t>(stream[1]) << 32 | stream[0]);
      const auto multiplier = static_cast<int32_t>(stream[2]), shift = static_cast<int32_t>(stream[3]);
      out[i] = static_cast<int16_t>(clamp<int32_t>(
          m->finish == kFinishWideOnceDsp ? rescale64(sum, multiplier, shift)
                                          : rescale(static_cast<int32_t>(sum), multiplier, shift),
          -32768, 32767));
    }
  }
  return stream;
}

/// The three forms of the machine, by what becomes of sums.
struct MatmulS16TwiceDsp {
  static const uint32_t* two(const MatmulS16Dsp* m) { return matmul_s16_two_columns_twice(m); }
  static const uint32_t* one(const MatmulS16Dsp* m) { return matmul_s16_one_column_twice(m); }
};
struct MatmulS16OnceDsp {
  static const uint32_t* two(const MatmulS16Dsp* m) { return matmul_s16_two_columns_once(m); }
  static const uint32_t* one(const MatmulS16Dsp* m) { return matmul_s16_one_column_once(m); }
};
struct MatmulS16WideDsp {
  static const uint32_t* two(const MatmulS16Dsp* m) {
    matmul_s16_column_wide(m, m->columns, 2, m->out0);
    return matmul_s16_column_wide(m, m->columns + 1, 2, m->out1);
  }
  static const uint32_t* one(const MatmulS16Dsp* m) {
    return matmul_s16_column_wide(m, m->columns, 1, m->out0);
  }
};

/// Outputs of one pixel (`out1` null) or two for all channels, from columns already filled: a multiple of
/// four inputs, 4-byte aligned.
template <class Form>
NB_NOINLINE void matmul_s16_channels_dsp(const int8_t* packed, const uint32_t* columns, int32_t out_channels,
                                         int16_t* out0, int16_t* out1) {
  const int32_t* head = reinterpret_cast<const int32_t*>(packed);
  const int32_t pairs = head[0];
  MatmulS16Dsp m;
  m.stream = reinterpret_cast<const uint32_t*>(packed) + 2;
  m.columns = columns;
  m.end = columns + (out1 ? 2 * pairs : pairs);
  m.out0 = out0;
  m.out1 = out1;
  m.out_end = out0 + (out_channels & ~1);
  m.first_steps = (pairs >> (out1 ? 1 : 2)) & 3;
  m.finish = head[1];
  m.odd_four = pairs & 2;
  if (m.out0 != m.out_end) m.stream = out1 ? Form::two(&m) : Form::one(&m);
  if (out_channels & 1) {
    int16_t last[4];
    m.out0 = last;
    m.out_end = m.out1 = last + 2;
    if (out1) {
      Form::two(&m);
      out1[out_channels - 1] = last[2];
    } else {
      Form::one(&m);
    }
    out0[out_channels - 1] = last[0];
  }
}

/// Copies words of two pixels into two columns, word by word in turn. Returns past the columns.
NB_INLINE uint32_t* weave_two_dsp(const int8_t* from0, const int8_t* from1, uint32_t* columns,
                                  int32_t words) {
#pragma GCC unroll 4
  for (; words > 0; --words) {
#if NB_DSP
    uint32_t x, y;
    __asm__ volatile("ldr %0, [%2], #4\n\tldr %1, [%3], #4\n\tstrd %0, %1, [%4], #8"
                     : "=&r"(x), "=&r"(y), "+&r"(from0), "+&r"(from1), "+&r"(columns)
                     :
                     : "memory");
#else
    columns[0] = load4(from0);
    columns[1] = load4(from1);
    from0 += 4;
    from1 += 4;
    columns += 2;
#endif
  }
  return columns;
}
/// Those of one.
NB_INLINE uint32_t* copy_one_dsp(const int8_t* from, uint32_t* column, int32_t words) {
  for (; words > 0; --words, from += 4) *column++ = load4(from);
  return column;
}

/// Words of a column of `depth` inputs.
constexpr int32_t matmul_s16_dsp_words(int32_t depth) { return (depth + 3) / 4 * 2; }

/// True where a single vector is read where it lies.
constexpr bool matmul_s16_dsp_direct(int32_t pixels, int32_t depth) { return pixels == 1 && depth % 4 == 0; }

/// Bytes of scratch for pixels of `depth` inputs, of which at most two are in work at once.
constexpr int32_t matmul_s16_dsp_scratch_bytes(int32_t pixels, int32_t depth) {
  if (matmul_s16_dsp_direct(pixels, depth)) return 0;
  return 4 * matmul_s16_dsp_words(depth) * (pixels > 1 ? 2 : 1);
}

/// `pixels` vectors of `depth` elements, one after the other, times the matrix in `packed`. Outputs are
/// saturated to int16, or with kFinishPositiveDsp to what of it is not negative.
template <class Form>
NB_NOINLINE void matmul_s16_dsp(const int16_t* in, int32_t pixels, int32_t depth, int32_t out_channels,
                                const int8_t* packed, int16_t* out, int8_t* scratch) {
  uint32_t* const columns = reinterpret_cast<uint32_t*>(scratch);
  const int32_t words = depth >> 1;
  if (depth % 4 == 0 && pixels & 1) {
    // The first vector lies on a word: arena and rows do.
    matmul_s16_channels_dsp<Form>(packed, reinterpret_cast<const uint32_t*>(in), out_channels, out, nullptr);
    --pixels;
    in += depth;
    out += out_channels;
  }
  const auto bytes = [](const int16_t* from) { return reinterpret_cast<const int8_t*>(from); };
  for (; pixels > 1; pixels -= 2, in += 2 * depth, out += 2 * out_channels) {
    uint32_t* const end = weave_two_dsp(bytes(in), bytes(in + depth), columns, words);
    if (depth & 1) {
      end[0] = static_cast<uint16_t>(in[depth - 1]);
      end[1] = static_cast<uint16_t>(in[2 * depth - 1]);
    }
    matmul_s16_channels_dsp<Form>(packed, columns, out_channels, out, out + out_channels);
  }
  if (pixels) {
    uint32_t* const end = copy_one_dsp(bytes(in), columns, words);
    if (depth & 1) end[0] = static_cast<uint16_t>(in[depth - 1]);
    matmul_s16_channels_dsp<Form>(packed, columns, out_channels, out, nullptr);
  }
}

/// Clamps what the matrix product leaves to clamp.
NB_INLINE void clamp_matmul_s16_dsp(int16_t* x, int32_t count, int32_t low, int32_t high,
                                    const int8_t* packed) {
  const bool is_positive = reinterpret_cast<const int32_t*>(packed)[1] == kFinishPositiveDsp;
  if (low > (is_positive ? 0 : -32768) || high < 32767) clamp_s16(x, count, low, high);
}

}  // namespace nb
