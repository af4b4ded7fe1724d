// Tensors one after the other along an axis.
#pragma once
#include "../core/requantize.h"

namespace nb {

/// N inputs as `outer` rows each, of row_bytes[i] bytes.
template <int N>
struct Concat {
  int32_t outer;
  int32_t row_bytes[N];
};

NB_NOINLINE inline void concat_rows(int32_t outer, const int32_t* row_bytes, int32_t count,
                                    const void* const* in, void* out) {
  uint8_t* to = static_cast<uint8_t*>(out);
  for (int32_t k = 0; k < outer; ++k)
    for (int32_t i = 0; i < count; ++i) {
      __builtin_memcpy(to, static_cast<const uint8_t*>(in[i]) + k * row_bytes[i],
                       static_cast<size_t>(row_bytes[i]));
      to += row_bytes[i];
    }
}

/// Each output row is the inputs' rows in order. The output comes first, as the inputs are as many as they
/// are.
template <int N, class... In>
NB_INLINE void concat(const Concat<N>& p, void* out, const In*... in) {
  static_assert(sizeof...(in) == N, "one pointer an input");
  const void* const inputs[] = {in...};
  concat_rows(p.outer, p.row_bytes, N, inputs, out);
}

/// One input of another scale: its row in elements, and what brings it to the output's scale.
struct ConcatPart {
  int32_t row;
  int32_t zero, multiplier, shift;
};
template <int N>
struct ConcatQuantized {
  int32_t outer;
  int32_t out_zero, out_min, out_max;
  ConcatPart parts[N];
};

template <class T>
NB_NOINLINE inline void concat_quantized_part(const ConcatPart& part, int32_t outer, int32_t out_row,
                                              int32_t out_zero, int32_t out_min, int32_t out_max, const T* in,
                                              T* out) {
  for (int32_t k = 0; k < outer; ++k, out += out_row)
    for (int32_t i = 0; i < part.row; ++i)
      out[i] = static_cast<T>(
          clamp(rescale(*in++ - part.zero, part.multiplier, part.shift) + out_zero, out_min, out_max));
}

/// As concat, each input rescaled to the output's numbers.
template <int N, class T, class... In>
NB_INLINE void concat_quantized(const ConcatQuantized<N>& p, T* out, const In*... in) {
  const T* const inputs[] = {in...};
  int32_t out_row = 0, at = 0;
  for (const ConcatPart& part : p.parts) out_row += part.row;
  for (int32_t i = 0; i < N; ++i) {
    concat_quantized_part(p.parts[i], p.outer, out_row, p.out_zero, p.out_min, p.out_max, inputs[i],
                          out + at);
    at += p.parts[i].row;
  }
}

}  // namespace nb
