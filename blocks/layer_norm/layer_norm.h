// Rows brought to mean 0 and variance 1, or to mean square 1.
#pragma once
#include "../core/math_bits.h"

namespace nb {

/// The input is [rows, size].
struct LayerNorm {
  int32_t rows, size;
  float epsilon;
  int32_t centered;  ///< 0: the mean counts as 0
};

/// out = (in - m) / sqrt(v + epsilon) * scale + bias, m and v the mean and the variance of the row. scale and
/// bias [size], null: 1 and 0. mean and inverse_deviation [rows], m and 1 / sqrt(v + epsilon), null: not
/// wanted. The output may lie exactly on the input.
NB_NOINLINE inline void layer_norm(const LayerNorm& p, const float* in, const float* scale, const float* bias,
                                   float* out, float* mean, float* inverse_deviation) {
  const float size = static_cast<float>(p.size);
  for (int32_t n = 0; n < p.rows; ++n, in += p.size, out += p.size) {
    float sum = 0.0f, squares = 0.0f;
    if (p.centered)
#pragma GCC unroll 4
      for (int32_t i = 0; i < p.size; ++i) sum += in[i];
    const float m = sum / size;
#pragma GCC unroll 4
    for (int32_t i = 0; i < p.size; ++i) {
      const float x = in[i] - m;
      squares += x * x;
    }
    const float inverse = rsqrt(squares / size + p.epsilon);
    if (scale && bias) {
#pragma GCC unroll 4
      for (int32_t i = 0; i < p.size; ++i) out[i] = (in[i] - m) * inverse * scale[i] + bias[i];
    } else {
      for (int32_t i = 0; i < p.size; ++i) {
        const float normal = (in[i] - m) * inverse;
        out[i] = (scale ? normal * scale[i] : normal) + (bias ? bias[i] : 0.0f);
      }
    }
    if (mean) mean[n] = m;
    if (inverse_deviation) inverse_deviation[n] = inverse;
  }
}

}  // namespace nb
