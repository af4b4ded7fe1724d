// Inputs whose integers have numbers of their own for each index of an axis: features of unlike ranges, and
// models that normalize their inputs themselves.
#pragma once
#include <optional>
#include <vector>

#include "base/samples.h"
#include "graph/graph.h"
#include "quantize/numbers.h"

namespace nb {

/// An input x of a graph, and the value z that all its readers read instead: a batch_norm makes
/// z[c] = x[c] / factor[c] + shift[c] / 128, and on integers of type(x) nothing is left of it, since they are
/// z's integers already (block renumber).
struct ScaledInput {
  ValueId x, z;
  int axis = -1;                    ///< of x; -1: one scale for all
  std::vector<double> factor;       ///< positive
  std::vector<std::int32_t> shift;  ///< in steps of z's int8
  std::int32_t zero = 0;            ///< z's zero point in int8
  bool has_front = false;           ///< the model's own normalization is part of it
  /// Reals that z's integers cover; int8 has steps of 1/128.
  [[nodiscard]] RealRange range(DType dtype) const;
  /// The input's type when z is of `dtype`.
  [[nodiscard]] Type type(const Shape& shape, DType dtype) const;
};

struct ScaledGraph {
  Graph graph;  ///< the same function of its inputs
  std::vector<ScaledInput> inputs;
};

/// How ranges of channels are chosen.
struct ScalingRule {
  Observer observer = Observer::min_max;  ///< over the samples
  /// From 0 to 1: how much of the unlikeness of the weights that follow is left to the input's integers, by
  /// wider ranges of channels with small weights.
  double to_weights = 0;
  double most_wider = 1;  ///< a range grows by no more
};

/// The graph with its float inputs brought to the range of 8 bits, channel by channel of the axis along which
/// they are most unlike, by ranges of the rule over the samples; the layers that read them take the
/// contrary into their weights and biases. Sums and products with constants, and batch normalizations, that
/// an input passes through first become part of it. What reads such an input and has no weights gets it back
/// by a batch_norm of its own. Absent if no input can be brought so or has anything to gain.
[[nodiscard]] std::optional<ScaledGraph> with_scaled_inputs(const Graph& graph, const BlockSet& blocks,
                                                            const Samples& set, const ScalingRule& rule);

}  // namespace nb
