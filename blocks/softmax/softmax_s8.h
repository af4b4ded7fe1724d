// Softmax of int8 along any axis, by the reference kernels' fixed-point steps, portable.
#pragma once
#include "../core/reciprocal.h"

namespace nb {

/// What it needs beside its tensors [outer, size, inner]; rows run along `size`, at most 8191 elements. The
/// output's scale is 1/256, its zero point -128.
struct SoftmaxS8 {
  int32_t outer, size, inner;
  int32_t multiplier, shift;  ///< beta * scale in units of 2^-26; shift >= 0
  int32_t least_difference;   ///< elements further below the maximum count as 0
};

/// exp(x) in units of 2^-31 for x <= 0 in units of 2^-26: a Taylor polynomial around -1/8 for the part in
/// [-1/4, 0), times exp(-2^k) for each bit of the rest.
NB_INLINE int32_t exp_of_negative(int32_t x) {
  if (x == 0) return INT32_MAX;
  constexpr int32_t kQuarter = 1 << 24;
  constexpr int32_t kExpOfEighth = 1895147668, kThird = 715827883;
  constexpr int32_t kPowers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t part = (x & (kQuarter - 1)) - kQuarter;
  const int32_t t = part * 32 + (1 << 28);
  const int32_t t2 = high_multiply_in_range(t, t), t3 = high_multiply_in_range(t2, t),
                t4 = high_multiply_in_range(t2, t2);
  const int32_t third = high_multiply_in_range(divide_by_power_of_two(t4, 2) + t3, kThird);
  const int32_t tail = divide_by_power_of_two(third + t2, 1);
  int32_t result = kExpOfEighth + high_multiply_in_range(kExpOfEighth, t + tail);
  const int32_t rest = part - x;
  for (int32_t k = 0; k < 7; ++k)
    if (rest & (kQuarter << k)) result = high_multiply_in_range(result, kPowers[k]);
  return result;
}

/// exp of a difference to the row's maximum, in units of 2^-31; 0 below the least difference.
NB_NOINLINE NB_SMALL inline int32_t softmax_power(const SoftmaxS8& p, int32_t difference) {
  if (difference < p.least_difference) return 0;
  return exp_of_negative(high_multiply_in_range(difference * (1 << p.shift), p.multiplier));
}

/// 1 / sum: `scale` in units of 2^-31, to be divided by 2^exponent for an output in units of 2^-8.
struct SoftmaxScale {
  int32_t scale;
  int32_t exponent;
};
/// `sum` in units of 2^-19, at least 1.
NB_INLINE SoftmaxScale softmax_scale(uint32_t sum) {
  const int32_t zeros = __builtin_clz(sum);
  const auto excess = static_cast<int32_t>((sum << zeros) - (uint32_t{1} << 31));
  return {shift_left_saturating(twice_over_one_plus(excess), 1), 35 - zeros};
}

/// x / 2^exponent, ties upwards; exponent in 1..32.
NB_INLINE int32_t divide_positive(int32_t x, int32_t exponent) {
  return static_cast<int32_t>(((static_cast<uint32_t>(x) >> (exponent - 1)) + 1) >> 1);
}

/// The output for one power. Beyond 31 binary places nothing is left.
NB_INLINE int8_t softmax_quotient(SoftmaxScale s, int32_t power) {
  const int32_t product = high_multiply_in_range(s.scale, power);
  return static_cast<int8_t>(min<int32_t>(divide_positive(product, min<int32_t>(s.exponent, 32)) - 128, 127));
}

/// out = softmax(in). `out` may be `in`.
NB_NOINLINE NB_SMALL inline void softmax_s8(const SoftmaxS8& p, const int8_t* in, int8_t* out) {
  const int32_t step = p.inner, row = p.size * step;
  for (int32_t n = p.outer; n > 0; --n, in += row - step, out += row - step)
    for (int32_t j = step; j > 0; --j, ++in, ++out) {
      int32_t largest = -128;
      for (int32_t i = 0; i < row; i += step) largest = max<int32_t>(largest, in[i]);
      uint32_t sum = 0;
      for (int32_t i = 0; i < row; i += step)
        sum += static_cast<uint32_t>(divide_positive(softmax_power(p, in[i] - largest), 12));
      const SoftmaxScale scale = softmax_scale(sum);
      for (int32_t i = 0; i < row; i += step)
        out[i] = softmax_quotient(scale, softmax_power(p, in[i] - largest));
    }
}

}  // namespace nb
