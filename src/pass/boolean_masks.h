// What find-attention makes of masks that are computed when running.
#pragma once
#include "graph/graph.h"

namespace nb {

/// Makes boolean masks of those that attention blocks add when running, wherever each element is a function
/// of at most four conditions (booleans; integers and inputs that stand for 0 and 1), and 0 or as good as
/// minus infinity (kHidden) whatever these are: all combinations are tried by the blocks' references. Boolean
/// masks are made of the conditions that matter, and constant ones among them become the window where they
/// can. A remark names each number that is taken as 0 or 1.
void make_masks_boolean(Graph& graph, const BlockSet& blocks, Diagnostics& diagnostics);

}  // namespace nb
