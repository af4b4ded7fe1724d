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

}  // namespace nb::torch
