// quantize: makes integers of a float model's values (--quantize). Here nothing is decided: src/quantize/
// does.
#include "pass/pass.h"

namespace nb {

Status quantize(Graph& graph, PassContext& context) {
  if (!context.quantize.numbers) return {};
  auto made = quantized(graph, context.blocks, context.quantize, context.diagnostics);
  if (!made) return kFailed;
  graph = *std::move(made);
  return {};
}

}  // namespace nb
