// Whether calibration samples say anything about the model in use.
#pragma once
#include "base/samples.h"
#include "graph/graph.h"

namespace nb {

/// Reports bad-calibration for samples that are no finite numbers, the same number everywhere, or hide
/// everything from an attention layer; notes few samples. Runs no more of the graph than makes its masks.
[[nodiscard]] Status check_samples(const Graph& graph, const Samples& set, Diagnostics& diagnostics);

}  // namespace nb
