// remove-identities: nodes that give back their operand disappear; chains of reshapes become one.
#include <algorithm>
#include <numeric>

#include "blocks/pad/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/pass.h"

namespace nb {
namespace {

bool is_identity(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || !node.inputs[0].is_present() || node.outputs.size() != 1) return false;
  const Type &in = graph.at(node.inputs[0]).type, &out = graph.at(node.outputs[0]).type;
  const std::string& block = node.block->name;
  if (block == "identity") return true;
  if (block == "reshape" || block == "expand" || block == "cast") return in == out;
  if (block == "pad") {
    const auto& a = node.attributes.as<PadAttrs>();
    const auto is_zero = [](std::int64_t n) { return n == 0; };
    return std::all_of(a.before.begin(), a.before.end(), is_zero) &&
           std::all_of(a.after.begin(), a.after.end(), is_zero);
  }
  if (block == "slice") {
    const auto& step = node.attributes.as<SliceAttrs>().step;
    return in == out && std::all_of(step.begin(), step.end(), [](std::int64_t s) { return s == 1; });
  }
  if (block == "transpose") {
    // Moving axes of size 1 moves no element: such a transpose is a reshape, see below.
    const auto& perm = node.attributes.as<TransposeAttrs>().perm;
    for (std::size_t i = 0; i < perm.size(); ++i)
      if (perm[i] != static_cast<std::int64_t>(i)) return false;
    return true;
  }
  return false;
}

/// Whether the transpose keeps the order of all axes longer than 1.
bool moves_nothing(const Graph& graph, const Node& node) {
  if (node.block->name != "transpose") return false;
  const Shape& shape = graph.at(node.inputs[0]).type.shape;
  std::int64_t last = -1;
  for (const std::int64_t axis : node.attributes.as<TransposeAttrs>().perm) {
    if (shape[static_cast<std::size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

/// A reshape of a reshape takes the first one's operand.
void join_reshapes(Graph& graph) {
  const std::vector<int> made_by = graph.producers();
  for (Node& node : graph.nodes) {
    if (node.block->name != "reshape") continue;
    for (int maker = made_by[node.inputs[0].index()];
         maker >= 0 && graph.nodes[static_cast<std::size_t>(maker)].block->name == "reshape";
         maker = made_by[node.inputs[0].index()])
      node.inputs[0] = graph.nodes[static_cast<std::size_t>(maker)].inputs[0];
  }
}

void drop_identities(Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (!is_identity(graph, node)) continue;
    // An output that is an input or a constant keeps its own place in the API.
    const ValueId from = node.outputs[0], to = node.inputs[0];
    bool is_output = false;
    for (const ValueId id : graph.outputs) is_output = is_output || id == from;
    if (is_output && graph.at(to).source != Source::node) continue;
    if (is_output) {
      bool is_taken = false;
      for (const ValueId id : graph.outputs) is_taken = is_taken || id == to;
      if (is_taken) continue;
      std::swap(graph.at(to).name, graph.at(from).name);
    }
    graph.replace_uses(from, to);
  }
}

}  // namespace

Status remove_identities(Graph& graph, PassContext& context) {
  const Block* reshape = context.blocks.find("reshape");
  for (Node& node : graph.nodes) {
    const bool is_per_axis = !node.inputs.empty() && node.inputs[0].is_present() &&
                             graph.at(node.inputs[0]).type.quantization &&
                             graph.at(node.inputs[0]).type.quantization->is_per_axis();
    if (!is_per_axis && moves_nothing(graph, node) && reshape != nullptr) {
      node.attributes = Attributes(ReshapeAttrs{graph.at(node.outputs[0]).type.shape});
      node.block = reshape;
    }
  }
  // What stands between two reshapes may be an identity; two reshapes as one may be another.
  for (int round = 0; round < 2; ++round) {
    join_reshapes(graph);
    drop_identities(graph);
  }
  graph.remove_dead();
  return {};
}

}  // namespace nb
