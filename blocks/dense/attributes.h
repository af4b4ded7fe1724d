// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct DenseAttrs {
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
  bool rounds_once = false;
};
inline constexpr std::tuple kDenseFields{
    Field{"clamp_min", &DenseAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &DenseAttrs::clamp_max, "the fused activation: upper bound, real units"},
    Field{"rounds_once", &DenseAttrs::rounds_once, "int8: sums are rescaled with one rounding, ties up"}};

}  // namespace nb
