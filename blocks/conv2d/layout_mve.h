// What the compiler and conv2d_s8_mve share: geometry, scratch memory. Freestanding, for any machine.
#pragma once
#include "../core/window.h"
#include "conv2d_s8.h"

namespace nb {

/// Bytes of one pixel's patch, padded to whole vectors.
constexpr int32_t conv2d_s8_mve_patch_bytes(const Conv2dS8& p) {
  return (p.window.kernel.h * p.window.kernel.w * p.in_channels + 15) / 16 * 16;
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

/// Bytes of scratch of conv2d_s8_mve: the patches of two pixels and the slack of vector stores.
constexpr int32_t conv2d_s8_mve_scratch_bytes(const Conv2dS8& p) {
  return conv2d_s8_mve_in_place(p) ? 0 : 2 * conv2d_s8_mve_patch_bytes(p) + 16;
}

/// Geometries this kernel computes.
constexpr bool conv2d_s8_mve_applies(const Conv2dS8& p) { return p.groups == 1; }

}  // namespace nb
