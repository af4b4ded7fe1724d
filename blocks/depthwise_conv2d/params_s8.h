// What the quantized depthwise convolutions need beside their tensors.
#pragma once
#include "../core/window.h"

namespace nb {

/// What a quantized depthwise convolution needs beside its tensors. Channels-last, batch 1.
/// Output channel c * depth_multiplier + m reads input channel c only.
struct DepthwiseConv2dS8 {
  Window2d window;
  int32_t in_channels, depth_multiplier;
  int32_t in_zero;           ///< zero point of the input; padding has this value
  int32_t out_zero;          ///< zero point of the output
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

}  // namespace nb
