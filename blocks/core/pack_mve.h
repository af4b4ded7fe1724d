// Building packed constant streams for vector (Helium) kernels. Host code.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "form_mve.h"
#include "requantize.h"

namespace nb {

/// Appends little-endian int32.
inline void append_s32(std::vector<int8_t>& stream, int32_t value) {
  for (int bit = 0; bit < 32; bit += 8)
    stream.push_back(static_cast<int8_t>(static_cast<uint32_t>(value) >> bit));
}

/// The rescaling of a layer's channels as the kernels take it.
struct ScalesMve {
  std::vector<int32_t> bias;  ///< with the input's zero point folded in
  std::vector<int32_t> multiplier;
  std::vector<int8_t> shift;
  std::vector<bool> ignores;  ///< channels whose weights do not count: they are to be written as zeros
  uint8_t form;
};

/// The numbers of a layer's output.
struct OutputRangeMve {
  int32_t zero, min, max;
};

/// `bias` (empty or one a channel) less in_zero times the channel's sum of weights; `weight(o, k)` is weight
/// k of channel o.
template <class Weight>
std::vector<int32_t> folded_biases_mve(int32_t channels, int32_t taps, Weight weight, int32_t in_zero,
                                       std::span<const int32_t> bias) {
  std::vector<int32_t> biases;
  for (int32_t o = 0; o < channels; ++o) {
    uint32_t folded = bias.empty() ? 0u : static_cast<uint32_t>(bias[static_cast<size_t>(o)]);
    for (int32_t k = 0; k < taps; ++k) folded -= static_cast<uint32_t>(in_zero * weight(o, k));
    biases.push_back(static_cast<int32_t>(folded));
  }
  return biases;
}

/// What a bias may be in the usual forms.
inline bool fits_bias_mve(int64_t bias) { return bias >= -(1 << 23) && bias < 1 << 23; }

/// Rewrites channel `at`, whose dot products lie in [low, high], where its output is constant, or where its
/// bias is too large and its output has two values: with other numbers, the same outputs for all inputs.
/// Trained networks have many such channels: a rectifier that never opens, a weight scale next to nothing.
inline void simplify_channel_mve(ScalesMve& scales, size_t at, int64_t low, int64_t high,
                                 const OutputRangeMve& range) {
  const int64_t bias = scales.bias[at];
  const int32_t multiplier = scales.multiplier[at];
  const int shift = scales.shift[at];
  low += bias;
  high += bias;
  const int64_t limit = INT32_MAX >> std::max(shift, 0);
  if (low < -limit || high > limit) return;
  const auto output = [&](int64_t sum) {
    return std::clamp(range.zero + rescale(static_cast<int32_t>(sum), multiplier, shift), range.min,
                      range.max) -
           range.zero;
  };
  const int32_t first = output(low), last = output(high);
  if (first == last) {
    scales.bias[at] = first * 256;
    scales.multiplier[at] = 1 << 30;
    scales.shift[at] = -7;
    scales.ignores[at] = true;
    return;
  }
  if (fits_bias_mve(bias) || first + 1 != last || first < 0) return;
  int64_t below = low, step = high;  // output(below) is the first value, output(step) the last
  while (below + 1 < step) {
    const int64_t middle = below + (step - below) / 2;
    (output(middle) == first ? below : step) = middle;
  }
  // Sums keep their distances, and no more than one multiple of 2^right and a half lies among them.
  int right = 1;
  while ((int64_t{1} << right) <= high - low) ++right;
  const int64_t moved = bias - step + (((2 * int64_t{first} + 1) << right) >> 1);
  if (right > 23 || !fits_bias_mve(moved)) return;
  scales.bias[at] = static_cast<int32_t>(moved);
  scales.multiplier[at] = INT32_MAX;
  scales.shift[at] = static_cast<int8_t>(-right);
}

/// A result at or below the zero point is clamped to it when the fused activation starts there: ties of
/// negative values do not show. Nor are there any where no sum is shifted, as in networks that round once.
template <class Weight>
ScalesMve scales_mve(int32_t channels, int32_t taps, Weight weight, int32_t in_zero,
                     std::span<const int32_t> bias, std::span<const int32_t> multiplier,
                     std::span<const int8_t> shift, const OutputRangeMve& range) {
  const auto size = static_cast<size_t>(channels);
  ScalesMve scales{folded_biases_mve(channels, taps, weight, in_zero, bias),
                   {multiplier.begin(), multiplier.end()},
                   {shift.begin(), shift.end()},
                   std::vector<bool>(size, false),
                   range.min >= range.zero ? uint8_t{0} : kTiesMve};
  if (std::all_of(shift.begin(), shift.end(), [](int8_t s) { return s == 0; })) scales.form = 0;
  bool fits = true, any_left = false, any_none = false;
  for (size_t at = 0; at < size; ++at) {
    int64_t low = 0, high = 0;
    for (int32_t k = 0; k < taps; ++k) {
      const int32_t w = weight(static_cast<int32_t>(at), k);
      low += w < 0 ? w * 127 : w * -128;
      high += w < 0 ? w * -128 : w * 127;
    }
    simplify_channel_mve(scales, at, low, high, range);
    fits &= fits_bias_mve(scales.bias[at]);
    any_left |= scales.shift[at] > 0;
    any_none |= scales.shift[at] == 0;
  }
  if (!fits)
    scales.form = kGeneralMve | kWideMve;
  else if (any_left || (any_none && scales.form != 0))
    scales.form = kGeneralMve;
  return scales;
}

/// Appends the constants of one group; `channel` lists the channels of its lanes, four or a multiple, -1
/// where there is none.
inline void append_scales_mve(std::vector<int8_t>& stream, const ScalesMve& scales,
                              const std::vector<int32_t>& channel) {
  const auto word = [&](int32_t c) {
    if (c < 0) return 0;
    const auto at = static_cast<size_t>(c);
    return static_cast<int32_t>(static_cast<uint32_t>(scales.bias[at]) << 8 |
                                static_cast<uint8_t>(scales.shift[at]));
  };
  for (size_t first = 0; first < channel.size(); first += 4) {
    const std::span<const int32_t> lanes = std::span(channel).subspan(first, 4);
    for (int32_t c : lanes) append_s32(stream, word(c));
    for (int32_t c : lanes) append_s32(stream, c < 0 ? 0 : scales.multiplier[static_cast<size_t>(c)]);
  }
  if (scales.form & kWideMve)
    for (int32_t c : channel) {
      const uint32_t bias = c < 0 ? 0u : static_cast<uint32_t>(scales.bias[static_cast<size_t>(c)]);
      append_s32(stream, static_cast<int32_t>(bias - static_cast<uint32_t>(word(c) >> 8)));
    }
}

/// A matrix of int8 weights [outputs, inputs]; absent inputs have zero weights.
struct DotWeightsMve {
  std::span<const int8_t> weights;
  int32_t inputs, outputs;
  [[nodiscard]] int8_t operator()(int32_t o, int32_t k) const {
    return o < outputs && k < inputs
               ? weights[static_cast<size_t>(o) * static_cast<size_t>(inputs) + static_cast<size_t>(k)]
               : int8_t{0};
  }
};

/// Appends the weights of the outputs `channel`, -1 where there is none: for each 16 inputs 16 of each
/// output.
inline void append_weights_mve(std::vector<int8_t>& stream, const DotWeightsMve& weight,
                               const std::vector<int32_t>& channel) {
  for (int32_t k = 0; k < weight.inputs; k += 16)
    for (int32_t o : channel)
      for (int32_t i = 0; i < 16; ++i) stream.push_back(o < 0 ? int8_t{0} : weight(o, k + i));
}

/// The channels of the group from `first` on in the order of its lanes, -1 where `ignores` or beyond the end.
inline std::vector<int32_t> group_mve(int32_t first, std::span<const int32_t> order, int32_t channels,
                                      const std::vector<bool>& ignores = {}) {
  std::vector<int32_t> group;
  for (int32_t lane : order) {
    const int32_t o = first + lane;
    group.push_back(o < channels && (ignores.empty() || !ignores[static_cast<size_t>(o)]) ? o : -1);
  }
  return group;
}

/// The stream of a dot-product kernel: for each group of outputs the weights, then the scales. `order` lists
/// the group's outputs as its lanes hold them.
inline std::vector<int8_t> pack_dot_s8_mve(const DotWeightsMve& weight, const ScalesMve& scales,
                                           std::span<const int32_t> order) {
  std::vector<int8_t> stream;
  for (int32_t first = 0; first < weight.outputs; first += static_cast<int32_t>(order.size())) {
    append_weights_mve(stream, weight, group_mve(first, order, weight.outputs, scales.ignores));
    append_scales_mve(stream, scales, group_mve(first, order, weight.outputs));
  }
  return stream;
}

}  // namespace nb
