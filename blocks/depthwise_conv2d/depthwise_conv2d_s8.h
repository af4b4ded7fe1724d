// Depthwise convolution of int8 images, portable. Weights HW(C*mult), accumulators int32, one scale an output
// channel.
#pragma once
#include "../core/requantize.h"
#include "../core/window.h"

namespace nb {

/// What a quantized depthwise convolution needs beside its tensors. Channels-last, batch 1.
/// Output channel c * depth_multiplier + m reads input channel c only.
struct DepthwiseConv2dS8 {
  Window2d window;
  int32_t in_channels, depth_multiplier;
  int32_t in_zero;           ///< zero point of the input; padding has this value
  int32_t out_zero;          ///< zero point of the output
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `bias` may
/// be null. out[y,x,o] = clamp(out_zero + rescale(bias[o] + sum (in - in_zero) * w[i,j,o], multiplier[o],
/// shift[o])).
NB_INLINE void depthwise_conv2d_s8_rows(const DepthwiseConv2dS8& p, const int8_t* NB_RESTRICT in,
                                        int32_t in_row, const int8_t* NB_RESTRICT weights,
                                        const int32_t* NB_RESTRICT bias,
                                        const int32_t* NB_RESTRICT multiplier,
                                        const int8_t* NB_RESTRICT shift, int8_t* NB_RESTRICT out,
                                        int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x)
      for (int32_t c = 0, o = 0; c < p.in_channels; ++c)
        for (int32_t m = 0; m < p.depth_multiplier; ++m, ++o) {
          int32_t sum = bias ? bias[o] : 0;
          for (int32_t i = 0; i < g.kernel.h; ++i) {
            const int32_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h;
            if (iy < 0 || iy >= g.in.h) continue;
            for (int32_t j = 0; j < g.kernel.w; ++j) {
              const int32_t ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
              if (ix < 0 || ix >= g.in.w) continue;
              const int32_t value = in[((iy - in_row) * g.in.w + ix) * p.in_channels + c];
              sum += (value - p.in_zero) * weights[(i * g.kernel.w + j) * out_channels + o];
            }
          }
          const int32_t scaled = p.out_zero + rescale(sum, multiplier[o], shift[o]);
          *out++ = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
        }
}

/// The whole image.
NB_NOINLINE inline void depthwise_conv2d_s8(const DepthwiseConv2dS8& p, const int8_t* in,
                                            const int8_t* weights, const int32_t* bias,
                                            const int32_t* multiplier, const int8_t* shift, int8_t* out) {
  depthwise_conv2d_s8_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
