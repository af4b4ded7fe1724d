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
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) sums[i][c] = p.init[c];
  const float* in = p.in;
  for (int32_t left = runs.count; left > 0; --left) {
    for (int32_t k = 0; k < runs.length; ++k, weights += kChannels)
#pragma GCC unroll 4
      for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
        for (int c = 0; c < kChannels; ++c) sums[i][c] += in[k * tap_step + i * p.in_step + c] * weights[c];
    in += runs.length * tap_step + runs.in_skip;
    weights += runs.weight_skip * kChannels;
  }
#pragma GCC unroll 4
  for (int i = 0; i < kPixels; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) p.out[i * p.out_step + c] = sums[i][c];
}

/// Eight channels of pixels.
NB_INLINE void tiles_depthwise_f32(const RunsF32& runs, int32_t tap_step, const float* weights, PixelsF32 p) {
#if NB_TILE_ARM
  const int32_t step = tap_step * static_cast<int32_t>(sizeof(float));
  for (; p.count >= 2; advance_pixels(p, 2)) tile_2x8_depthwise_arm(runs, step, weights, p);
  if (p.count > 0) tile_1x8_depthwise_arm(runs, step, weights, p);
#else
#if NB_TILE_X86
  if (has_avx2()) return tiles_depthwise_avx2<1>(runs, tap_step, weights, 0, p);
#endif
  for (; p.count >= 2; advance_pixels(p, 2)) tile_depthwise_f32<2, kTileChannels>(runs, tap_step, weights, p);
  if (p.count > 0) tile_depthwise_f32<1, kTileChannels>(runs, tap_step, weights, p);
#endif
}

/// All channels of pixels whose windows meet the image in the same taps, the first of them tap `first` of the
/// kernel's `taps`. `pixels` are those of channel 0; `pixels.init` is what pack_tiles_f32 packed.
NB_NOINLINE inline void depthwise_conv2d_f32_pixels(const RunsF32& runs, int32_t tap_step, int32_t first,
                                                    int32_t taps, int32_t channels, PixelsF32 pixels) {
#if NB_TILE_X86
  const int32_t block_step = (taps + 1) * kTileChannels;
  for (; channels >= 4 * kTileChannels && has_avx2(); channels -= 4 * kTileChannels) {
    tiles_depthwise_avx2<4>(runs, tap_step, pixels.init + (first + 1) * kTileChannels, block_step, pixels);
    pixels.in += 4 * kTileChannels;
    pixels.out += 4 * kTileChannels;
    pixels.init += 4 * block_step;
  }
#endif
  for (; channels >= kTileChannels; channels -= kTileChannels) {
    tiles_depthwise_f32(runs, tap_step, pixels.init + (first + 1) * kTileChannels, pixels);
    pixels.in += kTileChannels;
    pixels.out += kTileChannels;
    pixels.init += (taps + 1) * kTileChannels;
  }
  for (; channels > 0; --channels) {
    for (PixelsF32 p = pixels; p.count > 0; advance_pixels(p, 1))
      tile_depthwise_f32<1, 1>(runs, tap_step, pixels.init + first + 1, p);
    ++pixels.in;
    ++pixels.out;
    pixels.init += taps + 1;
  }
}

/// Output rows [y_begin, y_end) as depthwise_conv2d_f32_rows, with the weights and biases that pack_tiles_f32
/// packed; the multiplier must be 1.
NB_INLINE void depthwise_conv2d_f32_tiled_rows(const DepthwiseConv2dF32& p, const float* in, int32_t in_row,
                                               const float* packed, float* out, int32_t y_begin,
                                               int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t reach = g.in.w - 1 - (g.kernel.w - 1) * g.dilation.w + g.pad.w;
  const int32_t inside_begin = (g.pad.w + g.stride.w - 1) / g.stride.w;
  const int32_t inside_end = reach < 0 ? 0 : min(reach / g.stride.w + 1, g.out.w);
  const int32_t tap_step = g.dilation.w * p.in_channels;
  float* const out_begin = out;
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t top = y * g.stride.h - g.pad.h;
    const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h);
    const float* row = in + (top + rows.begin * g.dilation.h - in_row) * g.in.w * p.in_channels;
    for (int32_t x = 0; x < g.out.w;) {
      const int32_t left = x * g.stride.w - g.pad.w;
      const bool inside = x >= inside_begin && x < inside_end;
      const Taps taps = inside ? Taps{0, g.kernel.w} : taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
      const int32_t columns = taps.end - taps.begin, count = inside ? inside_end - x : 1;
      const PixelsF32 pixels{count,
                             row + (left + taps.begin * g.dilation.w) * p.in_channels,
                             g.stride.w * p.in_channels,
                             packed,
                             0,
                             out,
                             p.in_channels};
      const RunsF32 runs{rows.begin < rows.end && columns > 0 ? rows.end - rows.begin : 0, columns,
                         g.dilation.h * g.in.w * p.in_channels - columns * tap_step, g.kernel.w - columns};
      depthwise_conv2d_f32_pixels(runs, tap_step, rows.begin * g.kernel.w + taps.begin,
                                  g.kernel.h * g.kernel.w, p.in_channels, pixels);
      x += count;
      out += count * p.in_channels;
    }
  }
  if (clamps_f32(p.out_min, p.out_max))
    clamp_f32(out_begin, static_cast<int32_t>(out - out_begin), p.out_min, p.out_max);
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
