// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct SliceAttrs {
  std::vector<std::int64_t> begin = {};
  std::vector<std::int64_t> size = {};
  std::vector<std::int64_t> step = {};
};
inline constexpr std::tuple kSliceFields{Field{"begin", &SliceAttrs::begin, "first index, one an axis"},
                                         Field{"size", &SliceAttrs::size, "output dimensions"},
                                         Field{"step", &SliceAttrs::step, "may be negative, never 0"}};

}  // namespace nb
