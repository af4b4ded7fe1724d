// Attributes of the blocks in this folder.
#pragma once
#include <array>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "graph/attributes.h"

namespace nb {

/// Attributes of softmax and log_softmax.
struct SoftmaxAttrs {
  std::int64_t axis = -1;
  float beta = 1.0f;
};
inline constexpr std::tuple kSoftmaxFields{
    Field{"axis", &SoftmaxAttrs::axis, "the axis that is normalized, from the end if negative"},
    Field{"beta", &SoftmaxAttrs::beta, "factor on the input"}};

}  // namespace nb
