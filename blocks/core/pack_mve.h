// Building packed constant streams for vector (Helium) kernels. Host code.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace nb {

/// Appends little-endian int32.
inline void append_s32(std::vector<int8_t>& stream, int32_t value) {
  for (int bit = 0; bit < 32; bit += 8)
    stream.push_back(static_cast<int8_t>(static_cast<uint32_t>(value) >> bit));
}

/// The 16-byte head of a stream: its first byte is nonzero where some shift is positive.
inline std::vector<int8_t> stream_head_mve(std::span<const int8_t> shift) {
  std::vector<int8_t> stream(16, 0);
  for (int8_t s : shift) stream[0] = stream[0] | (s > 0);
  return stream;
}

/// The stream of a matrix of int8 `weights` [outputs, inputs] for the dot-product kernels: a head, then for
/// each group of outputs (`order` lists the group's outputs as its lanes hold them) the biases with the input
/// zero point folded in, `bias_copies` times; the weights, for each 16 inputs 16 of each output; the
/// multipliers; the shifts. Absent outputs and inputs have zero weights. `bias` may be empty.
inline std::vector<int8_t> pack_dot_s8_mve(std::span<const int8_t> weights, int32_t inputs, int32_t outputs,
                                           int32_t in_zero, std::span<const int32_t> bias,
                                           std::span<const int32_t> multiplier, std::span<const int8_t> shift,
                                           const std::vector<int32_t>& order, int bias_copies) {
  std::vector<int8_t> stream = stream_head_mve(shift);
  const auto weight = [&](int32_t o, int32_t k) {
    return o < outputs && k < inputs ? weights[static_cast<size_t>(o) * inputs + k] : int8_t{0};
  };
  const int32_t width = static_cast<int32_t>(order.size());
  for (int32_t first = 0; first < outputs; first += width) {
    for (int copy = 0; copy < bias_copies; ++copy)
      for (int32_t lane : order) {
        const int32_t o = first + lane;
        uint32_t folded = o < outputs && !bias.empty() ? static_cast<uint32_t>(bias[o]) : 0u;
        for (int32_t k = 0; k < inputs; ++k) folded -= static_cast<uint32_t>(in_zero * weight(o, k));
        append_s32(stream, static_cast<int32_t>(folded));
      }
    for (int32_t k = 0; k < inputs; k += 16)
      for (int32_t lane : order)
        for (int32_t i = 0; i < 16; ++i) stream.push_back(weight(first + lane, k + i));
    for (int32_t lane : order) append_s32(stream, first + lane < outputs ? multiplier[first + lane] : 0);
    for (int32_t lane : order) append_s32(stream, first + lane < outputs ? shift[first + lane] : 0);
  }
  return stream;
}

}  // namespace nb
