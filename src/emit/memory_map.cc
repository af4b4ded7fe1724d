#include "emit/memory_map.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::int64_t kBarColumns = 32;

std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

/// '#' in the columns that the row touches.
std::string bar(const ArenaRow& row, std::int64_t arena_bytes) {
  std::string text;
  for (std::int64_t c = 0; c < kBarColumns; ++c) {
    const std::int64_t begin = c * arena_bytes / kBarColumns;
    const std::int64_t end = std::max((c + 1) * arena_bytes / kBarColumns, begin + 1);
    text += row.offset_bytes < end && row.offset_bytes + row.size_bytes > begin ? '#' : '.';
  }
  return text;
}

}  // namespace

std::vector<ArenaRow> memory_map(const Graph& graph) {
  std::vector<ArenaRow> rows;
  const int end = static_cast<int>(graph.nodes.size());
  std::vector<int> first(graph.values.size(), -1), last(graph.values.size(), -1);
  for (int i = 0; i < end; ++i) {
    const Node& node = graph.nodes[static_cast<std::size_t>(i)];
    for (const ValueId id : node.outputs) first[id.index()] = i;
    for (const ValueId id : node.inputs)
      if (id.is_present()) last[id.index()] = i;
    if (node.scratch_bytes > 0)
      rows.push_back({"scratch of " + node.name, node.scratch_offset, node.scratch_bytes, i, i});
  }
  for (const ValueId id : graph.outputs) last[id.index()] = end;
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    const Value& value = graph.values[v];
    if (value.source == Source::constant) continue;
    if (value.source == Source::state)
      rows.push_back({"state " + value.name, value.arena_offset, value.type.size_bytes(), -1, end});
    else
      rows.push_back(
          {value.name, value.arena_offset, value.type.size_bytes(), first[v], std::max(last[v], first[v])});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ArenaRow& a, const ArenaRow& b) {
    return std::tie(a.first_layer, a.offset_bytes) < std::tie(b.first_layer, b.offset_bytes);
  });
  return rows;
}

std::vector<std::string> draw_memory_map(const Graph& graph) {
  const int end = static_cast<int>(graph.nodes.size());
  const auto layer = [&](int i) {
    return i < 0 ? std::string("in") : i >= end ? std::string("out") : std::to_string(i);
  };
  std::vector<std::string> lines = {"  offset    bytes  layers     the arena: " + grouped(graph.arena_bytes) +
                                    " bytes"};
  for (const ArenaRow& row : memory_map(graph))
    lines.push_back(right(std::to_string(row.offset_bytes), 8) + right(std::to_string(row.size_bytes), 9) +
                    right(layer(row.first_layer), 5) + ".." + layer(row.last_layer) +
                    std::string(4 - std::min<std::size_t>(layer(row.last_layer).size(), 4), ' ') + " |" +
                    bar(row, graph.arena_bytes) + "| " + row.name);
  return lines;
}

}  // namespace nb
