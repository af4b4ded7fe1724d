// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct ConcatAttrs {
  std::int64_t axis = 0;
};
inline constexpr std::tuple kConcatFields{Field{"axis", &ConcatAttrs::axis, "non-negative"}};

}  // namespace nb
