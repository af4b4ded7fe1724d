// A tensor with elements added around it (or cropped from it).
#pragma once
#include "../core/strided.h"

namespace nb {

/// Constant padding: `count` output elements become `fill` (the element's bits), then the part of the input
/// that is kept is copied; both sides of the loop nest are strided.
template <int kBytes, int N>
struct Pad {
  typename Cell<kBytes>::Type fill;
  int32_t count;
  int32_t in_begin, out_begin;
  CopyAxis axes[N];
};

template <int kBytes>
NB_NOINLINE inline void fill_cells(typename Cell<kBytes>::Type value, int32_t count, void* out) {
  auto* to = static_cast<typename Cell<kBytes>::Type*>(out);
  for (int32_t i = 0; i < count; ++i) to[i] = value;
}

template <int kBytes, int N>
NB_INLINE void pad(const Pad<kBytes, N>& p, const void* in, void* out) {
  fill_cells<kBytes>(p.fill, p.count, out);
  copy_axes<kBytes>(p.axes, N, static_cast<const uint8_t*>(in) + p.in_begin * kBytes,
                    static_cast<uint8_t*>(out) + p.out_begin * kBytes);
}

/// Where new elements come from: reflect leaves the edge out (c b a b c), symmetric repeats it (b a a b),
/// edge repeats it alone, wrap goes on at the other side.
enum class PadFrom : int32_t { reflect, symmetric, edge, wrap };

/// One axis: the output's size, the input's size and step in elements, and how many elements come before.
struct PadAxis {
  int32_t size, in_size, in_step, before;
};
template <int N>
struct PadMapped {
  PadFrom from;
  PadAxis axes[N];
};

/// The input index that output index i - before stands for.
NB_INLINE int32_t pad_source(PadFrom from, int32_t i, int32_t size) {
  if (i >= 0 && i < size) return i;
  if (from == PadFrom::edge) return i < 0 ? 0 : size - 1;
  const int32_t period =
      from == PadFrom::wrap ? size : (from == PadFrom::symmetric ? 2 * size : 2 * size - 2);
  if (period == 0) return 0;
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : (from == PadFrom::symmetric ? period - 1 - i : period - i);
}

template <int kBytes>
NB_NOINLINE inline void pad_axes(PadFrom from, const PadAxis* axes, int32_t rank, const void* in, void* out) {
  using T = typename Cell<kBytes>::Type;
  const T* source = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  int32_t at[kMaxRank] = {};
  const PadAxis inner = axes[rank - 1];
  do {
    int32_t row = 0;
    for (int32_t k = 0; k + 1 < rank; ++k)
      row += axes[k].in_step * pad_source(from, at[k] - axes[k].before, axes[k].in_size);
    for (int32_t i = 0; i < inner.size; ++i)
      *to++ = source[row + inner.in_step * pad_source(from, i - inner.before, inner.in_size)];
  } while (next_index(axes, rank - 1, at, [](const PadAxis&, int32_t) {}));
}
template <int kBytes, int N>
NB_INLINE void pad_mapped(const PadMapped<N>& p, const void* in, void* out) {
  pad_axes<kBytes>(p.from, p.axes, N, in, out);
}

}  // namespace nb
