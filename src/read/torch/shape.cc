// Shapes and views: operators that move elements and compute none.
#include <algorithm>
#include <numeric>

#include "blocks/trilu/attributes.h"
#include "read/torch/axes.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// Sizes of which one may be -1.
Shape inferred(Layer& l, Shape sizes, std::int64_t elements) {
  std::int64_t known = 1, at = -1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1) {
      if (at >= 0) l.invalid("two sizes of " + shape_text(sizes) + " are -1");
      at = static_cast<std::int64_t>(i);
    } else if (sizes[i] < 0 || __builtin_mul_overflow(known, sizes[i], &known)) {
      l.refuse(Kind::attribute_out_of_range, "a size is " + std::to_string(sizes[i]));
    }
  }
  if (at >= 0) {
    if (known == 0 || elements % known != 0)
      l.refuse(Kind::shape_mismatch, std::to_string(elements) + " elements do not fill " + shape_text(sizes));
    sizes[static_cast<std::size_t>(at)] = elements / known;
  } else if (known != elements) {
    l.refuse(Kind::shape_mismatch, std::to_string(elements) + " elements do not fill " + shape_text(sizes));
  }
  return sizes;
}

/// The perm that moves axis `from` to `to`.
Ints moved(Ints order, const Ints& from, const Ints& to) {
  const std::size_t rank = order.size();
  Ints out(rank, -1);
  for (std::size_t i = 0; i < from.size(); ++i) {
    out[static_cast<std::size_t>(to[i])] = from[i];
    std::erase(order, from[i]);
  }
  auto next = order.begin();
  for (std::int64_t& axis : out)
    if (axis < 0) axis = *next++;
  return out;
}

Ints identity_order(std::int64_t rank) { return axes_from(0, rank); }

}  // namespace

void translate_view(Layer& l) {
  const ValueId x = l.tensor("self");
  if (l.takes("other")) return l.result(reshape(l, x, l.shape(l.tensor("other"))));
  if (l.takes("dtype")) {
    const auto dtype = l.element_type("dtype");
    if (dtype == l.dtype(x)) return l.result(x);
    l.unsupported("a view of other numbers' bits");
  }
  l.result(reshape(l, x, inferred(l, l.integers(l.takes("size") ? "size" : "shape"), l.type(x).elements())));
}

void translate_flatten(Layer& l) {
  const ValueId x = with_axis(l, l.tensor("self"));
  const std::int64_t rank = l.rank(x), first = l.axis(l.integer("start_dim", 0), rank),
                     last = l.axis(l.integer("end_dim", -1), rank);
  if (first > last) l.invalid("start_dim lies behind end_dim");
  const Shape s = l.shape(x);
  Shape shape(s.begin(), s.begin() + first);
  shape.push_back(product(s, first, last + 1));
  shape.insert(shape.end(), s.begin() + last + 1, s.end());
  l.result(reshape(l, x, shape));
}

void translate_unflatten(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x));
  const Shape s = l.shape(x), sizes = inferred(l, l.integers("sizes"), l.dim(x, axis));
  Shape shape(s.begin(), s.begin() + axis);
  shape.insert(shape.end(), sizes.begin(), sizes.end());
  shape.insert(shape.end(), s.begin() + axis + 1, s.end());
  l.result(reshape(l, x, shape));
}

void translate_squeeze(Layer& l) {
  const ValueId x = l.tensor("self");
  const Shape s = l.shape(x);
  Ints axes;
  if (!l.takes("dim"))
    axes = identity_order(l.rank(x));
  else if (l.item("dim").is_list())
    axes = l.axes(l.integers("dim"), std::max<std::int64_t>(l.rank(x), 1));
  else
    axes = {axis_of(l, x, "dim")};
  // Those that are not 1 stay, without a word.
  std::erase_if(axes, [&](std::int64_t axis) {
    return axis >= static_cast<std::int64_t>(s.size()) || s[static_cast<std::size_t>(axis)] != 1;
  });
  l.result(squeeze(l, x, axes));
}

void translate_unsqueeze(Layer& l) {
  const ValueId x = l.tensor("self");
  l.result(unsqueeze(l, x, {l.axis(l.integer("dim"), l.rank(x) + 1)}));
}

