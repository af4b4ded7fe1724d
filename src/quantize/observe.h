// Runs a graph on calibration samples and keeps what choosing numbers needs.
#pragma once
#include <functional>

#include "base/progress.h"
#include "base/samples.h"
#include "quantize/interpret.h"
#include "quantize/numbers.h"

namespace nb {

/// Runs all samples (on as many threads as the machine has; on one where the graph has states, which go on
/// from sample to sample) and calls use(sample, interpreter) after each, one after the other in their order.
/// Ends early, and is false, if the process is asked to stop.
bool run_samples(const Graph& graph, const Samples& set,
                 const std::function<void(std::size_t, const Interpreter&)>& use);

/// `count` of the samples, spread evenly; the first ones for a graph with states, which go on from sample to
/// sample.
[[nodiscard]] Samples part_of(const Graph& graph, const Samples& set, std::size_t count);

/// What each value of dtype f32 was, by value; constants stay empty. A graph of other dtypes gives nothing
/// for them.
[[nodiscard]] std::vector<Observation> observe(const Graph& graph, const Samples& set,
                                               const ProgressTeller& progress);

}  // namespace nb
