// Transposed convolution of int8 or int16 images with int8 weights, portable.
#pragma once
#include "../core/requantize.h"
#include "conv_transpose2d_f32.h"

namespace nb {

/// What a quantized one needs beside its tensors.
struct ConvTranspose2dQuantized {
  ConvTranspose2dShape shape;
  int32_t in_zero, out_zero;
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// int8 sums in 32 bits round twice, int16 sums in 64 bits round once.
NB_INLINE int32_t conv_transpose2d_rescale(int32_t sum, int32_t multiplier, int32_t shift) {
  return rescale(sum, multiplier, shift);
}
NB_INLINE int32_t conv_transpose2d_rescale(int64_t sum, int32_t multiplier, int32_t shift) {
  return rescale64(sum, multiplier, shift);
}

/// As conv_transpose2d_f32, of integers: each sum is rescaled by multiplier[o] and shift[o]. T, Sum: int8_t,
/// int32_t or int16_t, int64_t; Bias is int32_t or Sum; the bias may be null.
template <class T, class Sum, class Bias>
NB_NOINLINE inline void conv_transpose2d_quantized(const ConvTranspose2dQuantized& p, const T* NB_RESTRICT in,
                                                   const int8_t* NB_RESTRICT weights,
                                                   const Bias* NB_RESTRICT bias,
                                                   const int32_t* NB_RESTRICT multiplier,
                                                   const int8_t* NB_RESTRICT shift, T* NB_RESTRICT out) {
  const int32_t channels = p.shape.in_channels;
  conv_transpose2d_each(p.shape, in, [&](const T* image, int32_t y, int32_t x, int32_t o) {
    Sum sum = bias ? bias[o] : 0;
    conv_transpose2d_taps(p.shape, image, weights, y, x, o, [&](const T* from, const int8_t* w) {
      for (int32_t c = 0; c < channels; ++c) sum += (from[c] - p.in_zero) * w[c];
    });
    const int32_t scaled = p.out_zero + conv_transpose2d_rescale(sum, multiplier[o], shift[o]);
    *out++ = static_cast<T>(clamp(scaled, p.out_min, p.out_max));
  });
}

}  // namespace nb
