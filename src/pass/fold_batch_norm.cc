// fold-batch-norm: a factor and an offset a channel become part of the weights beside them, also where
// reshapes and transposes stand between that leave the last axis as it is. Such lines are batch
// normalizations and sums and products with constants that vary along the last axis only.
#include <algorithm>

#include "blocks/transpose/attributes.h"
#include "pass/pass.h"
#include "quantize/channel_line.h"
#include "quantize/layer_weights.h"

namespace nb {
namespace {

/// layer, then line.
bool take_behind(Graph& graph, Node& node, const ChannelLine& line) {
  const auto layer = layer_weights(graph, node);
  if (!layer || !layer->makes_sums || is_bounded(node)) return false;
  fold_after(graph, node, *layer, line.factor, line.offset);
  return true;
}

/// line, then layer.
bool take_before(Graph& graph, const ChannelLine& line, Node& node) {
  const auto layer = layer_weights(graph, node);
  if (!layer || (layer->is_padded && line.has_offset())) return false;
  fold_before(graph, node, *layer, line.factor, line.offset);
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
    if (layer == nullptr || !take_behind(graph, *layer, *line)) continue;
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
    if (layer == nullptr || !take_before(graph, *line, *layer)) continue;
    const ValueId x = graph.nodes[i].inputs[line->operand];
    first->inputs[0] = x;
    after.pass_user(y, x);
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
