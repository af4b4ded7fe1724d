// Reductions, softmax and its kin, arg-extrema, running sums.
#include <algorithm>

#include "blocks/argmax/attributes.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/topk/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

/// x as [before, behind], f of it along `axis`, and back: what the softmax family does before opset 13.
template <class F>
ValueId along(Layer& l, ValueId x, F f) {
  const std::int64_t rank = l.rank(x);
  if (l.opset >= 13) return f(x, l.axis(l.integer("axis", -1), std::max<std::int64_t>(rank, 1)));
  const std::int64_t given = l.integer("axis", 1);
  if (given < -rank || given > rank) l.refuse(Kind::attribute_out_of_range, "axis " + std::to_string(given));
  const std::int64_t axis = given < 0 ? given + rank : given;
  // The same axis already: no reshape needed.
  if (rank > 0 && axis == rank - 1) return f(x, axis);
  const Shape shape = l.shape(x);
  return reshape(l, f(reshape(l, x, {product(shape, 0, axis), product(shape, axis, rank)}), 1), shape);
}

}  // namespace

void translate_reduce(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x);
  const auto given = l.ints_of("axes", 1);
  Ints axes = given ? l.axes(*given, rank) : Ints{};
  if (axes.empty()) {
    if (!l.flag("noop_with_empty_axes", false)) {
      axes = axes_from(0, rank);
    } else {
      // Nothing is summed, but the function around the sum still applies to each element.
      const std::string_view type = l.type();
      ValueId y = x;
      if (type == "ReduceL1" || type == "ReduceL2") y = unary(l, "abs", x);
      if (type == "ReduceSumSquare") y = binary(l, "mul", x, x);
      if (type == "ReduceLogSum") y = unary(l, "log", x);
      return l.output(0, y);
    }
  }
  std::string_view block = l.block();
  if (l.dtype(x) == DType::boolean && l.type() == "ReduceMax") block = "reduce_any";
  if (l.dtype(x) == DType::boolean && l.type() == "ReduceMin") block = "reduce_all";
  l.output(0, reduce(l, block, x, std::move(axes), l.flag("keepdims", true)));
}

void translate_softmax(Layer& l) {
  l.output(0, along(l, l.in(0), [&](ValueId x, std::int64_t axis) {
             return l.add(l.block(), SoftmaxAttrs{axis, 1.0f}, {x});
           }));
}

void translate_hardmax(Layer& l) {
  l.output(0, along(l, l.in(0), [&](ValueId x, std::int64_t axis) {
             const ValueId first = l.add("argmax", ArgmaxAttrs{.axis = axis}, {x});
             return cast(l, one_hot_mask(l, first, l.dim(x, axis), axis), l.dtype(x));
           }));
}

void translate_arg_extremum(Layer& l) {
  const ValueId x = l.in(0);
  ArgmaxAttrs a;
  a.axis = l.axis(l.integer("axis", 0), l.rank(x));
  a.keep_dims = l.flag("keepdims", true);
  a.select_last = l.flag("select_last_index", false);
  l.output(0, l.add(l.block(), a, {x}));
}

void translate_running(Layer& l) {
  const ValueId x = l.in(0);
  CumsumAttrs a;
  a.axis = l.axis(l.one_int(l.in(1), "axis"), l.rank(x));
  a.exclusive = l.flag("exclusive", false);
  a.reverse = l.flag("reverse", false);
  l.output(0, l.add(l.block(), a, {x}));
}

void translate_top_k(Layer& l) {
  const ValueId x = l.in(0);
  TopkAttrs a;
  a.axis = l.axis(l.integer("axis", -1), l.rank(x));
  a.k = l.opset < 10 ? l.integer("k") : l.one_int(l.in(1), "k");
  a.largest = l.flag("largest", true);
  const auto outputs = l.add_all("topk", Attributes(a), {x});
  for (std::size_t i = 0; i < outputs.size(); ++i) l.output(i, outputs[i]);
}

}  // namespace nb::onnx
