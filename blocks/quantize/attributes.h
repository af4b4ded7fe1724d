// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Attributes of quantize (float to integer) and requantize (integer to integer).
struct QuantizeAttrs {
  DType to = DType::i8;
  bool ties_to_even = false;
};
inline constexpr std::tuple kQuantizeFields{
    Field{"to", &QuantizeAttrs::to, "the output dtype"},
    Field{"ties_to_even", &QuantizeAttrs::ties_to_even, "of floats; else ties go away from zero"}};
inline constexpr std::tuple kRequantizeFields{Field{"to", &QuantizeAttrs::to, "the output dtype"}};

}  // namespace nb
