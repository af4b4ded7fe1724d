// Packs a convolution's constants into the stream conv2d_s16_mve reads. Host code.
#pragma once
#include "../core/pack_s16_mve.h"
#include "layout_s16_mve.h"

namespace nb {

struct PackedConv2dS16Mve {
  Conv2dS16Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned; empty where sums do not fit into 32 bits
};

/// Weights OHWI.
inline PackedConv2dS16Mve pack_conv2d_s16_mve(const Conv2dS8& p, const LayerS16& layer) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w * p.in_channels;
  const DotWeightsMve weight{layer.weights, taps, p.out_channels};
  const ChannelsS16Mve from = channels_s16_mve(layer, p.out_channels, taps, weight, p.out_min >= 0);
  if (from.form == FormS16::wide) return {};
  const bool in_place = conv2d_s8_mve_in_place(conv2d_s16_mve_bytes(p));
  return {
      {window_short(p.window), static_cast<uint16_t>(p.in_channels), static_cast<uint16_t>(p.out_channels),
       static_cast<int16_t>(p.out_min), static_cast<int16_t>(p.out_max),
       static_cast<uint8_t>(from.bits | (in_place ? kInPlaceS16Mve : 0))},
      pack_dot_s16_mve(weight, from, 4)};
}

}  // namespace nb
