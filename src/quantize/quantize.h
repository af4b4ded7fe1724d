// Post-training quantization: a float graph and samples of its inputs to a graph annotated with integers.
#pragma once
#include <functional>
#include <optional>

#include "quantize/account.h"
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// What a user asks of quantization.
struct QuantizeRequest {
  std::optional<DType> numbers;  ///< of activations: i8 or i16; absent: the model stays as it is
  bool has_float_ends = false;   ///< inputs and outputs of the model stay float
  /// Samples of the graph's inputs, read when they are needed. Reports and fails if they do not fit.
  std::function<Result<Samples>(const Graph&)> calibration = {};
  /// Takes what was decided for each value; empty: nobody wants to know.
  std::function<void(std::vector<QuantizedValue>)> account = {};
};

/// The annotated graph (plan.h) of a float graph. Errors: bad-calibration (too few samples, values that are
/// no numbers or all the same), unsupported-feature (nothing to quantize), and those of the request's
/// calibration.
[[nodiscard]] Result<Graph> quantized(const Graph& graph, const BlockSet& blocks,
                                      const QuantizeRequest& request, Diagnostics& diagnostics);

}  // namespace nb
