// Building packed constant streams for int16 kernels for Helium. Host code.
#pragma once
#include "form_s16_mve.h"
#include "pack_mve.h"
#include "pack_s16.h"

namespace nb {

/// The channels of a layer and the form of their constants; not for FormS16::wide.
struct ChannelsS16Mve {
  std::vector<ChannelS16> channels;
  FormS16 form;
  uint8_t bits;  ///< kTwiceS16Mve...
};

/// `weight(o, k)` is weight k of channel o. `is_positive`: outputs are clamped at zero.
template <class Weight>
ChannelsS16Mve channels_s16_mve(const LayerS16& layer, int32_t count, int32_t taps, Weight weight,
                                bool is_positive) {
  ChannelsS16Mve made{{}, FormS16::wide, 0};
  for (int32_t o = 0; o < count; ++o)
    made.channels.push_back(channel_s16(
        layer, taps, [&](int32_t k) { return weight(o, k); }, o));
  made.form = choose_form_s16(made.channels);
  if (made.form == FormS16::twice)
    made.bits = static_cast<uint8_t>(kTwiceS16Mve | (is_positive ? 0 : kTiesS16Mve));
  return made;
}

/// Appends the constants of the channels [first, first + count); there are none beyond the last.
inline void append_scales_s16_mve(std::vector<int8_t>& stream, const ChannelsS16Mve& from, int32_t first,
                                  int32_t count) {
  const auto append = [&](auto field) {
    for (int32_t o = first; o < first + count; ++o) {
      const bool is_one = static_cast<size_t>(o) < from.channels.size();
      append_s32(stream, is_one ? field(from.channels[static_cast<size_t>(o)]) : 0);
    }
  };
  append([&](const ChannelS16& c) { return fast_scale_s16(c, from.form).twice_bias / 2; });
  append([&](const ChannelS16& c) { return fast_scale_s16(c, from.form).multiplier; });
  if (from.form == FormS16::twice)
    append([&](const ChannelS16& c) { return -fast_scale_s16(c, from.form).shift - 1; });
}

/// The stream of a dot-product kernel that takes `width` outputs at a time: for each of these groups and each
/// 8 inputs 8 weights of each output, then the constants.
inline std::vector<int8_t> pack_dot_s16_mve(const DotWeightsMve& weight, const ChannelsS16Mve& from,
                                            int32_t width) {
  std::vector<int8_t> stream;
  for (int32_t first = 0; first < weight.outputs; first += width) {
    for (int32_t k = 0; k < weight.inputs; k += 8)
      for (int32_t o = first; o < first + width; ++o)
        for (int32_t i = 0; i < 8; ++i)
          stream.push_back(o < weight.outputs && !from.channels[static_cast<size_t>(o)].constant()
                               ? weight(o, k + i)
                               : int8_t{0});
    append_scales_s16_mve(stream, from, first, width);
  }
  return stream;
}

}  // namespace nb
