// Functions of int16 that are taken by chords, and quotients of int16, against the real functions: at most
// one step of the output off, over all inputs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>

#include "blocks/blocks.h"
#include "graph/graph.h"

namespace nb {
namespace {

constexpr double kLow = -32768, kHigh = 32767;

Type numbers(std::int64_t count, float scale, std::int32_t zero) {
  return {DType::i16, {count}, Quantization{{scale}, {zero}}};
}

/// The results of a block for these operands.
Tensor result(const char* name, std::vector<Tensor> operands, const Type& out) {
  const Block* const block = all_blocks().find(name);
  const Attributes attributes = block->attributes.make();
  Operation op{block, &attributes, {}, {}, {&out}, "test"};
  std::vector<TensorView> views;
  for (Tensor& operand : operands) {
    op.in.push_back(&operand.type);
    op.data.push_back(nullptr);
    views.push_back({&operand.type, operand.data.data()});
  }
  return evaluate(op, views)[0];
}

double error_of(std::int16_t found, double real, const Type& out) {
  const double steps = real / static_cast<double>(out.scale()) + out.zero_point();
  return std::fabs(found - std::clamp(std::isnan(real) ? out.zero_point() : steps, kLow, kHigh));
}

TEST_CASE("functions of int16 are at most a step off") {
  const struct {
    const char* name;
    std::function<double(double)> f;
  } kFunctions[] = {
      {"gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"silu", [](double x) { return x / (1 + std::exp(-x)); }},
      {"exp", [](double x) { return std::exp(x); }},
      {"softplus", [](double x) { return std::log1p(std::exp(x)); }},
      {"square", [](double x) { return x * x; }},
      {"erf", [](double x) { return std::erf(x); }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {"log", [](double x) { return std::log(x); }},
      {"reciprocal", [](double x) { return 1 / x; }},
      {"hard_swish", [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }},
      {"hard_sigmoid", [](double x) { return std::clamp(x, 0.0, 1.0); }},
  };
  for (const auto& function : kFunctions)
    for (const float in : {1e-4f, 3e-4f, 1e-3f})
      for (const std::int32_t zero : {0, -1000}) {
        Tensor x = make_tensor(numbers(65536, in, zero));
        for (int i = 0; i < 65536; ++i)
          x.as<std::int16_t>()[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i - 32768);
        const Type out = numbers(65536, 4e-4f, 7);
        const Tensor y = result(function.name, {x}, out);
        double worst = 0;
        for (int i = 0; i < 65536; ++i) {
          const double real = function.f((i - 32768 - zero) * static_cast<double>(in));
          worst = std::max(worst, error_of(y.as<std::int16_t>()[static_cast<std::size_t>(i)], real, out));
        }
        INFO(function.name << " of a scale of " << in << ", zero point " << zero);
        CHECK(worst <= 1);
      }
}

TEST_CASE("functions of int16 that bend are at most a step off at any scales") {
  for (const char* name : {"hard_swish", "hard_sigmoid"})
    for (const float in : {1e-9f, 1e-5f, 2e-4f, 0.05f, 3.0f, 40.0f})
      for (const float step : {1e-5f, 3e-4f, 0.1f})
        for (const std::int32_t zero : {0, 20000, -32768}) {
          Tensor x = make_tensor(numbers(65536, in, zero));
          for (int i = 0; i < 65536; ++i)
            x.as<std::int16_t>()[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i - 32768);
          const Type out = numbers(65536, step, -500);
          const Tensor y = result(name, {x}, out);
          double worst = 0;
          for (int i = 0; i < 65536; ++i) {
            const double v = (i - 32768 - zero) * static_cast<double>(in);
            const double real = name[5] == 's' && name[6] == 'w' ? v * std::clamp(v + 3, 0.0, 6.0) / 6
                                                                 : std::clamp(v, 0.0, 1.0);
            worst = std::max(worst, error_of(y.as<std::int16_t>()[static_cast<std::size_t>(i)], real, out));
          }
          INFO(name << " of a scale of " << in << " to one of " << step << ", zero point " << zero);
          CHECK(worst <= 1);
        }
}

TEST_CASE("log_softmax of int16 is at most six tenths of a step off") {
  std::mt19937 random(2);
  for (const std::int64_t size : {1, 2, 10, 1000, 60000})
    for (const float in : {1e-5f, 3e-4f, 2e-3f, 0.02f})
      for (const float step : {2e-4f, 1e-3f, 0.03f}) {
        Tensor x = make_tensor(numbers(size, in, 17));
        const int spread = static_cast<int>(random() % 16);
        for (auto& v : x.as<std::int16_t>())
          v = static_cast<std::int16_t>(static_cast<std::int16_t>(random()) >> spread);
        const Type out = numbers(size, step, 32767);
        const Tensor y = result("log_softmax", {x}, out);
        double largest = -1e9, sum = 0, worst = 0;
        const auto real = [&](std::size_t i) { return x.as<std::int16_t>()[i] * static_cast<double>(in); };
        const auto count = static_cast<std::size_t>(size);
        for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, real(i));
        for (std::size_t i = 0; i < count; ++i) sum += std::exp(real(i) - largest);
        for (std::size_t i = 0; i < count; ++i)
          worst = std::max(worst, error_of(y.as<std::int16_t>()[i], real(i) - largest - std::log(sum), out));
        INFO(size << " elements, scale " << in << " to " << step);
        CHECK(worst <= 0.6);
      }
}

TEST_CASE("quotients of int16 are at most a step off") {
  std::mt19937 random(1);
  constexpr std::int64_t kCount = 100000;
  for (const float scale : {2e-4f, 1e-3f, 0.02f}) {
    Tensor a = make_tensor(numbers(kCount, 3e-4f, 0)), b = make_tensor(numbers(kCount, 2e-4f, 11));
    for (std::size_t i = 0; i < kCount; ++i) {
      a.as<std::int16_t>()[i] = static_cast<std::int16_t>(random());
      b.as<std::int16_t>()[i] =
          static_cast<std::int16_t>(static_cast<std::int16_t>(random()) >> (random() % 12));
    }
    const Type out = numbers(kCount, scale, -3);
    const Tensor y = result("div", {a, b}, out);
    double worst = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const double divisor = (b.as<std::int16_t>()[i] - 11) * 2e-4;
      const double real = divisor == 0 ? 0 : a.as<std::int16_t>()[i] * static_cast<double>(3e-4f) / divisor;
      worst = std::max(worst, error_of(y.as<std::int16_t>()[i], real, out));
    }
    INFO("steps of " << scale);
    CHECK(worst <= 1);
  }
}

}  // namespace
}  // namespace nb
