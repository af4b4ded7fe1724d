// Channels that can take factors between the layers that make them and those that read them, and attention's
// queries and keys, which meet in products.
#pragma once
#include <string_view>
#include <vector>

#include "graph/graph.h"

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

/// Channels of an attention's queries and keys that are multiplied with each other: what queries take, keys
/// give back.
struct ScalablePair {
  std::size_t attention;  ///< node
  struct Side {
    std::size_t maker;     ///< node, as of ScalableChannels
    std::int32_t first;    ///< the label of its channel 0
    std::vector<int> set;  ///< by channel: the set of channels that share a factor, or -1: it has none
    ScalableChannels::Reader reader;  ///< the attention's operand, with the labels of all its elements
  };
  Side queries, keys;
  std::size_t sets = 0;
  std::vector<ValueId> values;  ///< made of nothing but these channels
};

/// All that can be scaled in a graph.
struct Scalable {
  /// What dense, convolution and layer_norm nodes make, through nodes that a positive factor passes (reshape,
  /// relu, pooling, attention of values, ...), for dense, convolution and recurrent layers alone.
  std::vector<ScalableChannels> channels;
  /// What they make as queries and as keys of one attention alone.
  std::vector<ScalablePair> pairs;
};
[[nodiscard]] Scalable scalable_channels(const Graph& graph);

/// The graph with channel c of `channels` divided by factor[c] on its way: the same function. The values are
/// renamed.
void scale_channels(Graph& graph, const ScalableChannels& channels, const std::vector<double>& factor);
/// Likewise; queries of set s are divided by factor[s], keys multiplied.
void scale_channels(Graph& graph, const ScalablePair& pair, const std::vector<double>& factor);

}  // namespace nb
