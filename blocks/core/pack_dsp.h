// Building packed constant streams for kernels of the DSP extension. Host code.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "matmul_s8_dsp.h"

namespace nb {

/// Appends a little-endian word.
inline void append_word_dsp(std::vector<int8_t>& stream, uint32_t value) {
  for (int bit = 0; bit < 32; bit += 8) stream.push_back(static_cast<int8_t>(value >> bit));
}

/// One output channel as packing sees it.
struct ChannelDsp {
  int64_t folded = 0;     ///< bias with the input zero point folded in
  int64_t magnitude = 0;  ///< sum of |weights|
  int32_t multiplier = 0;
  int8_t shift = 0;
  bool rounds_once = false;  ///< rescale_once, not rescale

  /// A bound of |sum|.
  [[nodiscard]] int64_t bound() const { return std::abs(folded) + 128 * magnitude; }
  /// True where no input changes the output: weights all zero, or sums that rescale to zero. Such channels
  /// come with scales of any size.
  [[nodiscard]] bool constant() const {
    return magnitude == 0 || multiplier == 0 || (shift < 0 && bound() + 1 <= int64_t{1} << (-shift - 1));
  }
  /// Whether one rounding is what kFinishOnceDsp makes of it: a factor without a shift that has bits to
  /// spare, or a shift to the right that is asked to round once.
  [[nodiscard]] bool has_once_form() const {
    if (rounds_once) return shift <= -1 && shift >= -22;
    return shift == 0 && multiplier >= 1 << 8 && multiplier < 1 << 30;
  }
  /// Of a constant channel without weights: the sum, rescaled.
  [[nodiscard]] int32_t fixed() const {
    const int32_t sum = magnitude == 0 ? static_cast<int32_t>(folded) : 0;
    return rounds_once ? rescale_once(sum, multiplier, shift) : rescale(sum, multiplier, shift);
  }
};

/// Folds channel `o` of weights seen through `weight(k)`, k in [0, inputs).
template <class Weight>
ChannelDsp channel_dsp(int32_t inputs, Weight weight, int32_t in_zero, std::span<const int32_t> bias,
                       std::span<const int32_t> multiplier, std::span<const int8_t> shift, int32_t o) {
  ChannelDsp c;
  int64_t sum = 0;
  for (int32_t k = 0; k < inputs; ++k) {
    sum += weight(k);
    c.magnitude += std::abs(static_cast<int32_t>(weight(k)));
  }
  c.folded = (bias.empty() ? 0 : bias[o]) - in_zero * sum;
  c.multiplier = multiplier[o];
  c.shift = shift[o];
  return c;
}

/// The finish a depthwise layer may use.
inline FinishDsp choose_finish_dsp(std::span<const ChannelDsp> channels, int32_t out_zero, int32_t out_min) {
  const bool has_no_shift = std::all_of(channels.begin(), channels.end(),
                                        [](const ChannelDsp& c) { return c.constant() || c.shift == 0; });
  const bool floors = has_no_shift || out_zero <= std::max<int32_t>(out_min, -128);
  for (const ChannelDsp& c : channels) {
    if (c.constant()) continue;
    if (c.bound() >= int64_t{1} << 30 || c.shift > 0 || c.shift < -22 || (c.shift == 0 && !floors))
      return kFinishSlowDsp;
  }
  return floors ? kFinishFloorDsp : kFinishSignedDsp;
}

/// What a finish needs of a channel. For the fast ones the bias is doubled, the offset is the zero point and
/// a half in units of the shifted sum, and the shift is to the right.
struct FinishConstantsDsp {
  uint32_t bias, multiplier, offset, shift;
};
inline FinishConstantsDsp finish_constants_dsp(FinishDsp finish, const ChannelDsp& c, int32_t out_zero) {
  const uint32_t folded = static_cast<uint32_t>(c.folded), multiplier = static_cast<uint32_t>(c.multiplier);
  if (finish == kFinishSlowDsp)
    return {folded, multiplier, static_cast<uint32_t>(out_zero), static_cast<uint32_t>(c.shift)};
  if (c.constant()) {
    const int64_t value = out_zero + int64_t{c.fixed()};
    // (2 v + 1) >> 1 is v, also after a negative sum's correction by -1.
    return {0u, 0u, static_cast<uint32_t>(2 * std::clamp<int64_t>(value, -128, 127) + 1), 1u};
  }
  const int right = -c.shift;
  return {2 * folded, multiplier,
          (static_cast<uint32_t>(out_zero) << right) + (right > 0 ? 1u << (right - 1) : 0u),
          static_cast<uint32_t>(right)};
}

/// The finish a matrix product may use: its constants are shorter, with 24 bits for a folded bias.
inline FinishDsp choose_matmul_finish_dsp(std::span<const ChannelDsp> channels, int32_t out_zero,
                                          int32_t out_min) {
  bool rounds_once = true;
  for (const ChannelDsp& c : channels) rounds_once = rounds_once && (c.constant() || c.has_once_form());
  for (const ChannelDsp& c : channels) {
    if (c.constant()) continue;
    if ((c.shift == 0 && !rounds_once) || std::abs(c.folded) >= int64_t{1} << 23) return kFinishSlowDsp;
    if (c.bound() >= int64_t{1} << 30) return kFinishSlowDsp;
  }
  return rounds_once ? kFinishOnceDsp : choose_finish_dsp(channels, out_zero, out_min);
}

/// The two words that a fast finish of a matrix product needs of a channel. A constant one has no weights:
/// its bias alone makes the value, v = (2 zero + 1 + 2 (v - zero)) >> 1.
inline std::pair<uint32_t, uint32_t> matmul_constants_dsp(const ChannelDsp& c, int32_t out_zero) {
  if (c.constant()) {
    const int64_t value = std::clamp<int64_t>(out_zero + int64_t{c.fixed()}, -128, 127);
    return {static_cast<uint32_t>(4 * (value - out_zero)) << 8, 1u << 30};
  }
  // A factor that rounds once comes without a shift: it becomes one of 31 bits and the shift of that.
  const int more = c.shift == 0 ? __builtin_clz(static_cast<uint32_t>(c.multiplier)) - 1 : 0;
  return {static_cast<uint32_t>(c.folded) << 8 | static_cast<uint32_t>(more - c.shift - 1),
          static_cast<uint32_t>(c.multiplier) << more};
}

/// True where two output channels may share a lane: no lane leaves 16 bits and no upper channel's sum 24. Of
/// int8 `weights` [outputs, inputs].
inline bool matmul_s8_shares_dsp(std::span<const int8_t> weights, int32_t inputs) {
  const size_t width = static_cast<size_t>(inputs);
  for (size_t upper = width; upper < weights.size(); upper += 2 * width) {
    int64_t positive = 0, negative = 0;
    for (size_t k = 0; k < width; ++k) {
      const int32_t w = weights[upper + k];
      if (w == -128 && weights[upper - width + k] < 0) return false;
      (w > 0 ? positive : negative) += std::abs(w);
    }
    const int64_t least = -128 * positive - 127 * negative, most = 127 * positive + 128 * negative;
    if (least < -(int64_t{1} << 23) || most >= int64_t{1} << 23) return false;
  }
  return true;
}

/// The stream matmul_s8_dsp reads, of a matrix of int8 `weights` [outputs, inputs]. `order` lists which input
/// each byte of an expanded column comes from, -1 for padding; its length is a multiple of 4. `bias` may be
/// empty. With `rounds_once` factors are those of rescale_once; the stream is empty where kFinishOnceDsp
/// cannot do that.
inline std::vector<int8_t> pack_matmul_s8_dsp(std::span<const int8_t> weights, int32_t inputs,
                                              int32_t outputs, std::span<const int32_t> order,
                                              int32_t in_zero, int32_t out_zero, int32_t out_min,
                                              std::span<const int32_t> bias,
                                              std::span<const int32_t> multiplier,
                                              std::span<const int8_t> shift, bool rounds_once = false) {
  const auto weight = [&](int32_t o, int32_t k) -> int32_t {
    return o >= 0 && o < outputs && k >= 0 ? weights[static_cast<size_t>(o) * inputs + k] : 0;
  };
  std::vector<ChannelDsp> channels;
  for (int32_t o = 0; o < outputs; ++o) {
    channels.push_back(channel_dsp(
        inputs, [&](int32_t k) { return weight(o, k); }, in_zero, bias, multiplier, shift, o));
    channels.back().rounds_once = rounds_once;
  }
  const FinishDsp finish = choose_matmul_finish_dsp(channels, out_zero, out_min);
  if (rounds_once && finish != kFinishOnceDsp) return {};
  const auto used = [&](int32_t o, int32_t k) {
    const bool is_constant = finish != kFinishSlowDsp && o >= 0 && o < outputs && channels[o].constant();
    return is_constant ? 0 : weight(o, k);
  };
  const bool shares = matmul_s8_shares_dsp(weights, inputs);
  const int32_t block = shares ? 4 : 2;

  std::vector<int8_t> stream;
  const int32_t pairs = static_cast<int32_t>(order.size()) / 2;
  for (int32_t head : std::initializer_list<int32_t>{pairs, block, finish, 2 * out_zero + 1})
    append_word_dsp(stream, head);
  for (int32_t first = 0; first < outputs; first += block) {
    int32_t channel[4];
    for (int i = 0; i < 4; ++i) channel[i] = shares ? first + i : i % 2 ? -1 : first + i / 2;
    for (int32_t pair = 0; pair < pairs; ++pair) {
      const int32_t byte = pair / 2 * 4 + pair % 2;
      for (int lane = 0; lane < 2; ++lane) {
        const auto both = [&](int32_t k) {
          return static_cast<uint32_t>(256 * used(channel[2 * lane + 1], k) + used(channel[2 * lane], k)) &
                 0xffffu;
        };
        append_word_dsp(stream, both(order[byte]) | both(order[byte + 2]) << 16);
      }
    }
    for (int32_t o : channel) {
      const bool live = o >= 0 && o < outputs;
      if (finish == kFinishSlowDsp) {
        const FinishConstantsDsp c =
            live ? finish_constants_dsp(finish, channels[o], out_zero) : FinishConstantsDsp{};
        for (uint32_t word : {c.bias, c.multiplier, c.offset, c.shift}) append_word_dsp(stream, word);
      } else {
        const auto [first_word, second_word] =
            live ? matmul_constants_dsp(channels[o], out_zero) : std::pair<uint32_t, uint32_t>{};
        append_word_dsp(stream, first_word);
        append_word_dsp(stream, second_word);
      }
    }
  }
  return stream;
}

}  // namespace nb
