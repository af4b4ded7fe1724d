// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct DepthwiseConv2dAttrs {
  std::vector<std::int64_t> stride = {1, 1};
  std::vector<std::int64_t> pad = {0, 0, 0, 0};
  std::vector<std::int64_t> dilation = {1, 1};
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kDepthwiseConv2dFields{
    Field{"stride", &DepthwiseConv2dAttrs::stride, "rows, columns"},
    Field{"pad", &DepthwiseConv2dAttrs::pad, "top, left, bottom, right"},
    Field{"dilation", &DepthwiseConv2dAttrs::dilation, "rows, columns"},
    Field{"clamp_min", &DepthwiseConv2dAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &DepthwiseConv2dAttrs::clamp_max, "the fused activation: upper bound, real units"}};

}  // namespace nb
