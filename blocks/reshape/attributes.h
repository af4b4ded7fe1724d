// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct ReshapeAttrs {
  std::vector<std::int64_t> shape = {};
};
inline constexpr std::tuple kReshapeFields{
    Field{"shape", &ReshapeAttrs::shape, "the new shape, as many elements"}};

}  // namespace nb
