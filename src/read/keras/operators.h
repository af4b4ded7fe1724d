// The translators of the Keras reader, one a kind of layer; layers.cc lists which classes they serve.
#pragma once
#include "read/keras/activations.h"
#include "read/keras/layer.h"

namespace nb::keras {

// core.cc
void translate_identity(Layer& l);
void translate_random(Layer& l);
void translate_dense(Layer& l);
void translate_einsum_dense(Layer& l);
void translate_embedding(Layer& l);
void translate_masking(Layer& l);
void translate_rescaling(Layer& l);
void translate_layer_scale(Layer& l);
void translate_normalization(Layer& l);
void translate_discretization(Layer& l);
void translate_category_encoding(Layer& l);

// activations.cc
void translate_activation(Layer& l);
void translate_relu(Layer& l);
void translate_leaky_relu(Layer& l);
void translate_thresholded_relu(Layer& l);
void translate_elu(Layer& l);
void translate_prelu(Layer& l);
void translate_softmax(Layer& l);

// convolution.cc
void translate_conv(Layer& l);
void translate_depthwise_conv(Layer& l);
void translate_separable_conv(Layer& l);
void translate_conv_transpose(Layer& l);

// pool.cc
void translate_pool(Layer& l);
void translate_global_pool(Layer& l);
void translate_adaptive_pool(Layer& l);

// normalize.cc
void translate_batch_normalization(Layer& l);
void translate_layer_normalization(Layer& l);
void translate_rms_normalization(Layer& l);
void translate_group_normalization(Layer& l);
void translate_unit_normalization(Layer& l);

// recurrent.cc
void translate_recurrent(Layer& l);
void translate_bidirectional(Layer& l);

// wrappers.cc
void translate_time_distributed(Layer& l);
void translate_wrapper(Layer& l);

// attention.cc
void translate_multi_head_attention(Layer& l);
void translate_grouped_query_attention(Layer& l);
void translate_attention(Layer& l);

// merge.cc
void translate_merge(Layer& l);
void translate_average(Layer& l);
void translate_concatenate(Layer& l);
void translate_dot(Layer& l);

// shape.cc
void translate_flatten(Layer& l);
void translate_reshape(Layer& l);
void translate_permute(Layer& l);
void translate_repeat_vector(Layer& l);
void translate_zero_padding(Layer& l);
void translate_cropping(Layer& l);
void translate_up_sampling(Layer& l);
void translate_resizing(Layer& l);

// Shared between files.
/// x [..., K] times the kernel [K, units] plus the bias [units], which may be absent; any rank.
[[nodiscard]] ValueId dense(Layer& l, ValueId x, ValueId kernel, ValueId bias);
/// x / its 2-norm along the axes.
[[nodiscard]] ValueId unit_vectors(Layer& l, ValueId x, Ints axes);
/// Images with channels first, as the blocks have them, and back.
[[nodiscard]] ValueId to_channels_last(Layer& l, ValueId x, bool is_last);
[[nodiscard]] ValueId from_channels_last(Layer& l, ValueId x, bool is_last);
/// Refuses a call with training=True: what it then does is random, or changes the model.
void refuse_training(Layer& l);

}  // namespace nb::keras
