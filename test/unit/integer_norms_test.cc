// Layer normalization and attention in integers against their formulas in double: errors in steps of the
// output.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>

#include "../../blocks/attention/attributes.h"
#include "../../blocks/core/inverse_root.h"
#include "../../blocks/layer_norm/attributes.h"
#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "graph/graph.h"

namespace nb {
namespace {

/// A use of a block with its operands; constants are those whose tensor says so.
struct Use {
  const Block* block;
  Attributes attributes;
  std::vector<Tensor> operands;
  std::vector<bool> is_constant;
  Type out;

  [[nodiscard]] Operation operation() const {
    Operation op{block, &attributes, {}, {}, {&out}, "test"};
    for (std::size_t i = 0; i < operands.size(); ++i) {
      op.in.push_back(operands[i].type.shape.empty() ? nullptr : &operands[i].type);
      op.data.push_back(is_constant[i] ? &operands[i].data : nullptr);
    }
    return op;
  }
  [[nodiscard]] Tensor result() {
    const Operation op = operation();
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < operands.size(); ++i) views.push_back({op.in[i], operands[i].data.data()});
    return evaluate(op, views)[0];
  }
  /// The real numbers of an operand.
  [[nodiscard]] std::vector<double> reals(std::size_t i) const {
    Tensor tensor = operands[i];
    const Elements elements(TensorView{&tensor.type, tensor.data.data()});
    std::vector<double> values;
    for (std::int64_t n = 0; n < tensor.type.elements(); ++n)
      values.push_back(tensor.type.is_quantized() ? (elements.get(n) - tensor.type.zero_point()) *
                                                        static_cast<double>(tensor.type.scale())
                                                  : elements.get(n));
    return values;
  }
};

/// The largest error of `result` in its steps, where the exact value is within its range.
double worst_error(const Tensor& result, const std::vector<double>& exact) {
  Tensor tensor = result;
  const Elements elements(TensorView{&tensor.type, tensor.data.data()});
  const double low = result.type.dtype == DType::i8 ? -128 : -32768;
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double steps = exact[i] / static_cast<double>(result.type.scale()) + result.type.zero_point();
    worst = std::max(
        worst, std::fabs(elements.get(static_cast<std::int64_t>(i)) - std::clamp(steps, low, -low - 1)));
  }
  return worst;
}

/// The same of the use's result, whose scale is such that the largest exact value, or `least`, comes near the
/// end of its range.
double error_at_full_scale(Use& use, const std::vector<double>& exact, double least) {
  double largest = least;
  for (const double value : exact) largest = std::max(largest, std::fabs(value));
  const double high = use.out.dtype == DType::i8 ? 127 : 32767;
  use.out.quantization->scales[0] = static_cast<float>(largest / (high - 9));
  return worst_error(use.result(), exact);
}

std::vector<double> layer_norm(const Use& use) {
  const auto& a = use.attributes.as<LayerNormAttrs>();
  const std::vector<double> x = use.reals(0);
  const auto size = static_cast<std::size_t>(use.out.shape.back());
  const std::vector<double> scale =
      use.operands[1].type.shape.empty() ? std::vector<double>(size, 1) : use.reals(1);
  const std::vector<double> bias =
      use.operands[2].type.shape.empty() ? std::vector<double>(size, 0) : use.reals(2);
  std::vector<double> y(x.size());
  for (std::size_t at = 0; at < x.size(); at += size) {
    const auto [least, most] = std::minmax_element(&x[at], &x[at] + size);
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < size; ++i) mean += x[at + i] / static_cast<double>(size);
    if (!a.centered) mean = 0;
    for (std::size_t i = 0; i < size; ++i) squares += (x[at + i] - mean) * (x[at + i] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(size) + static_cast<double>(a.epsilon));
    const bool is_zero = a.centered ? *least == *most : squares == 0;  // 0 / 0 is 0
    for (std::size_t i = 0; i < size; ++i)
      y[at + i] = (is_zero ? 0 : (x[at + i] - mean) / deviation) * scale[i] + bias[i];
  }
  return y;
}

struct Rows {
  std::int64_t size;
  double spread;  ///< of the integers
  float x_scale, epsilon;
  bool centered, has_gains;
};

