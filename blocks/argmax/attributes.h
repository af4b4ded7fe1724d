// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Attributes of argmax and argmin.
struct ArgmaxAttrs {
  std::int64_t axis = 0;
  bool keep_dims = true;
  bool select_last = false;
  DType to = DType::i64;
};
inline constexpr std::tuple kArgmaxFields{
    Field{"axis", &ArgmaxAttrs::axis, "non-negative"},
    Field{"keep_dims", &ArgmaxAttrs::keep_dims, "the axis stays as 1"},
    Field{"select_last", &ArgmaxAttrs::select_last, "of equal elements take the last"},
    Field{"to", &ArgmaxAttrs::to, "the dtype of the indices"}};

}  // namespace nb
