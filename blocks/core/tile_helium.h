// How tile_arm.h goes through a run of adjacent inputs with the vector unit of Cortex-M55. Only for
// tile_arm.h.
#pragma once
// clang-format off

// The next two inputs of pixel x (r4, r5) and of pixel y (r6, r8) by the next sixteen weights.
#define NB_TILE_MVE_TWO_2X8                                                                      \
  "ldrd r4, r5, [%[x]], #8\n\t"                                                             \
  "vldrw.32 q4, [%[w]], #64\n\t"                                                            \
  "ldrd r6, r8, [%[y]], #8\n\t"                                                             \
  "vfma.f32 q0, q4, r4\n\t" "vldrw.32 q5, [%[w], #-48]\n\t"                                 \
  "vfma.f32 q2, q4, r6\n\t" "vldrw.32 q6, [%[w], #-32]\n\t"                                 \
  "vfma.f32 q1, q5, r4\n\t" "vldrw.32 q7, [%[w], #-16]\n\t"                                 \
  "vfma.f32 q3, q5, r6\n\t" "vfma.f32 q0, q6, r5\n\t" "vfma.f32 q2, q6, r8\n\t"             \
  "vfma.f32 q1, q7, r5\n\t" "vfma.f32 q3, q7, r8\n\t"
// Two inputs of pixel x by sixteen weights.
#define NB_TILE_MVE_TWO_1X8(a, b)                                                                \
  "vldrw.32 q4, [%[w]], #64\n\t"                                                            \
  "vfma.f32 q0, q4, " #a "\n\t" "vldrw.32 q5, [%[w], #-48]\n\t"                             \
  "vfma.f32 q1, q5, " #a "\n\t" "vldrw.32 q6, [%[w], #-32]\n\t"                             \
  "vfma.f32 q2, q6, " #b "\n\t" "vldrw.32 q7, [%[w], #-16]\n\t"                             \
  "vfma.f32 q3, q7, " #b "\n\t"
// Loops over the run's whole groups of 2^shift inputs, and over the inputs left.
#define NB_TILE_GROUPS(shift, body)                                                              \
  "ldr %[n], [%[r], #4]\n\t" "asr lr, %[n], #" #shift "\n\t" "wls lr, lr, 3f\n" "2:\n\t"    \
  body "le lr, 2b\n" "3:\n\t"
#define NB_TILE_REST(mask, body)                                                                 \
  "and lr, %[n], #" #mask "\n\t" "wls lr, lr, 5f\n" "4:\n\t" body "le lr, 4b\n" "5:\n\t"

#define NB_TILE_REGISTERS                                                                   \
  "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",   \
  "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25",       \
  "s26", "s27", "s28", "s29", "s30", "s31", "r4", "r5", "r6", "r8", "lr"

#define NB_TILE_RUN_2X8                                                                          \
  NB_TILE_GROUPS(2, NB_TILE_MVE_TWO_2X8 NB_TILE_MVE_TWO_2X8)                                               \
  NB_TILE_REST(3, "ldr r4, [%[x]], #4\n\t" "vldrw.32 q4, [%[w]], #32\n\t" "ldr r6, [%[y]], #4\n\t" \
      "vfma.f32 q0, q4, r4\n\t" "vldrw.32 q5, [%[w], #-16]\n\t" "vfma.f32 q2, q4, r6\n\t"   \
      "vfma.f32 q1, q5, r4\n\t" "vfma.f32 q3, q5, r6\n\t")

// Even inputs are summed in q0 and q1, odd ones in q2 and q3.
#define NB_TILE_BEGIN_1X8 "vmov.i32 q2, #0\n\t" "vmov.i32 q3, #0\n\t"
#define NB_TILE_RUN_1X8                                                                          \
  NB_TILE_GROUPS(2, "ldmia %[x]!, {r4, r5, r6, r8}\n\t" NB_TILE_MVE_TWO_1X8(r4, r5) NB_TILE_MVE_TWO_1X8(r6, r8)) \
  NB_TILE_REST(3, "ldr r4, [%[x]], #4\n\t" "vldrw.32 q4, [%[w]], #32\n\t"                        \
      "vfma.f32 q0, q4, r4\n\t" "vldrw.32 q5, [%[w], #-16]\n\t" "vfma.f32 q1, q5, r4\n\t")
#define NB_TILE_END_1X8 "vadd.f32 q0, q0, q2\n\t" "vadd.f32 q1, q1, q3\n\t"

// Four inputs at a time, the last ones predicated; pointers go back over what was not there.
#define NB_TILE_BEGIN_1X1 "vmov.i32 q0, #0\n\t"
#define NB_TILE_RUN_1X1                                                                          \
  "ldr %[n], [%[r], #4]\n\t" "wlstp.32 lr, %[n], 3f\n" "2:\n\t"                             \
  "vldrw.32 q1, [%[x]], #16\n\t" "vldrw.32 q2, [%[w]], #16\n\t" "vfma.f32 q0, q1, q2\n\t"   \
  "letp lr, 2b\n" "3:\n\t"                                                                  \
  "rsb %[n], %[n], #0\n\t" "and %[n], %[n], #3\n\t"                                         \
  "sub %[x], %[x], %[n], lsl #2\n\t" "sub %[w], %[w], %[n], lsl #2\n\t"
#define NB_TILE_END_1X1 "vadd.f32 s0, s0, s1\n\t" "vadd.f32 s2, s2, s3\n\t" "vadd.f32 s0, s0, s2\n\t"

#define NB_TILE_TAPS(body) "ldr lr, [%[r], #4]\n\t" "dls lr, lr\n" "2:\n\t" body "le lr, 2b\n\t"
#define NB_TILE_TAP_1X8                                                                          \
  "vldrw.32 q4, [%[w]], #32\n\t" "vldrw.32 q6, [%[x]]\n\t"                                  \
  "vfma.f32 q0, q4, q6\n\t" "vldrw.32 q5, [%[w], #-16]\n\t" "vldrw.32 q7, [%[x], #16]\n\t"  \
  "vfma.f32 q1, q5, q7\n\t" "add %[x], %[x], %[step]\n\t"
#define NB_TILE_RUN_DEPTHWISE_2X8                                                                \
  NB_TILE_TAPS(NB_TILE_TAP_1X8 "vldrw.32 q6, [%[y]]\n\t" "vldrw.32 q7, [%[y], #16]\n\t"               \
      "vfma.f32 q2, q4, q6\n\t" "add %[y], %[y], %[step]\n\t" "vfma.f32 q3, q5, q7\n\t")
#define NB_TILE_RUN_DEPTHWISE_1X8 NB_TILE_TAPS(NB_TILE_TAP_1X8)