double layer_norm_error(DType dtype, const Rows& rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const std::int64_t count = std::max<std::int64_t>(4, 4000 / rows.size);
  const double high = dtype == DType::i8 ? 127 : 32767;
  const auto zero = dtype == DType::i8 ? static_cast<std::int32_t>(random() % 256) - 128 : 0;
  Use use{all_blocks().find("layer_norm"), {}, {}, {false, true, true}, {}};
  use.attributes = use.block->attributes.make();
  auto& a = use.attributes.as<LayerNormAttrs>();
  a.epsilon = rows.epsilon;
  a.centered = rows.centered;
  Tensor x = make_tensor(Type{dtype, {count, rows.size}, Quantization{{rows.x_scale}, {zero}}});
  const Elements elements(TensorView{&x.type, x.data.data()});
  for (std::int64_t n = 0; n < count; ++n) {
    const double center = normal(random) * high / 3;
    for (std::int64_t i = 0; i < rows.size; ++i)
      elements.put_int(n * rows.size + i,
                       static_cast<Wide>(std::clamp(std::nearbyint(center + rows.spread * normal(random)),
                                                    -high - 1, high)));
  }
  std::vector<float> scale, bias;
  for (std::int64_t i = 0; i < rows.size; ++i) {
    scale.push_back(static_cast<float>(1 + 0.5 * normal(random)));
    bias.push_back(static_cast<float>(0.3 * normal(random)));
  }
  use.operands = {x, {}, {}};
  if (rows.has_gains) {
    use.operands[1] = make_tensor<float>(DType::f32, {rows.size}, scale);
    use.operands[2] = make_tensor<float>(DType::f32, {rows.size}, bias);
  }
  use.out = Type{dtype, {count, rows.size}, Quantization{{1}, {dtype == DType::i8 ? -9 : 0}}};
  const std::vector<double> exact = layer_norm(use);
  return error_at_full_scale(use, exact, 1e-3);
}

TEST_CASE("inverse_root") {
  double worst = 0;
  for (std::uint64_t u = 1u << 30; u < std::uint64_t{1} << 32; u += 4093) {
    const double exact = 0x1p30 / std::sqrt(std::ldexp(static_cast<double>(u), -32));
    worst = std::max(worst, std::fabs(inverse_root(static_cast<std::uint32_t>(u)) / exact - 1));
  }
  CHECK(worst < 0x1p-29);
}

TEST_CASE("layer_norm of integers is at most a step off") {
  unsigned seed = 1;
  for (const DType dtype : {DType::i8, DType::i16})
    for (const std::int64_t size : {1, 2, 3, 7, 64, 129, 1000, 4096})
      for (const double spread : {0.0, 0.1, 0.6, 5.0, 40.0, 200.0, 20000.0})
        for (const float x_scale : {1e-4f, 0.05f, 3.0f})
          for (const float epsilon : {0.0f, 1e-12f, 1e-5f, 0.5f, 1e4f})
            for (const bool centered : {true, false}) {
              const Rows rows{size, spread, x_scale, epsilon, centered, seed % 3 != 0};
              const double error = layer_norm_error(dtype, rows, seed++);
              INFO(size << " elements, spread " << spread << ", scale " << x_scale << ", epsilon " << epsilon
                        << (centered ? "" : ", not centered") << (dtype == DType::i8 ? ", i8" : ", i16"));
              CHECK(error <= (dtype == DType::i8 ? 0.503 : 0.9));
            }
}

/// One head; q [n, d], k [t, d], v [t, e], mask [n, t] or empty.
std::vector<double> attention(const Use& use) {
  const auto& a = use.attributes.as<AttentionAttrs>();
  const std::vector<double> q = use.reals(0), k = use.reals(1), v = use.reals(2);
  const bool has_mask = !use.operands[3].type.shape.empty();
  const std::vector<double> mask = has_mask ? use.reals(3) : std::vector<double>();
  const auto rows = static_cast<std::size_t>(use.operands[0].type.shape[2]);
  const auto keys = static_cast<std::size_t>(use.operands[1].type.shape[2]);
  const auto depth = static_cast<std::size_t>(use.operands[1].type.shape[3]);
  const auto features = static_cast<std::size_t>(use.operands[2].type.shape[3]);
  std::vector<double> y;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> scores;
    for (std::size_t j = 0; j < keys; ++j) {
      double score = 0;
      for (std::size_t d = 0; d < depth; ++d) score += q[i * depth + d] * k[j * depth + d];
      score *= static_cast<double>(a.scale);
      if (has_mask && is_float(use.operands[3].type.dtype))
        score += mask[i * keys + j];
      else if (has_mask && mask[i * keys + j] == 0)
        score = -HUGE_VAL;
      const auto at = static_cast<std::int64_t>(i), key = static_cast<std::int64_t>(j);
      if ((a.left >= 0 && key < at - a.left) || (a.right >= 0 && key > at + a.right)) score = -HUGE_VAL;
      scores.push_back(score);
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    for (std::size_t e = 0; e < features; ++e) {
      double sum = 0, mean = 0;
      for (std::size_t j = 0; j < keys && largest > -HUGE_VAL; ++j) {
        const double power = std::exp(scores[j] - largest);
        sum += power;
        mean += power * v[j * features + e];
      }
      y.push_back(sum == 0 ? 0 : mean / sum);
    }
  }
  return y;
}

