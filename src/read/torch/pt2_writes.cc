#include "read/torch/pt2_writes.h"

#include "read/torch/translator.h"

namespace nb::torch {
namespace {

constexpr int kMaxGraphDepth = 8;

/// The buffer or input that a value shares memory with.
using Owners = std::unordered_map<std::string, std::string>;

void find_writes(const Pt2Graph& graph, Owners& owners, int depth, std::unordered_set<std::string>& written) {
  if (depth > kMaxGraphDepth) return;
  for (const Pt2Node& node : graph.nodes) {
    std::vector<std::string> operands;
    const Pt2Graph* inner_graph = nullptr;
    for (const auto& [name, argument] : node.inputs) {
      if (argument.graph)
        inner_graph = argument.graph.get();
      else
        operands.push_back(argument.kind == Pt2Argument::Kind::name ? argument.name : std::string());
    }
    if (inner_graph != nullptr && operands.size() >= inner_graph->inputs.size()) {
      Owners inner;
      const std::size_t first = operands.size() - inner_graph->inputs.size();
      for (std::size_t i = 0; i < inner_graph->inputs.size(); ++i)
        if (const auto owner = owners.find(operands[first + i]); owner != owners.end())
          inner[inner_graph->inputs[i].name] = owner->second;
      find_writes(*inner_graph, inner, depth + 1, written);
    }
    const auto owner = operands.empty() ? owners.end() : owners.find(operands[0]);
    const Effect effect = owner == owners.end() ? Effect::none : effect_of(node.operator_name().first);
    if (effect == Effect::none) continue;
    const std::string target = owner->second;
    if (effect == Effect::writes) written.insert(target);
    for (const Pt2Argument& output : node.outputs) {
      if (output.kind == Pt2Argument::Kind::name) owners[output.name] = target;
      for (const Pt2Argument& element : output.list) owners[element.name] = target;
    }
  }
}

}  // namespace

std::unordered_set<std::string> written_memory(const Pt2Program& program) {
  std::unordered_set<std::string> written;
  for (const Pt2Spec& spec : program.outputs)
    if (spec.kind == "buffer_mutation" || spec.kind == "user_input_mutation") written.insert(spec.target);
  Owners owners;
  for (const Pt2Spec& spec : program.inputs)
    if (spec.kind == "buffer" || spec.kind == "user_input")
      owners[spec.argument.name] = spec.kind == "buffer" ? spec.target : spec.argument.name;
  find_writes(program.graph, owners, 0, written);
  return written;
}

}  // namespace nb::torch
