// Packs a depthwise convolution's constants into the stream depthwise_conv2d_s8_dsp reads. Host code.
#pragma once
#include "../conv2d/conv2d_s8.h"
#include "../core/pack_dsp.h"
#include "depthwise_conv2d_s8_dsp.h"

namespace nb {

/// True where depthwise_conv2d_s8_dsp computes `p`. With fewer channels depthwise_as_conv2d is the faster
/// way.
inline bool depthwise_conv2d_s8_dsp_applies(const DepthwiseConv2dS8& p) { return p.in_channels >= 4; }

/// A depthwise convolution as a full one: the same outputs, with zero weights between different channels.
struct DepthwiseAsConv2d {
  Conv2dS8 params;
  std::vector<int8_t> weights;  ///< OHWI
};
inline DepthwiseAsConv2d depthwise_as_conv2d(const DepthwiseConv2dS8& p, std::span<const int8_t> weights) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w, outputs = p.in_channels * p.depth_multiplier;
  DepthwiseAsConv2d full{{p.window, p.in_channels, outputs, 1, p.in_zero, p.out_zero, p.out_min, p.out_max},
                         std::vector<int8_t>(static_cast<size_t>(outputs) * taps * p.in_channels, 0)};
  for (int32_t o = 0; o < outputs; ++o)
    for (int32_t tap = 0; tap < taps; ++tap)
      full.weights[(static_cast<size_t>(o) * taps + tap) * p.in_channels + o / p.depth_multiplier] =
          weights[static_cast<size_t>(tap) * outputs + o];
  return full;
}

/// Weights HW(C*mult); `bias` empty or one an output channel; `multiplier` and `shift` (-31..31, positive to
/// the left) one an output channel. The stream goes to a 16-byte aligned address.
inline std::vector<int8_t> pack_depthwise_conv2d_s8_dsp(const DepthwiseConv2dS8& p,
                                                        std::span<const int8_t> weights,
                                                        std::span<const int32_t> bias,
                                                        std::span<const int32_t> multiplier,
                                                        std::span<const int8_t> shift) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w, outputs = p.in_channels * p.depth_multiplier;
  std::vector<ChannelDsp> channels;
  for (int32_t o = 0; o < outputs; ++o)
    channels.push_back(channel_dsp(
        taps, [&](int32_t tap) { return weights[static_cast<size_t>(tap) * outputs + o]; }, p.in_zero, bias,
        multiplier, shift, o));
  const FinishDsp finish = choose_finish_dsp(channels, p.out_zero, p.out_min);
  const auto constants = [&](int32_t o) { return finish_constants_dsp(finish, channels[o], p.out_zero); };
  const int32_t scale = finish == kFinishSlowDsp ? 1 : 2;
  const bool rows = finish != kFinishSlowDsp && depthwise_3x3_dsp_applies(p);
  std::vector<int8_t> stream;
  for (int32_t head : std::initializer_list<int32_t>{rows, 0, finish, 0}) append_word_dsp(stream, head);
  if (rows) {
    for (int32_t c = 0; c < p.in_channels; c += 4)
      for (int32_t i = 0; i < 4; ++i) {
        const int32_t o = std::min(c, p.in_channels - 4) + i;
        const auto half = [&](int32_t row, int32_t column) {
          return static_cast<uint32_t>(2 * weights[static_cast<size_t>(row * 3 + column) * outputs + o]) &
                 0xffffu;
        };
        for (int32_t column = 0; column < 3; ++column)
          for (int32_t row = 0; row < 2; ++row)
            append_word_dsp(stream, half(row, column) | half(row + 1, column) << 16);
        const FinishConstantsDsp f = constants(o);
        for (uint32_t word : {f.multiplier, f.offset, f.shift, f.bias}) append_word_dsp(stream, word);
      }
    return stream;
  }
  for (int32_t m = 0; m < p.depth_multiplier; ++m)
    for (int32_t c = 0; c < p.in_channels; c += 4) {
      const auto output = [&](int32_t i) {
        return (std::min(c, p.in_channels - 4) + i) * p.depth_multiplier + m;
      };
      for (int32_t i = 0; i < 4; ++i) append_word_dsp(stream, constants(output(i)).bias);
      for (int32_t tap = 0; tap < taps; ++tap)
        for (int32_t i = 0; i < 2; ++i) {
          const auto half = [&](int32_t channel) {
            return static_cast<uint32_t>(scale *
                                         weights[static_cast<size_t>(tap) * outputs + output(channel)]) &
                   0xffffu;
          };
          append_word_dsp(stream, half(i) | half(i + 2) << 16);
        }
      for (int32_t i = 0; i < 4; ++i) {
        const FinishConstantsDsp f = constants(output(i));
        for (uint32_t word : {f.multiplier, f.offset, f.shift}) append_word_dsp(stream, word);
      }
    }
  return stream;
}

}  // namespace nb
