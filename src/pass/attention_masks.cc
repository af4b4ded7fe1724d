#include "pass/attention_masks.h"

#include <algorithm>

#include "quantize/channel_line.h"

namespace nb {
namespace {

/// How many queries and keys.
std::pair<std::int64_t, std::int64_t> score_sizes(const ScoreMask& mask) {
  const std::int64_t rows = mask.scores[mask.scores.size() - 2], columns = mask.scores.back();
  return mask.is_turned ? std::pair(columns, rows) : std::pair(rows, columns);
}

/// The keys that each query sees, one run each; absent if a query sees none or not a run, or a score that
/// stays is changed.
struct Run {
  std::int64_t first, last;
};
std::optional<std::vector<Run>> runs_of(const Graph& graph, const ScoreMask& mask) {
  const Value& value = graph.at(mask.value);
  Shape shape = value.type.shape;
  shape.insert(shape.begin(), 2 - std::min<std::size_t>(2, shape.size()), 1);
  const auto [queries, keys] = score_sizes(mask);
  const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
  if (element_count(shape) != rows * columns || element_count(shape) == 0) return std::nullopt;
  const std::vector<double> values = to_doubles({value.type, *value.data});
  const bool is_added = is_float(value.type.dtype);
  std::vector<Run> runs;
  for (std::int64_t i = 0; i < queries; ++i) {
    Run run{-1, -1};
    for (std::int64_t j = 0; j < keys; ++j) {
      const std::int64_t row = mask.is_turned ? j : i, column = mask.is_turned ? i : j;
      const double x =
          values[static_cast<std::size_t>((rows == 1 ? 0 : row) * columns + (columns == 1 ? 0 : column))];
      const bool is_hidden = is_added ? x <= kHidden : (x != 0) == mask.hides;
      if (is_hidden) continue;
      if (is_added && x != 0) return std::nullopt;
      if (run.first < 0) run.first = j;
      if (run.last >= 0 && run.last != j - 1) return std::nullopt;
      run.last = j;
    }
    if (run.first < 0) return std::nullopt;
    runs.push_back(run);
  }
  return runs;
}

}  // namespace

bool becomes_window(const Graph& graph, const ScoreMask& mask, AttentionAttrs& attributes) {
  if (!graph.is_constant(mask.value)) return false;
  const auto runs = runs_of(graph, mask);
  if (!runs) return false;
  // Query i sees the keys from i - before to i + behind.
  std::optional<std::int64_t> before, behind;
  const std::int64_t last_key = score_sizes(mask).second - 1,
                     queries = static_cast<std::int64_t>(runs->size());
  for (std::int64_t i = 0; i < queries; ++i) {
    const Run& run = (*runs)[static_cast<std::size_t>(i)];
    if (run.first > 0 && !before) before = i - run.first;
    if (run.last < last_key && !behind) behind = run.last - i;
  }
  for (std::int64_t i = 0; i < queries; ++i) {
    const Run& run = (*runs)[static_cast<std::size_t>(i)];
    if (run.first != (before ? std::max<std::int64_t>(0, i - *before) : 0) ||
        run.last != (behind ? std::min(last_key, i + *behind) : last_key))
      return false;
  }
  if (!before && !behind) return true;
  if (attributes.left >= 0 || attributes.right >= 0) return false;
  // With the place of the last key that query 0 sees as its own.
  attributes.offset = behind ? *behind : std::max<std::int64_t>(0, -*before);
  if (behind) attributes.right = 0;
  if (before) attributes.left = attributes.offset + *before;
  return true;
}

std::vector<ScoreMask> parts_of(const Pattern& pattern, const ScoreMask& mask) {
  std::vector<ScoreMask> open = {mask}, parts;
  while (!open.empty() && open.size() + parts.size() < 8) {
    ScoreMask part = open.back();
    open.pop_back();
    const Node* node = pattern.maker(part.value);
    const std::string_view block = node == nullptr ? std::string_view() : node->block->name;
    if (block == "where" && is_float(pattern.type(part.value).dtype) &&
        pattern.type(node->inputs[0]).shape == pattern.type(part.value).shape) {
      const auto a = pattern.number(node->inputs[1]), b = pattern.number(node->inputs[2]);
      if (a && b && (*a == 0 || *b == 0) && std::min(*a, *b) <= kHidden) {
        part.value = node->inputs[0];
        part.hides = *b == 0;
        part.fill = std::min(*a, *b);
        open.push_back(std::move(part));
        continue;
      }
    }
    if (block == "add" && is_float(pattern.type(part.value).dtype) && !is_bounded(*node)) {
      for (const ValueId id : node->inputs) {
        part.value = id;
        open.push_back(part);
      }
      continue;
    }
    if (block == "logical_not" || block == (part.hides ? "logical_or" : "logical_and")) {
      part.hides = part.hides != (block == "logical_not");
      for (const ValueId id : node->inputs) {
        part.value = id;
        open.push_back(part);
      }
      continue;
    }
    parts.push_back(std::move(part));
  }
  return open.empty() ? parts : std::vector{mask};
}

}  // namespace nb
