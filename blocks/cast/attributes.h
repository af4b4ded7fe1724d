// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct CastAttrs {
  DType to = DType::f32;
};
inline constexpr std::tuple kCastFields{Field{"to", &CastAttrs::to, "the output dtype"}};

}  // namespace nb
