// Which numbers each value of a float graph is to have, and the graph that says so by quantize and dequantize
// nodes.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "quantize/input_scales.h"
#include "quantize/numbers.h"

namespace nb {

/// By node: the dtype that the layer's activations get: i8, i16, or f32 where it computes in floats.
using Formats = std::vector<DType>;

/// Formats asked for by the layers' names, or patterns of them ("fc*"); of several that fit the last counts.
using LayerFormats = std::vector<std::pair<std::string, DType>>;
/// What is asked for a layer; absent: nothing.
[[nodiscard]] std::optional<DType> named_format(const LayerFormats& layers, const std::string& name);

/// The formats of all nodes. Layers of `layers` have those given there. Blocks that only move or bound
/// elements follow the layer whose result they take, unless they are named. Without an integer form: f32.
[[nodiscard]] Formats formats_of(const Graph& graph, DType numbers, const LayerFormats& layers = {});

/// Gives scaled inputs the widest integers that a layer reads of them; `formats` as formats_of made them.
void widen_inputs(const Graph& graph, const std::vector<ScaledInput>& inputs, Formats& formats);

/// By node: whether it is of the model's front, the layers without weights between the inputs and the first
/// layers with weights. There models bring measured quantities to one range; eight bits of an input that is
/// yet to be normalized may be too few for anything behind. All false where the front only moves elements.
[[nodiscard]] std::vector<bool> front_of(const Graph& graph);

/// The reals that integers of one value reach.
struct ValueRanges {
  RealRange narrow;  ///< of int8
  RealRange wide;    ///< of int16
  [[nodiscard]] const RealRange& of(DType dtype) const { return dtype == DType::i8 ? narrow : wide; }
  [[nodiscard]] Type type(const Shape& shape, DType dtype) const {
    return {dtype, shape, numbers_of(of(dtype), dtype)};
  }
};

/// The ranges of all float values whatever formats their layers get; blocks that only move or bound elements
/// share those of their operands (QuantizedForm).
struct PlannedRanges {
  std::vector<std::optional<ValueRanges>> of;  ///< by value; absent: it stays float, or is none
  /// Values that share a narrow range, with what calibration saw of them. Those whose numbers are fixed are
  /// not there.
  struct Group {
    std::vector<ValueId> values;
    Observation seen;
  };
  std::vector<Group> groups;
  std::vector<ScaledInput> inputs;  ///< those that have numbers for each index of an axis
};
[[nodiscard]] PlannedRanges plan_ranges(const Graph& graph, const std::vector<Observation>& seen,
                                        const std::vector<ScaledInput>& inputs = {});

/// What becomes of a float graph.
struct NumberPlan {
  Formats formats;
  PlannedRanges ranges;
  bool has_float_ends = false;  ///< inputs and outputs of the model stay float
};

/// By value: the integers that its maker gives, or an input or a state is; absent: it is no float, or float.
[[nodiscard]] std::vector<std::optional<DType>> integer_dtypes(const Graph& graph, const NumberPlan& plan);

/// By value: whether int8 of its narrow range are made or read.
[[nodiscard]] std::vector<bool> are_narrow(const Graph& graph, const NumberPlan& plan);

/// The graph with quantize and dequantize nodes about its layers, and with weights on the grid of their
/// numbers, as fuse-qdq takes it. Values keep their order: value i of `graph` is value i of the result.
/// `rounded` is `graph` with weights that are on their grids already (refine.h), or `graph` itself; layers
/// that compute in floats keep those of `graph`, and are marked. Inputs and outputs become integers unless
/// the plan has float ends, or only float layers read or make them.
[[nodiscard]] Graph annotated(const Graph& graph, const Graph& rounded, const BlockSet& blocks,
                              const NumberPlan& plan);

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
