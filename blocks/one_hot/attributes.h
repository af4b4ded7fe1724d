// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct OneHotAttrs {
  std::int64_t axis = -1;
  std::int64_t depth = 1;
};
inline constexpr std::tuple kOneHotFields{
    Field{"axis", &OneHotAttrs::axis, "the new axis in the output; from the output's end if negative"},
    Field{"depth", &OneHotAttrs::depth, "its size"}};

}  // namespace nb
