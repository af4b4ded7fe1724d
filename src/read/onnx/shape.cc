// Operators that move elements or ask for shapes.
#include <algorithm>
#include <limits>

#include "blocks/pad/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/split/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

Shape resolved_shape(Layer& l, ValueId x, const Ints& wanted, bool keeps_zeros) {
  Shape shape = wanted;
  const Shape from = l.shape(x);
  std::int64_t open = -1, known = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !keeps_zeros) {
      if (i >= from.size())
        l.invalid("dimension 0 at " + std::to_string(i) + " copies an axis that is not there");
      shape[i] = from[i];
    }
    if (shape[i] == -1) {
      if (open >= 0) l.invalid("the shape leaves two dimensions open");
      open = static_cast<std::int64_t>(i);
    } else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known)) {
      l.invalid("the shape " + shape_text(wanted) + " is impossible");
    }
  }
  if (open >= 0) {
    const std::int64_t total = l.type(x).elements();
    if (known == 0 ? total != 0 : total % known != 0)
      l.refuse(Kind::shape_mismatch, shape_text(from) + " does not fit " + shape_text(wanted));
    shape[static_cast<std::size_t>(open)] = known == 0 ? 0 : total / known;
  }
  return shape;
}

}  // namespace

void translate_reshape(Layer& l) {
  const ValueId x = l.in(0);
  const auto wanted = l.ints_of("shape", 1);
  if (!wanted) l.invalid("its shape is missing");
  l.output(0, reshape(l, x, resolved_shape(l, x, *wanted, l.flag("allowzero", false))));
}

void translate_flatten(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x), given = l.integer("axis", 1);
  if (given < -rank || given > rank) l.refuse(Kind::attribute_out_of_range, "axis " + std::to_string(given));
  const std::int64_t axis = given < 0 ? given + rank : given;
  const Shape shape = l.shape(x);
  l.output(0, reshape(l, x, {product(shape, 0, axis), product(shape, axis, rank)}));
}

void translate_squeeze(Layer& l) {
  const ValueId x = l.in(0);
  auto axes = l.ints_of("axes", 1);
  if (!axes) {
    axes.emplace();
    const Shape shape = l.shape(x);
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (shape[i] == 1) axes->push_back(static_cast<std::int64_t>(i));
  }
  l.output(0, squeeze(l, x, l.axes(*axes, l.rank(x))));
}

void translate_unsqueeze(Layer& l) {
  const ValueId x = l.in(0);
  const auto axes = l.ints_of("axes", 1);
  if (!axes) l.invalid("its axes are missing");
  l.output(0, unsqueeze(l, x, l.axes(*axes, l.rank(x) + static_cast<std::int64_t>(axes->size()))));
}

void translate_transpose(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x);
  Ints backwards = axes_from(0, rank);
  std::reverse(backwards.begin(), backwards.end());
  const Ints perm = l.axes(l.integers("perm", backwards), rank);
  if (static_cast<std::int64_t>(perm.size()) != rank) l.invalid("`perm` does not name every axis");
  l.output(0, transpose(l, x, perm));
}

void translate_concat(Layer& l) {
  const std::vector<ValueId> parts = l.all_inputs();
  l.output(0, concat(l, parts, l.axis(l.integer("axis", 1), l.rank(parts[0]))));
}

void translate_split(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x)), total = l.dim(x, axis);
  auto sizes = l.ints_of("split", 1);
  if (!sizes) {
    const auto parts =
        static_cast<std::int64_t>(l.integer("num_outputs", static_cast<std::int64_t>(l.output_count())));
    if (parts < 1 || parts != static_cast<std::int64_t>(l.output_count()))
      l.invalid("it splits into " + std::to_string(parts) + " and has " +
                count_text(l.output_count(), "output"));
    const std::int64_t each = (total + parts - 1) / parts;
    sizes.emplace();
    for (std::int64_t i = 0, left = total; i < parts; ++i, left -= sizes->back())
      sizes->push_back(std::min(each, left));
  }
  if (sizes->size() != l.output_count()) l.invalid("its sizes and outputs differ in number");
  if (sizes->size() == 1) return l.output(0, x);
  const auto parts = l.add_all("split", Attributes(SplitAttrs{axis, *sizes}), {x});
  for (std::size_t i = 0; i < parts.size(); ++i) l.output(i, parts[i]);
}

