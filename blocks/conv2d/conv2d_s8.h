// Convolution of int8 images, portable. Weights OHWI, accumulators int32, one scale an output channel.
#pragma once
#include "../core/four_dots.h"
#include "../core/requantize.h"
#include "../core/taps.h"
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
  const int32_t taps = g.kernel.h * g.kernel.w * group_in;
  const bool is_run = p.groups == 1 && g.dilation.w == 1;  // taps of a row lie side by side
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x) {
      const int32_t top = y * g.stride.h - g.pad.h, left = x * g.stride.w - g.pad.w;
      const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h),
                 columns = taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
      const int32_t width = columns.end - columns.begin, run = is_run ? width * group_in : group_in;
      for (int32_t group = 0; group < p.groups; ++group, out += group_out)
        for (int32_t from = 0; from < group_out; from += 4) {
          const FourOutputs four = four_outputs(from, group_out);
          uint32_t sums[4] = {};
          for (int32_t i = rows.begin; i < rows.end; ++i) {
            const int8_t* pixel =
                in +
                ((top + i * g.dilation.h - in_row) * g.in.w + left + columns.begin * g.dilation.w) *
                    p.in_channels +
                group * group_in;
            const int8_t* tap =
                weights + group * group_out * taps + (i * g.kernel.w + columns.begin) * group_in;
            for (int32_t j = width; j > 0; j -= is_run ? width : 1) {
              add_dots(pixel, p.in_zero, tap, taps, four, run, sums);
              pixel += g.dilation.w * p.in_channels;
              tap += group_in;
            }
          }
          for (int32_t i = 0; i < four.count; ++i) {
            const int32_t o = group * group_out + four.first + i;
            const auto sum = static_cast<int32_t>(sums[i] + (bias ? static_cast<uint32_t>(bias[o]) : 0u));
            const int32_t scaled = p.out_zero + rescale(sum, multiplier[o], shift[o]);
            out[four.first + i] = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
          }
        }
    }
}

/// The whole image.
NB_NOINLINE inline void conv2d_s8(const Conv2dS8& p, const int8_t* in, const int8_t* weights,
                                  const int32_t* bias, const int32_t* multiplier, const int8_t* shift,
                                  int8_t* out) {
  conv2d_s8_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
