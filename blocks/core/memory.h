// Copies, and the C library's four memory functions for programs that have no C library.
#pragma once
#include "nb.h"

namespace nb {

/// Copies `size_bytes` bytes; the ranges do not overlap.
NB_INLINE void copy_bytes(void* NB_RESTRICT to, const void* NB_RESTRICT from, size_t size_bytes) {
  __builtin_memcpy(to, from, size_bytes);
}

NB_INLINE void zero_bytes(void* to, size_t size_bytes) { __builtin_memset(to, 0, size_bytes); }

}  // namespace nb
