// Tensors made of nothing but numbers and shapes; all fold to constants.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "read/torch/operators.h"

namespace nb::torch {
namespace {

constexpr std::int64_t kMaxCount = std::int64_t{1} << 26;

/// The dtype asked for, or that of a number as PyTorch's creators take it.
DType dtype_of_fill(Layer& l, const Item& value) {
  if (const auto asked = l.element_type("dtype")) return *asked;
  return value.is_float() ? DType::f32 : value.is_bool() ? DType::boolean : DType::i64;
}

void check_shape(Layer& l, const Shape& shape, DType dtype) {
  for (const std::int64_t size : shape)
    if (size < 0) l.refuse(Kind::attribute_out_of_range, "a size is " + std::to_string(size));
  if (const std::string fault = shape_fault(shape, dtype); !fault.empty())
    l.refuse(Kind::limit_exceeded, "its result: " + fault);
}

ValueId filled(Layer& l, const Shape& shape, double value, DType dtype) {
  check_shape(l, shape, dtype);
  return expand(l, scalar(l, value, dtype), shape);
}

/// first + i * step, computed in doubles as PyTorch does.
ValueId sequence(Layer& l, std::int64_t count, double first, double step, DType dtype) {
  if (count < 0 || count > kMaxCount)
    l.refuse(Kind::limit_exceeded, "a sequence of " + std::to_string(count) + " numbers");
  if (!is_float(dtype)) {
    Ints values;
    for (std::int64_t i = 0; i < count; ++i)
      values.push_back(static_cast<std::int64_t>(first + static_cast<double>(i) * step));
    return ints(l, values, {count}, dtype);
  }
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(first + static_cast<double>(i) * step));
  return floats(l, values, {count});
}

}  // namespace

void translate_arange(Layer& l) {
  const bool has_start = l.takes("start");
  const Item start = has_start ? l.item("start") : Item(std::int64_t{0}), &end = l.item("end"),
             step = l.has("step") ? l.item("step") : Item(std::int64_t{1});
  const auto asked = l.element_type("dtype");
  const bool is_real = start.is_float() || end.is_float() || step.is_float();
  const double first = has_start ? l.real("start") : 0, last = l.real("end"), by = l.real("step", 1);
  if (by == 0 || !std::isfinite(first) || !std::isfinite(last) || !std::isfinite(by))
    l.refuse(Kind::attribute_out_of_range, "start, end or step is no range");
  const double count = std::ceil((last - first) / by);
  if (count > static_cast<double>(kMaxCount)) l.refuse(Kind::limit_exceeded, "a range of too many numbers");
  l.result(sequence(l, std::max<std::int64_t>(static_cast<std::int64_t>(count), 0), first, by,
                    asked.value_or(is_real ? DType::f32 : DType::i64)));
}

void translate_linspace(Layer& l) {
  const std::int64_t steps = l.integer("steps");
  if (steps < 0 || steps > kMaxCount)
    l.refuse(Kind::attribute_out_of_range, "steps is " + std::to_string(steps));
  const double first = l.real("start"), last = l.real("end");
  const double by = steps > 1 ? (last - first) / static_cast<double>(steps - 1) : 0;
  std::vector<float> values;
  for (std::int64_t i = 0; i < steps; ++i)  // from both ends, so that the last one is exact
    values.push_back(static_cast<float>(i < steps / 2 ? first + by * static_cast<double>(i)
                                                      : last - by * static_cast<double>(steps - 1 - i)));
  l.result(cast(l, floats(l, values, {steps}), l.element_type("dtype").value_or(DType::f32)));
}

