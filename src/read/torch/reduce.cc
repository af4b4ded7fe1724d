// Reductions, softmax and its kin, running sums, and what sorts.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/argmax/attributes.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/topk/attributes.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// An axis of x; that of a tensor without axes, 0 or -1, is -1.
std::int64_t axis_of(Layer& l, ValueId x, std::int64_t given) {
  if (l.rank(x) > 0) return l.axis(given, l.rank(x));
  (void)l.axis(given, 1);
  return -1;
}

/// The axes named; all of them where none are.
Ints axes_of(Layer& l, ValueId x, std::string_view parameter = "dim") {
  Ints given;
  if (l.has(parameter))
    given = l.item(parameter).is_list() ? l.integers(parameter) : Ints{l.integer(parameter)};
  if (given.empty()) return axes_from(0, l.rank(x));
  if (l.rank(x) > 0) return l.axes(given, l.rank(x));
  for (const std::int64_t axis : given) (void)axis_of(l, x, axis);
  return {};
}

/// The operand of a sum: of another dtype where the model says so, bools and integers as i64.
ValueId summand(Layer& l) {
  const ValueId x = l.tensor("self");
  if (const auto dtype = l.element_type("dtype")) return cast(l, x, *dtype);
  return is_float(l.dtype(x)) ? x : cast(l, x, DType::i64);
}

/// f of x, of tensors without axes as of one element.
template <class F>
void along(Layer& l, ValueId x, std::int64_t given, F f) {
  if (l.rank(x) > 0) return l.result(f(x, l.axis(given, l.rank(x))));
  (void)l.axis(given, 1);
  l.result(reshape(l, f(reshape(l, x, {1}), 0), {}));
}

/// The extremes of bools are their "any" and "all".
std::string_view extremum(Layer& l, ValueId x, bool is_max) {
  if (l.dtype(x) == DType::boolean) return is_max ? "reduce_any" : "reduce_all";
  return is_max ? "reduce_max" : "reduce_min";
}

bool is_max_of(Layer& l) { return l.op().find("max") != std::string_view::npos; }

/// Numbers that argmax and topk can compare.
ValueId comparable(Layer& l, ValueId x) { return l.dtype(x) == DType::boolean ? cast(l, x, DType::u8) : x; }

}  // namespace

/// sum, prod, mean and nansum.
void translate_sum(Layer& l) {
  ValueId x = summand(l);
  if (l.op() == "aten.mean" && !is_float(l.dtype(x))) l.invalid("the mean of integers has no dtype");
  if (l.op() == "aten.nansum" && is_float(l.dtype(x))) x = where(l, unary(l, "isnan", x), scalar(l, 0), x);
  l.result(reduce(l, l.block(), x, axes_of(l, x), l.flag("keepdim")));
}

/// amax, amin and aminmax.
void translate_extremum(Layer& l) {
  const ValueId x = l.tensor("self");
  const Ints axes = axes_of(l, x);
  const bool keeps = l.flag("keepdim");
  if (l.op() != "aten.aminmax")
    return l.result(reduce(l, extremum(l, x, l.op() == "aten.amax"), x, axes, keeps));
  l.result(reduce(l, extremum(l, x, false), x, axes, keeps));
  l.result(reduce(l, extremum(l, x, true), x, axes, keeps));
}

/// max and min: of two tensors, of all elements, or along an axis with the indices.
void translate_max(Layer& l) {
  const bool is_max = is_max_of(l);
  if (l.takes("other")) {
    const auto [a, b] = promoted(l, "self", "other");
    if (l.dtype(a) == DType::boolean) return l.result(binary(l, is_max ? "logical_or" : "logical_and", a, b));
    return l.result(binary(l, is_max ? "maximum" : "minimum", a, b));
  }
  const ValueId x = l.tensor("self");
  if (!l.takes("dim")) return l.result(reduce(l, extremum(l, x, is_max), x, axes_from(0, l.rank(x)), false));
  const std::int64_t axis = axis_of(l, x, l.integer("dim"));
  if (axis < 0) {
    l.result(x);
    return l.result(ints(l, {0}, {}));
  }
  const bool keeps = l.flag("keepdim");
  l.result(reduce(l, extremum(l, x, is_max), x, {axis}, keeps));
  l.result(
      l.add(is_max ? "argmax" : "argmin", ArgmaxAttrs{.axis = axis, .keep_dims = keeps}, {comparable(l, x)}));
}

