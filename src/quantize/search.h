// Chooses each tensor's range by what it does to the model's outputs.
#pragma once
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// For each group of values, from the model's inputs on, tries the ranges of all observers and keeps the one
/// with which the annotated graph's outputs are closest to those of the float graph (mean square over
/// calibration samples, relative to each output's own). `rounded` is `graph` with weights on their grids.
/// Bounded: of large models fewer samples are run, and where even a few are too many the ranges stay those of
/// least rounding error.
void search_ranges(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const Samples& set,
                   const NumberPlan& plan, PlannedNumbers& numbers);

/// How far the annotated graph's outputs are from the float graph's: squared error over square, the mean of
/// the outputs, on at most `most` samples. 0 where there are no outputs.
[[nodiscard]] double output_error(const Graph& graph, const Graph& rounded, const BlockSet& blocks,
                                  const Samples& set, const NumberPlan& plan, const PlannedNumbers& numbers,
                                  std::size_t most = 32);

/// Whether int8 outputs come nearer to the float ones, by 6 dB or more, if the model's front (front_of)
/// computes in int16.
[[nodiscard]] bool needs_wide_front(const Graph& graph, const BlockSet& blocks, const Samples& set,
                                    const NumberPlan& plan, const std::vector<Observation>& seen);

}  // namespace nb
