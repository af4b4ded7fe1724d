// Products of a run of int8 or int16 activations with four rows of int8 weights at once, as the portable
// kernels take them: an activation is loaded once for four products.
#pragma once
#include "nb.h"

namespace nb {

/// Four outputs of a layer and where their weights are. The last four of a layer may be some of those before
/// again; where a layer has fewer than four, its last one is repeated.
struct FourOutputs {
  int32_t first, count;  ///< those to be written
  int32_t rows[4];       ///< of weights
};
NB_INLINE FourOutputs four_outputs(int32_t from, int32_t outputs) {
  const int32_t first = max<int32_t>(min(from, outputs - 4), 0), last = outputs - 1;
  return {first,
          min<int32_t>(outputs, 4),
          {first, min(first + 1, last), min(first + 2, last), min(first + 3, last)}};
}

/// sums[i] += sum over k < n of (x[k] - zero) * w[four.rows[i] * stride + k], modulo 2^32.
template <class T>
NB_INLINE void add_dots(const T* NB_RESTRICT x, int32_t zero, const int8_t* NB_RESTRICT w, int32_t stride,
                        const FourOutputs& four, int32_t n, uint32_t (&sums)[4]) {
  const T* const end = x + n;
  const int8_t *w0 = w + four.rows[0] * stride, *w1 = w + four.rows[1] * stride,
               *w2 = w + four.rows[2] * stride, *w3 = w + four.rows[3] * stride;
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
#pragma GCC unroll 2
  while (x != end) {
    const int32_t value = *x++ - zero;
    s0 += static_cast<uint32_t>(value * *w0++);
    s1 += static_cast<uint32_t>(value * *w1++);
    s2 += static_cast<uint32_t>(value * *w2++);
    s3 += static_cast<uint32_t>(value * *w3++);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/// The same in 64 bits, of int16.
template <class T>
NB_INLINE void add_dots(const T* NB_RESTRICT x, int32_t zero, const int8_t* NB_RESTRICT w, int32_t stride,
                        const FourOutputs& four, int32_t n, int64_t (&sums)[4]) {
  while (n > 0) {
    const int32_t count = min<int32_t>(n, 256);  // so many products fit in 32 bits
    uint32_t parts[4] = {};
    add_dots(x, zero, w, stride, four, count, parts);
    for (int32_t i = 0; i < 4; ++i) sums[i] += static_cast<int32_t>(parts[i]);
    x += count;
    w += count;
    n -= count;
  }
}

/// The type of sums of an int16 layer by that of its bias: those that round as int8's do wrap.
template <class Bias>
struct SumS16 {
  using Type = int64_t;
};
template <>
struct SumS16<int32_t> {
  using Type = uint32_t;
};

}  // namespace nb
