// The taps of a convolution's output pixels in one piece each, for the kernels for Helium that take two
// pixels at a time. An image of int16 counts as one of bytes with twice the channels.
#pragma once
#include "../core/copy_mve.h"
#include "../core/taps.h"
#include "layout_mve.h"

namespace nb {

/// Copies the taps of one output pixel to `patch`, padding included: kernel rows [rows.begin, rows.end) meet
/// the image. `from` is where the first of these starts, `left` its column.
NB_INLINE void conv2d_s8_mve_patch(const Conv2dS8Mve& p, Taps rows, const int8_t* from, int32_t left,
                                   int8_t* patch) {
  const auto& g = p.window;
  const int32_t channels = p.in_channels, tap_row = g.kernel.w * channels;
  const int32_t row_step = g.dilation.h * g.in.w * channels, step = g.dilation.w * channels;
  const Taps columns = g.dilation.w == 1
                           ? Taps{max<int32_t>(-left, 0), min<int32_t>(g.in.w - left, g.kernel.w)}
                           : taps_inside(left, g.kernel.w, g.dilation.w, g.in.w);
  const int32_t height = rows.end - rows.begin, width = columns.end - columns.begin;
  if (height != g.kernel.h || width != g.kernel.w) {
    fill_mve(patch, p.in_zero, g.kernel.h * tap_row);
    if (height <= 0 || width <= 0) return;
  }
  patch += rows.begin * tap_row + columns.begin * channels;
  from += columns.begin * step;
  if (g.dilation.w == 1) {
    copy_runs_mve(patch, tap_row, from, row_step, height, width * channels);
  } else {
    for (int32_t i = 0; i < height; ++i)
      copy_runs_mve(patch + i * tap_row, channels, from + i * row_step, step, width, channels);
  }
}

/// Gives the pixels of the output rows [y_begin, y_end) to `dot` in pairs, as the job's taps0, out0 and
/// taps1, out1; a last one alone twice. `in` points at input row `in_row`; pixels of the output are
/// `out_step` bytes apart, the first at the job's out0. `dot` moves out0 and out1 on.
template <class Job, class Dot>
NB_INLINE void conv2d_mve_pairs(const Conv2dS8Mve& p, Job& job, int32_t out_step, const int8_t* in,
                                int32_t in_row, int32_t y_begin, int32_t y_end, int8_t* scratch, Dot dot) {
  const auto& g = p.window;
  const bool in_place = (p.form & kInPlaceMve) != 0;
  const int32_t patch_bytes = conv2d_s8_mve_patch_bytes(p), step = g.stride.w * p.in_channels;
  bool waits = false;  // the first pixel for the second
  for (int32_t y = y_begin; y < y_end; ++y) {
    const int32_t top = y * g.stride.h - g.pad.h;
    const Taps rows = taps_inside(top, g.kernel.h, g.dilation.h, g.in.h);
    const int8_t* from = in + ((top + rows.begin * g.dilation.h - in_row) * g.in.w - g.pad.w) * p.in_channels;
    int32_t left = -g.pad.w;
    for (int32_t x = g.out.w; x > 0; --x, from += step) {
      const int8_t* taps = from;
      if (!in_place) {
        int8_t* patch = waits ? scratch + patch_bytes : scratch;
        conv2d_s8_mve_patch(p, rows, from, left, patch);
        taps = patch;
        left += g.stride.w;
      }
      job.taps1 = taps;
      if (waits) {
        job.out1 = job.out0 + out_step;
        dot();
        job.out0 = job.out1;
      } else {
        job.taps0 = taps;
      }
      waits = !waits;
    }
  }
  if (waits) {
    job.out1 = job.out0;
    dot();
  }
}

}  // namespace nb
