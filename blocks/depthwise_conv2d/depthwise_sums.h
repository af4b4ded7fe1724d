// The sums of a depthwise convolution as the portable kernels take them: of one pixel and up to four channels
// that lie side by side.
#pragma once
#include "../core/taps.h"
#include "params_s8.h"

namespace nb {

/// The taps of one output pixel that meet the image, and how far apart they lie, in elements.
struct DepthwisePixel {
  int32_t height, width;
  int32_t first_in, first_weight;  ///< of the first tap, from the input row 0 of memory and the weights
  int32_t in_row, in_step;
  int32_t weight_row, weight_step;
};
NB_INLINE DepthwisePixel depthwise_pixel(const DepthwiseConv2dS8& p, int32_t y, int32_t x, int32_t in_row) {
  const Window2d& g = p.window;
  const int32_t top = y * g.stride.h - g.pad.h, left = x * g.stride.w - g.pad.w;
  const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h),
             columns = taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
  const int32_t weight_step = p.in_channels * p.depth_multiplier;
  return {rows.end - rows.begin,
          columns.end - columns.begin,
          ((top + rows.begin * g.dilation.h - in_row) * g.in.w + left + columns.begin * g.dilation.w) *
              p.in_channels,
          (rows.begin * g.kernel.w + columns.begin) * weight_step,
          g.dilation.h * g.in.w * p.in_channels,
          g.dilation.w * p.in_channels,
          g.kernel.w * weight_step,
          weight_step};
}

/// sums[i] += the products of the taps of channel i of kChannels, 1 or 4; `in` and `weights` point to the
/// first one's first tap. Modulo 2^32.
template <int32_t kChannels, class T>
NB_INLINE void depthwise_sums(const DepthwisePixel& pixel, const T* NB_RESTRICT in, int32_t zero,
                              const int8_t* NB_RESTRICT weights, uint32_t* sums) {
  uint32_t s0 = sums[0], s1 = 0, s2 = 0, s3 = 0;
  if (kChannels > 1) s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const auto product = [&](const T* x, const int8_t* w, int32_t c) {
    return static_cast<uint32_t>((x[c] - zero) * w[c]);
  };
  for (int32_t i = pixel.height; i > 0; --i, in += pixel.in_row, weights += pixel.weight_row) {
    const T* x = in;
    const int8_t* w = weights;
    for (int32_t j = pixel.width; j > 0; --j, x += pixel.in_step, w += pixel.weight_step) {
      s0 += product(x, w, 0);
      if (kChannels == 1) continue;
      s1 += product(x, w, 1);
      s2 += product(x, w, 2);
      s3 += product(x, w, 3);
    }
  }
  sums[0] = s0;
  if (kChannels > 1) sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

/// The same in 64 bits, of int16: by runs of taps whose products fit into 32.
template <int32_t kChannels, class T>
NB_INLINE void depthwise_sums(const DepthwisePixel& pixel, const T* NB_RESTRICT in, int32_t zero,
                              const int8_t* NB_RESTRICT weights, int64_t* sums) {
  DepthwisePixel part = pixel;
  part.height = 1;
  for (int32_t i = pixel.height; i > 0; --i, in += pixel.in_row, weights += pixel.weight_row)
    for (int32_t j = 0; j < pixel.width; j += 256) {
      part.width = min<int32_t>(pixel.width - j, 256);
      uint32_t parts[kChannels] = {};
      depthwise_sums<kChannels>(part, in + j * pixel.in_step, zero, weights + j * pixel.weight_step, parts);
      for (int32_t c = 0; c < kChannels; ++c) sums[c] += static_cast<int32_t>(parts[c]);
    }
}

/// Calls put(output channel, sum) for all channels of a pixel in the output rows [y_begin, y_end), in order
/// but that some may come twice; a pixel begins with start().
template <class Sum, class T, class Start, class Put>
NB_INLINE void depthwise_each(const DepthwiseConv2dS8& p, const T* NB_RESTRICT in, int32_t in_row,
                              const int8_t* NB_RESTRICT weights, int32_t y_begin, int32_t y_end, Start start,
                              Put put) {
  const bool by_four = p.depth_multiplier == 1 && p.in_channels >= 4;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < p.window.out.w; ++x) {
      const DepthwisePixel pixel = depthwise_pixel(p, y, x, in_row);
      start();
      for (int32_t c = 0, o = 0; c < p.in_channels;) {
        Sum sums[4] = {};
        if (by_four) {
          const int32_t first = min(c, p.in_channels - 4);
          depthwise_sums<4>(pixel, in + pixel.first_in + first, p.in_zero,
                            weights + pixel.first_weight + first, sums);
          for (int32_t i = 0; i < 4; ++i) put(first + i, sums[i]);
          c += 4;
          continue;
        }
        depthwise_sums<1>(pixel, in + pixel.first_in + c, p.in_zero, weights + pixel.first_weight + o, sums);
        put(o, sums[0]);
        ++o;
        if (o == (c + 1) * p.depth_multiplier) ++c;
      }
    }
}

}  // namespace nb
