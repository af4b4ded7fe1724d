// Recurrent layers of integers against the float ones, with the same weights, biases and inputs: how far h is
// off behind 100 steps, in one run and in a run a step, whose states are carried as int16.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>
#include <string>

#include "blocks/blocks.h"
#include "graph/graph.h"

namespace nb {
namespace {

constexpr int kSteps = 100;

struct Layer {
  std::string block, attributes;
  std::int64_t gates, inputs, units;
  bool has_cell = false;
  DType x = DType::i8;
  double gate_bias = 0;  ///< added to all of w's biases: gates that are nearly 1 remember long
};

/// Rows of w and r have about this norm, biases this size.
constexpr double kRowNorm = 1, kBias = 0.5;

/// Values of one layer: operand 0 is a step or a sequence.
struct Operands {
  std::vector<std::optional<Type>> types;
  std::vector<Bytes> data;
  void add(Type type, Bytes bytes) {
    types.emplace_back(std::move(type));
    data.push_back(std::move(bytes));
  }
  void skip() {
    types.emplace_back();
    data.emplace_back();
  }
};

std::vector<Tensor> evaluate(const Block& block, const Attributes& attributes, Operands& operands,
                             const std::vector<Type>& outputs) {
  Operation op{&block, &attributes, {}, {}, {}, "layer"};
  std::vector<TensorView> views(operands.types.size());
  for (std::size_t i = 0; i < operands.types.size(); ++i) {
    op.in.push_back(operands.types[i] ? &*operands.types[i] : nullptr);
    const bool is_constant = i >= 1 && i <= 3 && operands.types[i];
    op.data.push_back(is_constant ? &operands.data[i] : nullptr);
    if (operands.types[i]) views[i] = {&*operands.types[i], operands.data[i].data()};
  }
  const auto types = infer_types(op);
  REQUIRE_MESSAGE(static_cast<bool>(types), (types ? "" : types.fault().message));
  std::vector<Type> full = outputs.empty() ? *types : outputs;
  for (const Type& type : full) op.out.push_back(&type);
  return nb::evaluate(op, views);
}

Bytes floats(const std::vector<float>& values) { return to_bytes(values); }

/// The largest errors of h over all steps, of 1 or of how far h reaches: of the sequence in one run, of a run
/// a step.
struct Errors {
  double whole = 0, carried = 0;
};

Errors errors_of(const Layer& l, unsigned seed) {
  std::mt19937 random(seed);
  const auto normal = [&](double size) {
    double sum = 0;  // the same everywhere, which std::normal_distribution is not
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    return (sum - 6) * size;
  };
  const Block& block = *all_blocks().find(l.block);
  Attributes attributes = block.attributes.make();
  if (!l.attributes.empty()) {
    const std::size_t equals = l.attributes.find('=');
    REQUIRE(
        block.attributes.set(attributes, l.attributes.substr(0, equals), l.attributes.substr(equals + 1)));
  }
  const std::int64_t rows = l.gates * l.units;
  Operands integers, reals;
  // x
  const float x_scale = l.x == DType::i8 ? 0.03f : 0.0001f;
  const int x_zero = l.x == DType::i8 ? 7 : 0;
  std::vector<std::int16_t> x;
  std::vector<float> x_real;
  for (std::int64_t i = 0; i < kSteps * l.inputs; ++i) {
    const double limit = l.x == DType::i8 ? 127 : 32767;
    x.push_back(static_cast<std::int16_t>(
        std::clamp(std::round(normal(1) / static_cast<double>(x_scale)), -limit, limit)));
    x_real.push_back(x_scale * static_cast<float>(x.back() - x_zero));
  }
  const auto x_bytes = [&](std::size_t first, std::size_t count) {
    if (l.x == DType::i16)
      return to_bytes(std::vector<std::int16_t>(x.begin() + static_cast<std::ptrdiff_t>(first),
                                                x.begin() + static_cast<std::ptrdiff_t>(first + count)));
    std::vector<std::int8_t> narrow;
    for (std::size_t i = 0; i < count; ++i) narrow.push_back(static_cast<std::int8_t>(x[first + i]));
    return to_bytes(narrow);
  };
  integers.add({l.x, {kSteps, 1, l.inputs}, Quantization{{x_scale}, {x_zero}}}, x_bytes(0, x.size()));
  reals.add({DType::f32, {kSteps, 1, l.inputs}}, floats(x_real));
  // w and r, with a scale a row
  for (const std::int64_t width : {l.inputs, l.units}) {
    Quantization q{{}, std::vector<std::int32_t>(static_cast<std::size_t>(rows), 0), 1};
    std::vector<std::int8_t> weights;
    std::vector<float> weights_real;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::vector<double> values;
      double largest = 1e-3;
      for (std::int64_t k = 0; k < width; ++k) {
        values.push_back(normal(kRowNorm / std::sqrt(static_cast<double>(width))));
        largest = std::max(largest, std::fabs(values.back()));
      }
      q.scales.push_back(static_cast<float>(largest / 127));
      for (const double value : values) {
        weights.push_back(static_cast<std::int8_t>(std::round(value / static_cast<double>(q.scales.back()))));
        weights_real.push_back(static_cast<float>(weights.back()) * q.scales.back());
      }
    }
    integers.add({DType::i8, {1, rows, width}, q}, to_bytes(weights));
    reals.add({DType::f32, {1, rows, width}}, floats(weights_real));
  }
  std::vector<float> bias;
  for (std::int64_t i = 0; i < 2 * rows; ++i)
    bias.push_back(static_cast<float>(normal(kBias) + (i < rows ? l.gate_bias : 0)));
  for (Operands* operands : {&integers, &reals}) operands->add({DType::f32, {1, 2 * rows}}, floats(bias));

