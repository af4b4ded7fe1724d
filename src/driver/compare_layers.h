// Layer by layer: where a program parts from its reference.
#pragma once
#include <functional>
#include <vector>

#include "bench/samples.h"
#include "graph/graph.h"
#include "report/validation.h"

namespace nb {

/// What the layers of two graphs of one model have in common.
struct LayerComparison {
  std::vector<LayerValidation> layers;
  std::int64_t samples = 0;    ///< looked at: the first, as many as the layers' cost allows, 100 at most
  std::int64_t unmatched = 0;  ///< nodes of the program that have no twin
};

/// Runs both graphs by their blocks' references and compares the outputs of nodes that stand for the same
/// layer: of one block and shape, and alone of one name (their value's, else their own), or at the same place
/// where both graphs are the same sequence. Layers that hand on their input as it is, as reshapes do, are
/// left out. `keeps_state`: from sample to sample. `progress` is told how many samples are done, and of how
/// many.
[[nodiscard]] LayerComparison compare_layers(const Graph& program, const Samples& samples,
                                             const Graph& reference, const Samples& reference_samples,
                                             bool keeps_state,
                                             const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace nb
