// A tensor cut into several along an axis.
#pragma once
#include "../core/nb.h"

namespace nb {

/// N outputs as `outer` rows each, of row_bytes[i] bytes.
template <int N>
struct Split {
  int32_t outer;
  int32_t row_bytes[N];
};

NB_NOINLINE inline void split_rows(int32_t outer, const int32_t* row_bytes, int32_t count, const void* in,
                                   void* const* out) {
  const uint8_t* from = static_cast<const uint8_t*>(in);
  for (int32_t k = 0; k < outer; ++k)
    for (int32_t i = 0; i < count; ++i) {
      __builtin_memcpy(static_cast<uint8_t*>(out[i]) + k * row_bytes[i], from,
                       static_cast<size_t>(row_bytes[i]));
      from += row_bytes[i];
    }
}

/// Each input row is the outputs' rows in order.
template <int N, class... Out>
NB_INLINE void split(const Split<N>& p, const void* in, Out*... out) {
  static_assert(sizeof...(out) == N, "one pointer an output");
  void* const outputs[] = {out...};
  split_rows(p.outer, p.row_bytes, N, in, outputs);
}

}  // namespace nb
