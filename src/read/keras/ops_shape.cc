// Operators of keras.ops that move elements.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "blocks/pad/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/split/attributes.h"
#include "read/keras/operators.h"
#include "read/keras/ops.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

constexpr std::int64_t kMaxRepeats = 1 << 20;

/// The tensors of the first argument, one dtype.
std::vector<ValueId> parts(Layer& l) {
  std::vector<ValueId> ids = l.inputs();
  for (const ValueId id : ids)
    if (l.rank(id) != l.rank(ids[0])) l.refuse(Kind::shape_mismatch, "its inputs differ in rank");
  const bool has_float =
      std::any_of(ids.begin(), ids.end(), [&](ValueId id) { return is_float(l.dtype(id)); });
  for (ValueId& id : ids)
    if (has_float) id = as_real(l, id);
  return ids;
}

ValueId input(Layer& l) { return operand(l, 0, "x"); }

/// `rank` numbers 0, 1, 2, ...
Ints in_order(std::int64_t rank) {
  Ints perm(static_cast<std::size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  return perm;
}

/// An index of one axis as Python has it: where it begins, how many it takes, and its step.
struct Range {
  std::int64_t begin, size, step;
};
Range python_range(Layer& l, const Json& slice, std::int64_t dim) {
  const Json* config = member(slice, "config");
  if (config == nullptr) l.invalid("a slice has no config");
  const auto number = [&](std::string_view name, std::int64_t fallback) {
    const Json* found = member(*config, name);
    if (found == nullptr || found->is_null()) return fallback;
    const Ints values = l.as_integers(*found, name);
    if (values.size() != 1) l.invalid("the " + std::string(name) + " of a slice is no integer");
    return values[0];
  };
  const std::int64_t step = number("step", 1);
  if (step == 0) l.invalid("a slice has a step of 0");
  const auto bounded = [&](std::int64_t value) {
    if (value < 0) value += dim;
    return std::clamp<std::int64_t>(value, step > 0 ? 0 : -1, step > 0 ? dim : dim - 1);
  };
  constexpr std::int64_t kAbsent = std::int64_t{1} << 50;
  const std::int64_t from = number("start", kAbsent), to = number("stop", kAbsent);
  const std::int64_t begin = from == kAbsent ? (step > 0 ? 0 : dim - 1) : bounded(from),
                     end = to == kAbsent ? (step > 0 ? dim : -1) : bounded(to);
  const std::int64_t span = step > 0 ? end - begin : begin - end, stride = std::abs(step);
  if (span <= 0) l.unsupported("a slice that takes nothing");
  return {begin, (span + stride - 1) / stride, step};
}

}  // namespace

void translate_op_reshape(Layer& l) {
  const ValueId x = input(l);
  Shape shape;
  const Json* given = l.find("newshape");
  if (given == nullptr) l.invalid("its newshape is missing");
  const Json* items = given->is_object() ? member(*given, "items") : given;
  std::int64_t known = 1;
  std::size_t unknown = 0;
  for (const Json& item : items != nullptr && items->is_array() ? *items : Json::array({*given})) {
    const std::int64_t dim = item.is_null() ? -1 : l.as_integers(item, "newshape")[0];
    shape.push_back(dim);
    if (dim == -1)
      ++unknown;
    else if (dim < 0 || __builtin_mul_overflow(known, dim, &known))
      l.invalid("its newshape has an axis of " + std::to_string(dim));
  }
  const std::int64_t elements = l.type(x).elements();
  if (unknown > 1 || (unknown == 1 && (known == 0 || elements % known != 0)) ||
      (unknown == 0 && known != elements))
    l.refuse(Kind::shape_mismatch,
             "its newshape " + shape_text(shape) + " does not fit " + type_text(l.type(x)));
  for (std::int64_t& dim : shape)
    if (dim == -1) dim = elements / known;
  l.output(reshape(l, x, shape));
}

void translate_op_ravel(Layer& l) { l.output(reshape(l, input(l), {l.type(input(l)).elements()})); }

