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

/// A part of a whole in words: "43 %", "0.3 %", "less than 0.1 %", "none".
[[nodiscard]] std::string share_text(double share);

/// A value whose integers reach fixed reals, and how much of what calibration saw of it lies outside.
struct SaturatedValue {
  std::string layer, block;  ///< that makes it
  DType dtype = DType::i8;
  float least = 0, most = 0;
  double share = 0;  ///< of its elements, by those that were kept of them
};

/// Values of fixed numbers of which at least one in a thousand elements saturates.
[[nodiscard]] std::vector<SaturatedValue> saturated_values(const Graph& graph, const NumberPlan& plan,
                                                           const std::vector<Observation>& seen);

/// The values in the order of the graph's text. `rounded` is `graph` with weights on their grids.
[[nodiscard]] std::vector<QuantizedValue> account_of(const Graph& graph, const Graph& rounded,
                                                     const BlockSet& blocks, const Samples& set,
                                                     const NumberPlan& plan,
                                                     const std::vector<Observation>& seen);

}  // namespace nb
