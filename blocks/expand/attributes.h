// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct ExpandAttrs {
  std::vector<std::int64_t> shape = {};
};
inline constexpr std::tuple kExpandFields{
    Field{"shape", &ExpandAttrs::shape, "the output shape; input axes of 1 repeat"}};

}  // namespace nb
