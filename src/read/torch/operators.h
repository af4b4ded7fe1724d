// The translators, one an operator or a family of them, by the file that holds them.
#pragma once
#include "read/torch/layer.h"

namespace nb::torch {

// elementwise.cc
void translate_unary(Layer& l);
void translate_rounding(Layer& l);
void translate_exp2(Layer& l);
void translate_log_base(Layer& l);
void translate_erfc(Layer& l);
void translate_gelu(Layer& l);
void translate_elu(Layer& l);
void translate_selu(Layer& l);
void translate_softplus(Layer& l);
void translate_hard_sigmoid(Layer& l);
void translate_shrink(Layer& l);
void translate_tanhshrink(Layer& l);
void translate_threshold(Layer& l);
void translate_glu(Layer& l);
void translate_prelu(Layer& l);
void translate_rrelu(Layer& l);
void translate_add(Layer& l);
void translate_binary(Layer& l);
void translate_real_binary(Layer& l);
void translate_div(Layer& l);
void translate_floor_divide(Layer& l);
void translate_bitwise(Layer& l);
void translate_bitwise_not(Layer& l);
void translate_logical(Layer& l);
void translate_pow(Layer& l);
void translate_xlogy(Layer& l);
void translate_clamp(Layer& l);
void translate_relu6(Layer& l);
void translate_where(Layer& l);
void translate_masked_fill(Layer& l);
void translate_lerp(Layer& l);
void translate_addcmul(Layer& l);
void translate_nan_to_num(Layer& l);
void translate_is_finite(Layer& l);
void translate_to(Layer& l);
void translate_identity(Layer& l);
void translate_dropout(Layer& l);
void translate_copy(Layer& l);
void translate_nothing(Layer& l);

// shape.cc
void translate_view(Layer& l);
void translate_flatten(Layer& l);
void translate_unflatten(Layer& l);
void translate_squeeze(Layer& l);
void translate_unsqueeze(Layer& l);
void translate_permute(Layer& l);
void translate_transpose(Layer& l);
void translate_turned(Layer& l);
void translate_movedim(Layer& l);
void translate_expand(Layer& l);
void translate_repeat(Layer& l);
void translate_repeat_interleave(Layer& l);
void translate_select(Layer& l);
void translate_slice(Layer& l);
void translate_narrow(Layer& l);
void translate_slice_scatter(Layer& l);
void translate_flip(Layer& l);
void translate_roll(Layer& l);
void translate_rot90(Layer& l);
void translate_unfold(Layer& l);
void translate_triangle(Layer& l);
void translate_diagonal(Layer& l);
void translate_diag_embed(Layer& l);
void translate_diag(Layer& l);
void translate_atleast(Layer& l);
void translate_broadcast_tensors(Layer& l);
void translate_meshgrid(Layer& l);

// pieces.cc
void translate_cat(Layer& l);
void translate_stack(Layer& l);
void translate_stack_along(Layer& l);
void translate_split(Layer& l);
void translate_chunk(Layer& l);
void translate_tensor_split(Layer& l);
void translate_unbind(Layer& l);

// create.cc
void translate_arange(Layer& l);
void translate_linspace(Layer& l);
void translate_zeros(Layer& l);
void translate_zeros_like(Layer& l);
void translate_full(Layer& l);
void translate_full_like(Layer& l);
void translate_fill(Layer& l);
void translate_scalar_tensor(Layer& l);
void translate_eye(Layer& l);
void translate_lift(Layer& l);
void translate_random(Layer& l);

// quantized.cc
void translate_quantize_per_tensor(Layer& l);
void translate_quantize_per_channel(Layer& l);
void translate_dequantize_per_tensor(Layer& l);
void translate_dequantize_per_channel(Layer& l);
void translate_choose_qparams(Layer& l);

}  // namespace nb::torch
