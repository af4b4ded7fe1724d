// Maximum over a sliding window of channels-first images, and where it was.
#pragma once
#include "../core/taps.h"

namespace nb {

/// One spatial axis.
struct PoolAxis {
  int32_t in, out, kernel, stride, dilation, pad;
  int32_t step;        ///< of the image, in elements
  int32_t index_step;  ///< of the indices
};
/// in [images, in...], values and indices [images, out...].
template <int D>
struct MaxPoolIndices {
  int32_t images, image_size;
  PoolAxis axes[D];
};

/// The first of the largest; indices count over all images.
template <class T, int D>
NB_NOINLINE void max_pool_indices(const MaxPoolIndices<D>& p, const T* in, T* values, int64_t* indices) {
  for (int32_t n = 0; n < p.images; ++n, in += p.image_size) {
    int32_t place[D] = {};
    for (bool has_place = true; has_place;) {
      Taps taps[D];
      int32_t tap[D], origin[D];
      for (int32_t k = 0; k < D; ++k) {
        const PoolAxis& axis = p.axes[k];
        origin[k] = place[k] * axis.stride - axis.pad;
        taps[k] = taps_inside(origin[k], axis.kernel, axis.dilation, axis.in);
        tap[k] = taps[k].begin;
      }
      bool is_first = true;
      for (bool has_tap = true; has_tap;) {
        int32_t from = 0, index = 0;
        for (int32_t k = 0; k < D; ++k) {
          const int32_t at = origin[k] + tap[k] * p.axes[k].dilation;
          from += at * p.axes[k].step;
          index += at * p.axes[k].index_step;
        }
        if (is_first || in[from] > *values) {
          *values = in[from];
          *indices = static_cast<int64_t>(n) * p.image_size + index;
        }
        is_first = false;
        has_tap = false;
        for (int32_t k = D; k-- > 0 && !has_tap;) {
          has_tap = ++tap[k] < taps[k].end;
          if (!has_tap) tap[k] = taps[k].begin;
        }
      }
      ++values;
      ++indices;
      has_place = false;
      for (int32_t k = D; k-- > 0 && !has_place;) {
        has_place = ++place[k] < p.axes[k].out;
        if (!has_place) place[k] = 0;
      }
    }
  }
}

}  // namespace nb