void translate_op_transpose(Layer& l) {
  const ValueId x = input(l);
  Ints perm = in_order(l.rank(x));
  std::reverse(perm.begin(), perm.end());
  if (l.has("axes")) perm = l.axes(l.integers("axes", 0), l.rank(x));
  if (static_cast<std::int64_t>(perm.size()) != l.rank(x)) l.invalid("its axes are not those of its input");
  l.output(transpose(l, x, perm));
}

void translate_op_swap_axes(Layer& l) {
  const ValueId x = input(l);
  Ints perm = in_order(l.rank(x));
  const std::int64_t a = l.axis(l.integer("axis1"), l.rank(x)), b = l.axis(l.integer("axis2"), l.rank(x));
  std::swap(perm[static_cast<std::size_t>(a)], perm[static_cast<std::size_t>(b)]);
  l.output(transpose(l, x, perm));
}

void translate_op_move_axis(Layer& l) {
  const ValueId x = input(l);
  const std::int64_t rank = l.rank(x);
  const Ints from = l.axes(l.integers("source", 0), rank), to = l.axes(l.integers("destination", 0), rank);
  if (from.size() != to.size()) l.invalid("its source and destination differ in length");
  Ints perm(static_cast<std::size_t>(rank), -1), rest;
  for (std::size_t i = 0; i < from.size(); ++i) perm[static_cast<std::size_t>(to[i])] = from[i];
  for (std::int64_t i = 0; i < rank; ++i)
    if (std::find(from.begin(), from.end(), i) == from.end()) rest.push_back(i);
  std::size_t next = 0;
  for (std::int64_t& axis : perm)
    if (axis == -1) axis = rest[next++];
  l.output(transpose(l, x, perm));
}

void translate_op_expand_dims(Layer& l) {
  const ValueId x = input(l);
  const Ints given = l.integers("axis", 0);
  l.output(unsqueeze(l, x, l.axes(given, l.rank(x) + static_cast<std::int64_t>(given.size()))));
}

void translate_op_squeeze(Layer& l) {
  const ValueId x = input(l);
  if (l.has("axis")) return l.output(squeeze(l, x, l.axes(l.integers("axis", 0), l.rank(x))));
  l.output(reshape(l, x, without_ones(l.shape(x))));
}

void translate_op_concatenate(Layer& l) {
  const std::vector<ValueId> ids = parts(l);
  l.output(concat(l, ids, l.axis(l.integer("axis", 0), l.rank(ids[0]))));
}

void translate_op_stack(Layer& l) {
  std::vector<ValueId> ids = parts(l);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(ids[0]) + 1);
  for (ValueId& id : ids) id = unsqueeze(l, id, {axis});
  l.output(concat(l, ids, axis));
}

void translate_op_unstack(Layer& l) {
  const ValueId x = input(l);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x)), count = l.dim(x, axis);
  if (count < 1 || count > 4096)
    l.refuse(Kind::limit_exceeded, "it makes " + std::to_string(count) + " tensors");
  for (std::int64_t i = 0; i < count; ++i) l.output(squeeze(l, slice_axis(l, x, axis, i, 1), {axis}));
}

void translate_op_split(Layer& l) {
  const ValueId x = input(l);
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x)), dim = l.dim(x, axis);
  const Json* given = l.find("indices_or_sections");
  if (given == nullptr) l.invalid("its indices_or_sections are missing");
  Ints bounds = {0};
  if (given->is_number()) {
    const std::int64_t count = l.as_integers(*given, "sections")[0];
    if (count < 1 || count > 4096 || dim % count != 0)
      l.refuse(Kind::shape_mismatch, std::to_string(count) + " parts of an axis of " + std::to_string(dim));
    for (std::int64_t i = 1; i <= count; ++i) bounds.push_back(i * (dim / count));
  } else {
    for (const std::int64_t at : l.as_integers(*given, "indices")) {
      if (at <= bounds.back() || at >= dim) l.unsupported("a part without elements");
      bounds.push_back(at);
    }
    bounds.push_back(dim);
  }
  for (std::size_t i = 1; i < bounds.size(); ++i)
    l.output(slice_axis(l, x, axis, bounds[i - 1], bounds[i] - bounds[i - 1]));
}

