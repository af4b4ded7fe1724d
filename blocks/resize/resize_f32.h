// Resizing along any axes from tables of neighbours and weights, portable.
#pragma once
#include "../core/strided.h"

namespace nb {

/// One axis of the output. Element i of it is made of the `taps` entries of the tables at first + i * taps.
struct ResizeAxis {
  int32_t size, taps, first;
};

/// N axes, outermost first, then `inner` elements that lie side by side in input and output.
template <int N>
struct Resize {
  int32_t inner;
  int32_t bits;  ///< fraction bits of the product of integer weights; 0 for floats
  ResizeAxis axes[N];
};

/// out = the one neighbour that offsets name (in elements, one table for all axes); kBytes bytes an element.
template <int kBytes, int N>
NB_NOINLINE void resize_nearest(const Resize<N>& p, const void* in, const int32_t* offsets, void* out) {
  const uint8_t* from = static_cast<const uint8_t*>(in);
  uint8_t* to = static_cast<uint8_t*>(out);
  const size_t bytes = static_cast<size_t>(p.inner) * kBytes;
  int32_t at[N] = {};
  do {
    int32_t offset = 0;
    for (int32_t k = 0; k < N; ++k) offset += offsets[p.axes[k].first + at[k]];
    __builtin_memcpy(to, from + static_cast<size_t>(offset) * kBytes, bytes);
    to += bytes;
  } while (next_index(p.axes, N, at, [](const ResizeAxis&, int32_t) {}));
}

template <class T>
NB_INLINE T resize_finish(float sum, int32_t) {
  return sum;
}
/// round(sum / 2^bits), ties away from zero, saturated.
template <class T>
NB_INLINE T resize_finish(int64_t sum, int32_t bits) {
  const int64_t one = int64_t{1} << bits, half = one / 2;
  const int64_t rounded = (sum + (sum > 0 ? half : -half)) / one;
  constexpr bool kSigned = static_cast<T>(-1) < 0;
  constexpr int64_t kSpan = int64_t{1} << (8 * sizeof(T));
  constexpr int64_t kLow = kSigned ? -kSpan / 2 : 0;
  return static_cast<T>(clamp(rounded, kLow, kLow + kSpan - 1));
}

/// out = sum over all neighbours of in * the product of their weights along the axes. T, Weight, Sum: float
/// thrice, or an integer of 8 or 16 bits, int32_t, int64_t.
template <class T, class Weight, class Sum, int N>
NB_NOINLINE void resize_weighted(const Resize<N>& p, const T* in, const int32_t* offsets,
                                 const Weight* weights, T* out) {
  constexpr int32_t kChunk = 8;
  int32_t at[N] = {};
  do {
    for (int32_t begin = 0; begin < p.inner; begin += kChunk) {
      const int32_t count = min(p.inner - begin, kChunk);
      Sum sums[kChunk] = {};
      int32_t tap[N] = {};
      bool has_more = true;
      while (has_more) {
        int32_t offset = begin;
        Sum weight = 1;
        for (int32_t k = 0; k < N; ++k) {
          const int32_t entry = p.axes[k].first + at[k] * p.axes[k].taps + tap[k];
          offset += offsets[entry];
          weight *= static_cast<Sum>(weights[entry]);
        }
        for (int32_t c = 0; c < count; ++c) sums[c] += static_cast<Sum>(in[offset + c]) * weight;
        has_more = false;
        for (int32_t k = N; k-- > 0;) {
          if (++tap[k] < p.axes[k].taps) {
            has_more = true;
            break;
          }
          tap[k] = 0;
        }
      }
      for (int32_t c = 0; c < count; ++c) *out++ = resize_finish<T>(sums[c], p.bits);
    }
  } while (next_index(p.axes, N, at, [](const ResizeAxis&, int32_t) {}));
}

}  // namespace nb
