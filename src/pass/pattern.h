// What passes share that recognize a group of nodes and put one node in its place.
#pragma once
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// A graph whose nodes stay where they are while patterns are looked for. A pattern ends in one node; the
/// others make values for it and each other only.
class Pattern {
 public:
  explicit Pattern(const Graph& graph);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Type& type(ValueId id) const { return graph_.at(id).type; }
  /// The node that makes the value; null for inputs, constants, state, and values added since.
  [[nodiscard]] const Node* maker(ValueId id) const;
  /// The same if the node is of that block, without a fused activation.
  [[nodiscard]] const Node* maker(ValueId id, std::string_view block) const;
  /// The number that all elements of a float constant are.
  [[nodiscard]] std::optional<double> number(ValueId id) const;
  /// Of two operands, one such a number: (the other, the number). The number is second if both are.
  [[nodiscard]] std::optional<std::pair<ValueId, double>> with_number(const Node& node) const;
  /// x of the reshapes that make the value, added to `passed`; the value itself if there are none.
  [[nodiscard]] ValueId before_reshapes(ValueId id, std::vector<const Node*>& passed) const;

  /// The one node that uses the value, once; null if several do or it is a graph output.
  [[nodiscard]] const Node* only_user(ValueId id) const;
  [[nodiscard]] bool is_dequantized(ValueId id) const;
  [[nodiscard]] bool is_quantized_later(ValueId id) const { return is_quantized_later_[id.index()]; }

  /// Whether `nodes` can go, `last` apart: nobody else uses what they make. Not where integers are
  /// dequantized for them or made of what the last makes: fuse-qdq turns these parts into integer blocks.
  [[nodiscard]] bool can_replace(const std::vector<const Node*>& nodes, const Node& last) const;

 private:
  const Graph& graph_;
  std::vector<int> made_by_, uses_, last_user_;
  std::vector<bool> is_quantized_later_;
  mutable std::unordered_map<std::size_t, std::optional<double>> numbers_;
};

/// Whether a and b are the same but for the rounding of constants in exported models.
[[nodiscard]] bool is_nearly(double a, double b);

}  // namespace nb
