// How tile_arm.h goes through a run of adjacent inputs with the scalar floating-point unit of Cortex-M4F, M7
// and M33, which loads many registers at once. Only for tile_arm.h.
#pragma once
// clang-format off

// s<a> to s<a+7> += s<x> * (s24 to s31)
#define NB_TILE_VFMA_8(x, a0, a1, a2, a3, a4, a5, a6, a7) \
  "vfma.f32 s" #a0 ", s" #x ", s24\n\t" "vfma.f32 s" #a1 ", s" #x ", s25\n\t" \
  "vfma.f32 s" #a2 ", s" #x ", s26\n\t" "vfma.f32 s" #a3 ", s" #x ", s27\n\t" \
  "vfma.f32 s" #a4 ", s" #x ", s28\n\t" "vfma.f32 s" #a5 ", s" #x ", s29\n\t" \
  "vfma.f32 s" #a6 ", s" #x ", s30\n\t" "vfma.f32 s" #a7 ", s" #x ", s31\n\t"
// s<a> to s<a+7> += (s16 to s23) * (s24 to s31)
#define NB_TILE_VFMA_PAIRS(a0, a1, a2, a3, a4, a5, a6, a7) \
  "vfma.f32 s" #a0 ", s16, s24\n\t" "vfma.f32 s" #a1 ", s17, s25\n\t" \
  "vfma.f32 s" #a2 ", s18, s26\n\t" "vfma.f32 s" #a3 ", s19, s27\n\t" \
  "vfma.f32 s" #a4 ", s20, s28\n\t" "vfma.f32 s" #a5 ", s21, s29\n\t" \
  "vfma.f32 s" #a6 ", s22, s30\n\t" "vfma.f32 s" #a7 ", s23, s31\n\t"
// One input of one pixel, or of two, by the next eight weights.
#define NB_TILE_VFMA_1X8(x) "vldmia %[w]!, {s24-s31}\n\t" NB_TILE_VFMA_8(x, 0, 1, 2, 3, 4, 5, 6, 7)
#define NB_TILE_VFMA_2X8(x, y) NB_TILE_VFMA_1X8(x) NB_TILE_VFMA_8(y, 8, 9, 10, 11, 12, 13, 14, 15)
// Loops over the run's whole groups of 2^shift inputs, and over the inputs left.
#define NB_TILE_GROUPS(shift, body) \
  "ldr %[n], [%[r], #4]\n\t" "asrs %[n], %[n], #" #shift "\n\t" "beq 3f\n" "2:\n\t" \
  body "subs %[n], %[n], #1\n\t" "bne 2b\n" "3:\n\t"
#define NB_TILE_REST(mask, body) \
  "ldr %[n], [%[r], #4]\n\t" "ands %[n], %[n], #" #mask "\n\t" "beq 5f\n" "4:\n\t" \
  body "subs %[n], %[n], #1\n\t" "bne 4b\n" "5:\n\t"

#define NB_TILE_REGISTERS \
  "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", \
  "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", \
  "s26", "s27", "s28", "s29", "s30", "s31"

#define NB_TILE_RUN_2X8 \
  NB_TILE_GROUPS(2, "vldmia %[x]!, {s16-s19}\n\t" "vldmia %[y]!, {s20-s23}\n\t" \
      NB_TILE_VFMA_2X8(16, 20) NB_TILE_VFMA_2X8(17, 21) NB_TILE_VFMA_2X8(18, 22) NB_TILE_VFMA_2X8(19, 23)) \
  NB_TILE_REST(3, "vldmia %[x]!, {s16}\n\t" "vldmia %[y]!, {s20}\n\t" NB_TILE_VFMA_2X8(16, 20))

#define NB_TILE_BEGIN_1X8
#define NB_TILE_RUN_1X8 \
  NB_TILE_GROUPS(3, "vldmia %[x]!, {s16-s23}\n\t" \
      NB_TILE_VFMA_1X8(16) NB_TILE_VFMA_1X8(17) NB_TILE_VFMA_1X8(18) NB_TILE_VFMA_1X8(19) \
      NB_TILE_VFMA_1X8(20) NB_TILE_VFMA_1X8(21) NB_TILE_VFMA_1X8(22) NB_TILE_VFMA_1X8(23)) \
  NB_TILE_REST(7, "vldmia %[x]!, {s16}\n\t" NB_TILE_VFMA_1X8(16))
#define NB_TILE_END_1X8

// Even inputs are summed in s0, odd ones in s1.
#define NB_TILE_BEGIN_1X1 "movs %[n], #0\n\t" "vmov s1, %[n]\n\t"
#define NB_TILE_RUN_1X1 \
  NB_TILE_GROUPS(3, "vldmia %[x]!, {s16-s23}\n\t" "vldmia %[w]!, {s24-s31}\n\t" \
      "vfma.f32 s0, s16, s24\n\t" "vfma.f32 s1, s17, s25\n\t" \
      "vfma.f32 s0, s18, s26\n\t" "vfma.f32 s1, s19, s27\n\t" \
      "vfma.f32 s0, s20, s28\n\t" "vfma.f32 s1, s21, s29\n\t" \
      "vfma.f32 s0, s22, s30\n\t" "vfma.f32 s1, s23, s31\n\t") \
  NB_TILE_REST(7, "vldmia %[x]!, {s16}\n\t" "vldmia %[w]!, {s24}\n\t" "vfma.f32 s0, s16, s24\n\t")
#define NB_TILE_END_1X1 "vadd.f32 s0, s0, s1\n\t"

#define NB_TILE_TAPS(body) \
  "ldr %[n], [%[r], #4]\n" "2:\n\t" body "subs %[n], %[n], #1\n\t" "bne 2b\n\t"
#define NB_TILE_TAP_1X8 \
  "vldmia %[w]!, {s16-s23}\n\t" "vldmia %[x], {s24-s31}\n\t" "add %[x], %[x], %[step]\n\t" \
  NB_TILE_VFMA_PAIRS(0, 1, 2, 3, 4, 5, 6, 7)
#define NB_TILE_RUN_DEPTHWISE_2X8 \
  NB_TILE_TAPS(NB_TILE_TAP_1X8 "vldmia %[y], {s24-s31}\n\t" "add %[y], %[y], %[step]\n\t" \
      NB_TILE_VFMA_PAIRS(8, 9, 10, 11, 12, 13, 14, 15))
#define NB_TILE_RUN_DEPTHWISE_1X8 NB_TILE_TAPS(NB_TILE_TAP_1X8)
