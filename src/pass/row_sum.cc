#include "pass/row_sum.h"

#include <algorithm>

#include "blocks/concat/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/split/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/transposed.h"
#include "quantize/channel_line.h"

namespace nb {
namespace {

constexpr int kMaxDepth = 64;

/// Elements of the axes from `first` on.
std::int64_t elements_of(const Shape& shape, std::size_t first) {
  std::int64_t count = 1;
  for (std::size_t i = first; i < shape.size(); ++i) count *= shape[i];
  return count;
}

std::size_t axis_of(std::int64_t axis, const Shape& shape) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) : axis);
}

/// Where elements [first, first + count) of a slice begin in its operand of shape `in`; absent if they are
/// not adjacent there. Steps count operand elements.
std::optional<std::int64_t> before_slice(const Shape& in, const Shape& out,
                                         const std::vector<std::int64_t>& begin,
                                         const std::vector<std::int64_t>& step, std::int64_t first,
                                         std::int64_t count) {
  // The run of elements that are adjacent on both sides: whole inner axes, and part of one before them.
  std::int64_t run = 1;
  for (std::size_t i = out.size(); i-- > 0;) {
    const bool walks = step.empty() || step[i] == 1 || out[i] == 1;
    if (!walks) break;
    run *= out[i];
    if (out[i] != in[i]) break;
  }
  if (first / run != (first + count - 1) / run) return std::nullopt;
  std::int64_t at = 0, stride = 1;
  for (std::size_t i = out.size(); i-- > 0;) {
    at += (begin[i] + first % out[i] * (step.empty() ? 1 : step[i])) * stride;
    first /= out[i];
    stride *= in[i];
  }
  return at;
}

/// Elements [first, first + count) of a value whose parts lie side by side along an axis: the part that holds
/// them all, and where they begin in it.
struct PartRow {
  std::size_t part;
  std::int64_t first;
};
std::optional<PartRow> part_of(const std::vector<std::int64_t>& sizes, std::int64_t inner, std::int64_t first,
                               std::int64_t count) {
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) total += size * inner;
  const std::int64_t outer = first / total;
  std::int64_t at = first % total;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::int64_t size = sizes[i] * inner;
    if (at < size) return at + count <= size ? std::optional(PartRow{i, outer * size + at}) : std::nullopt;
    at -= size;
  }
  return std::nullopt;
}

std::vector<std::int64_t> part_sizes(const Graph& graph, const Node& node, std::size_t axis) {
  std::vector<std::int64_t> sizes;
  for (const ValueId id : node.inputs) sizes.push_back(graph.at(id).type.shape[axis]);
  return sizes;
}

bool is_plain_float(const Type& type) { return type.dtype == DType::f32 && !type.is_quantized(); }

}  // namespace

