// How the elements of a value lie in the memory of another one, of which it is made by moving elements only.
#pragma once
#include "pass/pattern.h"

namespace nb {

/// So many places, so many elements apart; step 0: the same element again and again.
struct Stride {
  std::int64_t size, step;
  friend bool operator==(const Stride&, const Stride&) = default;
};
/// An axis, or several as one: outermost first.
using Strides = std::vector<Stride>;

/// Without places of 1, and with neighbours that step as one joined.
[[nodiscard]] Strides joined(const Strides& strides);
/// Several axes as one.
[[nodiscard]] Strides joined(std::span<const Strides> axes);

/// Axes of the given sizes, cut from the places of `axes` in their order; absent if a cut is not even.
[[nodiscard]] std::optional<std::vector<Strides>> cut(std::span<const Strides> axes, const Shape& sizes);

/// Element (i, j, ..) of a value is `factor` times the element of `root` at the sum of its axes' steps.
struct StridedView {
  ValueId root;
  double factor = 1;
  std::vector<Strides> axes;  ///< one an axis of the value
};

/// The value in its own memory.
[[nodiscard]] StridedView own_view(const Graph& graph, ValueId id);
/// The view of what the node makes, from that of its operand: a transpose, a reshape, an expansion; absent
/// for other nodes and for reshapes that cut a row where it is not even.
[[nodiscard]] std::optional<StridedView> view_through(const Graph& graph, const Node& node,
                                                      StridedView operand);
/// From as far above the value as its makers, products with one number among them, allow.
[[nodiscard]] StridedView farthest_view(const Pattern& pattern, ValueId id);

/// Cuts lists that go over the same places into the same sizes, innermost last: for each size, the step in
/// each list. Absent if they do not fit. As few as possible.
struct CommonStrides {
  std::vector<std::int64_t> sizes;
  std::vector<std::vector<std::int64_t>> steps;  ///< by size, then by list
};
[[nodiscard]] std::optional<CommonStrides> common_strides(std::vector<Strides> lists);

}  // namespace nb
