// Tiles of float matrix products in the floating-point registers of Cortex-M4F, M7, M33 and M55. See
// tile_f32.h for what they compute.
#pragma once
#include "tile_runs.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#define NB_TILE_MVE 1
#else
#define NB_TILE_MVE 0
#endif
// A floating-point unit that fuses multiplication and addition.
#if defined(__thumb2__) && defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && defined(__ARM_PCS_VFP)
#define NB_TILE_ARM 1
#else
#define NB_TILE_ARM 0
#endif
#if NB_TILE_MVE
#include "tile_helium.h"
#else
#include "tile_vfma.h"
#endif

namespace nb {

#if NB_TILE_ARM
// clang-format off

// Input, beginning and output of the first pixel (sums in s0 to s7), and of the second (s8 to s15).
#define NB_TILE_FIRST_IN "ldr %[x], [%[p], #4]\n\t"
#define NB_TILE_SECOND_IN "ldr %[y], [%[p], #8]\n\t" "add %[y], %[x], %[y], lsl #2\n\t"
#define NB_TILE_FIRST_INIT "ldr %[n], [%[p], #12]\n\t" "vldmia %[n], {s0-s7}\n\t"
#define NB_TILE_SECOND_INIT                                                                      \
  "ldr %[left], [%[p], #16]\n\t" "add %[n], %[n], %[left], lsl #2\n\t" "vldmia %[n], {s8-s15}\n\t"
#define NB_TILE_FIRST_OUT "ldr %[n], [%[p], #20]\n\t" "vstmia %[n], {s0-s7}\n\t"
#define NB_TILE_SECOND_OUT                                                                       \
  "ldr %[left], [%[p], #24]\n\t" "add %[n], %[n], %[left], lsl #2\n\t" "vstmia %[n], {s8-s15}\n\t"
// Loops over the runs. A run leaves the pointers at its end; `more` skips in further inputs; a skip in the
// weights is 2^shift bytes.
#define NB_TILE_RUNS(run, more, shift)                                                           \
  "ldr %[left], [%[r]]\n\t" "cmp %[left], #0\n\t" "beq 6f\n" "1:\n\t" run                   \
  "subs %[left], %[left], #1\n\t" "beq 6f\n\t"                                              \
  "ldr %[n], [%[r], #8]\n\t" "add %[x], %[x], %[n], lsl #2\n\t" more                        \
  "ldr %[n], [%[r], #12]\n\t" "add %[w], %[w], %[n], lsl #" #shift "\n\t" "b 1b\n" "6:\n\t"
#define NB_TILE_SKIP_SECOND "add %[y], %[y], %[n], lsl #2\n\t"

/// Two pixels by eight channels.
NB_INLINE void tile_2x8_arm(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, y, n, left;
  __asm__ volatile(
      NB_TILE_FIRST_IN NB_TILE_SECOND_IN NB_TILE_FIRST_INIT NB_TILE_SECOND_INIT
      NB_TILE_RUNS(NB_TILE_RUN_2X8, NB_TILE_SKIP_SECOND, 5)
      NB_TILE_FIRST_OUT NB_TILE_SECOND_OUT
      : [x] "=&r"(x), [y] "=&r"(y), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_TILE_REGISTERS);
}

/// One pixel by eight channels.
NB_INLINE void tile_1x8_arm(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_TILE_FIRST_IN NB_TILE_FIRST_INIT NB_TILE_BEGIN_1X8
      NB_TILE_RUNS(NB_TILE_RUN_1X8, "", 5)
      NB_TILE_END_1X8 NB_TILE_FIRST_OUT
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_TILE_REGISTERS);
}

/// One pixel by one channel.
NB_INLINE void tile_1x1_arm(const RunsF32& runs, const float* weights, const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_TILE_FIRST_IN NB_TILE_BEGIN_1X1 "ldr %[n], [%[p], #12]\n\t" "vldmia %[n], {s0}\n\t"
      NB_TILE_RUNS(NB_TILE_RUN_1X1, "", 2)
      NB_TILE_END_1X1 "ldr %[n], [%[p], #20]\n\t" "vstmia %[n], {s0}\n\t"
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels)
      : "cc", "memory", NB_TILE_REGISTERS);
}

