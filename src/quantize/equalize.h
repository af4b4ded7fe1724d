// Channels between layers brought to ranges that integers hold better: the layer before takes a factor a
// channel into its weights, or a normalization into its scale, and the layers behind its inverse. M. Nagel et
// al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019; G. Xiao et al.,
// "SmoothQuant", 2022.
#pragma once
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

/// What the names of values end in (before what annotating adds) whose channels are not those of the model.
inline constexpr std::string_view kEqualized = ".equalized";

/// Values whose channels can be scaled between the layer that makes them and those that read them.
struct ScalableChannels {
  std::size_t maker;   ///< node: a layer of sums, or a layer_norm
  std::int32_t first;  ///< the label of its channel 0
  std::int64_t channels;
  /// A layer that reads them, and the label of each of its input channels, or ElementFlow::kZero.
  struct Reader {
    std::size_t node;
    ValueId value;
    std::vector<std::int32_t> labels;
  };
  std::vector<Reader> readers;
  std::vector<ValueId> values;  ///< made of nothing but these channels, the maker's own first
};

/// Those of a graph: what dense, convolution and layer_norm nodes make, through nodes that a positive factor
/// passes (reshape, relu, pooling, ...), for dense, convolution and recurrent layers alone.
[[nodiscard]] std::vector<ScalableChannels> scalable_channels(const Graph& graph);

/// The graph with channel c of `channels` divided by factor[c] on its way: the same function. The values are
/// renamed.
void scale_channels(Graph& graph, const ScalableChannels& channels, const std::vector<double>& factor);

/// Scales the channels for which that leaves the outputs of `plan`'s integers nearer to the float ones, one
/// maker after the other from the inputs on, each by the factors of range^a / weights^(1 - a) whose estimated
/// rounding errors of activations and weights are least. Whether any was scaled, which is where all
/// together gain 3 dB: then ranges are to be observed anew. Bounded: of large models fewer samples are run,
/// and those makers are tried that gain most by the estimate.
bool equalize_channels(Graph& graph, const BlockSet& blocks, const Samples& set, const NumberPlan& plan,
                       const ProgressTeller& progress);

}  // namespace nb