  const auto expected = evaluate(block, attributes, reals, {})[0];
  float reach = 1;  // of h, where its function does not bound it
  for (const float h : expected.as<float>()) reach = std::max(reach, std::fabs(h));
  const float h_scale = reach / (l.x == DType::i8 ? 127 : 32767);
  const Type y{l.x, {kSteps, 1, 1, l.units}, Quantization{{h_scale}, {0}}};
  const auto whole = evaluate(block, attributes, integers, {y})[0];
  const auto h_at = [&](const Tensor& tensor, std::size_t i) {
    return static_cast<double>(y.scale()) *
           (l.x == DType::i8 ? tensor.as<std::int8_t>()[i] : tensor.as<std::int16_t>()[i]);
  };
  Errors errors;
  for (std::size_t i = 0; i < expected.as<float>().size(); ++i)
    errors.whole =
        std::max(errors.whole, std::fabs(h_at(whole, i) - static_cast<double>(expected.as<float>()[i])));

  // A run a step, states carried.
  while (integers.types.size() < static_cast<std::size_t>(l.has_cell ? 8 : 6)) integers.skip();
  const auto state_bytes = Bytes(static_cast<std::size_t>(2 * l.units));
  integers.add({DType::i16, {1, 1, l.units}, Quantization{{reach / 32768}, {0}}}, state_bytes);
  if (l.has_cell) integers.add({DType::i16, {1, 1, l.units}, Quantization{{0x1p-11f}, {0}}}, state_bytes);
  integers.types[0]->shape[0] = 1;
  Type step_y = y;
  step_y.shape[0] = 1;
  for (std::size_t t = 0; t < kSteps; ++t) {
    integers.data[0] = x_bytes(t * static_cast<std::size_t>(l.inputs), static_cast<std::size_t>(l.inputs));
    const auto out = evaluate(block, attributes, integers, {step_y})[0];
    for (std::size_t u = 0; u < static_cast<std::size_t>(l.units); ++u)
      errors.carried = std::max(
          errors.carried,
          std::fabs(h_at(out, u) -
                    static_cast<double>(expected.as<float>()[t * static_cast<std::size_t>(l.units) + u])));
  }
  return {errors.whole / static_cast<double>(reach), errors.carried / static_cast<double>(reach)};
}

TEST_CASE("recurrent layers of integers keep h") {
  for (const std::int64_t units : {2, 8, 32, 65})
    for (const std::int64_t inputs : {1, 3, 40})
      for (const double gate_bias : {0.0, 3.0}) {
        const std::vector<Layer> layers = {
            {.block = "lstm", .gates = 4, .has_cell = true},
            {.block = "lstm", .attributes = "cell_clip=0.4", .gates = 4, .has_cell = true},
            {.block = "lstm", .attributes = "gate_clip=0.6", .gates = 4, .has_cell = true},
            {.block = "gru", .gates = 3},
            {.block = "gru", .attributes = "reset_after=true", .gates = 3},
            {.block = "rnn", .gates = 1},
            {.block = "rnn", .attributes = "functions=[relu]", .gates = 1},
        };
        for (Layer l : layers) {
          l.units = units;
          l.inputs = inputs;
          l.x = gate_bias > 0 && inputs == 3 ? DType::i8 : DType::i16;
          l.gate_bias = gate_bias;
          const Errors errors = errors_of(l, static_cast<unsigned>(units * 100 + inputs));
          INFO(l.block, " ", l.attributes, ", units ", units, ", inputs ", inputs, ", bias ", gate_bias);
          // An int8 y is off by half a step of 1/127 besides.
          const double limit = 0x1p-9 + (l.x == DType::i8 ? 0.5 / 127 : 0);
          CHECK(errors.carried <= limit);
          CHECK(errors.whole <= limit);
        }
      }
}

}  // namespace
}  // namespace nb
