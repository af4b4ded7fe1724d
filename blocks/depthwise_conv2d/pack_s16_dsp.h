// Packs a depthwise convolution's constants into the stream depthwise_conv2d_s16_dsp reads. Host code.
#pragma once
#include "../core/pack_s16_dsp.h"
#include "depthwise_conv2d_s16_dsp.h"

namespace nb {

/// Weights HW(C*mult). The form is "3x3Twice", "3x3Once", "TapsTwice" or "TapsOnce"; null where sums or
/// factors do not suit the kernel.
inline PackedS16Dsp pack_depthwise_conv2d_s16_dsp(const DepthwiseConv2dS8& p, const LayerS16& layer) {
  const int32_t taps = p.window.kernel.h * p.window.kernel.w, outputs = p.in_channels * p.depth_multiplier;
  const auto weight = [&](int32_t o, int32_t tap) -> int32_t {
    return layer.weights[static_cast<size_t>(tap) * static_cast<size_t>(outputs) + static_cast<size_t>(o)];
  };
  std::vector<ChannelS16> channels;
  for (int32_t o = 0; o < outputs; ++o)
    channels.push_back(channel_s16(
        layer, taps, [&](int32_t tap) { return weight(o, tap); }, o));
  const FormS16 form = choose_form_s16(channels);
  if (form == FormS16::wide) return {nullptr, {}};
  const bool is_once = form == FormS16::once, is_3x3 = depthwise_3x3_dsp_applies(p);
  PackedS16Dsp packed{is_3x3 ? is_once ? "3x3Once" : "3x3Twice" : is_once ? "TapsOnce" : "TapsTwice", {}};
  const auto word = [&](int32_t value) { append_word_dsp(packed.stream, static_cast<uint32_t>(value)); };
  const auto scale = [&](int32_t o) { return fast_scale_s16(channels[static_cast<size_t>(o)], form); };
  const auto half = [&](int32_t o, int32_t tap) {
    const bool is_dead = channels[static_cast<size_t>(o)].constant();
    return static_cast<uint32_t>(is_dead ? 0 : 2 * weight(o, tap)) & 0xffffu;
  };
  const auto append_scale = [&](int32_t o, bool is_short) {
    const FastScaleS16 s = scale(o);
    word(s.multiplier);
    if (is_short) return;
    word(is_once ? 0 : 1 << s.shift);
    word(is_once ? 0 : s.shift + 1);
  };
  for (int32_t head :
       std::initializer_list<int32_t>{is_3x3, 0, p.out_min >= 0 ? kFinishPositiveDsp : kFinishAnySignDsp, 0})
    word(head);
  for (int32_t m = 0; m < p.depth_multiplier; ++m)
    for (int32_t c = 0; c < p.in_channels; c += 4) {
      const auto output = [&](int32_t i) {
        return (std::min(c, p.in_channels - 4) + i) * p.depth_multiplier + m;
      };
      for (int32_t i = 0; i < 4; ++i) {
        if (!is_3x3) {
          word(scale(output(i)).twice_bias);
          continue;
        }
        for (int32_t column = 0; column < 3; ++column)
          for (int32_t row = 0; row < 2; ++row)
            append_word_dsp(packed.stream,
                            half(output(i), row * 3 + column) | half(output(i), row * 3 + 3 + column) << 16);
        append_scale(output(i), false);
        word(scale(output(i)).twice_bias);
      }
      if (is_3x3) continue;
      for (int32_t tap = 0; tap < taps; ++tap)
        for (int32_t i = 0; i < 4; i += 2)
          append_word_dsp(packed.stream, half(output(i), tap) | half(output(i + 1), tap) << 16);
      for (int32_t i = 0; i < 4; ++i) append_scale(output(i), is_once);
    }
  return packed;
}

}  // namespace nb
