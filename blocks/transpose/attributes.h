// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct TransposeAttrs {
  std::vector<std::int64_t> perm = {};
};
inline constexpr std::tuple kTransposeFields{
    Field{"perm", &TransposeAttrs::perm, "output axis i is input axis perm[i]"}};

}  // namespace nb
