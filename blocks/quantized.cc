#include "blocks/quantized.h"

#include "blocks/core/requantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nb {

FixedPoint fixed_point(double real, Rounding rounding) {
  if (!(real > 0)) return {};
  constexpr FixedPoint kLargest = {std::numeric_limits<std::int32_t>::max(), 30};
  if (!(real < 0x1p30)) return kLargest;
  if (rounding == Rounding::once && real < 0.5)
    return {static_cast<std::int32_t>(std::round(real * 2147483648.0)), 0};
  FixedPoint result;
  const double fraction = std::frexp(real, &result.shift);
  auto mantissa = static_cast<std::int64_t>(std::round(fraction * 2147483648.0));
  if (mantissa == (std::int64_t{1} << 31)) {
    mantissa /= 2;
    ++result.shift;
  }
  if (result.shift < -31) return {};
  if (result.shift > 30) return kLargest;
  result.multiplier = static_cast<std::int32_t>(mantissa);
  return result;
}

ChannelFactors channel_factors(const Operation& op, std::int64_t channels) {
  const Type &in = *op.in[0], &weights = *op.in[1], &out = *op.out[0];
  ChannelFactors factors;
  const auto& scales = weights.quantization->scales;
  for (std::int64_t o = 0; o < channels; ++o) {
    const float weight_scale = scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(o)];
    const bool is_one_of_matrix = scales.size() == 1 && weights.rank() == 2;
    const double product = is_one_of_matrix
                               ? static_cast<double>(in.scale() * weight_scale)
                               : static_cast<double>(in.scale()) * static_cast<double>(weight_scale);
    const FixedPoint f = fixed_point(product / static_cast<double>(out.scale()), op.rounding);
    factors.multiplier.push_back(f.multiplier);
    factors.shift.push_back(static_cast<std::int8_t>(f.shift));
  }
  return factors;
}

std::int32_t rescaled_sum(const Operation& op, std::span<const TensorView> in, std::int64_t sum,
                          std::size_t o, const ChannelFactors& factors, IntRange range) {
  const bool is_wide = op.in[0]->dtype == DType::i16 && !(op.has(2) && op.in[2]->dtype == DType::i32);
  if (op.has(2)) sum += is_wide ? in[2].as<std::int64_t>()[o] : in[2].as<std::int32_t>()[o];
  const std::int32_t scaled =
      is_wide ? rescale64(sum, factors.multiplier[o], factors.shift[o])
              : rescale(static_cast<std::int32_t>(sum), factors.multiplier[o], factors.shift[o]);
  return std::clamp(scaled + op.out[0]->zero_point(), range.min, range.max);
}

bool is_s16_layer(const Operation& op) {
  return op.in[0]->dtype == DType::i16 && op.in[1]->dtype == DType::i8 && op.in[0]->zero_point() == 0 &&
         op.out[0]->zero_point() == 0 && op.in[1]->quantization->zero_points[0] == 0;
}

std::string s16_bias_type(const Operation& op) {
  return op.has(2) && op.in[2]->dtype == DType::i32 ? "int32_t" : "int64_t";
}

PackingOperands packing_operands(const Operation& op, std::int64_t channels) {
  PackingOperands operands{op.constant<std::int8_t>(1), {}, channel_factors(op, channels)};
  if (op.has(2)) operands.bias = op.constant<std::int32_t>(2);
  return operands;
}

bool is_packable(const Operation& op) { return op.is_constant(1) && (!op.has(2) || op.is_constant(2)); }

Lowered packed_call(Lowered call, const std::vector<std::int8_t>& packed, std::int64_t scratch_bytes,
                    std::string layout) {
  call.constants = {{"packed", DType::i8, to_bytes(packed), std::move(layout)}};
  call.scratch_bytes = scratch_bytes;
  call.arguments = {input_arg(0), constant_arg(0), output_arg(0),
                    scratch_bytes > 0 ? scratch_arg("int8_t") : literal_arg("nullptr")};
  return call;
}

std::span<const float> bias_f32(const Operation& op) {
  return op.has(2) ? op.constant<float>(2) : std::span<const float>{};
}

Lowered packed_call_f32(Lowered call, const std::vector<float>& packed) {
  call.constants = {{"packed", DType::f32, to_bytes(packed), "biases and weights in the order of use"}};
  call.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
  return call;
}

IntRange dtype_range(DType dtype) {
  switch (dtype) {
    case DType::i8:
      return {-128, 127};
    case DType::u8:
      return {0, 255};
    case DType::i16:
      return {-32768, 32767};
    case DType::u16:
      return {0, 65535};
    default:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  }
}

std::size_t index_along(const Shape& shape, int axis, std::size_t i) {
  if (axis < 0) return 0;
  const auto at = static_cast<std::size_t>(axis);
  const auto inner = static_cast<std::size_t>(element_count(std::span(shape).subspan(at + 1)));
  return i / inner % static_cast<std::size_t>(shape[at]);
}

std::int32_t quantize_value(const Type& type, float real, std::size_t i) {
  const IntRange range = dtype_range(type.dtype);
  const std::size_t c = index_along(type.shape, type.quantization->axis, i);
  const double q = static_cast<double>(std::round(real / type.quantization->scales[c])) +
                   type.quantization->zero_points[c];
  return static_cast<std::int32_t>(
      std::clamp(q, static_cast<double>(range.min), static_cast<double>(range.max)));
}

IntRange clamp_range(const Type& type, float clamp_min, float clamp_max) {
  IntRange range = dtype_range(type.dtype);
  if (!std::isinf(clamp_min)) range.min = std::max(range.min, quantize_value(type, clamp_min));
  if (!std::isinf(clamp_max)) range.max = std::min(range.max, quantize_value(type, clamp_max));
  return range;
}

std::optional<Fault> check_quantized(const Operation& op, std::size_t operand) {
  const Type& type = *op.in[operand];
  if (is_float(type.dtype) || type.is_quantized()) return std::nullopt;
  return Fault{Kind::invalid_model,
               "operand " + std::to_string(operand) + " of " + op.block->name + " is " + type_text(type) +
                   " without a scale",
               "an integer operand needs its quantization"};
}

std::optional<Fault> check_weights(const Operation& op, int channels) {
  for (const std::size_t i : {0u, 1u})
    if (auto fault = check_quantized(op, i)) return fault;
  // A float's quantization says which integers it may become, not how it is computed.
  if (is_float(op.in[0]->dtype)) return std::nullopt;
  const auto &x = op.in[0]->quantization, &w = op.in[1]->quantization;
  if (x && x->scales.size() > 1)
    return Fault{Kind::unsupported_feature, "an input " + type_text(*op.in[0]) + " with a scale per index"};
  if (w && w->scales.size() > 1 && w->axis != channels)
    return Fault{Kind::unsupported_feature,
                 "weights " + type_text(*op.in[1]) + " with scales along axis " + std::to_string(w->axis) +
                     ", not along their output channels, axis " + std::to_string(channels)};
  return std::nullopt;
}

}  // namespace nb
