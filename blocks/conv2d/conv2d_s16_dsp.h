// Convolution of int16 images with int8 weights for cores with the DSP extension: two output pixels at a time
// against all channels. The window of a pixel is a few runs of adjacent elements, copied one after the other
// into a column; the elements by which the runs exceed whole words follow together at the end of the column.
#pragma once
#include "../core/matmul_s16_dsp.h"
#include "windows_dsp.h"

namespace nb {

/// The image as one of bytes.
constexpr Conv2dS8 conv2d_s16_dsp_bytes(Conv2dS8 p) {
  p.in_channels *= 2;
  return p;
}

/// Words of a column, and bytes of scratch, 4-byte aligned: two windows, and where there is padding three
/// runs.
constexpr int32_t conv2d_s16_dsp_words(const RunsDsp& r) {
  return (r.rows * r.runs_a_row * r.words + r.tail_words + 1) / 2 * 2;
}
constexpr int32_t conv2d_s16_dsp_scratch_bytes(const Conv2dS8& p) {
  if (window_pointwise_dsp(p.window))
    return max(matmul_s16_dsp_scratch_bytes(p.window.out.h * p.window.out.w, p.in_channels),
               matmul_s16_dsp_scratch_bytes(1, p.in_channels));
  const RunsDsp r = window_runs_dsp(conv2d_s16_dsp_bytes(p));
  return 8 * (conv2d_s16_dsp_words(r) + r.tail_words) +
         (window_unpadded_dsp(p.window) ? 0 : 3 * ((r.bytes + 3) / 4 * 4));
}

/// The element by which a run exceeds whole words.
NB_INLINE void take_rest_s16_dsp(const RunsDsp& r, const int8_t* from, int8_t*& rest) {
  if (r.rest == 0) return;
  __builtin_memcpy(rest, from + 4 * r.words, 2);
  rest += 2;
}

/// Output rows [y_begin, y_end) as conv2d_s16_rows, with the constants of pack_conv2d_s16_dsp; groups must
/// be 1. The outputs must not overlap the inputs.
template <class Form>
NB_NOINLINE void conv2d_s16_dsp_rows(const Conv2dS8& p, const int16_t* image, int32_t in_row,
                                     const int8_t* packed, int16_t* out, int32_t y_begin, int32_t y_end,
                                     int8_t* scratch) {
  const Window2d& g = p.window;
  const int32_t pixels = (y_end - y_begin) * g.out.w;
  int16_t* const out_begin = out;
  if (window_pointwise_dsp(g)) {
    matmul_s16_dsp<Form>(image + (y_begin - in_row) * g.in.w * p.in_channels, pixels, p.in_channels,
                         p.out_channels, packed, out, scratch);
  } else {
    const Conv2dS8 bytes = conv2d_s16_dsp_bytes(p);
    const auto* in = reinterpret_cast<const int8_t*>(image);
    const RunsDsp r = window_runs_dsp(bytes);
    auto* const columns = reinterpret_cast<uint32_t*>(scratch);
    int8_t* const tail0 = scratch + 8 * conv2d_s16_dsp_words(r);
    int8_t* const tail1 = tail0 + 4 * r.tail_words;
    int8_t* const zeros = tail1 + 4 * r.tail_words;
    const int32_t run_room = (r.bytes + 3) & ~3;
    int8_t* const patch0 = zeros + run_room;
    int8_t* const patch1 = patch0 + run_room;
    if (!window_unpadded_dsp(g))
      for (int32_t i = 0; i < run_room; ++i) zeros[i] = 0;
    BandDsp b{bytes,
              in,
              r,
              in_row,
              g.dilation.h * g.in.w * bytes.in_channels,
              g.in.h - (g.kernel.h - 1) * g.dilation.h,
              g.in.w - (g.kernel.w - 1) * g.dilation.w,
              zeros,
              {},
              0};
    window_row_dsp(b, y_begin * g.stride.h - g.pad.h);
    for (int32_t left = pixels; left > 0; left -= 2, out += 2 * p.out_channels) {
      const bool two = left > 1;
      const PixelDsp o0 = window_next_dsp(b, patch0);
      const PixelDsp o1 = two ? window_next_dsp(b, patch1) : o0;
      uint32_t* column = columns;
      int8_t *rest0 = tail0, *rest1 = tail1;
      if (two && o0.inside && o1.inside && r.runs_a_row == 1) {
        const int8_t *from0 = in + o0.at, *from1 = in + o1.at;
        for (int32_t row = r.rows; row > 0; --row, from0 += b.row_step, from1 += b.row_step) {
          column = weave_two_dsp(from0, from1, column, r.words);
          take_rest_s16_dsp(r, from0, rest0);
          take_rest_s16_dsp(r, from1, rest1);
        }
      } else {
        for (int32_t row = 0; row < r.rows; ++row)
          for (int32_t run = 0; run < r.runs_a_row; ++run) {
            const int8_t* from0 = window_run_dsp(b, o0, row, run, patch0);
            take_rest_s16_dsp(r, from0, rest0);
            if (two) {
              const int8_t* from1 = window_run_dsp(b, o1, row, run, patch1);
              take_rest_s16_dsp(r, from1, rest1);
              column = weave_two_dsp(from0, from1, column, r.words);
            } else {
              column = copy_one_dsp(from0, column, r.words);
            }
          }
      }
      if (two) {
        weave_two_dsp(tail0, tail1, column, r.tail_words);
        matmul_s16_channels_dsp<Form>(packed, columns, p.out_channels, out, out + p.out_channels);
      } else {
        copy_one_dsp(tail0, column, r.tail_words);
        matmul_s16_channels_dsp<Form>(packed, columns, p.out_channels, out, nullptr);
      }
    }
  }
  clamp_matmul_s16_dsp(out_begin, pixels * p.out_channels, p.out_min, p.out_max, packed);
}

/// The whole image.
template <class Form>
NB_INLINE void conv2d_s16_dsp(const Conv2dS8& p, const int16_t* in, const int8_t* packed, int16_t* out,
                              int8_t* scratch) {
  conv2d_s16_dsp_rows<Form>(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
