#include "blocks/recurrent.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

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

std::string functor_type(const GateCall& call) {
  static constexpr std::array<std::string_view, 12> kTypes = {
      "Sigmoid",    "Tanh",        "Relu", "Relu6",    "LeakyRelu", "ThresholdedRelu",
      "ScaledTanh", "HardSigmoid", "Elu",  "Softsign", "Softplus",  "Affine"};
  return "nb::" + std::string(kTypes[static_cast<std::size_t>(call.function)]);
}

std::string functor_text(const GateCall& call) {
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

}  // namespace nb
