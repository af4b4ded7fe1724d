// Which numbers each value of a float graph is to have, and the graph that says so by quantize and dequantize
// nodes.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"
#include "quantize/numbers.h"

namespace nb {

/// What becomes of a float graph.
struct NumberPlan {
  DType dtype = DType::i8;      ///< of activations: i8 or i16
  bool has_float_ends = false;  ///< inputs and outputs of the model stay float
  bool has_wide_front = false;  ///< its front (front_of) computes in int16 whatever `dtype` is
};

/// By node: whether it is of the model's front, the layers without weights between the inputs and the first
/// layers with weights. There models bring measured quantities to one range; eight bits of an input that is
/// yet to be normalized may be too few for anything behind. All false where the front only moves elements.
[[nodiscard]] std::vector<bool> front_of(const Graph& graph);

/// Numbers of one value.
struct ValueNumbers {
  RealRange range;
  DType dtype = DType::i8;
  /// Of the wide front: the value's own range, for layers that read it in int8.
  std::optional<RealRange> narrow = {};
  [[nodiscard]] Type type(const Shape& shape) const { return {dtype, shape, numbers_of(range, dtype)}; }
};

/// The numbers of all float values that a layer with an integer form makes or reads, by value; blocks that
/// only move or bound elements share those of their operands (QuantizedForm).
struct PlannedNumbers {
  std::vector<std::optional<ValueNumbers>> of;  ///< by value; absent: it stays float, or is none
  /// Values that share numbers, with what calibration saw of them. Those whose numbers are fixed are not
  /// there.
  struct Group {
    std::vector<ValueId> values;
    Observation seen;
  };
  std::vector<Group> groups;
};
[[nodiscard]] PlannedNumbers plan_numbers(const Graph& graph, const NumberPlan& plan,
                                          const std::vector<Observation>& seen);

/// The graph with quantize and dequantize nodes about its layers, and with weights on the grid of their
/// numbers, as fuse-qdq takes it. Values keep their order: value i of `graph` is value i of the result.
/// Inputs and outputs become integers unless the plan has float ends.
[[nodiscard]] Graph annotated(const Graph& graph, const BlockSet& blocks, const NumberPlan& plan,
                              const std::vector<std::optional<ValueNumbers>>& numbers);

/// Whether the layer has an integer form at all.
[[nodiscard]] bool has_integer_form(const Graph& graph, const Node& node);

/// The operand that holds a layer's weights (constant, int8 whatever the activations are), and the axis along
/// which the block takes one scale an index, or -1.
struct WeightOperand {
  std::size_t operand;
  int axis;
};
/// Of a node whose activations become `dtype`; several for recurrent layers.
[[nodiscard]] std::vector<WeightOperand> weight_operands(const Graph& graph, const Node& node, DType dtype);

}  // namespace nb
