// The constants of int16 layers as packing takes them. For declarations; not for the chip.
#pragma once
#include "blocks/core/pack_s16.h"
#include "blocks/quantized.h"

namespace nb {

/// Of operands 0 (x), 1 (constant w) and 2 (constant b of int32 or int64, if any), for that many output
/// channels.
inline LayerS16 packing_operands_s16(const Operation& op, std::int64_t channels) {
  ChannelFactors factors = channel_factors(op, channels);
  LayerS16 layer{op.constant<std::int8_t>(1),
                 {},
                 std::move(factors.multiplier),
                 std::move(factors.shift),
                 s16_bias_type(op) == "int64_t"};
  if (!op.has(2)) return layer;
  if (layer.rounds_once) {
    const auto bias = op.constant<std::int64_t>(2);
    layer.bias.assign(bias.begin(), bias.end());
  } else {
    const auto bias = op.constant<std::int32_t>(2);
    layer.bias.assign(bias.begin(), bias.end());
  }
  return layer;
}

}  // namespace nb
