// Dense layer of int16 vectors with int8 weights for cores with the DSP extension.
#pragma once
#include "../core/matmul_s16_dsp.h"
#include "dense_s8.h"

namespace nb {

/// Bytes of scratch, 4-byte aligned.
constexpr int32_t dense_s16_dsp_scratch_bytes(const DenseS8& p) {
  return matmul_s16_dsp_scratch_bytes(p.rows, p.in_features);
}

/// As dense_s16, with the constants of pack_dense_s16_dsp. The outputs must not overlap the inputs.
template <class Form>
NB_INLINE void dense_s16_dsp(const DenseS8& p, const int16_t* in, const int8_t* packed, int16_t* out,
                             int8_t* scratch) {
  matmul_s16_dsp<Form>(in, p.rows, p.in_features, p.out_features, packed, out, scratch);
  clamp_matmul_s16_dsp(out, p.rows * p.out_features, p.out_min, p.out_max, packed);
}

}  // namespace nb
