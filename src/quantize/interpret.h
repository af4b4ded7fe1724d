// Runs a graph by its blocks' references: every value of every sample, in integers bit for bit what the
// emitted program computes.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// One copy of a graph's values. The graph outlives it and does not change meanwhile. Graphs of every phase
/// are run; several interpreters may run one graph in threads of their own.
class Interpreter {
 public:
  explicit Interpreter(const Graph& graph);

  /// States to their first contents.
  void reset();
  /// One inference. `inputs`: the raw bytes of all inputs, one after the other, as Samples has them.
  void run(ByteSpan inputs);
  /// A value as the last run left it; of a state, its contents after that run.
  [[nodiscard]] TensorView view(ValueId id) const { return views_[id.index()]; }
  /// Its elements as real numbers: integers with one scale dequantized, others as they are.
  [[nodiscard]] std::vector<float> reals(ValueId id) const;

 private:
  const Graph& graph_;
  std::vector<Operation> operations_;
  std::vector<Bytes> memory_;      ///< by value; empty for constants
  std::vector<TensorView> views_;  ///< by value
};

}  // namespace nb