void translate_slice(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x);
  const auto starts = l.ints_of("starts", 1), ends = l.ints_of("ends", 2);
  if (!starts || !ends) l.invalid("its starts or ends are missing");
  const auto given_axes = l.ints_of("axes", 3);
  const Ints axes =
      l.axes(given_axes ? *given_axes : axes_from(0, static_cast<std::int64_t>(starts->size())), rank);
  const Ints steps = l.has(4) ? l.ints(l.in(4), "steps") : Ints(starts->size(), 1);
  if (ends->size() != starts->size() || axes.size() != starts->size() || steps.size() != starts->size())
    l.invalid("its starts, ends, axes and steps differ in number");
  SliceAttrs a{Ints(static_cast<std::size_t>(rank), 0), l.shape(x), Ints(static_cast<std::size_t>(rank), 1)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    const std::int64_t dim = a.size[axis];
    const std::int64_t step =
        std::clamp<std::int64_t>(steps[i], -std::max<std::int64_t>(dim, 1), std::max<std::int64_t>(dim, 1));
    if (step == 0) l.invalid("a step is 0");
    const auto from_end = [&](std::int64_t at) { return at < 0 ? at + dim : at; };
    const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
    const std::int64_t begin =
        std::clamp(from_end(starts->at(i)), step > 0 ? low : 0, std::max(high, step > 0 ? low : 0));
    const std::int64_t end = std::clamp(from_end(ends->at(i)), low, std::max(high, low));
    const std::int64_t span = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
    a.size[axis] = dim == 0 || span <= 0 ? 0 : (span + stride - 1) / stride;
    a.begin[axis] = a.size[axis] == 0 ? 0 : begin;
    a.step[axis] = step;
  }
  if (a.size == l.shape(x) && std::all_of(a.step.begin(), a.step.end(), [](auto s) { return s == 1; }))
    return l.output(0, x);
  l.output(0, l.add("slice", std::move(a), {x}));
}

void translate_expand(Layer& l) {
  const ValueId x = l.in(0);
  const Ints wanted = l.ints(l.in(1), "shape");
  l.output(0, expand(l, x, broadcast_shape(l, l.shape(x), wanted)));
}

void translate_tile(Layer& l) {
  const ValueId x = l.in(0);
  const Shape shape = l.shape(x);
  Ints repeats = l.ints(l.in(1), "repeats");
  if (l.opset < 6) {  // tiles and axis
    const std::int64_t axis = l.axis(l.one_int(l.in(2), "axis"), l.rank(x)),
                       tiles = l.one_int(l.in(1), "tiles");
    repeats.assign(shape.size(), 1);
    repeats[static_cast<std::size_t>(axis)] = tiles;
  }
  if (repeats.size() != shape.size()) l.invalid("it needs one repeat an axis of " + shape_text(shape));
  // Axis after axis: [before, 1, dim, after] repeats as [before, n, dim, after].
  ValueId y = x;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (repeats[i] < 0) l.invalid("a repeat is negative");
    if (repeats[i] == 1) continue;
    Shape now = l.shape(y);
    const auto rank = static_cast<std::int64_t>(now.size()), at = static_cast<std::int64_t>(i);
    const std::int64_t before = product(now, 0, at), inner = product(now, at, rank);
    const ValueId repeated = expand(l, reshape(l, y, {before, 1, inner}), {before, repeats[i], inner});
    if (__builtin_mul_overflow(now[i], repeats[i], &now[i]))
      l.refuse(Kind::limit_exceeded, "the tiles are too large");
    y = reshape(l, repeated, now);
  }
  l.output(0, y);
}

void translate_pad(Layer& l) {
  const ValueId x = l.in(0);
  const auto rank = static_cast<std::size_t>(l.rank(x));
  const std::string mode = l.text("mode", "constant");
  auto pads = l.ints_of(l.has_attribute("paddings") ? "paddings" : "pads", 1);
  if (!pads) l.invalid("its pads are missing");
  PadAttrs a{Ints(rank, 0), Ints(rank, 0)};
  const Ints axes = l.has(3) ? l.axes(l.ints(l.in(3), "axes"), l.rank(x)) : axes_from(0, l.rank(x));
  if (pads->size() != 2 * axes.size()) l.invalid("it needs two pads an axis");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    a.before[static_cast<std::size_t>(axes[i])] = (*pads)[i];
    a.after[static_cast<std::size_t>(axes[i])] = (*pads)[axes.size() + i];
  }
  if (mode == "constant")
    a.mode = PadMode::constant;
  else if (mode == "reflect")
    a.mode = PadMode::reflect;
  else if (mode == "edge")
    a.mode = PadMode::edge;
  else if (mode == "wrap")
    a.mode = PadMode::wrap;
  else
    l.invalid("mode `" + mode + "` is none of constant, reflect, edge, wrap");
  ValueId value;
  if (l.opset < 11)
    a.value = l.real("value", 0.0f);
  else if (l.has(2) && l.is_constant(l.in(2)))
    a.value = static_cast<float>(l.one_double(l.in(2), "constant_value"));
  else if (l.has(2))
    value = l.in(2);
  if (!value.is_present() || a.mode != PadMode::constant) return l.output(0, l.add("pad", std::move(a), {x}));
  // A value computed at run time: pad a mask of what is inside, and choose.
  const ValueId inside = l.add("pad", a, {expand(l, scalar(l, 1, l.dtype(x)), l.shape(x))});
  const ValueId padded = l.add("pad", std::move(a), {x});
  l.output(0, where(l, binary(l, "not_equal", inside, 0.0), padded, reshape(l, value, {})));
}

