#include "pass/pattern.h"

#include <algorithm>
#include <cmath>

#include "quantize/channel_line.h"

namespace nb {

Pattern::Pattern(const Graph& graph)
    : graph_(graph),
      made_by_(graph.producers()),
      uses_(graph.use_counts()),
      last_user_(graph.values.size(), -1),
      is_quantized_later_(graph.values.size(), false) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (const ValueId id : node.inputs)
      if (id.is_present()) last_user_[id.index()] = static_cast<int>(i);
    if (node.block->name == "quantize") is_quantized_later_[node.inputs[0].index()] = true;
  }
}

const Node* Pattern::maker(ValueId id) const {
  if (!id.is_present() || id.index() >= made_by_.size() || made_by_[id.index()] < 0) return nullptr;
  return &graph_.nodes[static_cast<std::size_t>(made_by_[id.index()])];
}

const Node* Pattern::maker(ValueId id, std::string_view block) const {
  const Node* node = maker(id);
  return node != nullptr && node->block->name == block && !is_bounded(*node) ? node : nullptr;
}

std::optional<double> Pattern::number(ValueId id) const {
  if (!graph_.is_constant(id) || type(id).dtype != DType::f32 || type(id).elements() == 0)
    return std::nullopt;
  const auto [entry, is_new] = numbers_.try_emplace(id.index());
  if (is_new) {
    const Value& value = graph_.at(id);
    const std::span<const float> all{reinterpret_cast<const float*>(value.data->data()),
                                     static_cast<std::size_t>(value.type.elements())};
    if (std::all_of(all.begin(), all.end(), [&](float x) { return x == all[0]; }))
      entry->second = static_cast<double>(all[0]);
  }
  return entry->second;
}

std::optional<std::pair<ValueId, double>> Pattern::with_number(const Node& node) const {
  for (const std::size_t i : {1u, 0u})
    if (const auto n = number(node.inputs[i])) return std::pair{node.inputs[1 - i], *n};
  return std::nullopt;
}

ValueId Pattern::before_reshapes(ValueId id, std::vector<const Node*>& passed) const {
  for (const Node* node = maker(id); node != nullptr; node = maker(id)) {
    if (node->block->name != "reshape" && node->block->name != "identity") break;
    passed.push_back(node);
    id = node->inputs[0];
  }
  return id;
}

const Node* Pattern::only_user(ValueId id) const {
  const int user = uses_[id.index()] == 1 ? last_user_[id.index()] : -1;
  return user < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(user)];
}

bool Pattern::is_dequantized(ValueId id) const {
  const Node* node = maker(id);
  return node != nullptr && node->block->name == "dequantize";
}

bool Pattern::can_replace(const std::vector<const Node*>& nodes, const Node& last) const {
  std::unordered_set<const Node*> group(nodes.begin(), nodes.end());
  group.insert(&last);
  std::unordered_map<std::size_t, int> inside;
  for (const Node* node : group)
    for (const ValueId id : node->inputs) {
      if (!id.is_present()) continue;
      ++inside[id.index()];
      if (is_dequantized(id)) return false;
    }
  for (const Node* node : group)
    for (const ValueId id : node->outputs) {
      if (is_quantized_later_[id.index()]) return false;
      if (node != &last && uses_[id.index()] != inside[id.index()]) return false;
    }
  return true;
}

bool is_nearly(double a, double b) { return std::fabs(a - b) <= 1e-5 * std::max(std::fabs(a), std::fabs(b)); }

}  // namespace nb
