// Tiles of float matrix products for cores with a single-precision FPU that fuses multiplication and addition
// and loads many registers at once (Cortex-M4F, M7, M33, M55). See tile_f32.h for what they compute.
#pragma once
#include "nb.h"

#if defined(__thumb2__) && defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && defined(__ARM_PCS_VFP)
#define NB_VFMA 1
#else
#define NB_VFMA 0
#endif

namespace nb {

/// The inputs of one pixel: `count` runs of `length` floats. The skips are what lies between a run's end and
/// the next one's start, in floats of the input and in inputs of the packed weights. No run: the sums are as
/// begun.
struct RunsF32 {
  int32_t count, length;
  int32_t in_skip, weight_skip;
};

/// Pixels of equal windows at equal distances (in floats). Their sums begin with the floats at `init`, which
/// for a zero step are the bias; with `out` and its step for `init` they are added to `out`.
struct PixelsF32 {
  int32_t count;
  const float* in;
  int32_t in_step;
  const float* init;
  int32_t init_step;
  float* out;
  int32_t out_step;
};

#if NB_VFMA
// clang-format off

// s<a> to s<a+7> += s<x> * (s24 to s31)
#define NB_VFMA_8(x, a0, a1, a2, a3, a4, a5, a6, a7)                                        \
  "vfma.f32 s" #a0 ", s" #x ", s24\n\t" "vfma.f32 s" #a1 ", s" #x ", s25\n\t"               \
  "vfma.f32 s" #a2 ", s" #x ", s26\n\t" "vfma.f32 s" #a3 ", s" #x ", s27\n\t"               \
  "vfma.f32 s" #a4 ", s" #x ", s28\n\t" "vfma.f32 s" #a5 ", s" #x ", s29\n\t"               \
  "vfma.f32 s" #a6 ", s" #x ", s30\n\t" "vfma.f32 s" #a7 ", s" #x ", s31\n\t"
// One input of one pixel, or of two, by the next eight weights.
#define NB_VFMA_1X8(x) "vldmia %[w]!, {s24-s31}\n\t" NB_VFMA_8(x, 0, 1, 2, 3, 4, 5, 6, 7)
#define NB_VFMA_2X8(x, y) NB_VFMA_1X8(x) NB_VFMA_8(y, 8, 9, 10, 11, 12, 13, 14, 15)
// s<a> to s<a+7> += (s16 to s23) * (s24 to s31)
#define NB_VFMA_PAIRS(a0, a1, a2, a3, a4, a5, a6, a7)                                       \
  "vfma.f32 s" #a0 ", s16, s24\n\t" "vfma.f32 s" #a1 ", s17, s25\n\t"                       \
  "vfma.f32 s" #a2 ", s18, s26\n\t" "vfma.f32 s" #a3 ", s19, s27\n\t"                       \
  "vfma.f32 s" #a4 ", s20, s28\n\t" "vfma.f32 s" #a5 ", s21, s29\n\t"                       \
  "vfma.f32 s" #a6 ", s22, s30\n\t" "vfma.f32 s" #a7 ", s23, s31\n\t"
#define NB_VFMA_REGISTERS                                                                   \
  "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",   \
  "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25",       \
  "s26", "s27", "s28", "s29", "s30", "s31"
// Input, beginning and output of the first pixel of p, and of the second.
#define NB_FIRST_IN "ldr %[x], [%[p], #4]\n\t"
#define NB_SECOND_IN "ldr %[y], [%[p], #8]\n\t" "add %[y], %[x], %[y], lsl #2\n\t"
#define NB_FIRST_INIT "ldr %[n], [%[p], #12]\n\t" "vldmia %[n], {s0-s7}\n\t"
#define NB_SECOND_INIT "ldr %[left], [%[p], #16]\n\t" "add %[n], %[n], %[left], lsl #2\n\t" "vldmia %[n], {s8-s15}\n\t"
#define NB_FIRST_OUT "ldr %[n], [%[p], #20]\n\t" "vstmia %[n], {s0-s7}\n\t"
#define NB_SECOND_OUT "ldr %[left], [%[p], #24]\n\t" "add %[n], %[n], %[left], lsl #2\n\t" "vstmia %[n], {s8-s15}\n\t"
// Begins the runs; tests whether n = length / 2^shift is none; tests whether n = length % 2^shift is none.
#define NB_RUNS_BEGIN  "ldr %[left], [%[r]]\n\t" "cmp %[left], #0\n\t" "beq 6f\n" "1:\n\t"
#define NB_RUN_GROUPS(shift) "ldr %[n], [%[r], #4]\n\t" "asrs %[n], %[n], #" #shift "\n\t" "beq 3f\n" "2:\n\t"
#define NB_RUN_GROUPS_NEXT "subs %[n], %[n], #1\n\t" "bne 2b\n" "3:\n\t"
#define NB_RUN_REST(mask) "ldr %[n], [%[r], #4]\n\t" "ands %[n], %[n], #" #mask "\n\t" "beq 5f\n" "4:\n\t"
#define NB_RUN_REST_NEXT "subs %[n], %[n], #1\n\t" "bne 4b\n" "5:\n\t"
// Goes to the next run: `more` skips in further inputs; a skip in the weights is 2^shift bytes.
#define NB_RUNS_NEXT(more, shift)                                                           \
  "subs %[left], %[left], #1\n\t" "beq 6f\n\t"                                              \
  "ldr %[n], [%[r], #8]\n\t" "add %[x], %[x], %[n], lsl #2\n\t" more                        \
  "ldr %[n], [%[r], #12]\n\t" "add %[w], %[w], %[n], lsl #" #shift "\n\t" "b 1b\n" "6:\n\t"

/// Two pixels by eight channels: sums in s0 to s15, inputs in s16 to s23, weights in s24 to s31.
NB_INLINE void tile_2x8_vfma(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, y, n, left;
  __asm__ volatile(
      NB_FIRST_IN NB_SECOND_IN NB_FIRST_INIT NB_SECOND_INIT
      NB_RUNS_BEGIN
      NB_RUN_GROUPS(2)
      "vldmia %[x]!, {s16-s19}\n\t"
      "vldmia %[y]!, {s20-s23}\n\t"
      NB_VFMA_2X8(16, 20) NB_VFMA_2X8(17, 21) NB_VFMA_2X8(18, 22) NB_VFMA_2X8(19, 23)
      NB_RUN_GROUPS_NEXT
      NB_RUN_REST(3)
      "vldmia %[x]!, {s16}\n\t"
      "vldmia %[y]!, {s20}\n\t"
      NB_VFMA_2X8(16, 20)
      NB_RUN_REST_NEXT
      NB_RUNS_NEXT("add %[y], %[y], %[n], lsl #2\n\t", 5)
      NB_FIRST_OUT NB_SECOND_OUT
      : [x] "=&r"(x), [y] "=&r"(y), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_VFMA_REGISTERS);
}

/// One pixel by eight channels: sums in s0 to s7, inputs in s16 to s23, weights in s24 to s31.
NB_INLINE void tile_1x8_vfma(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_FIRST_IN NB_FIRST_INIT
      NB_RUNS_BEGIN
      NB_RUN_GROUPS(3)
      "vldmia %[x]!, {s16-s23}\n\t"
      NB_VFMA_1X8(16) NB_VFMA_1X8(17) NB_VFMA_1X8(18) NB_VFMA_1X8(19)
      NB_VFMA_1X8(20) NB_VFMA_1X8(21) NB_VFMA_1X8(22) NB_VFMA_1X8(23)
      NB_RUN_GROUPS_NEXT
      NB_RUN_REST(7)
      "vldmia %[x]!, {s16}\n\t"
      NB_VFMA_1X8(16)
      NB_RUN_REST_NEXT
      NB_RUNS_NEXT("", 5)
      NB_FIRST_OUT
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_VFMA_REGISTERS);
}

