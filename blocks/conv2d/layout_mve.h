// What the compiler and conv2d_s8_mve share: parameters, geometry, scratch memory. Freestanding, for any
// machine.
#pragma once
#include "../core/form_mve.h"
#include "../core/window.h"
#include "conv2d_s8.h"

namespace nb {

/// A Conv2dS8 of one group whose numbers are small, and the form of its constants.
struct Conv2dS8Mve {
  Window2dShort window;
  uint16_t in_channels, out_channels;
  int8_t in_zero, out_zero, out_min, out_max;
  uint8_t form;  ///< kTiesMve..., kInPlaceMve
};

/// Bytes of one pixel's patch, padded to whole vectors.
template <class Params>
constexpr int32_t conv2d_s8_mve_patch_bytes(const Params& p) {
  return (p.window.kernel.h * p.window.kernel.w * p.in_channels + 15) & ~15;
}

/// True where the taps of each output pixel are contiguous in the input and never fall outside: no patch is
/// copied.
constexpr bool conv2d_s8_mve_in_place(const Conv2dS8& p) {
  const Window2d& g = p.window;
  const bool inside = g.pad.h == 0 && g.pad.w == 0 &&
                      (g.out.h - 1) * g.stride.h + (g.kernel.h - 1) * g.dilation.h < g.in.h &&
                      (g.out.w - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w < g.in.w;
  const bool one_run = (g.kernel.w == 1 || g.dilation.w == 1) &&
                       (g.kernel.h == 1 || (g.kernel.w == g.in.w && g.dilation.h == 1));
  return inside && one_run;
}

/// Bytes of scratch of conv2d_s8_mve: the patches of two pixels.
constexpr int32_t conv2d_s8_mve_scratch_bytes(const Conv2dS8& p) {
  return conv2d_s8_mve_in_place(p) ? 0 : 2 * conv2d_s8_mve_patch_bytes(p);
}

/// Geometries this kernel computes.
constexpr bool conv2d_s8_mve_applies(const Conv2dS8& p) {
  return p.groups == 1 && fits_window_short(p.window) && max(p.in_channels, p.out_channels) <= 65535;
}

}  // namespace nb