std::optional<Row> RowReader::before(const Row& row) const {
  const int made_by = maker(row.value);
  if (made_by < 0 || row.count < 1) return std::nullopt;
  const Node& node = graph_.nodes[static_cast<std::size_t>(made_by)];
  const std::string& block = node.block->name;
  const Shape& out = graph_.at(row.value).type.shape;
  if (block == "concat") {
    const std::size_t axis = axis_of(node.attributes.as<ConcatAttrs>().axis, out);
    const auto part =
        part_of(part_sizes(graph_, node, axis), elements_of(out, axis + 1), row.first, row.count);
    if (!part) return std::nullopt;
    return Row{node.inputs[part->part], part->first, row.count};
  }
  if (node.inputs.empty() || !node.inputs[0].is_present()) return std::nullopt;
  const ValueId from = node.inputs[0];
  const Shape& in = graph_.at(from).type.shape;
  if (block == "reshape" || block == "identity" ||
      (block == "transpose" && moves_nothing(in, node.attributes.as<TransposeAttrs>().perm)))
    return Row{from, row.first, row.count};
  if (block == "slice") {
    const auto& a = node.attributes.as<SliceAttrs>();
    const auto at = before_slice(in, out, a.begin, a.step, row.first, row.count);
    return at ? std::optional(Row{from, *at, row.count}) : std::nullopt;
  }
  if (block == "split") {
    const auto& a = node.attributes.as<SplitAttrs>();
    const std::size_t axis = axis_of(a.axis, in);
    std::vector<std::int64_t> begin(in.size(), 0);
    for (const ValueId id : node.outputs) {
      if (id == row.value) break;
      begin[axis] += graph_.at(id).type.shape[axis];
    }
    const auto at = before_slice(in, out, begin, {}, row.first, row.count);
    return at ? std::optional(Row{from, *at, row.count}) : std::nullopt;
  }
  if (block == "gather" && graph_.is_constant(node.inputs[1])) {
    const auto& a = node.attributes.as<GatherAttrs>();
    for (std::int64_t i = 0; i < a.batch_dims; ++i)
      if (in[static_cast<std::size_t>(i)] != 1) return std::nullopt;
    const Value& indices = graph_.at(node.inputs[1]);
    const std::vector<std::int64_t> chosen = to_ints({indices.type, *indices.data});
    const std::size_t axis = axis_of(a.axis, in);
    const std::int64_t inner = elements_of(in, axis + 1);
    const auto part = part_of(std::vector<std::int64_t>(chosen.size(), 1), inner, row.first, row.count);
    if (!part) return std::nullopt;
    std::int64_t index = chosen[part->part];
    if (index < 0) index += in[axis];
    if (index < 0 || index >= in[axis]) return std::nullopt;
    const std::int64_t outer = part->first / inner;
    return Row{from, (outer * in[axis] + index) * inner + part->first % inner, row.count};
  }
  return std::nullopt;
}

Row RowReader::origin(Row row) const {
  while (const auto earlier = before(row)) row = *earlier;
  return row;
}

std::vector<Row> RowReader::levels(Row row) const {
  std::vector<Row> rows = {row};
  while (const auto earlier = before(rows.back())) rows.push_back(*earlier);
  return rows;
}

const Node* RowReader::computing(ValueId id) const {
  const Row row = origin(whole(id));
  const int made_by = maker(row.value);
  if (made_by < 0 || row != whole(row.value)) return nullptr;
  const Node& node = graph_.nodes[static_cast<std::size_t>(made_by)];
  const bool is_plain =
      node.outputs.size() == 1 && is_plain_float(graph_.at(row.value).type) && !is_bounded(node);
  return is_plain ? &node : nullptr;
}

std::optional<std::pair<ValueId, ValueId>> RowReader::operands(ValueId id, std::string_view block) const {
  const Node* const node = computing(id);
  if (!node || node->block->name != block || size(node->inputs[0]) != size(id) ||
      size(node->inputs[1]) != size(id))
    return std::nullopt;
  return std::pair(node->inputs[0], node->inputs[1]);
}

std::optional<std::vector<double>> RowReader::constant(const Row& row) const {
  const Row from = origin(row);
  const Value& value = graph_.at(from.value);
  if (value.source != Source::constant || value.type.dtype != DType::f32) return std::nullopt;
  const auto* elements = reinterpret_cast<const float*>(value.data->data()) + from.first;
  return std::vector<double>(elements, elements + from.count);
}

std::optional<RowSum> RowReader::sum(const Row& row) const {
  RowSum sum{{}, std::vector<double>(static_cast<std::size_t>(row.count), 0.0)};
  return add(row, sum, 0) ? std::optional(std::move(sum)) : std::nullopt;
}

