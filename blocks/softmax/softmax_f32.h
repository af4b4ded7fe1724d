// Softmax and its logarithm of floats along any axis, portable.
#pragma once
#include "../core/math.h"

namespace nb {

/// What they need beside their tensors [outer, size, inner]; rows run along `size`.
struct SoftmaxF32 {
  int32_t outer, size, inner;
  float beta;  ///< factor on the input, above 0
};

/// The largest of `size` elements `step` apart.
NB_INLINE float row_maximum(const float* in, int32_t size, int32_t step) {
  float largest = -__builtin_inff();
  for (int32_t i = 0; i < size; ++i) largest = max(largest, in[i * step]);
  return largest;
}

/// out = exp(beta * (in - m)) / sum of these over the row, m the row's maximum. `out` may be `in`.
NB_NOINLINE inline void softmax_f32(const SoftmaxF32& p, const float* in, float* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      const int32_t begin = n * p.size * p.inner + j;
      const float* from = in + begin;
      float* to = out + begin;
      const float largest = row_maximum(from, p.size, p.inner);
      float sum = 0;
      for (int32_t i = 0; i < p.size; ++i) {
        const float power = quick_exp((from[i * p.inner] - largest) * p.beta);
        to[i * p.inner] = power;
        sum += power;
      }
      for (int32_t i = 0; i < p.size; ++i) to[i * p.inner] = to[i * p.inner] / sum;
    }
}

/// out = beta * (in - m) - log(sum of exp(beta * (in - m)) over the row). `out` may be `in`.
NB_NOINLINE inline void log_softmax_f32(const SoftmaxF32& p, const float* in, float* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t j = 0; j < p.inner; ++j) {
      const int32_t begin = n * p.size * p.inner + j;
      const float* from = in + begin;
      float* to = out + begin;
      const float largest = row_maximum(from, p.size, p.inner);
      float sum = 0;
      for (int32_t i = 0; i < p.size; ++i) sum += quick_exp((from[i * p.inner] - largest) * p.beta);
      const float log_sum = log(sum);
      for (int32_t i = 0; i < p.size; ++i) to[i * p.inner] = (from[i * p.inner] - largest) * p.beta - log_sum;
    }
}

}  // namespace nb