void translate_op_get_item(Layer& l) {
  ValueId x = input(l);
  const Argument* key = l.argument(1, "key");
  if (key == nullptr || key->what != Argument::What::value)
    l.unsupported("an index that is computed", "Take stands for it");
  const Json* items = member(key->value, "items");
  const Json& json = items != nullptr ? *items : key->value;
  std::vector<Json> indices;
  if (json.is_array())
    indices.assign(json.begin(), json.end());
  else
    indices.push_back(json);
  std::int64_t named = 0;  // axes of x that the key names
  for (const Json& index : indices)
    named += !index.is_null() && text_of(index, "class_name") != "__ellipsis__" ? 1 : 0;
  const std::int64_t rank = l.rank(x);
  if (named > rank) l.invalid("its key names more axes than its input has");
  SliceAttrs a;
  a.size = l.shape(x);
  a.begin.assign(a.size.size(), 0);
  a.step.assign(a.size.size(), 1);
  Shape shape;  // of the result
  std::size_t axis = 0;
  for (const Json& index : indices) {
    const std::string type = text_of(index, "class_name");
    if (index.is_null()) {
      shape.push_back(1);
    } else if (type == "__ellipsis__") {
      for (std::int64_t i = named; i < rank; ++i) shape.push_back(a.size[axis++]);
      named = rank;
    } else if (type == "__slice__") {
      const Range range = python_range(l, index, a.size[axis]);
      a.begin[axis] = range.begin;
      a.size[axis] = range.size;
      a.step[axis] = range.step;
      shape.push_back(range.size);
      ++axis;
    } else if (index.is_number_integer()) {
      a.begin[axis] = l.axis(l.as_integers(index, "index")[0], a.size[axis]);
      a.size[axis++] = 1;
    } else {
      l.unsupported("an index that is a list", "Take stands for it");
    }
  }
  while (axis < a.size.size()) shape.push_back(a.size[axis++]);
  if (a.size != l.shape(x) || std::any_of(a.step.begin(), a.step.end(), [](auto step) { return step != 1; }))
    x = l.add("slice", std::move(a), {x});
  l.output(reshape(l, x, shape));
}

void translate_op_slice(Layer& l) {
  const ValueId x = operand(l, 0, "inputs");
  const Argument* start = l.argument(1, "start_indices");
  if (start == nullptr || start->what != Argument::What::value) l.unsupported("a start that is computed");
  SliceAttrs a;
  a.begin = l.as_integers(start->value, "start_indices");
  a.size = l.integers("shape", 0);
  const Shape s = l.shape(x);
  if (a.begin.size() != s.size() || a.size.size() != s.size())
    l.invalid("its start or shape does not fit its input");
  for (std::size_t i = 0; i < s.size(); ++i)
    if (a.size[i] == -1) a.size[i] = s[i] - a.begin[i];
  a.step.assign(s.size(), 1);
  l.output(l.add("slice", std::move(a), {x}));
}

void translate_op_flip(Layer& l) {
  ValueId x = input(l);
  for (const std::int64_t axis : operation_axes(l, x, "axis")) x = mirrored(l, x, axis);
  l.output(x);
}

void translate_op_roll(Layer& l) {
  ValueId x = input(l);
  const Shape s = l.shape(x);
  const Ints shifts = l.integers("shift", 0);
  Ints axes = {0};
  if (l.has("axis"))
    axes = l.axes(l.integers("axis", 0), l.rank(x));
  else
    x = reshape(l, x, {l.type(x).elements()});
  if (shifts.size() != axes.size() && shifts.size() != 1) l.invalid("its shift and axis differ in length");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t n = l.dim(x, axes[i]);
    if (n < 1) continue;
    const std::int64_t by = ((shifts[shifts.size() == 1 ? 0 : i] % n) + n) % n;
    if (by != 0)
      x = concat(l, {slice_axis(l, x, axes[i], n - by, by), slice_axis(l, x, axes[i], 0, n - by)}, axes[i]);
  }
  l.output(reshape(l, x, s));
}

