// Packs a convolution's constants into the stream conv2d_s8_dsp reads. Host code.
#pragma once
#include "../core/pack_dsp.h"
#include "conv2d_s8_dsp.h"

namespace nb {

/// True where conv2d_s8_dsp computes `p` exactly.
inline bool conv2d_s8_dsp_applies(const Conv2dS8& p) {
  return p.groups == 1 && p.window.kernel.h * p.window.kernel.w * p.in_channels < 131072;
}

/// Weights OHWI; `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to the
/// left) one an output channel. The stream goes to a 16-byte aligned address.
inline std::vector<int8_t> pack_conv2d_s8_dsp(const Conv2dS8& p, std::span<const int8_t> weights,
                                              std::span<const int32_t> bias,
                                              std::span<const int32_t> multiplier,
                                              std::span<const int8_t> shift) {
  const RunsDsp r = window_runs_dsp(p);
  std::vector<int32_t> order, tail;
  for (int32_t run = 0; run < r.rows * r.runs_a_row; ++run)
    for (int32_t i = 0; i < r.bytes; ++i) (i < 4 * r.words ? order : tail).push_back(run * r.bytes + i);
  tail.resize(static_cast<size_t>(4) * r.tail_words, -1);
  order.insert(order.end(), tail.begin(), tail.end());
  const int32_t inputs = p.window.kernel.h * p.window.kernel.w * p.in_channels;
  return pack_matmul_s8_dsp(weights, inputs, p.out_channels, order, p.in_zero, p.out_zero, p.out_min, bias,
                            multiplier, shift);
}

}  // namespace nb
