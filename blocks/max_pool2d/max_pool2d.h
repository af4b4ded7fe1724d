// Maximum over a sliding window, any element type, portable.
#pragma once
#include "../core/integers.h"
#include "../core/taps.h"
#include "../core/window.h"

namespace nb {

/// What a max pool needs beside its tensors. Channels-last; padding never wins.
template <class T>
struct MaxPool2d {
  int32_t batch;
  Window2d window;
  int32_t channels;
  T out_min, out_max;  ///< the fused activation, in output units
};

/// Output rows [y_begin, y_end) of one image. `in` points at input row `in_row`, `out` at output row
/// `y_begin`. Channels run innermost: the maxima so far are kept in `out`.
template <class T>
NB_INLINE void max_pool2d_rows(const MaxPool2d<T>& p, const T* NB_RESTRICT in, int32_t in_row,
                               T* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t top = y * g.stride.h - g.pad.h;
    const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h);
    for (int32_t x = 0; x < g.out.w; ++x, out += p.channels) {
      const int32_t left = x * g.stride.w - g.pad.w;
      const Taps columns = taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
      for (int32_t c = 0; c < p.channels; ++c) out[c] = lowest_of<T>();
      for (int32_t i = rows.begin; i < rows.end; ++i)
        for (int32_t j = columns.begin; j < columns.end; ++j) {
          const T* pixel =
              in + ((top + i * g.dilation.h - in_row) * g.in.w + left + j * g.dilation.w) * p.channels;
          for (int32_t c = 0; c < p.channels; ++c) out[c] = max(out[c], pixel[c]);
        }
      for (int32_t c = 0; c < p.channels; ++c) out[c] = clamp(out[c], p.out_min, p.out_max);
    }
  }
}

/// All images.
template <class T>
NB_NOINLINE inline void max_pool2d(const MaxPool2d<T>& p, const T* in, T* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    max_pool2d_rows(p, in + n * g.in.h * g.in.w * p.channels, 0, out + n * g.out.h * g.out.w * p.channels, 0,
                    g.out.h);
}

}  // namespace nb
