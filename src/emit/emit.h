// A planned graph as a C++ program: a header with the C API, one call a layer, weights in tables, the block
// headers that they use.
#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"
#include "target/core.h"

namespace nb {

/// One file of the program, by its path in the output folder.
struct EmittedFile {
  std::string path;
  std::string content;
};

/// What was emitted, and what a caller must know to use it.
struct Program {
  std::string name;   ///< the C prefix: "kws"
  std::string macro;  ///< its upper-case twin: "KWS"
  std::string entry;  ///< the C function that computes: "kws_run", or "kws_step" of a model with state
  std::vector<EmittedFile> files;
  std::string header;  ///< path of the API's header
  std::vector<std::string> sources;
  std::int64_t constant_bytes = 0;  ///< in the weight tables
  std::int64_t far_bytes = 0;       ///< of them, in section `.nb_weights`
};

/// Layers whose constants are put into section `.nb_weights`, for a memory of their own: by name; "*": all.
using FarLayers = std::vector<std::string>;

/// Emits the planned graph for the core. Pure: the same graph and layers give the same bytes. Errors: usage,
/// for a layer that there is none of.
[[nodiscard]] Result<Program> emit_program(const Graph& graph, const Core& core, Diagnostics& diagnostics,
                                           const FarLayers& far_layers = {});

}  // namespace nb