void translate_permute(Layer& l) {
  const ValueId x = l.tensor("self");
  const Ints perm = l.axes(l.integers("dims"), l.rank(x));
  if (static_cast<std::int64_t>(perm.size()) != l.rank(x)) l.invalid("dims does not name every axis");
  l.result(transpose(l, x, perm));
}

void translate_transpose(Layer& l) {
  const ValueId x = l.tensor("self");
  if (l.rank(x) == 0) return l.result(x);
  Ints perm = identity_order(l.rank(x));
  const std::string_view a = l.takes("dim0") ? "dim0" : "axis0", b = l.takes("dim1") ? "dim1" : "axis1";
  std::swap(perm[static_cast<std::size_t>(axis_of(l, x, a))],
            perm[static_cast<std::size_t>(axis_of(l, x, b))]);
  l.result(transpose(l, x, perm));
}

/// t, mT, numpy_T: the last two axes, or all of them, turned around.
void translate_turned(Layer& l) {
  const ValueId x = l.tensor("self");
  Ints perm = identity_order(l.rank(x));
  if (l.op() == "aten.numpy_T")
    std::reverse(perm.begin(), perm.end());
  else if (perm.size() >= 2)
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  l.result(transpose(l, x, perm));
}

void translate_movedim(Layer& l) {
  const ValueId x = l.tensor("self");
  const auto list = [&](std::string_view parameter) {
    return l.axes(l.item(parameter).is_list() ? l.integers(parameter) : Ints{l.integer(parameter)},
                  l.rank(x));
  };
  const Ints from = list("source"), to = list("destination");
  if (from.size() != to.size()) l.invalid("source and destination differ in length");
  l.result(transpose(l, x, moved(identity_order(l.rank(x)), from, to)));
}

void translate_expand(Layer& l) {
  const ValueId x = l.tensor("self");
  Shape shape =
      l.takes("other") ? l.shape(l.tensor("other")) : l.integers(l.takes("size") ? "size" : "shape");
  const Shape s = l.shape(x);
  if (shape.size() < s.size()) l.invalid("it expands " + shape_text(s) + " to fewer axes");
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == -1) {
      if (i < shape.size() - s.size()) l.invalid("-1 stands for the size of an axis that does not exist");
      shape[i] = s[i - (shape.size() - s.size())];
    }
  l.result(expand(l, x, shape));
}

void translate_repeat(Layer& l) {
  const ValueId x = l.tensor("self");
  Ints times = l.integers(l.takes("repeats") ? "repeats" : "dims");
  Shape s = l.shape(x);
  while (times.size() < s.size()) times.insert(times.begin(), 1);  // tile
  while (s.size() < times.size()) s.insert(s.begin(), 1);
  // Axis by axis, so that no tensor between has more axes than the limit.
  ValueId y = reshape(l, x, s);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i), rank = static_cast<std::int64_t>(times.size());
    if (times[i] < 0)
      l.refuse(Kind::attribute_out_of_range, "it repeats " + std::to_string(times[i]) + " times");
    if (times[i] == 1) continue;
    const Shape at = l.shape(y);
    const std::int64_t before = product(at, 0, axis), behind = product(at, axis, rank);
    const ValueId wide = expand(l, reshape(l, y, {before, 1, behind}), {before, times[i], behind});
    Shape shape = at;
    shape[i] *= times[i];
    y = reshape(l, wide, shape);
  }
  l.result(y);
}

void translate_repeat_interleave(Layer& l) {
  if (!l.takes("self")) l.unsupported("repeats that give a size that depends on data");
  ValueId x = l.tensor("self");
  if (!l.has("dim")) x = reshape(l, x, {l.type(x).elements()});
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis);
  Ints times;
  if (l.item("repeats").is_tensor())
    times = l.ints(l.tensor("repeats"), "repeats");
  else
    times = {l.integer("repeats")};
  if (times.size() == 1) times.assign(static_cast<std::size_t>(size), times[0]);
  if (static_cast<std::int64_t>(times.size()) != size)
    l.refuse(Kind::shape_mismatch,
             "there are " + std::to_string(times.size()) + " repeats for an axis of " + std::to_string(size));
  Ints indices;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t n = times[static_cast<std::size_t>(i)];
    if (n < 0 || n > (1 << 24))
      l.refuse(Kind::attribute_out_of_range, "it repeats " + std::to_string(n) + " times");
    indices.insert(indices.end(), static_cast<std::size_t>(n), i);
  }
  const auto count = static_cast<std::int64_t>(indices.size());
  l.result(gather(l, x, ints(l, indices, {count}, DType::i32), axis));
}

