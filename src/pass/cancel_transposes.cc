// cancel-transposes: a transpose moves down past elementwise blocks; two in a row become one. Readers of
// channels-first models put them round convolutions and pools: between two of these nothing remains.
#include <algorithm>

#include "blocks/transpose/attributes.h"
#include "pass/pass.h"

namespace nb {
namespace {

using Perm = std::vector<std::int64_t>;

const Perm& perm_of(const Node& node) { return node.attributes.as<TransposeAttrs>().perm; }
bool is_transpose(const Node& node) { return node.block->name == "transpose"; }

/// Whether the value's quantization names an axis, which a transpose would have to move.
bool is_per_axis(const Graph& graph, ValueId id) {
  const auto& quantization = graph.at(id).type.quantization;
  return quantization && quantization->is_per_axis();
}

/// Transposes of transposes take the first one's operand. Whether any did.
bool compose(Graph& graph) {
  const std::vector<int> made_by = graph.producers();
  bool changed = false;
  for (Node& node : graph.nodes) {
    if (!is_transpose(node)) continue;
    const int maker = made_by[node.inputs[0].index()];
    if (maker < 0 || !is_transpose(graph.nodes[static_cast<std::size_t>(maker)])) continue;
    const Node& first = graph.nodes[static_cast<std::size_t>(maker)];
    Perm both;
    for (const std::int64_t axis : perm_of(node))
      both.push_back(perm_of(first)[static_cast<std::size_t>(axis)]);
    node.inputs[0] = first.inputs[0];
    node.attributes = Attributes(TransposeAttrs{std::move(both)});
    changed = true;
  }
  return changed;
}

/// The elementwise node at `index` computes before the transposes of its operands; one transpose follows it.
/// False if its operands are not transposed alike or are used elsewhere.
bool sink_past(Graph& graph, std::size_t index, const std::vector<int>& made_by,
               const std::vector<int>& uses) {
  Node& node = graph.nodes[index];
  if (!node.block->is_elementwise || node.outputs.size() != 1) return false;
  const Perm* perm = nullptr;
  std::vector<std::size_t> transposes;
  for (const ValueId id : node.inputs) {
    if (!id.is_present()) continue;
    if (is_per_axis(graph, id)) return false;
    if (graph.is_constant(id) && graph.at(id).type.elements() == 1 && graph.at(id).type.rank() == 0) continue;
    const int maker = made_by[id.index()];
    if (maker < 0 || !is_transpose(graph.nodes[static_cast<std::size_t>(maker)])) return false;
    const auto at = static_cast<std::size_t>(maker);
    const auto times = std::count(node.inputs.begin(), node.inputs.end(), id);
    if (uses[id.index()] != times) return false;
    if (perm != nullptr && *perm != perm_of(graph.nodes[at])) return false;
    perm = &perm_of(graph.nodes[at]);
    if (graph.at(id).type.shape != graph.at(node.outputs[0]).type.shape) return false;
    transposes.push_back(at);
  }
  if (perm == nullptr || is_per_axis(graph, node.outputs[0])) return false;

  const Node transpose = graph.nodes[transposes[0]];
  const ValueId result = node.outputs[0];
  Value before = graph.at(result);
  before.type.shape = graph.at(transpose.inputs[0]).type.shape;
  before.name += ".before_transpose";
  for (ValueId& id : node.inputs)
    if (id.is_present() && !graph.is_constant(id))
      id = graph.nodes[static_cast<std::size_t>(made_by[id.index()])].inputs[0];
  const ValueId value = graph.add_value(std::move(before));
  Node& moved = graph.nodes[index];
  moved.outputs = {value};
  Node after = transpose;
  after.inputs = {value};
  after.outputs = {result};
  graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(after));
  return true;
}

bool sink_once(Graph& graph) {
  const std::vector<int> made_by = graph.producers(), uses = graph.use_counts();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (sink_past(graph, i, made_by, uses)) return true;
  return false;
}

}  // namespace

Status cancel_transposes(Graph& graph, PassContext&) {
  // Every step moves a transpose towards the end or removes one, so this ends; the bound keeps huge graphs
  // quick.
  for (int steps = 0; steps < 2000; ++steps) {
    bool changed = compose(graph);
    changed = sink_once(graph) || changed;
    if (!changed) break;
    graph.remove_dead();
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
