// The float math of blocks/core/math.h against the host's double functions: the stated bounds over strided
// samples, special cases, and one fingerprint of result bits that every target must repeat.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../../blocks/core/math.h"
#include "math_fingerprint.h"

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kHuge = std::numeric_limits<float>::max();

bool same_bits(float a, float b) { return nb::float_bits(a) == nb::float_bits(b); }

/// |actual - expected| over the spacing of floats at `expected`; 1e9 where NaN, infinity or the sign of zero
/// differ.
double error_ulp(float actual, double expected) {
  const float rounded = static_cast<float>(expected);
  if (same_bits(actual, rounded)) return 0;
  if (std::isnan(expected)) return same_bits(actual, kNan) ? 0 : 1e9;
  if (std::isnan(actual) || (actual == 0 && std::signbit(actual) != std::signbit(expected))) return 1e9;
  if (std::isinf(expected)) return 1e9;
  const int exponent = expected == 0 ? -126 : std::min(std::max(std::ilogb(expected), -126), 127);
  // An infinite result stands for 2^128.
  const double value =
      std::isinf(actual) ? std::copysign(std::ldexp(1.0, 128), actual) : static_cast<double>(actual);
  return std::fabs(value - expected) / std::ldexp(1.0, exponent - 23);
}

struct Worst {
  double ulp = 0;
  float x = 0, y = 0;
  void see(double error, float at_x, float at_y = 0) {
    if (error > ulp) *this = {error, at_x, at_y};
  }
};

template <class Function, class Reference>
void check_unary(const char* name, double bound, Function function, Reference reference) {
  Worst worst;
  const auto at = [&](float x) { worst.see(error_ulp(function(x), reference(static_cast<double>(x))), x); };
  // A prime stride over all bit patterns, then [-16, 16).
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 14013)
    at(nb::bits_float(static_cast<uint32_t>(bits)));
  for (int32_t i = -(1 << 28); i < 1 << 28; i += 4093) at(static_cast<float>(i) * 0x1p-24f);
  for (uint32_t bits : {0u, 1u, 0x7fffffu, 0x800000u, 0x3f7fffffu, 0x3f800000u, 0x3f800001u, 0x7f7fffffu,
                        0x7f800000u, 0x7f800001u, 0x7fc00000u}) {
    at(nb::bits_float(bits));
    at(nb::bits_float(bits | nb::kSignBit));
  }
  INFO(name << " worst at " << worst.x);
  CHECK(worst.ulp <= bound);
}

#define CHECK_BOUND(name, bound, reference) \
  check_unary(                              \
      #name, bound, [](float x) { return nb::name(x); }, [](double x) -> double { return reference; })

/// A small generator of bit patterns (xorshift).
struct Patterns {
  uint64_t state = 88172645463325252u;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint32_t>(state >> 16);
  }
};

const uint32_t kCorners[] = {0,          1,          0x7fffff,   0x800000,   0x3effffff, 0x3f000000,
                             0x3f7fffff, 0x3f800000, 0x3f800001, 0x40000000, 0x40400000, 0x3fc00000,
                             0x42fe0000, 0x43160000, 0x4a800001, 0x4b000001, 0x4b7fffff, 0x4b800000,
                             0x4b800001, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000};

