// Depthwise convolution of float images, portable. Weights HW(C*mult).
#pragma once
#include "../core/window.h"

namespace nb {

/// What a float depthwise convolution needs beside its tensors. Channels-last.
/// Output channel c * depth_multiplier + m reads input channel c only.
struct DepthwiseConv2dF32 {
  int32_t batch;
  Window2d window;
  int32_t in_channels, depth_multiplier;
  float out_min, out_max;  ///< the fused activation
};

/// Output rows [y_begin, y_end) of one image. `in` points at input row `in_row`, `out` at output row
/// `y_begin`. Channels run innermost: taps are added to a row of sums kept in `out`.
NB_INLINE void depthwise_conv2d_f32_rows(const DepthwiseConv2dF32& p, const float* NB_RESTRICT in,
                                         int32_t in_row, const float* NB_RESTRICT weights,
                                         const float* NB_RESTRICT bias, float* NB_RESTRICT out,
                                         int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x, out += out_channels) {
      for (int32_t o = 0; o < out_channels; ++o) out[o] = bias ? bias[o] : 0.0f;
      for (int32_t i = 0; i < g.kernel.h; ++i) {
        const int32_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h;
        if (iy < 0 || iy >= g.in.h) continue;
        for (int32_t j = 0; j < g.kernel.w; ++j) {
          const int32_t ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
          if (ix < 0 || ix >= g.in.w) continue;
          const float* pixel = in + ((iy - in_row) * g.in.w + ix) * p.in_channels;
          const float* tap = weights + (i * g.kernel.w + j) * out_channels;
          if (p.depth_multiplier == 1) {
            for (int32_t c = 0; c < p.in_channels; ++c) out[c] += pixel[c] * tap[c];
          } else {
            for (int32_t c = 0, o = 0; c < p.in_channels; ++c)
              for (int32_t m = 0; m < p.depth_multiplier; ++m, ++o) out[o] += pixel[c] * tap[o];
          }
        }
      }
      for (int32_t o = 0; o < out_channels; ++o) out[o] = clamp(out[o], p.out_min, p.out_max);
    }
}

/// All images.
NB_NOINLINE inline void depthwise_conv2d_f32(const DepthwiseConv2dF32& p, const float* in,
                                             const float* weights, const float* bias, float* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    depthwise_conv2d_f32_rows(p, in + n * g.in.h * g.in.w * p.in_channels, 0, weights, bias,
                              out + n * g.out.h * g.out.w * p.in_channels * p.depth_multiplier, 0, g.out.h);
}

}  // namespace nb
