// Matrix product of int8 for cores with the DSP extension: the inner machine of convolution and dense
// kernels.
//
// Activations are expanded to pairs of int16, one pair a word ("columns"). Weights of two output channels
// share one 16-bit lane, 256 * w1 + w0: a dual multiply-add of the lane gathers 256 * S1 + S0; sign-extending
// the lane's low byte gives w0, and a second multiply-add S0; the difference is S1. Four channels by two
// columns then cost 12 instructions for 16 products, and a weight is one byte. This is exact while |S1| <
// 2^23, which packing proves from the weights.
//
// A stream of constants is a head of four words (pairs, channels a block, finish, 2 out_zero + 1), then for
// each block of channels `pairs` times two words of lanes, then the constants of each of its four channels:
//   fast finishes: {folded bias << 8 | e - 1, multiplier} for a shift of e to the right;
//   slow finish:   {folded bias, multiplier, out_zero, shift as the model has it}.
// A nested floor division merges the half-away rounding and the zero point into one sum:
//   out = (offset + round(2 acc * m / 2^32) - (acc < 0)) >> e, offset = 2^e * out_zero + 2^(e-1).
// With floor instead of round, and nothing for acc < 0, that rounds once, ties up.
// Shifts by a register take its lowest byte, so that the first word shifts as it is.
#pragma once
#include "requantize.h"
#include "simd_dsp.h"

