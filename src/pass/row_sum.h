// Adjacent elements of values, where they come from, and sums of products of such rows with constants: what
// find-recurrences sees of the layers in front of a gate.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// `count` elements of a value, adjacent in row-major order, from element `first` on.
struct Row {
  ValueId value;
  std::int64_t first = 0, count = 0;
  friend bool operator==(const Row&, const Row&) = default;
};

/// weights[first_row + i, first_column + k] * row[k], summed over k: element i of a product.
struct RowProduct {
  Row row;
  ValueId weights;  ///< a float constant [out, in]
  std::int64_t first_row, first_column;
};

/// Products and a constant, all of `bias.size()` elements.
struct RowSum {
  std::vector<RowProduct> products;
  std::vector<double> bias;
};

/// Looks back in a graph that does not change meanwhile. Only nodes without bounds on plain floats count.
class RowReader {
 public:
  explicit RowReader(const Graph& graph) : graph_(graph), made_by_(graph.producers()) {}

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] std::int64_t size(ValueId id) const { return graph_.at(id).type.elements(); }
  [[nodiscard]] Row whole(ValueId id) const { return {id, 0, size(id)}; }
  /// The index of the node that makes the value, or -1.
  [[nodiscard]] int maker(ValueId id) const { return made_by_[id.index()]; }
  /// The same elements as an operand of the node that makes them, if that node only moves elements and they
  /// are adjacent there.
  [[nodiscard]] std::optional<Row> before(const Row& row) const;
  /// The same elements as far back as they stay adjacent.
  [[nodiscard]] Row origin(Row row) const;
  /// The row, and all that before() makes of it, the origin last.
  [[nodiscard]] std::vector<Row> levels(Row row) const;
  /// The node that computes all of the value, looking through what moves no element; null if there is none.
  [[nodiscard]] const Node* computing(ValueId id) const;
  /// The operands of the node of this block that computes the value, both of its size.
  [[nodiscard]] std::optional<std::pair<ValueId, ValueId>> operands(ValueId id, std::string_view block) const;
  /// The elements of a row that is constant.
  [[nodiscard]] std::optional<std::vector<double>> constant(const Row& row) const;
  /// The row as a sum, if it is one. Products keep their rows as dense layers read them.
  [[nodiscard]] std::optional<RowSum> sum(const Row& row) const;

 private:
  bool add(const Row& row, RowSum& sum, int depth) const;
  bool add_dense(const Node& node, const Row& row, RowSum& sum) const;
  bool add_product(const Row& input, RowProduct product, std::int64_t count, RowSum& sum) const;

  const Graph& graph_;
  std::vector<int> made_by_;
};

}  // namespace nb
