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
void translate_triangle_indices(Layer& l);
void translate_window(Layer& l);
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
// attention.cc
void translate_attention(Layer& l);
void translate_native_multi_head_attention(Layer& l);
void translate_transformer_encoder_layer(Layer& l);

// conv.cc
void translate_convolution(Layer& l);

// index.cc
void translate_embedding(Layer& l);
void translate_embedding_bag(Layer& l);
void translate_gather(Layer& l);
void translate_take_along_dim(Layer& l);
void translate_take(Layer& l);
void translate_index_select(Layer& l);
void translate_index(Layer& l);
void translate_one_hot(Layer& l);
void translate_searchsorted(Layer& l);
void translate_masked_select(Layer& l);
void translate_nonzero(Layer& l);
void translate_counted(Layer& l);

// layout.cc
void translate_pad(Layer& l);
void translate_pixel_shuffle(Layer& l);
void translate_pixel_unshuffle(Layer& l);
void translate_channel_shuffle(Layer& l);
void translate_im2col(Layer& l);
void translate_col2im(Layer& l);

// matmul.cc
void translate_linear(Layer& l);
void translate_addmm(Layer& l);
void translate_matmul(Layer& l);
void translate_chain_matmul(Layer& l);
void translate_addmv(Layer& l);
void translate_baddbmm(Layer& l);
void translate_outer(Layer& l);
void translate_dot(Layer& l);
void translate_inner(Layer& l);
void translate_einsum(Layer& l);
void translate_bilinear(Layer& l);
void translate_trilinear(Layer& l);
void translate_norm(Layer& l);
void translate_linalg_norm(Layer& l);
void translate_cosine_similarity(Layer& l);
void translate_pairwise_distance(Layer& l);
void translate_cdist(Layer& l);
void translate_weight_norm(Layer& l);

// normalize.cc
void translate_batch_norm(Layer& l);
void translate_instance_norm(Layer& l);
void translate_group_norm(Layer& l);
void translate_layer_norm(Layer& l);

// pool.cc
void translate_max_pool(Layer& l);
void translate_avg_pool(Layer& l);
void translate_adaptive_pool(Layer& l);
void translate_max_unpool(Layer& l);

// recurrent.cc
void translate_recurrent(Layer& l);
void translate_recurrent_cell(Layer& l);

// reduce.cc
void translate_sum(Layer& l);
void translate_extremum(Layer& l);
void translate_max(Layer& l);
void translate_arg_extremum(Layer& l);
void translate_any(Layer& l);
void translate_count_nonzero(Layer& l);
void translate_variance(Layer& l);
void translate_log_sum_exp(Layer& l);
void translate_softmax(Layer& l);
void translate_running(Layer& l);
void translate_sort(Layer& l);
void translate_top_k(Layer& l);
void translate_median(Layer& l);
void translate_diff(Layer& l);

// resize.cc
void translate_upsample(Layer& l);
void translate_grid_sampler(Layer& l);
void translate_affine_grid(Layer& l);

// scatter.cc
void translate_scatter(Layer& l);
void translate_index_write(Layer& l);
void translate_index_put(Layer& l);

}  // namespace nb::torch
