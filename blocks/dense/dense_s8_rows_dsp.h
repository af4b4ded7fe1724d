// Dense layer of int8 vectors for cores with the DSP extension, from the weights as the model has them: four
// outputs at a time. For layers whose sums are too large for two channels to share a lane (see
// core/matmul_s8_dsp.h).
#pragma once
#include "../core/requantize.h"
#include "../core/simd_dsp.h"
#include "dense_s8.h"

namespace nb {

/// dense_s8 (see there), any sizes.
NB_NOINLINE inline void dense_s8_rows_dsp(const DenseS8& p, const int8_t* NB_RESTRICT in,
                                          const int8_t* NB_RESTRICT weights, const int32_t* NB_RESTRICT bias,
                                          const int32_t* NB_RESTRICT multiplier,
                                          const int8_t* NB_RESTRICT shift, int8_t* NB_RESTRICT out) {
  const int32_t depth = p.in_features;
  const uint32_t zeros = static_cast<uint32_t>(p.in_zero & 0xffff) * 0x00010001u;
  for (int32_t r = 0; r < p.rows; ++r, in += depth) {
    for (int32_t first = 0; first < p.out_features; first += 4) {
      // The last four may repeat outputs of the four before; fewer than four in all repeat the last.
      const int32_t begin = max<int32_t>(0, min(first, p.out_features - 4));
      const int8_t* row[4];
      int32_t sum[4];
      for (int32_t i = 0; i < 4; ++i) {
        const int32_t o = min(begin + i, p.out_features - 1);
        row[i] = weights + o * depth;
        sum[i] = bias ? bias[o] : 0;
      }
      int32_t k = 0;
      for (; k + 4 <= depth; k += 4) {
        const uint32_t x = load4(in + k);
        const uint32_t even = subtract_halves(even_bytes(x), zeros),
                       odd = subtract_halves(odd_bytes(x), zeros);
        for (int32_t i = 0; i < 4; ++i) {
          const uint32_t w = load4(row[i] + k);
          sum[i] = multiply_add_halves(odd, odd_bytes(w), multiply_add_halves(even, even_bytes(w), sum[i]));
        }
      }
      for (; k < depth; ++k)
        for (int32_t i = 0; i < 4; ++i) sum[i] += (in[k] - p.in_zero) * row[i][k];
      for (int32_t i = 0; i < min<int32_t>(4, p.out_features); ++i) {
        const int32_t o = begin + i;
        const int32_t scaled = p.out_zero + rescale(sum[i], multiplier[o], shift[o]);
        out[o] = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
      }
    }
    out += p.out_features;
  }
}

}  // namespace nb
