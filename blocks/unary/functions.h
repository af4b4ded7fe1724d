// Functions of one element, as functors. Floats are float32 unless a functor is a template.
#pragma once
#include "../core/integers.h"
#include "../core/math.h"

namespace nb {

struct Abs {
  template <class T>
  T operator()(T x) const {
    if constexpr (kIsSigned<T>)
      return x < T(0) ? static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(x)) : (x == T(0) ? T(0) : x);
    else
      return x;
  }
};
struct Neg {
  template <class T>
  T operator()(T x) const {
    if constexpr (kIsFloat<T>)
      return -x;
    else
      return static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(x));
  }
};
struct Sign {
  template <class T>
  T operator()(T x) const {
    if constexpr (kIsSigned<T>)
      return x > T(0) ? T(1) : (x < T(0) ? T(-1) : x);
    else
      return x > T(0) ? T(1) : T(0);
  }
};
struct Square {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(x));
  }
};
struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : x;
  }
};
struct Relu6 {
  template <class T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : (x > T(6) ? T(6) : x);
  }
};
struct Reciprocal {
  template <class T>
  T operator()(T x) const {
    return T(1) / x;
  }
};
struct BitwiseNot {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};
struct LogicalNot {
  uint8_t operator()(uint8_t x) const { return x ? 0 : 1; }
};
struct IsNan {
  template <class T>
  uint8_t operator()(T x) const {
    return x != x;
  }
};
/// Infinities of the signs that are asked for.
struct IsInf {
  float positive, negative;
  template <class T>
  uint8_t operator()(T x) const {
    return (positive != 0.0f && x == highest_of<T>()) || (negative != 0.0f && x == lowest_of<T>());
  }
};

struct LeakyRelu {
  float alpha;
  float operator()(float x) const { return x < 0.0f ? alpha * x : x; }
};
struct ThresholdedRelu {
  float alpha;
  float operator()(float x) const { return x > alpha ? x : 0.0f; }
};
struct Elu {
  float alpha;
  float operator()(float x) const { return x < 0.0f ? alpha * expm1(x) : x; }
};
struct Celu {
  float alpha;
  float operator()(float x) const { return x < 0.0f ? alpha * expm1(x / alpha) : x; }
};
struct Selu {
  float alpha, gamma;
  float operator()(float x) const { return gamma * (x < 0.0f ? alpha * expm1(x) : x); }
};
struct HardSigmoid {
  float alpha, beta;
  float operator()(float x) const { return clamp(alpha * x + beta, 0.0f, 1.0f); }
};
struct HardSwish {
  float operator()(float x) const { return x * clamp(x + 3.0f, 0.0f, 6.0f) / 6.0f; }
};
struct Silu {
  float alpha;
  float operator()(float x) const { return x * quick_sigmoid(alpha * x); }
};
struct Shrink {
  float alpha, beta;
  float operator()(float x) const { return x < -alpha ? x + beta : (x > alpha ? x - beta : 0.0f); }
};
struct Softsign {
  float operator()(float x) const { return x / (1.0f + fabs(x)); }
};
struct Mish {
  float operator()(float x) const { return x * tanh(softplus(x)); }
};
struct Gelu {
  float operator()(float x) const { return 0.5f * x * (1.0f + erf(x * 0.70710678f)); }
};
struct GeluTanh {
  float operator()(float x) const {
    return 0.5f * x * (1.0f + quick_tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
  }
};

#define NB_MATH_FUNCTOR(Name, function)                     \
  struct Name {                                             \
    float operator()(float x) const { return function(x); } \
  };
NB_MATH_FUNCTOR(Exp, quick_exp)
NB_MATH_FUNCTOR(Expm1, expm1)
NB_MATH_FUNCTOR(Log, log)
NB_MATH_FUNCTOR(Log1p, log1p)
NB_MATH_FUNCTOR(Sqrt, sqrt)
NB_MATH_FUNCTOR(Rsqrt, rsqrt)
NB_MATH_FUNCTOR(Erf, erf)
NB_MATH_FUNCTOR(Sigmoid, quick_sigmoid)
NB_MATH_FUNCTOR(LogSigmoid, log_sigmoid)
NB_MATH_FUNCTOR(Softplus, softplus)
NB_MATH_FUNCTOR(Tanh, quick_tanh)
NB_MATH_FUNCTOR(Sin, sin)
NB_MATH_FUNCTOR(Cos, cos)
NB_MATH_FUNCTOR(Tan, tan)
NB_MATH_FUNCTOR(Asin, asin)
NB_MATH_FUNCTOR(Acos, acos)
NB_MATH_FUNCTOR(Atan, atan)
NB_MATH_FUNCTOR(Sinh, sinh)
NB_MATH_FUNCTOR(Cosh, cosh)
NB_MATH_FUNCTOR(Asinh, asinh)
NB_MATH_FUNCTOR(Acosh, acosh)
NB_MATH_FUNCTOR(Atanh, atanh)
NB_MATH_FUNCTOR(Floor, floor)
NB_MATH_FUNCTOR(Ceil, ceil)
NB_MATH_FUNCTOR(Trunc, trunc)
NB_MATH_FUNCTOR(Round, rint)
#undef NB_MATH_FUNCTOR

}  // namespace nb
