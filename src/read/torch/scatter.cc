// Operators that write elements by index: their results are new tensors.
#include "blocks/scatter/attributes.h"

#include <algorithm>
#include <limits>

#include "read/torch/indices.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

ValueId with_axes(Layer& l, ValueId x) { return l.rank(x) == 0 ? reshape(l, x, {1}) : x; }

ValueId scattered(Layer& l, ValueId x, ValueId places, ValueId updates, std::int64_t axis,
                  ScatterReduction reduction = ScatterReduction::none) {
  return l.add("scatter_elements", ScatterAttrs{axis, reduction}, {x, places, updates});
}

/// The first elements of x along each axis, as many as `shape` says.
ValueId cropped(Layer& l, ValueId x, const Shape& shape) {
  if (l.shape(x).size() != shape.size())
    l.refuse(Kind::shape_mismatch, "the source " + shape_text(l.shape(x)) + " and the indices " +
                                       shape_text(shape) + " differ in rank");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    if (l.dim(x, axis) < shape[i])
      l.refuse(Kind::shape_mismatch,
               "the source " + shape_text(l.shape(x)) + " is smaller than the indices " + shape_text(shape));
    x = slice_axis(l, x, axis, 0, shape[i]);
  }
  return x;
}

/// One value for each of `shape`.
ValueId filled(Layer& l, double value, const Shape& shape, DType dtype) {
  return expand(l, scalar(l, value, dtype), shape);
}

ScatterReduction reduction_of(Layer& l, const std::string& name) {
  if (name == "sum" || name == "add" || name == "mean") return ScatterReduction::add;
  if (name == "prod" || name == "multiply") return ScatterReduction::mul;
  if (name == "amax") return ScatterReduction::max;
  if (name == "amin") return ScatterReduction::min;
  l.invalid("`reduce` is `" + name + "`");
}

/// What changes nothing when it meets another element.
double neutral(ScatterReduction reduction, DType dtype) {
  const bool is_max = reduction == ScatterReduction::max;
  if (reduction == ScatterReduction::mul) return 1;
  if (!is_max && reduction != ScatterReduction::min) return 0;
  if (is_float(dtype)) return (is_max ? -1 : 1) * std::numeric_limits<double>::infinity();
  const int bits = 8 * static_cast<int>(dtype_bytes(dtype)) - 1;
  const double half = static_cast<double>(std::uint64_t{1} << (bits < 53 ? bits : 52));
  return is_max ? -half : half - 1;
}

}  // namespace

/// scatter, scatter_add and scatter_reduce.
void translate_scatter(Layer& l) {
  const ValueId given = l.tensor("self");
  ValueId x = with_axes(l, given);
  const ValueId places = with_axes(l, as_index(l, l.tensor("index")));
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x));
  const Shape shape = l.shape(places);
  const DType dtype = l.dtype(x);
  const ValueId updates = l.takes("src") ? cast(l, cropped(l, with_axes(l, l.tensor("src")), shape), dtype)
                                         : expand(l, cast(l, l.tensor("value"), dtype), shape);
  const std::string name = l.op() == "aten.scatter_add" ? "sum" : l.text("reduce");
  const auto give = [&](ValueId y) { l.result(reshape(l, y, l.shape(given))); };
  if (name.empty()) return give(scattered(l, x, places, updates, axis));
  const ScatterReduction reduction = reduction_of(l, name);
  const bool counts_self = l.flag("include_self", true);
  if (!counts_self) x = scattered(l, x, places, filled(l, neutral(reduction, dtype), shape, dtype), axis);
  const ValueId y = scattered(l, x, places, updates, axis, reduction);
  if (name != "mean") return give(y);
  ValueId count = scattered(l, filled(l, counts_self ? 1 : 0, l.shape(x), dtype), places,
                            filled(l, 1, shape, dtype), axis, ScatterReduction::add);
  if (!counts_self) count = binary(l, "maximum", count, 1.0);
  give(binary(l, is_float(dtype) ? "div" : "floor_div", y, count));
}

