// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct RoiAlignAttrs {
  std::vector<std::int64_t> size = {1, 1};
  bool is_max = false;
  bool half_pixel = true;
  std::int64_t sampling = 0;
  float scale = 1.0f;
};
inline constexpr std::tuple kRoiAlignFields{
    Field{"size", &RoiAlignAttrs::size, "bins of a region: rows, columns"},
    Field{"is_max", &RoiAlignAttrs::is_max,
          "the largest of a bin's weighted pixels instead of the mean of its samples"},
    Field{"half_pixel", &RoiAlignAttrs::half_pixel,
          "coordinates are those of pixel edges; else of centres, and a region is at least one pixel"},
    Field{"sampling", &RoiAlignAttrs::sampling, "samples of a bin along each axis; 0: one a pixel"},
    Field{"scale", &RoiAlignAttrs::scale, "region coordinates to pixels"}};

}  // namespace nb
