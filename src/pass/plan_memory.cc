// plan-memory: one arena for inputs, outputs, state, values in between and scratch.
// Views and in-place kernels share their operand's place; what remains is packed by size, lifetime and
// position, and the best packing is kept, so that the result is never above greedy-by-size.
#include <algorithm>
#include <numeric>

#include "pass/pass.h"

namespace nb {
namespace {

constexpr std::int64_t kAlignment = 16;
std::int64_t aligned(std::int64_t size_bytes) {
  return (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Something that needs bytes from step `first` to step `last`, both included.
struct Item {
  std::int64_t size_bytes = 0;
  int first = 0, last = 0;
  std::int64_t offset = -1;
};

/// Values that lie in one place: found by root.
class Places {
 public:
  explicit Places(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t into, std::size_t from) { parent_[root(from)] = root(into); }

 private:
  std::vector<std::size_t> parent_;
};

/// First fit in the given order; the arena's size.
std::int64_t pack(std::vector<Item>& items, const std::vector<std::size_t>& order) {
  std::int64_t total = 0;
  std::vector<std::size_t> placed, by_offset;
  for (const std::size_t i : order) {
    Item& item = items[i];
    by_offset.clear();
    for (const std::size_t j : placed)
      if (items[j].first <= item.last && item.first <= items[j].last) by_offset.push_back(j);
    std::sort(by_offset.begin(), by_offset.end(),
              [&](auto a, auto b) { return items[a].offset < items[b].offset; });
    std::int64_t at = 0;
    for (const std::size_t j : by_offset) {
      if (items[j].offset - at >= item.size_bytes) break;
      at = std::max(at, items[j].offset + items[j].size_bytes);
    }
    item.offset = at;
    total = std::max(total, at + item.size_bytes);
    placed.push_back(i);
  }
  return total;
}

/// The best of several orders; offsets are left in `items`.
std::int64_t pack_best(std::vector<Item>& items) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto by = [&](auto key) {
    std::vector<std::size_t> sorted = order;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](auto a, auto b) { return key(items[a]) > key(items[b]); });
    return sorted;
  };
  std::vector<std::vector<std::size_t>> orders = {
      by([](const Item& i) { return i.size_bytes; }),
      by([](const Item& i) { return i.size_bytes * (i.last - i.first + 1); }),
      by([](const Item& i) { return std::int64_t{i.last - i.first}; }),
      by([](const Item& i) { return -std::int64_t{i.first}; }),
      by([](const Item& i) { return std::int64_t{i.last}; }),
  };
  // The load of each step: items that matter at the fullest step come first.
  int steps = 0;
  for (const Item& item : items) steps = std::max(steps, item.last + 2);
  std::vector<std::int64_t> load(static_cast<std::size_t>(steps + 1), 0);
  for (const Item& item : items)
    for (int s = item.first; s <= item.last; ++s) load[static_cast<std::size_t>(s + 1)] += item.size_bytes;
  const auto peak_of = [&](const Item& item) {
    std::int64_t peak = 0;
    for (int s = item.first; s <= item.last; ++s)
      peak = std::max(peak, load[static_cast<std::size_t>(s + 1)]);
    return peak;
  };
  orders.push_back(
      by([&](const Item& i) { return peak_of(i) * 4096 + std::min<std::int64_t>(i.size_bytes / 16, 4095); }));
  const std::int64_t bound = *std::max_element(load.begin(), load.end());

  std::int64_t best = -1;
  std::vector<Item> kept;
  const auto attempt = [&](const std::vector<std::size_t>& tried) {
    const std::int64_t total = pack(items, tried);
    if (best >= 0 && total >= best) return false;
    best = total;
    kept = items;
    return true;
  };
  std::vector<std::size_t> best_order = orders[0];
  for (const auto& tried : orders)
    if (attempt(tried)) best_order = tried;
  // Small graphs: try exchanging pairs of the best order until the lower bound is met or nothing helps.
  if (items.size() <= 120) {
    for (bool improved = true; improved && best > bound;) {
      improved = false;
      for (std::size_t i = 0; i < best_order.size() && !improved && best > bound; ++i)
        for (std::size_t j = i + 1; j < best_order.size() && !improved; ++j) {
          std::vector<std::size_t> tried = best_order;
          std::swap(tried[i], tried[j]);
          if ((improved = attempt(tried))) best_order = std::move(tried);
        }
    }
  }
  items = std::move(kept);
  return std::max<std::int64_t>(best, 0);
}

/// Whether node `index` reads the state once and can write its result over it.
bool makes_in_place(const Graph& graph, int index, ValueId state, ValueId result, const Core& core) {
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  const Lowered lowered = kernel_of(node)->lower(graph.operation(node), core);
  return std::count(node.inputs.begin(), node.inputs.end(), state) == 1 &&
         std::any_of(lowered.in_place.begin(), lowered.in_place.end(), [&](const auto& pair) {
           return node.inputs[pair.first] == state && node.outputs[pair.second] == result;
         });
}

}  // namespace

