#include "read/quantized.h"

#include <algorithm>
#include <cmath>

#include "blocks/quantize/attributes.h"
#include "read/compose.h"

namespace nb::read {
namespace {

/// Scales or zero points along their axis of `rank` axes.
ValueId laid_out(Translation& l, const std::vector<float>& values, int axis, std::int64_t rank) {
  if (axis < 0) return scalar(l, static_cast<double>(values[0]));
  return along_axis(l, floats(l, values, {static_cast<std::int64_t>(values.size())}), axis, rank);
}
ValueId scales_of(Translation& l, const Quantization& q, std::int64_t rank) {
  return laid_out(l, q.scales, q.axis, rank);
}
/// Absent if all are 0.
ValueId zero_points_of(Translation& l, const Quantization& q, std::int64_t rank) {
  if (std::ranges::all_of(q.zero_points, [](std::int32_t z) { return z == 0; })) return {};
  return laid_out(l, std::vector<float>(q.zero_points.begin(), q.zero_points.end()), q.axis, rank);
}

ValueId computed_dequantize(Translation& l, ValueId x, const Quantization& q) {
  ValueId y = cast(l, x, DType::f32);
  if (const ValueId zero = zero_points_of(l, q, l.rank(x)); zero.is_present()) y = binary(l, "sub", y, zero);
  return binary(l, "mul", y, scales_of(l, q, l.rank(x)));
}

ValueId computed_quantize(Translation& l, ValueId x, const Quantization& q, DType to) {
  ValueId y = unary(l, "round", binary(l, "div", x, scales_of(l, q, l.rank(x))));
  if (const ValueId zero = zero_points_of(l, q, l.rank(x)); zero.is_present()) y = binary(l, "add", y, zero);
  const auto bits = static_cast<int>(8 * dtype_bytes(to));
  const bool is_signed = to == DType::i8 || to == DType::i16 || to == DType::i32;
  const double low = is_signed ? -std::exp2(bits - 1) : 0, high = std::exp2(is_signed ? bits - 1 : bits) - 1;
  return cast(l, binary(l, "minimum", binary(l, "maximum", y, low), high), to);
}

}  // namespace

ValueId dequantized(Translation& l, ValueId x, const Quantization& q) {
  const DType dtype = l.dtype(x);
  if (l.is_constant(x)) {
    const ValueId y = computed_dequantize(l, x, q);
    if (dtype_bytes(dtype) == 1 && l.is_constant(y)) l.build.note_grid(y, q);
    return y;
  }
  if (dtype_bytes(dtype) > 2 || q.is_per_axis()) return computed_dequantize(l, x, q);
  if (const std::string fault = quantization_fault({dtype, l.shape(x), q}); !fault.empty())
    l.invalid("its input " + fault);
  // An integer input learns what its integers stand for from the first that reads it so.
  Value& value = l.build.graph().at(x);
  if (value.source == Source::input && !value.type.quantization) value.type.quantization = q;
  if (value.type.quantization != q) return computed_dequantize(l, x, q);
  return l.add("dequantize", {x});
}

ValueId quantized(Translation& l, ValueId x, const Quantization& q, DType to) {
  const bool has_block = to == DType::i8 || to == DType::u8 || to == DType::i16;
  if (q.is_per_axis() || !has_block || l.is_constant(x)) return computed_quantize(l, x, q, to);
  return l.add("quantize", QuantizeAttrs{to, true}, {x}, q);
}

}  // namespace nb::read
