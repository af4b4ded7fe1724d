// The memory planner on random graphs: what it places is played through byte by byte.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "blocks/blocks.h"
#include "pass/pass.h"
#include "target/board.h"

namespace nb {
namespace {

constexpr std::int64_t kAlignment = 16;

/// A graph of random nodes: elementwise ones that may run in place, views, joins, convolutions with scratch.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {
    for (int i = below(2) + 1; i > 0; --i) graph.inputs.push_back(add_value(Source::input, below(24) + 1));
    const int nodes = below(36) + 2;
    for (int i = 0; i < nodes; ++i) add_node();
    const std::vector<int> uses = graph.use_counts();
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      const bool is_made = graph.values[v].source == Source::node;
      if (is_made && (uses[v] == 0 || below(12) == 0)) graph.outputs.push_back(ValueId(v));
    }
    graph.name = "random";
  }

  Graph graph;

 private:
  int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }

  /// An image of 4 x 4 with that many channels.
  ValueId add_value(Source source, std::int64_t channels) {
    const ValueId id =
        graph.add_value({"v", {DType::i8, {1, 4, 4, channels}, Quantization{{0.5f}, {0}}}, source});
    images_.push_back(id);
    return id;
  }

  /// An image made before, mostly a late one.
  ValueId pick() {
    const int count = static_cast<int>(images_.size());
    const int back = below(3) == 0 ? below(count) : below(std::min(count, 3));
    return images_[static_cast<std::size_t>(count - 1 - back)];
  }

  void connect(const char* block, Attributes attributes, std::vector<ValueId> inputs, std::int64_t channels) {
    const ValueId y = add_value(Source::node, channels);
    graph.nodes.push_back({all_blocks().find(block),
                           std::move(attributes),
                           std::move(inputs),
                           {y},
                           "n" + std::to_string(y.index()),
                           ""});
  }

  void add_node() {
    const ValueId x = pick();
    const std::int64_t channels = graph.at(x).type.shape[3];
    const auto attributes = [&](const char* block, std::string_view name = {}, const std::string& text = {}) {
      const Block* found = all_blocks().find(block);
      Attributes made = found->attributes.make();
      if (!name.empty()) REQUIRE(found->attributes.set(made, name, text));
      return made;
    };
    switch (below(6)) {
      case 0:
        return connect("relu", attributes("relu"), {x}, channels);
      case 1: {
        for (const ValueId other : images_)
          if (other != x && graph.at(other).type.shape[3] == channels)
            return connect("add", attributes("add"), {x, other}, channels);
        return connect("add", attributes("add"), {x, x}, channels);
      }
      case 2:
        return connect("reshape", attributes("reshape", "shape", "[1,4,4," + std::to_string(channels) + "]"),
                       {x}, channels);
      case 3: {
        const ValueId other = pick();
        const std::int64_t sum = channels + graph.at(other).type.shape[3];
        if (sum > 200) return connect("abs", attributes("abs"), {x}, channels);
        return connect("concat", attributes("concat", "axis", "3"), {x, other}, sum);
      }
      case 4: {
        const std::int64_t outputs = below(24) + 1;
        Type type{DType::i8, {outputs, 1, 1, channels}, Quantization{{0.25f}, {0}}};
        const ValueId w = graph.add_constant("w", make_tensor(type));
        return connect("conv2d", attributes("conv2d"), {x, w}, outputs);
      }
      default:
        return connect("sigmoid", attributes("sigmoid"), {x}, channels);
    }
  }

  std::mt19937 random_;
  std::vector<ValueId> images_;
};

struct Interval {
  std::int64_t begin, end;
  [[nodiscard]] bool overlaps(const Interval& other) const { return begin < other.end && other.begin < end; }
};

Interval place_of(const Value& value) {
  return {value.arena_offset, value.arena_offset + value.type.size_bytes()};
}

