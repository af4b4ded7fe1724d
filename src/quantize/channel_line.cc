#include "quantize/channel_line.h"

#include <algorithm>
#include <cmath>

#include "blocks/batch_norm/attributes.h"

namespace nb {
namespace {

/// The elements of a float constant, one an index of the operand's axis, or one for all; empty if it is not
/// that. The constant's axes are the operand's last ones.
std::vector<double> per_channel(const Graph& graph, ValueId id, const Shape& shape, std::size_t axis) {
  if (!graph.is_constant(id)) return {};
  const Value& value = graph.at(id);
  const std::int64_t count = value.type.elements();
  const std::size_t behind = shape.size() - axis, rank = value.type.shape.size();
  const bool is_row = count == 1 || (count == shape[axis] && rank >= behind &&
                                     value.type.shape[rank - behind] == shape[axis]);
  if (value.type.dtype != DType::f32 || !is_row) return {};
  std::vector<double> values = to_doubles({value.type, *value.data});
  if (count == 1) values.assign(static_cast<std::size_t>(shape[axis]), values[0]);
  return values;
}

std::optional<ChannelLine> batch_norm_line(const Graph& graph, const Node& node, const Shape& shape,
                                           std::size_t axis) {
  const auto& a = node.attributes.as<BatchNormAttrs>();
  const auto own =
      static_cast<std::size_t>(a.axis < 0 ? a.axis + static_cast<std::int64_t>(shape.size()) : a.axis);
  if (own != axis && shape[own] != 1) return std::nullopt;
  std::vector<double> parts[4];
  for (std::size_t i = 0; i < 4; ++i) {
    if (!graph.is_constant(node.inputs[i + 1])) return std::nullopt;
    const Value& value = graph.at(node.inputs[i + 1]);
    if (value.type.dtype != DType::f32) return std::nullopt;
    parts[i] = to_doubles({value.type, *value.data});
    if (own != axis) parts[i].assign(static_cast<std::size_t>(shape[axis]), parts[i][0]);
  }
  ChannelLine line{0, {}, {}};
  for (std::size_t c = 0; c < parts[0].size(); ++c) {
    line.factor.push_back(parts[0][c] / std::sqrt(parts[3][c] + static_cast<double>(a.epsilon)));
    line.offset.push_back(parts[1][c] - parts[2][c] * line.factor.back());
  }
  return line;
}

}  // namespace

bool ChannelLine::has_offset() const {
  return std::any_of(offset.begin(), offset.end(), [](double o) { return o != 0; });
}

bool is_bounded(const Node& node) {
  const AttributeOps& ops = node.block->attributes;
  if (!ops.clamp) return false;
  const Clamp clamp = ops.clamp(node.attributes);
  return !std::isinf(clamp.min) || !std::isinf(clamp.max);
}

std::optional<ChannelLine> channel_line(const Graph& graph, const Node& node, int axis) {
  if (node.outputs.size() != 1 || is_bounded(node)) return std::nullopt;
  const Type& y = graph.at(node.outputs[0]).type;
  if (y.dtype != DType::f32 || y.rank() == 0) return std::nullopt;
  const auto along = static_cast<std::size_t>(axis < 0 ? axis + y.rank() : axis);
  const std::string& block = node.block->name;
  if (block == "batch_norm") return batch_norm_line(graph, node, y.shape, along);
  if (block != "add" && block != "sub" && block != "mul" && block != "div") return std::nullopt;
  for (const std::size_t x : {0u, 1u}) {
    if (graph.at(node.inputs[x]).type.shape != y.shape || (block == "div" && x == 1)) continue;
    const std::vector<double> c = per_channel(graph, node.inputs[1 - x], y.shape, along);
    if (c.empty()) continue;
    ChannelLine line{x, std::vector<double>(c.size(), 1.0), std::vector<double>(c.size(), 0.0)};
    if (block == "mul") line.factor = c;
    if (block == "add") line.offset = c;
    if (block == "sub" && x == 1) {
      line.factor.assign(c.size(), -1.0);
      line.offset = c;
    }
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (block == "sub" && x == 0) line.offset[i] = -c[i];
      if (block == "div") line.factor[i] = 1 / c[i];
    }
    return line;
  }
  return std::nullopt;
}

}  // namespace nb
