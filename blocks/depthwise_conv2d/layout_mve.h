// What the compiler and depthwise_conv2d_s8_mve share: geometry, scratch memory, sizes of constants.
// Freestanding, for any machine.
#pragma once
#include "../core/window.h"
#include "depthwise_conv2d_s8.h"

namespace nb {

/// Input columns that the output columns of a row reach, from -pad.w on.
constexpr int32_t depthwise_conv2d_s8_mve_reach(const Window2d& g) {
  return (g.out.w - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w + 1;
}

/// True where an image one column wide is computed as one row: the window slides along memory.
constexpr bool depthwise_conv2d_s8_mve_transposes(const Window2d& g) {
  return g.in.w == 1 && g.out.w == 1 && g.kernel.w == 1 && g.pad.w == 0;
}

/// True where 16 lanes hold several neighbouring pixels of a few channels.
constexpr bool depthwise_conv2d_s8_mve_folds(const DepthwiseConv2dS8& p) {
  const Window2d& g = p.window;
  const int32_t stride = depthwise_conv2d_s8_mve_transposes(g) ? g.stride.h : g.stride.w;
  return p.depth_multiplier == 1 && stride == 1 && p.in_channels < 16 && 16 % p.in_channels == 0;
}

/// The window of output rows [y_begin, y_end) of such an image, as one row.
constexpr Window2d depthwise_conv2d_s8_mve_transposed(const Window2d& g, int32_t y_begin, int32_t y_end) {
  return Window2d{{1, g.in.h},
                  {1, y_end - y_begin},
                  {1, g.kernel.h},
                  {1, g.stride.h},
                  {0, g.pad.h - y_begin * g.stride.h},
                  {1, g.dilation.h}};
}

/// True where rows are read in the input itself, not in padded copies.
constexpr bool depthwise_conv2d_s8_mve_in_place(const DepthwiseConv2dS8& p, const Window2d& g) {
  return p.in_channels % 16 == 0 && p.depth_multiplier == 1 && g.pad.w <= 0 &&
         depthwise_conv2d_s8_mve_reach(g) - g.pad.w <= g.in.w;
}

/// Bytes of one padded row; a vector may start at its last byte.
constexpr int32_t depthwise_conv2d_s8_mve_line_bytes(const DepthwiseConv2dS8& p, const Window2d& g) {
  return (depthwise_conv2d_s8_mve_reach(g) * p.in_channels + 31) / 16 * 16;
}

/// Rows of the ring of padded rows; in place, the one row of padding where it is needed.
constexpr int32_t depthwise_conv2d_s8_mve_lines(const DepthwiseConv2dS8& p, const Window2d& g) {
  if (!depthwise_conv2d_s8_mve_in_place(p, g)) return (g.kernel.h - 1) * g.dilation.h + 1;
  return g.pad.h > 0 || (g.out.h - 1) * g.stride.h + (g.kernel.h - 1) * g.dilation.h - g.pad.h >= g.in.h ? 1
                                                                                                         : 0;
}

/// Bytes of scratch of depthwise_conv2d_s8_mve: a pointer a kernel row, and the rows above.
constexpr int32_t depthwise_conv2d_s8_mve_scratch_bytes(const DepthwiseConv2dS8& p) {
  const Window2d g = depthwise_conv2d_s8_mve_transposes(p.window)
                         ? depthwise_conv2d_s8_mve_transposed(p.window, 0, p.window.out.h)
                         : p.window;
  return (g.kernel.h * 4 + 15) / 16 * 16 +
         depthwise_conv2d_s8_mve_lines(p, g) * depthwise_conv2d_s8_mve_line_bytes(p, g);
}

/// Geometries this kernel computes. The weights must suit too: see pack_mve.h.
constexpr bool depthwise_conv2d_s8_mve_applies(const DepthwiseConv2dS8&) { return true; }

/// The stream of one block of 16 channels: offsets of the lanes' inputs (16 bytes, with a depth multiplier
/// only), biases (64), weights (16 a tap), multipliers (64), shifts (64). The 32-bit constants are in the
/// order in which widening leaves the lanes: 0,4,8,12, 2,6,10,14, 1,5,9,13, 3,7,11,15.
constexpr int32_t depthwise_conv2d_s8_mve_block_bytes(const DepthwiseConv2dS8& p) {
  return (p.depth_multiplier == 1 ? 192 : 208) + 16 * p.window.kernel.h * p.window.kernel.w;
}

}  // namespace nb
