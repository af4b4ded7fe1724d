// Counts n-grams of a fixed pool in rows of integers.
#pragma once
#include "../core/nb.h"

namespace nb {

/// in [rows, size], out [rows, outputs].
struct TfIdf {
  int32_t rows, size, outputs;
  int32_t grams;  ///< in the pool
  int32_t max_skip;
  bool counts;  ///< else 1 for any count
};

/// `grams`: for each its length, its output element, its elements. `weights`: of the outputs, or null.
template <class I, class G>
NB_NOINLINE inline void tf_idf(const TfIdf& p, const I* in, const G* grams, const float* weights,
                               float* out) {
  for (int32_t row = 0; row < p.rows; ++row, in += p.size, out += p.outputs) {
    for (int32_t i = 0; i < p.outputs; ++i) out[i] = 0.0f;
    const G* gram = grams;
    for (int32_t g = 0; g < p.grams; ++g) {
      const int32_t length = static_cast<int32_t>(gram[0]), output = static_cast<int32_t>(gram[1]);
      gram += 2;
      // Elements next to none are skipped in one way only.
      const int32_t longest_step = length == 1 ? 1 : p.max_skip + 1;
      for (int32_t step = 1; step <= longest_step; ++step)
        for (int32_t begin = 0; begin < p.size - (length - 1) * step; ++begin) {
          int32_t i = 0;
          while (i < length && static_cast<int64_t>(in[begin + i * step]) == static_cast<int64_t>(gram[i]))
            ++i;
          if (i == length) out[output] += 1.0f;
        }
      gram += length;
    }
    for (int32_t i = 0; i < p.outputs; ++i) {
      if (!p.counts && out[i] > 0.0f) out[i] = 1.0f;
      if (weights != nullptr) out[i] *= weights[i];
    }
  }
}

}  // namespace nb
