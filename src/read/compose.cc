#include "read/compose.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "blocks/cast/attributes.h"
#include "blocks/concat/attributes.h"
#include "blocks/expand/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/matmul/attributes.h"
#include "blocks/pad/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/transpose/attributes.h"
#include "read/dtypes.h"

namespace nb::read {

ValueId reshape(Translation& l, ValueId x, const Shape& shape) {
  if (l.shape(x) == shape) return x;
  return l.add("reshape", ReshapeAttrs{shape}, {x});
}

ValueId transpose(Translation& l, ValueId x, const Ints& perm) {
  bool is_identity = true;
  for (std::size_t i = 0; i < perm.size(); ++i)
    is_identity = is_identity && perm[i] == static_cast<std::int64_t>(i);
  if (is_identity) return x;
  const ValueId y = l.add("transpose", TransposeAttrs{perm}, {x});
  // Weights stay on their grid.
  if (const Quantization* grid = l.is_constant(y) ? l.build.grid(x) : nullptr; grid != nullptr) {
    Quantization moved = *grid;
    if (moved.is_per_axis())
      moved.axis = static_cast<int>(std::ranges::find(perm, moved.axis) - perm.begin());
    l.build.note_grid(y, std::move(moved));
  }
  return y;
}

ValueId expand(Translation& l, ValueId x, const Shape& shape) {
  if (l.shape(x) == shape) return x;
  return l.add("expand", ExpandAttrs{shape}, {x});
}

ValueId concat(Translation& l, const std::vector<ValueId>& parts, std::int64_t axis) {
  if (parts.size() == 1) return parts[0];
  return l.add("concat", ConcatAttrs{axis}, parts);
}

ValueId slice_axis(Translation& l, ValueId x, std::int64_t axis, std::int64_t begin, std::int64_t size,
                   std::int64_t step) {
  SliceAttrs a;
  a.size = l.shape(x);
  a.begin.assign(a.size.size(), 0);
  a.step.assign(a.size.size(), 1);
  const auto at = static_cast<std::size_t>(axis);
  if (begin == 0 && step == 1 && a.size[at] == size) return x;
  a.begin[at] = begin;
  a.size[at] = size;
  a.step[at] = step;
  return l.add("slice", std::move(a), {x});
}

ValueId mirrored(Translation& l, ValueId x, std::int64_t axis) {
  const std::int64_t size = l.dim(x, axis);
  return size < 2 ? x : slice_axis(l, x, axis, size - 1, size, -1);
}

ValueId repeat_heads(Translation& l, ValueId x, std::int64_t times) {
  if (times == 1) return x;
  const Shape s = l.shape(x);
  const ValueId wide = expand(l, reshape(l, x, {s[0], s[1], 1, s[2], s[3]}), {s[0], s[1], times, s[2], s[3]});
  return reshape(l, wide, {s[0], s[1] * times, s[2], s[3]});
}

ValueId unsqueeze(Translation& l, ValueId x, Ints axes) {
  std::sort(axes.begin(), axes.end());
  Shape shape = l.shape(x);
  for (const std::int64_t axis : axes) {
    if (axis < 0 || axis > static_cast<std::int64_t>(shape.size()))
      l.refuse(Kind::attribute_out_of_range, "axis " + std::to_string(axis) + " is outside the result");
    shape.insert(shape.begin() + axis, 1);
  }
  return reshape(l, x, shape);
}

ValueId squeeze(Translation& l, ValueId x, const Ints& axes) {
  const Shape from = l.shape(x);
  Shape shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end())
      shape.push_back(from[i]);
    else if (from[i] != 1)
      l.refuse(Kind::shape_mismatch, "axis " + std::to_string(i) + " of " + shape_text(from) + " is not 1");
  }
  return reshape(l, x, shape);
}

ValueId along_axis(Translation& l, ValueId x, std::int64_t axis, std::int64_t rank) {
  Shape shape(static_cast<std::size_t>(rank), 1);
  shape[static_cast<std::size_t>(axis)] = l.type(x).elements();
  return reshape(l, x, shape);
}

