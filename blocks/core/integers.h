// Arithmetic of any element type without undefined behaviour: integers wrap modulo 2^n.
#pragma once
#include "nb.h"

namespace nb {

/// The unsigned type that T's arithmetic is done in (at least 32 bits); T itself for floats.
template <class T>
struct WrappingType {
  using Type = uint32_t;
};
template <>
struct WrappingType<int64_t> {
  using Type = uint64_t;
};
template <>
struct WrappingType<uint64_t> {
  using Type = uint64_t;
};
template <>
struct WrappingType<float> {
  using Type = float;
};
template <>
struct WrappingType<double> {
  using Type = double;
};
template <class T>
using Wrapping = typename WrappingType<T>::Type;

template <class T>
inline constexpr bool kIsFloat = static_cast<T>(0.5) != static_cast<T>(0);
template <class T>
inline constexpr bool kIsSigned = static_cast<T>(-1) < static_cast<T>(0);

/// The smallest and largest element of T; infinities for floats.
template <class T>
constexpr T lowest_of() {
  if constexpr (kIsFloat<T>)
    return static_cast<T>(-__builtin_inff());
  else if constexpr (kIsSigned<T>)
    return static_cast<T>(static_cast<T>(1) << (sizeof(T) * 8 - 1));
  else
    return 0;
}
template <class T>
constexpr T highest_of() {
  if constexpr (kIsFloat<T>)
    return static_cast<T>(__builtin_inff());
  else
    return static_cast<T>(~lowest_of<T>());
}

}  // namespace nb
