// Runs a graph on calibration samples and keeps what choosing numbers needs.
#pragma once
#include <functional>

#include "quantize/interpret.h"
#include "quantize/numbers.h"

namespace nb {

/// Raw inputs, sample after sample.
struct CalibrationSet {
  std::size_t count = 0;
  Bytes bytes;
  [[nodiscard]] ByteSpan sample(std::size_t i) const {
    const std::size_t size = bytes.size() / count;
    return ByteSpan(bytes).subspan(i * size, size);
  }
};

/// Runs all samples (on as many threads as the machine has; on one where the graph has states, which go on
/// from sample to sample) and calls use(sample, interpreter) after each, one after the other in their order.
void run_samples(const Graph& graph, const CalibrationSet& set,
                 const std::function<void(std::size_t, const Interpreter&)>& use);

/// What each value of dtype f32 was, by value; constants stay empty. A graph of other dtypes gives nothing
/// for them.
[[nodiscard]] std::vector<Observation> observe(const Graph& graph, const CalibrationSet& set);

}  // namespace nb
