// Packs a convolution's constants into the stream conv2d_s8_mve reads. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

/// Weights OHWI; `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to the
/// left) one an output channel. The stream, to be placed 16-byte aligned: 16 bytes of which the first is
/// nonzero where some shift is positive; then for each four channels the folded biases twice, 4 x 16 weights
/// for each 16 inputs, the multipliers, the shifts. Channels and inputs are padded with zero weights.
inline std::vector<int8_t> pack_conv2d_s8_mve(const Conv2dS8& p, std::span<const int8_t> weights,
                                              std::span<const int32_t> bias,
                                              std::span<const int32_t> multiplier,
                                              std::span<const int8_t> shift) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w * p.in_channels;
  return pack_dot_s8_mve(weights, taps, p.out_channels, p.in_zero, bias, multiplier, shift, {0, 1, 2, 3}, 2);
}

}  // namespace nb
