// Packs a convolution's constants into the stream conv2d_s16_dsp reads. Host code.
#pragma once
#include "../core/pack_s16_dsp.h"
#include "conv2d_s16_dsp.h"

namespace nb {

/// True where conv2d_s16_dsp computes `p`.
inline bool conv2d_s16_dsp_applies(const Conv2dS8& p, std::span<const int8_t> weights) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w * p.in_channels;
  return p.groups == 1 && taps < 131072 && matmul_s16_shares_dsp(weights, taps);
}

/// Weights OHWI.
inline PackedS16Dsp pack_conv2d_s16_dsp(const Conv2dS8& p, const LayerS16& layer) {
  const RunsDsp r = window_runs_dsp(conv2d_s16_dsp_bytes(p));
  std::vector<int32_t> order, tail;
  for (int32_t run = 0; run < r.rows * r.runs_a_row; ++run)
    for (int32_t i = 0; i < r.bytes / 2; ++i)
      (i < 2 * r.words ? order : tail).push_back(run * (r.bytes / 2) + i);
  order.insert(order.end(), tail.begin(), tail.end());
  while (order.size() % 4 != 0) order.push_back(-1);
  return pack_matmul_s16_dsp(layer, p.window.kernel.h * p.window.kernel.w * p.in_channels, p.out_channels,
                             order, p.out_min >= 0);
}

}  // namespace nb
