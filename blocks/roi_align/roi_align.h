// Regions of an image resampled to bins, portable.
#pragma once
#include "../core/indices.h"
#include "../core/math_bits.h"

namespace nb {

/// in [images, height, width, channels]; rois [regions, 4]: left, top, right, bottom; out [regions, bins_h,
/// bins_w, channels].
struct RoiAlign {
  int32_t images, height, width, channels;
  int32_t regions, bins_h, bins_w;
  int32_t sampling;
  bool is_max, half_pixel;
  float scale;
};

/// Two neighbouring pixels along an axis, and how far from the first to the second the sample lies.
struct RoiPair {
  int32_t low, high;
  float part;
};
/// False if x lies outside an axis of `size` pixels by more than one.
inline bool roi_pair(float x, int32_t size, RoiPair* pair) {
  if (!(x >= -1.0f && x <= static_cast<float>(size))) return false;
  const float inside = max(x, 0.0f);
  pair->low = min(static_cast<int32_t>(inside), size - 1);
  pair->high = min(pair->low + 1, size - 1);
  // 0 at the last pixel, by a product: binutils 2.40 takes a conditional vcvt of Armv8.1-M for another
  // instruction.
  pair->part = (inside - static_cast<float>(pair->low)) * static_cast<float>(pair->high - pair->low);
  return true;
}

/// Samples along one axis of a bin; no more than a bin of any sane region has.
inline int32_t roi_samples(int32_t sampling, float bin) {
  constexpr float kMost = 4096.0f;
  if (sampling > 0) return sampling;
  return bin > 0.0f ? static_cast<int32_t>(min(ceil(bin), kMost)) : 0;
}

/// One bin of all channels; `top` and `left` are its corner in pixels.
inline void roi_bin(const RoiAlign& p, const float* image, float top, float left, float bin_h, float bin_w,
                    float* out) {
  const int32_t rows = roi_samples(p.sampling, bin_h), columns = roi_samples(p.sampling, bin_w);
  for (int32_t c = 0; c < p.channels; ++c) out[c] = 0.0f;
  bool is_first = true;
  for (int32_t i = 0; i < rows; ++i)
    for (int32_t j = 0; j < columns; ++j) {
      RoiPair y{}, x{};
      const bool is_inside =
          roi_pair(top + (static_cast<float>(i) + 0.5f) * bin_h / static_cast<float>(rows), p.height, &y) &&
          roi_pair(left + (static_cast<float>(j) + 0.5f) * bin_w / static_cast<float>(columns), p.width, &x);
      const float w[4] = {(1.0f - y.part) * (1.0f - x.part), (1.0f - y.part) * x.part,
                          y.part * (1.0f - x.part), y.part * x.part};
      const float* from[4] = {
          image + (y.low * p.width + x.low) * p.channels, image + (y.low * p.width + x.high) * p.channels,
          image + (y.high * p.width + x.low) * p.channels, image + (y.high * p.width + x.high) * p.channels};
      for (int32_t c = 0; c < p.channels; ++c) {
        float v[4];
        for (int32_t k = 0; k < 4; ++k) v[k] = is_inside ? w[k] * from[k][c] : 0.0f;
        if (p.is_max) {
          const float largest = max(max(v[0], v[1]), max(v[2], v[3]));
          out[c] = is_first ? largest : max(out[c], largest);
        } else {
          out[c] += v[0] + v[1] + v[2] + v[3];
        }
      }
      is_first = false;
    }
  const float count = static_cast<float>(max(rows * columns, int32_t{1}));
  for (int32_t c = 0; c < p.channels && !p.is_max; ++c) out[c] /= count;
}

template <class I>
NB_NOINLINE inline void roi_align(const RoiAlign& p, const float* in, const float* rois, const I* image_of,
                                  float* out) {
  const float offset = p.half_pixel ? 0.5f : 0.0f;
  for (int32_t r = 0; r < p.regions; ++r, rois += 4) {
    const float* image = in + inside(image_of[r], p.images) * p.height * p.width * p.channels;
    const float left = rois[0] * p.scale - offset, top = rois[1] * p.scale - offset;
    float width = rois[2] * p.scale - offset - left, height = rois[3] * p.scale - offset - top;
    if (!p.half_pixel) {
      width = max(width, 1.0f);
      height = max(height, 1.0f);
    }
    const float bin_h = height / static_cast<float>(p.bins_h), bin_w = width / static_cast<float>(p.bins_w);
    for (int32_t i = 0; i < p.bins_h; ++i)
      for (int32_t j = 0; j < p.bins_w; ++j, out += p.channels)
        roi_bin(p, image, top + static_cast<float>(i) * bin_h, left + static_cast<float>(j) * bin_w, bin_h,
                bin_w, out);
  }
}

}  // namespace nb
