// Mean over a sliding window, float and quantized, portable.
#pragma once
#include "../core/taps.h"
#include "../core/window.h"

namespace nb {

/// What a float average pool needs beside its tensors. Channels-last.
struct AveragePool2dF32 {
  int32_t batch;
  Window2d window;
  int32_t channels;
  bool count_include_pad;  ///< divide by all taps, not by those inside the image
  float out_min, out_max;  ///< the fused activation
};

/// What an integer average pool needs; input and output share their quantization.
struct AveragePool2dInt {
  int32_t batch;
  Window2d window;
  int32_t channels;
  bool count_include_pad;
  int32_t zero;              ///< zero point: what a padding position counts
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// The taps of one output pixel inside the image.
struct PooledTaps {
  int32_t top, left;
  Taps rows, columns;
};
NB_INLINE PooledTaps pooled_taps(const Window2d& g, int32_t y, int32_t x) {
  const int32_t top = y * g.stride.h - g.pad.h, left = x * g.stride.w - g.pad.w;
  return {top, left, taps_inside(top, g.kernel.h, g.dilation.h, g.in.h),
          taps_inside(left, g.kernel.w, g.dilation.w, g.in.w)};
}
NB_INLINE int32_t count_of(const PooledTaps& t) {
  return max<int32_t>(t.rows.end - t.rows.begin, 0) * max<int32_t>(t.columns.end - t.columns.begin, 0);
}

/// Output rows [y_begin, y_end) of one image. `in` points at input row `in_row`, `out` at output row
/// `y_begin`. Channels run innermost: the sums are kept in `out`.
NB_INLINE void average_pool2d_f32_rows(const AveragePool2dF32& p, const float* NB_RESTRICT in, int32_t in_row,
                                       float* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x, out += p.channels) {
      const PooledTaps t = pooled_taps(g, y, x);
      for (int32_t c = 0; c < p.channels; ++c) out[c] = 0;
      for (int32_t i = t.rows.begin; i < t.rows.end; ++i)
        for (int32_t j = t.columns.begin; j < t.columns.end; ++j) {
          const float* pixel =
              in + ((t.top + i * g.dilation.h - in_row) * g.in.w + t.left + j * g.dilation.w) * p.channels;
          for (int32_t c = 0; c < p.channels; ++c) out[c] += pixel[c];
        }
      const auto count = static_cast<float>(p.count_include_pad ? g.kernel.h * g.kernel.w : count_of(t));
      for (int32_t c = 0; c < p.channels; ++c) out[c] = clamp(out[c] / count, p.out_min, p.out_max);
    }
}

/// All images.
NB_NOINLINE inline void average_pool2d_f32(const AveragePool2dF32& p, const float* in, float* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    average_pool2d_f32_rows(p, in + n * g.in.h * g.in.w * p.channels, 0,
                            out + n * g.out.h * g.out.w * p.channels, 0, g.out.h);
}

/// sum / count, ties away from zero; count > 0.
NB_INLINE int32_t rounded_mean(int32_t sum, int32_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/// As average_pool2d_f32_rows, of int8_t or int16_t. Sums are int32: the window's taps times the largest
/// magnitude of T stay below 2^31.
template <class T>
NB_INLINE void average_pool2d_int_rows(const AveragePool2dInt& p, const T* NB_RESTRICT in, int32_t in_row,
                                       T* NB_RESTRICT out, int32_t y_begin, int32_t y_end) {
  const Window2d& g = p.window;
  const int32_t step = g.dilation.w * p.channels, row_step = g.dilation.h * g.in.w * p.channels;
  for (int32_t y = y_begin; y < y_end; ++y)
    for (int32_t x = 0; x < g.out.w; ++x) {
      const PooledTaps t = pooled_taps(g, y, x);
      const int32_t width = t.columns.end - t.columns.begin, inside = count_of(t);
      const int32_t count = p.count_include_pad ? g.kernel.h * g.kernel.w : inside;
      const int32_t padding = (count - inside) * p.zero;
      const T* first = in + ((t.top - in_row) * g.in.w + t.left) * p.channels + t.rows.begin * row_step +
                       t.columns.begin * step;
      for (int32_t c = p.channels; c > 0; --c) {
        int32_t sum = padding;
        const T* row = first++;
        for (int32_t i = t.rows.begin; i < t.rows.end; ++i, row += row_step) {
          const T* at = row;
          for (int32_t j = width; j > 0; --j, at += step) sum += *at;
        }
        *out++ = static_cast<T>(clamp(rounded_mean(sum, count), p.out_min, p.out_max));
      }
    }
}

/// All images.
template <class T>
NB_NOINLINE inline void average_pool2d_int(const AveragePool2dInt& p, const T* in, T* out) {
  const Window2d& g = p.window;
  for (int32_t n = 0; n < p.batch; ++n)
    average_pool2d_int_rows(p, in + n * g.in.h * g.in.w * p.channels, 0,
                            out + n * g.out.h * g.out.w * p.channels, 0, g.out.h);
}

/// What an integer average over whole images needs: one output pixel each.
struct AverageWholeInt {
  int32_t batch, pixels, channels;
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// All images, of int8_t or int16_t.
template <class T>
NB_NOINLINE inline void average_pool2d_int_whole(const AverageWholeInt& p, const T* in, T* out) {
  for (int32_t n = p.batch; n > 0; --n, in += (p.pixels - 1) * p.channels)
    for (int32_t c = p.channels; c > 0; --c) {
      int32_t sum = 0;
      const T* at = in++;
      for (int32_t left = p.pixels; left > 0; --left, at += p.channels) sum += *at;
      *out++ = static_cast<T>(clamp(rounded_mean(sum, p.pixels), p.out_min, p.out_max));
    }
}

}  // namespace nb
