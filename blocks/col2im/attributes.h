// Attributes of the blocks in this folder.
#pragma once
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct Col2ImAttrs {
  std::vector<std::int64_t> image = {};
  std::vector<std::int64_t> kernel = {};
  std::vector<std::int64_t> stride = {};
  std::vector<std::int64_t> dilation = {};
  std::vector<std::int64_t> pad = {};
};
inline constexpr std::tuple kCol2ImFields{
    Field{"image", &Col2ImAttrs::image, "spatial shape of the output"},
    Field{"kernel", &Col2ImAttrs::kernel, "of the windows, one an axis"},
    Field{"stride", &Col2ImAttrs::stride, "of the windows, one an axis"},
    Field{"dilation", &Col2ImAttrs::dilation, "of the windows, one an axis"},
    Field{"pad", &Col2ImAttrs::pad, "before each axis, then after each"}};

}  // namespace nb
