// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

struct TopkAttrs {
  std::int64_t axis = -1;
  std::int64_t k = 1;
  bool largest = true;
  DType to = DType::i64;
};
inline constexpr std::tuple kTopkFields{
    Field{"axis", &TopkAttrs::axis, "along which elements are compared; from the end if negative"},
    Field{"k", &TopkAttrs::k, "how many are taken"},
    Field{"largest", &TopkAttrs::largest,
          "the largest, in falling order; else the smallest, in rising order"},
    Field{"to", &TopkAttrs::to, "the dtype of the indices"}};

}  // namespace nb