Shape broadcast_shape(Translation& l, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      l.refuse(Kind::shape_mismatch, shape_text(a) + " and " + shape_text(b) + " do not broadcast");
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

ValueId pad_constant(Translation& l, ValueId x, const Ints& before, const Ints& after, float value) {
  const auto is_zero = [](std::int64_t n) { return n == 0; };
  if (std::all_of(before.begin(), before.end(), is_zero) && std::all_of(after.begin(), after.end(), is_zero))
    return x;
  return l.add("pad", PadAttrs{before, after, PadMode::constant, value}, {x});
}

ValueId cast(Translation& l, ValueId x, DType to) {
  return l.dtype(x) == to ? x : l.add("cast", CastAttrs{to}, {x});
}

ValueId as_real(Translation& l, ValueId x) { return is_float(l.dtype(x)) ? x : cast(l, x, DType::f32); }

ValueId scalar(Translation& l, double value, DType dtype) {
  const auto as_float = make_tensor<double>(DType::f64, {}, std::span<const double>(&value, 1));
  return l.constant(converted(as_float, dtype), "value");
}

ValueId iota(Translation& l, std::int64_t n, DType dtype, std::int64_t axis, std::int64_t rank) {
  Ints values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  Shape shape(static_cast<std::size_t>(rank), 1);
  shape[static_cast<std::size_t>(axis)] = n;
  return ints(l, values, shape, dtype);
}

ValueId floats(Translation& l, const std::vector<float>& values, const Shape& shape) {
  return l.constant(make_tensor<float>(DType::f32, shape, values), "values");
}

ValueId ints(Translation& l, const Ints& values, const Shape& shape, DType dtype) {
  return l.constant(converted(make_tensor<std::int64_t>(DType::i64, shape, values), dtype), "values");
}

ValueId binary(Translation& l, std::string_view block, ValueId a, ValueId b) { return l.add(block, {a, b}); }
ValueId binary(Translation& l, std::string_view block, ValueId a, double b) {
  return l.add(block, {a, scalar(l, b, l.dtype(a))});
}
ValueId unary(Translation& l, std::string_view block, ValueId x) { return l.add(block, {x}); }
ValueId power(Translation& l, ValueId x, double exponent) {
  if (exponent == 1) return x;
  if (exponent == 2) return binary(l, "mul", x, x);
  if (exponent == 3) return binary(l, "mul", x, binary(l, "mul", x, x));
  if (exponent == 0.5) return unary(l, "sqrt", x);
  if (exponent == -0.5) return unary(l, "rsqrt", x);
  return exponent == -1 ? unary(l, "reciprocal", x) : ValueId();
}
ValueId times(Translation& l, ValueId x, double factor) {
  return factor == 1.0 ? x : binary(l, "mul", x, factor);
}
ValueId gelu(Translation& l, ValueId x, bool is_approximate) {
  const AttributeOps& ops = l.build.blocks().find("gelu")->attributes;
  Attributes attributes = ops.make();
  (void)ops.set(attributes, "approximate", is_approximate ? "true" : "false");
  return l.add_one("gelu", std::move(attributes), {x});
}
ValueId where(Translation& l, ValueId condition, ValueId a, ValueId b) {
  return l.add("where", {condition, a, b});
}

ValueId reduce(Translation& l, std::string_view block, ValueId x, Ints axes, bool keep_dims) {
  std::sort(axes.begin(), axes.end());
  return l.add(block, ReduceAttrs{std::move(axes), keep_dims}, {x});
}

ValueId as_bias(Translation& l, ValueId allowed) {
  return where(l, allowed, scalar(l, 0), scalar(l, -std::numeric_limits<double>::infinity()));
}

ValueId softmax(Translation& l, ValueId x, std::int64_t axis) {
  return l.add("softmax", SoftmaxAttrs{axis, 1.0f}, {x});
}

ValueId matmul(Translation& l, ValueId a, ValueId b, bool transpose_a, bool transpose_b) {
  return l.add("matmul", MatmulAttrs{transpose_a, transpose_b}, {a, b});
}

ValueId weights_on_grid(Translation& l, ValueId w) {
  const Quantization* grid = l.is_constant(w) ? l.build.grid(w) : nullptr;
  if (grid == nullptr) return w;
  Value copy = l.build.graph().at(w);  // shares the elements
  copy.type.quantization = *grid;
  return l.build.graph().add_value(std::move(copy));
}

namespace {

/// Begin and step of constant indices that go up evenly inside an axis of `size`; absent if they do not.
std::optional<std::pair<std::int64_t, std::int64_t>> even_steps(Translation& l, ValueId indices,
                                                                std::int64_t size) {
  if (!l.is_constant(indices) || l.type(indices).elements() == 0) return std::nullopt;
  Ints at = l.ints(indices, "indices");
  for (std::int64_t& i : at) i += i < 0 ? size : 0;
  const std::int64_t step = at.size() > 1 ? at[1] - at[0] : 1;
  if (step < 1 || at.front() < 0 || at.back() >= size) return std::nullopt;
  for (std::size_t i = 1; i < at.size(); ++i)
    if (at[i] - at[i - 1] != step) return std::nullopt;
  return std::pair{at[0], step};
}

}  // namespace

ValueId gather(Translation& l, ValueId x, ValueId indices, std::int64_t axis, std::int64_t batch_dims) {
  if (batch_dims == 0 && axis >= 0 && axis < l.rank(x) && !l.is_constant(x)) {
    if (const auto steps = even_steps(l, indices, l.dim(x, axis))) {
      const Shape from = l.shape(x), places = l.shape(indices);
      Shape to(from.begin(), from.begin() + axis);
      to.insert(to.end(), places.begin(), places.end());
      to.insert(to.end(), from.begin() + axis + 1, from.end());
      const ValueId part = slice_axis(l, x, axis, steps->first, element_count(places), steps->second);
      return reshape(l, part, to);
    }
  }
  return l.add("gather", GatherAttrs{axis, batch_dims}, {x, indices});
}

ValueId wrap_indices(Translation& l, ValueId indices, std::int64_t dim) {
  if (l.is_constant(indices)) {
    Ints values = l.ints(indices, "indices");
    if (std::all_of(values.begin(), values.end(), [](std::int64_t i) { return i >= 0; })) return indices;
    for (std::int64_t& i : values) i += i < 0 ? dim : 0;
    return ints(l, values, l.shape(indices), l.dtype(indices));
  }
  const ValueId wrapped = binary(l, "add", indices, static_cast<double>(dim));
  return where(l, binary(l, "less", indices, 0.0), wrapped, indices);
}

ValueId one_hot_mask(Translation& l, ValueId indices, std::int64_t n, std::int64_t axis) {
  return binary(l, "equal", indices, iota(l, n, l.dtype(indices), axis, l.rank(indices)));
}

Ints axes_from(std::int64_t first, std::int64_t rank) {
  Ints axes;
  for (std::int64_t axis = first; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

std::int64_t product(const Shape& shape, std::int64_t begin, std::int64_t end) {
  std::int64_t n = 1;
  for (std::int64_t i = begin; i < end; ++i) n *= shape[static_cast<std::size_t>(i)];
  return n;
}

}  // namespace nb::read
