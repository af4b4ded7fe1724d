// Convolution whose taps are moved by offsets that come at run time, portable. Weights OHWI.
#pragma once
#include "../core/math_bits.h"
#include "../core/window.h"

namespace nb {

/// in [batch, in.h, in.w, in_channels]; offsets [batch, out.h, out.w, offset_groups, taps, 2 (rows,
/// columns)]; masks the same without the 2, or null: all 1.
struct DeformConv2dF32 {
  int32_t batch;
  Window2d window;
  int32_t in_channels, out_channels;
  int32_t groups, offset_groups;
};

/// The pixel at (y, x), interpolated channel by channel into `values`; pixels outside are 0.
inline void deformed_pixel(const float* image, Size2d size, int32_t channels, float y, float x, int32_t begin,
                           int32_t end, float mask, float* values) {
  for (int32_t c = begin; c < end; ++c) values[c] = 0.0f;
  if (!(y > -1.0f && y < static_cast<float>(size.h) && x > -1.0f && x < static_cast<float>(size.w))) return;
  const float top = floor(y), left = floor(x);
  for (int32_t k = 0; k < 4; ++k) {
    const float row = top + static_cast<float>(k >> 1), column = left + static_cast<float>(k & 1);
    const int32_t iy = static_cast<int32_t>(row), ix = static_cast<int32_t>(column);
    if (iy < 0 || iy >= size.h || ix < 0 || ix >= size.w) continue;
    const float weight = mask * (1.0f - fabs(y - row)) * (1.0f - fabs(x - column));
    const float* pixel = image + (iy * size.w + ix) * channels;
    for (int32_t c = begin; c < end; ++c) values[c] += weight * pixel[c];
  }
}

/// `patch` is scratch of taps * in_channels floats: the moved taps of one output pixel.
NB_NOINLINE inline void deform_conv2d_f32(const DeformConv2dF32& p, const float* in, const float* weights,
                                          const float* offsets, const float* bias, const float* masks,
                                          float* out, float* patch) {
  const Window2d& g = p.window;
  const int32_t taps = g.kernel.h * g.kernel.w, shared = p.in_channels / p.offset_groups;
  const int32_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  for (int32_t n = 0; n < p.batch; ++n, in += g.in.h * g.in.w * p.in_channels)
    for (int32_t y = 0; y < g.out.h; ++y)
      for (int32_t x = 0; x < g.out.w; ++x, out += p.out_channels) {
        for (int32_t s = 0; s < p.offset_groups; ++s)
          for (int32_t t = 0; t < taps; ++t, offsets += 2) {
            const int32_t row = y * g.stride.h - g.pad.h + t / g.kernel.w * g.dilation.h,
                          column = x * g.stride.w - g.pad.w + t % g.kernel.w * g.dilation.w;
            deformed_pixel(in, g.in, p.in_channels, static_cast<float>(row) + offsets[0],
                           static_cast<float>(column) + offsets[1], s * shared, (s + 1) * shared,
                           masks ? *masks++ : 1.0f, patch + t * p.in_channels);
          }
        const float* tap = weights;
        for (int32_t o = 0; o < p.out_channels; ++o) {
          const float* from = patch + o / group_out * group_in;
          float sum = bias ? bias[o] : 0.0f;
          for (int32_t t = 0; t < taps; ++t, from += p.in_channels)
            for (int32_t c = 0; c < group_in; ++c) sum += from[c] * *tap++;
          out[o] = sum;
        }
      }
}

}  // namespace nb
