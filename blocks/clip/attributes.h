// Attributes of the blocks in this folder.
#pragma once
#include <limits>
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct ClipAttrs {
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
};
inline constexpr std::tuple kClipFields{Field{"min", &ClipAttrs::min, "lower bound, real units"},
                                        Field{"max", &ClipAttrs::max, "upper bound, real units"}};

}  // namespace nb
