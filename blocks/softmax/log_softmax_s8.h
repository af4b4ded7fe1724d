// Log-softmax of int8 along any axis, by the reference kernels' fixed-point steps, portable.
#pragma once
#include "softmax_s8.h"

namespace nb {

/// What it needs beside its tensors [outer, size, inner]; rows run along `size`, at most 4095 elements. The
/// output's scale is 1/16, its zero point 127.
struct LogSoftmaxS8 {
  SoftmaxS8 softmax;
  int32_t inverse_multiplier, inverse_shift;  ///< from units of 2^-26 back to the input's
};

/// log(x) in units of 2^-26 for x >= 1 in units of 2^-19. x = r * 2^n with r around 2^(-1/4), chosen of two
/// candidates whose r lie in [1/2, 1) and in [1, 2) / sqrt(2); log(r) by a quotient of polynomials.
inline int32_t log_of_sum(int32_t x) {
  constexpr int32_t kLog2 = 1488522236, kFourthRootOfHalf = 1805811301, kRootOfHalf = 1518500250;
  constexpr int32_t kNumerator = 117049297, kSquare = 127690142, kConstant = 1057819769, kLinear = 638450708;
  constexpr int32_t kQuarter = 1 << 23;  // in units of 2^-25, as the exponents below
  const int32_t zeros = __builtin_clz(static_cast<uint32_t>(x));
  const int32_t r_a = shift_left_saturating(high_multiply(x << (zeros - 1), kRootOfHalf), 1);
  const int32_t n_a = (12 - zeros) * (1 << 25) + kQuarter;
  const int32_t zeros_b = __builtin_clz(static_cast<uint32_t>(high_multiply(x, kRootOfHalf))) - 1;
  const int32_t r_b = shift_left_saturating(x, zeros_b);
  const int32_t n_b = (12 - zeros_b) * (1 << 25) - kQuarter;
  const int32_t r = min(r_a, r_b), n = max(n_a, n_b);
  const auto mean = static_cast<int32_t>((static_cast<int64_t>(r) + kFourthRootOfHalf + 1) / 2);
  const int32_t q = 2 * (r - kFourthRootOfHalf), square = high_multiply(q, q);
  const int32_t numerator = high_multiply(q, r) + high_multiply(high_multiply(q, square), kNumerator);
  const int32_t denominator =
      high_multiply(mean, kConstant + q + high_multiply(kSquare, square)) + high_multiply(kLinear, q);
  const int32_t inverse = shift_left_saturating(twice_over_one_plus(denominator), 1);
  return shift_left_saturating(
      high_multiply(n, kLog2) + high_multiply(divide_by_power_of_two(numerator, 6), inverse), 1);
}

/// One row: y = x - largest - log(sum of exp(x - largest)).
NB_NOINLINE inline void log_softmax_row_s8(const LogSoftmaxS8& p, const int8_t* from, int8_t* to) {
  const SoftmaxS8& s = p.softmax;
  int32_t largest = -128;
  for (int32_t i = 0; i < s.size; ++i) largest = max<int32_t>(largest, from[i * s.inner]);
  int32_t sum = 0;
  for (int32_t i = 0; i < s.size; ++i)
    sum += divide_by_power_of_two(softmax_power(s, from[i * s.inner] - largest), 12);
  const int32_t log_sum = log_of_sum(sum);
  const int32_t least =
      max(s.least_difference - 1,
          rescale(static_cast<int32_t>(log_sum + int64_t{INT32_MIN}), p.inverse_multiplier, p.inverse_shift));
  for (int32_t i = 0; i < s.size; ++i) {
    const int32_t difference = from[i * s.inner] - largest;
    int32_t y = -128;
    if (difference > least)
      y = divide_by_power_of_two(rescale(difference, s.multiplier, s.shift) - log_sum, 22) + 127;
    to[i * s.inner] = static_cast<int8_t>(clamp<int32_t>(y, -128, 127));
  }
}

/// out = log(softmax(in)). `out` may be `in`.
NB_NOINLINE inline void log_softmax_s8(const LogSoftmaxS8& p, const int8_t* in, int8_t* out) {
  const SoftmaxS8& s = p.softmax;
  for (int32_t n = 0; s.size > 0 && n < s.outer; ++n)
    for (int32_t j = 0; j < s.inner; ++j) {
      const int32_t begin = n * s.size * s.inner + j;
      log_softmax_row_s8(p, in + begin, out + begin);
    }
}

}  // namespace nb
