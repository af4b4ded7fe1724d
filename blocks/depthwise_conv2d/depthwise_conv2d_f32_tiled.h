// Depthwise convolution of float images by tiles, for cores with a floating-point unit: eight channels of two
// pixels at a time, windows read where they lie in the image.
#pragma once
#include "../core/taps.h"
#include "../core/tile_f32.h"
#include "depthwise_conv2d_f32.h"

namespace nb {

/// The tile of `kPixels` pixels by `kChannels` channels; runs are rows of taps, `tap_step` floats apart.
template <int kPixels, int kChannels>
NB_INLINE void tile_depthwise_f32(const RunsF32& runs, int32_t tap_step, const float* weights,
                                  const PixelsF32& p) {
  float sums[kPixels][kChannels];
  for (int i = 0; i < kPixels; ++i)
    for (int c = 0; c < kChannels; ++c) sums[i][c] = p.init[c];
  const float* in = p.in;
  for (int32_t left = runs.count; left > 0; --left) {
    for (int32_t k = 0; k < runs.length; ++k, weights += kChannels)
      for (int i = 0; i < kPixels; ++i)
        for (int c = 0; c < kChannels; ++c) sums[i][c] += in[k * tap_step + i * p.in_step + c] * weights[c];
    in += runs.length * tap_step + runs.in_skip;
    weights += runs.weight_skip * kChannels;
  }
  for (int i = 0; i < kPixels; ++i)
    for (int c = 0; c < kChannels; ++c) p.out[i * p.out_step + c] = sums[i][c];
}

/// Pixels of kChannels channels.
template <int32_t kChannels>
NB_NOINLINE inline void depthwise_conv2d_f32_pixels(const RunsF32& runs, int32_t tap_step,
                                                    const float* weights, PixelsF32 p) {
#if NB_VFMA
  if (kChannels == kTileChannels) {
    const int32_t step = tap_step * static_cast<int32_t>(sizeof(float));
    for (; p.count >= 2; advance_pixels(p, 2)) tile_2x8_depthwise_vfma(runs, step, weights, p);
    if (p.count > 0) tile_1x8_depthwise_vfma(runs, step, weights, p);
    return;
  }
#endif
  for (; p.count >= 2; advance_pixels(p, 2)) tile_depthwise_f32<2, kChannels>(runs, tap_step, weights, p);
  if (p.count > 0) tile_depthwise_f32<1, kChannels>(runs, tap_step, weights, p);
}

/// kChannels channels of the rows [y_begin, y_end), `packed` being their biases and weights.
template <int32_t kChannels>
NB_INLINE void depthwise_conv2d_f32_channels(const DepthwiseConv2dF32& p, const float* in, int32_t in_row,
                                             const float* packed, float* out, int32_t y_begin,
                                             int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t reach = g.in.w - 1 - (g.kernel.w - 1) * g.dilation.w + g.pad.w;
  const int32_t inside_begin = (g.pad.w + g.stride.w - 1) / g.stride.w;
  const int32_t inside_end = reach < 0 ? 0 : min(reach / g.stride.w + 1, g.out.w);
  const int32_t tap_step = g.dilation.w * p.in_channels;
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t top = y * g.stride.h - g.pad.h;
    const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h);
    const float* row = in + (top + rows.begin * g.dilation.h - in_row) * g.in.w * p.in_channels;
    for (int32_t x = 0; x < g.out.w;) {
      const int32_t left = x * g.stride.w - g.pad.w;
      const bool inside = x >= inside_begin && x < inside_end;
      const Taps taps = inside ? Taps{0, g.kernel.w} : taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
      const int32_t columns = taps.end - taps.begin;
      const PixelsF32 pixels{inside ? inside_end - x : 1,
                             row + (left + taps.begin * g.dilation.w) * p.in_channels,
                             g.stride.w * p.in_channels,
                             packed,
                             0,
                             out + x * p.in_channels,
                             p.in_channels};
      const RunsF32 runs{rows.begin < rows.end && columns > 0 ? rows.end - rows.begin : 0, columns,
                         g.dilation.h * g.in.w * p.in_channels - columns * tap_step, g.kernel.w - columns};
      depthwise_conv2d_f32_pixels<kChannels>(
          runs, tap_step, packed + kChannels + (rows.begin * g.kernel.w + taps.begin) * kChannels, pixels);
      x += pixels.count;
    }
    out += g.out.w * p.in_channels;
  }
}

/// Output rows [y_begin, y_end) as depthwise_conv2d_f32_rows, with the weights and biases that pack_tiles_f32
/// packed; the multiplier must be 1.
NB_INLINE void depthwise_conv2d_f32_tiled_rows(const DepthwiseConv2dF32& p, const float* in, int32_t in_row,
                                               const float* packed, float* out, int32_t y_begin,
                                               int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t inputs = g.kernel.h * g.kernel.w;
  int32_t c = 0;
  for (; c + kTileChannels <= p.in_channels; c += kTileChannels, packed += (inputs + 1) * kTileChannels)
    depthwise_conv2d_f32_channels<kTileChannels>(p, in + c, in_row, packed, out + c, y_begin, y_end);
  for (; c < p.in_channels; ++c, packed += inputs + 1)
    depthwise_conv2d_f32_channels<1>(p, in + c, in_row, packed, out + c, y_begin, y_end);
  if (clamps_f32(p.out_min, p.out_max))
    clamp_f32(out, (y_end - y_begin) * g.out.w * p.in_channels, p.out_min, p.out_max);
}

/// All images, as depthwise_conv2d_f32.
NB_NOINLINE inline void depthwise_conv2d_f32_tiled(const DepthwiseConv2dF32& p, const float* in,
                                                   const float* packed, float* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    depthwise_conv2d_f32_tiled_rows(p, in + n * g.in.h * g.in.w * p.in_channels, 0, packed,
                                    out + n * g.out.h * g.out.w * p.in_channels, 0, g.out.h);
}

}  // namespace nb