void translate_select(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x)), size = l.dim(x, axis);
  const Item& index = l.item("index");
  if (index.is_tensor() && !l.is_constant(index.tensor())) {
    const ValueId at = reshape(l, wrap_indices(l, index.tensor(), size), {});
    return l.result(gather(l, x, at, axis));
  }
  std::int64_t at = l.integer("index");
  if (at < -size || at >= size)
    l.refuse(Kind::attribute_out_of_range,
             "index " + std::to_string(at) + " is outside an axis of " + std::to_string(size));
  if (at < 0) at += size;
  l.result(squeeze(l, slice_axis(l, x, axis, at, 1), {axis}));
}

void translate_slice(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis), step = l.integer("step", 1);
  if (step < 1) l.refuse(Kind::attribute_out_of_range, "step is " + std::to_string(step));
  const auto [begin, end] = clamped_range(l.integer("start", 0), l.integer("end", size), size);
  l.result(slice_axis(l, x, axis, begin, (end - begin + step - 1) / step, step));
}

void translate_narrow(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x)), size = l.dim(x, axis);
  std::int64_t begin = l.integer("start");
  const std::int64_t length = l.integer("length");
  if (begin < 0) begin += size;
  if (begin < 0 || length < 0 || begin > size - length)
    l.refuse(Kind::attribute_out_of_range, std::to_string(length) + " elements from " +
                                               std::to_string(begin) + " are not inside an axis of " +
                                               std::to_string(size));
  l.result(slice_axis(l, x, axis, begin, length));
}

/// A slice's or a row's place in a copy of self taken by src.
void translate_slice_scatter(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dim"), size = l.dim(x, axis), step = l.integer("step", 1);
  std::int64_t begin = 0, end = size;
  ValueId source = cast(l, l.tensor("src"), l.dtype(x));
  if (l.takes("index")) {
    begin = l.integer("index");
    if (begin < 0) begin += size;
    if (begin < 0 || begin >= size)
      l.refuse(Kind::attribute_out_of_range, "its index is outside an axis of " + std::to_string(size));
    end = begin + 1;
    source = unsqueeze(l, source, {axis});
  } else {
    if (step < 1) l.refuse(Kind::attribute_out_of_range, "step is " + std::to_string(step));
    std::tie(begin, end) = clamped_range(l.integer("start", 0), l.integer("end", size), size);
  }
  const std::int64_t count = (end - begin + step - 1) / step;
  if (count == 0) return l.result(x);
  Shape part = l.shape(x);
  part[static_cast<std::size_t>(axis)] = count;
  source = expand(l, source, part);
  if (step == 1) {
    std::vector<ValueId> parts;
    if (begin > 0) parts.push_back(slice_axis(l, x, axis, 0, begin));
    parts.push_back(source);
    if (end < size) parts.push_back(slice_axis(l, x, axis, end, size - end));
    return l.result(concat(l, parts, axis));
  }
  // Each element of the axis from self or from src, whose rows are repeated to where they go.
  Ints from, is_new;
  for (std::int64_t i = 0; i < size; ++i) {
    const bool is_inside = i >= begin && i < end && (i - begin) % step == 0;
    is_new.push_back(is_inside);
    from.push_back(is_inside ? (i - begin) / step : 0);
  }
  const ValueId mask = along_axis(l, ints(l, is_new, {size}, DType::boolean), axis, l.rank(x));
  l.result(where(l, mask, gather(l, source, ints(l, from, {size}, DType::i32), axis), x));
}

