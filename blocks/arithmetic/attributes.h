// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Attributes of add, sub, mul, div.
struct ArithmeticAttrs {
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kArithmeticFields{
    Field{"clamp_min", &ArithmeticAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &ArithmeticAttrs::clamp_max, "the fused activation: upper bound, real units"}};

}  // namespace nb
