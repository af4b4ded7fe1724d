// Which taps of a sliding window meet the image, along one axis.
#pragma once
#include "nb.h"

namespace nb {

/// Taps [begin, end) of a window; none if begin >= end.
struct Taps {
  int32_t begin, end;
};

/// The taps i in [0, kernel) whose position origin + i * dilation lies in [0, size).
constexpr Taps taps_inside(int32_t origin, int32_t kernel, int32_t dilation, int32_t size) {
  if (dilation == 1) return {max<int32_t>(-origin, 0), min(size - origin, kernel)};  // no division
  const int32_t begin = origin < 0 ? (dilation - 1 - origin) / dilation : 0;
  const int32_t end = size > origin ? (size - origin + dilation - 1) / dilation : 0;
  return {begin, end < kernel ? end : kernel};
}

}  // namespace nb
