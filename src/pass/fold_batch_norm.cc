// fold-batch-norm: a factor and an offset a channel become part of the weights beside them, also where
// reshapes and transposes stand between that leave the last axis as it is. Such lines are batch
// normalizations and sums and products with constants that vary along the last axis only.
#include <algorithm>

#include "blocks/conv2d/attributes.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/channel_line.h"
#include "pass/pass.h"

namespace nb {
namespace {

/// A layer whose weights (operand 1) and bias (operand 2) are float constants.
struct Layer {
  int out_axis, in_axis;  ///< of the weights; in_axis -1: not one axis alone
  bool is_padded;
};

std::optional<Layer> layer_of(const Graph& graph, const Node& node) {
  const std::string& block = node.block->name;
  Layer layer{0, -1, true};
  const auto is_zero = [](std::int64_t n) { return n == 0; };
  const auto without = [&](const std::vector<std::int64_t>& pad) {
    return std::all_of(pad.begin(), pad.end(), is_zero);
  };
  if (block == "dense") {
    layer = {0, 1, false};
  } else if (block == "conv2d") {
    const auto& a = node.attributes.as<Conv2dAttrs>();
    layer = {0, a.groups == 1 ? 3 : -1, !without(a.pad)};
  } else if (block == "depthwise_conv2d") {
    const bool is_single = graph.at(node.inputs[0]).type.shape[3] == graph.at(node.inputs[1]).type.shape[3];
    layer = {3, is_single ? 3 : -1, !without(node.attributes.as<DepthwiseConv2dAttrs>().pad)};
  } else if (block == "conv_transpose2d") {
    // Its output's edges see fewer taps: no offset passes through.
    layer = {0, node.attributes.as<ConvTranspose2dAttrs>().groups == 1 ? 3 : -1, true};
  } else {
    return std::nullopt;
  }
  const Value& w = graph.at(node.inputs[1]);
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2].is_present();
  if (!graph.is_constant(node.inputs[1]) || w.type.dtype != DType::f32 || w.type.is_quantized() ||
      (has_bias && !graph.is_constant(node.inputs[2])))
    return std::nullopt;
  return layer;
}

/// Calls f(weight, its index along the axis) for each weight.
template <class F>
void each_weight(Tensor& w, int axis, F f) {
  const auto values = w.as<float>();
  std::int64_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < w.type.shape.size(); ++i)
    inner *= w.type.shape[i];
  const std::int64_t size = w.type.shape[static_cast<std::size_t>(axis)];
  for (std::size_t i = 0; i < values.size(); ++i)
    f(values[i], static_cast<std::size_t>(static_cast<std::int64_t>(i) / inner % size));
}

/// Gives the layer other weights and another bias.
void replace_constants(Graph& graph, Node& node, Tensor weights, const std::vector<double>& bias) {
  const std::string name = node.name;
  node.inputs[1] = graph.add_constant(name + "/weights", std::move(weights));
  const std::vector<float> narrow(bias.begin(), bias.end());
  node.inputs.resize(3);
  node.inputs[2] = graph.add_constant(
      name + "/bias", make_tensor<float>(DType::f32, {static_cast<std::int64_t>(narrow.size())}, narrow));
}

std::vector<double> bias_of(const Graph& graph, const Node& node, std::size_t channels) {
  if (node.inputs.size() < 3 || !node.inputs[2].is_present()) return std::vector<double>(channels, 0.0);
  const Value& value = graph.at(node.inputs[2]);
  return to_doubles({value.type, *value.data});
}

/// layer, then line.
bool fold_after(Graph& graph, Node& layer_node, const ChannelLine& line) {
  const auto layer = layer_of(graph, layer_node);
  if (!layer || is_bounded(layer_node)) return false;
  const Value& value = graph.at(layer_node.inputs[1]);
  Tensor w{value.type, *value.data};
  std::vector<double> bias = bias_of(graph, layer_node, line.factor.size());
  each_weight(w, layer->out_axis, [&](float& weight, std::size_t o) {
    weight = static_cast<float>(static_cast<double>(weight) * line.factor[o]);
  });
  for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = bias[o] * line.factor[o] + line.offset[o];
  replace_constants(graph, layer_node, std::move(w), bias);
  return true;
}