void translate_arg_extremum(Layer& l) {
  const ValueId x = comparable(l, l.tensor("self"));
  const bool keeps = l.flag("keepdim");
  const Shape ones(keeps ? static_cast<std::size_t>(l.rank(x)) : 0, 1);
  if (l.rank(x) == 0 || !l.has("dim")) {
    if (l.has("dim")) (void)axis_of(l, x, l.integer("dim"));
    const ValueId flat = reshape(l, x, {l.type(x).elements()});
    return l.result(reshape(l, l.add(l.block(), ArgmaxAttrs{.axis = 0, .keep_dims = false}, {flat}), ones));
  }
  ArgmaxAttrs a;
  a.axis = l.axis(l.integer("dim"), l.rank(x));
  a.keep_dims = keeps;
  l.result(l.add(l.block(), a, {x}));
}

void translate_any(Layer& l) {
  const ValueId x = l.tensor("self"), truth = cast(l, x, DType::boolean);
  const ValueId y = reduce(l, l.block(), truth, axes_of(l, x), l.flag("keepdim"));
  l.result(l.dtype(x) == DType::u8 ? cast(l, y, DType::u8) : y);
}

void translate_count_nonzero(Layer& l) {
  const ValueId x = l.tensor("self"), truth = cast(l, x, DType::boolean);
  l.result(reduce(l, "reduce_sum", cast(l, truth, DType::i64), axes_of(l, x), false));
}

/// Variance and deviation, of which `correction` elements are not counted; with the mean in the _mean forms.
void translate_variance(Layer& l) {
  const ValueId x = l.tensor("self");
  if (!is_float(l.dtype(x))) l.invalid("it is of integers");
  const Ints axes = axes_of(l, x);
  const bool keeps = l.flag("keepdim");
  const double correction =
      l.takes("unbiased") ? (l.flag("unbiased", true) ? 1 : 0) : l.real("correction", 1);
  double count = 1;
  for (const std::int64_t axis : axes) count *= static_cast<double>(l.dim(x, axis));
  const ValueId mean = reduce(l, "reduce_mean", x, axes, true), centered = binary(l, "sub", x, mean);
  ValueId y = reduce(l, "reduce_mean", binary(l, "mul", centered, centered), axes, keeps);
  if (correction != 0) y = binary(l, "mul", y, count / std::max(count - correction, 0.0));
  l.result(l.op().starts_with("aten.std") ? unary(l, "sqrt", y) : y);
  if (l.op().ends_with("_mean")) l.result(keeps ? mean : reduce(l, "reduce_mean", x, axes, false));
}

void translate_log_sum_exp(Layer& l) {
  const ValueId x = as_real(l, l.tensor("self"));
  l.result(reduce(l, "reduce_log_sum_exp", x, axes_of(l, x), l.flag("keepdim")));
}

/// softmax and log_softmax; _safe_softmax gives 0 where nothing is left to choose from.
void translate_softmax(Layer& l) {
  const ValueId x = as_real(l, l.tensor("self"));
  along(l, x, l.integer("dim"), [&](ValueId rows, std::int64_t axis) {
    const ValueId y = l.add(l.block(), SoftmaxAttrs{axis, 1.0f}, {rows});
    if (l.op() != "aten._safe_softmax") return y;
    const ValueId best = reduce(l, "reduce_max", rows, {axis}, true);
    const double nothing = -std::numeric_limits<double>::infinity();
    return where(l, binary(l, "equal", best, nothing), scalar(l, 0), y);
  });
}

/// Sums and products so far.
void translate_running(Layer& l) {
  along(l, summand(l), l.integer("dim"),
        [&](ValueId x, std::int64_t axis) { return l.add(l.block(), CumsumAttrs{.axis = axis}, {x}); });
}

