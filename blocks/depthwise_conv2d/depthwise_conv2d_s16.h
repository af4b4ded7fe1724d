// Depthwise convolution of int16 images with int8 weights, portable. NHWC, weights HW(C*multiplier).
#pragma once
#include "../core/dot_s16.h"
#include "depthwise_sums.h"

namespace nb {

/// Output rows [y_begin, y_end); `in` points to input row `in_row`. As depthwise_conv2d_s8, of int16; input
/// and output have zero point 0. Bias is int64_t or int32_t and decides how sums are rounded, see
/// rescale_s16; it may be null.
template <class Bias>
NB_INLINE void depthwise_conv2d_s16_rows(const DepthwiseConv2dS8& p, const int16_t* NB_RESTRICT in,
                                         int32_t in_row, const int8_t* NB_RESTRICT weights,
                                         const Bias* NB_RESTRICT bias, const int32_t* NB_RESTRICT multiplier,
                                         const int8_t* NB_RESTRICT shift, int16_t* NB_RESTRICT out,
                                         int32_t y_begin, int32_t y_end) {
  const int32_t out_channels = p.in_channels * p.depth_multiplier;
  using Sum = typename SumS16<Bias>::Type;
  out -= out_channels;
  depthwise_each<Sum>(
      p, in, in_row, weights, y_begin, y_end, [&] { out += out_channels; },
      [&](int32_t o, Sum sum) {
        const int32_t scaled = rescale_s16(sum, bias ? bias[o] : Bias{0}, multiplier[o], shift[o]);
        out[o] = static_cast<int16_t>(clamp(scaled, p.out_min, p.out_max));
      });
}

/// The whole image.
template <class Bias>
NB_NOINLINE inline void depthwise_conv2d_s16(const DepthwiseConv2dS8& p, const int16_t* in,
                                             const int8_t* weights, const Bias* bias,
                                             const int32_t* multiplier, const int8_t* shift, int16_t* out) {
  depthwise_conv2d_s16_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
