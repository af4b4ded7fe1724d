// Depthwise convolution for Armv8.1-M with the vector extension (Helium), by rows of the output: which input
// rows a kernel sees, and padded copies of them where windows leave the image. An image of int16 counts as
// one of bytes with twice the channels.
#pragma once
#include "../core/copy_mve.h"
#include "layout_mve.h"

namespace nb {

/// One row of one block of 16 bytes of channels: `count` vectors of outputs. The code below knows the offsets
/// of the fields.
struct DepthwiseRowMve {
  int8_t low[16];             ///< 0: out_min in all lanes, as bytes
  int8_t high[16];            ///< 16: out_max
  const int8_t* const* rows;  ///< 32: the input rows of the kernel rows
  int32_t kernel_h;           ///< 36
  int32_t pairs, odd;         ///< 40, 44: the taps of a kernel row, by two and the rest
  const int8_t* block;        ///< 48: constants
  int32_t tap_step;           ///< 52: bytes from a tap to the next
  int32_t in_step, out_step;  ///< 56, 60: bytes from a vector to the next
  int32_t offset;             ///< 64: of the first input vector in its rows
  int8_t* out;                ///< 68
  int32_t form;               ///< 72: kTiesMve...
  int32_t out_zero;           ///< 76
  int32_t count;              ///< 80
  int32_t room;               ///< 84: bytes to write of the first vector, if under 16
  int32_t room_step;          ///< 88: less of each next one
};
static_assert(sizeof(void*) != 4 || offsetof(DepthwiseRowMve, room_step) == 88,
              "the assembly below knows the offsets");

using DepthwiseRowFunctionMve = void (*)(const DepthwiseRowMve& job);

/// Output rows [y_begin, y_end) by blocks of 16 bytes of channels, whose constants take `block_bytes`. `job`
/// has its bounds; `scratch` (4-byte aligned) has depthwise_conv2d_s8_mve_scratch_bytes(p).
NB_INLINE void depthwise_mve_rows(const DepthwiseConv2dS8Mve& p, DepthwiseRowMve& job, int32_t block_bytes,
                                  const int8_t* in, int32_t in_row, const int8_t* packed, int8_t* out,
                                  int32_t y_begin, int32_t y_end, int8_t* scratch,
                                  DepthwiseRowFunctionMve row) {
  const auto& g = p.window;
  const int32_t channels = p.in_channels, out_channels = channels * p.depth_multiplier;
  const int32_t in_row_bytes = g.in.w * channels, row_bytes = g.out.w * out_channels;
  const bool in_place = (p.form & kInPlaceMve) != 0, folds = (p.form & kFoldsMve) != 0;
  const int8_t** rows = reinterpret_cast<const int8_t**>(scratch);
  int8_t* lines = scratch + ((g.kernel.h * static_cast<int32_t>(sizeof *rows) + 15) & ~15);
  in -= in_row * in_row_bytes;

  // A padded row: `before` bytes of padding, `copied` of the image from `first` on, then padding.
  const int32_t line_bytes = depthwise_conv2d_s8_mve_line_bytes(p);
  const int32_t reach = depthwise_conv2d_s8_mve_reach(g) * channels;
  const int32_t before = clamp<int32_t>(g.pad.w * channels, 0, reach), first = max(-g.pad.w, 0) * channels;
  const int32_t copied = clamp<int32_t>(reach - before, 0, in_row_bytes - first);
  const int32_t ring = (g.kernel.h - 1) * g.dilation.h + 1;
  in += first;

  job.rows = rows;
  job.kernel_h = g.kernel.h;
  job.pairs = g.kernel.w >> 1;
  job.odd = g.kernel.w & 1;
  job.tap_step = g.dilation.w * channels;
  job.form = p.form & (kTiesMve | kGeneralMve | kWideMve);
  job.out_zero = p.out_zero;
  job.in_step = g.stride.w * channels;
  job.out_step = out_channels;
  job.count = g.out.w;
  job.room_step = 0;
  if (folds) {
    job.in_step = job.out_step = job.room_step = 16;
    job.count = (row_bytes + 15) >> 4;
  }
  int32_t filled =
      y_begin * g.stride.h - g.pad.h;  // input rows before this one are in the ring or not needed
  if (in_place && depthwise_conv2d_s8_mve_leaves(g)) fill_mve(lines, p.in_zero, reach);
  for (int32_t y = y_begin; y < y_end; ++y, out += row_bytes) {
    int32_t iy = y * g.stride.h - g.pad.h;
    if (!in_place) {
      for (filled = max(filled, iy); filled < iy + ring; ++filled) {
        int8_t* line = lines + (filled + g.pad.h) % ring * line_bytes;
        if (filled < 0 || filled >= g.in.h) {
          fill_mve(line, p.in_zero, reach);
        } else {
          fill_mve(line, p.in_zero, before);
          copy_mve(line + before, in + filled * in_row_bytes, copied);
          fill_mve(line + before + copied, p.in_zero, reach - before - copied);
        }
      }
    }
    for (int32_t i = 0; i < g.kernel.h; ++i, iy += g.dilation.h) {
      if (!in_place) {
        rows[i] = lines + (iy + g.pad.h) % ring * line_bytes;
      } else {
        rows[i] = iy < 0 || iy >= g.in.h ? lines : in + iy * in_row_bytes;
      }
    }
    job.block = packed;
    job.offset = 0;
    job.room = folds ? row_bytes : out_channels;
    for (int32_t c = 0; c < out_channels; c += 16) {
      if (p.depth_multiplier != 1) job.offset = c / p.depth_multiplier;
      job.out = out + c;
      row(job);
      job.block += block_bytes;
      job.room -= 16;
      job.offset += 16;
    }
  }
}

}  // namespace nb