Status plan_memory(Graph& graph, PassContext& context) {
  const int end = static_cast<int>(graph.nodes.size());
  std::vector<int> last_use(graph.values.size(), -1);
  for (int i = 0; i < end; ++i)
    for (const ValueId id : graph.nodes[static_cast<std::size_t>(i)].inputs)
      if (id.is_present()) last_use[id.index()] = i;
  for (const ValueId id : graph.outputs) last_use[id.index()] = end;

  // Join views and in-place results with their operand.
  Places places(graph.values.size());
  std::vector<int> place_last = last_use;
  const auto is_movable = [&](ValueId id) {
    return id.is_present() && (graph.at(id).source == Source::node || graph.at(id).source == Source::input);
  };
  const auto join = [&](ValueId operand, ValueId result) {
    const int last = std::max(place_last[places.root(operand.index())], last_use[result.index()]);
    places.join(operand.index(), result.index());
    place_last[places.root(operand.index())] = last;
  };
  for (int i = 0; i < end; ++i) {
    const Node& node = graph.nodes[static_cast<std::size_t>(i)];
    const Lowered lowered = kernel_of(node)->lower(graph.operation(node), context.core);
    if (lowered.function.empty()) {
      if (is_movable(node.inputs[0])) join(node.inputs[0], node.outputs[0]);
      continue;
    }
    std::vector<std::size_t> taken;
    for (const auto& [in, out] : lowered.in_place) {
      const ValueId operand = node.inputs[in], result = node.outputs[out];
      if (!is_movable(operand) || places.root(result.index()) != result.index()) continue;
      const std::size_t root = places.root(operand.index());
      // The place is free for the result if nobody reads any of its values later, and no other result took
      // it.
      if (place_last[root] > i || std::find(taken.begin(), taken.end(), root) != taken.end()) continue;
      const auto lies_there = [&](ValueId id) { return id.is_present() && places.root(id.index()) == root; };
      if (lowered.in_place_alone && std::count_if(node.inputs.begin(), node.inputs.end(), lies_there) > 1)
        continue;
      if (graph.at(result).type.size_bytes() > graph.at(operand).type.size_bytes()) continue;
      taken.push_back(root);
      join(operand, result);
    }
  }

  // State first, for good; then one item a place and one a scratch.
  std::int64_t state_bytes = 0;
  for (Value& value : graph.values) {
    value.arena_offset = -1;
    if (value.source != Source::state) continue;
    value.arena_offset = state_bytes;
    state_bytes += aligned(value.type.size_bytes());
  }
  std::vector<Item> items;
  std::vector<std::size_t> item_of(graph.values.size(), SIZE_MAX);
  const auto cover = [&](ValueId id, int step) {
    const std::size_t root = places.root(id.index());
    if (item_of[root] == SIZE_MAX) {
      item_of[root] = items.size();
      items.push_back({0, step, step});
    }
    Item& item = items[item_of[root]];
    item.first = std::min(item.first, step);
    item.last = std::max({item.last, step, last_use[id.index()]});
    item.size_bytes = std::max(item.size_bytes, aligned(graph.at(id).type.size_bytes()));
  };
  for (const ValueId id : graph.inputs) cover(id, -1);
  std::vector<std::size_t> scratch_item(graph.nodes.size(), SIZE_MAX);
  for (int i = 0; i < end; ++i) {
    const Node& node = graph.nodes[static_cast<std::size_t>(i)];
    for (const ValueId id : node.outputs) cover(id, i);
    if (node.scratch_bytes == 0) continue;
    scratch_item[static_cast<std::size_t>(i)] = items.size();
    items.push_back({aligned(node.scratch_bytes), i, i});
  }
  // The next contents of a state are made in its own place where nobody reads the state any more.
  std::vector<std::int64_t> settled(items.size(), -1);
  for (std::size_t k = 0; k < graph.kept.size(); ++k) {
    const ValueId state = graph.kept[k], next = graph.next_contents()[k];
    const std::size_t root = places.root(next.index());
    Item& item = items[item_of[root]];
    const std::span<const ValueId> shown = graph.public_outputs();
    if (item.first < 0 || item.size_bytes != aligned(graph.at(state).type.size_bytes()) ||
        std::any_of(shown.begin(), shown.end(),
                    [&](ValueId id) { return places.root(id.index()) == root; }) ||
        last_use[state.index()] > item.first ||
        (last_use[state.index()] == item.first &&
         !makes_in_place(graph, item.first, state, next, context.core)))
      continue;
    item.size_bytes = 0;
    settled[item_of[root]] = graph.at(state).arena_offset;
  }
  const std::int64_t total = pack_best(items);
  for (std::size_t i = 0; i < items.size(); ++i)
    items[i].offset = settled[i] >= 0 ? settled[i] : state_bytes + items[i].offset;
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    if (graph.values[v].arena_offset < 0 && graph.values[v].source != Source::constant)
      graph.values[v].arena_offset = items[item_of[places.root(v)]].offset;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    graph.nodes[i].scratch_offset = scratch_item[i] == SIZE_MAX ? -1 : items[scratch_item[i]].offset;
  graph.state_bytes = state_bytes;
  graph.arena_bytes = state_bytes + total;
  return {};
}

}  // namespace nb
