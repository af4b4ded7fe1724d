// quantize, dequantize, requantize and renumber: all there is to know about them.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/quantize/attributes.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

constexpr DTypeSet kStored{DType::i8, DType::u8, DType::i16, DType::u16, DType::i32};

/// Which scale element i has.
struct Numbers {
  explicit Numbers(const Type& type)
      : q(*type.quantization),
        axis(q.is_per_axis() ? split_at(type.shape, q.axis)
                             : AxisSplit{1, 1, std::max<std::int64_t>(type.elements(), 1)}) {}
  [[nodiscard]] std::size_t channel(std::int64_t i) const {
    return static_cast<std::size_t>(i / axis.inner % axis.size);
  }
  const Quantization& q;
  AxisSplit axis;
};

/// The tail of a call of either direction: scalars, or an axis with its constants.
Lowered scale_call(std::string_view function, const Operation& op, const Type& quantized, bool ties_to_even) {
  const Numbers n(quantized);
  Lowered l;
  const std::string ties = ties_to_even ? "true" : "false";
  if (!n.q.is_per_axis()) {
    l.function = function;
    l.params_type = "Quantize";
    l.params = {{"count", std::to_string(op.in[0]->elements())},
                {"scale", float_literal(n.q.scales[0])},
                {"zero", std::to_string(n.q.zero_points[0])},
                {"ties_to_even", ties}};
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }
  l.function = std::string(function) + "_axis";
  l.params_type = "QuantizeAxis";
  l.params = {{"outer", std::to_string(n.axis.outer)},
              {"channels", std::to_string(n.axis.size)},
              {"inner", std::to_string(n.axis.inner)},
              {"ties_to_even", ties}};
  l.constants = {{"scale", DType::f32, to_bytes(n.q.scales)},
                 {"zero", DType::i32, to_bytes(n.q.zero_points)}};
  l.arguments = {input_arg(0), constant_arg(0), constant_arg(1), output_arg(0)};
  return l;
}

