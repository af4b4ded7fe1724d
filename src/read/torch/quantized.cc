// Quantization as PyTorch 2 Export writes it: quantize and dequantize around operators of real numbers.
#include "read/quantized.h"
#include "base/text.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

struct Range {
  DType dtype;
  std::int64_t low, high;
};

/// The integers that the operator's quant_min, quant_max and dtype describe.
Range range_of(Layer& l) {
  const auto dtype = dtype_of_scalar_type(l.integer("dtype"));
  if (!dtype || !is_integer(*dtype)) l.unsupported("quantization to no integer dtype");
  return {*dtype, l.integer("quant_min"), l.integer("quant_max")};
}

/// Whether the range is all of the dtype, or all but its lowest number, as symmetric weights have it.
bool is_whole(const Range& r) {
  const std::int64_t bits = dtype_bytes(r.dtype) * 8;
  if (bits > 16) return true;
  const bool is_unsigned = r.dtype == DType::u8 || r.dtype == DType::u16;
  const std::int64_t low = is_unsigned ? 0 : -(std::int64_t{1} << (bits - 1)),
                     high = is_unsigned ? (std::int64_t{1} << bits) - 1 : (std::int64_t{1} << (bits - 1)) - 1;
  return (r.low == low || r.low == low + 1) && r.high == high;
}

Quantization per_tensor(Layer& l) {
  Quantization q;
  q.scales = {static_cast<float>(l.real("scale"))};
  q.zero_points = {static_cast<std::int32_t>(l.integer("zero_point"))};
  return q;
}

Quantization per_channel(Layer& l, ValueId x) {
  Quantization q;
  for (const double scale : l.doubles(l.tensor("scales"), "scales"))
    q.scales.push_back(static_cast<float>(scale));
  if (l.has("zero_points"))
    for (const std::int64_t zero : l.ints(l.tensor("zero_points"), "zero_points"))
      q.zero_points.push_back(static_cast<std::int32_t>(zero));
  else
    q.zero_points.assign(q.scales.size(), 0);
  q.axis = static_cast<int>(l.axis(l.integer("axis"), l.rank(x)));
  return q;
}

void quantize_to(Layer& l, ValueId x, const Range& range, const Quantization& q) {
  for (const float scale : q.scales)
    if (!(scale > 0) || scale > kMaxScale) l.invalid("a scale is " + float_text(scale));
  x = as_real(l, x);
  if (!is_whole(range)) {
    // Fewer numbers than the dtype has: bounded as real numbers first.
    if (q.is_per_axis()) l.unsupported("quantization of channels to part of a dtype's numbers");
    const auto real = [&](std::int64_t n) { return static_cast<float>(n - q.zero_points[0]) * q.scales[0]; };
    x = l.add("clip", {x}, {{"min", real(range.low)}, {"max", real(range.high)}});
  }
  l.result(quantized(l, x, q, range.dtype));
}

void dequantize(Layer& l, ValueId x, const Quantization& q) {
  for (const float scale : q.scales)
    if (!(scale > 0) || scale > kMaxScale) l.invalid("a scale is " + float_text(scale));
  l.result(dequantized(l, x, q));
}

}  // namespace

void translate_quantize_per_tensor(Layer& l) {
  const ValueId x = l.tensor("input");
  quantize_to(l, x, range_of(l), per_tensor(l));
}
void translate_quantize_per_channel(Layer& l) {
  const ValueId x = l.tensor("input");
  quantize_to(l, x, range_of(l), per_channel(l, x));
}
void translate_dequantize_per_tensor(Layer& l) {
  const ValueId x = l.tensor("input");
  dequantize(l, x, per_tensor(l));
}
void translate_dequantize_per_channel(Layer& l) {
  const ValueId x = l.tensor("input");
  dequantize(l, x, per_channel(l, x));
}

/// Scale and zero point from the data itself: what the model computes with is known only at run time.
void translate_choose_qparams(Layer& l) {
  l.unsupported("quantization whose scale is computed from the data at run time",
                "quantize statically (prepare_pt2e with calibration), or compile the float model");
}

}  // namespace nb::torch
