// Operators on quantized integers. Constants are dequantized at once; run-time values with constant scales
// become quantize and dequantize blocks, which a later pass fuses; scales known only at run time are computed
// with as ordinary numbers.
#include <algorithm>
#include <cmath>

#include "blocks/dense/attributes.h"
#include "blocks/quantize/attributes.h"
#include "read/matmul.h"
#include "read/onnx/importer.h"
#include "read/onnx/operators.h"
#include "read/onnx/tensor.h"
#include "read/onnx/window.h"
#include "read/quantized.h"

namespace nb::onnx {
namespace {

struct IntegerRange {
  double min, max;
};
IntegerRange range_of(DType dtype) {
  const auto bits = static_cast<int>(8 * dtype_bytes(dtype));
  const bool is_signed = dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32;
  return is_signed ? IntegerRange{-std::exp2(bits - 1), std::exp2(bits - 1) - 1}
                   : IntegerRange{0, std::exp2(bits) - 1};
}

/// Scale and zero point of one tensor as the model gives them.
struct Scaling {
  ValueId scale, zero_point;  ///< the zero point may be absent: 0
  std::int64_t axis = 1;
};

/// The scaling as a type's quantization, if its numbers are known and legal for `shape`.
std::optional<Quantization> known(Layer& l, const Scaling& s, const Shape& shape) {
  if (!l.is_constant(s.scale) || (s.zero_point.is_present() && !l.is_constant(s.zero_point)))
    return std::nullopt;
  Quantization q;
  for (const double scale : l.doubles(s.scale, "scale")) q.scales.push_back(static_cast<float>(scale));
  q.zero_points.assign(q.scales.size(), 0);
  if (s.zero_point.is_present()) {
    const Ints zeros = l.ints(s.zero_point, "zero point");
    if (zeros.size() != q.scales.size()) l.invalid("its scales and zero points differ in number");
    for (std::size_t i = 0; i < zeros.size(); ++i) q.zero_points[i] = static_cast<std::int32_t>(zeros[i]);
  }
  for (const float scale : q.scales)
    if (!(scale > 0) || scale > kMaxScale) l.invalid("a scale is " + float_text(scale));
  if (l.rank(s.scale) == 0 || (q.scales.size() == 1 && l.rank(s.scale) <= 1)) return q;
  if (l.rank(s.scale) != 1) return std::nullopt;  // by blocks
  const std::int64_t axis = l.axis(s.axis, static_cast<std::int64_t>(shape.size()));
  if (shape[static_cast<std::size_t>(axis)] != static_cast<std::int64_t>(q.scales.size()))
    l.refuse(Kind::shape_mismatch, count_text(q.scales.size(), "scale") + " for an axis of " +
                                       std::to_string(shape[static_cast<std::size_t>(axis)]));
  q.axis = static_cast<int>(axis);
  return q;
}

/// A scale or zero point laid along its axis; one a block repeats over its elements.
ValueId laid_out(Layer& l, ValueId p, const Shape& shape, std::int64_t given_axis) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const Shape own = l.shape(p);
  if (l.type(p).elements() == 1 && own.size() <= 1) return reshape(l, p, {});
  const std::int64_t axis = l.axis(given_axis, rank);
  if (own.size() == 1) return along_axis(l, p, axis, rank);
  const std::int64_t block = l.integer("block_size", 0), n = shape[static_cast<std::size_t>(axis)],
                     rows = l.dim(p, axis);
  if (static_cast<std::int64_t>(own.size()) != rank || block < 1 || (n + block - 1) / block != rows)
    l.refuse(Kind::shape_mismatch, "scales " + shape_text(own) + " do not fit " + shape_text(shape));
  const std::int64_t before = product(own, 0, axis), behind = product(own, axis + 1, rank);
  const ValueId wide = expand(l, reshape(l, p, {before, rows, 1, behind}), {before, rows, block, behind});
  Shape repeated = own;
  repeated[static_cast<std::size_t>(axis)] = rows * block;
  return slice_axis(l, reshape(l, wide, repeated), axis, 0, n);
}

ValueId computed_dequantize(Layer& l, ValueId x, const Scaling& s) {
  const Shape shape = l.shape(x);
  ValueId y = cast(l, x, DType::f32);
  if (s.zero_point.is_present())
    y = binary(l, "sub", y, laid_out(l, cast(l, s.zero_point, DType::f32), shape, s.axis));
  return binary(l, "mul", y, laid_out(l, cast(l, s.scale, DType::f32), shape, s.axis));
}

/// Real numbers of integers x.
ValueId dequantized(Layer& l, ValueId x, const Scaling& s) {
  const auto q = known(l, s, l.shape(x));
  return q ? read::dequantized(l, x, *q) : computed_dequantize(l, x, s);
}

ValueId computed_quantize(Layer& l, ValueId x, const Scaling& s, DType to) {
  const Shape shape = l.shape(x);
  ValueId y = unary(l, "round", binary(l, "div", x, laid_out(l, s.scale, shape, s.axis)));
  if (s.zero_point.is_present())
    y = binary(l, "add", y, laid_out(l, cast(l, s.zero_point, DType::f32), shape, s.axis));
  const IntegerRange range = range_of(to);
  y = binary(l, "minimum", binary(l, "maximum", y, range.min), range.max);
  return cast(l, y, to);
}

ValueId quantized(Layer& l, ValueId x, const Scaling& s, DType to) {
  const auto q = known(l, s, l.shape(x));
  return q ? read::quantized(l, x, *q, to) : computed_quantize(l, x, s, to);
}

/// Products of 8-bit integers are summed in floats, which hold integers up to 2^24.
void check_exact(Layer& l, std::int64_t terms) {
  if (terms > (std::int64_t{1} << 24) / (255 * 255))
    l.unsupported("an integer product over " + std::to_string(terms) + " terms without scales",
                  "export the model in QDQ form (QuantizeLinear and DequantizeLinear)");
}

ValueId centered(Layer& l, ValueId x, ValueId zero_point, std::int64_t axis) {
  const ValueId y = cast(l, x, DType::f32);
  if (!zero_point.is_present()) return y;
  const ValueId zero = cast(l, zero_point, DType::f32);
  return binary(l, "sub", y,
                l.type(zero).elements() == 1 ? reshape(l, zero, {}) : along_axis(l, zero, axis, l.rank(x)));
}

}  // namespace

