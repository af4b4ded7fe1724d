// Operators that sample an image at places that the model computes.
#include "read/onnx/compose.h"
#include "read/onnx/operators.h"

namespace nb::onnx {

/// A grid of normalized coordinates (x, y[, z] from -1 to 1), each moved by an affine map: the regular grid
/// as a constant matrix times the map.
void translate_affine_grid(Layer& l) {
  const ValueId theta = l.in(0);
  const Ints size = l.ints(l.in(1), "size");
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
  const bool aligns_corners = l.integer("align_corners", 0) != 0;
  const std::int64_t points = product(space, 0, axes);
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
  l.output(0, reshape(l, y, shape));
}

}  // namespace nb::onnx
