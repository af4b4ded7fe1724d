// Dense layer of float vectors by tiles, for cores with a floating-point unit.
#pragma once
#include "../core/tile_f32.h"
#include "dense_f32.h"

namespace nb {

/// As dense_f32, with the weights and biases that pack_tiles_f32 packed.
NB_NOINLINE inline void dense_f32_tiled(const DenseF32& p, const float* in, const float* packed, float* out) {
  matrix_f32(in, p.rows, p.in_features, p.out_features, packed, out);
  if (clamps_f32(p.out_min, p.out_max)) clamp_f32(out, p.rows * p.out_features, p.out_min, p.out_max);
}

}  // namespace nb
