// What declarations of recurrent layers share: the order in which time is walked, the functions that gates
// pass through, and the operands, types and reference of layers whose only state is h. For declarations; not
// for the chip.
#pragma once
#include <array>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
/// Its functor's type in namespace nb (unary/functions.h, gate_functions.h), and its initialiser; `clip`
/// bounds what enters it unless it is 0.
[[nodiscard]] std::string functor_type(const GateCall& call, float clip = 0);
[[nodiscard]] std::string functor_text(const GateCall& call, float clip = 0);

/// Functions of all directions, `standard` for each direction if the list is empty. `alpha` and `beta` are as
/// long as the list, or empty where no function has parameters. A fault if the lengths do not agree.
[[nodiscard]] Checked<std::vector<GateCall>> gate_calls(const std::vector<GateFunction>& functions,
                                                        const std::vector<float>& alpha,
                                                        const std::vector<float>& beta,
                                                        std::span<const GateFunction> standard,
                                                        std::int64_t directions);

/// Sizes of a recurrent layer, and the strides (in elements) of its tensors.
struct SequenceSizes {
  std::int64_t steps, samples, inputs, units, directions;
  std::int64_t x_step, x_sample, y_step, y_sample, y_direction;
  [[nodiscard]] Shape state() const { return {directions, samples, units}; }
};
/// `x` is [T,N,I], or [N,T,I] unless time_major; y is [T,D,N,H] or [N,T,D,H].
[[nodiscard]] SequenceSizes sequence_sizes(const Shape& x, std::int64_t units, Direction direction,
                                           bool time_major);
/// The initialiser of a kernel's Sequence (core/sequence.h).
[[nodiscard]] Param sequence_param(const SequenceSizes& s, Direction direction);
/// Shape mismatch if a present operand has not the shape that stands beside it.
[[nodiscard]] std::optional<Fault> check_shapes(
    const Operation& op, std::initializer_list<std::pair<std::size_t, Shape>> expected);

/// Operands of layers whose only state is h.
struct RecurrentOperand {
  enum : std::size_t { x, w, r, b, lengths, initial_h, state_h };
};
inline constexpr DTypeSet kRecurrentValues{DType::f32, DType::i8, DType::i16};
inline constexpr DTypeSet kRecurrentWeights{DType::f32, DType::i8};
inline constexpr DTypeSet kRecurrentStates{DType::f32, DType::i16};
inline constexpr std::array kRecurrentOperands = {
    Operand{"x", kRecurrentValues},
    Operand{"w", kRecurrentWeights, Arity::one, false, true},
    Operand{"r", kRecurrentWeights, Arity::one, false, true},
    Operand{.name = "b", .dtypes = kFloats, .arity = Arity::optional, .is_constant = true, .is_real = true},
    Operand{"lengths", DTypeSet{DType::i32}, Arity::optional},
    Operand{.name = "initial_h", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true},
    Operand{.name = "state_h",
            .dtypes = kRecurrentStates,
            .arity = Arity::optional,
            .is_state = true,
            .is_wide = true}};
inline constexpr std::array kRecurrentOutputs = {
    Operand{"y", kRecurrentValues},
    Operand{.name = "y_h", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true}};

/// One layer whose only state is h.
struct RecurrentLayer {
  std::int64_t gates;  ///< rows of w, r and b are gates * units
  Direction direction;
  bool time_major, final_state;
  std::vector<GateCall> calls;  ///< of all directions
  [[nodiscard]] SequenceSizes sizes(const Operation& op) const;
  /// Types of y, and of y_h with final_state; or what the operands fail to be. Layers of integers are checked
  /// elsewhere (blocks/recurrent_integers.h).
  [[nodiscard]] Checked<std::vector<Type>> infer(const Operation& op) const;
  /// Walks all steps: step(d, z, h) makes h of the h before and of z = w x_t + the first bias, [gates * H].
  void walk(
      const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out,
      const std::function<void(std::int64_t, std::span<const double>, std::vector<double>&)>& step) const;
  [[nodiscard]] std::int64_t macs(const Operation& op) const;
  /// Bias `row` of direction d that goes with w, and the one that goes with r. 0 where b has none.
  [[nodiscard]] float input_bias(const Operation& op, std::span<const float> b, std::int64_t d,
                                 std::int64_t row) const;
  [[nodiscard]] float recurrent_bias(const Operation& op, std::span<const float> b, std::int64_t d,
                                     std::int64_t row) const;
  /// Arguments of a kernel after its parameters: x, packed, lengths, h_in, h_out, y.
  [[nodiscard]] std::vector<Argument> arguments(const Operation& op) const;
};
/// The layer of a block with these attributes, `gates` rows of w a unit, `standard` functions a direction; a
/// fault if its functions are not as many.
template <class A>
[[nodiscard]] Checked<RecurrentLayer> recurrent_layer(const Operation& op, std::int64_t gates,
                                                      std::span<const GateFunction> standard) {
  const auto& a = op.attrs<A>();
  auto calls = gate_calls(a.functions, a.alpha, a.beta, standard, direction_count(a.direction));
  if (!calls) return calls.fault();
  return RecurrentLayer{gates, a.direction, a.time_major, a.final_state, *calls};
}

}  // namespace nb
