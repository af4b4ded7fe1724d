// Attributes of the blocks in this folder.
#pragma once
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct DeformConv2dAttrs {
  std::vector<std::int64_t> stride = {1, 1};
  std::vector<std::int64_t> pad = {0, 0, 0, 0};
  std::vector<std::int64_t> dilation = {1, 1};
  std::int64_t groups = 1;
  std::int64_t offset_groups = 1;
};
inline constexpr std::tuple kDeformConv2dFields{
    Field{"stride", &DeformConv2dAttrs::stride, "rows, columns"},
    Field{"pad", &DeformConv2dAttrs::pad, "top, left, bottom, right"},
    Field{"dilation", &DeformConv2dAttrs::dilation, "rows, columns"},
    Field{"groups", &DeformConv2dAttrs::groups, "of channels that are convolved by themselves"},
    Field{"offset_groups", &DeformConv2dAttrs::offset_groups,
          "of input channels that share offsets and masks"}};

}  // namespace nb
