#include "quantize/element_flow.h"

#include <algorithm>
#include <cmath>

#include "quantize/channel_line.h"
#include "quantize/interpret.h"

namespace nb {
namespace {

constexpr int kMostRuns = 4096;  // until states hold nothing of before the first

bool is_f32(const Graph& graph, ValueId id) { return graph.at(id).type.dtype == DType::f32; }

/// Which values are reached, and through which nodes.
struct Reach {
  std::vector<bool> values, nodes;
};

bool is_through(const Graph& graph, const Node& node, const std::vector<bool>& is_reached) {
  bool reads_one = false;
  for (const ValueId id : node.inputs) {
    if (!id.is_present() || graph.is_constant(id)) continue;
    if (!is_reached[id.index()]) return false;
    reads_one = true;
  }
  return reads_one &&
         std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId y) { return is_f32(graph, y); });
}

Reach reach_of(const Graph& graph, const std::vector<Labelled>& roots,
               const std::function<bool(const Node&)>& passes) {
  std::vector<bool> can_hold(graph.values.size(), false);
  for (const ValueId id : graph.kept) can_hold[id.index()] = is_f32(graph, id);
  // A state holds elements if its next contents do; all do until one is seen not to.
  for (;;) {
    Reach reach{can_hold, std::vector<bool>(graph.nodes.size(), false)};
    for (const auto& [id, labels] : roots) reach.values[id.index()] = true;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      if (!passes(node) || !is_through(graph, node, reach.values)) continue;
      reach.nodes[n] = true;
      for (const ValueId y : node.outputs) reach.values[y.index()] = true;
    }
    bool is_stable = true;
    for (std::size_t i = 0; i < graph.kept.size(); ++i) {
      const std::size_t state = graph.kept[i].index();
      if (!can_hold[state] || reach.values[graph.next_contents()[i].index()]) continue;
      can_hold[state] = is_stable = false;
    }
    if (is_stable) return reach;
  }
}

/// The reached part alone, its roots as inputs.
Graph part_of(const Graph& graph, const std::vector<Labelled>& roots, const Reach& reach) {
  Graph part;
  part.values.resize(graph.values.size());
  const auto copy = [&](ValueId id) {
    part.at(id).type = graph.at(id).type;
    part.at(id).source = graph.at(id).source;
    part.at(id).data = graph.at(id).data;
  };
  for (Value& value : part.values) value.type = {DType::f32, {0}};
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!reach.nodes[n]) continue;
    part.nodes.push_back(graph.nodes[n]);
    for (const auto* ids : {&graph.nodes[n].inputs, &graph.nodes[n].outputs})
      for (const ValueId id : *ids)
        if (id.is_present()) copy(id);
  }
  for (const auto& [id, labels] : roots) {
    copy(id);
    part.at(id).source = Source::input;
    part.inputs.push_back(id);
  }
  for (std::size_t i = 0; i < graph.kept.size(); ++i) {
    if (!reach.values[graph.kept[i].index()]) continue;
    copy(graph.kept[i]);
    part.kept.push_back(graph.kept[i]);
    part.outputs.push_back(graph.next_contents()[i]);
  }
  return part;
}

/// Labels as the numbers that `number` gives them.
template <class F>
Bytes inputs_of(const std::vector<Labelled>& roots, F number) {
  std::vector<float> numbers;
  for (const auto& [id, labels] : roots)
    for (const std::int32_t label : labels) numbers.push_back(number(label));
  return to_bytes(std::span<const float>(numbers));
}

/// Runs the reached part twice with numbers for labels, label + 1 and `other`'s: what is both is that label.
template <class F>
ElementFlow follow(const Graph& graph, const std::vector<Labelled>& roots,
                   const std::function<bool(const Node&)>& passes, F other) {
  const Reach reach = reach_of(graph, roots, passes);
  const Graph part = part_of(graph, roots, reach);
  Interpreter one(part), two(part);
  const Bytes first = inputs_of(roots, [](std::int32_t label) { return static_cast<float>(label + 1); }),
              second = inputs_of(roots, other);
  bool is_stable = false;
  for (int run = 0; run < kMostRuns && !is_stable; ++run) {
    std::vector<std::vector<float>> before, after;
    for (const ValueId id : part.kept) before.push_back(one.reals(id));
    one.run(first);
    two.run(second);
    for (const ValueId id : part.kept) after.push_back(one.reals(id));
    is_stable = before == after;
  }
  ElementFlow flow{std::vector<std::vector<std::int32_t>>(graph.values.size()), reach.nodes};
  if (!is_stable) {
    flow.is_through.assign(graph.nodes.size(), false);
    for (const auto& [id, list] : roots) flow.of[id.index()] = list;
    return flow;
  }
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (!reach.values[v] || graph.is_constant(ValueId(v))) continue;
    const auto a = one.view(ValueId(v)).as<float>(), b = two.view(ValueId(v)).as<float>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool is_whole = a[i] >= 1 && a[i] <= static_cast<float>(kMostLabels) && a[i] == std::floor(a[i]);
      const std::int32_t label = is_whole ? static_cast<std::int32_t>(a[i]) - 1 : 0;
      flow.of[v].push_back(is_whole && b[i] == other(label) ? label
                           : a[i] == 0 && b[i] == 0         ? ElementFlow::kZero
                                                            : ElementFlow::kOther);
    }
  }
  return flow;
}

}  // namespace

ElementFlow::Columns ElementFlow::columns(const Graph& graph, ValueId id) const {
  const std::vector<std::int32_t>& labels = of[id.index()];
  const Shape& shape = graph.at(id).type.shape;
  if (labels.empty() || shape.empty()) return {};
  const auto width = static_cast<std::size_t>(shape.back());
  Columns columns{std::vector<std::int32_t>(width, kZero)};
  std::vector<bool> has_zero(width, false);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::int32_t& label = columns.labels[i % width];
    if (labels[i] == kOther || (labels[i] >= 0 && label >= 0 && label != labels[i])) return {};
    if (labels[i] == kZero) has_zero[i % width] = true;
    label = std::max(label, labels[i]);
  }
  for (std::size_t c = 0; c < width; ++c) columns.sees_zeros |= has_zero[c] && columns.labels[c] >= 0;
  return columns;
}

ElementFlow follow_moves(const Graph& graph, const std::vector<Labelled>& roots) {
  const auto moves = [&](const Node& node) {
    return node.block->quantized_form(graph.operation(node)) == QuantizedForm::moves;
  };
  return follow(graph, roots, moves, [](std::int32_t label) { return -static_cast<float>(label + 1); });
}

ElementFlow follow_multiples(const Graph& graph, const std::vector<Labelled>& roots) {
  std::int32_t count = 0;
  for (const auto& [id, list] : roots)
    for (const std::int32_t label : list) count = std::max(count, label + 1);
  const auto passes = [&](const Node& node) {
    const std::string& block = node.block->name;
    return !is_bounded(node) &&
           (node.block->quantized_form(graph.operation(node)) == QuantizedForm::moves ||
            block == "leaky_relu" || block == "prelu" || block == "average_pool2d" || block == "reduce_mean");
  };
  // Falling and bent: neither the largest nor the mean of several labels is one in both.
  return follow(graph, roots, passes, [&](std::int32_t label) {
    const auto from_end = static_cast<float>(count - label);
    return from_end * from_end;
  });
}

}  // namespace nb
