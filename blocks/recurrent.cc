#include "blocks/recurrent.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "blocks/elements.h"

namespace nb {

double apply(const GateCall& call, double x) {
  const double a = call.alpha, b = call.beta;
  switch (call.function) {
    case GateFunction::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case GateFunction::tanh:
      return std::tanh(x);
    case GateFunction::relu:
      return std::max(x, 0.0);
    case GateFunction::relu6:
      return std::clamp(x, 0.0, 6.0);
    case GateFunction::leaky_relu:
      return x < 0 ? a * x : x;
    case GateFunction::thresholded_relu:
      return x > a ? x : 0.0;
    case GateFunction::scaled_tanh:
      return a * std::tanh(b * x);
    case GateFunction::hard_sigmoid:
      return std::clamp(a * x + b, 0.0, 1.0);
    case GateFunction::elu:
      return x < 0 ? a * std::expm1(x) : x;
    case GateFunction::softsign:
      return x / (1.0 + std::fabs(x));
    case GateFunction::softplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case GateFunction::affine:
      return a * x + b;
  }
  return x;
}

std::string functor_type(const GateCall& call, float clip) {
  if (clip > 0) return "nb::OfBounded<" + functor_type(call) + ">";
  static constexpr std::array<std::string_view, 12> kTypes = {
      "Sigmoid",    "Tanh",        "Relu", "Relu6",    "LeakyRelu", "ThresholdedRelu",
      "ScaledTanh", "HardSigmoid", "Elu",  "Softsign", "Softplus",  "Affine"};
  return "nb::" + std::string(kTypes[static_cast<std::size_t>(call.function)]);
}

std::string functor_text(const GateCall& call, float clip) {
  if (clip > 0) return "{{" + float_literal(clip) + "}, " + functor_text(call) + "}";
  switch (call.function) {
    case GateFunction::leaky_relu:
    case GateFunction::thresholded_relu:
    case GateFunction::elu:
      return "{" + float_literal(call.alpha) + "}";
    case GateFunction::scaled_tanh:
    case GateFunction::hard_sigmoid:
    case GateFunction::affine:
      return "{" + float_literal(call.alpha) + ", " + float_literal(call.beta) + "}";
    default:
      return "{}";
  }
}

Checked<std::vector<GateCall>> gate_calls(const std::vector<GateFunction>& functions,
                                          const std::vector<float>& alpha, const std::vector<float>& beta,
                                          std::span<const GateFunction> standard, std::int64_t directions) {
  const std::size_t count = standard.size() * static_cast<std::size_t>(directions);
  if ((!functions.empty() && functions.size() != count) || (!alpha.empty() && alpha.size() != count) ||
      (!beta.empty() && beta.size() != count))
    return Fault{Kind::attribute_out_of_range, std::to_string(functions.size()) + " functions with " +
                                                   std::to_string(alpha.size()) + " and " +
                                                   std::to_string(beta.size()) + " parameters, expected " +
                                                   std::to_string(count)};
  std::vector<GateCall> calls(count);
  for (std::size_t i = 0; i < count; ++i)
    calls[i] = {functions.empty() ? standard[i % standard.size()] : functions[i],
                alpha.empty() ? 0.0f : alpha[i], beta.empty() ? 0.0f : beta[i]};
  return calls;
}

SequenceSizes sequence_sizes(const Shape& x, std::int64_t units, Direction direction, bool time_major) {
  SequenceSizes s{};
  s.steps = x[time_major ? 0 : 1];
  s.samples = x[time_major ? 1 : 0];
  s.inputs = x[2];
  s.units = units;
  s.directions = direction_count(direction);
  s.x_step = time_major ? s.samples * s.inputs : s.inputs;
  s.x_sample = time_major ? s.inputs : s.steps * s.inputs;
  const std::int64_t row = s.directions * s.units;
  s.y_step = time_major ? s.samples * row : row;
  s.y_sample = time_major ? s.units : s.steps * row;
  s.y_direction = time_major ? s.samples * s.units : s.units;
  return s;
}

Param sequence_param(const SequenceSizes& s, Direction direction) {
  std::string text = list_text(std::array{s.steps, s.samples, s.inputs, s.units, s.x_step, s.x_sample,
                                          s.y_step, s.y_sample, s.y_direction, s.directions});
  text.insert(text.size() - 1, direction == Direction::reverse ? ", true" : ", false");
  return {"steps, samples, inputs, units, strides, directions, starts_reverse", std::move(text)};
}

std::optional<Fault> check_shapes(const Operation& op,
                                  std::initializer_list<std::pair<std::size_t, Shape>> expected) {
  for (const auto& [i, shape] : expected)
    if (op.has(i) && op.in[i]->shape != shape)
      return Fault{Kind::shape_mismatch, std::string(op.block->inputs[i].name) + " is " +
                                             type_text(*op.in[i]) + ", expected " + shape_text(shape)};
  return std::nullopt;
}

using Of = RecurrentOperand;

SequenceSizes RecurrentLayer::sizes(const Operation& op) const {
  return sequence_sizes(op.in[Of::x]->shape, op.in[Of::r]->shape[2], direction, time_major);
}

Checked<std::vector<Type>> RecurrentLayer::infer(const Operation& op) const {
  const Type &x = *op.in[Of::x], &w = *op.in[Of::w], &r = *op.in[Of::r];
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    return Fault{Kind::shape_mismatch, "operands are " + type_text(x) + ", " + type_text(w) + " and " +
                                           type_text(r) + ", not of rank 3"};
  const SequenceSizes s = sizes(op);
  const std::int64_t rows = gates * s.units;
  if (auto fault = check_shapes(op, {{Of::w, {s.directions, rows, s.inputs}},
                                     {Of::r, {s.directions, rows, s.units}},
                                     {Of::lengths, {s.samples}},
                                     {Of::initial_h, s.state()},
                                     {Of::state_h, s.state()}}))
    return *fault;
  if (op.has(Of::b) && op.in[Of::b]->shape != Shape{s.directions, 2 * rows})
    if (auto fault = check_shapes(op, {{Of::b, {s.directions, rows}}})) return *fault;
  if (op.has(Of::state_h) && (op.has(Of::initial_h) || final_state))
    return Fault{Kind::unsupported_feature, "a state beside an initial or final one"};
  std::vector<Type> types = {{x.dtype, time_major ? Shape{s.steps, s.directions, s.samples, s.units}
                                                  : Shape{s.samples, s.steps, s.directions, s.units}}};
  if (final_state) types.push_back({is_float(x.dtype) ? x.dtype : DType::i16, s.state()});
  if (is_float(x.dtype))
    for (const std::size_t i : {Of::w, Of::r, Of::initial_h, Of::state_h})
      if (op.has(i) && op.in[i]->dtype != x.dtype)
        return Fault{Kind::dtype_mismatch,
                     op.block->name + " of " + type_text(x) + " with " + type_text(*op.in[i])};
  return types;
}

void RecurrentLayer::walk(
    const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out,
    const std::function<void(std::int64_t, std::span<const double>, std::vector<double>&)>& step) const {
  const SequenceSizes s = sizes(op);
  const std::int64_t rows = gates * s.units;
  const auto x = in[Of::x].as<float>(), w = in[Of::w].as<float>(), y = out[0].as<float>();
  const auto b = op.has(Of::b) ? in[Of::b].as<float>() : std::span<float>();
  const std::size_t first = op.has(Of::state_h) ? Of::state_h : Of::initial_h;
  for (std::int64_t d = 0; d < s.directions; ++d)
    for (std::int64_t n = 0; n < s.samples; ++n) {
      const std::int64_t at = (d * s.samples + n) * s.units;
      std::vector<double> h(static_cast<std::size_t>(s.units), 0.0), z(static_cast<std::size_t>(rows));
      for (std::int64_t u = 0; op.has(first) && u < s.units; ++u)
        h[static_cast<std::size_t>(u)] = static_cast<double>(in[first].as<float>()[at + u]);
      const std::int64_t length =
          op.has(Of::lengths)
              ? std::clamp<std::int64_t>(in[Of::lengths].as<std::int32_t>()[static_cast<std::size_t>(n)], 0,
                                         s.steps)
              : s.steps;
      const bool is_reverse = d == 1 || direction == Direction::reverse;
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t t = is_reverse ? length - 1 - i : i;
        for (std::int64_t row = 0; row < rows; ++row) {
          auto sum = static_cast<double>(input_bias(op, b, d, row));
          for (std::int64_t k = 0; k < s.inputs; ++k)
            sum += static_cast<double>(x[n * s.x_sample + t * s.x_step + k]) *
                   static_cast<double>(w[(d * rows + row) * s.inputs + k]);
          z[static_cast<std::size_t>(row)] = sum;
        }
        step(d, z, h);
        for (std::int64_t u = 0; u < s.units; ++u)
          y[n * s.y_sample + d * s.y_direction + t * s.y_step + u] =
              static_cast<float>(h[static_cast<std::size_t>(u)]);
      }
      for (std::int64_t u = 0; u < s.units; ++u) {
        const auto last = static_cast<float>(h[static_cast<std::size_t>(u)]);
        if (op.has(Of::state_h)) in[Of::state_h].as<float>()[at + u] = last;
        if (final_state) out[1].as<float>()[at + u] = last;
      }
    }
}

