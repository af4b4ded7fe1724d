// Chooses each tensor's range by what it does to the model's outputs.
#pragma once
#include "base/progress.h"
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// For each group of values, from the model's inputs on, tries the ranges of all observers and keeps the one
/// with which the annotated graph's outputs are closest to those of the float graph (mean square over
/// calibration samples, relative to each output's own). `rounded` is `graph` with weights on their grids.
/// Bounded: of large models fewer samples are run, and where even a few are too many the ranges stay those of
/// least rounding error.
void search_ranges(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const Samples& set,
                   NumberPlan& plan, const ProgressTeller& progress);

/// Measures plans by the model's outputs on a part of the samples: what the float graph gives there is kept.
class OutputErrors {
 public:
  /// On at most `most` samples, fewer if `runs` runs of a large model would take long; one at least.
  OutputErrors(const Graph& graph, const BlockSet& blocks, const Samples& set, std::size_t most, double runs);

  [[nodiscard]] std::size_t samples() const { return part_.count; }
  /// How far the outputs of `plan` are from the float ones: squared error over square, summed over outputs;
  /// 0 where there are none. `rounded`: see annotated.
  [[nodiscard]] double of(const Graph& rounded, const NumberPlan& plan) const {
    return of(graph_, rounded, plan);
  }
  /// The same of another graph that computes the same outputs.
  [[nodiscard]] double of(const Graph& graph, const Graph& rounded, const NumberPlan& plan) const;
  /// The samples that are run.
  [[nodiscard]] const Samples& part() const { return part_; }

 private:
  /// Sample by sample, output by output.
  using Outputs = std::vector<std::vector<std::vector<float>>>;
  [[nodiscard]] Outputs outputs_of(const Graph& graph) const;

  const Graph& graph_;
  const BlockSet& blocks_;
  Samples part_;
  Outputs wanted_;
};

/// The graph with its inputs scaled (with_scaled_inputs) by the rule that brings the outputs of its integers
/// of `numbers` nearest to the float ones; absent where that is less than 3 dB nearer than without.
[[nodiscard]] std::optional<ScaledGraph> better_inputs(const Graph& graph, const BlockSet& blocks,
                                                       const Samples& set, DType numbers,
                                                       const std::vector<Observation>& seen);

/// Whether int8 outputs come nearer to the float ones, by 6 dB or more, if the model's front (front_of)
/// computes in int16.
[[nodiscard]] bool needs_wide_front(const Graph& graph, const BlockSet& blocks, const Samples& set,
                                    const NumberPlan& plan);

}  // namespace nb
