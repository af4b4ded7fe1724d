// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct ConvTranspose2dAttrs {
  std::vector<std::int64_t> stride = {1, 1};
  std::vector<std::int64_t> pad = {0, 0, 0, 0};
  std::vector<std::int64_t> output_pad = {0, 0};
  std::vector<std::int64_t> dilation = {1, 1};
  std::int64_t groups = 1;
  float clamp_min = -std::numeric_limits<float>::infinity();
  float clamp_max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kConvTranspose2dFields{
    Field{"stride", &ConvTranspose2dAttrs::stride, "rows, columns"},
    Field{"pad", &ConvTranspose2dAttrs::pad, "cropped from the full output: top, left, bottom, right"},
    Field{"output_pad", &ConvTranspose2dAttrs::output_pad, "rows and columns added below and right"},
    Field{"dilation", &ConvTranspose2dAttrs::dilation, "rows, columns"},
    Field{"groups", &ConvTranspose2dAttrs::groups, "channel groups"},
    Field{"clamp_min", &ConvTranspose2dAttrs::clamp_min, "the fused activation: lower bound, real units"},
    Field{"clamp_max", &ConvTranspose2dAttrs::clamp_max, "the fused activation: upper bound, real units"}};

}  // namespace nb
