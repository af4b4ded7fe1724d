// Attributes of the blocks in this folder.
#pragma once
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct MaxPoolIndicesAttrs {
  std::vector<std::int64_t> kernel = {};
  std::vector<std::int64_t> stride = {};
  std::vector<std::int64_t> dilation = {};
  std::vector<std::int64_t> pad = {};
  bool column_major = false;
};
inline constexpr std::tuple kMaxPoolIndicesFields{
    Field{"kernel", &MaxPoolIndicesAttrs::kernel, "one an axis"},
    Field{"stride", &MaxPoolIndicesAttrs::stride, "one an axis"},
    Field{"dilation", &MaxPoolIndicesAttrs::dilation, "one an axis"},
    Field{"pad", &MaxPoolIndicesAttrs::pad, "before each axis, then after each"},
    Field{"column_major", &MaxPoolIndicesAttrs::column_major,
          "indices count the first axis of an image fastest"}};

}  // namespace nb
