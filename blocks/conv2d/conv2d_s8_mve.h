// Convolution of int8 images for Armv8.1-M with the vector extension (Helium). One group, any window.
#pragma once
#include "layout_mve.h"
#include "pair_s8_mve.h"
#include "patches_mve.h"

namespace nb {

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `p` and
/// `packed` come from pack_conv2d_s8_mve; `scratch` has conv2d_s8_mve_scratch_bytes(p). Equals conv2d_s8_rows
/// bit for bit.
NB_INLINE void conv2d_s8_mve_rows(const Conv2dS8Mve& p, const int8_t* in, int32_t in_row,
                                  const int8_t* packed, int8_t* out, int32_t y_begin, int32_t y_end,
                                  int8_t* scratch) {
  const auto& g = p.window;
  const bool in_place = (p.form & kInPlaceMve) != 0;
  PairMve job;
  start_pair_mve(job, in_place ? g.kernel.h * g.kernel.w * p.in_channels : conv2d_s8_mve_patch_bytes(p),
                 p.out_channels, p.out_zero, p.out_min, p.out_max, p.form);
  job.out0 = out;
  conv2d_mve_pairs(p, job, p.out_channels, in, in_row, y_begin, y_end, scratch,
                   [&] { dot_pair_s8_mve(job, packed); });
}

/// The whole image.
NB_NOINLINE inline void conv2d_s8_mve(const Conv2dS8Mve& p, const int8_t* in, const int8_t* packed,
                                      int8_t* out, int8_t* scratch) {
  conv2d_s8_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