struct QuantizeBlock {
  static constexpr std::string_view name = "quantize";
  static constexpr std::string_view doc =
      "y[i] = zero point + round(x[i] / scale), saturated; the numbers are y's";
  static constexpr bool is_elementwise = true;
  using Attrs = QuantizeAttrs;
  static constexpr auto fields = kQuantizeFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}};
  static constexpr std::array outputs = {Operand{"y", kStored}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const DType to = op.attrs<Attrs>().to;
    if (!kStored.has(to) || to == DType::i32)
      return Fault{Kind::attribute_out_of_range, "quantize to " + std::string(dtype_name(to))};
    return std::vector{Type{to, op.in[0]->shape}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto x = in[0].as<float>();
    const Elements y(out[0]);
    const Numbers n(*op.out[0]);
    const IntRange range = dtype_range(op.out[0]->dtype);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = n.channel(static_cast<std::int64_t>(i));
      const float ratio = x[i] / n.q.scales[c];
      const double whole =
          static_cast<double>(op.attrs<Attrs>().ties_to_even ? std::nearbyint(ratio) : std::round(ratio));
      const double q = std::isnan(whole) ? n.q.zero_points[c] : whole + n.q.zero_points[c];
      y.put(static_cast<std::int64_t>(i),
            std::clamp(q, static_cast<double>(range.min), static_cast<double>(range.max)));
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {
        {"quantize_even", "quantize/quantize.h",
         [](const Operation& op, const Core&) {
           return op.attrs<Attrs>().ties_to_even && op.out[0]->is_quantized() &&
                  !op.out[0]->quantization->is_per_axis();
         },
         [](const Operation& op, const Core&) { return scale_call("quantize_even", op, *op.out[0], true); }},
        {"quantize", "quantize/quantize.h",
         [](const Operation& op, const Core&) { return op.out[0]->is_quantized(); },
         [](const Operation& op, const Core&) {
           return scale_call("quantize", op, *op.out[0], op.attrs<Attrs>().ties_to_even);
         }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[300]", "", "i8[300] q(0.015625,-3)"},
            {"f32[300]", "ties_to_even=true", "i8[300] q(0.015625,-3)"},
            {"f32[300]", "to=u8", "u8[300] q(0.01,128)"},
            {"f32[300]", "to=i16", "i16[300] q(0.0001,0)"},
            {"f32[300]", "to=i16,ties_to_even=true", "i16[300] q(0.0001,0)"},
            {"f32[300]", "to=u8,ties_to_even=true", "u8[300] q(1e-9,7)"},
            {"f32[2,3,4]", "to=i8", "i8[2,3,4] q(axis=1, [0.01,0.02,0.005], [1,-2,3])"},
            {"f32[2,3,4]", "to=i8,ties_to_even=true", "i8[2,3,4] q(axis=1, [0.01,0.02,0.005], [1,-2,3])"},
            {"f32[4]", "to=f32", "", "attribute-out-of-range"},
            {"i8[4] q(0.1,0)", "", "", "dtype-mismatch"}};
  }
};

struct DequantizeBlock {
  static constexpr std::string_view name = "dequantize";
  static constexpr std::string_view doc = "y[i] = scale * (x[i] - zero point)";
  static constexpr bool is_elementwise = true;
  using Attrs = NoAttrs;
  static constexpr auto fields = kNoFields;
  static constexpr std::array inputs = {Operand{"x", kStored}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    if (!op.in[0]->is_quantized())
      return Fault{Kind::invalid_model, "dequantize of " + type_text(*op.in[0]) + " without a scale"};
    return std::vector{Type{DType::f32, op.in[0]->shape}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]);
    const auto y = out[0].as<float>();
    const Numbers n(*op.in[0]);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t c = n.channel(static_cast<std::int64_t>(i));
      const Wide q = x.get_int(static_cast<std::int64_t>(i)) - n.q.zero_points[c];
      y[i] = static_cast<float>(static_cast<double>(n.q.scales[c]) * static_cast<double>(q));
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {
        {"dequantize", "quantize/quantize.h", [](const Operation&, const Core&) { return true; },
         [](const Operation& op, const Core&) { return scale_call("dequantize", op, *op.in[0], false); }}};
  }
  static std::vector<Sample> samples() {
    return {{"i8[300] q(0.05,-3)"},
            {"u8[300] q(0.05,120)"},
            {"i16[300] q(0.0005,0)"},
            {"i32[3,4] q(axis=0, [0.01,0.02,0.005], [0,0,0])"},
            {"i8[2,3,4] q(axis=2, [0.01,0.02,0.005,1], [1,-2,3,0])"},
            {"i8[4]", "", "", "invalid-model"}};
  }
};

