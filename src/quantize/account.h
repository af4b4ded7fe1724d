// What quantization decided for each value, and what that does to it.
#pragma once
#include <string>
#include <vector>

#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// One value of a quantized graph, or several that share numbers under the layer that makes the first.
struct QuantizedValue {
  std::string name, layer,
      block;  ///< of the layer that makes it; of an input and a state its own name and none
  Type type;  ///< integers with scale and zero point
  Observer observer = Observer::min_max;
  float seen_min = 0, seen_max = 0;  ///< reals of the calibration samples
  float least = 0, most = 0;         ///< reals that the integers reach: what lies outside saturates
  std::string reason;                ///< why these numbers
  double snr_db = 0,
         cosine = 0;  ///< against the float model on calibration samples; integers so far included
};

/// The values in the order of the graph's text. `rounded` is `graph` with weights on their grids.
[[nodiscard]] std::vector<QuantizedValue> account_of(const Graph& graph, const Graph& rounded,
                                                     const BlockSet& blocks, const Samples& set,
                                                     const NumberPlan& plan,
                                                     const std::vector<Observation>& seen);

}  // namespace nb