std::int64_t RecurrentLayer::macs(const Operation& op) const {
  const SequenceSizes s = sizes(op);
  return s.steps * s.samples * s.directions * gates * s.units * (s.inputs + s.units);
}

float RecurrentLayer::input_bias(const Operation& op, std::span<const float> b, std::int64_t d,
                                 std::int64_t row) const {
  return op.has(Of::b) ? b[static_cast<std::size_t>(d * op.in[Of::b]->shape[1] + row)] : 0.0f;
}

float RecurrentLayer::recurrent_bias(const Operation& op, std::span<const float> b, std::int64_t d,
                                     std::int64_t row) const {
  const std::int64_t rows = op.in[Of::r]->shape[1];
  const bool has_both = op.has(Of::b) && op.in[Of::b]->shape[1] == 2 * rows;
  return has_both ? b[static_cast<std::size_t>((2 * d + 1) * rows + row)] : 0.0f;
}

std::vector<Argument> RecurrentLayer::arguments(const Operation& op) const {
  const auto optional = [&](std::size_t i) { return op.has(i) ? input_arg(i) : literal_arg("nullptr"); };
  const bool is_kept = op.has(Of::state_h);
  return {input_arg(Of::x),
          constant_arg(0),
          optional(Of::lengths),
          optional(is_kept ? Of::state_h : Of::initial_h),
          is_kept       ? input_arg(Of::state_h)
          : final_state ? output_arg(1)
                        : literal_arg("nullptr"),
          output_arg(0)};
}

}  // namespace nb
