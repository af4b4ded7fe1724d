// Attributes of the blocks in this folder.
#pragma once
#include <tuple>

#include "graph/attributes.h"

namespace nb {

/// Parameters of one-operand functions. Each function names those that it has; models give them always.
struct UnaryAttrs {
  float alpha = 1.0f;
  float beta = 0.0f;
  float gamma = 1.0f;
  bool approximate = false;
};
inline constexpr Field kUnaryAlpha{"alpha", &UnaryAttrs::alpha, "slope, factor or threshold of the formula"};
inline constexpr Field kUnaryBeta{"beta", &UnaryAttrs::beta, "the formula's offset"};
inline constexpr Field kUnaryGamma{"gamma", &UnaryAttrs::gamma, "the formula's outer factor"};
inline constexpr Field kUnaryApproximate{"approximate", &UnaryAttrs::approximate, "by tanh instead of erf"};

}  // namespace nb
