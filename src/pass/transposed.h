// What cancel-transposes knows of permutations: how blocks and constants look in front of a transpose.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// y = transpose(x, perm): axis i of y is axis perm[i] of x.
using Perm = std::vector<std::int64_t>;

[[nodiscard]] Perm identity_perm(std::size_t rank);
/// Of transpose(transpose(x, first), second).
[[nodiscard]] Perm composed_perm(const Perm& first, const Perm& second);
/// The shape of transpose(x, perm) from that of x, and back.
[[nodiscard]] Shape transposed_shape(const Shape& shape, const Perm& perm);
/// Whether all axes longer than 1 keep their order, so that no element moves.
[[nodiscard]] bool moves_nothing(const Shape& shape, const Perm& perm);
/// The elements of a constant, transposed; its quantized axis goes with them.
[[nodiscard]] Tensor transposed(const Tensor& tensor, const Perm& perm);

/// A node that computes on x what the given one computes on transpose(x, perm): its attributes, and the
/// permutations that bring its outputs into the given one's order.
struct Untransposed {
  Attributes attributes;
  std::vector<Perm> outputs;
};
/// Absent if the block cannot. With `all_operands` every operand must come untransposed, else operand 0
/// alone.
[[nodiscard]] std::optional<Untransposed> untransposed(const Graph& graph, const Node& node,
                                                       const Perm& perm);
[[nodiscard]] bool transposes_all_operands(const Node& node);

/// reshape(transpose(x, perm), shape) as transpose(reshape(x, before), after), absent if the reshape joins
/// axes that x does not have side by side.
struct SwappedReshape {
  Shape before;
  Perm after;
};
[[nodiscard]] std::optional<SwappedReshape> swapped_reshape(const Shape& x, const Perm& perm,
                                                            const Shape& shape);

}  // namespace nb
