// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct BatchNormAttrs {
  std::int64_t axis = -1;
  float epsilon = 1e-5f;
};
inline constexpr std::tuple kBatchNormFields{
    Field{"axis", &BatchNormAttrs::axis, "the channel axis"},
    Field{"epsilon", &BatchNormAttrs::epsilon, "added to the variance"}};

}  // namespace nb
