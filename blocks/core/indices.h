// Indices that come at run time: always brought inside, so that no index reaches beyond its tensor.
#pragma once
#include "nb.h"

namespace nb {

/// A negative index counts from the end; one that still lies outside becomes the nearest that does not.
template <class I>
NB_INLINE int32_t inside(I index, int32_t size) {
  if (index < 0) index = static_cast<I>(index + static_cast<I>(size));
  if (index < 0) return 0;
  return index < static_cast<I>(size) ? static_cast<int32_t>(index) : size - 1;
}

}  // namespace nb