struct RequantizeBlock {
  static constexpr std::string_view name = "requantize";
  static constexpr std::string_view doc = "y[i] = the same real number in y's scale, saturated";
  static constexpr bool is_elementwise = true;
  using Attrs = QuantizeAttrs;
  static constexpr auto fields = kRequantizeFields;
  static constexpr std::array inputs = {Operand{"x", kStored}};
  static constexpr std::array outputs = {Operand{"y", kStored}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    if (!x.is_quantized() || x.quantization->is_per_axis())
      return Fault{Kind::invalid_model, "requantize of " + type_text(x) + " without one scale"};
    if (!kStored.has(op.attrs<Attrs>().to))
      return Fault{Kind::attribute_out_of_range,
                   "requantize to " + std::string(dtype_name(op.attrs<Attrs>().to))};
    return std::vector{Type{op.attrs<Attrs>().to, x.shape}};
  }
  static FixedPoint factor(const Operation& op) {
    return fixed_point(static_cast<double>(op.in[0]->scale()) / static_cast<double>(op.out[0]->scale()),
                       op.rounding);
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), y(out[0]);
    const FixedPoint f = factor(op);
    const IntRange range = dtype_range(op.out[0]->dtype);
    for (std::int64_t i = 0; i < in[0].type->elements(); ++i) {
      const auto q = static_cast<std::int32_t>(x.get_int(i) - op.in[0]->zero_point());
      const std::int64_t scaled = std::int64_t{rescale(q, f.multiplier, f.shift)} + op.out[0]->zero_point();
      y.put_int(i, std::clamp<std::int64_t>(scaled, range.min, range.max));
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const FixedPoint f = factor(op);
    Lowered l{.function = "requantize", .params_type = "Requantize"};
    l.params = {{"count", std::to_string(op.in[0]->elements())},
                {"in_zero", std::to_string(op.in[0]->zero_point())},
                {"multiplier", std::to_string(f.multiplier)},
                {"shift", std::to_string(f.shift)},
                {"out_zero", std::to_string(op.out[0]->zero_point())}};
    l.arguments = {input_arg(0), output_arg(0)};
    if (dtype_bytes(op.in[0]->dtype) == dtype_bytes(op.out[0]->dtype)) l.in_place = {{0, 0}};
    return l;
  }
  static bool has_output_scale(const Operation& op, const Core&) {
    return op.out[0]->is_quantized() && !op.out[0]->quantization->is_per_axis();
  }
  static std::vector<Kernel> kernels() {
    return {{"requantize_view", "",
             [](const Operation& op, const Core&) { return same_numbers(*op.in[0], *op.out[0]); },
             [](const Operation&, const Core&) { return Lowered{}; }},
            {"requantize", "quantize/quantize.h", has_output_scale, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"i8[300] q(0.05,-3)", "", "i8[300] q(0.04,5)"},
            {"i8[300] q(0.05,-3)", "to=u8", "u8[300] q(0.05,125)"},
            {"u8[300] q(0.05,100)", "to=i8", "i8[300] q(0.06,-20)"},
            {"i8[300] q(0.05,-3)", "to=i16", "i16[300] q(0.0003,0)"},
            {"i16[300] q(0.0005,0)", "to=i8", "i8[300] q(0.13,1)"},
            {"i8[300] q(0.05,-3)", "to=i32", "i32[300] q(0.0001,0)"},
            {"i8[4] q(0.05,-3)", "", "i8[4] q(0.05,-3)"},
            {"i8[4]", "", "", "invalid-model"}};
  }
};

struct RenumberBlock {
  static constexpr std::string_view name = "renumber";
  static constexpr std::string_view doc =
      "y[i] = x[i]: the same integers for the reals that y's numbers say, a factor and an offset away from "
      "x's";
  static constexpr bool is_elementwise = true;
  using Attrs = NoAttrs;
  static constexpr auto fields = kNoFields;
  static constexpr std::array inputs = {Operand{"x", kStored}};
  static constexpr std::array outputs = {Operand{"y", kStored}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    if (!op.in[0]->is_quantized())
      return Fault{Kind::invalid_model, "renumber of " + type_text(*op.in[0]) + " without a scale"};
    return std::vector{Type{op.in[0]->dtype, op.in[0]->shape}};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    std::copy_n(in[0].data, in[0].type->size_bytes(), out[0].data);
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"renumber_view", "", [](const Operation& op, const Core&) { return op.out[0]->is_quantized(); },
             [](const Operation&, const Core&) { return Lowered{}; }}};
  }
  static std::vector<Sample> samples() {
    return {{"i8[2,3] q(axis=1, [0.5,20,0.001], [300,-7,100000])", "", "i8[2,3] q(0.0078125,0)"},
            {"i16[300] q(0.5,-3)", "", "i16[300] q(0.0001,0)"},
            {"i8[4]", "", "", "invalid-model"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_quantize() {
  return {define<QuantizeBlock>(), define<DequantizeBlock>(), define<RequantizeBlock>(),
          define<RenumberBlock>()};
}

}  // namespace nb
