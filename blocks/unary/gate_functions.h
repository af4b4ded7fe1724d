// Functions of a recurrent layer's gates that are not blocks of their own, as functors.
#pragma once
#include "functions.h"

namespace nb {

struct ScaledTanh {
  float alpha, beta;
  float operator()(float x) const { return alpha * quick_tanh(beta * x); }
};
struct Affine {
  float alpha, beta;
  float operator()(float x) const { return alpha * x + beta; }
};

/// x within -bound and bound.
struct Bounded {
  float bound;
  float operator()(float x) const { return clamp(x, -bound, bound); }
};
/// x as it is.
struct Unbounded {
  float operator()(float x) const { return x; }
};
/// A function of a bounded x.
template <class Function>
struct OfBounded {
  Bounded bounded;
  Function function;
  float operator()(float x) const { return function(bounded(x)); }
};

}  // namespace nb
