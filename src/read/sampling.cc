#include "read/sampling.h"

#include <algorithm>

#include "read/compose.h"

namespace nb::read {

ValueId channels_last(Translation& l, ValueId x) {
  Ints perm = {0};
  for (std::int64_t axis = 2; axis < l.rank(x); ++axis) perm.push_back(axis);
  perm.push_back(1);
  return transpose(l, x, perm);
}
ValueId channels_first(Translation& l, ValueId x) {
  Ints perm = {0, l.rank(x) - 1};
  for (std::int64_t axis = 1; axis + 1 < l.rank(x); ++axis) perm.push_back(axis);
  return transpose(l, x, perm);
}

// The regular grid as a constant matrix times the map.
ValueId affine_grid(Translation& l, ValueId theta, const Ints& size, bool aligns_corners) {
  const Shape s = l.shape(theta);
  const std::size_t n = size.size() < 2 ? 0 : size.size() - 2;  // spatial axes
  if (n < 2 || n > 3) l.invalid("size is neither N,C,H,W nor N,C,D,H,W");
  const auto axes = static_cast<std::int64_t>(n);
  if (s != Shape{size[0], axes, axes + 1})
    l.refuse(Kind::shape_mismatch,
             "theta " + shape_text(s) + " is no affine map for each of size " + shape_text(size));
  const Shape space(size.begin() + 2, size.end());
  if (const std::string fault = shape_fault(space, DType::f32); !fault.empty())
    l.refuse(Kind::limit_exceeded, "the grid: " + fault);
  const std::int64_t points = product(space, 0, axes);
  if (points > (std::int64_t{1} << 22)) l.refuse(Kind::limit_exceeded, "the grid has more than 2^22 points");
  std::vector<float> grid;
  for (std::int64_t p = 0; p < points; ++p) {
    std::int64_t rest = p;
    for (std::size_t i = n; i-- > 0;) {  // x, the innermost, comes first
      const auto length = static_cast<double>(space[i]), at = static_cast<double>(rest % space[i]);
      rest /= space[i];
      const double step = aligns_corners ? at / std::max(length - 1, 1.0) : (at + 0.5) / length;
      grid.push_back(static_cast<float>(2 * step - 1));
    }
    grid.push_back(1.0f);
  }
  const ValueId y = matmul(l, floats(l, grid, {1, points, axes + 1}), theta, false, true);
  Shape shape = {size[0]};
  shape.insert(shape.end(), space.begin(), space.end());
  shape.push_back(axes);
  return reshape(l, y, shape);
}

ValueId grid_sampled(Translation& l, ValueId x, ValueId grid, const GridSampleAttrs& attributes) {
  return channels_first(l, l.add("grid_sample", attributes, {channels_last(l, x), grid}));
}

}  // namespace nb::read