void translate_quantize_linear(Layer& l) {
  const Scaling s{l.in(1), l.optional(2), l.integer("axis", 1)};
  DType to = DType::u8;
  if (s.zero_point.is_present())
    to = l.dtype(s.zero_point);
  else if (l.integer("output_dtype", 0) != 0)
    to = l.element_type("output_dtype");
  if (!is_integer(to) || dtype_bytes(to) > 2) l.unsupported("quantization to " + std::string(dtype_name(to)));
  l.output(0, quantized(l, cast(l, l.in(0), DType::f32), s, to));
}

void translate_dequantize_linear(Layer& l) {
  l.output(0, dequantized(l, l.in(0), {l.in(1), l.optional(2), l.integer("axis", 1)}));
}

void translate_dynamic_quantize_linear(Layer& l) {
  const ValueId x = l.in(0);
  const Ints axes = axes_from(0, l.rank(x));
  const ValueId high = binary(l, "maximum", reduce(l, "reduce_max", x, axes, false), 0.0);
  const ValueId low = binary(l, "minimum", reduce(l, "reduce_min", x, axes, false), 0.0);
  const ValueId scale = binary(l, "div", binary(l, "sub", high, low), 255.0);
  const ValueId at_zero = binary(l, "div", binary(l, "sub", scalar(l, 0), low), scale);
  const ValueId zero = unary(l, "round", binary(l, "minimum", binary(l, "maximum", at_zero, 0.0), 255.0));
  const ValueId steps = unary(l, "round", binary(l, "div", x, scale));
  const ValueId shifted = binary(l, "add", steps, zero);
  const ValueId y = binary(l, "minimum", binary(l, "maximum", shifted, 0.0), 255.0);
  l.output(0, cast(l, y, DType::u8));
  l.output(1, scale);
  l.output(2, cast(l, zero, DType::u8));
}

void translate_qlinear_conv(Layer& l) {
  const ValueId x = dequantized(l, l.in(0), {l.in(1), l.in(2), 1});
  const ValueId w = dequantized(l, l.in(3), {l.in(4), l.in(5), 0});
  ValueId b;
  if (l.has(8)) {
    const ValueId scale = binary(l, "mul", reshape(l, l.in(1), {}), l.in(4));
    b = binary(l, "mul", cast(l, l.in(8), DType::f32),
               l.type(scale).elements() == 1 ? reshape(l, scale, {}) : scale);
  }
  l.output(0, quantized(l, convolve(l, x, w, b), {l.in(6), l.in(7), 1}, l.dtype(l.in(7))));
}

void translate_qlinear_matmul(Layer& l) {
  const ValueId a = dequantized(l, l.in(0), {l.in(1), l.in(2), -2});
  const ValueId b = dequantized(l, l.in(3), {l.in(4), l.in(5), -1});
  l.output(0, quantized(l, numpy_matmul(l, a, b), {l.in(6), l.in(7), -1}, l.dtype(l.in(7))));
}

namespace {

/// Operand i with the scale and zero point behind it.
ValueId dequantized_at(Layer& l, std::size_t i, std::int64_t axis = 1) {
  return dequantized(l, l.in(i), {l.in(i + 1), l.optional(i + 2), axis});
}
/// The result in the numbers of operands i and i + 1; those of its input's dtype if there is no zero point.
void output_quantized(Layer& l, ValueId y, std::size_t i, DType fallback) {
  const ValueId zero = l.optional(i + 1);
  l.output(0, quantized(l, y, {l.in(i), zero, 1}, zero.is_present() ? l.dtype(zero) : fallback));
}
void refuse_channels_last(Layer& l) {
  if (l.flag("channels_last", false)) l.unsupported("channels_last images");
}

}  // namespace

