// Rows of int8 or int16 brought to mean 0 and variance 1, or to mean square 1, in integers only.
#pragma once
#include "../core/high_word.h"
#include "../core/inverse_root.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

namespace nb {

/// The input is [rows, size]. A row's spread is size * (sum of squares) - (sum)^2, or, where it is not
/// centered, the sum of (x - zero)^2: exact in 64 bits.
struct LayerNormQuantized {
  int32_t rows, size;
  int32_t centered, zero;
  int32_t epsilon_high, epsilon_low;  ///< in units of the spread times 2^spread_shift
  int32_t spread_shift;               ///< even
  int32_t normal_bits;                ///< a normalized element is in units of 2^-normal_bits
  int32_t out_shift;                  ///< multipliers and offsets give units of 2^-out_shift of the output
  int32_t gain_step;                  ///< from one group of gains to the next: 8, or 0 where all are the same
};

/// Gains go by four: four multipliers, then four offsets.
constexpr int32_t kLayerNormGroup = 4;

/// A normalized element of int8 is x * factor + center, which wraps; the factor's rounding is at most 64
/// units of it. Of int16 it is (x * factor + center) * inverse / 2^32.
struct RowNormal {
  uint32_t factor, center;
  int32_t inverse;
};

/// What normalizes a row of T, from the sums of its elements and of their squares.
template <class T>
inline RowNormal row_normal(const LayerNormQuantized& p, int32_t sum, int64_t squares) {
  int32_t count = 1, center = p.zero;
  int64_t spread;
  if (p.centered) {
    count = p.size, center = sum;
    spread = squares * count - static_cast<int64_t>(sum) * sum;
  } else {
    spread = squares - int64_t{2} * p.zero * sum + int64_t{p.size} * p.zero * p.zero;
  }
  if (spread == 0) return {0, 0, 0};
  auto u = static_cast<uint64_t>(spread);
  u = p.spread_shift < 0 ? u >> -p.spread_shift : u << p.spread_shift;
  u += static_cast<uint64_t>(static_cast<uint32_t>(p.epsilon_high)) << 32 |
       static_cast<uint32_t>(p.epsilon_low);
  if (u == 0) u = 1;
  const int32_t half_zeros = __builtin_clzll(u) / 2;
  const uint32_t inverse = inverse_root(static_cast<uint32_t>((u << (2 * half_zeros)) >> 32));
  const int32_t left = p.spread_shift / 2 + p.normal_bits + half_zeros - 30;  // at most 30
  if (sizeof(T) == 1) {
    const int32_t right = min<int32_t>(32 - left, 63);
    const auto scaled = [&](int32_t x) {
      return static_cast<uint32_t>((static_cast<int64_t>(x) * inverse + (int64_t{1} << (right - 1))) >>
                                   right);
    };
    return {scaled(count), scaled(-center), 0};
  }
  if (left < 0)
    return {static_cast<uint32_t>(count), static_cast<uint32_t>(-center),
            left < -31 ? 0 : static_cast<int32_t>(inverse >> -left)};
  return {static_cast<uint32_t>(count) << left, static_cast<uint32_t>(-center) << left,
          static_cast<int32_t>(inverse)};
}

/// The shift that all layers of int8 have.
constexpr int32_t kNormalShiftS8 = 12;

/// The output for one element of a row.
NB_INLINE int8_t normal_output(const LayerNormQuantized&, const RowNormal& n, int8_t x, int32_t multiplier,
                               int32_t offset) {
  const uint32_t normal = static_cast<uint32_t>(int32_t{x}) * n.factor + n.center;
  int32_t y = high_word_add(static_cast<int32_t>(normal), multiplier, offset);
#if NB_DSP
  __asm__("ssat %0, #8, %0, asr %1" : "+r"(y) : "i"(kNormalShiftS8));
#else
  y = clamp<int32_t>(y >> kNormalShiftS8, -128, 127);
#endif
  return static_cast<int8_t>(y);
}
NB_INLINE int16_t normal_output(const LayerNormQuantized& p, const RowNormal& n, int16_t x,
                                int32_t multiplier, int32_t offset) {
  const uint32_t distance = static_cast<uint32_t>(int32_t{x}) * n.factor + n.center;
  const int32_t normal = high_word(static_cast<int32_t>(distance), n.inverse);
  return static_cast<int16_t>(saturate16(high_word_add(normal, multiplier, offset) >> p.out_shift));
}

/// Sums of the elements of a row and of their squares, at most 32768 elements.
NB_INLINE void row_sums(const int8_t* in, int32_t size, int32_t& sum, int64_t& squares) {
  int32_t elements = 0, products = 0;
#if defined(__ARM_FEATURE_MVE)
  for (; size >= 16; size -= 16, in += 16) {
    const int8x16_t x = vldrbq_s8(in);
    elements = vaddvaq_s8(elements, x);
    products = vmladavaq_s8(products, x, x);
  }
  const int8x16_t rest = vldrbq_z_s8(in, vctp8q(static_cast<uint32_t>(size)));
  elements = vaddvaq_s8(elements, rest);
  products = vmladavaq_s8(products, rest, rest);
#else
#if NB_DSP
  for (; size >= 4; size -= 4, in += 4) {
    const uint32_t word = load4(in), even = even_bytes(word), odd = odd_bytes(word);
    elements = multiply_add_halves(even, 0x00010001u, multiply_add_halves(odd, 0x00010001u, elements));
    products = multiply_add_halves(even, even, multiply_add_halves(odd, odd, products));
  }
#endif
  for (; size > 0; --size) {
    const int32_t x = *in++;
    elements += x;
    products += x * x;
  }
#endif
  sum = elements;
  squares = products;
}
NB_INLINE void row_sums(const int16_t* in, int32_t size, int32_t& sum, int64_t& squares) {
  sum = 0;
  squares = 0;
#if defined(__ARM_FEATURE_MVE)
  for (; size >= 8; size -= 8, in += 8) {
    const int16x8_t x = vldrhq_s16(in);
    sum = vaddvaq_s16(sum, x);
    squares = vmlaldavaq_s16(squares, x, x);
  }
  const int16x8_t rest = vldrhq_z_s16(in, vctp16q(static_cast<uint32_t>(size)));
  sum = vaddvaq_s16(sum, rest);
  squares = vmlaldavaq_s16(squares, rest, rest);
#else
#if NB_DSP
  for (; size >= 2; size -= 2, in += 2) {
    const uint32_t word = load4(in);
    sum = multiply_add_halves(word, 0x00010001u, sum);
    __asm__("smlald %Q0, %R0, %1, %1" : "+r"(squares) : "r"(word));
  }
#endif
  for (; size > 0; --size) {
    const int32_t x = *in++;
    sum += x;
    squares += static_cast<uint32_t>(x * x);
  }
#endif
}

#if defined(__ARM_FEATURE_MVE)
NB_INLINE int32x4_t four_of_row(const int8_t* in) { return vldrbq_s32(in); }
NB_INLINE int32x4_t four_of_row(const int16_t* in) { return vldrhq_s32(in); }
NB_INLINE void store_four(int8_t* out, int32x4_t y) { vstrbq_s32(out, y); }
NB_INLINE void store_four(int16_t* out, int32x4_t y) { vstrhq_s32(out, y); }

/// Four outputs in the low parts of their lanes.
template <class T>
NB_INLINE int32x4_t normal_four(const LayerNormQuantized& p, const RowNormal& n, int32x4_t x,
                                const int32_t* group) {
  x = vmlasq_n_s32(x, vdupq_n_s32(static_cast<int32_t>(n.factor)), static_cast<int32_t>(n.center));
  if (sizeof(T) == 2) x = vrmulhq_s32(x, vdupq_n_s32(n.inverse));
  x = vaddq_s32(vrmulhq_s32(x, vldrwq_s32(group)), vldrwq_s32(group + 4));
  x = sizeof(T) == 1 ? vshrq_n_s32(x, kNormalShiftS8) : vshlq_r_s32(x, -p.out_shift);
  const int16x8_t halves = vqmovnbq_s32(vreinterpretq_s16_s32(x), x);
  if (sizeof(T) == 2) return vreinterpretq_s32_s16(halves);
  return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(halves), halves));
}
#endif

