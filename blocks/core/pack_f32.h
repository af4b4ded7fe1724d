// Packing float weights for tiles. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tile_f32.h"

namespace nb {

/// The stream of `outputs` channels over `inputs` inputs, `weight(o, k)` being a weight: for each block of
/// kTileChannels channels their biases, then for each input their weights; then for each remaining channel
/// its bias and its weights. `bias` may be empty.
template <class Weight>
std::vector<float> pack_tiles_f32(int32_t outputs, int32_t inputs, std::span<const float> bias,
                                  Weight weight) {
  std::vector<float> stream;
  stream.reserve(static_cast<size_t>(outputs) * (inputs + 1));
  for (int32_t first = 0; first < outputs;) {
    const int32_t channels = outputs - first >= kTileChannels ? kTileChannels : 1;
    for (int32_t o = first; o < first + channels; ++o) stream.push_back(bias.empty() ? 0.0f : bias[o]);
    for (int32_t k = 0; k < inputs; ++k)
      for (int32_t o = first; o < first + channels; ++o) stream.push_back(weight(o, k));
    first += channels;
  }
  return stream;
}

/// The stream of the weights alone, which begins each sum with what lies elsewhere (vector_f32).
template <class Weight>
std::vector<float> pack_weight_tiles_f32(int32_t outputs, int32_t inputs, Weight weight) {
  std::vector<float> stream;
  stream.reserve(static_cast<size_t>(outputs) * static_cast<size_t>(inputs));
  for (int32_t first = 0; first < outputs;) {
    const int32_t channels = outputs - first >= kTileChannels ? kTileChannels : 1;
    for (int32_t k = 0; k < inputs; ++k)
      for (int32_t o = first; o < first + channels; ++o) stream.push_back(weight(o, k));
    first += channels;
  }
  return stream;
}

}  // namespace nb
