// Packs a convolution's constants into the stream conv2d_s8_mve reads. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

struct PackedConv2dS8Mve {
  Conv2dS8Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned
};

/// Weights OHWI; `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to the
/// left) one an output channel.
inline PackedConv2dS8Mve pack_conv2d_s8_mve(const Conv2dS8& p, std::span<const int8_t> weights,
                                            std::span<const int32_t> bias,
                                            std::span<const int32_t> multiplier,
                                            std::span<const int8_t> shift) {
  constexpr int32_t kOrder[] = {0, 1, 2, 3};
  const int32_t taps = p.window.kernel.h * p.window.kernel.w * p.in_channels;
  const DotWeightsMve weight{weights, taps, p.out_channels};
  const ScalesMve scales = scales_mve(p.out_channels, taps, weight, p.in_zero, bias, multiplier, shift,
                                      {p.out_zero, p.out_min, p.out_max});
  const auto i8 = [](int32_t value) { return static_cast<int8_t>(value); };
  return {{window_short(p.window), static_cast<uint16_t>(p.in_channels),
           static_cast<uint16_t>(p.out_channels), i8(p.in_zero), i8(p.out_zero), i8(p.out_min), i8(p.out_max),
           static_cast<uint8_t>(scales.form | (conv2d_s8_mve_in_place(p) ? kInPlaceMve : 0))},
          pack_dot_s8_mve(weight, scales, kOrder)};
}

}  // namespace nb
