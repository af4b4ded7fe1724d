// Samples of an image at coordinates that come at run time, portable.
#pragma once
#include "../core/math_bits.h"

namespace nb {

/// As SampleMode and SamplePadding of the block.
enum : int32_t { kSampleNearest, kSampleLinear, kSampleCubic };
enum : int32_t { kPadZeros, kPadBorder, kPadReflection };

/// D spatial axes. in [batch, sizes..., channels], grid [batch, points, D] with the innermost axis first,
/// out [batch, points, channels].
template <int D>
struct GridSample {
  int32_t batch, points, channels;
  int32_t sizes[D];
  int32_t mode, padding;
  bool align_corners;
};

/// x mirrored at the ends of [low, high] until it lies inside.
inline float reflect(float x, float low, float high) {
  const float range = high - low;
  if (!(range > 0.0f)) return low;
  const float beyond = x < low ? low - x : x - high;
  if (!(beyond > 0.0f)) return x;
  const float turns = floor(beyond / range);
  const float rest = beyond - turns * range;
  const bool is_even = floor(turns * 0.5f) * 2.0f == turns;
  return (x < low) == is_even ? low + rest : high - rest;
}

/// The pixels along one axis that a sample is made of.
struct SampleTaps {
  int32_t count;
  int32_t index[4];
  float weight[4];
};

/// Of normalized coordinate `x` on an axis of `size` pixels.
inline SampleTaps sample_taps(float x, int32_t size, int32_t mode, int32_t padding, bool align_corners) {
  const float length = static_cast<float>(size);
  const float low = align_corners ? 0.0f : -0.5f, high = align_corners ? length - 1.0f : length - 0.5f;
  float at = align_corners ? (x + 1.0f) * 0.5f * (length - 1.0f) : ((x + 1.0f) * length - 1.0f) * 0.5f;
  if (mode == kSampleNearest) at = rint(at);
  if (padding == kPadBorder && (at < low || at > high)) at = clamp(at, 0.0f, length - 1.0f);
  if (padding == kPadReflection) at = reflect(at, low, high);
  // Far outside all pixels are alike; a NaN is taken as far outside.
  at = at > -4.0f ? min(at, length + 4.0f) : -4.0f;
  const float whole = floor(at), t = at - whole;
  SampleTaps taps{};
  int32_t first = static_cast<int32_t>(whole);
  if (mode == kSampleNearest) {
    taps.count = 1;
    taps.weight[0] = 1.0f;
  } else if (mode == kSampleLinear) {
    taps.count = 2;
    taps.weight[0] = 1.0f - t;
    taps.weight[1] = t;
  } else {
    constexpr float kA = -0.75f;
    taps.count = 4;
    --first;
    for (int32_t k = 0; k < 4; ++k) {
      const float d = fabs(t - static_cast<float>(k - 1));
      taps.weight[k] = d <= 1.0f ? ((kA + 2.0f) * d - (kA + 3.0f)) * d * d + 1.0f
                                 : ((kA * d - 5.0f * kA) * d + 8.0f * kA) * d - 4.0f * kA;
    }
  }
  for (int32_t k = 0; k < taps.count; ++k) {
    int32_t index = first + k;
    if (padding == kPadZeros && (index < 0 || index >= size)) taps.weight[k] = 0.0f;
    if (padding == kPadReflection)
      index = static_cast<int32_t>(reflect(static_cast<float>(index), low, high));
    taps.index[k] = clamp(index, int32_t{0}, size - 1);
  }
  return taps;
}

/// out[n, p, c] = sum over the pixels around grid[n, p] of weight * in[n, pixel, c].
template <int D>
NB_NOINLINE void grid_sample(const GridSample<D>& p, const float* in, const float* grid, float* out) {
  int32_t image = p.channels;
  for (int32_t k = 0; k < D; ++k) image *= p.sizes[k];
  for (int32_t n = 0; n < p.batch; ++n, in += image)
    for (int32_t i = 0; i < p.points; ++i, grid += D, out += p.channels) {
      SampleTaps taps[D];
      for (int32_t k = 0; k < D; ++k)
        taps[k] = sample_taps(grid[D - 1 - k], p.sizes[k], p.mode, p.padding, p.align_corners);
      for (int32_t c = 0; c < p.channels; ++c) out[c] = 0.0f;
      int32_t at[D] = {};
      for (bool has_more = true; has_more;) {
        int32_t pixel = 0;
        float weight = 1.0f;
        for (int32_t k = 0; k < D; ++k) {
          pixel = pixel * p.sizes[k] + taps[k].index[at[k]];
          weight *= taps[k].weight[at[k]];
        }
        const float* from = in + pixel * p.channels;
        if (weight != 0.0f)
          for (int32_t c = 0; c < p.channels; ++c) out[c] += weight * from[c];
        has_more = false;
        for (int32_t k = D; k-- > 0 && !has_more;) {
          has_more = ++at[k] < taps[k].count;
          if (!has_more) at[k] = 0;
        }
      }
    }
}

}  // namespace nb
