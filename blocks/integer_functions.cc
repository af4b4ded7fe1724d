#include "blocks/integer_functions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/core/reciprocal.h"
#include "blocks/unary/chords_s16.h"

namespace nb {
namespace {

// Fixed-point numbers below are int32 with k integer bits: value = raw * 2^(k - 31). The product of numbers
// with k and m integer bits is high_multiply, with k + m integer bits.
constexpr std::int32_t kOne0 = std::numeric_limits<std::int32_t>::max();  ///< nearly 1, no integer bits
constexpr std::int32_t kOne2 = 1 << 29;                                   ///< 1 with two integer bits

std::int32_t raw(double value, int integer_bits) {
  return static_cast<std::int32_t>(std::round(std::ldexp(value, 31 - integer_bits)));
}

/// e^x for x in [-1/4, 0) without integer bits: Taylor's series of 4th degree around -1/8.
std::int32_t exp_of_quarter(std::int32_t x) {
  const std::int32_t center = raw(std::exp(-0.125), 0), third = raw(1.0 / 3, 0);
  const std::int32_t d = x + (1 << 28);
  const std::int32_t d2 = high_multiply(d, d), d3 = high_multiply(d2, d), d4 = high_multiply(d2, d2);
  const std::int32_t tail =
      divide_by_power_of_two(high_multiply(divide_by_power_of_two(d4, 2) + d3, third) + d2, 1);
  return center + high_multiply(center, d + tail);
}

/// e^x, no integer bits, for x <= 0 with `integer_bits`: the part below 1/4 by series, the others by factors.
std::int32_t exp_of_negative(std::int32_t x, int integer_bits) {
  if (x == 0) return kOne0;
  const int fraction_bits = 31 - integer_bits;
  const std::int32_t quarter = 1 << (fraction_bits - 2);
  const std::int32_t below = (x & (quarter - 1)) - quarter;
  std::int32_t result = exp_of_quarter(shift_left_saturating(below, integer_bits));
  const std::int32_t rest = below - x;  // a multiple of 1/4
  for (int exponent = -2; exponent < integer_bits; ++exponent)
    if ((rest & (1 << (fraction_bits + exponent))) != 0)
      result = high_multiply(result, raw(std::exp(-std::ldexp(1.0, exponent)), 0));
  return result;
}

/// The input in 4 integer bits, or that it lies beyond +-16 (sign given by `q`).
struct Q4 {
  FixedPoint factor;
  std::int32_t radius, zero;
};
Q4 q4_of(const Type& x) {
  constexpr int kIntegerBits = 4;
  Q4 q{};
  const double real = static_cast<double>(x.scale()) * static_cast<double>(1 << (31 - kIntegerBits));
  const double fraction = std::frexp(real, &q.factor.shift);
  q.factor.multiplier = static_cast<std::int32_t>(std::min<std::int64_t>(
      std::llround(fraction * 2147483648.0), std::numeric_limits<std::int32_t>::max()));
  const double radius = std::ldexp((1 << kIntegerBits) - 1, 31 - kIntegerBits - q.factor.shift);
  q.radius = static_cast<std::int32_t>(std::min(std::floor(radius), 1e9));
  q.zero = x.zero_point();
  if (q.factor.shift < -31) q.factor = {};  // every input is 0
  return q;
}

bool is_power_of_two(float scale, int& exponent) {
  const float log2 = std::log2(scale);
  exponent = static_cast<int>(std::lround(log2));
  return std::fabs(log2 - static_cast<float>(exponent)) < 1e-3f;
}

/// `free_shifts`: left shifts up to which a power of two needs no multiplication.
TableScale table_scale(const Type& x, int free_shifts) {
  int exponent = 0;
  if (is_power_of_two(x.scale(), exponent) && exponent + 12 >= 0 && exponent + 12 <= free_shifts)
    return {3 << (exponent + 12), 0};
  TableScale s;
  double multiplier = static_cast<double>(x.scale()) * 4096.0 * 3.0;
  while (multiplier <= 32767.0 / 2.0 && s.shift <= 30) {
    ++s.shift;
    multiplier *= 2;
  }
  s.multiplier = static_cast<std::int32_t>(multiplier);
  return s;
}

}  // namespace

Bytes byte_table(DType dtype, const ByteFunction& f) {
  Bytes table(256);
  for (std::int32_t bits = 0; bits < 256; ++bits) {
    const std::int32_t q = dtype == DType::i8 && bits > 127 ? bits - 256 : bits;
    table[static_cast<std::size_t>(bits)] = static_cast<std::byte>(f(q) & 0xff);
  }
  return table;
}

ByteFunction sigmoid_s8(const Type& x) {
  return [p = q4_of(x)](std::int32_t q) {
    const std::int32_t input = q - p.zero;
    if (input <= -p.radius) return -128;
    if (input >= p.radius) return 127;
    const std::int32_t a = rescale(input, p.factor.multiplier, p.factor.shift);
    std::int32_t y = 1 << 30;
    if (a != 0) {
      y = shift_left_saturating(twice_over_one_plus(exp_of_negative(a > 0 ? -a : a, 4)), 1);
      if (a < 0) y = kOne0 - y;
    }
    return std::clamp(divide_by_power_of_two(y, 23) - 128, -128, 127);
  };
}

ByteFunction tanh_s8(const Type& x) {
  return [p = q4_of(x)](std::int32_t q) {
    const std::int32_t input = q - p.zero;
    if (input <= -p.radius) return -128;
    if (input >= p.radius) return 127;
    const std::int32_t a = rescale(input, p.factor.multiplier, p.factor.shift);
    if (a == 0) return 0;
    // (1 - e) / (1 + e) with e = exp(-2|x|): the same bits read with one more integer bit.
    const std::int32_t y =
        shift_left_saturating(twice_over_one_plus(exp_of_negative(a > 0 ? -a : a, 5)) - kOne2, 2);
    return std::clamp(divide_by_power_of_two(a < 0 ? -y : y, 24), -128, 127);
  };
}

ByteFunction hard_swish_s8(const Type& x, const Type& y) {
  const auto to_16_bits = [](std::int32_t multiplier) {
    return multiplier >= std::numeric_limits<std::int32_t>::max() - (1 << 15)
               ? std::int32_t{32767}
               : (multiplier + (1 << 15)) >> 16;
  };
  const float fine_scale = (1.0f / 128.0f) * x.scale();
  const FixedPoint out = fixed_point(static_cast<double>(fine_scale / y.scale()));
  const FixedPoint gate = fixed_point(static_cast<double>(fine_scale / (3.0f / 32768.0f)));
  const std::int32_t out_factor = to_16_bits(out.multiplier), gate_factor = to_16_bits(gate.multiplier);
  const auto saturate = [](std::int32_t v) { return std::clamp(v, -32768, 32767); };
  const auto round_high = [saturate](std::int32_t a, std::int32_t b) {  // round(a * b / 2^15), ties up
    const std::int32_t product = a * b;
    return saturate((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
  };
  const IntRange range = dtype_range(y.dtype);
  return [=, in_zero = x.zero_point(), out_zero = y.zero_point()](std::int32_t q) {
    const auto fine = static_cast<std::int16_t>((q - in_zero) * 128);
    const std::int32_t unshifted = round_high(fine, out_factor);
    std::int32_t g = fine;
    if (gate.shift > 0)
      g = saturate(static_cast<std::int32_t>(
          std::clamp<std::int64_t>(std::int64_t{g} << (gate.shift - 1), -32768, 32767)));
    g = round_high(g, gate_factor);
    if (gate.shift > 0) g = saturate(g * 2);
    if (gate.shift < 0) g = divide_by_power_of_two(g, -gate.shift);
    g = (g + (1 << 15)) >> 1;
    const std::int32_t product = g * unshifted / (1 << 15);  // towards zero
    const std::int32_t scaled = out.shift <= 0 ? divide_by_power_of_two(product, std::min(-out.shift, 31))
                                               : saturate(product * (1 << std::min(out.shift, 15)));
    return std::clamp(static_cast<std::int32_t>(static_cast<std::int16_t>(scaled + out_zero)), range.min,
                      range.max);
  };
}

namespace {

/// 1 / sqrt(v) for v > 1, as a mantissa in units of 2^-31 and a left shift.
FixedPoint inverse_root(std::int32_t v) {
  const int pairs = (__builtin_clz(static_cast<std::uint32_t>(v)) - 1) / 2 - 1;
  const std::int32_t half = (v << (2 * pairs)) >> 1;  // numbers here have 3 integer bits
  const std::int32_t quarter = divide_by_power_of_two(half, 1);
  std::int32_t root = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    const std::int32_t cube = shift_left_saturating(high_multiply(high_multiply(root, root), root), 6);
    root =
        shift_left_saturating(high_multiply((1 << 28) + (1 << 27), root) - high_multiply(quarter, cube), 3);
  }
  root = high_multiply(root, 1518500250);  // sqrt(1/2)
  const int right = 11 - pairs;
  return right < 0 ? FixedPoint{root << -right, 0} : FixedPoint{root, -right};
}

}  // namespace

ByteFunction rsqrt_s8(const Type& x, const Type& y) {
  const FixedPoint factor = fixed_point(1.0 / static_cast<double>(std::sqrt(x.scale()) * y.scale()));
  const IntRange range = dtype_range(y.dtype);
  return [=, zero = x.zero_point(), out_zero = y.zero_point()](std::int32_t q) {
    const std::int32_t value = q - zero;
    if (value == 0) return range.max;
    if (value < 0) return out_zero;
    constexpr int kFine = 20;
    const FixedPoint root = value == 1 ? FixedPoint{kOne0, 0} : inverse_root(value);
    const std::int32_t fine = rescale(1, root.multiplier, root.shift + kFine);
    const int shift = factor.shift - kFine;
    const std::int32_t scaled = shift < -31 ? 0 : rescale(fine, factor.multiplier, shift);
    return std::clamp(scaled + out_zero, range.min, range.max);
  };
}

ByteFunction by_float(const Type& x, const Type& y, std::function<double(double)> f) {
  const IntRange range = dtype_range(y.dtype);
  const float inverse = 1.0f / y.scale();
  return [=, f = std::move(f), scale = x.scale(), zero = x.zero_point(),
          out_zero = y.zero_point()](std::int32_t q) {
    const float real = static_cast<float>(f(static_cast<double>(scale * static_cast<float>(q - zero))));
    const float scaled = std::round(real * inverse) + static_cast<float>(out_zero);
    if (std::isnan(scaled)) return out_zero;
    return static_cast<std::int32_t>(
        std::clamp(scaled, static_cast<float>(range.min), static_cast<float>(range.max)));
  };
}

namespace {

constexpr double kFarthest = 1 << 16;  ///< in steps: beyond it all outputs are saturated
/// The function at x, an integer that need not be in range, in steps of y.
double steps_at(const Type& x, const Type& y, const std::function<double(double)>& f, int at) {
  const double real = f((at - x.zero_point()) * static_cast<double>(x.scale()));
  const double step = std::isnan(real) ? 0 : real / static_cast<double>(y.scale());
  return std::clamp(step + y.zero_point(), -kFarthest, kFarthest);
}
bool is_within_a_step(int result, double steps) {
  return std::fabs(result - std::clamp(steps, -32768.0, 32767.0)) <= 1;
}

}  // namespace

std::optional<ChordsS16> fit_chords_s16(const Type& x, const Type& y,
                                        const std::function<double(double)>& f) {
  constexpr int kInputs = 1 << 16;
  std::vector<double> steps;
  for (int i = 0; i <= kInputs; ++i) steps.push_back(steps_at(x, y, f, i - (1 << 15)));
  for (int shift = 11; shift >= 4; --shift) {
    ChordsS16 chords{shift, {}};
    const int apart = 1 << shift;
    const auto sag_after = [&](int i) {  // how far the middle of the chord that begins at i lies above
      return i < 0 || i >= kInputs ? 0 : (steps[i] + steps[i + apart]) / 2 - steps[i + apart / 2];
    };
    for (int i = 0; i <= kInputs; i += apart)
      chords.values.push_back(static_cast<std::int32_t>(
          std::nearbyint(64 * (steps[i] - (sag_after(i - apart) + sag_after(i)) / 4))));
    bool is_good = true;
    for (std::size_t i = 0; i + 1 < chords.values.size(); ++i)
      is_good &= (std::abs(std::int64_t{chords.values[i + 1]} - chords.values[i]) << shift) < (1LL << 31);
    for (int i = 0; is_good && i < kInputs; ++i) {
      const int result =
          chord_value({0, shift}, static_cast<std::int16_t>(i - (1 << 15)), chords.values.data());
      is_good = is_within_a_step(result, steps[i]);
    }
    if (is_good) return chords;
  }
  return std::nullopt;
}

std::optional<OctavesS16> fit_octaves_s16(const Type& x, const Type& y,
                                          const std::function<double(double)>& f) {
  const int zero = x.zero_point();
  if (zero < -32768 || zero > 32767) return std::nullopt;
  for (int bits = 5; bits <= 7; ++bits) {
    OctavesS16 octaves{{0, bits, zero, octave_values(bits)}, {}};
    for (const int sign : {1, -1})
      for (int i = 0; i < octave_values(bits); ++i) {
        const int shift = std::max(i >> bits, 1) - 1;
        const int u = (i - (shift << bits)) << shift, apart = 1 << shift;
        double value = steps_at(x, y, f, zero + sign * u);
        if (shift > 0 && i + 1 < octave_values(bits)) {  // half of what the chord behind sags
          const double next = steps_at(x, y, f, zero + sign * (u + apart));
          value -= ((value + next) / 2 - steps_at(x, y, f, zero + sign * (u + apart / 2))) / 2;
        }
        octaves.values.push_back(static_cast<std::int32_t>(std::nearbyint(64 * value)));
      }
    bool is_good = true;
    for (int i = 0; i + 1 < octave_values(bits); ++i)
      for (const int begin : {0, octaves.params.negative}) {
        const auto at = static_cast<std::size_t>(begin + i);
        const std::int64_t rise = std::int64_t{octaves.values[at + 1]} - octaves.values[at];
        is_good &= std::abs(rise) << (std::max(i >> bits, 1) - 1) < (1LL << 31);
      }
    for (int at = -32768; is_good && at < 32768; ++at)
      is_good =
          is_within_a_step(octave_value(octaves.params, static_cast<std::int16_t>(at), octaves.values.data()),
                           steps_at(x, y, f, at));
    if (is_good) return octaves;
  }
  return std::nullopt;
}

FixedPoint scale_ratio(const Operation& op, float factor) {
  const Type &x = *op.in[0], &y = *op.out[0];
  return fixed_point(
      static_cast<double>(x.scale()) * static_cast<double>(factor) / static_cast<double>(y.scale()),
      op.rounding);
}

HighFactor high_factor(double factor) {
  HighFactor f;
  while (f.left < 31 && std::ldexp(factor, 32 - f.left) > 0x1.fffffffcp30) ++f.left;
  f.multiplier =
      static_cast<std::int32_t>(std::nearbyint(std::min(std::ldexp(factor, 32 - f.left), 0x1.fffffffcp30)));
  return f;
}

std::vector<std::uint32_t> fine_powers() {
  std::vector<std::uint32_t> table;
  for (int i = 0; i < 128; ++i)
    table.push_back(static_cast<std::uint32_t>(std::llround(std::exp2(31 - i / 128.0))));
  return table;
}

std::vector<std::uint16_t> sigmoid_table() {
  std::vector<std::uint16_t> table;
  for (int i = 0; i < 256; ++i) {
    const double s = 1.0 / (1.0 + std::exp(-i / 24.0));
    const double sag = s * (1 - s) * (2 * s - 1) / (24.0 * 24.0) / 8;
    table.push_back(static_cast<std::uint16_t>(std::round(65536.0 * (s + sag / 2))));
  }
  table.back() = 65535;
  return table;
}

TableScale sigmoid_s16_scale(const Type& x) { return table_scale(x, 0); }
TableScale tanh_s16_scale(const Type& x) { return table_scale(x, 1); }

}  // namespace nb
