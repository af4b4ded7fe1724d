// The functions that operator rows name; each translates one operator, or several of one shape.
#pragma once
#include "read/tflite/translate.h"

namespace nb::tflite {

// products.cc
Status conv_2d(Layer& layer);
Status depthwise_conv_2d(Layer& layer);
Status transpose_conv(Layer& layer);
Status fully_connected(Layer& layer);
Status batch_matmul(Layer& layer);
Status max_pool_2d(Layer& layer);
Status average_pool_2d(Layer& layer);
Status l2_pool_2d(Layer& layer);

// elementwise.cc
Status unary(Layer& layer);   ///< the row's block, without attributes
Status binary(Layer& layer);  ///< the row's block on operands 0 and 1, without activation
Status add(Layer& layer);
Status sub(Layer& layer);
Status mul(Layer& layer);
Status div(Layer& layer);
Status add_n(Layer& layer);
Status floor_div(Layer& layer);
Status prelu(Layer& layer);
Status leaky_relu(Layer& layer);
Status elu(Layer& layer);
Status gelu(Layer& layer);
Status relu_n1_to_1(Layer& layer);
Status relu_0_to_1(Layer& layer);
Status softmax(Layer& layer);
Status log_softmax(Layer& layer);
Status l2_normalization(Layer& layer);
Status quantize(Layer& layer);
Status dequantize(Layer& layer);
Status cast(Layer& layer);
Status select(Layer& layer);
Status reduce(Layer& layer);  ///< the row's block over the axes in operand 1
Status arg(Layer& layer);     ///< argmax and argmin
Status cumsum(Layer& layer);

// shape.cc
Status reshape(Layer& layer);
Status squeeze(Layer& layer);
Status expand_dims(Layer& layer);
Status transpose(Layer& layer);
Status concatenation(Layer& layer);
Status pack(Layer& layer);
Status unpack(Layer& layer);
Status split(Layer& layer);
Status split_v(Layer& layer);
Status slice(Layer& layer);
Status dynamic_update_slice(Layer& layer);
Status strided_slice(Layer& layer);
Status reverse_v2(Layer& layer);
Status gather(Layer& layer);
Status gather_nd(Layer& layer);
Status embedding_lookup(Layer& layer);
Status shape(Layer& layer);
Status rank(Layer& layer);

// space.cc
Status pad(Layer& layer);
Status mirror_pad(Layer& layer);
Status broadcast_to(Layer& layer);
Status fill(Layer& layer);
Status zeros_like(Layer& layer);
Status range(Layer& layer);
Status tile(Layer& layer);
Status resize_bilinear(Layer& layer);
Status resize_nearest_neighbor(Layer& layer);
Status space_to_depth(Layer& layer);
Status depth_to_space(Layer& layer);
Status space_to_batch_nd(Layer& layer);
Status batch_to_space_nd(Layer& layer);

// control.cc
Status while_loop(Layer& layer);

// lstm.cc
Status unidirectional_sequence_lstm(Layer& layer);
Status bidirectional_sequence_lstm(Layer& layer);

// rnn.cc
Status unidirectional_sequence_rnn(Layer& layer);
Status bidirectional_sequence_rnn(Layer& layer);

}  // namespace nb::tflite
