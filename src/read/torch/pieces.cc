// Tensors joined and split along an axis.
#include <algorithm>

#include "blocks/split/attributes.h"
#include "read/torch/axes.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

constexpr std::size_t kMaxPieces = 4096;  // of one tensor

/// Pieces of the given sizes along an axis.
void give_pieces(Layer& l, ValueId x, std::int64_t axis, const Ints& sizes) {
  if (sizes.size() > kMaxPieces) l.refuse(Kind::limit_exceeded, "it splits into more than 4,096 pieces");
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0) l.refuse(Kind::attribute_out_of_range, "a size is " + std::to_string(size));
    total += size;
  }
  if (total != l.dim(x, axis))
    l.refuse(Kind::shape_mismatch, "sizes of together " + std::to_string(total) + " do not split axis " +
                                       std::to_string(axis) + " of " + shape_text(l.shape(x)));
  Item::List pieces;
  if (sizes.size() == 1) {
    pieces.emplace_back(x);
  } else {
    for (const ValueId piece : l.add_all("split", Attributes(SplitAttrs{axis, sizes}), {x}))
      pieces.emplace_back(piece);
  }
  l.result(Item(std::move(pieces)));
}

/// How an axis of `size` splits into pieces of one size, the last one smaller.
Ints pieces_of(std::int64_t size, std::int64_t piece) {
  Ints sizes;
  for (std::int64_t at = 0; at < size; at += piece) sizes.push_back(std::min(piece, size - at));
  if (sizes.empty()) sizes.push_back(0);
  return sizes;
}

/// The operands' common dtype, as concatenation promotes them.
DType common_dtype(Layer& l, const std::vector<ValueId>& parts) {
  const auto weight = [](DType t) {
    return (is_float(t) ? 1000 : t == DType::boolean ? 0 : 100) + static_cast<int>(dtype_bytes(t));
  };
  DType best = l.dtype(parts[0]);
  for (const ValueId part : parts)
    if (weight(l.dtype(part)) > weight(best)) best = l.dtype(part);
  return best;
}

ValueId joined(Layer& l, std::vector<ValueId> parts, std::int64_t axis) {
  const DType dtype = common_dtype(l, parts);
  for (ValueId& part : parts) part = cast(l, part, dtype);
  return concat(l, parts, axis);
}

}  // namespace

void translate_cat(Layer& l) {
  std::vector<ValueId> parts = l.tensors("tensors");
  // An empty tensor of one axis stands for nothing, whatever the others' axes are.
  if (parts.size() > 1) std::erase_if(parts, [&](ValueId part) { return l.shape(part) == Shape{0}; });
  if (parts.empty()) l.invalid("it joins nothing");
  const std::int64_t axis =
      l.axis(l.integer(l.takes("dim") ? "dim" : "axis", 0), std::max<std::int64_t>(l.rank(parts[0]), 1));
  l.result(joined(l, parts, axis));
}

void translate_stack(Layer& l) {
  std::vector<ValueId> parts = l.tensors("tensors");
  if (parts.empty()) l.invalid("it joins nothing");
  const std::int64_t axis = l.axis(l.integer("dim", 0), l.rank(parts[0]) + 1);
  for (ValueId& part : parts) part = unsqueeze(l, part, {axis});
  l.result(joined(l, parts, axis));
}

/// hstack and vstack.
void translate_stack_along(Layer& l) {
  std::vector<ValueId> parts = l.tensors("tensors");
  if (parts.empty()) l.invalid("it joins nothing");
  const bool is_vertical = l.op() == "aten.vstack";
  std::int64_t axis = 0;
  for (ValueId& part : parts) {
    part = with_axis(l, part);
    if (is_vertical && l.rank(part) == 1) part = unsqueeze(l, part, {0});
    if (!is_vertical && l.rank(part) > 1) axis = 1;
  }
  l.result(joined(l, parts, axis));
}

/// split: pieces of one size, the last one smaller; or of the sizes given.
void translate_split(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis);
  const std::string_view parameter = l.takes("split_sizes")  ? "split_sizes"
                                     : l.takes("split_size") ? "split_size"
                                                             : "indices";
  if (l.item(parameter).is_list()) return give_pieces(l, x, axis, l.integers(parameter));
  const std::int64_t piece = l.integer(parameter);
  if (piece < 1) l.refuse(Kind::attribute_out_of_range, "a piece's size is " + std::to_string(piece));
  give_pieces(l, x, axis, pieces_of(size, piece));
}

void translate_chunk(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis), chunks = l.integer("chunks");
  if (chunks < 1) l.refuse(Kind::attribute_out_of_range, "chunks is " + std::to_string(chunks));
  const std::int64_t piece = std::max<std::int64_t>((size + chunks - 1) / chunks, 1);
  give_pieces(l, x, axis, pieces_of(size, piece));
}

/// tensor_split: the first pieces one larger; or cut before the indices given.
void translate_tensor_split(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis);
  Ints sizes;
  if (l.takes("sections")) {
    const std::int64_t n = l.integer("sections");
    if (n < 1) l.refuse(Kind::attribute_out_of_range, "sections is " + std::to_string(n));
    if (n > static_cast<std::int64_t>(kMaxPieces))
      l.refuse(Kind::limit_exceeded, "it splits into more than 4,096 pieces");
    for (std::int64_t i = 0; i < n; ++i) sizes.push_back(size / n + (i < size % n ? 1 : 0));
  } else {
    Ints indices = l.takes("indices") ? l.integers("indices")
                                      : l.ints(l.tensor("tensor_indices_or_sections"), "indices");
    std::int64_t begin = 0;
    for (const std::int64_t index : indices) {
      const auto end = std::max(clamped_range(0, index, size).second, begin);
      sizes.push_back(end - begin);
      begin = end;
    }
    sizes.push_back(size - begin);
  }
  give_pieces(l, x, axis, sizes);
}

void translate_unbind(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis);
  if (size > static_cast<std::int64_t>(kMaxPieces))
    l.refuse(Kind::limit_exceeded, "it splits into more than 4,096 pieces");
  Item::List pieces;
  for (std::int64_t i = 0; i < size; ++i)
    pieces.emplace_back(squeeze(l, slice_axis(l, x, axis, i, 1), {axis}));
  l.result(Item(std::move(pieces)));
}

}  // namespace nb::torch
