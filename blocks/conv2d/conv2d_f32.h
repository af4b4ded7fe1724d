// Convolution of float images, portable. Weights OHWI.
#pragma once
#include "../core/window.h"

namespace nb {

/// What a float convolution needs beside its tensors. Channels-last.
struct Conv2dF32 {
  int32_t batch;
  Window2d window;
  int32_t in_channels, out_channels;
  int32_t groups;
  float out_min, out_max;  ///< the fused activation
};

/// Output rows [y_begin, y_end) of one image. `in` points at input row `in_row`, `out` at output row
/// `y_begin`.
NB_INLINE void conv2d_f32_rows(const Conv2dF32& p, const float* NB_RESTRICT in, int32_t in_row,
                               const float* NB_RESTRICT weights, const float* NB_RESTRICT bias,
                               float* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x)
      for (int32_t o = 0; o < p.out_channels; ++o) {
        const int32_t first_channel = o / group_out * group_in;
        float sum = bias ? bias[o] : 0.0f;
        for (int32_t i = 0; i < g.kernel.h; ++i) {
          const int32_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h;
          if (iy < 0 || iy >= g.in.h) continue;
          for (int32_t j = 0; j < g.kernel.w; ++j) {
            const int32_t ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
            if (ix < 0 || ix >= g.in.w) continue;
            const float* pixel = in + ((iy - in_row) * g.in.w + ix) * p.in_channels + first_channel;
            const float* tap = weights + ((o * g.kernel.h + i) * g.kernel.w + j) * group_in;
            for (int32_t c = 0; c < group_in; ++c) sum += pixel[c] * tap[c];
          }
        }
        *out++ = clamp(sum, p.out_min, p.out_max);
      }
}

/// All images: in [batch, in.h, in.w, in_channels], out [batch, out.h, out.w, out_channels].
NB_NOINLINE inline void conv2d_f32(const Conv2dF32& p, const float* in, const float* weights,
                                   const float* bias, float* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    conv2d_f32_rows(p, in + n * g.in.h * g.in.w * p.in_channels, 0, weights, bias,
                    out + n * g.out.h * g.out.w * p.out_channels, 0, g.out.h);
}

}  // namespace nb
