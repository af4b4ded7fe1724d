// Convolution of float images by tiles, for cores with a floating-point unit. Windows are read where they lie
// in the image, so that no scratch is needed.
#pragma once
#include "../core/taps.h"
#include "../core/tile_f32.h"
#include "conv2d_f32.h"

namespace nb {

/// True where pixels of the output are pixels of the input times a matrix.
constexpr bool is_pointwise(const Window2d& g) {
  return g.kernel.h == 1 && g.kernel.w == 1 && g.stride.h == 1 && g.stride.w == 1 && g.pad.h == 0 &&
         g.pad.w == 0 && g.out.h == g.in.h && g.out.w == g.in.w;
}

/// Adds the products of pixels' windows to `init`. The windows meet the image in `rows` rows of `columns`
/// taps each, the first at `p.in` and `weights`.
template <int32_t kChannels>
NB_NOINLINE inline void conv2d_f32_pixels(const Conv2dF32& p, PixelsF32 pixels, const float* weights,
                                          int32_t rows, int32_t columns) {
  const Window2d& g = p.window;
  const int32_t row_step = g.dilation.h * g.in.w * p.in_channels, row_weights = g.kernel.w * p.in_channels;
  const int32_t length = columns * p.in_channels;
  RunsF32 runs{rows, length, row_step - length, row_weights - length};
  int32_t calls = 1;
  if (rows <= 0 || columns <= 0) {
    runs.count = 0;
  } else if (g.dilation.w > 1) {
    runs = {columns, p.in_channels, (g.dilation.w - 1) * p.in_channels, 0};
    calls = rows;
  }
  for (; calls > 0; --calls) {
    if (kChannels == 1)
      dots_f32(runs, weights, pixels);
    else
      tiles_f32(runs, weights, pixels);
    pixels.in += row_step;
    weights += row_weights * kChannels;
    pixels.init = pixels.out;
    pixels.init_step = pixels.out_step;
  }
}

/// kChannels output channels of the rows [y_begin, y_end), `packed` being their biases and weights.
template <int32_t kChannels>
NB_INLINE void conv2d_f32_channels(const Conv2dF32& p, const float* in, int32_t in_row, const float* packed,
                                   float* out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t reach = g.in.w - 1 - (g.kernel.w - 1) * g.dilation.w + g.pad.w;
  const int32_t inside_begin = (g.pad.w + g.stride.w - 1) / g.stride.w;
  const int32_t inside_end = reach < 0 ? 0 : min(reach / g.stride.w + 1, g.out.w);
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t top = y * g.stride.h - g.pad.h;
    const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h);
    const float* row = in + (top + rows.begin * g.dilation.h - in_row) * g.in.w * p.in_channels;
    for (int32_t x = 0; x < g.out.w;) {
      const int32_t left = x * g.stride.w - g.pad.w;
      const bool inside = x >= inside_begin && x < inside_end;
      const Taps columns = inside ? Taps{0, g.kernel.w} : taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
      const PixelsF32 pixels{inside ? inside_end - x : 1,
                             row + (left + columns.begin * g.dilation.w) * p.in_channels,
                             g.stride.w * p.in_channels,
                             packed,
                             0,
                             out + x * p.out_channels,
                             p.out_channels};
      conv2d_f32_pixels<kChannels>(
          p, pixels,
          packed + kChannels + (rows.begin * g.kernel.w + columns.begin) * p.in_channels * kChannels,
          rows.end - rows.begin, columns.end - columns.begin);
      x += pixels.count;
    }
    out += g.out.w * p.out_channels;
  }
}

/// Output rows [y_begin, y_end) as conv2d_f32_rows, with the weights and biases that pack_tiles_f32 packed;
/// groups must be 1.
NB_INLINE void conv2d_f32_tiled_rows(const Conv2dF32& p, const float* in, int32_t in_row, const float* packed,
                                     float* out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t pixels = (y_end - y_begin) * g.out.w;
  if (is_pointwise(g)) {
    matrix_f32(in + (y_begin - in_row) * g.in.w * p.in_channels, pixels, p.in_channels, p.out_channels,
               packed, out);
  } else {
    const int32_t inputs = g.kernel.h * g.kernel.w * p.in_channels;
    int32_t o = 0;
    for (; o + kTileChannels <= p.out_channels; o += kTileChannels, packed += (inputs + 1) * kTileChannels)
      conv2d_f32_channels<kTileChannels>(p, in, in_row, packed, out + o, y_begin, y_end);
    for (; o < p.out_channels; ++o, packed += inputs + 1)
      conv2d_f32_channels<1>(p, in, in_row, packed, out + o, y_begin, y_end);
  }
  if (clamps_f32(p.out_min, p.out_max)) clamp_f32(out, pixels * p.out_channels, p.out_min, p.out_max);
}

/// All images, as conv2d_f32.
NB_NOINLINE inline void conv2d_f32_tiled(const Conv2dF32& p, const float* in, const float* packed,
                                         float* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    conv2d_f32_tiled_rows(p, in + n * g.in.h * g.in.w * p.in_channels, 0, packed,
                          out + n * g.out.h * g.out.w * p.out_channels, 0, g.out.h);
}

}  // namespace nb
