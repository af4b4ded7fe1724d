// select-kernels: each node gets the first kernel of its block that applies to its types on the core, or the
// one that serves another goal better.
#include <array>

#include "pass/pass.h"

namespace nb {
namespace {

constexpr std::array<std::pair<KernelGoal, std::string_view>, 3> kGoals = {
    {{KernelGoal::time, "time"}, {KernelGoal::ram, "ram"}, {KernelGoal::flash, "flash"}}};

/// A kernel that computes a node.
struct Choice {
  const Kernel* kernel = nullptr;
  std::int64_t scratch_bytes = 0, constant_bytes = 0;
};

/// All that apply, the fastest first.
std::vector<Choice> choices_of(const Graph& graph, const Node& node, const Core& core) {
  const Operation op = graph.operation(node);
  std::vector<Choice> choices;
  for (const Kernel& kernel : node.block->kernels) {
    if (!kernel.applies(op, core)) continue;
    const Lowered lowered = kernel.lower(op, core);
    Choice choice{&kernel, lowered.scratch_bytes};
    for (const Argument& argument : lowered.arguments) {
      if (argument.from == Argument::From::constant)
        choice.constant_bytes += static_cast<std::int64_t>(lowered.constants[argument.index].data.size());
      else if (argument.from == Argument::From::input && op.is_constant(argument.index))
        choice.constant_bytes += op.in[argument.index]->size_bytes();
    }
    choices.push_back(choice);
  }
  return choices;
}

void take(const Choice& choice, Node& node) {
  node.kernel = choice.kernel->name;
  node.scratch_bytes = choice.scratch_bytes;
}

/// The choice with the least of `bytes`; of equals the first.
const Choice& least(const std::vector<Choice>& choices, std::int64_t Choice::*bytes) {
  const Choice* best = &choices[0];
  for (const Choice& choice : choices)
    if (choice.*bytes < best->*bytes) best = &choice;
  return *best;
}

/// Bytes of the arena with the kernels as they are.
std::int64_t arena_of(const Graph& graph, PassContext& context) {
  Graph planned = graph;
  return plan_memory(planned, context).is_ok() ? planned.arena_bytes : 0;
}

/// Takes the kernels with the least scratch where the arena is smaller for it.
void save_ram(Graph& graph, const std::vector<std::vector<Choice>>& choices, PassContext& context) {
  std::vector<std::size_t> changed;
  const std::int64_t before = arena_of(graph, context);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Choice& small = least(choices[n], &Choice::scratch_bytes);
    if (&small == choices[n].data()) continue;
    take(small, graph.nodes[n]);
    changed.push_back(n);
  }
  if (changed.empty()) return;
  const std::int64_t best = std::min(before, arena_of(graph, context));
  for (const std::size_t n : changed) {
    const Node small = graph.nodes[n];
    take(choices[n][0], graph.nodes[n]);
    if (arena_of(graph, context) > best) graph.nodes[n] = small;
  }
}

}  // namespace

std::string_view name_of(KernelGoal goal) {
  for (const auto& [one, name] : kGoals)
    if (one == goal) return name;
  return "";
}

std::optional<KernelGoal> find_goal(std::string_view name) {
  for (const auto& [goal, one] : kGoals)
    if (one == name) return goal;
  return std::nullopt;
}

Status select_kernels(Graph& graph, PassContext& context) {
  const std::size_t before = context.diagnostics.error_count();
  std::vector<std::vector<Choice>> choices;
  for (Node& node : graph.nodes) {
    node.kernel.clear();
    choices.push_back(choices_of(graph, node, context.core));
    if (!choices.back().empty()) {
      take(context.goal == KernelGoal::flash ? least(choices.back(), &Choice::constant_bytes)
                                             : choices.back()[0],
           node);
      continue;
    }
    std::string types;
    for (const Type* type : graph.operation(node).in)
      types += (types.empty() ? "" : ", ") + (type == nullptr ? "_" : type_text(*type));
    context.diagnostics.add(
        {.kind = Kind::no_kernel,
         .message = "no kernel of " + node.block->name + " takes (" + types + ") on " + context.core.name,
         .layer = node.origin + " `" + node.name + "`",
         .line = node_text(graph, node)});
  }
  if (context.diagnostics.error_count() != before) return kFailed;
  if (context.goal == KernelGoal::ram) save_ram(graph, choices, context);
  return {};
}

}  // namespace nb
