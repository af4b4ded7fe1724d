// How many outputs of a program are not those of another one.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "base/samples.h"
#include "graph/graph.h"

namespace nb {

/// Output values of all samples that differ.
struct OutputChanges {
  std::int64_t values = 0, changed = 0;
  std::int64_t samples = 0, changed_samples = 0;  ///< with a value that differs
  /// The largest difference, in steps of an integer output's numbers; of floats the difference itself.
  double largest = 0;
};

/// Of two programs with the same outputs, bit for bit.
[[nodiscard]] OutputChanges changes_between(const Graph& graph, const Samples& found, const Samples& exact);

[[nodiscard]] nlohmann::json changes_json(const OutputChanges& changes);
/// "3 of 1,200 output values, in 2 of 100 samples, by at most 1 step".
[[nodiscard]] std::string changes_text(const OutputChanges& changes);

}  // namespace nb
