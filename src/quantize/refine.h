// What makes integer weights better than nearest ones: rounding by the layer's own inputs, and biases that
// take the mean error.
#pragma once
#include "base/progress.h"
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// Gives the constant weights of dense, convolution and depthwise layers values on the grid of their numbers
/// (Value::type.quantization), rounded up or down so that the squared error of the layer's outputs on
/// calibration inputs is least (coordinate descent on the inputs' second moments; the problem is that of M.
/// Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020). Rounding noise of the
/// inputs is part of the moments. Layers beyond a bound of work keep the nearest integers.
void round_weights(Graph& graph, const Samples& set, const NumberPlan& plan, const ProgressTeller& progress);

}  // namespace nb
