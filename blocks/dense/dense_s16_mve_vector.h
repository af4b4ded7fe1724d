// Dense layer of one int16 vector with int8 weights for Armv8.1-M with the vector extension (Helium): eight
// outputs at a time.
#pragma once
#include <arm_mve.h>

#include "layout_s16_mve.h"

namespace nb {

/// All outputs of one vector. The code below knows the offsets of the fields; it loads the first ten with one
/// instruction into the accumulators and what lies between them.
struct DenseVectorS16Mve {
  int32_t zero0;         ///< 0
  const int16_t* in;     ///< 4
  int32_t zero2[3];      ///< 0
  int32_t steps;         ///< 20: whole 16 inputs
  int32_t zero6[4];      ///< 0
  int32_t rest;          ///< 40: inputs after these, 0..15
  int32_t out_features;  ///< 44
  int16_t* out;          ///< 48
  int32_t form;          ///< 52: kTwiceS16Mve...
  int32_t low[4];        ///< 56: out_min in all lanes
  int32_t high[4];       ///< 72: out_max
};
static_assert(sizeof(void*) != 4 || offsetof(DenseVectorS16Mve, high) == 72,
              "the assembly below knows the offsets");

// A naked function whose parameters are used in registers must not be cloned or analysed.
#ifdef __clang__
#define NB_NOIPA
#else
#define NB_NOIPA , noipa
#endif
// Eight inputs in Q0, times the weights of eight outputs.
#define NB_PRODUCTS            \
  "  vldrb.s16 q1, [r3], #8\n" \
  "  vmlava.s16 r0, q0, q1\n"  \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 r2, q0, q2\n"  \
  "  vldrb.s16 q1, [r3], #8\n" \
  "  vmlava.s16 r4, q0, q1\n"  \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 r6, q0, q2\n"  \
  "  vldrb.s16 q1, [r3], #8\n" \
  "  vmlava.s16 r8, q0, q1\n"  \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 r10, q0, q2\n" \
  "  vldrb.s16 q1, [r3], #8\n" \
  "  vmlava.s16 r12, q0, q1\n" \
  "  vldrb.s16 q2, [r3], #8\n" \
  "  vmlava.s16 lr, q0, q2\n"

/// `stream` as pack_dot_s16_mve makes it of groups of eight.
__attribute__((naked, noinline NB_NOIPA)) inline void dense_s16_mve_outputs(const DenseVectorS16Mve& /*job*/,
                                                                            const int8_t* /*stream*/) {
  // The accumulators of VMLAVA are even registers: all eight of them, LR included. R1: inputs. R3: constants.
  // R5: outputs. R7: count of inputs. R9: outputs to do. R11: the job.
  __asm__ volatile(
      "  push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
      "  vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  mov r11, r0\n"
      "  mov r3, r1\n"
      "  ldrd r9, r5, [r11, #44]\n"
      "  vldrw.32 q6, [r11, #56]\n"
      "  vldrw.32 q7, [r11, #72]\n"
      "1:\n"
      "  ldmia r11, {r0, r1, r2, r4, r6, r7, r8, r10, r12, lr}\n"
      "  cmp r7, #0\n"
      "  beq 3f\n"
      "2:\n"
      "  vldrh.16 q0, [r1], #16\n" NB_PRODUCTS "  vldrh.16 q0, [r1], #16\n" NB_PRODUCTS
      "  subs r7, #1\n"
      "  bne 2b\n"
      "3:\n"
      "  ldr r7, [r11, #40]\n"
      "  cbz r7, 5f\n"
      "4:\n"
      "  vctp.16 r7\n"
      "  vpst\n"
      "  vldrht.16 q0, [r1], #16\n" NB_PRODUCTS
      "  subs r7, #8\n"
      "  bgt 4b\n"
      "5:\n"
      "  vmov d0, r0, r2\n"
      "  vmov d1, r4, r6\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  vmov d2, r8, r10\n"
      "  vldrw.32 q3, [r3], #16\n"
      "  vmov d3, r12, lr\n"
      "  vadd.i32 q0, q0, q2\n"
      "  vldrw.32 q4, [r3], #16\n"
      "  vadd.i32 q1, q1, q3\n"
      "  vldrw.32 q5, [r3], #16\n"
      "  ldr r0, [r11, #52]\n"
      "  vqrdmulh.s32 q0, q0, q4\n"
      "  vqrdmulh.s32 q1, q1, q5\n"
      "  cbnz r0, 7f\n"
      "6:\n"
      "  vmax.s32 q0, q0, q6\n"
      "  vmax.s32 q1, q1, q6\n"
      "  vmin.s32 q0, q0, q7\n"
      "  vmin.s32 q1, q1, q7\n"
      "  subs r9, #8\n"
      "  blt 11f\n"
      "  vstrh.32 q0, [r5], #8\n"
      "  vstrh.32 q1, [r5], #8\n"
      "  bne 1b\n"
      "  b 12f\n"
      // As dot_pair_s16_mve does.
      "7:\n"
      "  lsrs r0, #2\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  vldrw.32 q3, [r3], #16\n"
      "  bcc 8f\n"
      "  vshr.s32 q4, q0, #31\n"
      "  vshr.s32 q5, q1, #31\n"
      "  vadd.i32 q0, q0, q4\n"
      "  vadd.i32 q1, q1, q5\n"
      "8:\n"
      "  vrshl.s32 q0, q0, q2\n"
      "  vrshl.s32 q1, q1, q3\n"
      "  b 6b\n"
      "11:\n"
      "  adds r9, #8\n"
      "  vctp.32 r9\n"
      "  vpst\n"
      "  vstrht.32 q0, [r5], #8\n"
      "  subs r9, #4\n"
      "  ble 12f\n"
      "  vctp.32 r9\n"
      "  vpst\n"
      "  vstrht.32 q1, [r5]\n"
      "12:\n"
      "  vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}
#undef NB_NOIPA
#undef NB_PRODUCTS

/// `p` (of any number of rows) and `packed` come from pack_dense_s16_mve with groups of eight. Equals
/// dense_s16 bit for bit.
NB_NOINLINE inline void dense_s16_mve_vector(const DenseS16Mve& p, const int16_t* in, const int8_t* packed,
                                             int16_t* out) {
  DenseVectorS16Mve job;
  job.zero0 = job.zero2[0] = job.zero2[1] = job.zero2[2] = 0;
  vstrwq_s32(job.zero6, vdupq_n_s32(0));
  vstrwq_s32(job.low, vdupq_n_s32(p.out_min));
  vstrwq_s32(job.high, vdupq_n_s32(p.out_max));
  job.steps = p.in_features >> 4;
  job.rest = p.in_features & 15;
  job.out_features = p.out_features;
  job.form = p.form;
  job.in = in;
  job.out = out;
  for (int32_t r = p.rows; r > 0; --r, job.in += p.in_features, job.out += p.out_features)
    dense_s16_mve_outputs(job, packed);
}

}  // namespace nb