/// One pixel by one channel: even inputs summed in s0, odd ones in s1.
NB_INLINE void tile_1x1_vfma(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_FIRST_IN
      "ldr %[n], [%[p], #12]\n\t"
      "vldmia %[n], {s0}\n\t"
      "movs %[n], #0\n\t"
      "vmov s1, %[n]\n\t"
      NB_RUNS_BEGIN
      NB_RUN_GROUPS(3)
      "vldmia %[x]!, {s16-s23}\n\t"
      "vldmia %[w]!, {s24-s31}\n\t"
      "vfma.f32 s0, s16, s24\n\t" "vfma.f32 s1, s17, s25\n\t"
      "vfma.f32 s0, s18, s26\n\t" "vfma.f32 s1, s19, s27\n\t"
      "vfma.f32 s0, s20, s28\n\t" "vfma.f32 s1, s21, s29\n\t"
      "vfma.f32 s0, s22, s30\n\t" "vfma.f32 s1, s23, s31\n\t"
      NB_RUN_GROUPS_NEXT
      NB_RUN_REST(7)
      "vldmia %[x]!, {s16}\n\t"
      "vldmia %[w]!, {s24}\n\t"
      "vfma.f32 s0, s16, s24\n\t"
      NB_RUN_REST_NEXT
      NB_RUNS_NEXT("", 2)
      "vadd.f32 s0, s0, s1\n\t"
      "ldr %[n], [%[p], #20]\n\t"
      "vstmia %[n], {s0}\n\t"
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_VFMA_REGISTERS);
}

