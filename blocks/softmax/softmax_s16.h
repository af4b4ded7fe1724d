// Softmax of int16 along any axis, by the reference kernels' tables and steps, portable.
#pragma once
#include "../core/requantize.h"

namespace nb {

/// What it needs beside its tensors [outer, size, inner]; rows run along `size`, at most 65535 elements. The
/// output's scale is 2^-15, its zero point 0.
struct SoftmaxS16 {
  int32_t outer, size, inner;
  int32_t multiplier, shift;  ///< beta * scale in units of 10 / 65535
};

/// Linear between the 513 values of `table` that stand for int16 arguments 128 apart.
NB_INLINE int16_t interpolate(const int16_t* table, int32_t x) {
  const int16_t* at = table + 256 + (x >> 7);
  const int32_t slope = at[1] - at[0];
  return static_cast<int16_t>(at[0] + ((slope * (x & 127) + 64) >> 7));
}

/// out = softmax(in). `exponentials` is e^x for x from -10 to 0, `reciprocals` 1 / (1 + x) for x from 0 to 1,
/// both in units of 2^-15. `out` may be `in`.
NB_NOINLINE inline void softmax_s16(const SoftmaxS16& p, const int16_t* in, const int16_t* exponentials,
                                    const int16_t* reciprocals, int16_t* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      const int32_t begin = n * p.size * p.inner + j;
      const int16_t* from = in + begin;
      int16_t* to = out + begin;
      int32_t largest = -32768;
      for (int32_t i = 0; i < p.size; ++i) largest = max<int32_t>(largest, from[i * p.inner]);
      int32_t sum = 0;
      for (int32_t i = 0; i < p.size; ++i) {
        const int32_t x = rescale(from[i * p.inner] - largest, p.multiplier, p.shift) + 32767;
        to[i * p.inner] = interpolate(exponentials, clamp<int32_t>(x, -32768, 32767));
        sum += to[i * p.inner];
      }
      if (p.size == 0) continue;
      // The sum is at least 32767: 1 + x with its leading bit at 2^16, x in [0, 1] centred for the table.
      const int32_t zeros = __builtin_clz(static_cast<uint32_t>(sum));
      const auto one_plus =
          static_cast<int32_t>(((static_cast<int64_t>(sum) << (zeros - 1)) + (1 << 13)) >> 14);
      const int32_t reciprocal =
          interpolate(reciprocals, clamp<int32_t>(one_plus - (1 << 15) - (1 << 16), -32768, 32767));
      const int32_t shift = 31 - zeros;
      for (int32_t i = 0; i < p.size; ++i) {
        const int32_t y = (to[i * p.inner] * reciprocal + (1 << (shift - 1))) >> shift;
        to[i * p.inner] = static_cast<int16_t>(clamp<int32_t>(y, 0, 32767));
      }
    }
}

}  // namespace nb
