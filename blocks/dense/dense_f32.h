// Dense (fully connected) layer of float vectors, portable. Weights [out, in].
#pragma once
#include "../core/nb.h"

namespace nb {

/// What a float dense layer needs beside its tensors. Input [rows, in_features], output [rows, out_features].
struct DenseF32 {
  int32_t rows;
  int32_t in_features, out_features;
  float out_min, out_max;  ///< the fused activation
};

/// out[r,o] = clamp(bias[o] + sum in[r,k] * w[o,k]). Four sums a turn share each load of the input. `bias`
/// may be null.
NB_NOINLINE inline void dense_f32(const DenseF32& p, const float* NB_RESTRICT in,
                                  const float* NB_RESTRICT weights, const float* NB_RESTRICT bias,
                                  float* NB_RESTRICT out) {
  for (int32_t r = 0; r < p.rows; ++r, in += p.in_features) {
    int32_t o = 0;
    const float* row = weights;
    for (; o + 4 <= p.out_features; o += 4, row += 4 * p.in_features) {
      const float *w0 = row, *w1 = w0 + p.in_features, *w2 = w1 + p.in_features, *w3 = w2 + p.in_features;
      float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (int32_t k = 0; k < p.in_features; ++k) {
        const float x = in[k];
        s0 += x * w0[k];
        s1 += x * w1[k];
        s2 += x * w2[k];
        s3 += x * w3[k];
      }
      const float sums[4] = {s0, s1, s2, s3};
      for (int32_t i = 0; i < 4; ++i)
        *out++ = clamp(sums[i] + (bias ? bias[o + i] : 0.0f), p.out_min, p.out_max);
    }
    for (; o < p.out_features; ++o, row += p.in_features) {
      float sum = 0;
      for (int32_t k = 0; k < p.in_features; ++k) sum += in[k] * row[k];
      *out++ = clamp(sum + (bias ? bias[o] : 0.0f), p.out_min, p.out_max);
    }
  }
}

}  // namespace nb
