// Columns added up to an image: what overlapping windows hold, put back.
#pragma once
#include "../core/integers.h"

namespace nb {

/// in [images, taps, windows], out [images, image...]; D spatial axes.
template <int D>
struct Col2Im {
  int32_t images;
  int32_t image[D], kernel[D], windows[D], stride[D], dilation[D], pad[D];
};

/// Advances an index within `sizes`; false at the end.
template <int D>
NB_INLINE bool next_place(const int32_t (&sizes)[D], int32_t (&at)[D]) {
  for (int32_t k = D; k-- > 0;) {
    if (++at[k] < sizes[k]) return true;
    at[k] = 0;
  }
  return false;
}

template <class T, int D>
NB_NOINLINE void col2im(const Col2Im<D>& p, const T* in, T* out) {
  int32_t pixels = 1;
  for (int32_t k = 0; k < D; ++k) pixels *= p.image[k];
  for (int32_t n = 0; n < p.images; ++n, out += pixels) {
    for (int32_t i = 0; i < pixels; ++i) out[i] = T(0);
    int32_t tap[D] = {};
    do {
      int32_t window[D] = {};
      do {
        int32_t to = 0;
        bool is_inside = true;
        for (int32_t k = 0; k < D; ++k) {
          const int32_t at = window[k] * p.stride[k] - p.pad[k] + tap[k] * p.dilation[k];
          is_inside = is_inside && at >= 0 && at < p.image[k];
          to = to * p.image[k] + at;
        }
        const T value = *in++;
        if (is_inside)
          out[to] = static_cast<T>(static_cast<Wrapping<T>>(out[to]) + static_cast<Wrapping<T>>(value));
      } while (next_place(p.windows, window));
    } while (next_place(p.kernel, tap));
  }
}

}  // namespace nb
