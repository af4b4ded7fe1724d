// join-transposes: transposes with reshapes between them, which no single pair of them undoes, move each
// element once: a reshape, one transpose of finer axes, a reshape.
#include <algorithm>

#include "blocks/reshape/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/pass.h"
#include "pass/strided_view.h"

namespace nb {
namespace {

struct Chain {
  std::size_t end;   ///< index of its last node
  StridedView view;  ///< of what that makes
};

bool is_move(const Graph& graph, const Node& node) {
  const std::string& block = node.block->name;
  const auto& quantization = graph.at(node.inputs[0]).type.quantization;
  return (block == "transpose" || block == "reshape" || block == "identity") &&
         !(quantization && quantization->is_per_axis());
}

/// The chain that ends in the node, if it has two transposes and nobody sees what is between.
std::optional<StridedView> view_to(const Pattern& pattern, const Node& last) {
  const Graph& graph = pattern.graph();
  std::vector<const Node*> nodes = {&last};
  int transposes = 1;
  for (ValueId id = last.inputs[0]; nodes.size() < 32 && pattern.only_user(id) == nodes.back();) {
    const Node* node = pattern.maker(id);
    if (node == nullptr || !is_move(graph, *node)) break;
    nodes.push_back(node);
    transposes += node->block->name == "transpose" ? 1 : 0;
    id = node->inputs[0];
  }
  while (nodes.back()->block->name != "transpose") nodes.pop_back();
  if (transposes < 2) return std::nullopt;
  std::optional<StridedView> view = own_view(graph, nodes.back()->inputs[0]);
  for (auto node = nodes.rbegin(); view && node != nodes.rend(); ++node)
    view = view_through(graph, **node, *std::move(view));
  return view;
}

class Joining {
 public:
  Joining(Graph& graph, const BlockSet& blocks) : graph_(graph), blocks_(blocks) {}

  void run(const std::vector<Chain>& chains) {
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    auto chain = chains.begin();
    for (std::size_t i = 0; i < old.size(); ++i) {
      const bool is_end = chain != chains.end() && chain->end == i;
      if (!is_end || !add((chain++)->view, old[i])) graph_.nodes.push_back(std::move(old[i]));
    }
    graph_.remove_dead();
  }

 private:
  bool add(const StridedView& view, const Node& layer) {
    const Strides places = joined(view.axes);
    if (places.size() > static_cast<std::size_t>(kMaxRank)) return false;
    std::vector<std::size_t> order(places.size());  // as they lie in the root
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return places[a].step > places[b].step; });
    Shape before, after;
    std::vector<std::int64_t> perm(places.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      before.push_back(places[order[i]].size);
      perm[order[i]] = static_cast<std::int64_t>(i);
    }
    for (const Stride& place : places) after.push_back(place.size);
    const ValueId y = layer.outputs[0];
    const ValueId fine = moved("reshape", Attributes(ReshapeAttrs{before}), view.root, before, layer);
    const ValueId turned = moved("transpose", Attributes(TransposeAttrs{perm}), fine, after, layer);
    const Shape wanted = graph_.at(y).type.shape;
    graph_.nodes.push_back(
        {blocks_.find("reshape"), Attributes(ReshapeAttrs{wanted}), {turned}, {y}, layer.name, layer.origin});
    return true;
  }
  ValueId moved(std::string_view block, Attributes attributes, ValueId from, const Shape& shape,
                const Node& layer) {
    Type type = graph_.at(from).type;
    type.shape = shape;
    const ValueId to = graph_.add_value({graph_.at(layer.outputs[0]).name + ".moved", std::move(type)});
    graph_.nodes.push_back(
        {blocks_.find(block), std::move(attributes), {from}, {to}, layer.name, layer.origin});
    return to;
  }

  Graph& graph_;
  const BlockSet& blocks_;
};

}  // namespace

Status join_transposes(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  std::vector<Chain> chains;
  {
    const Pattern pattern(graph);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      if (node.block->name != "transpose" || !is_move(graph, node)) continue;
      // Where a later transpose goes on, the chain ends there.
      const Node* user = pattern.only_user(node.outputs[0]);
      while (user != nullptr && user->block->name != "transpose" && is_move(graph, *user))
        user = pattern.only_user(user->outputs[0]);
      if (user != nullptr && is_move(graph, *user)) continue;
      if (auto view = view_to(pattern, node)) chains.push_back({i, *std::move(view)});
    }
  }
  if (!chains.empty()) Joining(graph, context.blocks).run(chains);
  return {};
}

}  // namespace nb
