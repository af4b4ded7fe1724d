// softmax and log_softmax: all there is to know about them. The kernels' headers lie beside.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"
#include "blocks/softmax/attributes.h"
#include "blocks/softmax/softmax_s8.h"

namespace nb {
namespace {

AxisSplit split_of(const Operation& op) {
  return split_at(op.in[0]->shape, *checked_axis(op.attrs<SoftmaxAttrs>().axis, op.in[0]->rank()));
}

/// beta * scale in units of 2^-26: five integer bits.
FixedPoint input_factor(const Operation& op) {
  const double beta = op.attrs<SoftmaxAttrs>().beta, scale = op.in[0]->scale();
  return fixed_point(std::min(beta * scale * (1 << 26), 2147483647.0));
}

SoftmaxS8 s8_params(const Operation& op) {
  const AxisSplit s = split_of(op);
  const FixedPoint f = input_factor(op);
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  const std::int64_t radius = (std::int64_t{31} << 26) >> f.shift;
  return {n(s.outer), n(s.size), n(s.inner), f.multiplier, f.shift, n(-radius)};
}

Checked<std::vector<Type>> infer(const Operation& op) {
  const auto& a = op.attrs<SoftmaxAttrs>();
  const Type& x = *op.in[0];
  const auto axis = checked_axis(a.axis, x.rank());
  if (!axis) return axis.fault();
  if (!(a.beta > 0) || std::isinf(a.beta))
    return Fault{Kind::attribute_out_of_range, "beta is " + std::to_string(a.beta) + ", not positive"};
  if (is_float(x.dtype)) return std::vector{Type{x.dtype, x.shape}};
  if (auto fault = check_quantized(op, 0)) return *fault;
  if (x.quantization->is_per_axis())
    return Fault{Kind::unsupported_feature,
                 op.block->name + " of " + type_text(x) + " with a scale per index"};
  if (split_of(op).size > 8191)
    return Fault{Kind::limit_exceeded, op.block->name + " along " + std::to_string(split_of(op).size) +
                                           " int8 elements, at most 8191"};
  const FixedPoint f = input_factor(op);
  if (f.multiplier == 0 || f.shift < 0)
    return Fault{Kind::unsupported_feature, op.block->name + " of a scale below 2^-27"};
  return std::vector{Type{x.dtype, x.shape, Quantization{{1.0f / 256}, {-128}}}};
}

/// Calls f(offset of element i of a row as a function of i, row size) for each row.
template <class F>
void each_row(const Operation& op, F f) {
  const AxisSplit s = split_of(op);
  for (std::int64_t n = 0; n < s.outer; ++n)
    for (std::int64_t j = 0; j < s.inner; ++j)
      f([&](std::int64_t i) { return (n * s.size + i) * s.inner + j; }, s.size);
}

void reference_f32(bool is_log, const Operation& op, std::span<const TensorView> in,
                   std::span<const TensorView> out) {
  const auto x = in[0].as<float>();
  const auto y = out[0].as<float>();
  const double beta = op.attrs<SoftmaxAttrs>().beta;
  each_row(op, [&](auto at, std::int64_t size) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max(largest, static_cast<double>(x[at(i)]));
    for (std::int64_t i = 0; i < size; ++i) sum += std::exp(beta * (x[at(i)] - largest));
    for (std::int64_t i = 0; i < size; ++i) {
      const double power = beta * (x[at(i)] - largest);
      y[at(i)] = static_cast<float>(is_log ? power - std::log(sum) : std::exp(power) / sum);
    }
  });
}

void reference_s8(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  const auto x = in[0].as<std::int8_t>();
  const auto y = out[0].as<std::int8_t>();
  const SoftmaxS8 p = s8_params(op);
  each_row(op, [&](auto at, std::int64_t size) {
    std::int32_t largest = -128;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max<std::int32_t>(largest, x[at(i)]);
    std::uint32_t sum = 0;
    for (std::int64_t i = 0; i < size; ++i)
      sum += static_cast<std::uint32_t>(divide_by_power_of_two(softmax_power(p, x[at(i)] - largest), 12));
    for (std::int64_t i = 0; i < size; ++i)
      y[at(i)] = softmax_quotient(softmax_scale(sum), softmax_power(p, x[at(i)] - largest));
  });
}

Lowered lower_f32(bool is_log, const Operation& op) {
  const AxisSplit s = split_of(op);
  Lowered l{.function = is_log ? "log_softmax_f32" : "softmax_f32", .params_type = "SoftmaxF32"};
  l.params = {{"outer", std::to_string(s.outer)},
              {"size", std::to_string(s.size)},
              {"inner", std::to_string(s.inner)},
              {"beta", float_literal(op.attrs<SoftmaxAttrs>().beta)}};
  l.arguments = {input_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_s8(const Operation& op, const Core&) {
  const SoftmaxS8 p = s8_params(op);
  Lowered l{.function = "softmax_s8", .params_type = "SoftmaxS8"};
  l.params = {{"outer", std::to_string(p.outer)}, {"size", std::to_string(p.size)},
              {"inner", std::to_string(p.inner)}, {"multiplier", std::to_string(p.multiplier)},
              {"shift", std::to_string(p.shift)}, {"least_difference", std::to_string(p.least_difference)}};
  l.arguments = {input_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Block block_of(bool is_log) {
  const DTypeSet dtypes = is_log ? kFloats : kFloats | DTypeSet{DType::i8};
  Block block;
  block.name = is_log ? "log_softmax" : "softmax";
  block.doc = is_log ? "y = beta * x - log(sum along the axis of exp(beta * x))"
                     : "y = exp(beta * x) / sum along the axis of exp(beta * x)";
  block.inputs = {Operand{"x", dtypes}};
  block.outputs = {Operand{"y", dtypes}};
  block.attributes = attribute_ops<SoftmaxAttrs>(kSoftmaxFields);
  block.infer = infer;
  block.reference = [is_log](const Operation& op, std::span<const TensorView> in,
                             std::span<const TensorView> out) {
    if (op.in[0]->dtype == DType::f32)
      reference_f32(is_log, op, in, out);
    else
      reference_s8(op, in, out);
  };
  block.macs = no_macs;
  block.kernels = {{is_log ? "log_softmax_f32" : "softmax_f32", "softmax/softmax_f32.h",
                    [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; },
                    [is_log](const Operation& op, const Core&) { return lower_f32(is_log, op); }}};
  block.samples = {{"f32[3,10]"},
                   {"f32[2,5,3]", "axis=1, beta=0.5"},
                   {"f32[4]", "axis=0"},
                   {"f32[3,4]", "axis=2", "", "attribute-out-of-range"},
                   {"f32[3,4]", "beta=0", "", "attribute-out-of-range"}};
  if (is_log) return block;
  block.kernels.push_back({"softmax_s8", "softmax/softmax_s8.h",
                           [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::i8; },
                           lower_s8});
  block.samples.push_back({"i8[2,12] q(0.1, 5)"});
  block.samples.push_back({"i8[1,1000] q(0.02, 0)"});
  block.samples.push_back({"i8[2,5,3] q(20, -3)", "axis=1, beta=2"});
  return block;
}

}  // namespace

std::vector<Block> blocks_of_softmax() { return {block_of(false), block_of(true)}; }

}  // namespace nb
