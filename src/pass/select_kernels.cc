// select-kernels: each node gets the first kernel of its block that applies to its types on the core.
#include "pass/pass.h"

namespace nb {

Status select_kernels(Graph& graph, PassContext& context) {
  const std::size_t before = context.diagnostics.error_count();
  for (Node& node : graph.nodes) {
    const Operation op = graph.operation(node);
    node.kernel.clear();
    for (const Kernel& kernel : node.block->kernels) {
      if (!kernel.applies(op, context.core)) continue;
      node.kernel = kernel.name;
      node.scratch_bytes = kernel.lower(op, context.core).scratch_bytes;
      break;
    }
    if (!node.kernel.empty()) continue;
    std::string types;
    for (const Type* type : op.in)
      types += (types.empty() ? "" : ", ") + (type == nullptr ? "_" : type_text(*type));
    context.diagnostics.add(
        {.kind = Kind::no_kernel,
         .message = "no kernel of " + node.block->name + " takes (" + types + ") on " + context.core.name,
         .layer = node.origin + " `" + node.name + "`",
         .line = node_text(graph, node)});
  }
  return context.diagnostics.error_count() == before ? Status() : Status(kFailed);
}

}  // namespace nb
