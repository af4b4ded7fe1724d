// Nodes that give every channel a factor and an offset.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// y = factor[c] * x + offset[c] along an axis.
struct ChannelLine {
  std::size_t operand;  ///< of the node: x
  std::vector<double> factor, offset;
  [[nodiscard]] bool has_offset() const;
};
/// What the node computes, if it is a line of one operand in floats: a batch normalization, or a sum or
/// product with a constant that varies along `axis` only (-1: the last one).
[[nodiscard]] std::optional<ChannelLine> channel_line(const Graph& graph, const Node& node, int axis = -1);

/// Whether the node has a fused activation.
[[nodiscard]] bool is_bounded(const Node& node);

}  // namespace nb
