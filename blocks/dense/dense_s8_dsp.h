// Dense layer of int8 vectors for cores with the DSP extension.
#pragma once
#include "../core/matmul_s8_dsp.h"
#include "dense_s8.h"

namespace nb {

/// Bytes of scratch, 4-byte aligned: one or two input vectors as int16, or nothing.
constexpr int32_t dense_s8_dsp_scratch_bytes(const DenseS8& p) {
  return matmul_s8_dsp_scratch_bytes(p.rows, p.in_features, p.out_features);
}

/// dense_s8 with the constants of pack_dense_s8_dsp. `out` must not overlap `in`.
NB_NOINLINE inline void dense_s8_dsp(const DenseS8& p, const int8_t* in, const int8_t* packed, int8_t* out,
                                     int8_t* scratch) {
  matmul_s8_dsp(in, p.rows, p.in_features, p.out_features, packed, out, scratch);
  if (p.out_min > -128 || p.out_max < 127) clamp_s8(out, p.rows * p.out_features, p.out_min, p.out_max);
}

}  // namespace nb
