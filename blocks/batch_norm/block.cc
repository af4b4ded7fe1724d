// batch_norm: all there is to know about it.
#include <algorithm>
#include <cmath>

#include "blocks/batch_norm/attributes.h"
#include "blocks/batch_norm/batch_norm_quantized.h"
#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct BatchNormBlock {
  static constexpr std::string_view name = "batch_norm";
  static constexpr std::string_view doc =
      "y = (x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c], c the index along the axis";
  using Attrs = BatchNormAttrs;
  static constexpr auto fields = kBatchNormFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr DTypeSet kElements = kFloats | DTypeSet{DType::i8, DType::i16};
  static constexpr std::array inputs = {Operand{"x", kElements},
                                        Operand{.name = "scale", .dtypes = kFloats, .is_real = true},
                                        Operand{.name = "bias", .dtypes = kFloats, .is_real = true},
                                        Operand{.name = "mean", .dtypes = kFloats, .is_real = true},
                                        Operand{.name = "variance", .dtypes = kFloats, .is_real = true}};
  static constexpr std::array outputs = {Operand{"y", kElements}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const auto axis = checked_axis(op.attrs<Attrs>().axis, x.rank());
    if (!axis) return axis.fault();
    for (std::size_t i = 1; i < 5; ++i)
      if (op.in[i]->shape != Shape{x.shape[static_cast<std::size_t>(*axis)]})
        return Fault{Kind::shape_mismatch, "`" + std::string(inputs[i].name) + "` is " +
                                               shape_text(op.in[i]->shape) + " for the channels of " +
                                               type_text(x)};
    if (!is_float(x.dtype))
      if (auto fault = check_integers(op)) return *fault;
    return std::vector{Type{x.dtype, x.shape}};
  }
  /// Why integers have no line a channel.
  static std::optional<Fault> check_integers(const Operation& op) {
    const Type& x = *op.in[0];
    if (auto fault = check_quantized(op, 0)) return fault;
    if (x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "batch_norm of " + type_text(x) + " with a scale per index"};
    for (std::size_t i = 1; i < 5; ++i)
      if (!op.is_constant(i))
        return Fault{
            Kind::unsupported_feature,
            "batch_norm of integers whose `" + std::string(inputs[i].name) + "` is computed when running"};
    for (std::size_t c = 0; c < op.constant<float>(1).size(); ++c) {
      const auto [factor, offset] = line_of(op, c);
      if (!std::isfinite(factor) || !std::isfinite(offset))
        return Fault{Kind::unsupported_feature,
                     "batch_norm of integers whose channel " + std::to_string(c) + " has no finite line"};
    }
    return std::nullopt;
  }
  /// factor and offset of channel c.
  static std::pair<double, double> line(const Attrs& a, double scale, double bias, double mean,
                                        double variance) {
    const double factor = scale / std::sqrt(variance + static_cast<double>(a.epsilon));
    return {factor, bias - mean * factor};
  }
  static std::pair<double, double> line_of(const Operation& op, std::size_t c) {
    const auto value = [&](std::size_t i) { return static_cast<double>(op.constant<float>(i)[c]); };
    return line(op.attrs<Attrs>(), value(1), value(2), value(3), value(4));
  }
  static AxisSplit channels(const Operation& op) {
    return split_at(op.in[0]->shape, *checked_axis(op.attrs<Attrs>().axis, op.in[0]->rank()));
  }
  /// What kernel and reference of integers share.
  struct Quantized {
    BatchNormQuantized params;
    std::vector<std::int32_t> lines;
    bool is_exact = true;  ///< factors and offsets are within their words
  };
  static Quantized quantized_of(const Operation& op) {
    const AxisSplit s = channels(op);
    const Type &x = *op.in[0], &y = *op.out[0];
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    std::vector<std::pair<double, double>> lines;  // of integers to integers
    double largest = 0;
    for (std::size_t c = 0; c < static_cast<std::size_t>(s.size); ++c) {
      const auto [factor, offset] = line_of(op, c);
      const double step = static_cast<double>(y.scale());
      const double slope = factor * static_cast<double>(x.scale()) / step;
      lines.emplace_back(slope, offset / step - slope * x.zero_point() + y.zero_point() + 0.5);
      largest = std::max(largest, std::fabs(slope));
    }
    int exponent = 0;
    (void)std::frexp(largest * 0x1.000001p0, &exponent);  // what rounds up is counted, too
    constexpr int kMostShift = 15;
    Quantized q{.params = {n(s.outer), n(s.size), n(s.inner), std::clamp(exponent + 1, 0, kMostShift)},
                .lines = {}};
    q.is_exact = exponent + 1 <= kMostShift;
    for (const auto& [slope, offset] : lines) {
      q.is_exact &= std::fabs(offset) < 0x1p30;
      const double factor = std::nearbyint(std::ldexp(slope, 32 - q.params.left_shift));
      const auto bits = static_cast<std::uint64_t>(
          static_cast<std::int64_t>(std::nearbyint(std::clamp(offset, -0x1p30, 0x1p30) * 0x1p32)));
      q.lines.push_back(static_cast<std::int32_t>(std::clamp(factor, -0x1p31, 0x1.fffffffcp30)));
      q.lines.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits)));
      q.lines.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 32)));
    }
    return q;
  }
  template <class T>
  static void reference_of(const Operation& op, std::span<const T> x, std::span<T> y) {
    const Quantized q = quantized_of(op);
    const AxisSplit s = channels(op);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = 3 * (i / static_cast<std::size_t>(s.inner) % static_cast<std::size_t>(s.size));
      y[i] = line_output<T>(q.params, x[i], q.lines[c], q.lines[c + 1], q.lines[c + 2]);
    }
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    if (op.in[0]->dtype == DType::i8)
      return reference_of<std::int8_t>(op, in[0].as<std::int8_t>(), out[0].as<std::int8_t>());
    if (op.in[0]->dtype == DType::i16)
      return reference_of<std::int16_t>(op, in[0].as<std::int16_t>(), out[0].as<std::int16_t>());
    const auto& a = op.attrs<Attrs>();
    const AxisSplit s = channels(op);
    const Elements x(in[0]), scale(in[1]), bias(in[2]), mean(in[3]), variance(in[4]), y(out[0]);
    for (std::int64_t i = 0; i < in[0].type->elements(); ++i) {
      const std::int64_t c = i / s.inner % s.size;
      const auto [factor, offset] = line(a, scale.get(c), bias.get(c), mean.get(c), variance.get(c));
      y.put(i, x.get(i) * factor + offset);
    }
  }
  static std::int64_t macs(const Operation& op) { return op.in[0]->elements(); }

  static bool is_known(const Operation& op) {
    return op.is_constant(1) && op.is_constant(2) && op.is_constant(3) && op.is_constant(4);
  }
  static Lowered call(const Operation& op, std::string function) {
    const AxisSplit s = channels(op);
    Lowered l{.function = std::move(function), .params_type = "BatchNorm"};
    l.params = {{"outer", std::to_string(s.outer)},
                {"channels", std::to_string(s.size)},
                {"inner", std::to_string(s.inner)},
                {"epsilon", float_literal(op.attrs<Attrs>().epsilon)}};
    l.in_place = {{0, 0}};
    return l;
  }
  static Lowered lower_known(const Operation& op, const Core&) {
    Lowered l = call(op, "batch_norm");
    std::vector<float> factors, offsets;
    for (std::size_t c = 0; c < op.constant<float>(1).size(); ++c) {
      const auto [factor, offset] = line_of(op, c);
      factors.push_back(static_cast<float>(factor));
      offsets.push_back(static_cast<float>(offset));
    }
    l.constants = {{"factor", DType::f32, to_bytes(factors)}, {"offset", DType::f32, to_bytes(offsets)}};
    l.arguments = {input_arg(0), constant_arg(0), constant_arg(1), output_arg(0)};
    return l;
  }
  static Lowered lower_running(const Operation& op, const Core&) {
    Lowered l = call(op, "batch_norm_running");
    l.arguments = {input_arg(0), input_arg(1), input_arg(2), input_arg(3), input_arg(4), output_arg(0)};
    return l;
  }
  static Lowered lower_quantized(const Operation& op, const Core&) {
    const Quantized q = quantized_of(op);
    Lowered l{.function = "batch_norm_quantized<" + std::string(dtype_c_name(op.in[0]->dtype)) + ">",
              .params_type = "BatchNormQuantized"};
    l.params = {{"outer", std::to_string(q.params.outer)},
                {"channels", std::to_string(q.params.channels)},
                {"inner", std::to_string(q.params.inner)},
                {"left_shift", std::to_string(q.params.left_shift)}};
    l.constants = {{"lines", DType::i32, to_bytes(q.lines), "by channel: factor, offset in two words"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    const auto is_real = [](const Operation& op) { return is_float(op.in[0]->dtype); };
    return {{"batch_norm", "batch_norm/batch_norm.h",
             [=](const Operation& op, const Core&) { return is_real(op) && is_known(op); }, lower_known},
            {"batch_norm_running", "batch_norm/batch_norm.h",
             [=](const Operation& op, const Core&) { return is_real(op); }, lower_running},
            {"batch_norm_quantized", "batch_norm/batch_norm_quantized.h",
             [=](const Operation& op, const Core&) {
               return !is_real(op) && op.out[0]->is_quantized() && quantized_of(op).is_exact;
             },
             lower_quantized}};
  }
  static std::vector<Sample> samples() {
    return {
        {"f32[2,3,4]; const f32[4]; const f32[4]; const f32[4]; const f32[4]", "epsilon=20"},
        {"f32[2,3,4]; f32[3]; f32[3]; f32[3]; f32[3]", "axis=1, epsilon=20"},
        {"i8[2,3,41] q(0.05,-3); const f32[3]; const f32[3]; const f32[3]; const f32[3]",
         "axis=1, epsilon=20", "i8[2,3,41] q(0.02,7)"},
        {"i8[5,3] q(0.05,100); const f32[3]; const f32[3]; const f32[3]; const f32[3]", "epsilon=20",
         "i8[5,3] q(0.0005,-7)"},
        {"i16[7,4] q(0.0005,0); const f32[4]; const f32[4]; const f32[4]; const f32[4]", "epsilon=20",
         "i16[7,4] q(0.00002,0)"},
        {"i8[2,3]; const f32[3]; const f32[3]; const f32[3]; const f32[3]", "", "", "invalid-model"},
        {"i8[2,3] q(0.1,0); f32[3]; const f32[3]; const f32[3]; const f32[3]", "", "", "unsupported-feature"},
        {"f32[2,3]; f32[2]; f32[3]; f32[3]; f32[3]", "", "", "shape-mismatch"},
        {"f32[3]; f32[3]; f32[3]; f32[3]; f32[3]", "axis=1", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_batch_norm() { return {define<BatchNormBlock>()}; }

}  // namespace nb
