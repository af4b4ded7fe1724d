// fuse-activations: relu, relu6 and clip become the clamp of the block that makes their operand, also where
// that is reshaped or transposed before.
#include <algorithm>
#include <limits>

#include "blocks/clip/attributes.h"
#include "pass/pass.h"

namespace nb {
namespace {

/// The clamp that a node computes and nothing else.
std::optional<Clamp> clamp_of(const Graph& graph, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (node.outputs.size() != 1 || node.inputs.empty()) return std::nullopt;
  const Type &x = graph.at(node.inputs[0]).type, &y = graph.at(node.outputs[0]).type;
  if (!is_float(x.dtype) && (!x.is_quantized() || x != y)) return std::nullopt;
  if (node.block->name == "relu") return Clamp{0, kInfinity};
  if (node.block->name == "relu6") return Clamp{0, 6};
  if (node.block->name != "clip") return std::nullopt;
  const auto& a = node.attributes.as<ClipAttrs>();
  return Clamp{a.min, a.max};
}

/// The node that computes what `node` only lays out anew: the one behind reshapes and transposes that nobody
/// else reads; `node` itself if it is neither; null if there is none.
Node* computing(Graph& graph, Node* node, const std::vector<int>& uses, const std::vector<int>& made_by) {
  while (node->block->name == "reshape" || node->block->name == "transpose") {
    const ValueId from = node->inputs[0];
    const int maker = made_by[from.index()];
    if (maker < 0 || uses[from.index()] != 1) return nullptr;
    node = &graph.nodes[static_cast<std::size_t>(maker)];
  }
  return node;
}

}  // namespace

Status fuse_activations(Graph& graph, PassContext&) {
  const std::vector<int> uses = graph.use_counts();
  std::vector<int> made_by = graph.producers();
  for (Node& node : graph.nodes) {
    const auto clamp = clamp_of(graph, node);
    if (!clamp) continue;
    const ValueId from = node.inputs[0];
    const int maker = made_by[from.index()];
    if (maker < 0 || uses[from.index()] != 1) continue;
    Node& last = graph.nodes[static_cast<std::size_t>(maker)];
    Node* const found = computing(graph, &last, uses, made_by);
    if (!found) continue;
    Node& before = *found;
    const AttributeOps& ops = before.block->attributes;
    if (!ops.set_clamp || before.outputs.size() != 1 || last.outputs.size() != 1) continue;
    const Clamp present = ops.clamp(before.attributes);
    // clip(clip(x)) is one clip only if the second's bounds are not crossed by the first's.
    if (clamp->min > clamp->max || present.max < clamp->min || present.min > clamp->max) continue;
    ops.set_clamp(before.attributes, {std::max(present.min, clamp->min), std::min(present.max, clamp->max)});
    // The last layer before now makes the activation's value; the old value dies with the activation.
    std::swap(last.outputs[0], node.outputs[0]);
    node.inputs[0] = last.outputs[0];
    std::swap(made_by[node.inputs[0].index()], made_by[node.outputs[0].index()]);
  }
  // Emptied activations read and write nothing that is used: they are the nodes whose operand is made by the
  // fused one and whose output is the dead value.
  graph.remove_dead();
  return {};
}

}  // namespace nb
