// What declarations of recurrent layers share: the order in which time is walked, and the functions that
// gates pass through. For declarations; not for the chip.
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/attributes.h"
#include "graph/block.h"

namespace nb {

/// The order in which time is walked.
enum class Direction : std::uint8_t { forward, reverse, bidirectional };
inline std::span<const std::string_view> names_of(Direction) {
  static constexpr std::array<std::string_view, 3> kNames = {"forward", "reverse", "bidirectional"};
  return kNames;
}
[[nodiscard]] inline std::int64_t direction_count(Direction d) {
  return d == Direction::bidirectional ? 2 : 1;
}

/// A function of gates and states; some have parameters a and b.
///   leaky_relu x < 0 ? a x : x      thresholded_relu x > a ? x : 0   scaled_tanh a tanh(b x)
///   hard_sigmoid clamp(a x + b, 0, 1)   elu x < 0 ? a (e^x - 1) : x   affine a x + b
enum class GateFunction : std::uint8_t {
  sigmoid,
  tanh,
  relu,
  relu6,
  leaky_relu,
  thresholded_relu,
  scaled_tanh,
  hard_sigmoid,
  elu,
  softsign,
  softplus,
  affine
};
inline std::span<const std::string_view> names_of(GateFunction) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "sigmoid",     "tanh",         "relu", "relu6",    "leaky_relu", "thresholded_relu",
      "scaled_tanh", "hard_sigmoid", "elu",  "softsign", "softplus",   "affine"};
  return kNames;
}
template <>
inline std::string attribute_type_name<std::vector<GateFunction>>() {
  return attribute_type_name<GateFunction>() + " each";
}

/// A function with its parameters.
struct GateCall {
  GateFunction function = GateFunction::sigmoid;
  float alpha = 0, beta = 0;
};
[[nodiscard]] double apply(const GateCall& call, double x);
/// Its functor's type in namespace nb (unary/functions.h, recurrent_functions.h), and its initialiser.
[[nodiscard]] std::string functor_type(const GateCall& call);
[[nodiscard]] std::string functor_text(const GateCall& call);

/// Functions of all directions, `standard` for each direction if the list is empty. `alpha` and `beta` are as
/// long as the list, or empty where no function has parameters. A fault if the lengths do not agree.
[[nodiscard]] Checked<std::vector<GateCall>> gate_calls(const std::vector<GateFunction>& functions,
                                                        const std::vector<float>& alpha,
                                                        const std::vector<float>& beta,
                                                        std::span<const GateFunction> standard,
                                                        std::int64_t directions);

}  // namespace nb