/// Adds the row to all elements of the sum.
bool RowReader::add(const Row& row, RowSum& sum, int depth) const {
  if (const auto elements = constant(row)) {
    for (std::size_t i = 0; i < elements->size(); ++i) sum.bias[i] += (*elements)[i];
    return true;
  }
  const Row from = origin(row);
  const int made_by = maker(from.value);
  if (made_by < 0 || depth > kMaxDepth) return false;
  const Node& node = graph_.nodes[static_cast<std::size_t>(made_by)];
  const Type& out = graph_.at(from.value).type;
  if (node.outputs.size() != 1 || is_bounded(node) || !is_plain_float(out)) return false;
  if (node.block->name == "dense") return add_dense(node, from, sum);
  if (node.block->name != "add") return false;
  for (const ValueId id : node.inputs) {
    // An operand that is repeated along leading axes lies in each of its repetitions in the same order.
    const Shape& shape = graph_.at(id).type.shape;
    const auto is_one = [](std::int64_t n) { return n == 1; };
    const auto begin = std::find_if_not(shape.begin(), shape.end(), is_one);
    const auto rank = shape.end() - begin;
    const std::int64_t count = size(id);
    if (rank > static_cast<std::ptrdiff_t>(out.shape.size()) ||
        !std::equal(begin, shape.end(), out.shape.end() - rank))
      return false;
    if (from.first % count + from.count > count) return false;
    if (!add({id, from.first % count, from.count}, sum, depth + 1)) return false;
  }
  return true;
}

bool RowReader::add_dense(const Node& node, const Row& row, RowSum& sum) const {
  if (!graph_.is_constant(node.inputs[1]) || !is_plain_float(graph_.at(node.inputs[1]).type) ||
      !is_plain_float(graph_.at(node.inputs[0]).type))
    return false;
  const Shape& weights = graph_.at(node.inputs[1]).type.shape;
  const std::int64_t first_row = row.first % weights[0];
  if (first_row + row.count > weights[0]) return false;
  if (node.inputs.size() > 2 && node.inputs[2].is_present()) {
    const auto bias = constant({node.inputs[2], first_row, row.count});
    if (!bias) return false;
    for (std::size_t i = 0; i < bias->size(); ++i) sum.bias[i] += (*bias)[i];
  }
  const Row input{node.inputs[0], row.first / weights[0] * weights[1], weights[1]};
  return add_product(input, {{}, node.inputs[1], first_row, 0}, row.count, sum);
}

/// Adds the product of a row that may be put together of several.
bool RowReader::add_product(const Row& input, RowProduct product, std::int64_t count, RowSum& sum) const {
  if (const auto elements = constant(input)) {
    const Value& value = graph_.at(product.weights);
    const auto* weights = reinterpret_cast<const float*>(value.data->data());
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t k = 0; k < input.count; ++k)
        sum.bias[static_cast<std::size_t>(i)] +=
            static_cast<double>(
                weights[(product.first_row + i) * value.type.shape[1] + product.first_column + k]) *
            (*elements)[static_cast<std::size_t>(k)];
    return true;
  }
  const Row last = origin(input);
  const int made_by = maker(last.value);
  const Node* const node = made_by < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(made_by)];
  if (!node || node->block->name != "concat") {
    product.row = input;
    sum.products.push_back(product);
    return true;
  }
  // The row spans several parts of a concat.
  const Shape& out = graph_.at(last.value).type.shape;
  const std::size_t axis = axis_of(node->attributes.as<ConcatAttrs>().axis, out);
  const std::int64_t inner = elements_of(out, axis + 1);
  const std::vector<std::int64_t> sizes = part_sizes(graph_, *node, axis);
  for (std::int64_t done = 0; done < last.count;) {
    const auto one = part_of(sizes, inner, last.first + done, 1);
    if (!one) return false;
    const std::int64_t rest = sizes[one->part] * inner - one->first % (sizes[one->part] * inner);
    const Row piece{node->inputs[one->part], one->first, std::min(rest, last.count - done)};
    RowProduct of_piece = product;
    of_piece.first_column += done;
    if (!add_product(piece, of_piece, count, sum)) return false;
    done += piece.count;
  }
  return true;
}

}  // namespace nb
