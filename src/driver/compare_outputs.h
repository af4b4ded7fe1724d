// Outputs of programs that ran: against targets, and a program's against its reference's.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/labelled.h"
#include "graph/graph.h"
#include "report/validation.h"

namespace nb {

/// A program that ran: its graph, samples of its inputs, what came out of them.
struct Ran {
  const Graph* graph = nullptr;
  Samples inputs, outputs;
};

/// Targets of each public output; absent where the set has none.
using SetTargets = std::vector<std::optional<Targets>>;
[[nodiscard]] Result<SetTargets> targets_of_set(const Graph& graph, const LabelledSet& set,
                                                std::int64_t samples, Metric metric, const std::string& file,
                                                Diagnostics& diagnostics);
/// Leaves the targets of the first of `given` samples.
void keep_first(SetTargets& targets, std::size_t samples, std::size_t given);
/// Those that a set is judged by: of the first output that has any; null if none has.
[[nodiscard]] const Targets* first_of(const SetTargets& all);

/// For each output of the program the reference's: of its name if all have one, else in order, else by
/// shape. Errors: input-mismatch, at `file`.
[[nodiscard]] Result<std::vector<std::size_t>> match_outputs(const Graph& graph, const Graph& reference,
                                                             const std::string& file,
                                                             Diagnostics& diagnostics);

/// The first `count` samples of the set, which was read for `graph`, for its reference. Errors:
/// input-mismatch, at `file`.
[[nodiscard]] Result<Samples> reference_samples(const Graph& reference, const Graph& graph,
                                                const LabelledSet& set, std::size_t count,
                                                const std::string& file, Diagnostics& diagnostics);

struct CompareOptions {
  SetTargets targets;
  ScoreOptions scoring;
  std::vector<std::size_t> order;  ///< of the reference's outputs, see match_outputs
  bool is_own_reference = false;   ///< the program's outputs are the reference's too
  bool has_layers = true;          ///< layers are compared as well
  bool keeps_state = false;        ///< from sample to sample
  /// Told how many samples of layers are done, of how many.
  std::function<void(std::size_t, std::size_t)> layer_progress = [](std::size_t, std::size_t) {};
};
/// Fills the validation's outputs and layers. `reference` may be null.
void compare_outputs(const Ran& program, const Ran* reference, const LabelledSet& set,
                     const CompareOptions& options, Validation& validation, Diagnostics& diagnostics);

}  // namespace nb
