// Functions of two elements, as functors. Integers wrap; a division by zero gives 0.
#pragma once
#include "../core/integers.h"
#include "../core/math.h"

namespace nb {

#define NB_BINARY_FUNCTOR(Name, expression) \
  struct Name {                             \
    template <class T>                      \
    T operator()(T a, T b) const {          \
      using W = Wrapping<T>;                \
      static_cast<void>(sizeof(W));         \
      return static_cast<T>(expression);    \
    }                                       \
  };
NB_BINARY_FUNCTOR(Add, static_cast<W>(a) + static_cast<W>(b))
NB_BINARY_FUNCTOR(Sub, static_cast<W>(a) - static_cast<W>(b))
NB_BINARY_FUNCTOR(Mul, static_cast<W>(a) * static_cast<W>(b))
NB_BINARY_FUNCTOR(Minimum, b < a ? b : a)
NB_BINARY_FUNCTOR(Maximum, a < b ? b : a)
NB_BINARY_FUNCTOR(SquaredDifference,
                  (static_cast<W>(a) - static_cast<W>(b)) * (static_cast<W>(a) - static_cast<W>(b)))
NB_BINARY_FUNCTOR(BitwiseAnd, a& b)
NB_BINARY_FUNCTOR(BitwiseOr, a | b)
NB_BINARY_FUNCTOR(BitwiseXor, a ^ b)
#undef NB_BINARY_FUNCTOR

/// Rounds towards zero.
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>)
      return a / b;
    else {
      if (b == 0) return 0;
      if constexpr (kIsSigned<T>) {
        if (b == T(-1)) return static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(a));
      }
      return static_cast<T>(a / b);
    }
  }
};
/// What is left when the quotient is rounded towards zero: the sign of a.
struct Fmod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>)
      return fmod(a, b);
    else {
      if (b == 0) return 0;
      if constexpr (kIsSigned<T>) {
        if (b == T(-1)) return 0;
      }
      return static_cast<T>(a % b);
    }
  }
};
/// What is left when the quotient is rounded down: the sign of b.
struct Mod {
  template <class T>
  T operator()(T a, T b) const {
    const T r = Fmod()(a, b);
    return r != T(0) && (r < T(0)) != (b < T(0)) ? static_cast<T>(r + b) : r;
  }
};
/// Rounds down.
struct FloorDiv {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>)
      return floor(a / b);
    else {
      const T q = Div()(a, b), r = Fmod()(a, b);
      return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
    }
  }
};
struct Pow {
  float operator()(float a, float b) const { return pow(a, b); }
  /// Integers: a negative exponent gives 1 / a^|b| rounded towards zero.
  template <class T>
  T operator()(T a, T b) const {
    if (b < 0)
      return a == T(1) ? T(1) : (kIsSigned<T> && a == static_cast<T>(-1) ? ((b & 1) != 0 ? a : T(1)) : T(0));
    Wrapping<T> power = 1, factor = static_cast<Wrapping<T>>(a);
    for (Wrapping<T> n = static_cast<Wrapping<T>>(b); n != 0; n >>= 1) {
      if ((n & 1) != 0) power *= factor;
      factor *= factor;
    }
    return static_cast<T>(power);
  }
};
struct Atan2 {
  float operator()(float y, float x) const { return atan2(y, x); }
};
struct Prelu {
  template <class T>
  T operator()(T x, T slope) const {
    return x < T(0) ? static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(slope)) : x;
  }
};
/// Bits shifted out are lost; a count outside of [0, bits) shifts out all: 0, or to the right -1 of a
/// negative a.
struct ShiftLeft {
  template <class T>
  T operator()(T a, T b) const {
    return b < 0 || b >= T(sizeof(T) * 8) ? T(0) : static_cast<T>(static_cast<Wrapping<T>>(a) << b);
  }
};
struct ShiftRight {
  template <class T>
  T operator()(T a, T b) const {
    constexpr T kBits = sizeof(T) * 8;
    return static_cast<T>(b < 0 || b >= kBits ? a >> (kBits - 1) >> 1 : a >> b);
  }
};

#define NB_PREDICATE(Name, expression)   \
  struct Name {                          \
    template <class T>                   \
    uint8_t operator()(T a, T b) const { \
      return (expression) ? 1 : 0;       \
    }                                    \
  };
NB_PREDICATE(Equal, a == b)
NB_PREDICATE(NotEqual, a != b)
NB_PREDICATE(Less, a < b)
NB_PREDICATE(LessEqual, a <= b)
NB_PREDICATE(Greater, a > b)
NB_PREDICATE(GreaterEqual, a >= b)
NB_PREDICATE(LogicalAnd, a != 0 && b != 0)
NB_PREDICATE(LogicalOr, a != 0 || b != 0)
NB_PREDICATE(LogicalXor, (a != 0) != (b != 0))
#undef NB_PREDICATE

/// F and then a clamp.
template <class F, class T>
struct Clamped {
  F f;
  T low, high;
  T operator()(T a, T b) const { return clamp(f(a, b), low, high); }
};

}  // namespace nb
