// Convolution of int8 images for cores with the DSP extension: two output pixels at a time against all
// channels. The window of a pixel is a few runs of adjacent bytes, expanded one after the other into a column
// of int16; the bytes by which the runs exceed whole words follow together at the end of the column.
#pragma once
#include "../core/matmul_s8_dsp.h"
#include "windows_dsp.h"

namespace nb {

/// Bytes of scratch, 4-byte aligned: two windows as int16, and where there is padding three runs as int8.
constexpr int32_t conv2d_s8_dsp_scratch_bytes(const Conv2dS8& p) {
  if (window_pointwise_dsp(p.window))
    return max(matmul_s8_dsp_scratch_bytes(p.window.out.h * p.window.out.w, p.in_channels, p.out_channels),
               matmul_s8_dsp_scratch_bytes(1, p.in_channels, p.out_channels));
  const RunsDsp r = window_runs_dsp(p);
  const int32_t columns = 16 * (r.rows * r.runs_a_row * r.words + r.tail_words);
  return columns + 8 * r.tail_words + (window_unpadded_dsp(p.window) ? 0 : 3 * ((r.bytes + 3) / 4 * 4));
}

/// Output rows [y_begin, y_end) as conv2d_s8_rows, with the constants of pack_conv2d_s8_dsp; groups must
/// be 1. The outputs must not overlap the inputs.
NB_NOINLINE inline void conv2d_s8_dsp_rows(const Conv2dS8& p, const int8_t* in, int32_t in_row,
                                           const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                           int8_t* scratch) {
  const Window2d& g = p.window;
  const int32_t pixels = (y_end - y_begin) * g.out.w;
  int8_t* const out_begin = out;
  if (window_pointwise_dsp(g)) {
    matmul_s8_dsp(in + (y_begin - in_row) * g.in.w * p.in_channels, pixels, p.in_channels, p.out_channels,
                  packed, out, scratch);
  } else {
    const RunsDsp r = window_runs_dsp(p);
    uint32_t* const columns = reinterpret_cast<uint32_t*>(scratch);
    int8_t* const tail0 = scratch + 16 * (r.rows * r.runs_a_row * r.words + r.tail_words);
    int8_t* const tail1 = tail0 + 4 * r.tail_words;
    int8_t* const zeros = tail1 + 4 * r.tail_words;
    const int32_t run_room = (r.bytes + 3) & ~3;
    int8_t* const patch0 = zeros + run_room;
    int8_t* const patch1 = patch0 + run_room;
    if (!window_unpadded_dsp(g))
      for (int32_t i = 0; i < run_room; ++i) zeros[i] = static_cast<int8_t>(p.in_zero);
    BandDsp b{p,
              in,
              r,
              in_row,
              g.dilation.h * g.in.w * p.in_channels,
              g.in.h - (g.kernel.h - 1) * g.dilation.h,
              g.in.w - (g.kernel.w - 1) * g.dilation.w,
              zeros,
              {},
              0};
    window_row_dsp(b, y_begin * g.stride.h - g.pad.h);
    MatmulS8Dsp m = matmul_start_dsp(packed, columns, p.out_channels);
    for (int32_t left = pixels; left > 0; left -= 2, out += 2 * p.out_channels) {
      const bool two = left > 1;
      const PixelDsp o0 = window_next_dsp(b, patch0);
      const PixelDsp o1 = two ? window_next_dsp(b, patch1) : o0;
      uint32_t* column = columns;
      int8_t *rest0 = tail0, *rest1 = tail1;
      if (two && o0.inside && o1.inside && r.runs_a_row == 1) {
        const int8_t *from0 = in + o0.at, *from1 = in + o1.at;
        for (int32_t row = r.rows; row > 0; --row, from0 += b.row_step, from1 += b.row_step) {
          column = expand_two_dsp(from0, from1, column, r.words);
          for (int32_t i = 4 * r.words; i < r.bytes; ++i) {
            *rest0++ = from0[i];
            *rest1++ = from1[i];
          }
        }
      } else {
        for (int32_t row = 0; row < r.rows; ++row)
          for (int32_t run = 0; run < r.runs_a_row; ++run) {
            const int8_t* from0 = window_run_dsp(b, o0, row, run, patch0);
            for (int32_t i = 4 * r.words; i < r.bytes; ++i) *rest0++ = from0[i];
            if (two) {
              const int8_t* from1 = window_run_dsp(b, o1, row, run, patch1);
              for (int32_t i = 4 * r.words; i < r.bytes; ++i) *rest1++ = from1[i];
              column = expand_two_dsp(from0, from1, column, r.words);
            } else {
              column = expand_one_dsp(from0, column, r.words);
            }
          }
      }
      if (two) {
        expand_two_dsp(tail0, tail1, column, r.tail_words);
        matmul_two_pixels_dsp(m, packed, p.out_channels, out);
      } else {
        expand_one_dsp(tail0, column, r.tail_words);
        matmul_channels_dsp(m, packed, p.out_channels, out, nullptr);
      }
    }
  }
  if (p.out_min > -128 || p.out_max < 127) clamp_s8(out_begin, pixels * p.out_channels, p.out_min, p.out_max);
}

/// The whole image.
NB_INLINE void conv2d_s8_dsp(const Conv2dS8& p, const int8_t* in, const int8_t* packed, int8_t* out,
                             int8_t* scratch) {
  conv2d_s8_dsp_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
