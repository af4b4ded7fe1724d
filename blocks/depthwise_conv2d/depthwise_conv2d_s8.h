// Depthwise convolution of int8 images, portable. Weights HW(C*mult), accumulators int32, one scale an output
// channel.
#pragma once
#include "../core/requantize.h"
#include "depthwise_sums.h"

namespace nb {

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `bias` may
/// be null. out[y,x,o] = clamp(out_zero + rescale(bias[o] + sum (in - in_zero) * w[i,j,o], multiplier[o],
/// shift[o])).
NB_INLINE void depthwise_conv2d_s8_rows(const DepthwiseConv2dS8& p, const int8_t* NB_RESTRICT in,
                                        int32_t in_row, const int8_t* NB_RESTRICT weights,
                                        const int32_t* NB_RESTRICT bias,
                                        const int32_t* NB_RESTRICT multiplier,
                                        const int8_t* NB_RESTRICT shift, int8_t* NB_RESTRICT out,
                                        int32_t y_begin, int32_t y_end) {
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  out -= out_channels;
  depthwise_each<uint32_t>(
      p, in, in_row, weights, y_begin, y_end, [&] { out += out_channels; },
      [&](int32_t o, uint32_t products) {
        const auto sum = static_cast<int32_t>(products + (bias ? static_cast<uint32_t>(bias[o]) : 0u));
        const int32_t scaled = p.out_zero + rescale(sum, multiplier[o], shift[o]);
        out[o] = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
      });
}

/// The whole image.
NB_NOINLINE inline void depthwise_conv2d_s8(const DepthwiseConv2dS8& p, const int8_t* in,
                                            const int8_t* weights, const int32_t* bias,
                                            const int32_t* multiplier, const int8_t* shift, int8_t* out) {
  depthwise_conv2d_s8_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
