// Packs a depthwise convolution's constants into the stream depthwise_conv2d_s8_mve reads. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "../conv2d/conv2d_s8.h"
#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

/// Two products by -128 overflow the 16 bits in which depthwise_conv2d_s8_mve adds two taps: false where a
/// channel has more than one such weight. With a depth multiplier each product is widened, and any weights
/// do. Weights HW(C*mult).
inline bool depthwise_conv2d_s8_mve_weights_apply(const DepthwiseConv2dS8& p,
                                                  std::span<const int8_t> weights) {
  if (p.depth_multiplier != 1) return true;
  std::vector<int8_t> seen(static_cast<size_t>(p.in_channels) * p.depth_multiplier, 0);
  for (size_t k = 0; k < weights.size(); ++k)
    if (weights[k] == -128 && seen[k % seen.size()]++) return false;
  return true;
}

/// Weights HW(C*mult); `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to
/// the left) one an output channel. The stream, to be placed 16-byte aligned: 16 bytes of which the first is
/// nonzero where some shift is positive, then blocks of 16 channels as depthwise_conv2d_s8_mve_block_bytes
/// describes them.
inline std::vector<int8_t> pack_depthwise_conv2d_s8_mve(const DepthwiseConv2dS8& p,
                                                        std::span<const int8_t> weights,
                                                        std::span<const int32_t> bias,
                                                        std::span<const int32_t> multiplier,
                                                        std::span<const int8_t> shift) {
  constexpr int32_t kOrder[16] = {0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15};
  const int32_t channels = p.in_channels * p.depth_multiplier, taps = p.window.kernel.h * p.window.kernel.w;
  const bool folds = depthwise_conv2d_s8_mve_folds(p);
  std::vector<int8_t> stream = stream_head_mve(shift);
  for (int32_t first = 0; first < channels; first += 16) {
    // The channel of a lane, or -1.
    const auto channel = [&](int32_t lane) {
      const int32_t c = folds ? lane % channels : first + lane;
      return c < channels ? c : -1;
    };
    if (p.depth_multiplier != 1)
      for (int32_t lane = 0; lane < 16; ++lane) {
        const int32_t c = channel(lane);
        stream.push_back(
            static_cast<int8_t>(c < 0 ? 0 : c / p.depth_multiplier - first / p.depth_multiplier));
      }
    for (int32_t lane : kOrder) {
      const int32_t c = channel(lane);
      uint32_t folded = c >= 0 && !bias.empty() ? static_cast<uint32_t>(bias[c]) : 0u;
      for (int32_t t = 0; c >= 0 && t < taps; ++t)
        folded -= static_cast<uint32_t>(p.in_zero * weights[static_cast<size_t>(t) * channels + c]);
      append_s32(stream, static_cast<int32_t>(folded));
    }
    for (int32_t t = 0; t < taps; ++t)
      for (int32_t lane = 0; lane < 16; ++lane)
        stream.push_back(channel(lane) < 0 ? 0 : weights[static_cast<size_t>(t) * channels + channel(lane)]);
    for (int32_t lane : kOrder) append_s32(stream, channel(lane) < 0 ? 0 : multiplier[channel(lane)]);
    for (int32_t lane : kOrder) append_s32(stream, channel(lane) < 0 ? 0 : shift[channel(lane)]);
  }
  return stream;
}

/// With one input channel a depthwise convolution is a convolution, and mostly faster as that on this
/// machine.
inline Conv2dS8 depthwise_as_conv2d_s8(const DepthwiseConv2dS8& p) {
  return Conv2dS8{p.window,  p.in_channels, p.in_channels * p.depth_multiplier, 1, p.in_zero, p.out_zero,
                  p.out_min, p.out_max};
}

/// Its weights, from HWO (one input channel) to OHWI.
inline std::vector<int8_t> depthwise_weights_as_conv2d_s8(const DepthwiseConv2dS8& p,
                                                          std::span<const int8_t> weights) {
  const size_t outputs = static_cast<size_t>(p.depth_multiplier), taps = weights.size() / outputs;
  std::vector<int8_t> turned(weights.size());
  for (size_t t = 0; t < taps; ++t)
    for (size_t o = 0; o < outputs; ++o) turned[o * taps + t] = weights[t * outputs + o];
  return turned;
}

}  // namespace nb
