// Convolution of int16 images with int8 weights for Armv8.1-M with the vector extension (Helium). One group,
// any window.
#pragma once
#include "layout_s16_mve.h"
#include "pair_s16_mve.h"
#include "patches_mve.h"

namespace nb {

/// Output rows [y_begin, y_end). `in` points at input row `in_row`, `out` at output row `y_begin`. `p` and
/// `packed` come from pack_conv2d_s16_mve; `scratch` has conv2d_s16_mve_scratch_bytes(p). Equals
/// conv2d_s16_rows bit for bit.
NB_INLINE void conv2d_s16_mve_rows(const Conv2dS16Mve& p, const int16_t* in, int32_t in_row,
                                   const int8_t* packed, int16_t* out, int32_t y_begin, int32_t y_end,
                                   int8_t* scratch) {
  const auto in_bytes = static_cast<uint16_t>(2 * p.in_channels);
  const bool in_place = (p.form & kInPlaceS16Mve) != 0;
  const Conv2dS8Mve bytes{
      p.window, in_bytes, p.out_channels, 0, 0, 0, 0, in_place ? kInPlaceMve : uint8_t{0}};
  const int32_t taps_bytes =
      in_place ? p.window.kernel.h * p.window.kernel.w * in_bytes : conv2d_s8_mve_patch_bytes(bytes);
  PairS16Mve job;
  start_pair_s16_mve(job, taps_bytes >> 1, p.out_channels, p.out_min, p.out_max, p.form);
  job.out0 = reinterpret_cast<int8_t*>(out);
  conv2d_mve_pairs(bytes, job, 2 * p.out_channels, reinterpret_cast<const int8_t*>(in), in_row, y_begin,
                   y_end, scratch, [&] { dot_pair_s16_mve(job, packed); });
}

/// The whole image.
NB_NOINLINE inline void conv2d_s16_mve(const Conv2dS16Mve& p, const int16_t* in, const int8_t* packed,
                                       int16_t* out, int8_t* scratch) {
  conv2d_s16_mve_rows(p, in, 0, packed, out, 0, p.window.out.h, scratch);
}

}  // namespace nb