enum class MaskOf { none, booleans, floats };

struct Heads {
  std::int64_t rows, keys, depth;
  double logits;  ///< how far scores lie apart, about
  float sign;
  MaskOf mask;
  bool has_window;
};

double attention_error(DType dtype, const Heads& heads, unsigned seed) {
  std::mt19937 random(seed);
  const double high = dtype == DType::i8 ? 127 : 32767;
  const auto zero = [&] { return dtype == DType::i8 ? static_cast<std::int32_t>(random() % 256) - 128 : 0; };
  Use use{all_blocks().find("attention"), {}, {}, {false, false, false, heads.mask == MaskOf::floats}, {}};
  use.attributes = use.block->attributes.make();
  auto& a = use.attributes.as<AttentionAttrs>();
  if (heads.has_window) a.left = 5, a.right = 1;
  const auto tensor = [&](std::int64_t rows, std::int64_t depth, float scale) {
    Tensor x = make_tensor(Type{dtype, {1, 1, rows, depth}, Quantization{{scale}, {zero()}}});
    const Elements elements(TensorView{&x.type, x.data.data()});
    for (std::int64_t i = 0; i < rows * depth; ++i)
      elements.put_int(
          i, static_cast<Wide>(random() % static_cast<unsigned>(2 * high + 2)) - static_cast<Wide>(high) - 1);
    return x;
  };
  const auto step = static_cast<float>(2 / high);
  use.operands = {tensor(heads.rows, heads.depth, step),
                  tensor(heads.keys, heads.depth, step),
                  tensor(heads.keys, 9, step),
                  {}};
  a.scale = heads.sign * static_cast<float>(heads.logits / std::sqrt(static_cast<double>(heads.depth)));
  if (heads.mask != MaskOf::none) {
    Tensor& mask = use.operands[3];
    mask = make_tensor(
        Type{heads.mask == MaskOf::floats ? DType::f32 : DType::boolean, {heads.rows, heads.keys}});
    const Elements elements(TensorView{&mask.type, mask.data.data()});
    for (std::int64_t i = 0; i < heads.rows * heads.keys; ++i) {
      constexpr double kFloats[] = {0, -HUGE_VAL, -1e9, -0.75, 0.5, -3, 2.25, -40};
      elements.put(
          i, heads.mask == MaskOf::floats ? kFloats[random() % 8] : static_cast<double>(random() % 3 / 2));
    }
  }
  use.out = Type{dtype, {1, 1, heads.rows, 9}, Quantization{{1}, {dtype == DType::i8 ? 9 : 0}}};
  const std::vector<double> exact = attention(use);
  return error_at_full_scale(use, exact, 1e-6);
}

TEST_CASE("attention of integers is at most a step off") {
  unsigned seed = 1;
  for (const DType dtype : {DType::i8, DType::i16})
    for (const std::int64_t keys : {1, 4, 21, 64, 300, 1100})
      for (const std::int64_t depth : {1, 8, 32, 100})
        for (const double logits : {0.0, 0.3, 1.0, 5.0, 40.0})
          for (const MaskOf mask : {MaskOf::none, MaskOf::booleans, MaskOf::floats})
            for (const bool has_window : {false, true}) {
              const Heads heads{10, keys, depth, logits, seed % 2 == 0 ? 1.0f : -1.0f, mask, has_window};
              const double error = attention_error(dtype, heads, seed++);
              INFO(keys << " keys, depth " << depth << ", logits " << logits << ", mask "
                        << static_cast<int>(mask) << (has_window ? ", window" : "")
                        << (dtype == DType::i8 ? ", i8" : ", i16"));
              CHECK(error <= 0.51);
            }
}

}  // namespace
}  // namespace nb
