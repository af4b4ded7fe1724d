// What the compiler and depthwise_conv2d_s8_mve share: parameters, geometry, scratch memory. Freestanding,
// for any machine.
#pragma once
#include "../core/form_mve.h"
#include "../core/window.h"
#include "params_s8.h"

namespace nb {

/// A DepthwiseConv2dS8 whose numbers are small, and the form of its constants.
struct DepthwiseConv2dS8Mve {
  Window2dShort window;
  uint16_t in_channels, depth_multiplier;
  int8_t in_zero, out_zero, out_min, out_max;
  uint8_t form;  ///< kTiesMve..., kInPlaceMve, kFoldsMve, kGathersMve
};

/// Input columns that the output columns of a row reach, from -pad.w on.
template <class Window>
constexpr int32_t depthwise_conv2d_s8_mve_reach(const Window& g) {
  return (g.out.w - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w + 1;
}

/// An image one column wide, computed as one row: the window then slides along memory. Other geometries stay.
constexpr DepthwiseConv2dS8 depthwise_conv2d_s8_mve_turned(DepthwiseConv2dS8 p) {
  Window2d& g = p.window;
  if (g.in.w == 1 && g.out.w == 1 && g.kernel.w == 1 && g.pad.w == 0)
    g = {{1, g.in.h}, {1, g.out.h}, {1, g.kernel.h}, {1, g.stride.h}, {0, g.pad.h}, {1, g.dilation.h}};
  return p;
}

/// True where 16 lanes hold several neighbouring pixels of a few channels.
constexpr bool depthwise_conv2d_s8_mve_folds(const DepthwiseConv2dS8& p) {
  return p.depth_multiplier == 1 && p.window.stride.w == 1 && p.in_channels < 16 && 16 % p.in_channels == 0;
}

/// True where rows are read in the input itself, not in padded copies.
constexpr bool depthwise_conv2d_s8_mve_in_place(const DepthwiseConv2dS8& p) {
  const Window2d& g = p.window;
  return p.in_channels % 16 == 0 && p.depth_multiplier == 1 && g.pad.w <= 0 &&
         depthwise_conv2d_s8_mve_reach(g) - g.pad.w <= g.in.w;
}

/// Bytes of one padded row; a vector may start at its last byte.
template <class Params>
constexpr int32_t depthwise_conv2d_s8_mve_line_bytes(const Params& p) {
  return (depthwise_conv2d_s8_mve_reach(p.window) * p.in_channels + 31) & ~15;
}

/// True where some kernel row lies above or below the image.
template <class Window>
constexpr bool depthwise_conv2d_s8_mve_leaves(const Window& g) {
  return g.pad.h > 0 || (g.out.h - 1) * g.stride.h + (g.kernel.h - 1) * g.dilation.h - g.pad.h >= g.in.h;
}

/// Rows of the ring of padded rows; in place, the one row of padding where it is needed.
constexpr int32_t depthwise_conv2d_s8_mve_lines(const DepthwiseConv2dS8& p) {
  if (depthwise_conv2d_s8_mve_in_place(p)) return depthwise_conv2d_s8_mve_leaves(p.window) ? 1 : 0;
  return (p.window.kernel.h - 1) * p.window.dilation.h + 1;
}

/// Bytes of scratch of depthwise_conv2d_s8_mve: a pointer a kernel row, and the rows above.
constexpr int32_t depthwise_conv2d_s8_mve_scratch_bytes(const DepthwiseConv2dS8& p) {
  return ((p.window.kernel.h * 4 + 15) & ~15) +
         depthwise_conv2d_s8_mve_lines(p) * depthwise_conv2d_s8_mve_line_bytes(p);
}

/// Geometries this kernel computes.
constexpr bool depthwise_conv2d_s8_mve_applies(const DepthwiseConv2dS8& p) {
  return fits_window_short(p.window) && max(p.in_channels, p.depth_multiplier) <= 65535;
}

/// The stream of one block of 16 channels: offsets of the lanes' inputs where they are gathered (16 bytes),
/// weights (16 a tap), scales of form_mve.h. The lanes of the scales are in the order in which widening
/// leaves them: 0,4,8,12, 2,6,10,14, 1,5,9,13, 3,7,11,15.
constexpr int32_t depthwise_conv2d_s8_mve_block_bytes(const DepthwiseConv2dS8Mve& p) {
  return 16 *
         ((p.form & kGathersMve ? 1 : 0) + p.window.kernel.h * p.window.kernel.w + scale_bytes_mve(p.form));
}

}  // namespace nb
