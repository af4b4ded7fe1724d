// Dense (fully connected) layer of int16 vectors with int8 weights, portable. Weights [out, in].
#pragma once
#include "../core/dot_s16.h"
#include "dense_s8.h"

namespace nb {

/// As dense_s8, of int16; input and output have zero point 0. Bias is int64_t or int32_t and decides how sums
/// are rounded, see rescale_s16; it may be null.
template <class Bias>
NB_NOINLINE inline void dense_s16(const DenseS8& p, const int16_t* NB_RESTRICT in,
                                  const int8_t* NB_RESTRICT weights, const Bias* NB_RESTRICT bias,
                                  const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                                  int16_t* NB_RESTRICT out) {
  for (int32_t r = 0; r < p.rows; ++r, in += p.in_features, out += p.out_features)
    for (int32_t from = 0; from < p.out_features; from += 4) {
      const FourOutputs four = four_outputs(from, p.out_features);
      typename SumS16<Bias>::Type sums[4] = {};
      add_dots(in, 0, weights, p.in_features, four, p.in_features, sums);
      for (int32_t i = 0, o = four.first; i < four.count; ++i, ++o) {
        const int32_t scaled = rescale_s16(sums[i], bias ? bias[o] : Bias{0}, multiplier[o], shift[o]);
        out[o] = static_cast<int16_t>(clamp(scaled, p.out_min, p.out_max));
      }
    }
}

}  // namespace nb
