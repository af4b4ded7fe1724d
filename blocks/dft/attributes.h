// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct DftAttrs {
  std::int64_t axis = -2;
  std::int64_t length = 0;
  bool inverse = false;
  bool onesided = false;
};
inline constexpr std::tuple kDftFields{
    Field{"axis", &DftAttrs::axis, "of the signal; from the end if negative, not the last"},
    Field{"length", &DftAttrs::length, "of the transform: the signal is cut or zero-filled; 0: as it is"},
    Field{"inverse", &DftAttrs::inverse, "from frequencies to a signal, divided by the length"},
    Field{"onesided", &DftAttrs::onesided,
          "only frequencies up to half the length: they are given, or of an inverse taken, which is then "
          "real"}};

}  // namespace nb
