// Operators that read elements by index.
#include <algorithm>

#include "blocks/gather/attributes.h"
#include "blocks/one_hot/attributes.h"
#include "read/torch/axes.h"
#include "read/torch/indices.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

constexpr std::int64_t kMaxCompared = std::int64_t{1} << 22;

}  // namespace

void translate_embedding(Layer& l) {
  const ValueId table = l.tensor("weight");
  l.require_rank(table, 2, "the table");
  l.result(gather(l, table, as_index(l, l.tensor("indices")), 0));
}

namespace {

enum class Bag : std::uint8_t { sum, mean, max };

/// The elements [begin, end) of a list of rows that one bag holds.
ValueId bag_of(Layer& l, ValueId rows, ValueId counted, std::int64_t begin, std::int64_t end, Bag mode) {
  const std::int64_t width = l.dim(rows, 1);
  if (begin == end) return expand(l, scalar(l, 0), {1, width});
  const ValueId part = slice_axis(l, rows, 0, begin, end - begin);
  if (mode == Bag::max) return reduce(l, "reduce_max", part, {0}, true);
  const ValueId total = reduce(l, "reduce_sum", part, {0}, true);
  if (mode == Bag::sum) return total;
  if (!counted.is_present()) return binary(l, "div", total, static_cast<double>(end - begin));
  const ValueId count = reduce(l, "reduce_sum", slice_axis(l, counted, 0, begin, end - begin), {0}, true);
  return binary(l, "div", total, binary(l, "maximum", count, 1.0));
}

}  // namespace

/// Sums, means or maxima of rows of a table, bag by bag; where bags begin must be known.
void translate_embedding_bag(Layer& l) {
  const ValueId indices = as_index(l, l.tensor("indices"));
  if (l.rank(indices) != 1) l.refuse(Kind::shape_mismatch, "the indices are " + type_text(l.type(indices)));
  const std::int64_t mode = l.integer("mode", 0), count = l.dim(indices, 0);
  if (mode < 0 || mode > 2) l.refuse(Kind::attribute_out_of_range, "mode is none of 0, 1, 2");
  const Bag bag = static_cast<Bag>(mode);
  Ints begin = l.ints(l.tensor("offsets"), "offsets");
  if (!l.flag("include_last_offset")) begin.push_back(count);
  if (begin.empty() || begin.front() != 0 || begin.back() > count ||
      !std::is_sorted(begin.begin(), begin.end()))
    l.invalid("its offsets do not begin at 0 and rise to at most " + std::to_string(count));
  ValueId rows = gather(l, l.tensor("weight"), indices, 0), counted;
  const auto factor = [&](ValueId of_each) { rows = binary(l, "mul", rows, unsqueeze(l, of_each, {1})); };
  if (l.has("per_sample_weights")) factor(l.tensor("per_sample_weights"));
  if (const std::int64_t left_out = l.integer("padding_idx", -1); left_out >= 0) {
    if (bag == Bag::max) l.unsupported("an embedding_bag of maxima with a padding index");
    const ValueId one = cast(l, binary(l, "not_equal", indices, static_cast<double>(left_out)), DType::f32);
    factor(one);
    counted = unsqueeze(l, one, {1});
  }
  std::vector<ValueId> bags;
  Ints bag_of_row, sizes;
  for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
    bags.push_back(bag_of(l, rows, counted, begin[i], begin[i + 1], bag));
    sizes.push_back(begin[i + 1] - begin[i]);
    bag_of_row.insert(bag_of_row.end(), static_cast<std::size_t>(sizes.back()), static_cast<std::int64_t>(i));
  }
  const auto n = static_cast<std::int64_t>(sizes.size());
  l.result(bags.empty() ? floats(l, {}, {0, l.dim(rows, 1)}) : concat(l, bags, 0));
  l.result(ints(l, bag_of_row, {static_cast<std::int64_t>(bag_of_row.size())}));
  l.result(ints(l, sizes, {n}));
  l.result(Item());  // which elements were largest: no program asks, and one that does is refused
}

/// y[i,j,k] = x[i, index[i,j,k], k].
void translate_gather(Layer& l) {
  const ValueId given = l.tensor("self"), x = with_axis(l, given), index = l.tensor("index");
  const ValueId places = as_index(l, with_axis(l, index));
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x));
  l.result(reshape(l, l.add("gather_elements", GatherAttrs{axis}, {x, places}), l.shape(index)));
}

/// gather of indices that broadcast against x but along the axis.
void translate_take_along_dim(Layer& l) {
  ValueId x = l.tensor("self"), places = as_index(l, l.tensor("indices"));
  if (!l.has("dim")) {
    x = reshape(l, x, {l.type(x).elements()});
    places = reshape(l, places, {l.type(places).elements()});
    return l.result(l.add("gather_elements", GatherAttrs{0}, {x, places}));
  }
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x));
  if (l.rank(places) != l.rank(x)) l.refuse(Kind::shape_mismatch, "the indices are of another rank");
  const auto at = static_cast<std::size_t>(axis);
  Shape xs = l.shape(x), is = l.shape(places);
  const std::int64_t of_x = xs[at], of_index = is[at];
  xs[at] = is[at] = 1;
  Shape both = broadcast_shape(l, xs, is);
  both[at] = of_x;
  x = expand(l, x, both);
  both[at] = of_index;
  l.result(l.add("gather_elements", GatherAttrs{axis}, {x, expand(l, places, both)}));
}

