// How scales become fixed-point numbers, with TensorFlow Lite's rounding. For declarations; not for the chip.
#pragma once
#include <cstdint>
#include <vector>

#include "graph/block.h"

namespace nb {

/// real ~ multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0; with one rounding below 2^30 where
/// shift is 0.
struct FixedPoint {
  std::int32_t multiplier = 0;
  int shift = 0;
};

/// Nearest fixed-point number of a non-negative real; below 2^-32 it is 0. To round once a factor below 1
/// has no shift to the right: a result of n steps is then off by at most n / real * 2^-32 of a step.
[[nodiscard]] FixedPoint fixed_point(double real, Rounding rounding = Rounding::twice);

/// One fixed-point factor per output channel: in_scale * weight_scale[o] / out_scale, computed in double. The
/// scales of a matrix with one scale are multiplied in float, though.
struct ChannelFactors {
  std::vector<std::int32_t> multiplier;
  std::vector<std::int8_t> shift;
};
/// Of operands 0 (x) and 1 (w).
[[nodiscard]] ChannelFactors channel_factors(const Operation& op, std::int64_t channels);

/// A fused clamp in the integers of `type`, within its dtype's range.
struct IntRange {
  std::int32_t min, max;
};
[[nodiscard]] IntRange dtype_range(DType dtype);
[[nodiscard]] IntRange clamp_range(const Type& type, float clamp_min, float clamp_max);

/// What a convolution or dense layer makes of its sum of products: bias (operand 2, if any) added, rescaled
/// by channel `o`'s factor, moved to the output's zero point, clamped. Sums of int16 activations with an
/// int64 bias, or none, round once.
[[nodiscard]] std::int32_t rescaled_sum(const Operation& op, std::span<const TensorView> in, std::int64_t sum,
                                        std::size_t o, const ChannelFactors& factors, IntRange range);

/// Whether a layer has int16 activations of zero point 0 on both sides and int8 weights. Its bias is i64, i32
/// or absent, which counts as i64.
[[nodiscard]] bool is_s16_layer(const Operation& op);
/// The type of that bias in C.
[[nodiscard]] std::string s16_bias_type(const Operation& op);

/// The operands of an int8 layer as packing takes them; the bias may be empty.
struct PackingOperands {
  std::span<const std::int8_t> weights;
  std::span<const std::int32_t> bias;
  ChannelFactors factors;
};
/// Of operands 0 (x), 1 (constant w) and 2 (constant b, if any), for that many output channels.
[[nodiscard]] PackingOperands packing_operands(const Operation& op, std::int64_t channels);
/// Whether weights and bias are known when compiling, so that a kernel may pack them.
[[nodiscard]] bool is_packable(const Operation& op);
/// Completes the call of a kernel of the form f(params, in, packed, out, scratch).
[[nodiscard]] Lowered packed_call(Lowered call, const std::vector<std::int8_t>& packed,
                                  std::int64_t scratch_bytes, std::string layout);
/// The bias (constant operand 2) of a float layer; empty if absent.
[[nodiscard]] std::span<const float> bias_f32(const Operation& op);
/// Completes the call of a float kernel of the form f(params, in, packed, out).
[[nodiscard]] Lowered packed_call_f32(Lowered call, const std::vector<float>& packed);

/// Element i's index along the quantized axis of a shape, also of several such tensors one behind the other;
/// 0 if there is none.
[[nodiscard]] std::size_t index_along(const Shape& shape, int axis, std::size_t i);

/// zero + round(real / scale), clamped to the dtype; of the scale and zero point of element i.
[[nodiscard]] std::int32_t quantize_value(const Type& type, float real, std::size_t i = 0);

/// Faults of a quantized operand: null if `type` is a float or is quantized as an integer block needs it.
[[nodiscard]] std::optional<Fault> check_quantized(const Operation& op, std::size_t operand);
/// Faults of a layer's image (operand 0) and weights (operand 1): both are quantized if they are integers,
/// the image with one scale, the weights with one or with one for each index of their axis `channels`.
[[nodiscard]] std::optional<Fault> check_weights(const Operation& op, int channels);

}  // namespace nb
