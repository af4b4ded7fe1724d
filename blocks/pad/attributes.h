// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Where padding takes its elements from.
enum class PadMode : std::uint8_t { constant, reflect, symmetric, edge, wrap };
inline std::span<const std::string_view> names_of(PadMode) {
  static constexpr std::array<std::string_view, 5> kNames = {"constant", "reflect", "symmetric", "edge",
                                                             "wrap"};
  return kNames;
}

struct PadAttrs {
  std::vector<std::int64_t> before = {};
  std::vector<std::int64_t> after = {};
  PadMode mode = PadMode::constant;
  float value = 0.0f;
};
inline constexpr std::tuple kPadFields{
    Field{"before", &PadAttrs::before, "elements before, one an axis; negative crops"},
    Field{"after", &PadAttrs::after, "elements after, one an axis; negative crops"},
    Field{"mode", &PadAttrs::mode, "where the new elements come from"},
    Field{"value", &PadAttrs::value, "of constant padding, in real units"}};

}  // namespace nb