void translate_op_pad(Layer& l) {
  const ValueId x = input(l);
  const auto rank = static_cast<std::size_t>(l.rank(x));
  Ints given = l.integers("pad_width", 0);
  if (given.size() == 1) given = {given[0], given[0]};
  if (given.size() == 2)
    for (std::size_t i = 1; i < rank; ++i) {
      const std::int64_t before = given[0], after = given[1];
      given.push_back(before);
      given.push_back(after);
    }
  if (given.size() != 2 * rank) l.invalid("its pad_width does not fit " + type_text(l.type(x)));
  PadAttrs a;
  for (std::size_t i = 0; i < rank; ++i) {
    for (const std::int64_t n : {given[2 * i], given[2 * i + 1]})
      if (n < 0 || n > kMaxRepeats) l.refuse(Kind::attribute_out_of_range, "a pad is " + std::to_string(n));
    a.before.push_back(given[2 * i]);
    a.after.push_back(given[2 * i + 1]);
  }
  const std::string mode = l.text("mode", "constant");
  if (mode == "reflect")
    a.mode = PadMode::reflect;
  else if (mode == "symmetric")
    a.mode = PadMode::symmetric;
  else if (mode == "edge")
    a.mode = PadMode::edge;
  else if (mode == "wrap")
    a.mode = PadMode::wrap;
  else if (mode != "constant")
    l.unsupported("the mode `" + mode + "`");
  if (const Argument* value = l.argument(1, "constant_values")) {
    if (!value->value.is_number()) l.unsupported("constant_values that are no number");
    a.value = static_cast<float>(value->value.get<double>());
  }
  l.output(l.add("pad", std::move(a), {x}));
}

void translate_op_repeat(Layer& l) {
  ValueId x = input(l);
  if (!l.has("axis")) x = reshape(l, x, {l.type(x).elements()});
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x)), times = l.integer("repeats");
  if (times < 1 || times > kMaxRepeats)
    l.refuse(Kind::attribute_out_of_range, "it repeats " + std::to_string(times) + " times");
  Shape shape = l.shape(x), wide = shape;
  wide.insert(wide.begin() + axis + 1, times);
  shape[static_cast<std::size_t>(axis)] *= times;
  l.output(reshape(l, expand(l, unsqueeze(l, x, {axis + 1}), wide), shape));
}

void translate_op_tile(Layer& l) {
  ValueId x = input(l);
  Ints times = l.integers("repeats", 0);
  Shape s = l.shape(x);
  while (times.size() < s.size()) times.insert(times.begin(), 1);
  while (s.size() < times.size()) s.insert(s.begin(), 1);
  Shape single, wide, shape;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (times[i] < 1 || times[i] > kMaxRepeats)
      l.refuse(Kind::attribute_out_of_range, "it repeats " + std::to_string(times[i]) + " times");
    if (times[i] > 1) {
      single.push_back(1);
      wide.push_back(times[i]);
    }
    single.push_back(s[i]);
    wide.push_back(s[i]);
    shape.push_back(s[i] * times[i]);
  }
  l.output(reshape(l, expand(l, reshape(l, x, single), wide), shape));
}

void translate_op_broadcast_to(Layer& l) {
  const ValueId x = input(l);
  l.output(expand(l, x, broadcast_shape(l, l.shape(x), l.integers("shape", 0))));
}

void translate_op_take(Layer& l) {
  ValueId x = input(l), indices = operand(l, 1, "indices");
  if (!l.has("axis")) x = reshape(l, x, {l.type(x).elements()});
  const std::int64_t axis = l.axis(l.integer("axis", 0), l.rank(x));
  if (l.dtype(indices) != DType::i32 && l.dtype(indices) != DType::i64)
    indices = cast(l, indices, DType::i32);
  l.output(gather(l, x, wrap_indices(l, indices, l.dim(x, axis)), axis));
}

}  // namespace nb::keras
