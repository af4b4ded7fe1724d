// Packs a dense layer's constants into the stream dense_s8_dsp reads. Host code.
#pragma once
#include "../core/pack_dsp.h"
#include "dense_s8_dsp.h"

namespace nb {

/// True where dense_s8_dsp computes `p` exactly, sums of 16-bit products within 32 bits, and at a byte a
/// weight.
inline bool dense_s8_dsp_applies(const DenseS8& p, std::span<const int8_t> weights) {
  return p.in_features < 131072 && matmul_s8_shares_dsp(weights, p.in_features);
}

/// Weights [out, in]; `bias` empty or one an output; `multiplier` and `shift` (-31..31, positive to the left)
/// one an output. The stream goes to a 16-byte aligned address. With `rounds_once` it is empty where the
/// kernel cannot do that.
inline std::vector<int8_t> pack_dense_s8_dsp(const DenseS8& p, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const int32_t> multiplier,
                                             std::span<const int8_t> shift, bool rounds_once = false) {
  std::vector<int32_t> order((p.in_features + 3) / 4 * 4, -1);
  for (int32_t k = 0; k < p.in_features; ++k) order[k] = k;
  return pack_matmul_s8_dsp(weights, p.in_features, p.out_features, order, p.in_zero, p.out_zero, p.out_min,
                            bias, multiplier, shift, rounds_once);
}

}  // namespace nb
