// The windows of a convolution as the kernels for the DSP extension read them: a few runs of adjacent bytes.
// An image of int16 counts as one of bytes with twice the channels, and its padding is 0.
#pragma once
#include "../core/simd_dsp.h"
#include "conv2d_s8.h"

namespace nb {

/// How a window falls into runs of adjacent bytes of the input.
struct RunsDsp {
  int32_t rows, runs_a_row;  ///< runs: kernel rows by runs in each
  int32_t bytes;             ///< of one run
  int32_t words, rest;       ///< bytes / 4, bytes % 4
  int32_t tail_words;        ///< words holding the rests of all runs
};

constexpr RunsDsp window_runs_dsp(const Conv2dS8& p) {
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
constexpr bool window_unpadded_dsp(const Window2d& g) {
  return g.pad.h == 0 && g.pad.w == 0 &&
         (g.out.h - 1) * g.stride.h + (g.kernel.h - 1) * g.dilation.h < g.in.h &&
         (g.out.w - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w < g.in.w;
}

/// True where pixels of the output are pixels of the input times a matrix.
constexpr bool window_pointwise_dsp(const Window2d& g) {
  return g.kernel.h == 1 && g.kernel.w == 1 && g.stride.h == 1 && g.stride.w == 1 && window_unpadded_dsp(g);
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
NB_INLINE void window_row_dsp(BandDsp& b, int32_t y) {
  const Window2d& g = b.p.window;
  b.next.y = y;
  b.next.x = -g.pad.w;
  b.next.at = ((y - b.in_row) * g.in.w - g.pad.w) * b.p.in_channels;
  b.left_in_row = g.out.w;
}

/// Works out the padding left and right of a pixel and fills `patch` with it.
NB_NOINLINE inline void window_pad_dsp(const BandDsp& b, PixelDsp& o, int8_t* patch) {
  const Window2d& g = b.p.window;
  o.before = clamp<int32_t>(-o.x, 0, g.kernel.w) * b.p.in_channels;
  o.after = clamp<int32_t>(o.x + g.kernel.w - g.in.w, 0, g.kernel.w) * b.p.in_channels;
  if (o.before + o.after > 0)
    for (int32_t i = 0; i < b.runs.bytes; i += 4) store4(patch + i, load4(b.zeros));
}

/// The next pixel of a band; `patch` receives padding where the pixel's runs need it.
NB_INLINE PixelDsp window_next_dsp(BandDsp& b, int8_t* patch) {
  const Size2d stride = b.p.window.stride;
  PixelDsp o = b.next;
  o.before = o.after = 0;
  o.inside = o.y >= 0 && o.y < b.reach_h && o.x >= 0 && o.x < b.reach_w;
  if (!o.inside && b.runs.runs_a_row == 1) window_pad_dsp(b, o, patch);
  b.next.x += stride.w;
  b.next.at += stride.w * b.p.in_channels;
  if (--b.left_in_row == 0) window_row_dsp(b, o.y + stride.h);
  return o;
}

/// The bytes of a run: in the input, or put together in `patch` where some are padding, or `zeros`.
NB_NOINLINE inline const int8_t* window_run_dsp(const BandDsp& b, const PixelDsp& o, int32_t row, int32_t run,
                                                int8_t* patch) {
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

}  // namespace nb