/// index_add, index_copy and index_fill: whole slices along an axis, by a list of indices.
void translate_index_write(Layer& l) {
  const ValueId given = l.tensor("self"), x = with_axes(l, given);
  const std::int64_t rank = l.rank(x), axis = l.axis(l.integer("dim"), rank);
  const ValueId index = with_axes(l, as_index(l, l.tensor("index")));
  if (l.rank(index) != 1) l.refuse(Kind::shape_mismatch, "the index is " + type_text(l.type(index)));
  Shape shape = l.shape(x);
  shape[static_cast<std::size_t>(axis)] = l.dim(index, 0);
  const ValueId places = expand(l, along_axis(l, index, axis, rank), shape);
  const bool is_sum = l.op() == "aten.index_add";
  ValueId updates = cast(l, l.tensor(l.takes("source") ? "source" : "value"), l.dtype(x));
  if (const double alpha = l.real("alpha", 1); is_sum && alpha != 1)
    updates = binary(l, "mul", updates, alpha);
  if (l.rank(updates) == 0) updates = expand(l, updates, shape);
  l.result(reshape(
      l, scattered(l, x, places, updates, axis, is_sum ? ScatterReduction::add : ScatterReduction::none),
      l.shape(given)));
}

namespace {

/// A single bool mask over the first axes, computed at run time, with one value for all: no index is needed.
bool is_masked_fill(Layer& l, const Item& indices, ValueId values) {
  if (!indices.is_list() || indices.list().size() != 1 || !indices.list()[0].is_tensor()) return false;
  const ValueId mask = indices.list()[0].tensor();
  return l.dtype(mask) == DType::boolean && !l.is_constant(mask) && l.type(values).elements() == 1;
}

}  // namespace

/// x[i, :, j] = values, or += with accumulate.
void translate_index_put(Layer& l) {
  const ValueId x = l.tensor("self");
  ValueId values = cast(l, l.tensor("values"), l.dtype(x));
  const bool adds = l.flag("accumulate");
  if (is_masked_fill(l, l.item("indices"), values)) {
    ValueId mask = l.item("indices").list()[0].tensor();
    const Shape of_mask = l.shape(mask), of_x = l.shape(x);
    if (of_mask.size() > of_x.size() || !std::equal(of_mask.begin(), of_mask.end(), of_x.begin()))
      l.refuse(Kind::shape_mismatch, "a mask " + shape_text(of_mask) + " does not fit " + shape_text(of_x));
    Shape shape = of_mask;
    shape.resize(of_x.size(), 1);
    mask = reshape(l, mask, shape);
    const ValueId one = reshape(l, values, {});
    return l.result(where(l, mask, adds ? binary(l, "add", x, one) : one, x));
  }
  const Indexed at = indexed(l, x, l.item("indices"));
  if (at.axes.empty()) return l.result(adds ? binary(l, "add", x, values) : expand(l, values, l.shape(x)));
  // The indexed axes first, as rows that are written whole.
  const std::int64_t flat_rank = static_cast<std::int64_t>(at.flat_shape.size());
  Ints to_front = {at.before}, back;
  for (std::int64_t axis = 0; axis < flat_rank; ++axis)
    if (axis != at.before) to_front.push_back(axis);
  for (std::int64_t axis = 0; axis < flat_rank; ++axis)
    back.push_back(std::ranges::find(to_front, axis) - to_front.begin());
  const ValueId rows = transpose(l, reshape(l, transpose(l, x, at.perm), at.flat_shape), to_front);
  Shape picked = at.flat_shape;
  picked[static_cast<std::size_t>(at.before)] = l.dim(at.numbers, 0);
  const ValueId updates = transpose(l, reshape(l, expand(l, values, at.result_shape), picked), to_front);
  ScatterAttrs a;
  a.reduction = adds ? ScatterReduction::add : ScatterReduction::none;
  const ValueId y = l.add("scatter_nd", a, {rows, unsqueeze(l, at.numbers, {1}), updates});
  Shape permuted;
  for (const std::int64_t axis : at.perm) permuted.push_back(l.dim(x, axis));
  Ints home(at.perm.size());
  for (std::size_t i = 0; i < at.perm.size(); ++i)
    home[static_cast<std::size_t>(at.perm[i])] = static_cast<std::int64_t>(i);
  l.result(transpose(l, reshape(l, transpose(l, y, back), permuted), home));
}

}  // namespace nb::torch
