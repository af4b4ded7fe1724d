// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct TriluAttrs {
  bool upper = true;
  std::int64_t diagonal = 0;
};
inline constexpr std::tuple kTriluFields{
    Field{"upper", &TriluAttrs::upper, "what lies on and above the diagonal stays, else on and below"},
    Field{"diagonal", &TriluAttrs::diagonal, "0: the main one; positive: above it"}};

}  // namespace nb
