#include "read/matmul.h"

#include <algorithm>

#include "blocks/dense/attributes.h"
#include "read/compose.h"

namespace nb::read {
namespace {

/// The one matrix that a constant of rank 3 or more holds for each sample of a batch, of which that of `a` is
/// no smaller; b itself if there are several, or none.
ValueId shared_matrix(Translation& l, ValueId a, ValueId b) {
  const Shape s = l.shape(b), x = l.shape(a);
  if (s.size() < 3 || x.size() < s.size() || !l.is_constant(b) || l.type(b).is_quantized() ||
      element_count(s) == 0)
    return b;
  const std::size_t more = x.size() - s.size();
  for (std::size_t i = 0; i + 2 < s.size(); ++i)
    if (s[i] != 1 && s[i] != x[more + i]) return b;
  const Value& value = l.build.graph().at(b);
  const std::span<const std::byte> all = *value.data;
  const Shape matrix(s.end() - 2, s.end());
  const std::size_t size = all.size() / static_cast<std::size_t>(element_count(s) / element_count(matrix));
  for (std::size_t at = size; at < all.size(); at += size)
    if (!std::ranges::equal(all.first(size), all.subspan(at, size))) return b;
  Tensor one{{value.type.dtype, matrix}, Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size))};
  return l.constant(std::move(one), "matrix");
}

}  // namespace

ValueId numpy_matmul(Translation& l, ValueId a, ValueId b) {
  if (l.dtype(a) == DType::f32) b = shared_matrix(l, a, b);
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

ValueId gemm(Translation& l, const Factor& left, const Factor& right, ValueId c, float alpha, float beta) {
  const ValueId a = left.matrix, b = right.matrix;
  if (l.rank(a) != 2 || l.rank(b) != 2) l.refuse(Kind::shape_mismatch, "a factor is no matrix");
  if (beta == 0.0f) c = ValueId();
  if (c.is_present() && beta != 1.0f) c = binary(l, "mul", c, static_cast<double>(beta));
  const std::int64_t n = l.dim(b, right.is_transposed ? 0 : 1);
  ValueId y;
  if (l.dtype(a) == DType::f32 && l.is_constant(b)) {
    ValueId w = alpha == 1.0f ? weights_on_grid(l, b) : b;
    if (!right.is_transposed) w = transpose(l, w, {1, 0});
    if (alpha != 1.0f) w = binary(l, "mul", w, static_cast<double>(alpha));
    const ValueId x = left.is_transposed ? transpose(l, a, {1, 0}) : a;
    const Shape c_shape = c.is_present() ? l.shape(c) : Shape{};
    const bool is_bias = c.is_present() && l.is_constant(c) && !c_shape.empty() && c_shape.back() == n &&
                         l.type(c).elements() == n;
    if (is_bias) return l.add("dense", DenseAttrs{}, {x, w, reshape(l, c, {n})});
    y = l.add("dense", DenseAttrs{}, {x, w});
  } else {
    y = matmul(l, a, b, left.is_transposed, right.is_transposed);
    if (alpha != 1.0f) y = binary(l, "mul", y, static_cast<double>(alpha));
  }
  return c.is_present() ? binary(l, "add", y, c) : y;
}

}  // namespace nb::read
