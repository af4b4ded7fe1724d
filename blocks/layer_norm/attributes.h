// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct LayerNormAttrs {
  std::int64_t axis = -1;
  float epsilon = 1e-5f;
  bool moments = false;
  bool centered = true;
};
inline constexpr std::tuple kLayerNormFields{
    Field{"axis", &LayerNormAttrs::axis, "the first of the axes that are normalized together; -1: the last"},
    Field{"epsilon", &LayerNormAttrs::epsilon, "added to the variance"},
    Field{"moments", &LayerNormAttrs::moments, "the mean and the inverse deviation are outputs, too"},
    Field{"centered", &LayerNormAttrs::centered, "false: the mean counts as 0 (root mean square)"}};

}  // namespace nb