namespace nb {

enum FinishDsp : int32_t {
  /// Negative sums end at or below the lower clamp, or nothing is shifted: their rounding does not matter.
  kFinishFloorDsp = 0,
  kFinishSignedDsp = 1,  ///< every shift is to the right by 1..22
  kFinishSlowDsp = 2,    ///< anything else
  kFinishOnceDsp = 3,    ///< factors below 1/2 that round once: the product's lower half is cut off
};

/// Whether the assembly has kFinishOnceDsp, which takes 300 bytes: programs of networks that round once
/// (factors with shift 0, see requantize.h) define NB_ROUNDS_ONCE before they include a kernel.
#ifndef NB_ROUNDS_ONCE
#define NB_ROUNDS_ONCE 0
#endif

/// What the inner loops read. Its layout is known to the assembly below.
struct MatmulS8Dsp {
  const uint32_t* stream;   ///< the first block
  const uint32_t* columns;  ///< expanded activations; with two columns, word by word in turn
  const uint32_t* end;      ///< of the columns
  int8_t* out0;
  int8_t* out1;         ///< null for one column; with one column not null: `columns` are int8 still
  int8_t* out_end;      ///< of out0: four bytes a block
  int32_t first_steps;  ///< steps of the first, shortened round of the unrolled loop
  int32_t finish;
  void (*slow)(const int32_t*, const int32_t*, int8_t*, int8_t*);
  int32_t twice_zero;  ///< 2 out_zero + 1
  bool whole_blocks;   ///< every block has four live channels (not read by the assembly)
};

/// One block's outputs by the general rescaling. `sums` holds channels 1, 3, 0, 2, each of one or two
/// columns; those of channels 1 and 3 are times 256.
NB_NOINLINE inline void finish_slow_dsp(const int32_t* constants, const int32_t* sums, int8_t* out0,
                                        int8_t* out1) {
  const int columns = out1 ? 2 : 1;
  for (int channel = 0; channel < 4; ++channel, constants += 4)
    for (int column = 0; column < columns; ++column) {
      const int32_t sum =
          sums[((channel & 1 ? 0 : 2) + (channel >> 1)) * columns + column] >> (channel & 1 ? 8 : 0);
      const int32_t scaled = constants[2] + rescale(constants[0] + sum, constants[1], constants[3]);
      (column ? out1 : out0)[channel] = static_cast<int8_t>(clamp<int32_t>(scaled, -128, 127));
    }
}

#if NB_DSP

// 48 bytes: one pair of inputs, two columns, four channels. r0 weights, r1 columns, r4-r7 lanes' sums, r8-r11
// low sums.
#define NB_STEP_2(first, acc0, acc1, acc2, acc3, acc4, acc5, acc6, acc7)                                    \
  "ldrd r12, lr, [r0], #8\n"                                                                                \
  "ldrd r2, r3, [r1], #8\n" first " r4, r12, r2" acc0 "\n" first " r5, r12, r3" acc1 "\n" first             \
  " r6, lr, r2" acc2 "\n" first " r7, lr, r3" acc3                                                          \
  "\n"                                                                                                      \
  "sxtb16 r12, r12\n"                                                                                       \
  "sxtb16 lr, lr\n" first " r8, r12, r2" acc4 "\n" first " r9, r12, r3" acc5 "\n" first " r10, lr, r2" acc6 \
  "\n" first " r11, lr, r3" acc7 "\n"

// One channel of two columns: sums in x and y become bytes. `shift` brings a sum to twice its value. r3 holds
// 2 out_zero + 1.
#define NB_FINISH_2_FRONT(x, y, shift) \
  "ldm r0!, {r1, r2}\n"                \
  "lsl r12, r3, r1\n"                  \
  "asr lr, r1, #7\n"                   \
  "add " x ", lr, " x ", " shift       \
  "\n"                                 \
  "add " y ", lr, " y ", " shift "\n"

#define NB_FINISH_2_BACK(x, y) \
  "asr " x ", " x              \
  ", r1\n"                     \
  "asr " y ", " y              \
  ", r1\n"                     \
  "ssat " x ", #8, " x         \
  ", asr #1\n"                 \
  "ssat " y ", #8, " y ", asr #1\n"

#define NB_FINISH_2_SIGNED(x, y, shift)                                                                      \
  NB_FINISH_2_FRONT(x, y, shift)                                                                             \
  "add lr, r12, " x ", asr #31\nadd r12, r12, " y ", asr #31\nsmmlar " x ", " x ", r2, lr\nsmmlar " y ", " y \
  ", r2, r12\n" NB_FINISH_2_BACK(x, y)

#define NB_FINISH_2_FLOOR(x, y, shift) \
  NB_FINISH_2_FRONT(x, y, shift)       \
  "smmlar " x ", " x ", r2, r12\nsmmlar " y ", " y ", r2, r12\n" NB_FINISH_2_BACK(x, y)

#if NB_ROUNDS_ONCE
#define NB_FINISH_2_ONCE(x, y, shift) \
  NB_FINISH_2_FRONT(x, y, shift)      \
  "smmla " x ", " x ", r2, r12\nsmmla " y ", " y ", r2, r12\n" NB_FINISH_2_BACK(x, y)
#define NB_TWO_COLUMNS_ONCE                                                              \
  ".balign 4\n9:\nldr r3, [sp, #36]\n" NB_SPLIT_2 NB_FINISH_2_ONCE("r8", "r9", "lsl #1") \
      NB_FINISH_2_ONCE("r4", "r5", "asr #7") NB_FINISH_2_ONCE("r10", "r11", "lsl #1")    \
          NB_FINISH_2_ONCE("r6", "r7", "asr #7") "b 7b\n"
#define NB_ENTER_ONCE "adr r11, 9f\ncmp r7, #3\nit eq\nmoveq r10, r11\n"
#else
#define NB_TWO_COLUMNS_ONCE
#define NB_ENTER_ONCE
#endif

#define NB_SPLIT_2    \
  "sub r4, r4, r8\n"  \
  "sub r5, r5, r9\n"  \
  "sub r6, r6, r10\n" \
  "sub r7, r7, r11\n"

// Loads the arguments and makes their frame: sp+4 columns, +8 end, +12 out0, +16 out1, +20 out_end, +24 where
// the unrolled loop is entered (label 3 less first_steps times `bytes` = `scale` << `log2`), +28 the finish,
// +32 slow, +36 twice_zero.
#define NB_ENTER(scale, log2)                         \
  "push {r3-r11, lr}\n"                               \
  "ldm r0, {r0-r9}\n"                                 \
  "adr r10, 3f\n" scale "sub r6, r10, r6, lsl #" log2 \
  "\n"                                                \
  "orr r6, r6, #1\n"                                  \
  "adr r10, 4f\n"                                     \
  "adr r11, 5f\n"                                     \
  "cmp r7, #1\n"                                      \
  "it eq\n"                                           \
  "moveq r10, r11\n"                                  \
  "adr r11, 6f\n"                                     \
  "it hi\n"                                           \
  "movhi r10, r11\n" NB_ENTER_ONCE                    \
  "orr r7, r10, #1\n"                                 \
  "push {r0-r9}\n"

/// All blocks of four channels for two columns. Returns the stream past them.
NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_two_columns(const MatmulS8Dsp*) {
  __asm__ volatile(
      ".syntax unified\n" NB_ENTER("add r6, r6, r6, lsl #1\n", "4")
      "1:\n"
      "ldr r1, [sp, #4]\n" NB_STEP_2("smuad", "", "", "", "", "", "", "", "")
      "ldr pc, [sp, #24]\n"
      ".balign 4\n"
      "2:\n"
      ".rept 8\n" NB_STEP_2("smlad", ", r4", ", r5", ", r6", ", r7", ", r8", ", r9", ", r10", ", r11")
      ".endr\n"
      "3:\n"
      "ldr r2, [sp, #8]\n"
      "cmp r1, r2\n"
      "bne 2b\n"
      "ldr pc, [sp, #28]\n"
      ".balign 4\n"
      "5:\n"
      "ldr r3, [sp, #36]\n" NB_SPLIT_2 NB_FINISH_2_SIGNED("r8", "r9", "lsl #1") NB_FINISH_2_SIGNED("r4", "r5", "asr #7")
          NB_FINISH_2_SIGNED("r10", "r11", "lsl #1") NB_FINISH_2_SIGNED("r6", "r7", "asr #7")
      "b 7f\n"
      ".balign 4\n"
      "4:\n"
      "ldr r3, [sp, #36]\n" NB_SPLIT_2 NB_FINISH_2_FLOOR("r8", "r9", "lsl #1") NB_FINISH_2_FLOOR("r4", "r5", "asr #7")
          NB_FINISH_2_FLOOR("r10", "r11", "lsl #1") NB_FINISH_2_FLOOR("r6", "r7", "asr #7")
      "7:\n"
      "ldrd r1, r2, [sp, #12]\n"
      "strb r8, [r1], #1\n"
      "strb r9, [r2], #1\n"
      "strb r4, [r1], #1\n"
      "strb r5, [r2], #1\n"
      "strb r10, [r1], #1\n"
      "strb r11, [r2], #1\n"
      "strb r6, [r1], #1\n"
      "strb r7, [r2], #1\n"
      "8:\n"
      "strd r1, r2, [sp, #12]\n"
      "ldr r3, [sp, #20]\n"
      "cmp r1, r3\n"
      "bne 1b\n"
      "add sp, sp, #40\n"
      "pop {r3-r11, pc}\n"
      ".balign 4\n"
      "6:\n" NB_SPLIT_2
      "push {r4-r11}\n"
      "mov r1, sp\n"
      "push {r0, r1}\n"
      "ldrd r2, r3, [sp, #52]\n"
      "ldr r12, [sp, #72]\n"
      "blx r12\n"
      "pop {r0, r1}\n"
      "add sp, sp, #32\n"
      "add r0, r0, #64\n"
      "ldrd r1, r2, [sp, #12]\n"
      "adds r1, r1, #4\n"
      "adds r2, r2, #4\n"
      "b 8b\n" NB_TWO_COLUMNS_ONCE);
}

// 48 bytes: two pairs of inputs in r8 and r9, one column, four channels. r4, r5 lanes' sums, r6, r7 low sums.
#define NB_MULTIPLY_1       \
  "smlad r4, r2, r8, r4\n"  \
  "smlad r5, r3, r8, r5\n"  \
  "smlad r4, r12, r9, r4\n" \
  "smlad r5, lr, r9, r5\n"  \
  "sxtb16 r2, r2\n"         \
  "sxtb16 r3, r3\n"         \
  "sxtb16 r12, r12\n"       \
  "sxtb16 lr, lr\n"         \
  "smlad r6, r2, r8, r6\n"  \
  "smlad r7, r3, r8, r7\n"  \
  "smlad r6, r12, r9, r6\n" \
  "smlad r7, lr, r9, r7\n"

// 56 bytes: from a column. 64 bytes: from four int8, expanded on the way.
#define NB_STEP_1 "ldm r0!, {r2, r3, r12, lr}\nldrd r8, r9, [r1], #8\n" NB_MULTIPLY_1
#define NB_STEP_1_DIRECT \
  "ldr.w r8, [r1], #4\nldm r0!, {r2, r3, r12, lr}\nsxtb16 r9, r8, ror #8\nsxtb16 r8, r8\n" NB_MULTIPLY_1

#define NB_FINISH_1_FRONT(x, shift) \
  "ldm r0!, {r1, r2}\n"             \
  "lsl r12, r3, r1\n"               \
  "asr lr, r1, #7\n"                \
  "add " x ", lr, " x ", " shift "\n"

#define NB_FINISH_1_BACK(x) \
  "smmlar " x ", " x        \
  ", r2, r12\n"             \
  "asr " x ", " x           \
  ", r1\n"                  \
  "ssat " x ", #8, " x      \
  ", asr #1\n"              \
  "strb " x ", [r11], #1\n"

#define NB_FINISH_1(x, shift) NB_FINISH_1_FRONT(x, shift) "add r12, r12, " x ", asr #31\n" NB_FINISH_1_BACK(x)

#define NB_FINISH_1_FLOOR(x, shift) NB_FINISH_1_FRONT(x, shift) NB_FINISH_1_BACK(x)

#if NB_ROUNDS_ONCE
#define NB_FINISH_1_ONCE(x, shift)                                                            \
  NB_FINISH_1_FRONT(x, shift)                                                                 \
  "smmla " x ", " x ", r2, r12\nasr " x ", " x ", r1\nssat " x ", #8, " x ", asr #1\nstrb " x \
  ", [r11], "                                                                                 \
  "#1\n"
#define NB_ONE_COLUMN_ONCE                                                                               \
  ".balign 4\n9:\nldr r3, [sp, #36]\n" NB_FINISH_1_ONCE("r6", "lsl #1") NB_FINISH_1_ONCE("r4", "asr #7") \
      NB_FINISH_1_ONCE("r7", "lsl #1") NB_FINISH_1_ONCE("r5", "asr #7") "b 8b\n"
#else
#define NB_ONE_COLUMN_ONCE
#endif

/// All blocks of four channels for one column, of int16 or, where out1 is not null, of int8 (its length a
/// multiple of four). Returns the stream past them.
NB_NOINLINE __attribute__((naked)) inline const uint32_t* matmul_one_column(const MatmulS8Dsp*) {
  __asm__ volatile(
      ".syntax unified\n" NB_ENTER("cmp r4, #0\n"
                                    "itet ne\n"
                                    "adrne r10, 13f\n"
                                    "rsbeq r6, r6, r6, lsl #3\n"
                                    "lslne r6, r6, #3\n",
                                    "3")
      "mov r10, r2\n"
      "mov r11, r3\n"
      "1:\n"
      "ldr r1, [sp, #4]\n"
      "movs r4, #0\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "ldr pc, [sp, #24]\n"
      ".balign 4\n"
      "12:\n"
      ".rept 2\n" NB_STEP_1_DIRECT
      ".endr\n"
      "13:\n"
      "cmp r1, r10\n"
      "bne 12b\n"
      "b 14f\n"
      ".balign 4\n"
      "2:\n"
      ".rept 4\n" NB_STEP_1
      ".endr\n"
      "3:\n"
      "cmp r1, r10\n"
      "bne 2b\n"
      "14:\n"
      "sub r4, r4, r6\n"
      "sub r5, r5, r7\n"
      "ldr pc, [sp, #28]\n"
      ".balign 4\n"
      "5:\n"
      "ldr r3, [sp, #36]\n" NB_FINISH_1("r6", "lsl #1") NB_FINISH_1("r4", "asr #7") NB_FINISH_1("r7", "lsl #1")
          NB_FINISH_1("r5", "asr #7")
      "8:\n"
      "ldr r3, [sp, #20]\n"
      "cmp r11, r3\n"
      "bne 1b\n"
      "add sp, sp, #40\n"
      "pop {r3-r11, pc}\n"
      ".balign 4\n"
      "4:\n"
      "ldr r3, [sp, #36]\n" NB_FINISH_1_FLOOR("r6", "lsl #1") NB_FINISH_1_FLOOR("r4", "asr #7")
          NB_FINISH_1_FLOOR("r7", "lsl #1")
          NB_FINISH_1_FLOOR("r5", "asr #7")
      "b 8b\n"
      ".balign 4\n"
      "6:\n"
      "push {r4-r7}\n"
      "mov r1, sp\n"
      "push {r0, r1}\n"
      "mov r2, r11\n"
      "movs r3, #0\n"
      "ldr r12, [sp, #56]\n"
      "blx r12\n"
      "pop {r0, r1}\n"
      "add sp, sp, #16\n"
      "add r0, r0, #64\n"
      "add r11, r11, #4\n"
      "b 8b\n" NB_ONE_COLUMN_ONCE);
}

#undef NB_STEP_2
#undef NB_FINISH_2_FRONT
#undef NB_FINISH_2_BACK
#undef NB_FINISH_2_SIGNED
#undef NB_FINISH_2_FLOOR
#undef NB_SPLIT_2
#undef NB_ENTER
#undef NB_MULTIPLY_1
#undef NB_STEP_1
#undef NB_STEP_1_DIRECT
#undef NB_FINISH_1_FRONT
#undef NB_FINISH_1_BACK
#undef NB_FINISH_1
#undef NB_FINISH_1_FLOOR
#undef NB_ENTER_ONCE
#undef NB_TWO_COLUMNS_ONCE
#undef NB_ONE_COLUMN_ONCE
#if NB_ROUNDS_ONCE
#undef NB_FINISH_2_ONCE
#undef NB_FINISH_1_ONCE
#endif

#else

/// The two functions above, in plain C++.
inline const uint32_t* matmul_plain(const MatmulS8Dsp* m, int columns) {
  const uint32_t* stream = m->stream;
  for (int32_t at = 0; m->out0 + at != m->out_end; at += 4) {
    int32_t sums[8] = {};
    for (const uint32_t* pair = m->columns; pair != m->end; pair += columns, stream += 2)
      for (int lane = 0; lane < 2; ++lane)
        for (int column = 0; column < columns; ++column) {
          int32_t &both = sums[lane * columns + column], &low = sums[(2 + lane) * columns + column];
          both = multiply_add_halves(stream[lane], pair[column], both);
          low = multiply_add_halves(even_bytes(stream[lane]), pair[column], low);
        }
    for (int i = 0; i < 2 * columns; ++i)
      sums[i] =
          static_cast<int32_t>(static_cast<uint32_t>(sums[i]) - static_cast<uint32_t>(sums[2 * columns + i]));
    const int32_t* constants = reinterpret_cast<const int32_t*>(stream);
    if (m->finish == kFinishSlowDsp) {
      stream += 16;
      finish_slow_dsp(constants, sums, m->out0 + at, columns == 2 ? m->out1 + at : nullptr);
      continue;
    }
    stream += 8;
    for (int channel = 0; channel < 4; ++channel, constants += 2)
      for (int column = 0; column < columns; ++column) {
        const int32_t sum = sums[((channel & 1 ? 0 : 2) + (channel >> 1)) * columns + column];
        const int32_t twice = (constants[0] >> 7) + (channel & 1 ? sum >> 7 : sum * 2);
        const int shift = constants[0] & 0x7f;
        const int32_t offset =
            m->twice_zero * (1 << shift) - (m->finish == kFinishSignedDsp && twice < 0 ? 1 : 0);
        const int32_t high =
            m->finish == kFinishOnceDsp
                ? offset + static_cast<int32_t>((static_cast<int64_t>(twice) * constants[1]) >> 32)
                : multiply_high_add(twice, constants[1], offset);
        const int32_t scaled = high >> (shift + 1);
        (column ? m->out1 : m->out0)[at + channel] = static_cast<int8_t>(clamp<int32_t>(scaled, -128, 127));
      }
  }
  return stream;
}
inline const uint32_t* matmul_two_columns(const MatmulS8Dsp* m) { return matmul_plain(m, 2); }
inline const uint32_t* matmul_one_column(const MatmulS8Dsp* m) {
  if (!m->out1) return matmul_plain(m, 1);
  // Through a column after all; 131072 inputs are the most a kernel takes.
  static uint32_t column[65536];
  const int8_t* from = reinterpret_cast<const int8_t*>(m->columns);
  MatmulS8Dsp expanded = *m;
  expanded.columns = column;
  uint32_t* to = column;
  for (; from != reinterpret_cast<const int8_t*>(m->end); from += 4) {
    *to++ = even_bytes(load4(from));
    *to++ = odd_bytes(load4(from));
  }
  expanded.end = to;
  return matmul_plain(&expanded, 1);
}

#endif

/// What one call of a kernel keeps of its stream, ready for two columns.
NB_INLINE MatmulS8Dsp matmul_start_dsp(const int8_t* packed, const uint32_t* columns, int32_t out_channels) {
  const int32_t* head = reinterpret_cast<const int32_t*>(packed);
  MatmulS8Dsp m;
  m.stream = reinterpret_cast<const uint32_t*>(packed) + 4;
  m.columns = columns;
  m.end = columns + 2 * head[0];
  m.out0 = m.out1 = m.out_end = nullptr;
  m.first_steps = (head[0] - 1) & 7;
  m.finish = head[2];
  m.slow = finish_slow_dsp;
  m.twice_zero = head[3];
  m.whole_blocks = head[1] == 4 && out_channels % 4 == 0;
  return m;
}

/// Outputs of one pixel (`out1` null) or two for all channels, from columns already filled, or from the int8
/// inputs of one pixel, a multiple of four.
NB_NOINLINE inline void matmul_channels_dsp(MatmulS8Dsp& m, const int8_t* packed, int32_t out_channels,
                                            int8_t* out0, int8_t* out1, const int8_t* direct = nullptr) {
  const int32_t* head = reinterpret_cast<const int32_t*>(packed);
  const int32_t pairs = head[0];
  const uint32_t* (*run)(const MatmulS8Dsp*) = out1 ? matmul_two_columns : matmul_one_column;
  m.first_steps = out1 ? (pairs - 1) & 7 : (pairs >> 1) & 3;
  m.end = m.columns + (out1 ? 2 * pairs : pairs);
  m.out1 = nullptr;
  if (direct) {
    m.columns = reinterpret_cast<const uint32_t*>(direct);
    m.end = reinterpret_cast<const uint32_t*>(direct + 2 * pairs);
    m.first_steps = (pairs >> 1) & 1;
    m.out1 = out0;
  }
  m.stream = reinterpret_cast<const uint32_t*>(packed) + 4;
  int32_t rest = out_channels;
  if (head[1] == 4 && rest >= 4) {
    m.out0 = out0;
    if (out1) m.out1 = out1;
    m.out_end = out0 + (rest & ~3);
    m.stream = run(&m);
    out0 += rest & ~3;
    if (out1) out1 += rest & ~3;
    rest &= 3;
  }
  const int32_t spread = 4 / head[1];
  while (rest > 0) {
    int8_t block[8];
    m.out0 = block;
    if (out1) m.out1 = block + 4;
    m.out_end = block + 4;
    m.stream = run(&m);
    const int32_t live = min(rest, head[1]);
    for (int32_t i = 0; i < live; ++i) {
      *out0++ = block[i * spread];
      if (out1) *out1++ = block[4 + i * spread];
    }
    rest -= live;
  }
}

/// Outputs of two pixels for all channels, from columns already filled.
NB_INLINE void matmul_two_pixels_dsp(MatmulS8Dsp& m, const int8_t* packed, int32_t out_channels,
                                     int8_t* out) {
  if (m.whole_blocks) {
    m.out0 = out;
    m.out1 = m.out_end = out + out_channels;
    matmul_two_columns(&m);
  } else {
    matmul_channels_dsp(m, packed, out_channels, out, out + out_channels);
  }
}

/// Expands 4 * words bytes of one pixel, a column by itself. Returns past the column.
NB_INLINE uint32_t* expand_one_dsp(const int8_t* from, uint32_t* column, int32_t words) {
  for (; words > 0; --words, from += 4, column += 2) {
    const uint32_t x = load4(from);
    column[0] = even_bytes(x);
    column[1] = odd_bytes(x);
  }
  return column;
}

/// One word of each of two pixels into two columns.
NB_INLINE void expand_word_dsp(const int8_t*& from0, const int8_t*& from1, uint32_t*& columns) {
#if NB_DSP
  uint32_t x, y, even_x, even_y;
  __asm__ volatile(
      "ldr %0, [%4], #4\n\tldr %1, [%5], #4\n\tsxtb16 %2, %0\n\tsxtb16 %3, %1\n\tstrd %2, %3, [%6], #8\n\t"
      "sxtb16 %0, %0, ror #8\n\tsxtb16 %1, %1, ror #8\n\tstrd %0, %1, [%6], #8"
      : "=&r"(x), "=&r"(y), "=&r"(even_x), "=&r"(even_y), "+&r"(from0), "+&r"(from1), "+&r"(columns)
      :
      : "memory");
#else
  const uint32_t x = load4(from0), y = load4(from1);
  columns[0] = even_bytes(x);
  columns[1] = even_bytes(y);
  columns[2] = odd_bytes(x);
  columns[3] = odd_bytes(y);
  from0 += 4;
  from1 += 4;
  columns += 4;
#endif
}

/// Expands 4 * words bytes of two pixels into two columns, word by word in turn. Returns past the columns.
NB_INLINE uint32_t* expand_two_dsp(const int8_t* from0, const int8_t* from1, uint32_t* columns,
                                   int32_t words) {
  for (; words > 1; words -= 2) {
    expand_word_dsp(from0, from1, columns);
    expand_word_dsp(from0, from1, columns);
  }
  if (words > 0) expand_word_dsp(from0, from1, columns);
  return columns;
}

/// The last depth % 4 bytes of a pixel as a word; the other bytes meet zero weights.
NB_INLINE uint32_t load_rest_dsp(const int8_t* from, int32_t rest) {
  uint32_t word = static_cast<uint8_t>(from[0]);
  if (rest > 1) word |= static_cast<uint32_t>(static_cast<uint8_t>(from[1])) << 8;
  if (rest > 2) word |= static_cast<uint32_t>(static_cast<uint8_t>(from[2])) << 16;
  return word;
}

/// True where a single vector is better expanded as it is read, again for each four outputs, than into a
/// column.
constexpr bool matmul_s8_dsp_direct(int32_t pixels, int32_t depth, int32_t out_channels) {
  return pixels == 1 && depth % 4 == 0 && (out_channels <= 12 || depth > 1024);
}

/// Bytes of scratch for pixels of `depth` inputs, of which at most two are in work at once.
constexpr int32_t matmul_s8_dsp_scratch_bytes(int32_t pixels, int32_t depth, int32_t out_channels) {
  if (matmul_s8_dsp_direct(pixels, depth, out_channels)) return 0;
  return (depth + 3) / 4 * 8 * (pixels > 1 ? 2 : 1);
}

/// `pixels` vectors of `depth` bytes, one after the other, times the matrix in `packed`. Outputs are
/// saturated to int8.
NB_NOINLINE inline void matmul_s8_dsp(const int8_t* in, int32_t pixels, int32_t depth, int32_t out_channels,
                                      const int8_t* packed, int8_t* out, int8_t* scratch) {
  uint32_t* columns = reinterpret_cast<uint32_t*>(scratch);
  MatmulS8Dsp m = matmul_start_dsp(packed, columns, out_channels);
  const int32_t words = depth >> 2, rest = depth & 3;
  if (matmul_s8_dsp_direct(pixels, depth, out_channels)) {
    matmul_channels_dsp(m, packed, out_channels, out, nullptr, in);
    return;
  }
  for (; pixels > 1; pixels -= 2, in += 2 * depth, out += 2 * out_channels) {
    uint32_t* end = expand_two_dsp(in, in + depth, columns, words);
    if (rest) {
      const uint32_t x = load_rest_dsp(in + 4 * words, rest), y = load_rest_dsp(in + depth + 4 * words, rest);
      end[0] = even_bytes(x);
      end[1] = even_bytes(y);
      end[2] = odd_bytes(x);
      end[3] = odd_bytes(y);
    }
    matmul_two_pixels_dsp(m, packed, out_channels, out);
  }
  if (pixels) {
    uint32_t* end = expand_one_dsp(in, columns, words);
    if (rest) {
      const uint32_t x = load_rest_dsp(in + 4 * words, rest);
      end[0] = even_bytes(x);
      end[1] = odd_bytes(x);
    }
    matmul_channels_dsp(m, packed, out_channels, out, nullptr);
  }
}

}  // namespace nb
