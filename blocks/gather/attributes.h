// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct GatherAttrs {
  std::int64_t axis = 0;
  std::int64_t batch_dims = 0;
};
inline constexpr std::tuple kGatherFields{
    Field{"axis", &GatherAttrs::axis, "of x that the indices address, non-negative"},
    Field{"batch_dims", &GatherAttrs::batch_dims, "leading axes that x and the indices share"}};

}  // namespace nb
