#include "read/torch/write_through.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "read/torch/layer.h"

namespace nb::torch {
namespace {

/// A range of one axis, all of the others.
struct Slab {
  std::size_t axis;
  std::int64_t begin, size;
};

/// The slab whose elements, in order, have these numbers in a tensor of `shape`.
std::optional<Slab> slab_of(const Ints& numbers, const Shape& shape) {
  const std::int64_t all = element_count(shape), count = static_cast<std::int64_t>(numbers.size());
  if (count == 0) return std::nullopt;
  std::int64_t behind = all;  // elements of one index of the axis, and of those after it
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    behind /= shape[axis];
    const std::int64_t others = all / shape[axis];
    if (count % others != 0) continue;
    const Slab slab{axis, numbers[0] / behind % shape[axis], count / others};
    if (slab.begin + slab.size > shape[axis]) continue;
    std::int64_t i = 0;
    bool is_same = true;
    for (std::int64_t outer = 0; outer < all / (behind * shape[axis]) && is_same; ++outer)
      for (std::int64_t inner = 0; inner < slab.size * behind && is_same; ++inner, ++i)
        is_same = numbers[static_cast<std::size_t>(i)] == (outer * shape[axis] + slab.begin) * behind + inner;
    if (is_same) return slab;
  }
  return std::nullopt;
}

}  // namespace

Result<ValueId> written_through(GraphBuilder& builder, const Call& call, ValueId base, ValueId value,
                                const std::function<ValueId(ValueId)>& view) {
  try {
    Translation l(builder, printable(call.layer), printable(call.op), call.source);
    const Shape shape = l.shape(base);
    const std::int64_t count = element_count(shape);
    if (count == 0) return base;
    if (count > (std::int64_t{1} << 22))
      l.unsupported("writing to a part of a tensor of " + shape_text(shape));
    Ints all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    const ValueId shown = view(ints(l, all, shape, DType::i32));
    if (!shown.is_present() || !l.is_constant(shown))
      l.unsupported("it writes to a part of `" + builder.graph().at(base).name +
                    "` that is chosen at run time");
    builder.set_layer(printable(call.layer), printable(call.op), call.source);
    const Ints numbers = l.ints(shown, "the numbers of a view");
    if (numbers.empty()) return base;
    value = cast(l, value, l.dtype(base));
    if (numbers == all) return reshape(l, value, shape);
    if (const auto slab = slab_of(numbers, shape)) {
      const auto axis = static_cast<std::int64_t>(slab->axis);
      Shape part = shape;
      part[slab->axis] = slab->size;
      const std::int64_t end = slab->begin + slab->size;
      std::vector<ValueId> parts;
      if (slab->begin > 0) parts.push_back(slice_axis(l, base, axis, 0, slab->begin));
      parts.push_back(reshape(l, value, part));
      if (end < shape[slab->axis]) parts.push_back(slice_axis(l, base, axis, end, shape[slab->axis] - end));
      return concat(l, parts, axis);
    }
    const Shape flat = {count}, picked = {static_cast<std::int64_t>(numbers.size())};
    const ValueId y = l.add("scatter_elements",
                            {reshape(l, base, flat), reshape(l, shown, picked), reshape(l, value, picked)});
    return reshape(l, y, shape);
  } catch (const Refusal&) {
    return kFailed;
  }
}

}  // namespace nb::torch
