// Transposed convolution of float images, portable. Weights OHWI, channels of a group.
#pragma once
#include "../core/nb.h"
#include "../core/window.h"

namespace nb {

/// The geometry of a transposed convolution. Input [batch, in.h, in.w, groups * in_channels], output [batch,
/// out.h, out.w, groups * out_channels]. Input pixel i reaches output rows i * stride.h - pad.h + tap *
/// dilation.h; likewise columns.
struct ConvTranspose2dShape {
  Window2d window;
  int32_t batch, groups;
  int32_t in_channels, out_channels;  ///< of one group
};

/// What a float one needs beside its tensors.
struct ConvTranspose2dF32 {
  ConvTranspose2dShape shape;
  float out_min, out_max;  ///< the fused activation
};

/// Calls tap(in, weights) with the channels of one group for each input pixel that reaches output (y, x)
/// through filter `o`. `image` is one image of the batch.
template <class In, class Weight, class Tap>
NB_INLINE void conv_transpose2d_taps(const ConvTranspose2dShape& p, const In* image, const Weight* weights,
                                     int32_t y, int32_t x, int32_t o, Tap tap) {
  const Window2d& w = p.window;
  const int32_t pixel = p.groups * p.in_channels;
  image += o / p.out_channels * p.in_channels;
  weights += o * w.kernel.h * w.kernel.w * p.in_channels;
  for (int32_t i = 0; i < w.kernel.h; ++i) {
    const int32_t row = y + w.pad.h - i * w.dilation.h;
    if (row < 0) break;
    if (row % w.stride.h != 0 || row / w.stride.h >= w.in.h) continue;
    for (int32_t j = 0; j < w.kernel.w; ++j) {
      const int32_t column = x + w.pad.w - j * w.dilation.w;
      if (column < 0) break;
      if (column % w.stride.w != 0 || column / w.stride.w >= w.in.w) continue;
      tap(image + (row / w.stride.h * w.in.w + column / w.stride.w) * pixel,
          weights + (i * w.kernel.w + j) * p.in_channels);
    }
  }
}

/// Calls one(image, y, x, o) for each output in order.
template <class In, class One>
NB_INLINE void conv_transpose2d_each(const ConvTranspose2dShape& p, const In* in, One one) {
  const int32_t image = p.window.in.h * p.window.in.w * p.groups * p.in_channels;
  const int32_t filters = p.groups * p.out_channels;
  for (int32_t n = 0; n < p.batch; ++n, in += image)
    for (int32_t y = 0; y < p.window.out.h; ++y)
      for (int32_t x = 0; x < p.window.out.w; ++x)
        for (int32_t o = 0; o < filters; ++o) one(in, y, x, o);
}

/// out[y,x,o] = clamp(bias[o] + sum of in[i,j,c] * w[o,k,l,c] over i * stride + k * dilation - pad == y,
/// likewise columns). `bias` may be null.
NB_NOINLINE inline void conv_transpose2d_f32(const ConvTranspose2dF32& p, const float* NB_RESTRICT in,
                                             const float* NB_RESTRICT weights, const float* NB_RESTRICT bias,
                                             float* NB_RESTRICT out) {
  const int32_t channels = p.shape.in_channels;
  conv_transpose2d_each(p.shape, in, [&](const float* image, int32_t y, int32_t x, int32_t o) {
    float sum = bias ? bias[o] : 0.0f;
    conv_transpose2d_taps(p.shape, image, weights, y, x, o, [&](const float* from, const float* w) {
      for (int32_t c = 0; c < channels; ++c) sum += from[c] * w[c];
    });
    *out++ = clamp(sum, p.out_min, p.out_max);
  });
}

}  // namespace nb
