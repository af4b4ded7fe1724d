// Channels between layers brought to ranges that integers hold better: the layer before takes a factor a
// channel into its weights, or a normalization into its scale, and the layers behind its inverse. M. Nagel et
// al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019; G. Xiao et al.,
// "SmoothQuant", 2022.
#pragma once
#include "base/progress.h"
#include "quantize/observe.h"
#include "quantize/plan.h"
#include "quantize/scalable_channels.h"

namespace nb {

/// Scales the channels for which that leaves the outputs of `plan`'s integers nearer to the float ones, one
/// maker after the other from the inputs on, each by the factors of range^a / weights^(1 - a) (of queries:
/// range^a / the keys' range^(1 - a)) whose estimated rounding errors are least. Whether any was scaled,
/// which is where all together gain 3 dB: then ranges are to be observed anew. Bounded: of large models fewer
/// samples are run, and those makers are tried that gain most by the estimate.
bool equalize_channels(Graph& graph, const BlockSet& blocks, const Samples& set, const NumberPlan& plan,
                       const ProgressTeller& progress);

}  // namespace nb
