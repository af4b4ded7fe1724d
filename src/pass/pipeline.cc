#include <algorithm>

#include "pass/pass.h"

namespace nb {

Status run_pipeline(Graph& graph, PassContext& context, std::string_view stop_after, std::string_view from) {
  bool is_started = from.empty();
  for (const Pass& pass : kPipeline) {
    if (!is_started && pass.name == from) is_started = true;
    if (!is_started || pass.needs < graph.phase) {
      if (pass.name == stop_after) return {};  // the graph is past it already
      continue;
    }
    if (!pass.run(graph, context)) return kFailed;
    graph.phase = pass.gives;
    if (!verify(graph, context.diagnostics)) {
      context.diagnostics.add({.kind = Kind::verify_failed,
                               .message = "the graph is broken after pass " + std::string(pass.name)});
      return kFailed;
    }
    if (pass.name == stop_after) return {};
  }
  return {};
}

bool has_empty_tensor(const Graph& graph) {
  return std::any_of(graph.values.begin(), graph.values.end(),
                     [](const Value& value) { return element_count(value.type.shape) == 0; });
}

const Kernel* kernel_of(const Node& node) {
  for (const Kernel& kernel : node.block->kernels)
    if (kernel.name == node.kernel) return &kernel;
  return nullptr;
}

}  // namespace nb
