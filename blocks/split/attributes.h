// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct SplitAttrs {
  std::int64_t axis = 0;
  std::vector<std::int64_t> sizes = {};
};
inline constexpr std::tuple kSplitFields{Field{"axis", &SplitAttrs::axis, "non-negative"},
                                         Field{"sizes", &SplitAttrs::sizes, "along the axis, one an output"}};

}  // namespace nb
