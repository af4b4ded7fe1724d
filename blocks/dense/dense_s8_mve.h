// Dense layer of int8 vectors for Armv8.1-M with the vector extension (Helium): eight outputs at a time.
#pragma once
#include "../core/requantize_mve.h"
#include "layout_mve.h"

namespace nb {

/// All outputs of one vector. The code below knows the offsets of the fields.
struct DenseVectorMve {
  int16_t low[8];         ///< 0: out_min in all lanes
  int16_t high[8];        ///< 16: out_max
  const int8_t* in;       ///< 32
  int32_t steps;          ///< 36: whole 32 inputs
  int32_t rest;           ///< 40: inputs after these, 0..31
  int32_t out_features;   ///< 44
  int32_t rescale_steps;  ///< 48
  int32_t out_zero;       ///< 52
  int8_t* out;            ///< 56
};
static_assert(offsetof(DenseVectorMve, out) == 56, "the assembly below knows the offsets");

// A naked function whose parameters are used in registers must not be cloned or analysed.
#ifdef __clang__
#define NB_NOIPA
#else
#define NB_NOIPA , noipa
#endif
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

/// `stream`: for each eight outputs the biases, the weights (eight outputs of 16 for each 16 inputs), the
/// multipliers, the shifts; of each eight the even ones first.
__attribute__((naked, noinline NB_NOIPA)) inline void dense_s8_mve_vector(const DenseVectorMve& /*job*/,
                                                                          const int8_t* /*stream*/) {
  // The accumulators of VMLAVA are even registers: all eight of them, LR included. No compiler allocates that
  // beside a frame pointer, hence a naked function. R1: inputs. R3: constants. R5: outputs. R7: count of
  // inputs. R9: outputs to do. R11: the job.
  __asm__ volatile(
      "  push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
      "  vpush {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  mov r11, r0\n"
      "  mov r3, r1\n"
      "  ldr r9, [r11, #44]\n"
      "  ldr r5, [r11, #56]\n"
      "  vldrh.16 q6, [r11]\n"
      "  vldrh.16 q7, [r11, #16]\n"
      "1:\n"
      "  ldmia r3!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
      "  ldrd r1, r7, [r11, #32]\n"
      "  cmp r7, #0\n"
      "  beq 3f\n"
      "2:\n"
      "  vldrb.8 q0, [r1], #16\n" NB_PRODUCTS "  vldrb.8 q0, [r1], #16\n" NB_PRODUCTS
      "  subs r7, #1\n"
      "  bne 2b\n"
      "3:\n"
      "  ldr r7, [r11, #40]\n"
      "  cbz r7, 5f\n"
      "4:\n"
      "  vctp.8 r7\n"
      "  vpst\n"
      "  vldrbt.8 q0, [r1], #16\n" NB_PRODUCTS
      "  subs r7, #16\n"
      "  bgt 4b\n"
      "5:\n"
      "  vmov d0, r0, r2\n"
      "  vmov d1, r4, r6\n"
      "  vmov d2, r8, r10\n"
      "  vmov d3, r12, lr\n"
      "  ldrd r0, r2, [r11, #48]\n"
      "  vldrw.32 q2, [r3], #16\n"
      "  vldrw.32 q3, [r3], #16\n"
      "  vldrw.32 q4, [r3], #16\n"
      "  vldrw.32 q5, [r3], #16\n"
      "  cmp r0, #0\n"
      "  bne 7f\n"
      "  vqrdmulh.s32 q0, q0, q2\n"
      "  vqrdmulh.s32 q1, q1, q3\n"
      "6:\n"
      "  vrshl.s32 q0, q0, q4\n"
      "  vrshl.s32 q1, q1, q5\n"
      // Saturated to 16 bits before the zero point is added: no difference survives the clamp to int8.
      "  vqmovnb.s32 q0, q0\n"
      "  vqmovnt.s32 q0, q1\n"
      "  vqadd.s16 q0, q0, r2\n"
      "  vmax.s16 q0, q0, q6\n"
      "  vmin.s16 q0, q0, q7\n"
      "  subs r9, #8\n"
      "  blt 9f\n"
      "  vstrb.16 q0, [r5], #8\n"
      "  bne 1b\n"
      "  b 10f\n"
      // Any rescaling: to the left before, and ties of negative values away from zero (see rescale_mve).
      "7:\n"
      "  lsrs r0, #2\n"
      "  bcc 8f\n"
      "  vmov.i32 q6, #0\n"
      "  vmax.s32 q7, q4, q6\n"
      "  vshl.s32 q0, q0, q7\n"
      "  vmin.s32 q4, q4, q6\n"
      "  vmax.s32 q7, q5, q6\n"
      "  vshl.s32 q1, q1, q7\n"
      "  vmin.s32 q5, q5, q6\n"
      "  vldrh.16 q6, [r11]\n"
      "  vldrh.16 q7, [r11, #16]\n"
      "8:\n"
      "  vqrdmulh.s32 q0, q0, q2\n"
      "  vqrdmulh.s32 q1, q1, q3\n"
      "  vand q2, q0, q4\n"
      "  vand q3, q1, q5\n"
      "  vshr.s32 q2, q2, #31\n"
      "  vshr.s32 q3, q3, #31\n"
      "  vadd.i32 q0, q0, q2\n"
      "  vadd.i32 q1, q1, q3\n"
      "  b 6b\n"
      "9:\n"
      "  adds r9, #8\n"
      "  vctp.16 r9\n"
      "  vpst\n"
      "  vstrbt.16 q0, [r5]\n"
      "10:\n"
      "  vpop {d8, d9, d10, d11, d12, d13, d14, d15}\n"
      "  pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n");
}
#undef NB_PRODUCTS
#undef NB_NOIPA

/// `packed` comes from pack_dense_s8_mve. `scratch` is unused. Equals dense_s8 bit for bit.
NB_NOINLINE inline void dense_s8_mve(const DenseS8& p, const int8_t* in, const int8_t* packed, int8_t* out,
                                     int8_t* scratch) {
  (void)scratch;
  DenseVectorMve job;
  for (int32_t lane = 0; lane < 8; ++lane) {
    job.low[lane] = static_cast<int16_t>(p.out_min);
    job.high[lane] = static_cast<int16_t>(p.out_max);
  }
  job.steps = p.in_features >> 5;
  job.rest = p.in_features & 31;
  job.out_features = p.out_features;
  job.rescale_steps = rescale_steps_mve(p.out_min, p.out_zero, packed[0] != 0);
  job.out_zero = p.out_zero;
  job.in = in;
  job.out = out;
  for (int32_t r = p.rows; r > 0; --r, job.in += p.in_features, job.out += p.out_features)
    dense_s8_mve_vector(job, packed + 16);
}

}  // namespace nb
