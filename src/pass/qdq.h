// What fuse-qdq is made of.
#pragma once
#include <optional>
#include <string>

#include "graph/graph.h"

namespace nb {

/// Whether the integers stand for real numbers by one scale, in a dtype of activations.
[[nodiscard]] bool is_activation(const Type& type);
/// Unsigned 8-bit numbers as signed ones, their zero point moved by 128; other types as they are.
[[nodiscard]] Type as_signed(Type type);

/// Numbers of `dtype` with zero point 0 that reach as far as those of a quantized type.
[[nodiscard]] Quantization symmetric_numbers(const Type& like, DType dtype);

/// Whether integers of `numbers` stand for all reals that those of `wanted` do, up to a step.
[[nodiscard]] bool covers(const Type& numbers, const Type& wanted);

/// Makes integers of the float constants that a block in integer form takes.
class QuantizedOperands {
 public:
  explicit QuantizedOperands(Graph& graph) : graph_(graph) {}

  /// Constant `id`, operand i of `op`, whose operands before i are integers already. In order: a bias gets
  /// the scale of the sums; a wide operand's reach is 32767 steps; a value that the model quantized gets its
  /// own integers back; with `numbers`, the constant is rounded to these; one element alone is exact. Else
  /// absent, and `why_not` says why.
  [[nodiscard]] ValueId integer(const Operation& op, std::size_t i, ValueId id,
                                const std::optional<Type>& numbers, std::string& why_not);
  /// A float state as one of int16, with the numbers that its type has; its first contents are rounded.
  [[nodiscard]] ValueId wide_state(ValueId id);

 private:
  [[nodiscard]] ValueId bias(const Operation& op, const Value& value, std::string& why_not);
  [[nodiscard]] ValueId wide(const Value& value, const std::string& operand, std::string& why_not);
  [[nodiscard]] ValueId on_grid(const Value& value, bool must_be_symmetric, std::string& why_not);
  ValueId add(const Value& value, Type type, const std::vector<std::int64_t>& integers);

  Graph& graph_;
};

/// Makes depthwise layers of one tap of batch normalizations between dequantize and quantize: a channel's
/// factor is 127 steps of its own scale, so that it stays exact.
void batch_norms_as_layers(Graph& graph, const BlockSet& blocks);

/// A block whose result takes steps this many times as large as the model's could be two steps off.
inline constexpr float kMaxStepRatio = 2.0f;

/// Average pools between dequantize and quantize take the numbers of their result: of whole images as means;
/// where their own steps would be too large (kMaxStepRatio), of windows side by side as means, too, others in
/// int16.
void own_numbers_of_averages(Graph& graph, const BlockSet& blocks);

/// Comparisons of dequantized values with one number, as comparisons of their integers: the same for each of
/// them.
void compare_integers(Graph& graph, const BlockSet& blocks);

/// Before blocks that only pick and bound elements, quantizes the operands instead of the result.
void quantize_earlier(Graph& graph, const BlockSet& blocks);

}  // namespace nb
