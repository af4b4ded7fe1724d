// Dot products of two pixels of int16 with four output channels at a time for Armv8.1-M with the vector
// extension (Helium): eight accumulators in general registers, 8 products an instruction.
#pragma once
#include <arm_mve.h>

#include "../core/form_s16_mve.h"

namespace nb {

/// All output channels of two pixels (of one, given twice). The code below knows the offsets of the fields;
/// it loads the first eleven with one instruction into the accumulators and what lies between them.
struct PairS16Mve {
  int32_t zero0;         ///< 0
  const int8_t* taps0;   ///< the contiguous inputs of the first pixel
  int32_t zero2[2];      ///< 0
  const int8_t* taps1;   ///< of the second
  int32_t zero5;         ///< 0
  int32_t steps;         ///< whole 32 inputs
  int32_t zero7[4];      ///< 0
  int32_t rest;          ///< 44: inputs after these, 0..31
  int32_t form;          ///< 48: kTwiceS16Mve...
  int32_t unused;        ///< 52
  int8_t* out0;          ///< 56: advanced
  int8_t* out1;          ///< advanced
  int32_t out_channels;  ///< 64
  int32_t low[4];        ///< 68: out_min in all lanes
  int32_t high[4];       ///< 84: out_max
};
static_assert(sizeof(void*) != 4 || offsetof(PairS16Mve, high) == 84, "the assembly below knows the offsets");

/// A job but for its pixels.
NB_INLINE void start_pair_s16_mve(PairS16Mve& job, int32_t taps, int32_t out_channels, int32_t out_min,
                                  int32_t out_max, int32_t form) {
  job.zero0 = job.zero2[0] = job.zero2[1] = job.zero5 = 0;
  vstrwq_s32(job.zero7, vdupq_n_s32(0));
  vstrwq_s32(job.low, vdupq_n_s32(out_min));
  vstrwq_s32(job.high, vdupq_n_s32(out_max));
  job.steps = taps >> 5;
  job.rest = taps & 31;
  job.form = form & (kTwiceS16Mve | kTiesS16Mve);
  job.out_channels = out_channels;
}

// A naked function whose parameters are used in registers must not be cloned or analysed.
#ifdef __clang__
#define NB_NOIPA
#else
#define NB_NOIPA , noipa
#endif
// Eight inputs: Q0, Q1 of the pixels, times the weights of four channels.
#define NB_LOAD "  vldrh.16 q0, [r1], #16\n  vldrh.16 q1, [r5], #16\n"
#define NB_LOAD_REST "  vctp.16 r7\n  vpstt\n  vldrht.16 q0, [r1], #16\n  vldrht.16 q1, [r5], #16\n"
#define NB_PRODUCTS            \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 r0, q0, q2\n"  \
  "  vldrb.s16 q3, [r3], #8\n" \
  "  vmlava.s16 r8, q1, q2\n"  \
  "  vmlava.s16 r2, q0, q3\n"  \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 r10, q1, q3\n" \
  "  vmlava.s16 r4, q0, q2\n"  \
  "  vldrb.s16 q3, [r3], #8\n" \
  "  vmlava.s16 r12, q1, q2\n" \
  "  vmlava.s16 r6, q0, q3\n"  \
  "  vmlava.s16 lr, q1, q3\n"

/// `stream` as pack_dot_s16_mve makes it of groups of four.
__attribute__((naked, noinline NB_NOIPA)) inline void dot_pair_s16_mve(PairS16Mve& /*job*/,
                                                                       const int8_t* /*stream*/) {
  // The accumulators of VMLAVA are even registers: all eight of them, LR included (see pair_s8_mve.h). R1,
  // R5: inputs of the pixels. R3: constants. R7: count of inputs. R9: channels to do. R11: the job.
  __asm__ volatile(
      "  push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
      "  vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  mov r11, r0\n"
      "  mov r3, r1\n"
      "  ldr r9, [r0, #64]\n"
      "  vldrw.32 q6, [r11, #68]\n"
      "  vldrw.32 q7, [r11, #84]\n"
      "1:\n"
      "  ldmia r11, {r0, r1, r2, r4, r5, r6, r7, r8, r10, r12, lr}\n"
      "  cmp r7, #0\n"
      "  beq 3f\n"
      "2:\n" NB_LOAD NB_PRODUCTS NB_LOAD NB_PRODUCTS NB_LOAD NB_PRODUCTS NB_LOAD NB_PRODUCTS
      "  subs r7, #1\n"
      "  bne 2b\n"
      "3:\n"
      "  ldr r7, [r11, #44]\n"
      "  cbz r7, 5f\n"
      "4:\n" NB_LOAD_REST NB_PRODUCTS
      "  subs r7, #8\n"
      "  bgt 4b\n"
      "5:\n"
      "  vmov d0, r0, r2\n"
      "  vmov d1, r4, r6\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  vmov d2, r8, r10\n"
      "  vmov d3, r12, lr\n"
      "  vldrw.32 q3, [r3], #16\n"
      "  vadd.i32 q0, q0, q2\n"
      "  ldr r0, [r11, #48]\n"
      "  vadd.i32 q1, q1, q2\n"
      "  vqrdmulh.s32 q0, q0, q3\n"
      "  vqrdmulh.s32 q1, q1, q3\n"
      "  cbnz r0, 7f\n"
      "6:\n"
      "  ldrd r4, r6, [r11, #56]\n"
      "  vmax.s32 q0, q0, q6\n"
      "  vmax.s32 q1, q1, q6\n"
      "  vmin.s32 q0, q0, q7\n"
      "  vmin.s32 q1, q1, q7\n"
      "  subs r9, #4\n"
      "  blt 11f\n"
      "  vstrh.32 q0, [r4], #8\n"
      "  vstrh.32 q1, [r6], #8\n"
      "  strd r4, r6, [r11, #56]\n"
      "  bne 1b\n"
      "  b 12f\n"
      // VRSHL rounds ties towards plus infinity. One less in negative lanes turns that into away from zero
      // and moves no other value over a tie, if the shift goes right.
      "7:\n"
      "  lsrs r0, #2\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  bcc 8f\n"
      "  vshr.s32 q4, q0, #31\n"
      "  vshr.s32 q5, q1, #31\n"
      "  vadd.i32 q0, q0, q4\n"
      "  vadd.i32 q1, q1, q5\n"
      "8:\n"
      "  vrshl.s32 q0, q0, q2\n"
      "  vrshl.s32 q1, q1, q2\n"
      "  b 6b\n"
      "11:\n"
      "  adds r9, #4\n"
      "  vctp.32 r9\n"
      "  vpstt\n"
      "  vstrht.32 q0, [r4]\n"
      "  vstrht.32 q1, [r6]\n"
      "  add r4, r4, r9, lsl #1\n"
      "  add r6, r6, r9, lsl #1\n"
      "  strd r4, r6, [r11, #56]\n"
      "12:\n"
      "  vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}
#undef NB_NOIPA
#undef NB_LOAD
#undef NB_LOAD_REST
#undef NB_PRODUCTS

}  // namespace nb
