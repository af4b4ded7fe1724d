// Convolution of int8 images, portable. Weights OHWI, accumulators int32, one scale an output channel.
#pragma once
#include "../core/requantize.h"
#include "../core/window.h"

namespace nb {

/// What a quantized convolution needs beside its tensors. Channels-last, batch 1.
struct Conv2dS8 {
  Window2d window;
  int32_t in_channels, out_channels;
  int32_t groups;
  int32_t in_zero;           ///< zero point of the input; padding has this value
  int32_t out_zero;          ///< zero point of the output
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`.
/// out[y,x,o] = clamp(out_zero + rescale(bias[o] + sum (in - in_zero) * w[o,i,j,c], multiplier[o],
/// shift[o])).
NB_INLINE void conv2d_s8_rows(const Conv2dS8& p, const int8_t* NB_RESTRICT in, int32_t in_row,
                              const int8_t* NB_RESTRICT weights, const int32_t* NB_RESTRICT bias,
                              const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                              int8_t* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x)
      for (int32_t o = 0; o < p.out_channels; ++o) {
        const int32_t first_channel = o / group_out * group_in;
        int32_t sum = bias ? bias[o] : 0;
        for (int32_t i = 0; i < g.kernel.h; ++i) {
          const int32_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h;
          if (iy < 0 || iy >= g.in.h) continue;
          for (int32_t j = 0; j < g.kernel.w; ++j) {
            const int32_t ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
            if (ix < 0 || ix >= g.in.w) continue;
            const int8_t* pixel = in + ((iy - in_row) * g.in.w + ix) * p.in_channels + first_channel;
            const int8_t* tap = weights + ((o * g.kernel.h + i) * g.kernel.w + j) * group_in;
            for (int32_t c = 0; c < group_in; ++c) sum += (pixel[c] - p.in_zero) * tap[c];
          }
        }
        const int32_t scaled = p.out_zero + rescale(sum, multiplier[o], shift[o]);
        *out++ = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
      }
}

/// The whole image.
NB_NOINLINE inline void conv2d_s8(const Conv2dS8& p, const int8_t* in, const int8_t* weights,
                                  const int32_t* bias, const int32_t* multiplier, const int8_t* shift,
                                  int8_t* out) {
  conv2d_s8_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
