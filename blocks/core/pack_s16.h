// What packing knows of the output channels of int16 layers, whatever the core. Host code.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "requantize.h"

namespace nb {

/// The constants of an int16 layer with int8 weights.
struct LayerS16 {
  std::span<const int8_t> weights;
  std::vector<int64_t> bias;  ///< empty or one an output channel
  std::vector<int32_t> multiplier;
  std::vector<int8_t> shift;  ///< -31..31, positive to the left
  bool rounds_once;           ///< sums round as rescale64 does, not as rescale
};

/// One output channel as packing sees it.
struct ChannelS16 {
  int64_t bias = 0;
  int64_t magnitude = 0;  ///< sum of |weights|
  int32_t multiplier = 0;
  int shift = 0;
  bool rounds_once = false;

  /// A bound of |sum|.
  [[nodiscard]] int64_t bound() const { return std::abs(bias) + 32768 * magnitude; }
  /// True where no input changes the output: weights all zero, or sums that rescale to zero.
  [[nodiscard]] bool constant() const {
    if (rounds_once && shift > 14) return false;
    if (magnitude == 0 || multiplier == 0) return true;
    if (rounds_once) return bound() < INT64_MAX >> 16 && scaled(bound()) == 0 && scaled(-bound()) == 0;
    return shift < 0 && bound() + 1 <= int64_t{1} << (-shift - 1);
  }
  /// Of a constant channel: its output, before any clamp.
  [[nodiscard]] int32_t fixed() const { return scaled(magnitude == 0 ? bias : 0); }
  /// What becomes of a sum.
  [[nodiscard]] int32_t scaled(int64_t sum) const {
    return rounds_once ? rescale64(sum, multiplier, shift)
                       : rescale(static_cast<int32_t>(sum), multiplier, shift);
  }
  /// Of one that rounds once: the factor in units of 2^-31.
  [[nodiscard]] int32_t once_factor() const {
    if (!rounds_once) return multiplier;
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    return reduced << (16 + shift);
  }
  /// Whether sums are below 2^30 and one rounding is what makes them outputs: the 64-bit kind, or the 32-bit
  /// kind without a shift.
  [[nodiscard]] bool is_fast_once() const {
    if (constant()) return true;
    return bound() < int64_t{1} << 30 && (rounds_once ? shift <= 0 && shift >= -16 : shift == 0);
  }
  /// Whether they are below 2^30 and round twice, the second time in a shift to the right.
  [[nodiscard]] bool is_fast_twice() const {
    return constant() || (bound() < int64_t{1} << 30 && !rounds_once && shift < 0);
  }
};

/// Channel `o` of weights seen through `weight(k)`, k in [0, inputs).
template <class Weight>
ChannelS16 channel_s16(const LayerS16& layer, int32_t inputs, Weight weight, int32_t o) {
  ChannelS16 c;
  for (int32_t k = 0; k < inputs; ++k) c.magnitude += std::abs(static_cast<int32_t>(weight(k)));
  c.bias = layer.bias.empty() ? 0 : layer.bias[static_cast<size_t>(o)];
  c.multiplier = layer.multiplier[static_cast<size_t>(o)];
  c.shift = layer.shift[static_cast<size_t>(o)];
  c.rounds_once = layer.rounds_once;
  return c;
}

/// What becomes of a layer's sums: round(2 acc * m / 2^32), or that shifted right with another rounding, or
/// all of it in 64 bits.
enum class FormS16 { once, twice, wide };

inline FormS16 choose_form_s16(std::span<const ChannelS16> channels) {
  const auto all = [&](bool (ChannelS16::*is_it)() const) {
    return std::all_of(channels.begin(), channels.end(), [&](const ChannelS16& c) { return (c.*is_it)(); });
  };
  return all(&ChannelS16::is_fast_once)    ? FormS16::once
         : all(&ChannelS16::is_fast_twice) ? FormS16::twice
                                           : FormS16::wide;
}

/// The numbers with which a channel's sum becomes its output in a form that is not wide: twice the bias, the
/// multiplier, and with two roundings the shift to the right less 1. Those of a constant channel are for sums
/// of 0.
struct FastScaleS16 {
  int32_t twice_bias = 0, multiplier = 1 << 30, shift = 0;
};
inline FastScaleS16 fast_scale_s16(const ChannelS16& c, FormS16 form) {
  const bool is_once = form == FormS16::once;
  if (c.constant()) return {(is_once ? 4 : 8) * std::clamp(c.fixed(), -32768, 32767), 1 << 30, 0};
  return {static_cast<int32_t>(2 * c.bias), is_once ? c.once_factor() : c.multiplier,
          is_once ? 0 : -c.shift - 1};
}

}  // namespace nb
