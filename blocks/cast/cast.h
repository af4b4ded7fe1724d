// Elements in another type.
#pragma once
#include "../core/halves.h"
#include "../core/integers.h"

namespace nb {

/// Names of element types that are stored as others.
struct Half {};
struct Bfloat16 {};
struct Boolean {};

/// x as a To: floats are truncated and saturate in integers (NaN is 0), integers keep their low bits.
template <class To, class From>
NB_INLINE To converted(From x) {
  if constexpr (kIsFloat<From> && !kIsFloat<To>) {
    if (x != x) return 0;
    if (x >= static_cast<From>(highest_of<To>())) return highest_of<To>();
    if (x <= static_cast<From>(lowest_of<To>())) return lowest_of<To>();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

/// How an element is stored and what it is computed as.
template <class T>
struct Stored {
  using Type = T;
  static T load(T x) { return x; }
  template <class From>
  static T store(From x) {
    return converted<T>(x);
  }
};
template <>
struct Stored<Half> {
  using Type = uint16_t;
  static float load(uint16_t x) { return half_to_float(x); }
  template <class From>
  static uint16_t store(From x) {
    return float_to_half(static_cast<float>(x));
  }
};
template <>
struct Stored<Bfloat16> {
  using Type = uint16_t;
  static float load(uint16_t x) { return bfloat16_to_float(x); }
  template <class From>
  static uint16_t store(From x) {
    return float_to_bfloat16(static_cast<float>(x));
  }
};
template <>
struct Stored<Boolean> {
  using Type = uint8_t;
  static uint8_t load(uint8_t x) { return x; }
  template <class From>
  static uint8_t store(From x) {
    return x != From(0) ? 1 : 0;
  }
};

struct Cast {
  int32_t count;
};

/// out[i] = in[i]; the output may lie exactly on an input of the same element size.
template <class From, class To>
NB_NOINLINE inline void cast(const Cast& p, const typename Stored<From>::Type* in,
                             typename Stored<To>::Type* out) {
  for (int32_t i = 0; i < p.count; ++i) out[i] = Stored<To>::store(Stored<From>::load(in[i]));
}

}  // namespace nb
