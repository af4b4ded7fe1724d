// One factor and one offset a channel, of integers.
#pragma once
#include "../core/math_bits.h"

namespace nb {

/// The input is [outer, channels, inner].
struct BatchNormQuantized {
  int32_t outer, channels, inner;
  int32_t left_shift;  ///< of the elements: factors have 32 - left_shift bits below the point, 0..15
};

/// floor(x * factor + offset): the factor in the unit above, the offset with 32 bits below the point in two
/// words, half an output step included. Saturated to T.
template <class T>
NB_INLINE T line_output(const BatchNormQuantized& p, T x, int32_t factor, int32_t offset_low,
                        int32_t offset_high) {
  const auto offset = static_cast<int64_t>((static_cast<uint64_t>(static_cast<uint32_t>(offset_high)) << 32) |
                                           static_cast<uint32_t>(offset_low));
  const int64_t y = static_cast<int64_t>(x * (1 << p.left_shift)) * factor + offset;
  constexpr int32_t kMost = sizeof(T) == 1 ? INT8_MAX : INT16_MAX;
  return static_cast<T>(clamp<int32_t>(static_cast<int32_t>(y >> 32), -kMost - 1, kMost));
}

/// `lines`: factor, offset_low, offset_high of each channel. The output may lie exactly on the input.
template <class T>
NB_NOINLINE inline void batch_norm_quantized(const BatchNormQuantized& p, const T* in, const int32_t* lines,
                                             T* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t c = 0; c < p.channels; ++c) {
      const int32_t factor = lines[3 * c], low = lines[3 * c + 1], high = lines[3 * c + 2];
      for (int32_t i = 0; i < p.inner; ++i) *out++ = line_output<T>(p, *in++, factor, low, high);
    }
}

}  // namespace nb
