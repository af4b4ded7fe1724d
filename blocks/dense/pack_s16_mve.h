// Packs a dense layer's constants into the streams of the int16 kernels for Helium. Host code.
#pragma once
#include "../core/pack_s16_mve.h"
#include "layout_s16_mve.h"

namespace nb {

struct PackedDenseS16Mve {
  DenseS16Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned; empty where sums do not fit into 32 bits
};

/// Weights [out, in]; `width` outputs a group: 4 for dense_s16_mve, 8 for dense_s16_mve_vector.
inline PackedDenseS16Mve pack_dense_s16_mve(const DenseS8& p, const LayerS16& layer, int32_t width) {
  const DotWeightsMve weight{layer.weights, p.in_features, p.out_features};
  const ChannelsS16Mve from = channels_s16_mve(layer, p.out_features, p.in_features, weight, p.out_min >= 0);
  if (from.form == FormS16::wide) return {};
  return {{p.rows, p.in_features, p.out_features, static_cast<int16_t>(p.out_min),
           static_cast<int16_t>(p.out_max), from.bits},
          pack_dot_s16_mve(weight, from, width)};
}

}  // namespace nb