/// Two pixels by eight channels, each channel of its own: runs of `length` taps `step` bytes apart. The products
/// of s16 to s23 (weights) and s24 to s31 (inputs) are summed in s0 to s15.
NB_INLINE void tile_2x8_depthwise_vfma(const RunsF32& runs, int32_t step, const float* weights,
                                       const PixelsF32& pixels) {
  int32_t x, y, n, left;
  __asm__ volatile(
      NB_FIRST_IN NB_SECOND_IN NB_FIRST_INIT
      "vldmia %[n], {s8-s15}\n\t"
      NB_RUNS_BEGIN
      "ldr %[n], [%[r], #4]\n"
      "4:\n\t"
      "vldmia %[w]!, {s16-s23}\n\t"
      "vldmia %[x], {s24-s31}\n\t"
      "add %[x], %[x], %[step]\n\t"
      NB_VFMA_PAIRS(0, 1, 2, 3, 4, 5, 6, 7)
      "vldmia %[y], {s24-s31}\n\t"
      "add %[y], %[y], %[step]\n\t"
      NB_VFMA_PAIRS(8, 9, 10, 11, 12, 13, 14, 15)
      "subs %[n], %[n], #1\n\t"
      "bne 4b\n\t"
      NB_RUNS_NEXT("add %[y], %[y], %[n], lsl #2\n\t", 5)
      NB_FIRST_OUT NB_SECOND_OUT
      : [x] "=&r"(x), [y] "=&r"(y), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels), [step] "r"(step)
      : "cc", "memory", NB_VFMA_REGISTERS);
}

/// One pixel by eight channels, each channel of its own.
NB_INLINE void tile_1x8_depthwise_vfma(const RunsF32& runs, int32_t step, const float* weights,
                                       const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_FIRST_IN NB_FIRST_INIT
      NB_RUNS_BEGIN
      "ldr %[n], [%[r], #4]\n"
      "4:\n\t"
      "vldmia %[w]!, {s16-s23}\n\t"
      "vldmia %[x], {s24-s31}\n\t"
      "add %[x], %[x], %[step]\n\t"
      NB_VFMA_PAIRS(0, 1, 2, 3, 4, 5, 6, 7)
      "subs %[n], %[n], #1\n\t"
      "bne 4b\n\t"
      NB_RUNS_NEXT("", 5)
      NB_FIRST_OUT
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels), [step] "r"(step)
      : "cc", "memory", NB_VFMA_REGISTERS);
}

/// Clamps floats at `x` in place to [0, high], whole groups of four of `count`; returns how many that were.
/// Floats that are not negative are ordered as the integers of the same bits.
NB_INLINE int32_t clamp_fours_vfma(float* x, int32_t count, float high) {
#define NB_CLAMP_LOW(r) "bic " #r ", " #r ", " #r ", asr #31\n\t"
#define NB_CLAMP_HIGH(r) "cmp " #r ", %[high]\n\t" "it gt\n\t" "movgt " #r ", %[high]\n\t"
  int32_t highest, n = count / 4;
  __builtin_memcpy(&highest, &high, sizeof highest);
  if (high < __builtin_huge_valf()) {
    for (; n > 0; --n)
      __asm__ volatile(
          "ldmia %[x], {r3-r6}\n\t"
          NB_CLAMP_LOW(r3) NB_CLAMP_LOW(r4) NB_CLAMP_LOW(r5) NB_CLAMP_LOW(r6)
          NB_CLAMP_HIGH(r3) NB_CLAMP_HIGH(r4) NB_CLAMP_HIGH(r5) NB_CLAMP_HIGH(r6)
          "stmia %[x]!, {r3-r6}\n\t"
          : [x] "+r"(x) : [high] "r"(highest) : "r3", "r4", "r5", "r6", "cc", "memory");
  } else {
    for (; n > 0; --n)
      __asm__ volatile(
          "ldmia %[x], {r3-r6}\n\t"
          NB_CLAMP_LOW(r3) NB_CLAMP_LOW(r4) NB_CLAMP_LOW(r5) NB_CLAMP_LOW(r6)
          "stmia %[x]!, {r3-r6}\n\t"
          : [x] "+r"(x) : : "r3", "r4", "r5", "r6", "memory");
  }
  return count / 4 * 4;
}

// clang-format on
#endif

}  // namespace nb
