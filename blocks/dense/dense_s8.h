// Dense (fully connected) layer of int8 vectors, portable. Weights [out, in], accumulators int32.
#pragma once
#include "../core/four_dots.h"
#include "../core/requantize.h"

namespace nb {

/// What a quantized dense layer needs beside its tensors. Input [rows, in_features], output [rows,
/// out_features].
struct DenseS8 {
  int32_t rows;  ///< vectors in the batch
  int32_t in_features, out_features;
  int32_t in_zero;           ///< zero point of the input
  int32_t out_zero;          ///< zero point of the output
  int32_t out_min, out_max;  ///< the fused activation, in output units
};

/// out[r,o] = clamp(out_zero + kRescale(bias[o] + sum (in[r,k] - in_zero) * w[o,k], multiplier[o],
/// shift[o])).
template <int32_t (*kRescale)(int32_t, int32_t, int)>
NB_INLINE void dense_s8_rescaled(const DenseS8& p, const int8_t* NB_RESTRICT in,
                                 const int8_t* NB_RESTRICT weights, const int32_t* NB_RESTRICT bias,
                                 const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                                 int8_t* NB_RESTRICT out) {
  for (int32_t r = 0; r < p.rows; ++r, in += p.in_features, out += p.out_features)
    for (int32_t from = 0; from < p.out_features; from += 4) {
      const FourOutputs four = four_outputs(from, p.out_features);
      uint32_t sums[4] = {};
      add_dots(in, p.in_zero, weights, p.in_features, four, p.in_features, sums);
      for (int32_t i = 0, o = four.first; i < four.count; ++i, ++o) {
        const auto sum = static_cast<int32_t>(sums[i] + (bias ? static_cast<uint32_t>(bias[o]) : 0u));
        const int32_t scaled = p.out_zero + kRescale(sum, multiplier[o], shift[o]);
        out[o] = static_cast<int8_t>(clamp(scaled, p.out_min, p.out_max));
      }
    }
}

/// The layer with the two roundings of rescale. One multiplier and shift an output channel, also where the
/// model has one scale a tensor. `bias` may be null.
NB_NOINLINE inline void dense_s8(const DenseS8& p, const int8_t* NB_RESTRICT in,
                                 const int8_t* NB_RESTRICT weights, const int32_t* NB_RESTRICT bias,
                                 const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                                 int8_t* NB_RESTRICT out) {
  dense_s8_rescaled<rescale>(p, in, weights, bias, multiplier, shift, out);
}

/// The layer with the one rounding of rescale_once.
NB_NOINLINE inline void dense_s8_once(const DenseS8& p, const int8_t* NB_RESTRICT in,
                                      const int8_t* NB_RESTRICT weights, const int32_t* NB_RESTRICT bias,
                                      const int32_t* NB_RESTRICT multiplier, const int8_t* NB_RESTRICT shift,
                                      int8_t* NB_RESTRICT out) {
  dense_s8_rescaled<rescale_once>(p, in, weights, bias, multiplier, shift, out);
}

}  // namespace nb
