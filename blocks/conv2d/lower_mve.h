// The call of conv2d_s8_mve. For declarations; not for the chip.
#pragma once
#include "../quantized.h"
#include "../windowed.h"
#include "pack_mve.h"

namespace nb {

/// With weights OHWI, and the other constants of `o`.
inline Lowered lower_conv2d_s8_mve(const Conv2dS8& p, std::span<const std::int8_t> weights,
                                   const PackingOperands& o, std::string layout) {
  PackedConv2dS8Mve packed = pack_conv2d_s8_mve(p, weights, o.bias, o.factors.multiplier, o.factors.shift);
  const Conv2dS8Mve& q = packed.params;
  Lowered l{.function = "conv2d_s8_mve", .params_type = "Conv2dS8Mve"};
  l.params = {window_param(p.window),
              {"in_channels", std::to_string(q.in_channels)},
              {"out_channels", std::to_string(q.out_channels)},
              {"in_zero", std::to_string(q.in_zero)},
              {"out_zero", std::to_string(q.out_zero)},
              {"out_min", std::to_string(q.out_min)},
              {"out_max", std::to_string(q.out_max)},
              {"form", std::to_string(q.form)}};
  return packed_call(std::move(l), packed.stream, conv2d_s8_mve_scratch_bytes(p), std::move(layout));
}

}  // namespace nb
