// Products of matrices and vectors, and the norms and distances that are made of them.
#include "read/matmul.h"

#include <algorithm>
#include <cmath>

#include "blocks/dense/attributes.h"
#include "read/einsum.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

void require_rank_of(Layer& l, ValueId x, std::int64_t rank, std::string_view what) {
  if (l.rank(x) != rank)
    l.refuse(Kind::shape_mismatch,
             std::string(what) + " is " + type_text(l.type(x)) + ", not of rank " + std::to_string(rank));
}

/// beta * self + alpha * product, where beta 0 leaves self out, whatever it holds.
ValueId with_addend(Layer& l, ValueId product) {
  const double alpha = l.real("alpha", 1), beta = l.real("beta", 1);
  const ValueId scaled = times(l, product, alpha);
  return beta == 0 ? scaled : binary(l, "add", times(l, l.tensor("self"), beta), scaled);
}

/// [a,b,...,n] as [a*b*..., n].
ValueId as_rows(Layer& l, ValueId x) {
  const std::int64_t rank = l.rank(x);
  return reshape(l, x, {product(l.shape(x), 0, rank - 1), l.dim(x, rank - 1)});
}

}  // namespace

void translate_linear(Layer& l) {
  const ValueId x = l.tensor("input"), w = l.tensor("weight"), b = l.optional_tensor("bias");
  if (l.rank(w) == 1) {
    const ValueId y = numpy_matmul(l, x, w);
    return l.result(b.is_present() ? binary(l, "add", y, b) : y);
  }
  require_rank_of(l, w, 2, "the weight");
  if (l.dtype(x) == DType::f32 && l.is_constant(w) && (!b.is_present() || l.rank(b) == 1)) {
    std::vector<ValueId> operands = {x, weights_on_grid(l, w)};
    if (b.is_present()) operands.push_back(expand(l, b, {l.dim(w, 0)}));
    return l.result(l.add("dense", DenseAttrs{}, std::move(operands)));
  }
  const ValueId y =
      l.rank(x) == 1 ? numpy_matmul(l, x, transpose(l, w, {1, 0})) : matmul(l, x, w, false, true);
  l.result(b.is_present() ? binary(l, "add", y, b) : y);
}

void translate_matmul(Layer& l) {
  const ValueId b = l.tensor(l.takes("other") ? "other" : l.takes("mat2") ? "mat2" : "vec");
  const ValueId y = numpy_matmul(l, l.tensor("self"), b);
  const auto dtype = l.element_type("out_dtype");
  l.result(dtype ? cast(l, y, *dtype) : y);
}

void translate_chain_matmul(Layer& l) {
  const std::vector<ValueId> factors = l.tensors(l.takes("matrices") ? "matrices" : "tensors");
  if (factors.empty()) l.invalid("it has no matrices");
  ValueId y = factors[0];
  for (std::size_t i = 1; i < factors.size(); ++i) y = numpy_matmul(l, y, factors[i]);
  l.result(y);
}

void translate_addmm(Layer& l) {
  const ValueId y = gemm(l, {l.tensor("mat1")}, {l.tensor("mat2")}, l.tensor("self"),
                         static_cast<float>(l.real("alpha", 1)), static_cast<float>(l.real("beta", 1)));
  l.result(y);
}

void translate_addmv(Layer& l) {
  l.result(with_addend(l, numpy_matmul(l, l.tensor("mat"), l.tensor("vec"))));
}

void translate_baddbmm(Layer& l) {
  const ValueId a = l.tensor("batch1"), b = l.tensor("batch2");
  require_rank_of(l, a, 3, "batch1");
  require_rank_of(l, b, 3, "batch2");
  const ValueId y = matmul(l, a, b);
  l.result(with_addend(l, l.op() == "aten.addbmm" ? reduce(l, "reduce_sum", y, {0}, false) : y));
}

/// Vectors: the product of each element with each.
void translate_outer(Layer& l) {
  const bool is_addr = l.takes("vec1");
  const ValueId a = l.tensor(is_addr ? "vec1" : "self"), b = l.tensor("vec2");
  require_rank_of(l, a, 1, "a factor");
  require_rank_of(l, b, 1, "a factor");
  const ValueId y = binary(l, "mul", unsqueeze(l, a, {1}), b);
  l.result(is_addr ? with_addend(l, y) : y);
}

void translate_dot(Layer& l) {
  const ValueId a = l.tensor("self"), b = l.tensor(l.takes("tensor") ? "tensor" : "other");
  require_rank_of(l, a, 1, "a factor");
  require_rank_of(l, b, 1, "a factor");
  l.result(numpy_matmul(l, a, b));
}