/// Runs the graph on an arena whose bytes only say whose they are; what is wrong, or nothing.
std::string play(const Graph& graph, const Core& core) {
  std::vector<int> arena(static_cast<std::size_t>(graph.arena_bytes), -1);
  std::vector<int> content(graph.values.size());  // a view has its operand's
  std::iota(content.begin(), content.end(), 0);
  const auto write = [&](const Interval& place, int what) {
    std::fill(arena.begin() + place.begin, arena.begin() + place.end, what);
  };
  const auto holds = [&](ValueId id) {
    const Interval place = place_of(graph.at(id));
    return std::all_of(arena.begin() + place.begin, arena.begin() + place.end,
                       [&](int what) { return what == content[id.index()]; });
  };
  for (const Value& value : graph.values)
    if (value.source != Source::constant && (value.arena_offset < 0 || value.arena_offset % kAlignment != 0 ||
                                             place_of(value).end > graph.arena_bytes))
      return value.name + " lies outside the arena or unaligned";
  for (const ValueId id : graph.inputs) write(place_of(graph.at(id)), content[id.index()]);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const std::string name = "node " + std::to_string(n) + " (" + node.block->name + ")";
    for (const ValueId id : node.inputs)
      if (graph.at(id).source != Source::constant && !holds(id)) return name + " reads what is overwritten";
    const Lowered lowered = kernel_of(node)->lower(graph.operation(node), core);
    const ValueId result = node.outputs[0];
    const Interval out = place_of(graph.at(result));
    if (lowered.function.empty()) {
      const Interval in = place_of(graph.at(node.inputs[0]));
      if (in.begin == out.begin)
        content[result.index()] = content[node.inputs[0].index()];
      else if (in.overlaps(out))
        return name + " is a view that half overlaps";
      write(out, content[result.index()]);
      continue;
    }
    const Interval scratch{node.scratch_offset, node.scratch_offset + node.scratch_bytes};
    if (node.scratch_bytes > 0) {
      if (scratch.begin < 0 || scratch.begin % kAlignment != 0 || scratch.end > graph.arena_bytes)
        return name + " has scratch outside the arena or unaligned";
      write(scratch, -2);
      if (scratch.overlaps(out)) return name + " has scratch in its output";
    }
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (graph.at(node.inputs[i]).source == Source::constant) continue;
      if (!holds(node.inputs[i])) return name + " has scratch in its input";
      const Interval in = place_of(graph.at(node.inputs[i]));
      if (!in.overlaps(out)) continue;
      const bool may = std::find(lowered.in_place.begin(), lowered.in_place.end(),
                                 std::pair<std::size_t, std::size_t>(i, 0)) != lowered.in_place.end();
      if (!may || in.begin != out.begin) return name + " overwrites its input " + std::to_string(i);
    }
    write(out, content[result.index()]);
  }
  for (const ValueId id : graph.outputs)
    if (!holds(id)) return "output " + graph.at(id).name + " is overwritten";
  return {};
}

/// Each value and scratch in a place of its own, the largest first, each in the lowest gap of those alive
/// with it.
std::int64_t greedy_by_size(const Graph& graph) {
  struct Item {
    std::int64_t size, offset;
    int first, last;
  };
  const int end = static_cast<int>(graph.nodes.size());
  std::vector<int> first(graph.values.size(), -1), last(graph.values.size(), -1);
  for (int n = 0; n < end; ++n) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    for (const ValueId id : node.inputs) last[id.index()] = n;
    for (const ValueId id : node.outputs) first[id.index()] = last[id.index()] = n;
  }
  for (const ValueId id : graph.outputs) last[id.index()] = end;
  const auto aligned = [](std::int64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; };
  std::vector<Item> items;
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    if (graph.values[v].source != Source::constant)
      items.push_back({aligned(graph.values[v].type.size_bytes()), 0, first[v], last[v]});
  for (int n = 0; n < end; ++n)
    if (const std::int64_t size = graph.nodes[static_cast<std::size_t>(n)].scratch_bytes; size > 0)
      items.push_back({aligned(size), 0, n, n});
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.size > b.size; });
  std::vector<Item> placed;
  std::int64_t total = 0;
  for (Item& item : items) {
    std::sort(placed.begin(), placed.end(), [](const Item& a, const Item& b) { return a.offset < b.offset; });
    for (const Item& other : placed) {
      if (other.last < item.first || item.last < other.first) continue;
      if (other.offset - item.offset >= item.size) break;
      item.offset = std::max(item.offset, other.offset + other.size);
    }
    placed.push_back(item);
    total = std::max(total, item.offset + item.size);
  }
  return total;
}

}  // namespace

TEST_CASE("plan-memory: no live byte is overwritten, and no more memory than greedy by size") {
  std::int64_t planned = 0, greedy = 0;
  for (const std::string_view board_name : {"cortex-m0", "cortex-m4f", "cortex-m55"}) {
    Diagnostics diagnostics;
    const auto board = find_board(board_name, diagnostics);
    REQUIRE(board);
    for (unsigned seed = 0; seed < 150; ++seed) {
      Graph graph = RandomGraph(seed).graph;
      graph.phase = Phase::simplified;
      PassContext context{all_blocks(), board->core, diagnostics};
      REQUIRE_MESSAGE(verify(graph, diagnostics), "seed ", seed, ": ",
                      diagnostics.all().empty() ? "" : diagnostics.all()[0].message);
      REQUIRE(select_kernels(graph, context));
      graph.phase = Phase::lowered;
      REQUIRE(plan_memory(graph, context));
      graph.phase = Phase::planned;
      CHECK(verify(graph, diagnostics));
      CHECK_MESSAGE(play(graph, board->core) == "", "seed ", seed);
      const std::int64_t bound = greedy_by_size(graph);
      CHECK_MESSAGE(graph.arena_bytes <= bound, "seed ", seed);
      planned += graph.arena_bytes;
      greedy += bound;
    }
  }
  MESSAGE("arenas of 450 graphs: ", planned, " bytes; greedy by size: ", greedy);
}

}  // namespace nb
