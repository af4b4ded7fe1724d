// Neural Blocks: what every freestanding block header stands on. C++17, no libc, no heap.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NB_RESTRICT __restrict__
#define NB_INLINE static inline __attribute__((always_inline))
#define NB_NOINLINE __attribute__((noinline))
// For functions of which size matters more than time: what stands around a hot loop, not the loop.
#ifdef __clang__
#define NB_SMALL __attribute__((minsize))
#else
#define NB_SMALL __attribute__((optimize("Os")))
#endif
#define NB_UNLIKELY(x) __builtin_expect(!!(x), 0)

namespace nb {

template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
constexpr T clamp(T x, T low, T high) {
  return x < low ? low : (high < x ? high : x);
}

}  // namespace nb
