#include "read/tflite/operators.h"

#include <array>

namespace nb::tflite {
namespace {

using enum schema::BuiltinOperator;

/// Not an operator of TensorFlow Lite Micro's interpreter.
constexpr bool kNotMicro = false;

// Operator, the block that it becomes, operands that it needs, its translation.
constexpr auto kRows = std::to_array<OperatorRow>({
    {CONV_2D, "conv2d", 2, conv_2d},
    {DEPTHWISE_CONV_2D, "depthwise_conv2d", 2, depthwise_conv_2d},
    {TRANSPOSE_CONV, "conv_transpose2d", 3, transpose_conv},
    {FULLY_CONNECTED, "dense", 2, fully_connected},
    {BATCH_MATMUL, "matmul", 2, batch_matmul},
    {MAX_POOL_2D, "max_pool2d", 1, max_pool_2d},
    {AVERAGE_POOL_2D, "average_pool2d", 1, average_pool_2d},
    {L2_POOL_2D, "average_pool2d", 1, l2_pool_2d},
    {UNIDIRECTIONAL_SEQUENCE_LSTM, "lstm", 9, unidirectional_sequence_lstm},
    {BIDIRECTIONAL_SEQUENCE_LSTM, "lstm", 9, bidirectional_sequence_lstm, kNotMicro},
    {UNIDIRECTIONAL_SEQUENCE_RNN, "rnn", 5, unidirectional_sequence_rnn, kNotMicro},
    {BIDIRECTIONAL_SEQUENCE_RNN, "rnn", 9, bidirectional_sequence_rnn, kNotMicro},

    {ADD, "add", 2, add},
    {SUB, "sub", 2, sub},
    {MUL, "mul", 2, mul},
    {DIV, "div", 2, div},
    {ADD_N, "add", 1, add_n},
    {MINIMUM, "minimum", 2, binary},
    {MAXIMUM, "maximum", 2, binary},
    {POW, "pow", 2, binary, kNotMicro},
    {SQUARED_DIFFERENCE, "squared_difference", 2, binary},
    {FLOOR_DIV, "div", 2, floor_div},
    {FLOOR_MOD, "mod", 2, binary},
    {EQUAL, "equal", 2, binary},
    {NOT_EQUAL, "not_equal", 2, binary},
    {LESS, "less", 2, binary},
    {LESS_EQUAL, "less_equal", 2, binary},
    {GREATER, "greater", 2, binary},
    {GREATER_EQUAL, "greater_equal", 2, binary},
    {LOGICAL_AND, "logical_and", 2, binary},
    {LOGICAL_OR, "logical_or", 2, binary},
    {BITWISE_XOR, "bitwise_xor", 2, binary, kNotMicro},
    {RIGHT_SHIFT, "shift_right", 2, binary, kNotMicro},
    {ATAN2, "atan2", 2, binary, kNotMicro},
    {PRELU, "prelu", 2, prelu},

    {RELU, "relu", 1, unary},
    {RELU6, "relu6", 1, unary},
    {RELU_N1_TO_1, "clip", 1, relu_n1_to_1, kNotMicro},
    {RELU_0_TO_1, "clip", 1, relu_0_to_1, kNotMicro},
    {LEAKY_RELU, "leaky_relu", 1, leaky_relu},
    {ELU, "elu", 1, elu},
    {LOGISTIC, "sigmoid", 1, unary},
    {TANH, "tanh", 1, unary},
    {HARD_SWISH, "hard_swish", 1, unary},
    {GELU, "gelu", 1, gelu, kNotMicro},
    {EXP, "exp", 1, unary},
    {LOG, "log", 1, unary},
    {SQRT, "sqrt", 1, unary},
    {RSQRT, "rsqrt", 1, unary},
    {SIN, "sin", 1, unary},
    {COS, "cos", 1, unary},
    {ABS, "abs", 1, unary},
    {NEG, "neg", 1, unary},
    {SQUARE, "square", 1, unary},
    {FLOOR, "floor", 1, unary},
    {CEIL, "ceil", 1, unary},
    {ROUND, "round", 1, unary},
    {SIGN, "sign", 1, unary, kNotMicro},
    {LOGICAL_NOT, "logical_not", 1, unary},
    {SOFTMAX, "softmax", 1, softmax},
    {LOG_SOFTMAX, "log_softmax", 1, log_softmax},
    {L2_NORMALIZATION, "reduce_sum_square", 1, l2_normalization},
    {QUANTIZE, "quantize", 1, quantize},
    {DEQUANTIZE, "dequantize", 1, dequantize},
    {CAST, "cast", 1, cast},
    {SELECT, "where", 3, select, kNotMicro},
    {SELECT_V2, "where", 3, select},

    {MEAN, "reduce_mean", 2, reduce},
    {SUM, "reduce_sum", 2, reduce},
    {REDUCE_MAX, "reduce_max", 2, reduce},
    {REDUCE_MIN, "reduce_min", 2, reduce},
    {REDUCE_PROD, "reduce_prod", 2, reduce, kNotMicro},
    {REDUCE_ANY, "reduce_any", 2, reduce, kNotMicro},
    {REDUCE_ALL, "reduce_all", 2, reduce},
    {ARG_MAX, "argmax", 2, arg},
    {ARG_MIN, "argmin", 2, arg},
    {CUMSUM, "cumsum", 2, cumsum},

    {RESHAPE, "reshape", 1, reshape},
    {SQUEEZE, "reshape", 1, squeeze},
    {EXPAND_DIMS, "reshape", 2, expand_dims},
    {TRANSPOSE, "transpose", 2, transpose},
    {CONCATENATION, "concat", 1, concatenation},
    {PACK, "concat", 1, pack},
    {UNPACK, "split", 1, unpack},
    {SPLIT, "split", 2, split},
    {SPLIT_V, "split", 3, split_v},
    {SLICE, "slice", 3, slice},
    {DYNAMIC_UPDATE_SLICE, "slice", 3, dynamic_update_slice},
    {STRIDED_SLICE, "slice", 4, strided_slice},
    {REVERSE_V2, "slice", 2, reverse_v2},
    {GATHER, "gather", 2, gather},
    {GATHER_ND, "gather", 2, gather_nd},
    {EMBEDDING_LOOKUP, "gather", 2, embedding_lookup},
    {SHAPE, "reshape", 1, shape},
    {RANK, "reshape", 1, rank, kNotMicro},

    {PAD, "pad", 2, pad},
    {PADV2, "pad", 3, pad},
    {MIRROR_PAD, "pad", 2, mirror_pad},
    {BROADCAST_TO, "expand", 2, broadcast_to},
    {FILL, "expand", 2, fill},
    {ZEROS_LIKE, "expand", 1, zeros_like},
    {RANGE, "expand", 3, range, kNotMicro},
    {TILE, "expand", 2, tile, kNotMicro},
    {RESIZE_BILINEAR, "resize", 2, resize_bilinear},
    {RESIZE_NEAREST_NEIGHBOR, "resize", 2, resize_nearest_neighbor},
    {SPACE_TO_DEPTH, "transpose", 1, space_to_depth},
    {DEPTH_TO_SPACE, "transpose", 1, depth_to_space},
    {SPACE_TO_BATCH_ND, "transpose", 3, space_to_batch_nd},
    {BATCH_TO_SPACE_ND, "transpose", 3, batch_to_space_nd},

    {WHILE, "reshape", 0, while_loop},
});

}  // namespace

std::span<const OperatorRow> operator_rows() { return kRows; }

}  // namespace nb::tflite
