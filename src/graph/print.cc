// Graph text. Grammar in docs/graph-text.md.
#include <cmath>
#include <cstdio>
#include <cstring>

#include "graph/graph.h"

namespace nb {
namespace {

std::string hex64(std::uint64_t value) {
  std::array<char, 20> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%016llx", static_cast<unsigned long long>(value));
  return buffer.data();
}

std::string quantization_text(const Quantization& q) {
  std::string text = " q(";
  if (q.is_per_axis()) text += "axis=" + std::to_string(q.axis) + ", ";
  const bool is_list = q.scales.size() != 1 || q.is_per_axis();
  if (!is_list) return text + float_text(q.scales[0]) + ", " + std::to_string(q.zero_points[0]) + ")";
  text += "[";
  for (std::size_t i = 0; i < q.scales.size(); ++i) text += (i == 0 ? "" : ",") + float_text(q.scales[i]);
  text += "], ";
  bool all_zero = true;
  for (const std::int32_t zero : q.zero_points) all_zero = all_zero && zero == 0;
  if (all_zero) return text + "0)";
  text += "[";
  for (std::size_t i = 0; i < q.zero_points.size(); ++i)
    text += (i == 0 ? "" : ",") + std::to_string(q.zero_points[i]);
  return text + "])";
}

std::string full_type_text(const Type& type) {
  return type_text(type) + (type.quantization ? quantization_text(*type.quantization) : "");
}

std::string value_text(const Graph& graph, ValueId id, bool with_quantization) {
  const Value& value = graph.at(id);
  std::string text = "%" + std::to_string(id.index()) + " " + quoted_text(value.name) + " : " +
                     (with_quantization ? full_type_text(value.type) : type_text(value.type));
  if (value.arena_offset >= 0) text += " at " + std::to_string(value.arena_offset);
  return text;
}

std::string line_of(const Graph& graph, const Node& node, bool with_quantization) {
  std::string text;
  for (const ValueId id : node.outputs)
    text += (text.empty() ? "" : ", ") + value_text(graph, id, with_quantization);
  text += " = " + node.block->name + "(";
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    text += (i == 0 ? "" : ", ") +
            (node.inputs[i].is_present() ? "%" + std::to_string(node.inputs[i].index()) : std::string("_"));
  text += ")";
  if (const std::string attributes = node.block->attributes.text(node.attributes); !attributes.empty())
    text += " {" + attributes + "}";
  return text;
}

}  // namespace

std::string node_text(const Graph& graph, const Node& node) { return line_of(graph, node, false); }

namespace {

/// A constant of a few numbers as a list; empty if it is larger or text does not hold it exactly.
std::string short_list(const Value& value) {
  const DType dtype = value.type.dtype;
  const std::int64_t count = value.type.elements();
  if (count > 8 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16) return {};
  std::string text;
  bool is_exact = true;
  visit_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < count; ++i) {
      T element;
      std::memcpy(&element, value.data->data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
      if constexpr (std::is_same_v<T, float>) {
        is_exact = is_exact && std::isfinite(element);
        text += (i == 0 ? "" : ",") + float_text(element);
      } else {
        text += (i == 0 ? "" : ",") + std::to_string(element);
      }
    }
  });
  return is_exact ? "[" + text + "]" : "";
}

}  // namespace

GraphText print_graph(const Graph& in_any_order, std::string_view constants_file) {
  // Values get the numbers that a parser would give them.
  Graph graph = in_any_order;
  const std::vector<ValueId> order = graph.text_order();
  std::vector<ValueId> number(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    graph.values[i] = in_any_order.at(order[i]);
    number[order[i].index()] = ValueId(i);
  }
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids)
      if (id.is_present()) id = number[id.index()];
  };
  renumber(graph.inputs);
  renumber(graph.outputs);
  renumber(graph.kept);
  for (Node& node : graph.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  GraphText out;
  std::string& text = out.text;
  text = "nblocks graph 1\n";
  text += "model " + quoted_text(graph.name) + "\n";
  text += "phase " + std::string(phase_name(graph.phase)) + "\n";
  text += "constants " + quoted_text(constants_file) + "\n";
  if (!graph.board.empty()) text += "board " + quoted_text(graph.board) + "\n";
  if (graph.rounding == Rounding::once) text += "rounding once\n";
  if (graph.phase == Phase::planned)
    text +=
        "arena " + std::to_string(graph.arena_bytes) + " state " + std::to_string(graph.state_bytes) + "\n";
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.source != Source::constant && value.source != Source::state) continue;
    text += value.source == Source::constant ? "const " : "state ";
    text += value_text(graph, ValueId(i), true);
    const std::string list = value.data ? short_list(value) : "";
    if (!list.empty()) {
      text += " = " + list;
    } else if (value.data) {
      while (out.constants.size() % 16 != 0) out.constants.push_back(std::byte{0});
      text += " = @" + std::to_string(out.constants.size()) + " hash " + hex64(hash_bytes(*value.data));
      out.constants.insert(out.constants.end(), value.data->begin(), value.data->end());
    }
    text += "\n";
  }
  for (const ValueId id : graph.inputs) text += "input " + value_text(graph, id, true) + "\n";
  for (const Node& node : graph.nodes) {
    text += line_of(graph, node, true);
    text += " layer " + quoted_text(node.name) + " from " + quoted_text(node.origin);
    if (!node.kernel.empty())
      text += " kernel " + quoted_text(node.kernel) + " scratch " + std::to_string(node.scratch_bytes);
    if (node.scratch_offset >= 0) text += " at " + std::to_string(node.scratch_offset);
    if (node.is_kept_float) text += " kept float";
    text += "\n";
  }
  for (const ValueId id : graph.public_outputs()) text += "output %" + std::to_string(id.index()) + "\n";
  for (std::size_t i = 0; i < graph.kept.size(); ++i)
    text += "keep %" + std::to_string(graph.kept[i].index()) + " = %" +
            std::to_string(graph.next_contents()[i].index()) + "\n";
  return out;
}

}  // namespace nb