template <class Function, class Reference>
Worst corners_worst(Function function, Reference reference) {
  Worst worst;
  for (uint32_t a : kCorners) {
    for (uint32_t b : kCorners) {
      for (uint32_t signs = 0; signs < 4; ++signs) {
        const float x = nb::bits_float(a | (signs & 1) << 31), y = nb::bits_float(b | (signs & 2) << 30);
        worst.see(error_ulp(function(x, y), reference(static_cast<double>(x), static_cast<double>(y))), x, y);
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("math: exponentials and erf stay within their bounds") {
  CHECK_BOUND(exp, 0.59, std::exp(x));
  CHECK_BOUND(expm1, 0.76, std::expm1(x));
  CHECK_BOUND(tanh, 0.62, std::tanh(x));
  CHECK_BOUND(sigmoid, 0.59, 1 / (1 + std::exp(-x)));
  CHECK_BOUND(sinh, 0.56, std::sinh(x));
  CHECK_BOUND(cosh, 0.56, std::cosh(x));
  CHECK_BOUND(erf, 0.56, std::erf(x));
}

TEST_CASE("math: the quick exponentials stay within their bounds") {
  const double tiny = static_cast<double>(std::numeric_limits<float>::min());
  const auto normal = [tiny](double y) { return std::fabs(y) < tiny ? 0.0 : y; };
  check_unary(
      "quick_exp", 2.5, [](float x) { return nb::quick_exp(x); },
      [&](double x) { return normal(std::exp(x)); });
  check_unary(
      "quick_sigmoid", 2.5, [](float x) { return nb::quick_sigmoid(x); },
      [&](double x) { return normal(1 / (1 + std::exp(-x))); });
  check_unary(
      "quick_tanh", 2.5, [](float x) { return nb::quick_tanh(x); }, [](double x) { return std::tanh(x); });
}

TEST_CASE("math: logarithms and inverse hyperbolic functions stay within their bounds") {
  CHECK_BOUND(log, 0.51, std::log(x));
  CHECK_BOUND(log2, 0.51, std::log2(x));
  CHECK_BOUND(log1p, 0.51, std::log1p(x));
  CHECK_BOUND(asinh, 1.52, std::asinh(x));
  CHECK_BOUND(acosh, 1.43, std::acosh(x));
  CHECK_BOUND(atanh, 0.51, std::atanh(x));
  CHECK_BOUND(softplus, 1.50, std::isnan(x) ? x : std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))));
  CHECK_BOUND(log_sigmoid, 1.50,
              std::isnan(x) ? x : -(std::fmax(-x, 0.0) + std::log1p(std::exp(-std::fabs(x)))));
}

TEST_CASE("math: trigonometric functions stay within their bounds at every size") {
  CHECK_BOUND(sin, 0.52, std::sin(x));
  CHECK_BOUND(cos, 0.52, std::cos(x));
  CHECK_BOUND(tan, 0.54, std::tan(x));
  CHECK_BOUND(asin, 0.53, std::asin(x));
  CHECK_BOUND(acos, 0.52, std::acos(x));
  CHECK_BOUND(atan, 0.52, std::atan(x));
}

TEST_CASE("math: roots and roundings are exact") {
  CHECK_BOUND(sqrt, 0, std::sqrt(x));
  check_unary(
      "square_root", 0,
      [](float x) { return x > 0 && nb::isfinite(x) ? nb::fixed::square_root(x) : nb::sqrt(x); },
      [](double x) { return std::sqrt(x); });
  CHECK_BOUND(rsqrt, 1.50, 1 / std::sqrt(x));
  CHECK_BOUND(floor, 0, std::floor(x));
  CHECK_BOUND(ceil, 0, std::ceil(x));
  CHECK_BOUND(trunc, 0, std::trunc(x));
  CHECK_BOUND(rint, 0, std::rint(x));
  CHECK_BOUND(round, 0, std::round(x));
  CHECK(same_bits(nb::ceil(-0.5f), -0.0f));
  CHECK(same_bits(nb::round(-0.25f), -0.0f));
  CHECK(nb::rint(2.5f) == 2.0f);
  CHECK(nb::rint(-3.5f) == -4.0f);
  CHECK(nb::round(2.5f) == 3.0f);
  CHECK(nb::round(0.49999997f) == 0.0f);
}

TEST_CASE("math: pow") {
  const auto function = [](float x, float y) { return nb::pow(x, y); };
  const auto reference = [](double x, double y) { return std::pow(x, y); };
  const Worst corners = corners_worst(function, reference);
  INFO("corner " << corners.x << " " << corners.y);
  CHECK(corners.ulp <= 0.57);
  Worst worst;
  Patterns patterns;
  for (int i = 0; i < 400000; ++i) {
    // |log2(x^y)| up to 160, x of any size or near 1.
    uint32_t x_bits = patterns.next() & 0x7fffffffu;
    if (i & 1)
      x_bits = 0x3f800000u + static_cast<uint32_t>(static_cast<int32_t>(patterns.next()) >> (8 + i / 2 % 24));
    const float x = nb::bits_float(x_bits);
    if (!(x > 0) || std::isinf(x) || x == 1) continue;
    const double power = static_cast<double>(static_cast<int32_t>(patterns.next())) * 0x1p-31 * 160;
    const float y = static_cast<float>(power / std::log2(static_cast<double>(x)));
    worst.see(error_ulp(function(x, y), reference(static_cast<double>(x), static_cast<double>(y))), x, y);
  }
  INFO("worst at " << worst.x << " " << worst.y);
  CHECK(worst.ulp <= 0.57);
  CHECK(nb::pow(2.0f, 10.0f) == 1024.0f);
  CHECK(nb::pow(-3.0f, 3.0f) == -27.0f);
  CHECK(nb::pow(kNan, 0.0f) == 1.0f);
  CHECK(nb::pow(1.0f, kNan) == 1.0f);
  CHECK(nb::pow(-1.0f, kInf) == 1.0f);
  CHECK(nb::pow(-0.0f, -3.0f) == -kInf);
  CHECK(nb::isnan(nb::pow(-2.0f, 0.5f)));
}

TEST_CASE("math: atan2") {
  const auto function = [](float y, float x) { return nb::atan2(y, x); };
  const auto reference = [](double y, double x) { return std::atan2(y, x); };
  Worst worst = corners_worst(function, reference);
  Patterns patterns;
  for (int i = 0; i < 600000; ++i) {
    const uint32_t y_bits = patterns.next();
    uint32_t x_bits = patterns.next();
    if (i & 1) x_bits = y_bits + static_cast<uint32_t>(static_cast<int32_t>(x_bits) >> (2 + i / 2 % 12));
    const float y = nb::bits_float(y_bits), x = nb::bits_float(x_bits);
    worst.see(error_ulp(function(y, x), reference(static_cast<double>(y), static_cast<double>(x))), y, x);
  }
  INFO("worst at " << worst.x << " " << worst.y);
  CHECK(worst.ulp <= 0.53);
  CHECK(same_bits(nb::atan2(-0.0f, -1.0f), -3.14159274f));
  CHECK(same_bits(nb::atan2(0.0f, 0.0f), 0.0f));
}

TEST_CASE("math: fmod is exact") {
  const auto function = [](float x, float y) { return nb::fmod(x, y); };
  const auto reference = [](double x, double y) { return std::fmod(x, y); };
  Worst worst = corners_worst(function, reference);
  Patterns patterns;
  for (int i = 0; i < 300000; ++i) {
    const uint32_t x_bits = patterns.next();
    uint32_t y_bits = patterns.next();
    if (i & 1) y_bits = x_bits + static_cast<uint32_t>(static_cast<int32_t>(y_bits) >> (2 + i / 2 % 12));
    const float x = nb::bits_float(x_bits), y = nb::bits_float(y_bits);
    worst.see(error_ulp(function(x, y), reference(static_cast<double>(x), static_cast<double>(y))), x, y);
  }
  INFO("worst at " << worst.x << " " << worst.y);
  CHECK(worst.ulp == 0);
}

TEST_CASE("math: classes, signs and the edges of the range") {
  CHECK(nb::isnan(kNan));
  CHECK(!nb::isnan(kInf));
  CHECK(nb::isinf(-kInf));
  CHECK(!nb::isinf(kHuge));
  CHECK(nb::isfinite(kTiny));
  CHECK(!nb::isfinite(kNan));
  CHECK(nb::signbit(-0.0f));
  CHECK(same_bits(nb::fabs(-0.0f), 0.0f));
  CHECK(same_bits(nb::copysign(3.0f, -0.0f), -3.0f));
  CHECK(nb::exp(88.7228f) < kInf);
  CHECK(nb::exp(88.7229f) == kInf);
  CHECK(nb::exp(-103.9f) == kTiny);
  CHECK(nb::exp(-104.0f) == 0.0f);
  CHECK(nb::exp(0.0f) == 1.0f);
  CHECK(nb::sigmoid(-103.0f) > 0.0f);
  CHECK(nb::softplus(-200.0f) == 0.0f);
  CHECK(nb::softplus(1e30f) == 1e30f);
  CHECK(nb::log_sigmoid(-1e30f) == -1e30f);
  CHECK(nb::log(0.0f) == -kInf);
  CHECK(nb::log(kTiny) == -103.278931f);
  CHECK(nb::sin(1e5f) == static_cast<float>(std::sin(1e5)));
  CHECK(nb::cos(kHuge) == static_cast<float>(std::cos(static_cast<double>(kHuge))));
  for (float x : {0.0f, -0.0f}) {
    for (float y : {nb::expm1(x), nb::log1p(x), nb::tanh(x), nb::erf(x), nb::sin(x), nb::tan(x), nb::asin(x),
                    nb::atan(x), nb::sinh(x), nb::asinh(x), nb::atanh(x), nb::sqrt(x), nb::rint(x)}) {
      CHECK(same_bits(x, y));
    }
  }
}

TEST_CASE("math: every target gives the same bits") { CHECK(nb_test::math_fingerprint(2000) == 0x750ea3f5u); }
