// Packs a depthwise convolution's constants into the stream depthwise_conv2d_s8_mve reads. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "../conv2d/conv2d_s8.h"
#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

/// Two products by -128 overflow the 16 bits in which depthwise_conv2d_s8_mve_row adds two taps: true where a
/// channel has more than one such weight. Weights HW(channels).
inline bool depthwise_conv2d_s8_mve_overflows(std::span<const int8_t> weights, int32_t channels) {
  std::vector<bool> seen(static_cast<size_t>(channels), false);
  for (size_t k = 0; k < weights.size(); ++k)
    if (weights[k] == -128) {
      if (seen[k % seen.size()]) return true;
      seen[k % seen.size()] = true;
    }
  return false;
}

struct PackedDepthwiseConv2dS8Mve {
  DepthwiseConv2dS8Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned
};

/// Weights HW(C*mult); `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to
/// the left) one an output channel. The stream: blocks of 16 channels as depthwise_conv2d_s8_mve_block_bytes
/// describes them, for depthwise_conv2d_s8_mve_gathered_row with kGathersMve, else for
/// depthwise_conv2d_s8_mve_row.
inline PackedDepthwiseConv2dS8Mve pack_depthwise_conv2d_s8_mve(const DepthwiseConv2dS8& p,
                                                               std::span<const int8_t> weights,
                                                               std::span<const int32_t> bias,
                                                               std::span<const int32_t> multiplier,
                                                               std::span<const int8_t> shift) {
  constexpr int32_t kOrder[16] = {0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15};
  const int32_t channels = p.in_channels * p.depth_multiplier, taps = p.window.kernel.h * p.window.kernel.w;
  const bool folds = depthwise_conv2d_s8_mve_folds(p), in_place = depthwise_conv2d_s8_mve_in_place(p);
  const auto weight = [&](int32_t c, int32_t t) {
    return weights[static_cast<size_t>(t) * static_cast<size_t>(channels) + static_cast<size_t>(c)];
  };
  const ScalesMve scales = scales_mve(channels, taps, weight, p.in_zero, bias, multiplier, shift,
                                      {p.out_zero, p.out_min, p.out_max});
  const bool gathers = p.depth_multiplier != 1 || (scales.form & kGeneralMve) != 0 ||
                       depthwise_conv2d_s8_mve_overflows(weights, channels);
  const auto i8 = [](int32_t value) { return static_cast<int8_t>(value); };
  PackedDepthwiseConv2dS8Mve packed{
      {window_short(p.window), static_cast<uint16_t>(p.in_channels),
       static_cast<uint16_t>(p.depth_multiplier), i8(p.in_zero), i8(p.out_zero), i8(p.out_min), i8(p.out_max),
       static_cast<uint8_t>(scales.form | (in_place ? kInPlaceMve : 0) | (folds ? kFoldsMve : 0) |
                            (gathers ? kGathersMve : 0))},
      {}};
  for (int32_t first = 0; first < channels; first += 16) {
    // The channel of a lane, or -1.
    const auto channel = [&](int32_t lane) {
      const int32_t c = folds ? lane % channels : first + lane;
      return c < channels ? c : -1;
    };
    if (gathers)
      for (int32_t lane = 0; lane < 16; ++lane) {
        const int32_t c = first + lane < channels || folds ? first + lane : first;
        packed.stream.push_back(i8(c / p.depth_multiplier - first / p.depth_multiplier));
      }
    for (int32_t t = 0; t < taps; ++t)
      for (int32_t lane = 0; lane < 16; ++lane) {
        const int32_t c = channel(lane);
        packed.stream.push_back(c < 0 || scales.ignores[static_cast<size_t>(c)] ? int8_t{0} : weight(c, t));
      }
    std::vector<int32_t> lanes;
    for (int32_t lane : kOrder) lanes.push_back(channel(lane));
    append_scales_mve(packed.stream, scales, lanes);
  }
  return packed;
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
