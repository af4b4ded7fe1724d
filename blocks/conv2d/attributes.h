// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct Conv2dAttrs {
  std::vector<std::int64_t> stride = {1, 1};
  std::vector<std::int64_t> pad = {0, 0, 0, 0};
  std::vector<std::int64_t> dilation = {1, 1};
  std::int64_t groups = 1;
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kConv2dFields{
    Field{"stride", &Conv2dAttrs::stride, "rows, columns"},
    Field{"pad", &Conv2dAttrs::pad, "top, left, bottom, right"},
    Field{"dilation", &Conv2dAttrs::dilation, "rows, columns"},
    Field{"groups", &Conv2dAttrs::groups, "input and output channels fall into this many groups"},
    Field{"clamp_min", &Conv2dAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &Conv2dAttrs::clamp_max, "the fused activation: upper bound, real units"}};

}  // namespace nb
