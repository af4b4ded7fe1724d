// Layers of several inputs.
#include <algorithm>

#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// The inputs with axes of 1 behind the batch, so that all have the highest rank; floats if one is.
std::vector<ValueId> aligned(Layer& l) {
  std::vector<ValueId> ids = l.inputs();
  std::int64_t rank = 0;
  bool has_float = false;
  for (const ValueId id : ids) {
    rank = std::max(rank, l.rank(id));
    has_float = has_float || is_float(l.dtype(id));
  }
  for (ValueId& id : ids) {
    if (has_float) id = as_real(l, id);
    Shape shape = l.shape(id);
    if (shape.empty() && rank > 0) l.refuse(Kind::shape_mismatch, "one of its inputs has no batch axis");
    if (!shape.empty()) shape.insert(shape.begin() + 1, static_cast<std::size_t>(rank) - shape.size(), 1);
    id = reshape(l, id, shape);
  }
  return ids;
}

/// The mask of a merged result: where one of the inputs counts; none if an input has none.
void merge_masks(Layer& l, ValueId y) {
  ValueId mask;
  for (const ValueId id : l.inputs()) {
    const ValueId one = l.mask_of(id);
    if (!one.is_present()) return;
    mask = mask.is_present() ? binary(l, "logical_or", mask, one) : one;
  }
  l.set_mask(y, mask);
}

ValueId folded(Layer& l, std::string_view block) {
  const std::vector<ValueId> ids = aligned(l);
  ValueId y = ids[0];
  for (std::size_t i = 1; i < ids.size(); ++i) y = binary(l, block, y, ids[i]);
  return y;
}

}  // namespace

void translate_merge(Layer& l) {
  if (l.class_name() == "Subtract" && l.inputs().size() != 2) l.invalid("it does not have two inputs");
  const ValueId y = folded(l, l.block());
  merge_masks(l, y);
  l.output(y);
}

void translate_average(Layer& l) {
  const ValueId sum = as_real(l, folded(l, "add"));
  const ValueId y = binary(l, "mul", sum, 1.0 / static_cast<double>(l.inputs().size()));
  merge_masks(l, y);
  l.output(y);
}

void translate_concatenate(Layer& l) {
  std::vector<ValueId> ids = l.inputs();
  for (const ValueId id : ids) l.refuse_mask(id);
  const std::int64_t rank = l.rank(ids[0]), axis = l.axis(l.integer("axis", -1), rank);
  const bool has_float =
      std::any_of(ids.begin(), ids.end(), [&](ValueId id) { return is_float(l.dtype(id)); });
  for (ValueId& id : ids) {
    if (has_float) id = as_real(l, id);
    if (l.rank(id) != rank) l.refuse(Kind::shape_mismatch, "its inputs differ in rank");
  }
  l.output(concat(l, ids, axis));
}

void translate_dot(Layer& l) {
  const std::vector<ValueId> ids = l.inputs();
  if (ids.size() != 2) l.invalid("it does not have two inputs");
  ValueId a = as_real(l, ids[0]), b = as_real(l, ids[1]);
  const Ints given = l.integers("axes", 2);
  const std::int64_t ra = l.rank(a), rb = l.rank(b), at = l.axis(given[0], ra), bt = l.axis(given[1], rb);
  if (at == 0 || bt == 0) l.invalid("it sums over the batch");
  if (l.dim(a, at) != l.dim(b, bt))
    l.refuse(Kind::shape_mismatch, shape_text(l.shape(a)) + " and " + shape_text(l.shape(b)) +
                                       " differ along the axes that it sums over");
  if (l.flag("normalize", false)) {
    a = unit_vectors(l, a, {at});
    b = unit_vectors(l, b, {bt});
  }
  // [N, rest of a, K] and [N, rest of b, K].
  const auto rows = [&](ValueId x, std::int64_t axis, Shape& rest) {
    Ints perm = {0};
    const Shape s = l.shape(x);
    for (std::int64_t i = 1; i < l.rank(x); ++i) {
      if (i == axis) continue;
      perm.push_back(i);
      rest.push_back(s[static_cast<std::size_t>(i)]);
    }
    perm.push_back(axis);
    return reshape(l, transpose(l, x, perm), {s[0], element_count(rest), l.dim(x, axis)});
  };
  Shape rest_a, rest_b;
  const ValueId left = rows(a, at, rest_a), right = rows(b, bt, rest_b);
  Shape shape = {l.dim(a, 0)};
  shape.insert(shape.end(), rest_a.begin(), rest_a.end());
  shape.insert(shape.end(), rest_b.begin(), rest_b.end());
  if (shape.size() == 1) shape.push_back(1);
  l.output(reshape(l, matmul(l, left, right, false, true), shape));
}

}  // namespace nb::keras
