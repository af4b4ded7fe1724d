// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

struct MatmulAttrs {
  bool transpose_a = false;
  bool transpose_b = false;
};
inline constexpr std::tuple kMatmulFields{
    Field{"transpose_a", &MatmulAttrs::transpose_a, "swap the last two axes of a"},
    Field{"transpose_b", &MatmulAttrs::transpose_b, "swap the last two axes of b"}};

}  // namespace nb
