// Layers that sum over the channels of their input, by constant weights: what a factor and an offset a
// channel before or behind such a layer make of its weights and bias.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// Which channels a layer's weights (operand 1) belong to: those of operand 0's last axis, and those of its
/// sums.
struct LayerWeights {
  std::int64_t inputs, outputs;  ///< channels
  bool is_padded = false;        ///< some sums see fewer elements, so that no offset passes through
  bool makes_sums = true;        ///< the output is the sums (perhaps clamped), its last axis their channels
  std::size_t bias = 2;          ///< its operand, float and constant, or absent
  std::int64_t bias_parts = 1;   ///< of recurrent layers: directions, each with `outputs / parts` sums
  // Weight i is of sum i / out_inner % outputs, and the index i / in_inner % depth in the inputs of its
  // group.
  std::int64_t out_inner, in_inner = 1, depth, group_outputs;
  [[nodiscard]] std::size_t output_of(std::size_t i) const {
    return i / static_cast<std::size_t>(out_inner) % static_cast<std::size_t>(outputs);
  }
  [[nodiscard]] std::size_t input_of(std::size_t i) const {
    return output_of(i) / static_cast<std::size_t>(group_outputs) * static_cast<std::size_t>(depth) +
           i / static_cast<std::size_t>(in_inner) % static_cast<std::size_t>(depth);
  }
};

/// Of dense, convolution and recurrent layers whose weights and bias are float constants without numbers.
[[nodiscard]] std::optional<LayerWeights> layer_weights(const Graph& graph, const Node& node);

/// Makes of a layer of x one of z, x[c] = factor[c] * z[c] + offset[c], whose sums are the same. A padded
/// layer must have no offset.
void fold_before(Graph& graph, Node& node, const LayerWeights& layer, const std::vector<double>& factor,
                 const std::vector<double>& offset);

/// Gives the layer's sums a factor and an offset a channel.
void fold_after(Graph& graph, Node& node, const LayerWeights& layer, const std::vector<double>& factor,
                const std::vector<double>& offset);

}  // namespace nb
