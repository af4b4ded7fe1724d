// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct CumsumAttrs {
  std::int64_t axis = 0;
  bool exclusive = false;
  bool reverse = false;
};
inline constexpr std::tuple kCumsumFields{
    Field{"axis", &CumsumAttrs::axis, "along which elements add up; from the end if negative"},
    Field{"exclusive", &CumsumAttrs::exclusive, "an element does not count towards its own sum"},
    Field{"reverse", &CumsumAttrs::reverse, "from the last element to the first"}};

}  // namespace nb
