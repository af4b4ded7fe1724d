// Short copies and fills by 16-byte vectors (Helium), for the line and patch buffers of spatial kernels.
#pragma once
#include <arm_mve.h>

#include "nb.h"

namespace nb {

/// Copies `size_bytes` (any, also 0). Reads no byte more; may write up to 15 bytes past the end of the copy.
NB_INLINE void copy_mve(int8_t* to, const int8_t* from, int32_t size_bytes) {
  __asm__ volatile(
      "  subs %[n], #16\n"
      "  blt 2f\n"
      "1:\n"
      "  vldrb.8 q0, [%[from]], #16\n"
      "  subs %[n], #16\n"
      "  vstrb.8 q0, [%[to]], #16\n"
      "  bge 1b\n"
      "2:\n"
      "  adds %[n], #16\n"
      "  beq 3f\n"
      "  vctp.8 %[n]\n"
      "  vpst\n"
      "  vldrbt.8 q0, [%[from]]\n"
      "  vstrb.8 q0, [%[to]]\n"
      "3:\n"
      : [to] "+r"(to), [from] "+r"(from), [n] "+l"(size_bytes)
      :
      : "q0", "cc", "memory");
}

/// Sets `size_bytes` (any, also 0) to `value`; may write up to 15 bytes more.
NB_INLINE void fill_mve(int8_t* to, int32_t value, int32_t size_bytes) {
  const int8x16_t all = vdupq_n_s8(static_cast<int8_t>(value));
  for (; size_bytes > 0; size_bytes -= 16, to += 16) vstrbq_s8(to, all);
}

}  // namespace nb
