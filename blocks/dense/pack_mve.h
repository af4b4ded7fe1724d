// Packs a dense layer's constants into the stream dense_s8_mve reads. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

/// Weights [out, in]; `bias` empty or one an output; `multiplier` and `shift` (-31..31, positive to the left)
/// one an output. The stream, to be placed 16-byte aligned: as of pack_conv2d_s8_mve with groups of eight
/// outputs, even ones first, and single biases.
inline std::vector<int8_t> pack_dense_s8_mve(const DenseS8& p, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const int32_t> multiplier,
                                             std::span<const int8_t> shift) {
  return pack_dot_s8_mve(weights, p.in_features, p.out_features, p.in_zero, bias, multiplier, shift,
                         {0, 2, 4, 6, 1, 3, 5, 7}, 1);
}

}  // namespace nb
