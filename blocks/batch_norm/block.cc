// batch_norm: all there is to know about it.
#include <cmath>

#include "blocks/batch_norm/attributes.h"
#include "blocks/blocks.h"
#include "blocks/elements.h"

namespace nb {
namespace {

struct BatchNormBlock {
  static constexpr std::string_view name = "batch_norm";
  static constexpr std::string_view doc =
      "y = (x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c], c the index along the axis";
  using Attrs = BatchNormAttrs;
  static constexpr auto fields = kBatchNormFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}, Operand{"scale", kFloats},
                                        Operand{"bias", kFloats}, Operand{"mean", kFloats},
                                        Operand{"variance", kFloats}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const auto axis = checked_axis(op.attrs<Attrs>().axis, x.rank());
    if (!axis) return axis.fault();
    for (std::size_t i = 1; i < 5; ++i)
      if (op.in[i]->shape != Shape{x.shape[static_cast<std::size_t>(*axis)]})
        return Fault{Kind::shape_mismatch, "`" + std::string(inputs[i].name) + "` is " +
                                               shape_text(op.in[i]->shape) + " for the channels of " +
                                               type_text(x)};
    return std::vector{Type{x.dtype, x.shape}};
  }
  /// factor and offset of channel c.
  static std::pair<double, double> line(const Attrs& a, double scale, double bias, double mean,
                                        double variance) {
    const double factor = scale / std::sqrt(variance + static_cast<double>(a.epsilon));
    return {factor, bias - mean * factor};
  }
  static AxisSplit channels(const Operation& op) {
    return split_at(op.in[0]->shape, *checked_axis(op.attrs<Attrs>().axis, op.in[0]->rank()));
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
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
      const auto value = [&](std::size_t i) { return static_cast<double>(op.constant<float>(i)[c]); };
      const auto [factor, offset] = line(op.attrs<Attrs>(), value(1), value(2), value(3), value(4));
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
  static std::vector<Kernel> kernels() {
    return {{"batch_norm", "batch_norm/batch_norm.h",
             [](const Operation& op, const Core&) { return is_known(op); }, lower_known},
            {"batch_norm_running", "batch_norm/batch_norm.h",
             [](const Operation&, const Core&) { return true; }, lower_running}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,4]; const f32[4]; const f32[4]; const f32[4]; const f32[4]", "epsilon=20"},
            {"f32[2,3,4]; f32[3]; f32[3]; f32[3]; f32[3]", "axis=1, epsilon=20"},
            {"f32[2,3]; f32[2]; f32[3]; f32[3]; f32[3]", "", "", "shape-mismatch"},
            {"f32[3]; f32[3]; f32[3]; f32[3]; f32[3]", "axis=1", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_batch_norm() { return {define<BatchNormBlock>()}; }

}  // namespace nb
