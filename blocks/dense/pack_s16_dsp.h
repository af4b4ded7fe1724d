// Packs a dense layer's constants into the stream dense_s16_dsp reads. Host code.
#pragma once
#include "../core/pack_s16_dsp.h"
#include "dense_s16_dsp.h"

namespace nb {

/// True where dense_s16_dsp computes `p`.
inline bool dense_s16_dsp_applies(const DenseS8& p, std::span<const int8_t> weights) {
  return p.in_features > 0 && p.in_features < 131072 && matmul_s16_shares_dsp(weights, p.in_features);
}

/// Weights [out, in].
inline PackedS16Dsp pack_dense_s16_dsp(const DenseS8& p, const LayerS16& layer) {
  std::vector<int32_t> order(static_cast<size_t>(p.in_features + 3) / 4 * 4, -1);
  for (int32_t k = 0; k < p.in_features; ++k) order[static_cast<size_t>(k)] = k;
  return pack_matmul_s16_dsp(layer, p.in_features, p.out_features, order, p.out_min >= 0);
}

}  // namespace nb