/// Sums over the last axes of both.
void translate_inner(Layer& l) {
  const ValueId a = l.tensor("self"), b = l.tensor("other");
  if (l.rank(a) == 0 || l.rank(b) == 0) return l.result(binary(l, "mul", a, b));
  const Shape as = l.shape(a), bs = l.shape(b);
  Shape shape(as.begin(), as.end() - 1);
  shape.insert(shape.end(), bs.begin(), bs.end() - 1);
  l.result(reshape(l, matmul(l, as_rows(l, a), as_rows(l, b), false, true), shape));
}

void translate_einsum(Layer& l) { l.result(einsum(l, l.text("equation"), l.tensors("tensors"))); }

/// y[n,o] = sum over i, j of x1[n,i] * w[o,i,j] * x2[n,j], plus b[o].
void translate_bilinear(Layer& l) {
  const ValueId x1 = l.tensor("input1"), x2 = l.tensor("input2"), w = l.tensor("weight"),
                b = l.optional_tensor("bias");
  require_rank_of(l, w, 3, "the weight");
  l.require_rank(x1, 1, "the input");
  l.require_rank(x2, 1, "the input");
  Shape shape = l.shape(x1);
  shape.back() = l.dim(w, 0);
  const ValueId y = einsum(l, "ni,oij,nj->no", {as_rows(l, x1), w, as_rows(l, x2)});
  const ValueId sum = b.is_present() ? binary(l, "add", y, b) : y;
  l.result(reshape(l, sum, shape));
}

/// The product of three tensors, each with axes of 1 put in at `expandN`, summed over `sumdim`: an einsum
/// whose letters are the axes of the product.
void translate_trilinear(Layer& l) {
  std::vector<ValueId> operands;
  std::string equation;
  std::int64_t rank = -1;
  for (const auto& [tensor, axes] : {std::pair{"i1", "expand1"}, {"i2", "expand2"}, {"i3", "expand3"}}) {
    const ValueId x = l.tensor(tensor);
    const Ints given = l.integers(axes);
    const std::int64_t all = l.rank(x) + static_cast<std::int64_t>(given.size());
    if ((rank >= 0 && all != rank) || all > 26) l.invalid("its operands do not expand to one rank");
    rank = all;
    const Ints expanded = l.axes(given, rank);
    if (!operands.empty()) equation += ',';
    for (std::int64_t axis = 0; axis < rank; ++axis)
      if (std::find(expanded.begin(), expanded.end(), axis) == expanded.end())
        equation += static_cast<char>('a' + axis);
    operands.push_back(x);
  }
  const Ints summed = l.axes(l.integers("sumdim"), rank);
  const std::string terms = equation;
  Shape shape;
  equation += "->";
  bool has_lost = false;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    if (std::find(summed.begin(), summed.end(), axis) != summed.end()) continue;
    if (terms.find(static_cast<char>('a' + axis)) == std::string::npos)
      has_lost = true;
    else
      equation += static_cast<char>('a' + axis);
  }
  if (has_lost) l.unsupported("a trilinear product with an axis that no operand has");
  l.result(einsum(l, equation, operands));
}

namespace {

/// (sum of |x|^p over the axes)^(1/p), with p 0 the count of what is not 0.
ValueId norm_of(Layer& l, ValueId x, double p, const Ints& axes, bool keeps) {
  if (std::isinf(p)) return reduce(l, p > 0 ? "reduce_max" : "reduce_min", unary(l, "abs", x), axes, keeps);
  if (p == 0)
    return reduce(l, "reduce_sum", cast(l, binary(l, "not_equal", x, 0.0), l.dtype(x)), axes, keeps);
  if (p == 1) return reduce(l, "reduce_l1", x, axes, keeps);
  if (p == 2) return reduce(l, "reduce_l2", x, axes, keeps);
  const ValueId total = reduce(l, "reduce_sum", binary(l, "pow", unary(l, "abs", x), p), axes, keeps);
  return binary(l, "pow", total, 1 / p);
}

}  // namespace

void translate_norm(Layer& l) {
  ValueId x = as_real(l, l.tensor("self"));
  if (const auto dtype = l.element_type("dtype")) x = cast(l, x, *dtype);
  const std::int64_t rank = l.rank(x);
  Ints axes = l.integers("dim", {});
  if (rank == 0) {
    for (const std::int64_t axis : axes) (void)l.axis(axis, 1);
    axes.clear();
  } else {
    axes = axes.empty() ? axes_from(0, rank) : l.axes(axes, rank);
  }
  l.result(norm_of(l, x, l.real(l.takes("ord") ? "ord" : "p", 2), axes, l.flag("keepdim")));
}