void translate_flip(Layer& l) {
  ValueId x = l.tensor("self");
  const Ints dims = l.op() == "aten.flipud"   ? Ints{0}
                    : l.op() == "aten.fliplr" ? Ints{1}
                                              : l.integers("dims");
  for (const std::int64_t axis : l.axes(dims, l.rank(x))) x = mirrored(l, x, axis);
  l.result(x);
}

void translate_roll(Layer& l) {
  const ValueId whole = l.tensor("self");
  const Ints shifts = l.integers("shifts"), dims = l.integers("dims", {});
  ValueId x = whole;
  if (dims.empty())
    x = reshape(l, whole, {l.type(whole).elements()});
  else if (dims.size() != shifts.size())
    l.invalid("shifts and dims differ in length");
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    const std::int64_t axis = dims.empty() ? 0 : l.axis(dims[i], l.rank(x)), size = l.dim(x, axis);
    if (size == 0) continue;
    const std::int64_t by = ((shifts[i] % size) + size) % size;
    if (by == 0) continue;
    x = concat(l, {slice_axis(l, x, axis, size - by, by), slice_axis(l, x, axis, 0, size - by)}, axis);
  }
  l.result(reshape(l, x, l.shape(whole)));
}

void translate_rot90(Layer& l) {
  ValueId x = l.tensor("self");
  const Ints axes = l.axes(l.integers("dims"), l.rank(x));
  if (axes.size() != 2) l.invalid("dims does not name two axes");
  const std::int64_t turns = ((l.integer("k", 1) % 4) + 4) % 4;
  if (turns == 2) return l.result(mirrored(l, mirrored(l, x, axes[0]), axes[1]));
  if (turns == 0) return l.result(x);
  Ints perm = identity_order(l.rank(x));
  std::swap(perm[static_cast<std::size_t>(axes[0])], perm[static_cast<std::size_t>(axes[1])]);
  const ValueId y = transpose(l, turns == 1 ? mirrored(l, x, axes[1]) : mirrored(l, x, axes[0]), perm);
  l.result(y);
}

/// unfold: windows of an axis, which become a last axis.
void translate_unfold(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, "dimension"), size = l.integer("size"), step = l.integer("step");
  const std::int64_t rank = l.rank(x), length = l.dim(x, axis);
  if (size < 0 || step < 1 || size > length)
    l.refuse(Kind::attribute_out_of_range, "windows of " + std::to_string(size) + " every " +
                                               std::to_string(step) + " do not fit an axis of " +
                                               std::to_string(length));
  const std::int64_t count = (length - size) / step + 1;
  Ints perm = identity_order(rank + 1);
  perm.erase(perm.begin() + axis + 1);
  perm.push_back(axis + 1);
  if (step == size) {  // side by side: no element is taken twice
    Shape shape = l.shape(x);
    shape[static_cast<std::size_t>(axis)] = count;
    shape.insert(shape.begin() + axis + 1, size);
    return l.result(transpose(l, reshape(l, slice_axis(l, x, axis, 0, count * size), shape), perm));
  }
  Ints indices;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < size; ++j) indices.push_back(i * step + j);
  l.result(transpose(l, gather(l, x, ints(l, indices, {count, size}, DType::i32), axis), perm));
}

/// tril and triu.
void translate_triangle(Layer& l) {
  const ValueId x = l.tensor("self");
  l.result(l.add("trilu", TriluAttrs{l.op() == "aten.triu", l.integer("diagonal", 0)}, {x}));
}

/// diagonal: its elements become a last axis.
void translate_diagonal(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t offset = l.integer("offset", 0), rank = l.rank(x),
                     rows_axis = l.axis(l.integer("dim1", 0), rank),
                     columns_axis = l.axis(l.integer("dim2", 1), rank);
  if (rows_axis == columns_axis) l.invalid("its two axes are one");
  Ints perm;
  for (std::int64_t axis = 0; axis < rank; ++axis)
    if (axis != rows_axis && axis != columns_axis) perm.push_back(axis);
  perm.push_back(rows_axis);
  perm.push_back(columns_axis);
  const ValueId matrix = transpose(l, x, perm);
  Shape shape = l.shape(matrix);
  const std::int64_t rows = l.dim(matrix, rank - 2), columns = l.dim(matrix, rank - 1);
  const std::int64_t row = std::max<std::int64_t>(-offset, 0), column = std::max<std::int64_t>(offset, 0),
                     count = std::max<std::int64_t>(std::min(rows - row, columns - column), 0);
  shape.pop_back();
  shape.back() = rows * columns;
  l.result(slice_axis(l, reshape(l, matrix, shape), rank - 2, row * columns + column, count, columns + 1));
}

