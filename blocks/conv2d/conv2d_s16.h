// Convolution of int16 images with int8 weights, portable. NHWC, weights OHWI.
#pragma once
#include "../core/dot_s16.h"
#include "conv2d_s8.h"

namespace nb {

/// Output rows [y_begin, y_end); `in` points to input row `in_row`. As conv2d_s8, of int16; input and output
/// have zero point 0. Bias is int64_t or int32_t and decides how sums are rounded, see rescale_s16; it may be
/// null.
template <class Bias>
NB_INLINE void conv2d_s16_rows(const Conv2dS8& p, const int16_t* NB_RESTRICT in, int32_t in_row,
                               const int8_t* NB_RESTRICT weights, const Bias* NB_RESTRICT bias,
                               const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                               int16_t* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  const bool is_run = p.groups == 1 && g.dilation.w == 1;  // taps of a row lie side by side
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x) {
      const int32_t left = x * g.stride.w - g.pad.w;
      for (int32_t o = 0; o < p.out_channels; ++o) {
        const int32_t first_channel = o / group_out * group_in;
        int64_t sum = 0;
        for (int32_t i = 0; i < g.kernel.h; ++i) {
          const int32_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h;
          if (iy < 0 || iy >= g.in.h) continue;
          const int16_t* row = in + (iy - in_row) * g.in.w * p.in_channels + first_channel;
          const int8_t* taps = weights + (o * g.kernel.h + i) * g.kernel.w * group_in;
          if (is_run) {
            const int32_t begin = max<int32_t>(0, -left), end = min(g.kernel.w, g.in.w - left);
            if (begin < end)
              sum +=
                  dot_s16(row + (left + begin) * group_in, taps + begin * group_in, (end - begin) * group_in);
            continue;
          }
          for (int32_t j = 0; j < g.kernel.w; ++j) {
            const int32_t ix = left + j * g.dilation.w;
            if (ix >= 0 && ix < g.in.w)
              sum += dot_s16(row + ix * p.in_channels, taps + j * group_in, group_in);
          }
        }
        const int32_t scaled = rescale_s16(sum, bias ? bias[o] : Bias{0}, multiplier[o], shift[o]);
        *out++ = static_cast<int16_t>(clamp(scaled, p.out_min, p.out_max));
      }
    }
}

/// The whole image.
template <class Bias>
NB_NOINLINE inline void conv2d_s16(const Conv2dS8& p, const int16_t* in, const int8_t* weights,
                                   const Bias* bias, const int32_t* multiplier, const int8_t* shift,
                                   int16_t* out) {
  conv2d_s16_rows(p, in, 0, weights, bias, multiplier, shift, out, 0, p.window.out.h);
}

}  // namespace nb
