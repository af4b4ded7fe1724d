// Convolution of int8 images for cores with the DSP extension: two output pixels at a time against all
// channels. The window of a pixel is a few runs of adjacent bytes, expanded one after the other into a column
// of int16; the bytes by which the runs exceed whole words follow together at the end of the column.
#pragma once
#include "../core/matmul_s8_dsp.h"
#include "conv2d_s8.h"

namespace nb {

/// How a window falls into runs of adjacent bytes of the input.
struct RunsDsp {
  int32_t rows, runs_a_row;  ///< runs: kernel rows by runs in each
  int32_t bytes;             ///< of one run
  int32_t words, rest;       ///< bytes / 4, bytes % 4
  int32_t tail_words;        ///< words holding the rests of all runs
};

constexpr RunsDsp conv2d_s8_dsp_runs(const Conv2dS8& p) {
  const bool adjacent = p.window.dilation.w == 1 || p.window.kernel.w == 1;
  RunsDsp r{};
  r.rows = p.window.kernel.h;
  r.runs_a_row = adjacent ? 1 : p.window.kernel.w;
  r.bytes = (adjacent ? p.window.kernel.w : 1) * p.in_channels;
  r.words = r.bytes / 4;
  r.rest = r.bytes % 4;
  r.tail_words = (r.rows * r.runs_a_row * r.rest + 3) / 4;
  return r;
}

/// True where every window is inside the input.
constexpr bool conv2d_s8_dsp_unpadded(const Window2d& g) {
  return g.pad.h == 0 && g.pad.w == 0 &&
         (g.out.h - 1) * g.stride.h + (g.kernel.h - 1) * g.dilation.h < g.in.h &&
         (g.out.w - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w < g.in.w;
}

/// True where pixels of the output are pixels of the input times a matrix.
constexpr bool conv2d_s8_dsp_pointwise(const Window2d& g) {
  return g.kernel.h == 1 && g.kernel.w == 1 && g.stride.h == 1 && g.stride.w == 1 &&
         conv2d_s8_dsp_unpadded(g);
}

/// Bytes of scratch, 4-byte aligned: two windows as int16, and where there is padding three runs as int8.
constexpr int32_t conv2d_s8_dsp_scratch_bytes(const Conv2dS8& p) {
  if (conv2d_s8_dsp_pointwise(p.window))
    return max(matmul_s8_dsp_scratch_bytes(p.window.out.h * p.window.out.w, p.in_channels, p.out_channels),
               matmul_s8_dsp_scratch_bytes(1, p.in_channels, p.out_channels));
  const RunsDsp r = conv2d_s8_dsp_runs(p);
  const int32_t columns = 16 * (r.rows * r.runs_a_row * r.words + r.tail_words);
  return columns + 8 * r.tail_words + (conv2d_s8_dsp_unpadded(p.window) ? 0 : 3 * ((r.bytes + 3) / 4 * 4));
}

/// The window of one output pixel.
struct PixelDsp {
  int32_t y, x;           ///< where it starts, in input pixels
  int32_t at;             ///< the same in bytes from the input's start, negative in the padding
  int32_t before, after;  ///< bytes of padding in a run left and right of the input
  bool inside;            ///< no tap is padding
};

/// A band of output rows in work.
struct BandDsp {
  const Conv2dS8& p;
  const int8_t* in;
  RunsDsp runs;
  int32_t in_row, row_step, reach_h, reach_w;
  const int8_t* zeros;  ///< a run of padding
  PixelDsp next;        ///< the next pixel but for its padding
  int32_t left_in_row;  ///< pixels, with the next one
};

/// Makes the first pixel of the output row whose window starts at input row `y` the next one.
NB_INLINE void conv2d_s8_dsp_row(BandDsp& b, int32_t y) {
  const Window2d& g = b.p.window;
  b.next.y = y;
  b.next.x = -g.pad.w;
  b.next.at = ((y - b.in_row) * g.in.w - g.pad.w) * b.p.in_channels;
  b.left_in_row = g.out.w;
}

/// Works out the padding left and right of a pixel and fills `patch` with it.
NB_NOINLINE inline void conv2d_s8_dsp_pad(const BandDsp& b, PixelDsp& o, int8_t* patch) {
  const Window2d& g = b.p.window;
  o.before = clamp<int32_t>(-o.x, 0, g.kernel.w) * b.p.in_channels;
  o.after = clamp<int32_t>(o.x + g.kernel.w - g.in.w, 0, g.kernel.w) * b.p.in_channels;
  if (o.before + o.after > 0)
    for (int32_t i = 0; i < b.runs.bytes; i += 4) store4(patch + i, load4(b.zeros));
}

/// The next pixel of a band; `patch` receives padding where the pixel's runs need it.
NB_INLINE PixelDsp conv2d_s8_dsp_next(BandDsp& b, int8_t* patch) {
  const Size2d stride = b.p.window.stride;
  PixelDsp o = b.next;
  o.before = o.after = 0;
  o.inside = o.y >= 0 && o.y < b.reach_h && o.x >= 0 && o.x < b.reach_w;
  if (!o.inside && b.runs.runs_a_row == 1) conv2d_s8_dsp_pad(b, o, patch);
  b.next.x += stride.w;
  b.next.at += stride.w * b.p.in_channels;
  if (--b.left_in_row == 0) conv2d_s8_dsp_row(b, o.y + stride.h);
  return o;
}

/// The bytes of a run: in the input, or put together in `patch` where some are padding, or `zeros`.
NB_NOINLINE inline const int8_t* conv2d_s8_dsp_run(const BandDsp& b, const PixelDsp& o, int32_t row,
                                                   int32_t run, int8_t* patch) {
  const Window2d& g = b.p.window;
  if (static_cast<uint32_t>(o.y + row * g.dilation.h) >= static_cast<uint32_t>(g.in.h)) return b.zeros;
  const int8_t* from = b.in + (o.at + row * b.row_step);
  if (b.runs.runs_a_row > 1) {
    const int32_t column = run * g.dilation.w;
    const bool outside = static_cast<uint32_t>(o.x + column) >= static_cast<uint32_t>(g.in.w);
    return outside ? b.zeros : from + column * b.p.in_channels;
  }
  if (o.before + o.after == 0) return from;
  int32_t i = o.before;
  const int32_t end = b.runs.bytes - o.after;
  for (; i + 4 <= end; i += 4) store4(patch + i, load4(from + i));
  for (; i < end; ++i) patch[i] = from[i];
  return patch;
}

/// Output rows [y_begin, y_end) as conv2d_s8_rows, with the constants of pack_conv2d_s8_dsp; groups must
/// be 1. The outputs must not overlap the inputs.
NB_NOINLINE inline void conv2d_s8_dsp_rows(const Conv2dS8& p, const int8_t* in, int32_t in_row,
                                           const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                           int8_t* scratch) {
  const Window2d& g = p.window;
  const int32_t pixels = (y_end - y_begin) * g.out.w;
  int8_t* const out_begin = out;
  if (conv2d_s8_dsp_pointwise(g)) {
    matmul_s8_dsp(in + (y_begin - in_row) * g.in.w * p.in_channels, pixels, p.in_channels, p.out_channels,
                  packed, out, scratch);
  } else {
    const RunsDsp r = conv2d_s8_dsp_runs(p);
    uint32_t* const columns = reinterpret_cast<uint32_t*>(scratch);
    int8_t* const tail0 = scratch + 16 * (r.rows * r.runs_a_row * r.words + r.tail_words);
    int8_t* const tail1 = tail0 + 4 * r.tail_words;
    int8_t* const zeros = tail1 + 4 * r.tail_words;
    const int32_t run_room = (r.bytes + 3) & ~3;
    int8_t* const patch0 = zeros + run_room;
    int8_t* const patch1 = patch0 + run_room;
    if (!conv2d_s8_dsp_unpadded(g))
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
    conv2d_s8_dsp_row(b, y_begin * g.stride.h - g.pad.h);
    MatmulS8Dsp m = matmul_start_dsp(packed, columns, p.out_channels);
    for (int32_t left = pixels; left > 0; left -= 2, out += 2 * p.out_channels) {
      const bool two = left > 1;
      const PixelDsp o0 = conv2d_s8_dsp_next(b, patch0);
      const PixelDsp o1 = two ? conv2d_s8_dsp_next(b, patch1) : o0;
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
            const int8_t* from0 = conv2d_s8_dsp_run(b, o0, row, run, patch0);
            for (int32_t i = 4 * r.words; i < r.bytes; ++i) *rest0++ = from0[i];
            if (two) {
              const int8_t* from1 = conv2d_s8_dsp_run(b, o1, row, run, patch1);
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