/// diag_embed and diag of a vector: a matrix with the vector on its diagonal.
void translate_diag_embed(Layer& l) {
  const ValueId x = l.tensor("self");
  const bool is_diag = l.op() == "aten.diag";
  const std::int64_t offset = l.integer(is_diag ? "diagonal" : "offset", 0), n = l.dim(x, l.rank(x) - 1);
  const std::int64_t side = n + std::abs(offset), rank = l.rank(x) + 1;
  Ints from, is_inside;
  for (std::int64_t r = 0; r < side; ++r)
    for (std::int64_t c = 0; c < side; ++c) {
      const std::int64_t i = offset >= 0 ? r : c;
      is_inside.push_back(c - r == offset && i < n);
      from.push_back(is_inside.back() != 0 ? i : 0);
    }
  const ValueId picked = gather(l, x, ints(l, from, {side, side}, DType::i32), l.rank(x) - 1);
  const ValueId y =
      where(l, ints(l, is_inside, {side, side}, DType::boolean), picked, scalar(l, 0, l.dtype(x)));
  if (is_diag) return l.result(y);
  const Ints to = l.axes({l.integer("dim1", -2), l.integer("dim2", -1)}, rank);
  l.result(transpose(l, y, moved(identity_order(rank), {rank - 2, rank - 1}, to)));
}

void translate_diag(Layer& l) {
  const ValueId x = l.tensor("self");
  if (l.rank(x) == 1) return translate_diag_embed(l);
  if (l.rank(x) != 2) l.refuse(Kind::shape_mismatch, "diag of a tensor of rank " + std::to_string(l.rank(x)));
  const std::int64_t offset = l.integer("diagonal", 0), rows = l.dim(x, 0), columns = l.dim(x, 1);
  const std::int64_t row = std::max<std::int64_t>(-offset, 0), column = std::max<std::int64_t>(offset, 0),
                     count = std::max<std::int64_t>(std::min(rows - row, columns - column), 0);
  l.result(slice_axis(l, reshape(l, x, {rows * columns}), 0, row * columns + column, count, columns + 1));
}

void translate_atleast(Layer& l) {
  const ValueId x = l.tensor("self");
  if (l.op() == "aten.atleast_1d" || l.rank(x) >= 2) return l.result(with_axis(l, x));
  l.result(unsqueeze(l, with_axis(l, x), {0}));
}

void translate_broadcast_tensors(Layer& l) {
  const std::vector<ValueId> parts = l.tensors("tensors");
  Shape shape;
  for (const ValueId part : parts) shape = broadcast_shape(l, shape, l.shape(part));
  Item::List items;
  for (const ValueId part : parts) items.emplace_back(expand(l, part, shape));
  l.result(Item(std::move(items)));
}

void translate_meshgrid(Layer& l) {
  const std::vector<ValueId> parts = l.tensors("tensors");
  const bool is_xy = l.text("indexing", "ij") == "xy";
  const auto rank = static_cast<std::int64_t>(parts.size());
  const auto axis_at = [&](std::int64_t i) { return is_xy && rank >= 2 && i < 2 ? 1 - i : i; };
  Shape shape(parts.size());
  for (std::int64_t i = 0; i < rank; ++i)
    shape[static_cast<std::size_t>(axis_at(i))] = l.type(parts[static_cast<std::size_t>(i)]).elements();
  Item::List items;
  for (std::int64_t i = 0; i < rank; ++i)
    items.emplace_back(expand(l, along_axis(l, parts[static_cast<std::size_t>(i)], axis_at(i), rank), shape));
  l.result(Item(std::move(items)));
}

}  // namespace nb::torch
