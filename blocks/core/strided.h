// Copies between strided tensors: transpose, slice, expand and the like are one loop nest.
#pragma once
#include "nb.h"

namespace nb {

inline constexpr int32_t kMaxRank = 8;

/// An unsigned integer of kBytes bytes that may alias any type: moves elements whatever they are.
template <int kBytes>
struct Cell;
template <>
struct Cell<1> {
  typedef uint8_t __attribute__((may_alias)) Type;
};
template <>
struct Cell<2> {
  typedef uint16_t __attribute__((may_alias)) Type;
};
template <>
struct Cell<4> {
  typedef uint32_t __attribute__((may_alias)) Type;
};
template <>
struct Cell<8> {
  typedef uint64_t __attribute__((may_alias)) Type;
};

/// One loop of a copy: how often, and how far input and output step, in elements.
struct CopyAxis {
  int32_t size, in, out;
};

/// Advances `at` (an index into axes[0..rank), outermost first) by one and with it the offsets; false at the
/// end.
template <class Axis, class Step>
NB_INLINE bool next_index(const Axis* axes, int32_t rank, int32_t* at, Step step) {
  for (int32_t k = rank; k-- > 0;) {
    if (++at[k] < axes[k].size) {
      step(axes[k], 1);
      return true;
    }
    step(axes[k], 1 - axes[k].size);
    at[k] = 0;
  }
  return false;
}

/// out[sum of i_k * axes[k].out] = in[sum of i_k * axes[k].in] for each index i; elements of kBytes bytes.
template <int kBytes>
NB_NOINLINE inline void copy_axes(const CopyAxis* axes, int32_t rank, const void* in, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  int32_t at[kMaxRank] = {};
  const CopyAxis inner = axes[rank - 1];
  do {
    if (inner.in == 1 && inner.out == 1)
      __builtin_memcpy(to, from, static_cast<size_t>(inner.size) * kBytes);
    else
      for (int32_t i = 0; i < inner.size; ++i) to[i * inner.out] = from[i * inner.in];
  } while (next_index(axes, rank - 1, at, [&](const CopyAxis& axis, int32_t n) {
    from += n * axis.in;
    to += n * axis.out;
  }));
}

/// A loop nest of N axes, outermost first, that starts at element in_begin.
template <int N>
struct Copy {
  int32_t in_begin;
  CopyAxis axes[N];
};
template <int kBytes, int N>
NB_INLINE void copy_strided(const Copy<N>& p, const void* in, void* out) {
  copy_axes<kBytes>(p.axes, N, static_cast<const uint8_t*>(in) + p.in_begin * kBytes, out);
}

}  // namespace nb
