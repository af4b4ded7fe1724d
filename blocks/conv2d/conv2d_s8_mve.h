// Convolution of int8 images for Armv8.1-M with the vector extension (Helium). One group, any window.
#pragma once
#include "../core/copy_mve.h"
#include "../core/taps.h"
#include "layout_mve.h"
#include "pair_s8_mve.h"

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

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `p` and
/// `packed` come from pack_conv2d_s8_mve; `scratch` has conv2d_s8_mve_scratch_bytes(p). Equals conv2d_s8_rows
/// bit for bit.
NB_INLINE void conv2d_s8_mve_rows(const Conv2dS8Mve& p, const int8_t* in, int32_t in_row,
                                  const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                  int8_t* scratch) {
  const auto& g = p.window;
  const bool in_place = (p.form & kInPlaceMve) != 0;
  const int32_t patch_bytes = conv2d_s8_mve_patch_bytes(p), step = g.stride.w * p.in_channels;
  PairMve job;
  start_pair_mve(job, in_place ? g.kernel.h * g.kernel.w * p.in_channels : patch_bytes, p.out_channels,
                 p.out_zero, p.out_min, p.out_max, p.form);
  job.out0 = out;
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
        job.out1 = job.out0 + p.out_channels;
        dot_pair_s8_mve(job, packed);
        job.out0 = job.out1;
      } else {
        job.taps0 = taps;
      }
      waits = !waits;
    }
  }
  if (waits) {
    job.out1 = job.out0;
    dot_pair_s8_mve(job, packed);
  }
}

/// The whole image.
NB_NOINLINE inline void conv2d_s8_mve(const Conv2dS8Mve& p, const int8_t* in, const int8_t* packed,
                                      int8_t* out, int8_t* scratch) {
  conv2d_s8_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
