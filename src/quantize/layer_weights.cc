#include "quantize/layer_weights.h"

#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"

namespace nb {
namespace {

constexpr std::size_t kWeights = 1;

bool has_pad(const std::vector<std::int64_t>& pad) {
  return std::any_of(pad.begin(), pad.end(), [](std::int64_t n) { return n != 0; });
}

/// Weights [out, ..., in / groups].
LayerWeights of_matrix(const Shape& w, std::int64_t groups, bool is_padded) {
  return {.inputs = groups * w.back(),
          .outputs = w[0],
          .is_padded = is_padded,
          .out_inner = element_count(std::span(w).subspan(1)),
          .depth = w.back(),
          .group_outputs = w[0] / groups};
}

/// Weights [directions, rows, in]. The bias has one row of them a direction, or a second one, over h, behind
/// it.
LayerWeights of_recurrence(const Shape& w) {
  return {.inputs = w[2],
          .outputs = w[0] * w[1],
          .makes_sums = false,
          .bias = 3,
          .bias_parts = w[0],
          .out_inner = w[2],
          .depth = w[2],
          .group_outputs = w[0] * w[1]};
}

Tensor weights_of(const Graph& graph, const Node& node) {
  const Value& value = graph.at(node.inputs[kWeights]);
  return {value.type, *value.data};
}

/// The layer's bias as it is stored, zeros where it has none.
std::pair<Shape, std::vector<double>> bias_of(const Graph& graph, const Node& node,
                                              const LayerWeights& layer) {
  if (node.inputs.size() > layer.bias && node.inputs[layer.bias].is_present()) {
    const Value& value = graph.at(node.inputs[layer.bias]);
    return {value.type.shape, to_doubles({value.type, *value.data})};
  }
  const Shape shape =
      layer.makes_sums ? Shape{layer.outputs} : Shape{layer.bias_parts, layer.outputs / layer.bias_parts};
  return {shape, std::vector<double>(static_cast<std::size_t>(layer.outputs), 0.0)};
}

/// Gives the layer other weights and another bias.
void replace_constants(Graph& graph, Node& node, const LayerWeights& layer, Tensor weights,
                       const Shape& shape, const std::vector<double>& bias) {
  const std::string name = node.name;
  node.inputs[kWeights] = graph.add_constant(name + "/weights", std::move(weights));
  const std::vector<float> narrow(bias.begin(), bias.end());
  node.inputs.resize(std::max(node.inputs.size(), layer.bias + 1));
  node.inputs[layer.bias] = graph.add_constant(name + "/bias", make_tensor<float>(DType::f32, shape, narrow));
}

}  // namespace

std::optional<LayerWeights> layer_weights(const Graph& graph, const Node& node) {
  const std::string& block = node.block->name;
  const bool is_recurrent = block == "lstm" || block == "gru" || block == "rnn";
  if (!is_recurrent && block != "dense" && block != "conv2d" && block != "depthwise_conv2d" &&
      block != "conv_transpose2d")
    return std::nullopt;
  const Value& w = graph.at(node.inputs[kWeights]);
  const std::size_t bias = is_recurrent ? 3 : 2;
  const bool has_bias = node.inputs.size() > bias && node.inputs[bias].is_present();
  if (!graph.is_constant(node.inputs[kWeights]) || w.type.dtype != DType::f32 || w.type.is_quantized() ||
      w.type.elements() == 0 ||
      (has_bias &&
       (!graph.is_constant(node.inputs[bias]) || graph.at(node.inputs[bias]).type.dtype != DType::f32)))
    return std::nullopt;
  const Shape& shape = w.type.shape;
  if (is_recurrent) return of_recurrence(shape);
  if (block == "dense") return of_matrix(shape, 1, false);
  if (block == "conv2d") {
    const auto& a = node.attributes.as<Conv2dAttrs>();
    return of_matrix(shape, a.groups, has_pad(a.pad));
  }
  // A transposed convolution's edges see fewer taps.
  if (block == "conv_transpose2d")
    return of_matrix(shape, node.attributes.as<ConvTranspose2dAttrs>().groups, true);
  const std::int64_t channels = graph.at(node.inputs[0]).type.shape[3];
  return LayerWeights{.inputs = channels,
                      .outputs = shape[3],
                      .is_padded = has_pad(node.attributes.as<DepthwiseConv2dAttrs>().pad),
                      .out_inner = 1,
                      .depth = 1,
                      .group_outputs = shape[3] / channels};
}

void fold_before(Graph& graph, Node& node, const LayerWeights& layer, const std::vector<double>& factor,
                 const std::vector<double>& offset) {
  Tensor w = weights_of(graph, node);
  auto [shape, bias] = bias_of(graph, node, layer);
  const std::size_t rows = static_cast<std::size_t>(layer.outputs / layer.bias_parts),
                    stored = bias.size() / static_cast<std::size_t>(layer.bias_parts);
  const auto values = w.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t in = layer.input_of(i), out = layer.output_of(i);
    bias[out / rows * stored + out % rows] += static_cast<double>(values[i]) * offset[in];
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factor[in]);
  }
  replace_constants(graph, node, layer, std::move(w), shape, bias);
}

void fold_after(Graph& graph, Node& node, const LayerWeights& layer, const std::vector<double>& factor,
                const std::vector<double>& offset) {
  Tensor w = weights_of(graph, node);
  auto [shape, bias] = bias_of(graph, node, layer);
  const auto values = w.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factor[layer.output_of(i)]);
  for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = bias[o] * factor[o] + offset[o];
  replace_constants(graph, node, layer, std::move(w), shape, bias);
}

}  // namespace nb
