// Who lies where in the arena, and when: as rows, and drawn as text.
#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"

namespace nb {

/// A value, a state or a kernel's scratch in the arena. Layers count from 0 in the order of execution; the
/// caller writes inputs in "layer" -1 and reads outputs in the one behind the last.
struct ArenaRow {
  std::string name;
  std::int64_t offset_bytes = 0, size_bytes = 0;
  int first_layer = -1, last_layer = -1;
};

/// All of a planned graph's rows, by first layer, then offset.
[[nodiscard]] std::vector<ArenaRow> memory_map(const Graph& graph);

/// The map as lines of text: a heading, then for each row offset, bytes, layers, a bar that stands for the
/// whole arena, and the name.
[[nodiscard]] std::vector<std::string> draw_memory_map(const Graph& graph);

}  // namespace nb
