// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>

#include "graph/attributes.h"

namespace nb {

/// What becomes of an element and the update that meets it.
enum class ScatterReduction : std::uint8_t { none, add, mul, min, max };
inline std::span<const std::string_view> names_of(ScatterReduction) {
  static constexpr std::array<std::string_view, 5> kNames = {"none", "add", "mul", "min", "max"};
  return kNames;
}

struct ScatterAttrs {
  std::int64_t axis = 0;
  ScatterReduction reduction = ScatterReduction::none;
};
inline constexpr std::tuple kScatterElementsFields{
    Field{"axis", &ScatterAttrs::axis, "of x that the indices address; from the end if negative"},
    Field{"reduction", &ScatterAttrs::reduction, "what an update does with the element"}};
inline constexpr std::tuple kScatterNdFields{
    Field{"reduction", &ScatterAttrs::reduction, "what an update does with the element"}};

}  // namespace nb
