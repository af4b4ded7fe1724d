// What makes an emitted program a folder that a stranger can build: its README.md and CMakeLists.txt.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "emit/emit.h"

namespace nb {

/// Memories outside the part that hold something of the program; empty: nothing.
struct OuterMemories {
  std::string weights, arena;
};

/// Adds README.md and CMakeLists.txt to the program's files. `compile_words` is the compiler with its flags
/// for the board. Pure, as emit_program.
[[nodiscard]] Status add_project_files(Program& program, const Graph& graph,
                                       std::span<const std::string> compile_words, const OuterMemories& outer,
                                       Diagnostics& diagnostics);

}  // namespace nb
