#include "graph/graph.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace nb {

namespace {
constexpr std::array<std::string_view, 5> kPhaseNames = {"read", "simplified", "quantized", "lowered",
                                                         "planned"};
}

std::string_view phase_name(Phase phase) { return kPhaseNames[static_cast<std::size_t>(phase)]; }

std::optional<Phase> find_phase(std::string_view name) {
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i)
    if (kPhaseNames[i] == name) return static_cast<Phase>(i);
  return std::nullopt;
}

std::string Graph::unique_name(std::string wanted) const {
  if (wanted.empty()) wanted = "t";
  if (!names_.contains(wanted)) return wanted;
  for (int& n = names_[wanted];;) {
    std::string candidate = wanted + "_" + std::to_string(++n);
    if (!names_.contains(candidate)) return candidate;
  }
}

ValueId Graph::add_value(Value value) {
  value.name = unique_name(std::move(value.name));
  names_[value.name] = 0;
  values.push_back(std::move(value));
  return ValueId(values.size() - 1);
}

ValueId Graph::add_constant(std::string wanted, Tensor tensor) {
  return add_value({std::move(wanted), std::move(tensor.type), Source::constant,
                    std::make_shared<const Bytes>(std::move(tensor.data))});
}

Operation Graph::operation(const Node& node) const {
  Operation op{node.block, &node.attributes, {}, {}, {}, node.name, rounding};
  for (const ValueId id : node.inputs) {
    const Value* value = id.is_present() ? &at(id) : nullptr;
    op.in.push_back(value ? &value->type : nullptr);
    op.data.push_back(value && value->source == Source::constant ? value->data.get() : nullptr);
  }
  for (const ValueId id : node.outputs) op.out.push_back(&at(id).type);
  return op;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  for (Node& node : nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(outputs.begin(), outputs.end(), from, to);
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(values.size(), 0);
  for (const Node& node : nodes)
    for (const ValueId id : node.inputs)
      if (id.is_present()) ++counts[id.index()];
  for (const ValueId id : outputs) ++counts[id.index()];
  return counts;
}

std::vector<int> Graph::producers() const {
  std::vector<int> made_by(values.size(), -1);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const ValueId id : nodes[i].outputs) made_by[id.index()] = static_cast<int>(i);
  return made_by;
}

std::vector<ValueId> Graph::text_order() const {
  std::vector<ValueId> order;
  std::vector<bool> is_listed(values.size(), false);
  const auto list = [&](ValueId id) {
    if (!is_listed[id.index()]) order.push_back(id);
    is_listed[id.index()] = true;
  };
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].source == Source::constant || values[i].source == Source::state) list(ValueId(i));
  for (const ValueId id : inputs) list(id);
  for (const Node& node : nodes)
    for (const ValueId id : node.outputs) list(id);
  for (std::size_t i = 0; i < values.size(); ++i) list(ValueId(i));
  return order;
}

void Graph::remove_dead() {
  std::vector<bool> needed(values.size(), false);
  for (const ValueId id : outputs) needed[id.index()] = true;
  const auto writes_state = [&](const Node& node) {
    for (std::size_t i = 0; i < node.inputs.size() && i < node.block->inputs.size(); ++i)
      if (node.block->inputs[i].is_state && node.inputs[i].is_present()) return true;
    return false;
  };
  std::vector<Node> needed_nodes;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const bool is_needed = writes_state(*node) || std::any_of(node->outputs.begin(), node->outputs.end(),
                                                              [&](ValueId id) { return needed[id.index()]; });
    if (!is_needed) continue;
    for (const ValueId id : node->inputs)
      if (id.is_present()) needed[id.index()] = true;
    for (const ValueId id : node->outputs) needed[id.index()] = true;
    needed_nodes.push_back(std::move(*node));
  }
  std::reverse(needed_nodes.begin(), needed_nodes.end());
  nodes = std::move(needed_nodes);
  for (const ValueId id : inputs) needed[id.index()] = true;
  for (const ValueId id : kept) needed[id.index()] = true;

  std::vector<ValueId> renumbered(values.size());
  std::vector<Value> alive;
  names_.clear();
  for (const ValueId id : text_order()) {
    if (!needed[id.index()]) continue;
    Value& value = values[id.index()];
    renumbered[id.index()] = ValueId(alive.size());
    names_[value.name] = 0;
    alive.push_back(std::move(value));
  }
  values = std::move(alive);
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids)
      if (id.is_present()) id = renumbered[id.index()];
  };
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(inputs);
  renumber(outputs);
  renumber(kept);
}

namespace {
/// Calls use(type) for each constant, equal ones once.
template <class F>
void each_constant(const std::vector<Value>& values, F use) {
  std::set<std::pair<DType, std::string_view>> tables;
  for (const Value& value : values) {
    if (value.source != Source::constant) continue;
    const std::string_view bytes(reinterpret_cast<const char*>(value.data->data()), value.data->size());
    if (tables.emplace(value.type.dtype, bytes).second) use(value.type);
  }
}
}  // namespace

std::int64_t Graph::weights_bytes() const {
  std::int64_t total = 0;
  each_constant(values, [&](const Type& type) { total += type.size_bytes(); });
  return total;
}

std::int64_t Graph::macs() const {
  std::int64_t total = 0;
  for (const Node& node : nodes) total += node.block->macs(operation(node));
  return total;
}

std::int64_t Graph::parameters() const {
  std::int64_t total = 0;
  each_constant(values, [&](const Type& type) { total += type.elements(); });
  return total;
}

std::vector<Tensor> evaluate(const Operation& op, std::span<const TensorView> inputs) {
  std::vector<Tensor> outputs;
  std::vector<TensorView> views;
  for (const Type* type : op.out) outputs.push_back(make_tensor(*type));
  for (Tensor& tensor : outputs) views.push_back({&tensor.type, tensor.data.data()});
  op.block->reference(op, inputs, views);
  return outputs;
}

}  // namespace nb
