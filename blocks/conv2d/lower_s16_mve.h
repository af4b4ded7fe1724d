// The call of conv2d_s16_mve. For declarations; not for the chip.
#pragma once
#include "../quantized_s16.h"
#include "../windowed.h"
#include "pack_s16_mve.h"

namespace nb {

/// Without a function where sums do not fit into 32 bits.
inline Lowered lower_conv2d_s16_mve(const Conv2dS8& p, const LayerS16& layer, std::string layout) {
  const PackedConv2dS16Mve packed = pack_conv2d_s16_mve(p, layer);
  if (packed.stream.empty()) return {};
  const Conv2dS16Mve& q = packed.params;
  Lowered l{.function = "conv2d_s16_mve", .params_type = "Conv2dS16Mve"};
  l.params = {window_param(p.window),
              {"in_channels", std::to_string(q.in_channels)},
              {"out_channels", std::to_string(q.out_channels)},
              {"out_min", std::to_string(q.out_min)},
              {"out_max", std::to_string(q.out_max)},
              {"form", std::to_string(q.form)}};
  return packed_call(std::move(l), packed.stream, conv2d_s16_mve_scratch_bytes(p), std::move(layout));
}

}  // namespace nb
