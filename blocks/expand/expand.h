// Axes of one element repeat: a strided copy.
#pragma once
#include "../core/strided.h"

namespace nb {

/// The loop nest of the output, contiguous on its side; elements of kBytes bytes.
template <int kBytes, int N>
NB_INLINE void expand(const Copy<N>& p, const void* in, void* out) {
  copy_strided<kBytes>(p, in, out);
}

}  // namespace nb
