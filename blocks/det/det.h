// Determinants by elimination with row exchanges.
#pragma once
#include "../core/math_bits.h"

namespace nb {

struct Det {
  int32_t count, size;
};

/// in [count, size, size], out [count]; `work` is scratch of size * size floats.
NB_NOINLINE inline void det(const Det& p, const float* in, float* out, float* work) {
  const int32_t n = p.size;
  for (int32_t m = 0; m < p.count; ++m, in += n * n) {
    for (int32_t i = 0; i < n * n; ++i) work[i] = in[i];
    float product = 1.0f;
    for (int32_t k = 0; k < n; ++k) {
      int32_t pivot = k;
      for (int32_t i = k + 1; i < n; ++i)
        if (fabs(work[i * n + k]) > fabs(work[pivot * n + k])) pivot = i;
      if (pivot != k) {
        product = -product;
        for (int32_t j = k; j < n; ++j) {
          const float swap = work[k * n + j];
          work[k * n + j] = work[pivot * n + j];
          work[pivot * n + j] = swap;
        }
      }
      const float diagonal = work[k * n + k];
      product *= diagonal;
      if (diagonal == 0.0f) break;
      for (int32_t i = k + 1; i < n; ++i) {
        const float factor = work[i * n + k] / diagonal;
        for (int32_t j = k + 1; j < n; ++j) work[i * n + j] -= factor * work[k * n + j];
      }
    }
    *out++ = product;
  }
}

}  // namespace nb
