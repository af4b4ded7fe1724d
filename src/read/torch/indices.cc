#include "read/torch/indices.h"

#include <algorithm>

namespace nb::torch {

ValueId as_index(Layer& l, ValueId indices) {
  const DType dtype = l.dtype(indices);
  return dtype == DType::i32 || dtype == DType::i64 ? indices : cast(l, indices, DType::i64);
}

std::vector<ValueId> nonzero_places(Layer& l, ValueId x) {
  const std::vector<double> values = l.doubles(x, "the mask");
  const Shape shape = l.shape(x);
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::vector<Ints> places(shape.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    auto rest = static_cast<std::int64_t>(i);
    for (std::int64_t axis = rank; axis-- > 0;) {
      const std::int64_t size = shape[static_cast<std::size_t>(axis)];
      places[static_cast<std::size_t>(axis)].push_back(rest % size);
      rest /= size;
    }
  }
  std::vector<ValueId> made;
  for (const Ints& place : places) made.push_back(ints(l, place, {static_cast<std::int64_t>(place.size())}));
  return made;
}

namespace {

/// One tensor an axis of x, absent where it is not indexed; masks as the places where they hold.
std::vector<ValueId> one_an_axis(Layer& l, ValueId x, const Item& indices) {
  if (!indices.is_list()) l.invalid("its indices are " + indices.described());
  std::vector<ValueId> all;
  const Shape shape = l.shape(x);
  for (const Item& item : indices.list()) {
    if (item.is_none()) {
      all.emplace_back();
      continue;
    }
    if (!item.is_tensor()) l.invalid("its indices hold " + item.described());
    const ValueId index = item.tensor();
    if (l.dtype(index) != DType::boolean && l.dtype(index) != DType::u8) {
      all.push_back(as_index(l, index));
      continue;
    }
    const Shape mask = l.shape(index);
    if (all.size() + mask.size() > shape.size() ||
        !std::equal(mask.begin(), mask.end(), shape.begin() + static_cast<std::ptrdiff_t>(all.size())))
      l.refuse(Kind::shape_mismatch,
               "a mask " + shape_text(mask) + " does not fit the axes of " + shape_text(shape));
    if (mask.empty()) l.unsupported("an index that is a mask without axes");
    if (!l.is_constant(index))
      l.refuse(Kind::dynamic_shape,
               "how many elements its mask picks is known only at run time, from `" +
                   l.build.graph().at(index).name + "`",
               "compute with all elements and a mask (torch.where)");
    for (const ValueId place : nonzero_places(l, index)) all.push_back(place);
  }
  if (all.size() > shape.size())
    l.refuse(Kind::shape_mismatch,
             std::to_string(all.size()) + " indices into " + std::to_string(shape.size()) + " axes");
  all.resize(shape.size());
  return all;
}

}  // namespace

Indexed indexed(Layer& l, ValueId x, const Item& indices) {
  const std::vector<ValueId> all = one_an_axis(l, x, indices);
  const Shape shape = l.shape(x);
  Indexed out;
  out.before = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_present()) continue;
    out.axes.push_back(static_cast<std::int64_t>(i));
    out.index_shape = broadcast_shape(l, out.index_shape, l.shape(all[i]));
  }
  if (out.axes.empty()) return out;
  // Indexed axes that stand side by side stay where they are; otherwise they come first.
  const auto count = static_cast<std::int64_t>(out.axes.size()), rank = static_cast<std::int64_t>(all.size());
  if (out.axes.back() - out.axes.front() + 1 == count) out.before = out.axes.front();
  for (std::int64_t axis = 0; axis < out.before; ++axis) out.perm.push_back(axis);
  out.perm.insert(out.perm.end(), out.axes.begin(), out.axes.end());
  for (std::int64_t axis = out.before; axis < rank; ++axis)
    if (std::ranges::find(out.axes, axis) == out.axes.end()) out.perm.push_back(axis);
  Shape permuted;
  for (const std::int64_t axis : out.perm) permuted.push_back(shape[static_cast<std::size_t>(axis)]);
  const std::int64_t behind = out.before + count;
  out.flat_shape.assign(permuted.begin(), permuted.begin() + out.before);
  out.result_shape = out.flat_shape;
  out.flat_shape.push_back(product(permuted, out.before, behind));
  out.result_shape.insert(out.result_shape.end(), out.index_shape.begin(), out.index_shape.end());
  out.flat_shape.insert(out.flat_shape.end(), permuted.begin() + behind, permuted.end());
  out.result_shape.insert(out.result_shape.end(), permuted.begin() + behind, permuted.end());

  DType dtype = DType::i32;
  for (const std::int64_t axis : out.axes)
    if (l.dtype(all[static_cast<std::size_t>(axis)]) == DType::i64) dtype = DType::i64;
  ValueId numbers;
  std::int64_t step = product(permuted, out.before, behind);
  for (const std::int64_t axis : out.axes) {
    const std::int64_t size = shape[static_cast<std::size_t>(axis)];
    if (size == 0) l.refuse(Kind::shape_mismatch, "it indexes an axis without elements");
    step /= size;
    ValueId index = cast(l, all[static_cast<std::size_t>(axis)], dtype);
    if (count > 1) index = wrap_indices(l, index, size);
    if (step > 1) index = binary(l, "mul", index, static_cast<double>(step));
    numbers = numbers.is_present() ? binary(l, "add", numbers, index) : index;
  }
  out.numbers = reshape(l, expand(l, numbers, out.index_shape), {element_count(out.index_shape)});
  return out;
}

}  // namespace nb::torch
