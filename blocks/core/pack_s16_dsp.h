// Building the constant streams of int16 kernels of the DSP extension. Host code.
#pragma once
#include "matmul_s16_dsp.h"
#include "pack_dsp.h"
#include "pack_s16.h"

namespace nb {

/// Which of its forms a matrix product takes: "Twice", "Once" or "Wide".
struct PackedS16Dsp {
  const char* form;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned
};

/// True where two output channels fit into a lane. Of int8 `weights` [outputs, inputs].
inline bool matmul_s16_shares_dsp(std::span<const int8_t> weights, int32_t inputs) {
  const auto width = static_cast<size_t>(inputs);
  for (size_t at = width; at < weights.size(); ++at)
    if (weights[at] == -128 && at / width % 2 == 1 && weights[at - width] < 0) return false;
  return true;
}

/// The stream of matmul_s16_dsp, of a matrix of weights [outputs, inputs] that shares lanes. `order` lists
/// which input each element of a column is, -1 for padding; its length is a multiple of 4. `is_positive`:
/// outputs are clamped at zero.
inline PackedS16Dsp pack_matmul_s16_dsp(const LayerS16& layer, int32_t inputs, int32_t outputs,
                                        std::span<const int32_t> order, bool is_positive) {
  const auto weight = [&](int32_t o, int32_t k) -> int32_t {
    return layer.weights[static_cast<size_t>(o) * static_cast<size_t>(inputs) + static_cast<size_t>(k)];
  };
  std::vector<ChannelS16> channels;
  for (int32_t o = 0; o < outputs; ++o)
    channels.push_back(channel_s16(
        layer, inputs, [&](int32_t k) { return weight(o, k); }, o));
  const FormS16 form = choose_form_s16(channels);
  const bool is_fast = form != FormS16::wide;
  PackedS16Dsp packed{form == FormS16::once ? "Once" : is_fast ? "Twice" : "Wide", {}};
  const FinishS16Dsp finish = is_fast             ? is_positive ? kFinishPositiveDsp : kFinishAnySignDsp
                              : layer.rounds_once ? kFinishWideOnceDsp
                                                  : kFinishWideTwiceDsp;
  append_word_dsp(packed.stream, static_cast<uint32_t>(order.size() / 2));
  append_word_dsp(packed.stream, finish);
  for (int32_t first = 0; first < outputs; first += 2) {
    const auto lane = [&](int32_t k) {
      const auto used = [&](int32_t o) {
        const bool counts =
            o < outputs && k >= 0 && !(is_fast && channels[static_cast<size_t>(o)].constant());
        return counts ? weight(o, k) : 0;
      };
      return static_cast<uint32_t>(256 * used(first + 1) + used(first)) & 0xffffu;
    };
    for (size_t k = 0; k < order.size(); k += 2)
      append_word_dsp(packed.stream, lane(order[k]) | lane(order[k + 1]) << 16);
    for (int32_t o = first; o < first + 2; ++o) {
      const ChannelS16 c = o < outputs ? channels[static_cast<size_t>(o)] : ChannelS16{};
      if (!is_fast) {
        append_word_dsp(packed.stream, static_cast<uint32_t>(c.bias));
        append_word_dsp(packed.stream, static_cast<uint32_t>(static_cast<uint64_t>(c.bias) >> 32));
        append_word_dsp(packed.stream, static_cast<uint32_t>(c.multiplier));
        append_word_dsp(packed.stream, static_cast<uint32_t>(c.shift));
        continue;
      }
      const FastScaleS16 scale = o < outputs ? fast_scale_s16(c, form) : FastScaleS16{};
      append_word_dsp(packed.stream, static_cast<uint32_t>(scale.twice_bias));
      append_word_dsp(packed.stream, static_cast<uint32_t>(scale.multiplier));
      if (form == FormS16::twice) append_word_dsp(packed.stream, static_cast<uint32_t>(scale.shift));
    }
  }
  return packed;
}

}  // namespace nb