/// line, then layer.
bool fold_before(Graph& graph, const ChannelLine& line, Node& layer_node) {
  const auto layer = layer_of(graph, layer_node);
  if (!layer || layer->in_axis < 0 || (layer->is_padded && line.has_offset())) return false;
  const Value& value = graph.at(layer_node.inputs[1]);
  Tensor w{value.type, *value.data}, shifted = w;
  const auto outs = static_cast<std::size_t>(value.type.shape[static_cast<std::size_t>(layer->out_axis)]);
  std::vector<double> bias = bias_of(graph, layer_node, outs);
  std::vector<double> products;
  each_weight(shifted, layer->in_axis, [&](float weight, std::size_t c) {
    products.push_back(static_cast<double>(weight) * line.offset[c]);
  });
  std::size_t at = 0;
  each_weight(shifted, layer->out_axis, [&](float, std::size_t o) { bias[o] += products[at++]; });
  each_weight(w, layer->in_axis, [&](float& weight, std::size_t c) {
    weight = static_cast<float>(static_cast<double>(weight) * line.factor[c]);
  });
  replace_constants(graph, layer_node, std::move(w), bias);
  return true;
}

/// Whether the node moves elements and each stays in its place of the last axis.
bool keeps_channels(const Graph& graph, const Node& node) {
  const std::string& block = node.block->name;
  if (block == "transpose") {
    const auto& perm = node.attributes.as<TransposeAttrs>().perm;
    return !perm.empty() && perm.back() == static_cast<std::int64_t>(perm.size()) - 1;
  }
  if (block != "reshape") return false;
  const Shape &x = graph.at(node.inputs[0]).type.shape, &y = graph.at(node.outputs[0]).type.shape;
  return !x.empty() && !y.empty() && x.back() == y.back();
}

/// What fold-batch-norm asks again and again, of a graph whose nodes stay where they are.
class Links {
 public:
  explicit Links(Graph& graph)
      : graph_(graph),
        uses_(graph.use_counts()),
        made_by_(graph.producers()),
        user_(graph.values.size(), -1) {
    uses_.resize(graph.values.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      for (const ValueId id : graph.nodes[i].inputs)
        if (id.is_present()) user_[id.index()] = static_cast<int>(i);
  }

  /// The node that makes the value for one user alone; null if there is none.
  [[nodiscard]] Node* maker(ValueId id) const { return node_of(id, made_by_); }
  /// The one user of the value, as operand 0; null if there is none.
  [[nodiscard]] Node* user(ValueId id) const {
    Node* node = node_of(id, user_);
    return node != nullptr && node->inputs[0] == id ? node : nullptr;
  }
  /// The makers of two values change places.
  void swap_makers(ValueId a, ValueId b) { std::swap(made_by_[a.index()], made_by_[b.index()]); }
  /// The user of y reads x instead, and the node that made y of x does no more.
  void pass_user(ValueId y, ValueId x) { user_[x.index()] = user_[y.index()]; }

 private:
  [[nodiscard]] Node* node_of(ValueId id, const std::vector<int>& nodes) const {
    const int node = id.index() < uses_.size() && uses_[id.index()] == 1 ? nodes[id.index()] : -1;
    return node < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(node)];
  }

  Graph& graph_;
  std::vector<int> uses_, made_by_, user_;
};

}  // namespace

Status fold_batch_norm(Graph& graph, PassContext&) {
  // In execution order: a line behind a folded line sees the layer that took the first one.
  Links links(graph);
  for (Node& node : graph.nodes) {
    const auto line = channel_line(graph, node);
    if (!line) continue;
    const ValueId x = node.inputs[line->operand], y = node.outputs[0];
    Node* const last = links.maker(x);
    Node* layer = last;
    while (layer != nullptr && keeps_channels(graph, *layer)) layer = links.maker(layer->inputs[0]);
    if (layer == nullptr || !fold_after(graph, *layer, *line)) continue;
    // The last node before makes the line's value; the emptied line reads it for nobody.
    std::swap(last->outputs[0], node.outputs[0]);
    node.inputs[line->operand] = y;
    links.swap_makers(x, y);
  }
  graph.remove_dead();
  Links after(graph);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const auto line = channel_line(graph, graph.nodes[i]);
    if (!line) continue;
    const ValueId y = graph.nodes[i].outputs[0];
    Node* const first = after.user(y);
    Node* layer = first;
    while (layer != nullptr && keeps_channels(graph, *layer)) layer = after.user(layer->outputs[0]);
    if (layer == nullptr || !fold_before(graph, *line, *layer)) continue;
    const ValueId x = graph.nodes[i].inputs[line->operand];
    first->inputs[0] = x;
    after.pass_user(y, x);
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