/// Two pixels by eight channels, each channel of its own: runs of `length` taps, one or more, `step` bytes apart.
NB_INLINE void tile_2x8_depthwise_arm(const RunsF32& runs, int32_t step, const float* weights,
                                      const PixelsF32& pixels) {
  int32_t x, y, n, left;
  __asm__ volatile(
      NB_TILE_FIRST_IN NB_TILE_SECOND_IN NB_TILE_FIRST_INIT "vldmia %[n], {s8-s15}\n\t"
      NB_TILE_RUNS(NB_TILE_RUN_DEPTHWISE_2X8, NB_TILE_SKIP_SECOND, 5)
      NB_TILE_FIRST_OUT NB_TILE_SECOND_OUT
      : [x] "=&r"(x), [y] "=&r"(y), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels), [step] "r"(step)
      : "cc", "memory", NB_TILE_REGISTERS);
}

/// One pixel by eight channels, each channel of its own.
NB_INLINE void tile_1x8_depthwise_arm(const RunsF32& runs, int32_t step, const float* weights,
                                      const PixelsF32& pixels) {
  int32_t x, n, left;
  __asm__ volatile(
      NB_TILE_FIRST_IN NB_TILE_FIRST_INIT
      NB_TILE_RUNS(NB_TILE_RUN_DEPTHWISE_1X8, "", 5)
      NB_TILE_FIRST_OUT
      : [x] "=&r"(x), [w] "+r"(weights), [n] "=&r"(n), [left] "=&r"(left)
      : [r] "r"(&runs), [p] "r"(&pixels), [step] "r"(step)
      : "cc", "memory", NB_TILE_REGISTERS);
}

#if NB_TILE_MVE
/// Clamps `count` floats in place.
NB_INLINE void clamp_arm(float* x, int32_t count, float low, float high) {
  __asm__ volatile(
      "vdup.32 q1, %[low]\n\t" "vdup.32 q2, %[high]\n\t"
      "wlstp.32 lr, %[n], 2f\n" "1:\n\t"
      "vldrw.32 q0, [%[x]]\n\t" "vmaxnm.f32 q0, q0, q1\n\t" "vminnm.f32 q0, q0, q2\n\t"
      "vstrw.32 q0, [%[x]], #16\n\t" "letp lr, 1b\n" "2:\n\t"
      : [x] "+r"(x) : [n] "r"(count), [low] "r"(low), [high] "r"(high) : "q0", "q1", "q2", "lr", "memory");
}
#else
/// Clamps floats in place to [0, high], the whole groups of four of `count`; returns how many those are. Floats
/// that are not negative are ordered as the integers of the same bits.
NB_INLINE int32_t clamp_fours_arm(float* x, int32_t count, float high) {
#define NB_TILE_CLAMP_LOW(r) "bic " #r ", " #r ", " #r ", asr #31\n\t"
#define NB_TILE_CLAMP_HIGH(r) "cmp " #r ", %[high]\n\t" "it gt\n\t" "movgt " #r ", %[high]\n\t"
  int32_t highest, n = count / 4;
  __builtin_memcpy(&highest, &high, sizeof highest);
  if (high < __builtin_huge_valf()) {
    for (; n > 0; --n)
      __asm__ volatile(
          "ldmia %[x], {r3-r6}\n\t"
          NB_TILE_CLAMP_LOW(r3) NB_TILE_CLAMP_LOW(r4) NB_TILE_CLAMP_LOW(r5) NB_TILE_CLAMP_LOW(r6)
          NB_TILE_CLAMP_HIGH(r3) NB_TILE_CLAMP_HIGH(r4) NB_TILE_CLAMP_HIGH(r5) NB_TILE_CLAMP_HIGH(r6)
          "stmia %[x]!, {r3-r6}\n\t"
          : [x] "+r"(x) : [high] "r"(highest) : "r3", "r4", "r5", "r6", "cc", "memory");
  } else {
    for (; n > 0; --n)
      __asm__ volatile(
          "ldmia %[x], {r3-r6}\n\t"
          NB_TILE_CLAMP_LOW(r3) NB_TILE_CLAMP_LOW(r4) NB_TILE_CLAMP_LOW(r5) NB_TILE_CLAMP_LOW(r6)
          "stmia %[x]!, {r3-r6}\n\t"
          : [x] "+r"(x) : : "r3", "r4", "r5", "r6", "memory");
  }
  return count / 4 * 4;
}
#undef NB_TILE_CLAMP_LOW
#undef NB_TILE_CLAMP_HIGH
#endif

// clang-format on
#endif

}  // namespace nb