/// Elements by their number in the whole tensor.
void translate_take(Layer& l) {
  const ValueId x = l.tensor("self");
  l.result(gather(l, reshape(l, x, {l.type(x).elements()}), as_index(l, l.tensor("index")), 0));
}

void translate_index_select(Layer& l) {
  const ValueId given = l.tensor("self"), x = with_axis(l, given);
  const std::int64_t axis = l.axis(l.integer("dim"), l.rank(x));
  const ValueId y = gather(l, x, with_axis(l, as_index(l, l.tensor("index"))), axis);
  l.result(l.rank(given) == 0 ? reshape(l, y, {}) : y);
}

/// x[i, :, j, ...] by tensors of indices that broadcast to one shape.
void translate_index(Layer& l) {
  const ValueId x = l.tensor("self");
  const Indexed where = indexed(l, x, l.item("indices"));
  if (where.axes.empty()) return l.result(x);
  const ValueId rows = reshape(l, transpose(l, x, where.perm), where.flat_shape);
  l.result(reshape(l, gather(l, rows, where.numbers, where.before), where.result_shape));
}

void translate_one_hot(Layer& l) {
  const ValueId x = as_index(l, l.tensor("self"));
  OneHotAttrs a;
  a.depth = l.integer("num_classes", -1);
  if (a.depth < 0) {
    if (!l.is_constant(x))
      l.refuse(Kind::dynamic_shape, "how many classes there are is known only at run time",
               "give one_hot its num_classes");
    a.depth = 1;
    for (const std::int64_t value : l.ints(x, "the classes")) a.depth = std::max(a.depth, value + 1);
  }
  a.axis = l.rank(x);
  l.result(l.add("one_hot", a, {x, ints(l, {0, 1}, {2})}));
}

/// searchsorted and bucketize: how many of the boundaries are below the value (or not above it).
void translate_searchsorted(Layer& l) {
  const bool is_bucket = l.op() == "aten.bucketize";
  ValueId sequence = l.tensor(is_bucket ? "boundaries" : "sorted_sequence"), values = l.tensor("self");
  l.require_rank(sequence, 1, "the boundaries");
  const std::string side = l.text("side", l.flag("right") ? "right" : "left");
  if (side != "left" && side != "right") l.invalid("`side` is neither left nor right");
  if (l.has("sorter"))
    sequence = l.add("gather_elements", GatherAttrs{l.rank(sequence) - 1},
                     {sequence, as_index(l, l.tensor("sorter"))});
  const DType dtype = is_float(l.dtype(sequence)) || is_float(l.dtype(values)) ? DType::f32 : DType::i64;
  const std::int64_t rank = l.rank(values);
  sequence = cast(l, sequence, dtype);
  values = unsqueeze(l, cast(l, values, dtype), {rank});
  if (l.rank(sequence) > 1) sequence = unsqueeze(l, sequence, {rank - 1});
  const std::int64_t compared = l.type(values).elements() * l.dim(sequence, l.rank(sequence) - 1);
  if (compared > kMaxCompared)
    l.refuse(Kind::limit_exceeded, std::to_string(compared) + " comparisons would be made");
  const ValueId is_below = binary(l, side == "right" ? "less_equal" : "less", sequence, values);
  const ValueId count = reduce(l, "reduce_sum", cast(l, is_below, DType::i32), {rank}, false);
  l.result(l.flag("out_int32") ? count : cast(l, count, DType::i64));
}

namespace {

[[noreturn]] void refuse_counted(Layer& l, ValueId value) {
  l.refuse(
      Kind::dynamic_shape,
      "how many results it gives is known only at run time, from `" + l.build.graph().at(value).name + "`",
      "compute with all elements and a mask (torch.where), or take a fixed number of them (topk)");
}

}  // namespace

/// The elements where a mask holds, which must be known: it decides how many there are.
void translate_masked_select(Layer& l) {
  const ValueId x = l.tensor("self"), mask = cast(l, l.tensor("mask"), DType::boolean);
  const Shape shape = broadcast_shape(l, l.shape(x), l.shape(mask));
  const ValueId whole = expand(l, mask, shape);
  if (!l.is_constant(whole)) refuse_counted(l, whole);
  const Ints truth = l.ints(whole, "the mask");
  Ints places;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (truth[i] != 0) places.push_back(static_cast<std::int64_t>(i));
  const ValueId flat = reshape(l, expand(l, x, shape), {element_count(shape)});
  l.result(gather(l, flat, ints(l, places, {static_cast<std::int64_t>(places.size())}), 0));
}

/// nonzero: [found, axes], and nonzero_numpy, which gives a tensor an axis.
void translate_nonzero(Layer& l) {
  const ValueId x = l.tensor("self");
  if (!l.is_constant(x)) refuse_counted(l, x);
  const std::vector<ValueId> places = nonzero_places(l, x);
  if (places.empty()) {
    const bool is_set = l.doubles(x, "the tensor")[0] != 0;
    return l.result(ints(l, {}, {is_set ? 1 : 0, 0}));
  }
  std::vector<ValueId> columns;
  for (const ValueId place : places) columns.push_back(unsqueeze(l, place, {1}));
  l.result(concat(l, columns, 1));
}

/// Operators whose number of results, or whose places, follow from values.
void translate_counted(Layer& l) { refuse_counted(l, l.tensor("self")); }

}  // namespace nb::torch
