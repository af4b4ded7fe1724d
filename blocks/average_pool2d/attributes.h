// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct AveragePool2dAttrs {
  std::vector<std::int64_t> kernel = {1, 1};
  std::vector<std::int64_t> stride = {1, 1};
  std::vector<std::int64_t> pad = {0, 0, 0, 0};
  std::vector<std::int64_t> dilation = {1, 1};
  bool count_include_pad = false;
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kAveragePool2dFields{
    Field{"kernel", &AveragePool2dAttrs::kernel, "rows, columns"},
    Field{"stride", &AveragePool2dAttrs::stride, "rows, columns"},
    Field{"pad", &AveragePool2dAttrs::pad, "top, left, bottom, right"},
    Field{"dilation", &AveragePool2dAttrs::dilation, "rows, columns"},
    Field{"count_include_pad", &AveragePool2dAttrs::count_include_pad, "padding counts in the divisor"},
    Field{"clamp_min", &AveragePool2dAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &AveragePool2dAttrs::clamp_max, "the fused activation: upper bound, real units"}};

}  // namespace nb