void translate_depth_to_space(Layer& l) {
  const ValueId x = l.in(0);
  l.require_rank(x, 4, "the input");
  const Shape s = l.shape(x);
  const std::int64_t b = l.integer("blocksize");
  if (s.size() != 4 || b < 1 || b > 4096 || s[1] % (b * b) != 0)
    l.invalid("its channels do not split into blocks");
  const std::int64_t c = s[1] / (b * b);
  const bool is_crd = l.text("mode", "DCR") == "CRD";
  const ValueId blocks =
      is_crd ? reshape(l, x, {s[0], c, b, b, s[2], s[3]}) : reshape(l, x, {s[0], b, b, c, s[2], s[3]});
  const ValueId moved = transpose(l, blocks, is_crd ? Ints{0, 1, 4, 2, 5, 3} : Ints{0, 3, 4, 1, 5, 2});
  l.output(0, reshape(l, moved, {s[0], c, s[2] * b, s[3] * b}));
}

void translate_space_to_depth(Layer& l) {
  const ValueId x = l.in(0);
  const Shape s = l.shape(x);
  const std::int64_t b = l.integer("blocksize");
  if (s.size() != 4 || b < 1 || b > 4096 || s[2] % b != 0 || s[3] % b != 0)
    l.invalid("its image does not split into blocks");
  const ValueId blocks = reshape(l, x, {s[0], s[1], s[2] / b, b, s[3] / b, b});
  const Ints perm = l.text("mode", "DCR") == "CRD" ? Ints{0, 1, 3, 5, 2, 4} : Ints{0, 3, 5, 1, 2, 4};
  l.output(0, reshape(l, transpose(l, blocks, perm), {s[0], s[1] * b * b, s[2] / b, s[3] / b}));
}

void translate_shape(Layer& l) {
  const Shape shape = l.shape(l.in(0));
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](std::string_view name, std::int64_t fallback) {
    const std::int64_t at = l.integer(name, fallback);
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = bound("start", 0), end = std::max(start, bound("end", rank));
  const Ints dims(shape.begin() + start, shape.begin() + end);
  l.output(0, ints(l, dims, {static_cast<std::int64_t>(dims.size())}));
}

void translate_size(Layer& l) { l.output(0, ints(l, {l.type(l.in(0)).elements()}, {})); }

void translate_constant_of_shape(Layer& l) {
  const Ints shape = l.ints(l.in(0), "shape");
  ValueId value = scalar(l, 0);
  if (l.has_attribute("value")) {
    value = l.constant(l.tensor("value"));
    if (l.type(value).elements() != 1) l.invalid("`value` is not one element");
    value = reshape(l, value, {});
  }
  l.output(0, expand(l, value, shape));
}

void translate_constant(Layer& l) {
  const auto count = [](const auto& values) { return Shape{static_cast<std::int64_t>(values.size())}; };
  if (l.has_attribute("value")) return l.output(0, l.constant(l.tensor("value")));
  if (l.has_attribute("value_float")) return l.output(0, floats(l, {l.real("value_float", 0)}, {}));
  if (l.has_attribute("value_int")) return l.output(0, ints(l, {l.integer("value_int")}, {}));
  if (l.has_attribute("value_floats")) {
    const auto values = l.reals("value_floats");
    return l.output(0, floats(l, values, count(values)));
  }
  if (l.has_attribute("value_ints")) {
    const auto values = l.integers("value_ints");
    return l.output(0, ints(l, values, count(values)));
  }
  l.unsupported("a constant that is sparse or a string");
}

void translate_center_crop_pad(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x);
  const Ints axes = l.axes(l.integers("axes", axes_from(0, rank)), rank);
  const Ints wanted = l.ints(l.in(1), "shape");
  if (axes.size() != wanted.size()) l.invalid("its shape and axes differ in number");
  Ints before(static_cast<std::size_t>(rank), 0), after = before;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t more = wanted[i] - l.dim(x, axes[i]);
    const auto at = static_cast<std::size_t>(axes[i]);
    before[at] = more >= 0 ? more / 2 : -(-more / 2);
    after[at] = more - before[at];
  }
  l.output(0, pad_constant(l, x, before, after, 0.0f));
}

}  // namespace nb::onnx
