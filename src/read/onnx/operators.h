// The translators, one an operator or a family of them, by the file that holds them.
#pragma once
#include "read/onnx/layer.h"

namespace nb::onnx {

// attention.cc
void translate_attention(Layer& l);
void translate_flex_attention(Layer& l);
void translate_rotary_embedding(Layer& l);
void translate_linear_attention(Layer& l);
void translate_causal_conv_with_state(Layer& l);
void translate_tensor_scatter(Layer& l);
void translate_reverse_sequence(Layer& l);

// control.cc
void translate_if(Layer& l);
void translate_loop(Layer& l);
void translate_scan(Layer& l);

// conv.cc
void translate_conv(Layer& l);
void translate_conv_transpose(Layer& l);

// elementwise.cc
void translate_unary(Layer& l);
void translate_gelu(Layer& l);
void translate_is_inf(Layer& l);
void translate_binary(Layer& l);
void translate_prelu(Layer& l);
void translate_pow(Layer& l);
void translate_mod(Layer& l);
void translate_bit_shift(Layer& l);
void translate_variadic(Layer& l);
void translate_clip(Layer& l);
void translate_where(Layer& l);
void translate_cast(Layer& l);
void translate_cast_like(Layer& l);
void translate_bit_cast(Layer& l);
void translate_identity(Layer& l);
void translate_dropout(Layer& l);
void translate_binarizer(Layer& l);
void translate_swiglu(Layer& l);

// index.cc
void translate_gather(Layer& l);
void translate_array_feature_extractor(Layer& l);
void translate_gather_elements(Layer& l);
void translate_gather_nd(Layer& l);
void translate_compress(Layer& l);
void translate_non_zero(Layer& l);
void translate_one_hot(Layer& l);
void translate_trilu(Layer& l);
void translate_scatter(Layer& l);
void translate_range(Layer& l);
void translate_eye_like(Layer& l);
void translate_window_function(Layer& l);
void translate_mel_weight_matrix(Layer& l);

// loss.cc
void translate_negative_log_likelihood_loss(Layer& l);
void translate_softmax_cross_entropy_loss(Layer& l);

// matmul.cc
void translate_einsum(Layer& l);
void translate_matmul(Layer& l);
void translate_gemm(Layer& l);

// normalize.cc
void translate_batch_normalization(Layer& l);
void translate_instance_normalization(Layer& l);
void translate_group_normalization(Layer& l);
void translate_layer_normalization(Layer& l);
void translate_rms_normalization(Layer& l);
void translate_mean_variance_normalization(Layer& l);
void translate_lp_normalization(Layer& l);
void translate_lrn(Layer& l);

// pool.cc
void translate_max_pool(Layer& l);
void translate_max_unpool(Layer& l);
void translate_average_pool(Layer& l);
void translate_lp_pool(Layer& l);
void translate_global_pool(Layer& l);

// quantized.cc
void translate_quantize_linear(Layer& l);
void translate_dequantize_linear(Layer& l);
void translate_dynamic_quantize_linear(Layer& l);
void translate_qlinear_conv(Layer& l);
void translate_qlinear_matmul(Layer& l);
void translate_qlinear_binary(Layer& l);
void translate_qlinear_unary(Layer& l);
void translate_qlinear_pool(Layer& l);
void translate_qlinear_softmax(Layer& l);
void translate_qlinear_concat(Layer& l);
void translate_qgemm(Layer& l);
void translate_conv_integer(Layer& l);
void translate_matmul_integer(Layer& l);

// reduce.cc
void translate_reduce(Layer& l);
void translate_softmax(Layer& l);
void translate_hardmax(Layer& l);
void translate_arg_extremum(Layer& l);
void translate_running(Layer& l);
void translate_top_k(Layer& l);

// resize.cc
void translate_upsample(Layer& l);
void translate_resize(Layer& l);

// rnn.cc
void translate_lstm(Layer& l);
void translate_gru(Layer& l);
void translate_rnn(Layer& l);

// sampling.cc
void translate_affine_grid(Layer& l);
void translate_grid_sample(Layer& l);
void translate_roi_align(Layer& l);
void translate_deform_conv(Layer& l);
void translate_col2im(Layer& l);
void translate_det(Layer& l);

// signal.cc
void translate_dft(Layer& l);
void translate_stft(Layer& l);

// trees.cc
void translate_tree_ensemble(Layer& l);
void translate_tf_idf_vectorizer(Layer& l);

// shape.cc
void translate_reshape(Layer& l);
void translate_flatten(Layer& l);
void translate_squeeze(Layer& l);
void translate_unsqueeze(Layer& l);
void translate_transpose(Layer& l);
void translate_concat(Layer& l);
void translate_split(Layer& l);
void translate_slice(Layer& l);
void translate_expand(Layer& l);
void translate_tile(Layer& l);
void translate_pad(Layer& l);
void translate_depth_to_space(Layer& l);
void translate_space_to_depth(Layer& l);
void translate_shape(Layer& l);
void translate_size(Layer& l);
void translate_constant_of_shape(Layer& l);
void translate_constant(Layer& l);
void translate_center_crop_pad(Layer& l);

// Shared between files.
/// The convolution that a Conv layer's attributes describe, channels first; the bias may be absent.
[[nodiscard]] ValueId convolve(Layer& l, ValueId x, ValueId w, ValueId b);

}  // namespace nb::onnx
