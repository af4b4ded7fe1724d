// Dense layer of int8 vectors for Armv8.1-M with the vector extension (Helium): eight outputs at a time.
#pragma once
#include <arm_mve.h>

#include "layout_mve.h"

namespace nb {

/// All outputs of one vector. The code below knows the offsets of the fields; some of it loads the first ten
/// with one instruction into the accumulators and what lies between them.
struct DenseVectorMve {
  int32_t zero0;         ///< 0
  const int8_t* in;      ///< 4
  int32_t zero2[3];      ///< 0
  int32_t steps;         ///< 20: whole 32 inputs
  int32_t zero6[4];      ///< 0
  int32_t rest;          ///< 40: inputs after these, 0..31
  int32_t out_features;  ///< 44
  int8_t* out;           ///< 48
  int32_t form;          ///< 52: kTiesMve...
  int32_t out_zero;      ///< 56
  int32_t multiplier;    ///< 60: of all outputs
  int32_t shift;         ///< 64: likewise
  int16_t low[8];        ///< 68: out_min in all lanes
  int16_t high[8];       ///< 84: out_max
};
static_assert(sizeof(void*) != 4 || offsetof(DenseVectorMve, high) == 84,
              "the assembly below knows the offsets");

// A naked function whose parameters are used in registers must not be cloned or analysed.
#ifdef __clang__
#define NB_NOIPA
#else
#define NB_NOIPA , noipa
#endif
// The accumulators of VMLAVA are even registers: all eight of them, LR included. No compiler allocates that
// beside a frame pointer, hence naked functions. R1: inputs. R3: constants. R5: outputs. R7: count of inputs.
// R9: outputs to do. R11: the job.
#define NB_BEGIN                                     \
  "  push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"  \
  "  vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n" \
  "  mov r11, r0\n"                                  \
  "  mov r3, r1\n"                                   \
  "  ldrd r9, r5, [r11, #44]\n"                      \
  "  vldrh.16 q6, [r11, #68]\n"                      \
  "  vldrh.16 q7, [r11, #84]\n"                      \
  "1:\n"
// Sixteen inputs in Q0, times the weights of eight outputs.
#define NB_PRODUCTS            \
  "  vldrw.32 q1, [r3], #16\n" \
  "  vmlava.s8 r0, q0, q1\n"   \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 r2, q0, q2\n"   \
  "  vldrw.32 q1, [r3], #16\n" \
  "  vmlava.s8 r4, q0, q1\n"   \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 r6, q0, q2\n"   \
  "  vldrw.32 q1, [r3], #16\n" \
  "  vmlava.s8 r8, q0, q1\n"   \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 r10, q0, q2\n"  \
  "  vldrw.32 q1, [r3], #16\n" \
  "  vmlava.s8 r12, q0, q1\n"  \
  "  vldrw.32 q2, [r3], #16\n" \
  "  vmlava.s8 lr, q0, q2\n"
#define NB_SUMS                                                                   \
  "  cmp r7, #0\n"                                                                \
  "  beq 3f\n"                                                                    \
  "2:\n"                                                                          \
  "  vldrb.8 q0, [r1], #16\n" NB_PRODUCTS "  vldrb.8 q0, [r1], #16\n" NB_PRODUCTS \
  "  subs r7, #1\n"                                                               \
  "  bne 2b\n"                                                                    \
  "3:\n"                                                                          \
  "  ldr r7, [r11, #40]\n"                                                        \
  "  cbz r7, 5f\n"                                                                \
  "4:\n"                                                                          \
  "  vctp.8 r7\n"                                                                 \
  "  vpst\n"                                                                      \
  "  vldrbt.8 q0, [r1], #16\n" NB_PRODUCTS                                        \
  "  subs r7, #16\n"                                                              \
  "  bgt 4b\n"                                                                    \
  "5:\n"                                                                          \
  "  vmov d0, r0, r2\n"                                                           \
  "  vmov d1, r4, r6\n"                                                           \
  "  vmov d2, r8, r10\n"                                                          \
  "  vmov d3, r12, lr\n"                                                          \
  "  ldrd r0, r2, [r11, #52]\n"
// Saturated to 16 bits before the zero point is added: no difference survives the clamp to int8.
#define NB_STORE              \
  "  vqmovnb.s32 q0, q0\n"    \
  "  vqmovnt.s32 q0, q1\n"    \
  "  vqadd.s16 q0, q0, r2\n"  \
  "  vmax.s16 q0, q0, q6\n"   \
  "  vmin.s16 q0, q0, q7\n"   \
  "  subs r9, #8\n"           \
  "  blt 9f\n"                \
  "  vstrb.16 q0, [r5], #8\n" \
  "  bne 1b\n"                \
  "  b 10f\n"
#define NB_END                                      \
  "9:\n"                                            \
  "  adds r9, #8\n"                                 \
  "  vctp.16 r9\n"                                  \
  "  vpst\n"                                        \
  "  vstrbt.16 q0, [r5]\n"                          \
  "10:\n"                                           \
  "  vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n" \
  "  pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"

/// Outputs with their own multipliers and shifts. `stream`: for each eight outputs the weights (eight outputs
/// of 16 for each 16 inputs), then the scales of form_mve.h; of each eight the even ones first.
__attribute__((naked, noinline NB_NOIPA)) inline void dense_s8_mve_vector(const DenseVectorMve& /*job*/,
                                                                          const int8_t* /*stream*/) {
  __asm__ volatile(NB_BEGIN "  ldmia r11, {r0, r1, r2, r4, r6, r7, r8, r10, r12, lr}\n" NB_SUMS
                            "  vldrw.32 q2, [r3], #16\n"
                            "  vshr.s32 q4, q2, #8\n"
                            "  vadd.i32 q0, q0, q4\n"
                            "  vldrw.32 q4, [r3], #16\n"
                            "  vldrw.32 q3, [r3], #16\n"
                            "  vshr.s32 q5, q3, #8\n"
                            "  vadd.i32 q1, q1, q5\n"
                            "  vldrw.32 q5, [r3], #16\n"
                            "  cbnz r0, 7f\n"
                            "  vqrdmulh.s32 q0, q0, q4\n"
                            "  vqrdmulh.s32 q1, q1, q5\n"
                            "6:\n"
                            // Only the low byte of a lane of Q2, Q3 counts as its shift.
                            "  vrshl.s32 q0, q0, q2\n"
                            "  vrshl.s32 q1, q1, q3\n" NB_STORE
                            // As dot_pair_s8_mve does.
                            "7:\n"
                            "  lsrs r0, #2\n"
                            "  bcs 8f\n"
                            "  vqrdmulh.s32 q0, q0, q4\n"
                            "  vqrdmulh.s32 q1, q1, q5\n"
                            "  vshr.s32 q4, q0, #31\n"
                            "  vshr.s32 q5, q1, #31\n"
                            "  b 12f\n"
                            "8:\n"
                            "  beq 11f\n"
                            "  vldrw.32 q6, [r3], #16\n"
                            "  vldrw.32 q7, [r3], #16\n"
                            "  vadd.i32 q0, q0, q6\n"
                            "  vadd.i32 q1, q1, q7\n"
                            "11:\n"
                            "  vmovlb.s8 q2, q2\n"
                            "  vmovlb.s8 q3, q3\n"
                            "  vmovlb.s16 q2, q2\n"
                            "  vmovlb.s16 q3, q3\n"
                            "  vmov.i32 q6, #0\n"
                            "  vmax.s32 q7, q2, q6\n"
                            "  vshl.s32 q0, q0, q7\n"
                            "  vmin.s32 q2, q2, q6\n"
                            "  vmax.s32 q7, q3, q6\n"
                            "  vshl.s32 q1, q1, q7\n"
                            "  vmin.s32 q3, q3, q6\n"
                            "  vldrh.16 q6, [r11, #68]\n"
                            "  vldrh.16 q7, [r11, #84]\n"
                            "  vqrdmulh.s32 q0, q0, q4\n"
                            "  vqrdmulh.s32 q1, q1, q5\n"
                            "  vand q4, q0, q2\n"
                            "  vand q5, q1, q3\n"
                            "  vshr.s32 q4, q4, #31\n"
                            "  vshr.s32 q5, q5, #31\n"
                            "12:\n"
                            "  vadd.i32 q0, q0, q4\n"
                            "  vadd.i32 q1, q1, q5\n"
                            "  b 6b\n" NB_END);
}

/// All outputs with the job's multiplier and shift. `stream`: for each eight outputs the biases and the
/// weights (eight outputs of 16 for each 16 inputs); of each eight the even ones first.
__attribute__((naked, noinline NB_NOIPA)) inline void dense_s8_mve_uniform_vector(
    const DenseVectorMve& /*job*/, const int8_t* /*stream*/) {
  __asm__ volatile(NB_BEGIN
                   "  ldmia r3!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
                   "  ldr r1, [r11, #4]\n"
                   "  ldr r7, [r11, #20]\n" NB_SUMS
                   "  ldrd r4, r6, [r11, #60]\n"
                   "  cbnz r0, 7f\n"
                   "8:\n"
                   "  vqrdmulh.s32 q0, q0, r4\n"
                   "  vqrdmulh.s32 q1, q1, r4\n"
                   "6:\n"
                   "  vrshl.s32 q0, r6\n"
                   "  vrshl.s32 q1, r6\n" NB_STORE
                   "7:\n"
                   "  lsrs r0, #2\n"
                   "  bcc 11f\n"
                   "  vshl.s32 q0, r6\n"
                   "  vshl.s32 q1, r6\n"
                   "  movs r6, #0\n"
                   "  b 8b\n"
                   "11:\n"
                   "  vqrdmulh.s32 q0, q0, r4\n"
                   "  vqrdmulh.s32 q1, q1, r4\n"
                   "  vshr.s32 q2, q0, #31\n"
                   "  vshr.s32 q3, q1, #31\n"
                   "  vadd.i32 q0, q0, q2\n"
                   "  vadd.i32 q1, q1, q3\n"
                   "  b 6b\n" NB_END);
}
#undef NB_BEGIN
#undef NB_PRODUCTS
#undef NB_SUMS
#undef NB_STORE
#undef NB_END
#undef NB_NOIPA

using DenseVectorFunctionMve = void(const DenseVectorMve& job, const int8_t* stream);

/// All vectors.
NB_INLINE void dense_s8_mve_vectors(const DenseS8Mve& p, const int8_t* in, const int8_t* packed, int8_t* out,
                                    DenseVectorFunctionMve& vector) {
  DenseVectorMve job;
  job.zero0 = job.zero2[0] = job.zero2[1] = job.zero2[2] = 0;
  vstrwq_s32(job.zero6, vdupq_n_s32(0));
  vstrhq_s16(job.low, vdupq_n_s16(p.out_min));
  vstrhq_s16(job.high, vdupq_n_s16(p.out_max));
  job.steps = p.in_features >> 5;
  job.rest = p.in_features & 31;
  job.out_features = p.out_features;
  job.form = p.form;
  job.out_zero = p.out_zero;
  job.multiplier = p.multiplier;
  job.shift = p.shift;
  job.in = in;
  job.out = out;
  for (int32_t r = p.rows; r > 0; --r, job.in += p.in_features, job.out += p.out_features)
    vector(job, packed);
}

/// `p` and `packed` come from pack_dense_s8_mve with groups of eight. Equals dense_s8 bit for bit.
NB_NOINLINE inline void dense_s8_mve(const DenseS8Mve& p, const int8_t* in, const int8_t* packed,
                                     int8_t* out) {
  dense_s8_mve_vectors(p, in, packed, out, dense_s8_mve_vector);
}

/// The same of uniform scales.
NB_NOINLINE inline void dense_s8_mve_uniform(const DenseS8Mve& p, const int8_t* in, const int8_t* packed,
                                             int8_t* out) {
  dense_s8_mve_vectors(p, in, packed, out, dense_s8_mve_uniform_vector);
}

}  // namespace nb
