// Short copies and fills by 16-byte vectors (Helium), for the line and patch buffers of spatial kernels.
#pragma once
#include <arm_mve.h>

#include "nb.h"

namespace nb {

/// Copies `size_bytes`; none if not above 0.
NB_INLINE void copy_mve(int8_t* to, const int8_t* from, int32_t size_bytes) {
  if (size_bytes <= 0) return;
  __asm__ volatile(
      "  dlstp.8 lr, %[n]\n"
      "1:\n"
      "  vldrb.8 q0, [%[from]], #16\n"
      "  vstrb.8 q0, [%[to]], #16\n"
      "  letp lr, 1b\n"
      : [to] "+r"(to), [from] "+r"(from)
      : [n] "r"(size_bytes)
      : "q0", "lr", "cc", "memory");
}

/// Sets `size_bytes` to `value`; none if not above 0.
NB_INLINE void fill_mve(int8_t* to, int32_t value, int32_t size_bytes) {
  if (size_bytes <= 0) return;
  __asm__ volatile(
      "  vdup.8 q0, %[value]\n"
      "  dlstp.8 lr, %[n]\n"
      "1:\n"
      "  vstrb.8 q0, [%[to]], #16\n"
      "  letp lr, 1b\n"
      : [to] "+r"(to)
      : [n] "r"(size_bytes), [value] "r"(value)
      : "q0", "lr", "cc", "memory");
}

/// Copies `count` runs of `run_bytes` (both above 0), their starts `from_step` and `to_step` bytes apart.
NB_INLINE void copy_runs_mve(int8_t* to, int32_t to_step, const int8_t* from, int32_t from_step,
                             int32_t count, int32_t run_bytes) {
  const int32_t passed = (run_bytes + 15) & ~15;
  to_step -= passed;
  from_step -= passed;
  __asm__ volatile(
      "1:\n"
      "  dlstp.8 lr, %[run]\n"
      "2:\n"
      "  vldrb.8 q0, [%[from]], #16\n"
      "  vstrb.8 q0, [%[to]], #16\n"
      "  letp lr, 2b\n"
      "  add %[from], %[from_step]\n"
      "  add %[to], %[to_step]\n"
      "  subs %[count], #1\n"
      "  bne 1b\n"
      : [to] "+r"(to), [from] "+r"(from), [count] "+r"(count)
      : [run] "r"(run_bytes), [from_step] "r"(from_step), [to_step] "r"(to_step)
      : "q0", "lr", "cc", "memory");
}

}  // namespace nb
