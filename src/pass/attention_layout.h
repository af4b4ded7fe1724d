// How the operands and the result of the attention block lie in the memory of other values.
#pragma once
#include <string>

#include "graph/graph.h"

namespace nb {

/// A tensor as the block takes it: root's memory with four axes.
struct Heads {
  ValueId root;
  std::string axes;  ///< b, h, t and d in the order of memory
  Shape shape;       ///< in that order
};

/// From the sizes of b, h, t and d and their steps in root's memory; absent if the elements do not lie side
/// by side there, or if d has to be last and is not.
[[nodiscard]] std::optional<Heads> heads(ValueId root, const Shape& sizes, const Shape& steps,
                                         bool needs_d_last);

/// Makes attributes of attention blocks of the transposes and reshapes about them.
void lay_out_attention(Graph& graph, const BlockSet& blocks);

}  // namespace nb
