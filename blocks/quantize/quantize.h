// Between floats and quantized integers, and between quantized integers.
#pragma once
#include "../core/integers.h"
#include "../core/math_bits.h"
#include "../core/requantize.h"

namespace nb {

/// One scale for all.
struct Quantize {
  int32_t count;
  float scale;
  int32_t zero;
  bool ties_to_even;
};
/// One scale an index of an axis: `outer` times `channels` runs of `inner` elements.
struct QuantizeAxis {
  int32_t outer, channels, inner;
  bool ties_to_even;
};

/// zero + round(x / scale), saturated; NaN gives the zero point. |zero| is at most 2^23.
template <class T>
NB_INLINE T quantized(float x, float scale, int32_t zero, bool ties_to_even) {
  const float ratio = x / scale;
  const float whole = ties_to_even ? rint(ratio) : round(ratio);
  constexpr auto kLowest = static_cast<int32_t>(lowest_of<T>()),
                 kHighest = static_cast<int32_t>(highest_of<T>());
  if (!(whole > -0x1p24f))
    return isnan(whole) ? static_cast<T>(clamp(zero, kLowest, kHighest)) : lowest_of<T>();
  if (!(whole < 0x1p24f)) return highest_of<T>();
  return static_cast<T>(clamp(static_cast<int32_t>(whole) + zero, kLowest, kHighest));
}

template <class T>
NB_NOINLINE inline void quantize(const Quantize& p, const float* in, T* out) {
  for (int32_t i = 0; i < p.count; ++i) out[i] = quantized<T>(in[i], p.scale, p.zero, p.ties_to_even);
}

/// The same to at most 16 bits, ties to even. Below 2^22 one addition rounds, and the integer stands in the
/// low bits of the sum; what is larger saturates whatever the zero point.
template <class T>
NB_NOINLINE inline void quantize_even(const Quantize& p, const float* in, T* out) {
  static_assert(sizeof(T) <= 2);
  constexpr int32_t least = lowest_of<T>(), most = highest_of<T>();
  const Quantize q = p;
  const int32_t offset = q.zero - 0x400000;
  for (const float* end = in + q.count; in != end; ++in, ++out) {
    const float ratio = *in / q.scale;
    const uint32_t bits = float_bits(ratio + 0x1.8p23f) - 0x4b000000u;
    if (bits < 0x800000u)
      *out = static_cast<T>(clamp(static_cast<int32_t>(bits) + offset, least, most));
    else
      *out = static_cast<T>(ratio > 0 ? most : ratio < 0 ? least : q.zero);
  }
}
template <class T>
NB_NOINLINE inline void quantize_axis(const QuantizeAxis& p, const float* in, const float* scale,
                                      const int32_t* zero, T* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t c = 0; c < p.channels; ++c)
      for (int32_t i = 0; i < p.inner; ++i) *out++ = quantized<T>(*in++, scale[c], zero[c], p.ties_to_even);
}

/// out[i] = scale * (in[i] - zero).
template <class T>
NB_NOINLINE inline void dequantize(const Quantize& p, const T* in, float* out) {
  const Quantize q = p;
  for (int32_t i = 0; i < q.count; ++i)
    out[i] = q.scale * static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(in[i]) -
                                                               static_cast<uint32_t>(q.zero)));
}
template <class T>
NB_NOINLINE inline void dequantize_axis(const QuantizeAxis& p, const T* in, const float* scale,
                                        const int32_t* zero, float* out) {
  for (int32_t n = 0; n < p.outer; ++n)
    for (int32_t c = 0; c < p.channels; ++c)
      for (int32_t i = 0; i < p.inner; ++i)
        *out++ = scale[c] * static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(*in++) -
                                                                    static_cast<uint32_t>(zero[c])));
}

struct Requantize {
  int32_t count;
  int32_t in_zero, multiplier, shift, out_zero;
};
/// out[i] = out_zero + rescale(in[i] - in_zero), saturated.
template <class T, class R>
NB_NOINLINE inline void requantize(const Requantize& p, const T* in, R* out) {
  const Requantize q = p;
  for (int32_t i = 0; i < q.count; ++i) {
    const auto x = static_cast<int32_t>(static_cast<uint32_t>(in[i]) - static_cast<uint32_t>(q.in_zero));
    const int32_t y = rescale(x, q.multiplier, q.shift) + q.out_zero;
    out[i] =
        static_cast<R>(clamp(y, static_cast<int32_t>(lowest_of<R>()), static_cast<int32_t>(highest_of<R>())));
  }
}

}  // namespace nb