/// linalg_norm and linalg_matrix_norm: of vectors, or of matrices along two axes.
void translate_linalg_norm(Layer& l) {
  ValueId x = as_real(l, l.tensor("self"));
  if (const auto dtype = l.element_type("dtype")) x = cast(l, x, *dtype);
  const std::int64_t rank = l.rank(x);
  const bool keeps = l.flag("keepdim"), is_matrix = l.op() == "aten.linalg_matrix_norm";
  if (!l.has("ord")) {
    const Ints given = l.integers("dim", {});
    return l.result(norm_of(l, x, 2, given.empty() ? axes_from(0, rank) : l.axes(given, rank), keeps));
  }
  const Ints axes = l.axes(l.integers("dim", axes_from(0, rank)), rank);
  const std::string name = l.item("ord").is_text() ? l.text("ord") : "";
  if (name == "fro") return l.result(norm_of(l, x, 2, axes, keeps));
  if (!name.empty()) l.unsupported("the matrix norm `" + name + "`");
  const double p = l.real("ord");
  if (axes.size() == 1 && !is_matrix) return l.result(norm_of(l, x, p, axes, keeps));
  if (axes.size() != 2) l.invalid("a matrix norm is of two axes");
  if (std::abs(p) != 1 && !std::isinf(p)) l.unsupported("the matrix norm of order " + std::to_string(p));
  // Sums along one axis, of which the largest or smallest: of columns with 1, of rows with infinity.
  const bool is_columns = std::abs(p) == 1;
  const std::int64_t summed = axes[is_columns ? 0 : 1], compared = axes[is_columns ? 1 : 0];
  const ValueId sums = reduce(l, "reduce_l1", x, {summed}, true);
  const ValueId y = reduce(l, p > 0 ? "reduce_max" : "reduce_min", sums, {compared}, true);
  l.result(keeps ? y : squeeze(l, y, axes));
}

/// Along an axis: the product of the vectors over that of their lengths, each at least eps.
void translate_cosine_similarity(Layer& l) {
  const Shape shape = broadcast_shape(l, l.shape(l.tensor("x1")), l.shape(l.tensor("x2")));
  const ValueId a = expand(l, l.tensor("x1"), shape), b = expand(l, l.tensor("x2"), shape);
  const Ints axis = {l.axis(l.integer("dim", 1), l.rank(a))};
  const double eps = l.real("eps", 1e-8);
  const auto length = [&](ValueId x) {
    return binary(l, "maximum", reduce(l, "reduce_l2", x, axis, false), eps);
  };
  const ValueId dot = reduce(l, "reduce_sum", binary(l, "mul", a, b), axis, false);
  l.result(binary(l, "div", dot, binary(l, "mul", length(a), length(b))));
}

void translate_pairwise_distance(Layer& l) {
  const ValueId a = l.tensor("x1"), b = l.tensor("x2");
  const ValueId difference = binary(l, "add", binary(l, "sub", a, b), l.real("eps", 1e-6));
  l.result(norm_of(l, difference, l.real("p", 2), {l.rank(difference) - 1}, l.flag("keepdim")));
}

/// The distance of each row of x1 [...,P,M] to each of x2 [...,R,M].
void translate_cdist(Layer& l) {
  const ValueId a = l.tensor("x1"), b = l.tensor("x2");
  l.require_rank(a, 2, "x1");
  l.require_rank(b, 2, "x2");
  const std::int64_t rank_a = l.rank(a), rank_b = l.rank(b);
  const ValueId difference = binary(l, "sub", unsqueeze(l, a, {rank_a - 1}), unsqueeze(l, b, {rank_b - 2}));
  l.result(norm_of(l, difference, l.real("p", 2), {l.rank(difference) - 1}, false));
}

/// v * g / |v|, the length over all axes but one (all axes if dim is -1).
void translate_weight_norm(Layer& l) {
  const ValueId v = l.tensor("v"), g = l.tensor("g");
  const std::int64_t rank = l.rank(v), given = l.integer("dim", 0);
  Ints axes = axes_from(0, rank);
  if (given != -1) axes.erase(axes.begin() + l.axis(given, rank));
  const ValueId length = reduce(l, "reduce_l2", v, axes, given != -1);
  l.result(binary(l, "mul", v, binary(l, "div", g, length)));
  if (l.op() == "aten._weight_norm_interface") l.result(length);
}

}  // namespace nb::torch
