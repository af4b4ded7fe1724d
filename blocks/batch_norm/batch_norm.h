// One factor and one offset a channel.
#pragma once
#include "../core/math_bits.h"

namespace nb {

/// The input is [outer, channels, inner].
struct BatchNorm {
  int32_t outer, channels, inner;
  float epsilon;
};

/// out = in * factor[c] + offset[c]; the output may lie exactly on the input.
NB_NOINLINE inline void batch_norm(const BatchNorm& p, const float* in, const float* factor,
                                   const float* offset, float* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t c = 0; c < p.channels; ++c)
      for (int32_t i = 0; i < p.inner; ++i) *out++ = *in++ * factor[c] + offset[c];
}

/// out = (in - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c], statistics known at run time.
NB_NOINLINE inline void batch_norm_running(const BatchNorm& p, const float* in, const float* scale,
                                           const float* bias, const float* mean, const float* variance,
                                           float* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t c = 0; c < p.channels; ++c) {
      const float factor = scale[c] / sqrt(variance[c] + p.epsilon);
      for (int32_t i = 0; i < p.inner; ++i) *out++ = (*in++ - mean[c]) * factor + bias[c];
    }
}

}  // namespace nb
