// What the compiler and depthwise_conv2d_s16_mve share: parameters, geometry, scratch memory. Freestanding,
// for any machine.
#pragma once
#include "../core/form_s16_mve.h"
#include "layout_mve.h"

namespace nb {

/// A DepthwiseConv2dS8 of int16 whose depth multiplier is 1 and whose numbers are small, and the form of its
/// constants.
struct DepthwiseConv2dS16Mve {
  Window2dShort window;
  uint16_t channels;
  int16_t out_min, out_max;
  uint8_t form;  ///< kTwiceS16Mve..., kInPlaceMve, kFoldsMve
};

/// The image as one of bytes.
constexpr DepthwiseConv2dS8 depthwise_conv2d_s16_mve_bytes(DepthwiseConv2dS8 p) {
  p.in_channels *= 2;
  return p;
}

/// Bytes of scratch of depthwise_conv2d_s16_mve.
constexpr int32_t depthwise_conv2d_s16_mve_scratch_bytes(const DepthwiseConv2dS8& p) {
  return depthwise_conv2d_s8_mve_scratch_bytes(depthwise_conv2d_s16_mve_bytes(p));
}

/// Geometries this kernel computes.
constexpr bool depthwise_conv2d_s16_mve_applies(const DepthwiseConv2dS8& p) {
  return p.depth_multiplier == 1 && depthwise_conv2d_s8_mve_applies(depthwise_conv2d_s16_mve_bytes(p));
}

/// The stream of one block of 8 channels: weights (8 a tap), then biases, multipliers and, with kTwiceS16Mve,
/// shifts; of these those of even channels first.
constexpr int32_t depthwise_conv2d_s16_mve_block_bytes(const DepthwiseConv2dS16Mve& p) {
  return 8 * (p.window.kernel.h * p.window.kernel.w + (p.form & kTwiceS16Mve ? 12 : 8));
}

}  // namespace nb
