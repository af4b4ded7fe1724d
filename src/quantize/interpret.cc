#include "quantize/interpret.h"

#include <algorithm>

namespace nb {

Interpreter::Interpreter(const Graph& graph)
    : graph_(graph), memory_(graph.values.size()), views_(graph.values.size()) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    views_[i].type = &value.type;
    if (value.source == Source::constant) {
      views_[i].data = const_cast<std::byte*>(value.data->data());  // references write no constant
    } else {
      memory_[i].resize(static_cast<std::size_t>(value.type.size_bytes()));
      views_[i].data = memory_[i].data();
    }
  }
  for (const Node& node : graph.nodes) operations_.push_back(graph.operation(node));
  reset();
}

void Interpreter::reset() {
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    const Value& value = graph_.values[i];
    if (value.source != Source::state) continue;
    if (value.data)
      std::copy(value.data->begin(), value.data->end(), memory_[i].begin());
    else
      std::fill(memory_[i].begin(), memory_[i].end(), std::byte{0});
  }
}

void Interpreter::run(ByteSpan inputs) {
  for (const ValueId id : graph_.inputs) {
    Bytes& to = memory_[id.index()];
    std::copy_n(inputs.begin(), to.size(), to.begin());
    inputs = inputs.subspan(to.size());
  }
  std::vector<TensorView> in, out;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    in.clear();
    out.clear();
    for (const ValueId id : node.inputs) in.push_back(id.is_present() ? view(id) : TensorView{});
    for (const ValueId id : node.outputs) {
      Bytes& bytes = memory_[id.index()];
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
      out.push_back(view(id));
    }
    node.block->reference(operations_[n], in, out);
  }
  // All next contents are read before one is written: a state may follow another.
  std::vector<Bytes> next;
  for (const ValueId id : graph_.next_contents()) {
    const TensorView from = view(id);
    next.emplace_back(from.data, from.data + from.type->size_bytes());
  }
  for (std::size_t i = 0; i < graph_.kept.size(); ++i)
    std::copy(next[i].begin(), next[i].end(), memory_[graph_.kept[i].index()].begin());
}

std::vector<float> Interpreter::reals(ValueId id) const {
  const TensorView from = view(id);
  const std::vector<double> reals =
      to_reals({*from.type, Bytes(from.data, from.data + from.type->size_bytes())});
  return {reals.begin(), reals.end()};
}

}  // namespace nb