// The quantized operators that ONNX Runtime adds (domain com.microsoft).

void translate_qlinear_binary(Layer& l) {
  const ValueId a = dequantized_at(l, 0), b = dequantized_at(l, 3);
  output_quantized(l, binary(l, l.block(), a, b), 6, l.dtype(l.in(0)));
}

void translate_qlinear_unary(Layer& l) {
  const ValueId x = dequantized_at(l, 0);
  const ValueId y = l.type() == "QLinearLeakyRelu"
                        ? l.add("leaky_relu", {x}, {{"alpha", l.real("alpha", 0.01f)}})
                        : unary(l, l.block(), x);
  output_quantized(l, y, 3, l.dtype(l.in(0)));
}

void translate_qlinear_pool(Layer& l) {
  refuse_channels_last(l);
  const ValueId x = dequantized_at(l, 0);
  const ValueId y = l.type() == "QLinearAveragePool" ? average_pooled(l, x) : globally_pooled(l, x, false);
  output_quantized(l, y, 3, l.dtype(l.in(0)));
}

void translate_qlinear_softmax(Layer& l) {
  const ValueId x = dequantized_at(l, 0);
  const std::int64_t rank = l.rank(x), axis = l.axis(l.integer("axis", -1), rank);
  if (l.integer("opset", 13) < 13 && axis != rank - 1)
    l.unsupported("a softmax before opset 13 over several axes");
  output_quantized(l, softmax(l, x, axis), 3, l.dtype(l.in(0)));
}

void translate_qlinear_concat(Layer& l) {
  std::vector<ValueId> parts;
  for (std::size_t i = 2; i + 1 < l.input_count(); i += 3) parts.push_back(dequantized_at(l, i));
  if (parts.empty()) l.invalid("there is nothing to join");
  const std::int64_t axis = l.axis(l.integer("axis"), l.rank(parts[0]));
  output_quantized(l, concat(l, parts, axis), 0, l.dtype(l.in(2)));
}

void translate_qgemm(Layer& l) {
  const ValueId a = dequantized_at(l, 0);
  const bool trans_a = l.flag("transA", false), trans_b = l.flag("transB", false);
  ValueId b = dequantized_at(l, 3, trans_b ? 0 : 1);
  if (l.rank(a) != 2 || l.rank(b) != 2) l.refuse(Kind::shape_mismatch, "a factor is no matrix");
  const float alpha = l.real("alpha", 1.0f);
  ValueId y;
  ValueId c;
  if (l.has(6)) {
    const ValueId scale = binary(l, "mul", reshape(l, l.in(1), {}), l.in(4));
    c = binary(l, "mul", cast(l, l.in(6), DType::f32),
               l.type(scale).elements() == 1 ? reshape(l, scale, {}) : scale);
  }
  const ValueId x = trans_a ? transpose(l, a, {1, 0}) : a;
  if (l.is_constant(b)) {
    b = weights_on_grid(l, b);
    const ValueId w = trans_b ? b : transpose(l, b, {1, 0});
    const bool is_bias = c.is_present() && l.is_constant(c) && l.type(c).elements() == l.dim(w, 0);
    y = is_bias ? l.add("dense", DenseAttrs{}, {x, w, reshape(l, c, {l.dim(w, 0)})})
                : l.add("dense", DenseAttrs{}, {x, w});
    if (c.is_present() && !is_bias) y = binary(l, "add", y, c);
  } else {
    y = matmul(l, x, b, false, trans_b);
    if (c.is_present()) y = binary(l, "add", y, c);
  }
  if (alpha != 1.0f) y = binary(l, "mul", y, static_cast<double>(alpha));
  if (!l.has(7)) return l.output(0, y);
  output_quantized(l, y, 7, l.dtype(l.in(0)));
}

void translate_conv_integer(Layer& l) {
  const ValueId x = centered(l, l.in(0), l.optional(2), 1), w = centered(l, l.in(1), l.optional(3), 0);
  const Shape ws = l.shape(w);
  check_exact(l, product(ws, std::min<std::int64_t>(1, l.rank(w)), l.rank(w)));
  l.output(0, cast(l, convolve(l, x, w, ValueId()), DType::i32));
}

void translate_matmul_integer(Layer& l) {
  const std::int64_t rank_a = l.rank(l.in(0));
  const ValueId a = centered(l, l.in(0), l.optional(2), std::max<std::int64_t>(rank_a - 2, 0));
  const ValueId b = centered(l, l.in(1), l.optional(3), std::max<std::int64_t>(l.rank(l.in(1)) - 1, 0));
  l.require_rank(a, 1, "a factor");
  check_exact(l, l.dim(a, rank_a - 1));
  l.output(0, cast(l, numpy_matmul(l, a, b), DType::i32));
}

}  // namespace nb::onnx
