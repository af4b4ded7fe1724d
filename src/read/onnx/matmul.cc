// Matrix products in floats.
#include <algorithm>

#include "blocks/dense/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {

/// numpy's matmul, also of vectors: a constant right matrix becomes dense's weights.
ValueId numpy_matmul(Layer& l, ValueId a, ValueId b) {
  const std::int64_t rank_a = l.rank(a), rank_b = l.rank(b);
  if (rank_a == 0 || rank_b == 0) l.refuse(Kind::shape_mismatch, "a factor is a scalar");
  if (l.dtype(a) == DType::f32 && rank_b == 2 && l.is_constant(b) && !l.is_constant(a))
    return l.add("dense", DenseAttrs{}, {a, transpose(l, weights_on_grid(l, b), {1, 0})});
  const ValueId left = rank_a == 1 ? unsqueeze(l, a, {0}) : a;
  const ValueId right = rank_b == 1 ? unsqueeze(l, b, {1}) : b;
  ValueId y = matmul(l, left, right);
  if (rank_b == 1) y = squeeze(l, y, {l.rank(y) - 1});
  if (rank_a == 1) y = squeeze(l, y, {l.rank(y) - (rank_b == 1 ? 1 : 2)});
  return y;
}

void translate_matmul(Layer& l) { l.output(0, numpy_matmul(l, l.in(0), l.in(1))); }

void translate_gemm(Layer& l) {
  const ValueId a = l.in(0), b = l.in(1);
  const bool trans_a = l.flag("transA", false), trans_b = l.flag("transB", false);
  const float alpha = l.real("alpha", 1.0f), beta = l.real("beta", 1.0f);
  if (l.rank(a) != 2 || l.rank(b) != 2) l.refuse(Kind::shape_mismatch, "a factor is no matrix");
  ValueId c = beta == 0.0f ? ValueId() : l.optional(2);
  if (c.is_present() && beta != 1.0f) c = binary(l, "mul", c, static_cast<double>(beta));
  const std::int64_t n = l.dim(b, trans_b ? 0 : 1);

  if (l.dtype(a) == DType::f32 && l.is_constant(b)) {
    ValueId w = alpha == 1.0f ? weights_on_grid(l, b) : b;
    if (!trans_b) w = transpose(l, w, {1, 0});
    if (alpha != 1.0f) w = binary(l, "mul", w, static_cast<double>(alpha));
    const ValueId x = trans_a ? transpose(l, a, {1, 0}) : a;
    const Shape c_shape = c.is_present() ? l.shape(c) : Shape{};
    const bool is_bias = c.is_present() && l.is_constant(c) && !c_shape.empty() && c_shape.back() == n &&
                         l.type(c).elements() == n;
    if (is_bias) return l.output(0, l.add("dense", DenseAttrs{}, {x, w, reshape(l, c, {n})}));
    const ValueId y = l.add("dense", DenseAttrs{}, {x, w});
    return l.output(0, c.is_present() ? binary(l, "add", y, c) : y);
  }
  ValueId y = matmul(l, a, b, trans_a, trans_b);
  if (alpha != 1.0f) y = binary(l, "mul", y, static_cast<double>(alpha));
  l.output(0, c.is_present() ? binary(l, "add", y, c) : y);
}

}  // namespace nb::onnx