namespace {

/// The k largest or smallest along an axis, in order: values and indices.
struct Chosen {
  ValueId values, indices;
};
Chosen chosen(Layer& l, ValueId x, std::int64_t axis, std::int64_t k, bool is_largest) {
  TopkAttrs a;
  a.axis = axis;
  a.k = k;
  a.largest = is_largest;
  const auto made = l.add_all("topk", Attributes(a), {comparable(l, x)});
  return {cast(l, made[0], l.dtype(x)), made[1]};
}

}  // namespace

/// sort and argsort: all elements of the axis are chosen, in order; of equal ones the first comes first.
void translate_sort(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, l.integer("dim", -1));
  Chosen all{x, axis < 0 ? ints(l, {0}, {}) : ValueId()};
  if (axis >= 0) all = chosen(l, x, axis, l.dim(x, axis), l.flag("descending"));
  if (l.op() == "aten.sort") l.result(all.values);
  l.result(all.indices);
}

void translate_top_k(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = axis_of(l, x, l.integer("dim", -1)), k = l.integer("k");
  if (k < 0 || k > (axis < 0 ? 1 : l.dim(x, axis)))
    l.refuse(Kind::attribute_out_of_range, "k is " + std::to_string(k));
  const Chosen top = chosen(l, axis < 0 ? reshape(l, x, {1}) : x, std::max<std::int64_t>(axis, 0), k,
                            l.flag("largest", true));
  const Shape shape = axis < 0 && k == 1 ? Shape{} : l.shape(top.values);
  l.result(reshape(l, top.values, shape));
  l.result(reshape(l, top.indices, shape));
}

/// median, the lower of the two in the middle, and kthvalue.
void translate_median(Layer& l) {
  ValueId x = l.tensor("self");
  const bool is_of_axis = l.takes("dim"), keeps = l.flag("keepdim");
  if (!is_of_axis || l.rank(x) == 0) x = reshape(l, x, {l.type(x).elements()});
  const std::int64_t axis = is_of_axis ? l.axis(l.integer("dim", -1), l.rank(x)) : 0, size = l.dim(x, axis);
  const std::int64_t k = l.op() == "aten.median" ? (size + 1) / 2 : l.integer("k");
  if (k < 1 || k > size)
    l.refuse(Kind::attribute_out_of_range,
             "element " + std::to_string(k) + " of " + std::to_string(size) + " in order");
  const Chosen low = chosen(l, x, axis, k, false);
  const bool is_scalar = !is_of_axis || l.rank(l.tensor("self")) == 0;
  const auto last = [&](ValueId id) {
    const ValueId one = slice_axis(l, id, axis, k - 1, 1);
    return is_scalar || !keeps ? squeeze(l, one, {axis}) : one;
  };
  l.result(last(low.values));
  if (is_of_axis) l.result(last(low.indices));
}

/// Differences of neighbours, n times, after what is put in front and behind.
void translate_diff(Layer& l) {
  ValueId x = l.tensor("self");
  const std::int64_t axis = l.axis(l.integer("dim", -1), l.rank(x)), n = l.integer("n", 1);
  if (n < 0 || n > 1024) l.refuse(Kind::attribute_out_of_range, "n is " + std::to_string(n));
  if (n == 0) return l.result(x);
  std::vector<ValueId> parts;
  if (l.has("prepend")) parts.push_back(l.tensor("prepend"));
  parts.push_back(x);
  if (l.has("append")) parts.push_back(l.tensor("append"));
  x = concat(l, parts, axis);
  for (std::int64_t i = 0; i < n && l.dim(x, axis) > 0; ++i) {
    const std::int64_t size = l.dim(x, axis) - 1;
    const ValueId a = slice_axis(l, x, axis, 1, size), b = slice_axis(l, x, axis, 0, size);
    x = binary(l, l.dtype(x) == DType::boolean ? "logical_xor" : "sub", a, b);
  }
  l.result(x);
}

}  // namespace nb::torch
