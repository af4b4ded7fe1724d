// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Attributes of the reductions.
struct ReduceAttrs {
  std::vector<std::int64_t> axes = {};
  bool keep_dims = true;
};
inline constexpr std::tuple kReduceFields{
    Field{"axes", &ReduceAttrs::axes, "sorted and non-negative; empty: none"},
    Field{"keep_dims", &ReduceAttrs::keep_dims, "reduced axes stay as 1"}};

}  // namespace nb