/// zeros, ones, empty: 0, 1, and anything, which is 0 here.
void translate_zeros(Layer& l) {
  const double value = l.block() == "ones" ? 1 : 0;
  l.result(filled(l, l.integers("size"), value, l.element_type("dtype").value_or(DType::f32)));
}
void translate_zeros_like(Layer& l) {
  const ValueId x = l.tensor("self");
  const double value = l.block() == "ones" ? 1 : 0;
  const Shape shape = l.takes("size") ? l.integers("size") : l.shape(x);
  l.result(filled(l, shape, value, l.element_type("dtype").value_or(l.dtype(x))));
}
void translate_full(Layer& l) {
  l.result(filled(l, l.integers("size"), l.real("fill_value"), dtype_of_fill(l, l.item("fill_value"))));
}
void translate_full_like(Layer& l) {
  const ValueId x = l.tensor("self");
  const Shape shape = l.takes("size") ? l.integers("size") : l.shape(x);
  l.result(filled(l, shape, l.real("fill_value"), l.element_type("dtype").value_or(l.dtype(x))));
}
/// fill, zero: what is written over self.
void translate_fill(Layer& l) {
  const ValueId x = l.tensor("self");
  const ValueId value = l.takes("value") ? l.tensor("value") : scalar(l, 0);
  l.result(expand(l, reshape(l, cast(l, value, l.dtype(x)), {}), l.shape(x)));
}

void translate_scalar_tensor(Layer& l) {
  const Item& value = l.item("s");
  l.result(scalar(l, value.is_tensor() ? l.real("s") : value.number(),
                  l.element_type("dtype").value_or(DType::f32)));
}

void translate_eye(Layer& l) {
  const std::int64_t rows = l.integer("n"), columns = l.integer("m", rows);
  const DType dtype = l.element_type("dtype").value_or(DType::f32);
  check_shape(l, {rows, columns}, dtype);
  if (columns > 0 && rows > kMaxCount / columns)
    l.refuse(Kind::limit_exceeded, "a matrix of too many numbers");
  Ints values(static_cast<std::size_t>(rows * columns), 0);
  for (std::int64_t i = 0; i < std::min(rows, columns); ++i)
    values[static_cast<std::size_t>(i * columns + i)] = 1;
  l.result(ints(l, values, {rows, columns}, dtype));
}

/// A copy of a constant out of the file.
void translate_lift(Layer& l) { l.result(l.tensor("self")); }

/// Numbers that depend on chance have no place in a program that computes the same each time.
void translate_random(Layer& l) {
  l.unsupported("random numbers", "give them as an input of the model, or export it in eval mode");
}

/// Rows and columns of what lies on one side of a diagonal: [2, found].
void translate_triangle_indices(Layer& l) {
  const std::int64_t rows = l.integer("row"), columns = l.integer("col"), offset = l.integer("offset", 0);
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  if (rows < 0 || columns < 0 || rows > kMost || columns > kMost || rows * columns > kMost)
    l.refuse(Kind::limit_exceeded, "a matrix of " + std::to_string(rows) + " by " + std::to_string(columns));
  const bool is_lower = l.op() == "aten.tril_indices";
  Ints at_row, at_column;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      if (is_lower ? j - i > offset : j - i < offset) continue;
      at_row.push_back(i);
      at_column.push_back(j);
    }
  const auto found = static_cast<std::int64_t>(at_row.size());
  at_row.insert(at_row.end(), at_column.begin(), at_column.end());
  l.result(ints(l, at_row, {2, found}, l.element_type("dtype").value_or(DType::i64)));
}

/// Hann, Hamming and Blackman windows: a - b cos(t) + c cos(2t) over one turn, which a periodic window leaves
/// out the last place of.
void translate_window(Layer& l) {
  const std::int64_t size = l.integer("window_length");
  if (size < 0 || size > (std::int64_t{1} << 20))
    l.refuse(Kind::limit_exceeded, "a window of " + std::to_string(size));
  double a = 0.5, b = 0.5, c = 0;
  if (l.op() == "aten.hamming_window") {
    a = l.real("alpha", 0.54);
    b = l.real("beta", 0.46);
  } else if (l.op() == "aten.blackman_window") {
    a = 0.42;
    c = 0.08;
  }
  const auto turn =
      static_cast<double>(std::max<std::int64_t>(l.flag("periodic", true) ? size : size - 1, 1));
  std::vector<float> values;
  for (std::int64_t i = 0; i < size; ++i) {
    const double t = 2 * std::numbers::pi * static_cast<double>(i) / turn;
    values.push_back(static_cast<float>(size == 1 ? 1.0 : a - b * std::cos(t) + c * std::cos(2 * t)));
  }
  l.result(cast(l, floats(l, values, {size}), l.element_type("dtype").value_or(DType::f32)));
}

}  // namespace nb::torch
