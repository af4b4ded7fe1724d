// Functions of gates that are not blocks of their own, as functors.
#pragma once
#include "../unary/functions.h"

namespace nb {

struct ScaledTanh {
  float alpha, beta;
  float operator()(float x) const { return alpha * quick_tanh(beta * x); }
};
struct Affine {
  float alpha, beta;
  float operator()(float x) const { return alpha * x + beta; }
};

}  // namespace nb