/// Words kOffset and kOffset + 1 of a constant, by one instruction where there is one.
template <int kOffset>
NB_INLINE void load_two(const int32_t* from, int32_t& first, int32_t& second) {
#if NB_DSP
  __asm__("ldrd %0, %1, [%2, %3]" : "=r"(first), "=r"(second) : "r"(from), "i"(4 * kOffset));
#else
  first = from[kOffset], second = from[kOffset + 1];
#endif
}

/// One row.
template <class T>
NB_INLINE void normal_row(const LayerNormQuantized& p, const RowNormal& n, const T* in, const int32_t* group,
                          T* out) {
  int32_t left = p.size;
#if defined(__ARM_FEATURE_MVE)
  const int32_t step = p.gain_step;
#pragma GCC unroll 4
  for (; left >= 4; left -= 4, in += 4, out += 4, group += step)
    store_four(out, normal_four<T>(p, n, four_of_row(in), group));
  if (left > 0) {
    T rest[4] = {};
    for (int32_t i = 0; i < left; ++i) rest[i] = in[i];
    store_four(rest, normal_four<T>(p, n, four_of_row(rest), group));
    for (int32_t i = 0; i < left; ++i) out[i] = rest[i];
  }
#else
  const int32_t step = p.gain_step;
  for (; left >= kLayerNormGroup; left -= kLayerNormGroup, in += 4, out += 4, group += step) {
    const T x0 = in[0], x1 = in[1], x2 = in[2], x3 = in[3];
    int32_t m0, m1, o0, o1;
    load_two<0>(group, m0, m1);
    load_two<4>(group, o0, o1);
    out[0] = normal_output(p, n, x0, m0, o0);
    out[1] = normal_output(p, n, x1, m1, o1);
    load_two<2>(group, m0, m1);
    load_two<6>(group, o0, o1);
    out[2] = normal_output(p, n, x2, m0, o0);
    out[3] = normal_output(p, n, x3, m1, o1);
  }
  for (int32_t i = 0; i < left; ++i)
    out[i] = normal_output(p, n, in[i], group[i], group[kLayerNormGroup + i]);
#endif
}

/// out = (in - m) / sqrt(v + epsilon) * scale + bias in the output's numbers, m and v the mean and the
/// variance of the row; `gains` as above. At most 32768 elements a row. The output may lie exactly on the
/// input.
template <class T>
NB_NOINLINE void layer_norm_quantized(const LayerNormQuantized& p, const T* in, const int32_t* gains,
                                      T* out) {
  for (int32_t n = 0; n < p.rows; ++n, in += p.size, out += p.size) {
    int32_t sum;
    int64_t squares;
    row_sums(in, p.size, sum, squares);
    normal_row(p, row_normal<T>(p, sum, squares), in, gains, out);
  }
}

}  // namespace nb
