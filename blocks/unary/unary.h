// One function of each element.
#pragma once
#include "functions.h"
#include "functions_s16.h"

namespace nb {

/// How many elements, and the function with its parameters.
template <class F>
struct Unary {
  int32_t count;
  F f;
};

/// out[i] = f(in[i]); the output may lie exactly on an input of the same element size.
template <class F, class T, class R>
NB_NOINLINE inline void unary(const Unary<F>& p, const T* in, R* out) {
  const F f = p.f;
  for (int32_t i = 0; i < p.count; ++i) out[i] = static_cast<R>(f(in[i]));
}

}  // namespace nb
