// fuse-activations: relu, relu6 and clip become the clamp of the block that makes their operand.
#include <algorithm>
#include <limits>

#include "pass/pass.h"

namespace nb {
namespace {

struct Clamp {
  float min, max;
};

/// The clamp that a node computes and nothing else.
std::optional<Clamp> clamp_of(const Graph& graph, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (node.outputs.size() != 1 || node.inputs.empty() || !is_float(graph.at(node.inputs[0]).type.dtype))
    return std::nullopt;
  if (node.block->name == "relu") return Clamp{0, kInfinity};
  if (node.block->name == "relu6") return Clamp{0, 6};
  if (node.block->name != "clip") return std::nullopt;
  Clamp clamp{-kInfinity, kInfinity};
  const std::string text = node.block->attributes.text(node.attributes);
  for (const std::string_view part : split(text, ',')) {
    const auto pair = split(part, '=');
    if (pair.size() != 2) continue;
    const bool is_read = trim(pair[0]) == "min" ? parse_attribute(trim(pair[1]), clamp.min)
                                                : parse_attribute(trim(pair[1]), clamp.max);
    if (!is_read) return std::nullopt;
  }
  return clamp;
}

bool has_clamp(const Block& block) {
  return std::any_of(block.attributes.rows.begin(), block.attributes.rows.end(),
                     [](const FieldRow& row) { return row.name == "clamp_min"; });
}

/// The bounds as the attribute text has them.
std::optional<Clamp> present_clamp(const Node& node) {
  Clamp clamp{-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
  const std::string text = node.block->attributes.text(node.attributes);
  for (const auto& [name, bound] :
       {std::pair{"clamp_min=", &clamp.min}, std::pair{"clamp_max=", &clamp.max}}) {
    const std::size_t at = text.find(name);
    if (at == std::string::npos) continue;
    std::string_view rest = std::string_view(text).substr(at + 10);
    if (!parse_attribute(trim(rest.substr(0, rest.find(','))), *bound)) return std::nullopt;
  }
  return clamp;
}

}  // namespace

Status fuse_activations(Graph& graph, PassContext&) {
  const std::vector<int> uses = graph.use_counts();
  const std::vector<int> made_by = graph.producers();
  for (Node& node : graph.nodes) {
    const auto clamp = clamp_of(graph, node);
    if (!clamp) continue;
    const ValueId from = node.inputs[0];
    const int maker = made_by[from.index()];
    if (maker < 0 || uses[from.index()] != 1) continue;
    Node& before = graph.nodes[static_cast<std::size_t>(maker)];
    if (!has_clamp(*before.block) || before.outputs.size() != 1) continue;
    const auto present = present_clamp(before);
    // clip(clip(x)) is one clip only if the second's bounds are not crossed by the first's.
    if (!present || clamp->min > clamp->max || present->max < clamp->min || present->min > clamp->max)
      continue;
    before.block->attributes.set(before.attributes, "clamp_min",
                                 attribute_text(std::max(present->min, clamp->min)));
    before.block->attributes.set(before.attributes, "clamp_max",
                                 attribute_text(std::min(present->max, clamp->max)));
    // The layer before now makes the activation's value; the old value dies with the activation.
    std::swap(before.outputs[0], node.outputs[0]);
    node.inputs[0] = before.outputs[0];
  }
  // Emptied activations read and write nothing that is used: they are the nodes whose operand is made by the
  // fused one and whose output is the dead value.
  graph.remove_dead();
  return {};
}

}  // namespace nb
