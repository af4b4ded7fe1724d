// Packs a dense layer's constants into the streams of the kernels for Helium. Host code.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/pack_mve.h"
#include "layout_mve.h"

namespace nb {

struct PackedDenseS8Mve {
  DenseS8Mve params;
  std::vector<int8_t> stream;  ///< to be placed 16-byte aligned
};

/// True where all outputs are rescaled alike.
inline bool is_uniform_mve(std::span<const int32_t> multiplier, std::span<const int8_t> shift) {
  return std::all_of(multiplier.begin(), multiplier.end(), [&](int32_t m) { return m == multiplier[0]; }) &&
         std::all_of(shift.begin(), shift.end(), [&](int8_t s) { return s == shift[0]; });
}

/// Weights [out, in]; `bias` empty or one an output; `multiplier` and `shift` (-31..31, positive to the left)
/// one an output. `width` outputs a group: 4 for dense_s8_mve_narrow; 8, of which the even ones come first,
/// for dense_s8_mve. With `uniform` for dense_s8_mve_uniform: for each eight outputs the biases, then the
/// weights.
inline PackedDenseS8Mve pack_dense_s8_mve(const DenseS8& p, std::span<const int8_t> weights,
                                          std::span<const int32_t> bias, std::span<const int32_t> multiplier,
                                          std::span<const int8_t> shift, int32_t width, bool uniform) {
  constexpr int32_t kFour[] = {0, 1, 2, 3}, kEight[] = {0, 2, 4, 6, 1, 3, 5, 7};
  const std::span<const int32_t> order = width == 4 ? std::span<const int32_t>(kFour) : kEight;
  const DotWeightsMve weight{weights, p.in_features, p.out_features};
  const auto i8 = [](int32_t value) { return static_cast<int8_t>(value); };
  PackedDenseS8Mve packed{
      {p.rows, p.in_features, p.out_features, 0, 0, i8(p.out_zero), i8(p.out_min), i8(p.out_max), 0}, {}};
  if (!uniform) {
    const ScalesMve scales = scales_mve(p.out_features, p.in_features, weight, p.in_zero, bias, multiplier,
                                        shift, {p.out_zero, p.out_min, p.out_max});
    packed.params.form = scales.form;
    packed.stream = pack_dot_s8_mve(weight, scales, order);
    return packed;
  }
  packed.params.multiplier = multiplier[0];
  packed.params.shift = shift[0];
  packed.params.form = shift[0] > 0 ? kGeneralMve : shift[0] < 0 && p.out_min < p.out_zero ? kTiesMve : 0;
  const auto biases = folded_biases_mve(p.out_features, p.in_features, weight, p.in_zero, bias);
  for (int32_t first = 0; first < p.out_features; first += 8) {
    const std::vector<int32_t> group = group_mve(first, order, p.out_features);
    for (int32_t o : group) append_s32(packed.stream, o < 0 ? 0 : biases[static_cast<size_t>(o)]);
    append_weights_mve(packed.stream, weight, group);
  }
  return packed;
}

}  // namespace nb
