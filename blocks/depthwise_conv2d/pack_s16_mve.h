// Packs a depthwise convolution's constants into the stream depthwise_conv2d_s16_mve reads. Host code.
#pragma once
#include "../core/pack_s16_mve.h"
#include "layout_s16_mve.h"

namespace nb {

struct PackedDepthwiseConv2dS16Mve {
  DepthwiseConv2dS16Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned; empty where sums do not fit into 32 bits
};

/// Weights HWC, of a depth multiplier of 1.
inline PackedDepthwiseConv2dS16Mve pack_depthwise_conv2d_s16_mve(const DepthwiseConv2dS8& p,
                                                                 const LayerS16& layer) {
  const int32_t channels = p.in_channels, taps = p.window.kernel.h * p.window.kernel.w;
  const auto weight = [&](int32_t c, int32_t t) {
    return layer.weights[static_cast<size_t>(t) * static_cast<size_t>(channels) + static_cast<size_t>(c)];
  };
  const ChannelsS16Mve from = channels_s16_mve(layer, channels, taps, weight, p.out_min >= 0);
  if (from.form == FormS16::wide) return {};
  const DepthwiseConv2dS8 bytes = depthwise_conv2d_s16_mve_bytes(p);
  const bool folds = depthwise_conv2d_s8_mve_folds(bytes), in_place = depthwise_conv2d_s8_mve_in_place(bytes);
  PackedDepthwiseConv2dS16Mve packed{
      {window_short(p.window), static_cast<uint16_t>(channels), static_cast<int16_t>(p.out_min),
       static_cast<int16_t>(p.out_max),
       static_cast<uint8_t>(from.bits | (in_place ? kInPlaceMve : 0) | (folds ? kFoldsMve : 0))},
      {}};
  for (int32_t first = 0; first < channels; first += 8) {
    // The channel of a lane, or -1.
    const auto channel = [&](int32_t lane) {
      const int32_t c = folds ? lane % channels : first + lane;
      return c < channels ? c : -1;
    };
    for (int32_t t = 0; t < taps; ++t)
      for (int32_t lane = 0; lane < 8; ++lane) {
        const int32_t c = channel(lane);
        packed.stream.push_back(c < 0 || from.channels[static_cast<size_t>(c)].constant() ? int8_t{0}
                                                                                          : weight(c, t));
      }
    ChannelsS16Mve lanes{{}, from.form, from.bits};
    for (int32_t lane : {0, 2, 4, 6, 1, 3, 5, 7})
      lanes.channels.push_back(channel(lane) < 0 ? ChannelS16{}
                                                 : from.channels[static_cast<size_t>(channel(lane))]);
    append_scales_s16_mve(packed.stream, lanes, 0, 8);
  }
  return packed;
}

}  // namespace nb
