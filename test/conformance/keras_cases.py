"""Keras layers with their attributes, as cases of keras_layers.py: each a name, its inputs, and what is called on them.

A case is `case(name, build, *inputs)`; an input is a shape without the batch, or (shape, low, high) for integers in
[low, high). `build` gets one symbolic tensor an input and gives one or several.
"""

import keras
import numpy as np
from keras import layers as L
from keras import ops

CASES = []
IMAGE, SEQUENCE, VECTOR = (9, 8, 6), (7, 6), (10,)


def case(name, build, *inputs):
    assert name not in {n for n, _, _ in CASES}, name
    CASES.append((name, build, inputs))


def each(prefix, shape, **layers):
    for name, layer in layers.items():
        case(f"{prefix}_{name}", layer, shape)


# --- dense and activations ---
each("dense", VECTOR, plain=L.Dense(5), no_bias=L.Dense(5, use_bias=False), relu=L.Dense(4, activation="relu"),
     layer=L.Dense(4, activation=L.LeakyReLU(negative_slope=0.07)))
each("dense_rank", (4, 3, 5), three=L.Dense(6, activation="tanh"))
for function in ("celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear "
                 "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign "
                 "sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink").split():
    case(f"activation_{function}", L.Activation(function), (3, 8))
each("act", (5, 6), relu=L.ReLU(), relu_max=L.ReLU(max_value=1.5), relu6=L.ReLU(6.0), relu_slope=L.ReLU(negative_slope=0.2),
     relu_all=L.ReLU(max_value=1.2, negative_slope=0.3, threshold=0.4), leaky=L.LeakyReLU(negative_slope=0.11),
     elu=L.ELU(alpha=0.7), prelu=L.PReLU(), prelu_shared=L.PReLU(shared_axes=[1]), softmax=L.Softmax(),
     softmax_axis=L.Softmax(axis=1), softmax_two=L.Softmax(axis=[1, 2]))
case("softmax_mask", lambda x, m: L.Softmax()(x, mask=m > 0), (5, 6), (5, 6))
case("gelu_approximate", lambda x: L.Dense(4, activation=None)(keras.ops.gelu(x, approximate=True)), VECTOR)

# --- convolutions ---
each("conv1d", SEQUENCE, valid=L.Conv1D(5, 3), same=L.Conv1D(5, 4, padding="same"), causal=L.Conv1D(4, 3, padding="causal"),
     stride=L.Conv1D(4, 3, strides=2, padding="same"), dilated=L.Conv1D(4, 2, dilation_rate=3, padding="causal"),
     groups=L.Conv1D(4, 3, groups=2), depth=L.Conv1D(12, 3, groups=6, activation="relu"), no_bias=L.Conv1D(4, 2, use_bias=False))
each("conv2d", IMAGE, valid=L.Conv2D(5, 3), same=L.Conv2D(5, (3, 4), padding="same"), one=L.Conv2D(7, 1, activation="relu6"),
     stride=L.Conv2D(4, (3, 2), strides=(2, 3), padding="same"), dilated=L.Conv2D(4, 3, dilation_rate=(2, 1), padding="same"),
     groups=L.Conv2D(8, 3, groups=2), depth=L.Conv2D(6, 3, groups=6), softmax=L.Conv2D(4, 2, activation="softmax"))
case("conv2d_first", lambda x: L.Conv2D(5, 3, data_format="channels_last", padding="same")(L.Permute((2, 3, 1))(x)), (6, 9, 8))
each("depthwise", IMAGE, plain=L.DepthwiseConv2D(3), two=L.DepthwiseConv2D((2, 3), depth_multiplier=2, padding="same"),
     stride=L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False), dilated=L.DepthwiseConv2D(2, dilation_rate=2))
each("depthwise1d", SEQUENCE, plain=L.DepthwiseConv1D(3), two=L.DepthwiseConv1D(2, depth_multiplier=2, padding="same", activation="relu"))
each("separable", IMAGE, plain=L.SeparableConv2D(5, 3), two=L.SeparableConv2D(4, (3, 2), depth_multiplier=2, padding="same"),
     stride=L.SeparableConv2D(4, 3, strides=2, padding="same", use_bias=False))
each("separable1d", SEQUENCE, plain=L.SeparableConv1D(5, 3), same=L.SeparableConv1D(4, 3, padding="same", activation="tanh"),
     dilated=L.SeparableConv1D(4, 2, dilation_rate=2, depth_multiplier=3))
each("transposed", (5, 4, 3), valid=L.Conv2DTranspose(4, 3), same=L.Conv2DTranspose(4, 3, strides=2, padding="same"),
     even=L.Conv2DTranspose(4, (4, 2), strides=(2, 3), padding="same", activation="relu"), wide=L.Conv2DTranspose(3, 2, strides=3),
     padding=L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1),
     padding_valid=L.Conv2DTranspose(4, 3, strides=2, output_padding=(1, 0), use_bias=False))
each("transposed1d", SEQUENCE, valid=L.Conv1DTranspose(4, 3, strides=2), same=L.Conv1DTranspose(4, 3, strides=3, padding="same"),
     padding=L.Conv1DTranspose(4, 3, strides=2, padding="same", output_padding=0))

# --- pools ---
each("pool", IMAGE, max=L.MaxPooling2D(), max_same=L.MaxPooling2D(3, padding="same"), max_stride=L.MaxPooling2D((3, 2), strides=(1, 2)),
     average=L.AveragePooling2D(2), average_same=L.AveragePooling2D(3, strides=2, padding="same"),
     global_max=L.GlobalMaxPooling2D(), global_average=L.GlobalAveragePooling2D(), global_keep=L.GlobalAveragePooling2D(keepdims=True),
     adaptive=L.AdaptiveAveragePooling2D((4, 3)), adaptive_max=L.AdaptiveMaxPooling2D((3, 4)))
each("pool1d", SEQUENCE, max=L.MaxPooling1D(3, strides=1, padding="same"), average=L.AveragePooling1D(2),
     global_max=L.GlobalMaxPooling1D(), global_average=L.GlobalAveragePooling1D(keepdims=True),
     adaptive=L.AdaptiveAveragePooling1D(3), adaptive_max=L.AdaptiveMaxPooling1D(4))

# --- normalizations ---
each("norm", IMAGE, batch=L.BatchNormalization(), batch_axis=L.BatchNormalization(axis=1, epsilon=0.01),
     batch_plain=L.BatchNormalization(scale=False, center=False), batch_scale=L.BatchNormalization(center=False),
     layer=L.LayerNormalization(), layer_axes=L.LayerNormalization(axis=[2, 3], epsilon=0.01), layer_first=L.LayerNormalization(axis=1),
     layer_plain=L.LayerNormalization(center=False, scale=False), layer_center=L.LayerNormalization(scale=False),
     layer_rms=L.LayerNormalization(rms_scaling=True), rms=L.RMSNormalization(), rms_axes=L.RMSNormalization(axis=[1, 2, 3]),
     group=L.GroupNormalization(3), group_axis=L.GroupNormalization(4, axis=2), group_instance=L.GroupNormalization(-1),
     group_plain=L.GroupNormalization(2, center=False, scale=False), unit=L.UnitNormalization(), unit_axes=L.UnitNormalization(axis=[1, 2]))
case("norm_spectral", L.SpectralNormalization(L.Dense(4)), VECTOR)

# --- recurrent layers ---
for kind, Layer in (("lstm", L.LSTM), ("gru", L.GRU), ("rnn", L.SimpleRNN)):
    each(kind, SEQUENCE, last=Layer(5), sequence=Layer(5, return_sequences=True), backwards=Layer(4, go_backwards=True),
         backwards_sequence=Layer(4, go_backwards=True, return_sequences=True), no_bias=Layer(4, use_bias=False),
         state=Layer(4, return_state=True), all=Layer(3, return_state=True, return_sequences=True), unroll=Layer(4, unroll=True),
         relu=Layer(4, activation="relu"), leaky=Layer(4, activation=L.LeakyReLU(negative_slope=0.2)),
         gelu=Layer(4, activation="gelu"), linear=Layer(4, activation=None))
    each(f"{kind}_both", SEQUENCE, concat=L.Bidirectional(Layer(4)), sequence=L.Bidirectional(Layer(4, return_sequences=True)),
         sum=L.Bidirectional(Layer(4, return_sequences=True), merge_mode="sum"), mul=L.Bidirectional(Layer(3), merge_mode="mul"),
         average=L.Bidirectional(Layer(3), merge_mode="ave"), apart=L.Bidirectional(Layer(3, return_sequences=True), merge_mode=None),
         state=L.Bidirectional(Layer(3, return_state=True)), selu=L.Bidirectional(Layer(3, return_sequences=True, activation="selu")),
         other=L.Bidirectional(Layer(3, return_sequences=True), backward_layer=Layer(5, return_sequences=True, go_backwards=True)))
each("gru", SEQUENCE, before=L.GRU(4, reset_after=False), before_sequence=L.GRU(4, reset_after=False, return_sequences=True),
     before_gelu=L.GRU(4, reset_after=False, activation="gelu"), before_no_bias=L.GRU(4, reset_after=False, use_bias=False),
     hard=L.GRU(4, recurrent_activation="hard_sigmoid"))
each("lstm", SEQUENCE, hard=L.LSTM(4, recurrent_activation="hard_sigmoid", activation="softsign"),
     gates=L.LSTM(4, recurrent_activation="gelu", activation="sigmoid"))
case("lstm_initial", lambda x, h, c: L.LSTM(4, return_sequences=True)(x, initial_state=[h, c]), SEQUENCE, (4,), (4,))
case("gru_initial", lambda x, h: L.GRU(4, return_state=True)(x, initial_state=h), SEQUENCE, (4,))
case("lstm_both_initial", lambda x, a, b, c, d: L.Bidirectional(L.LSTM(4))(x, initial_state=[a, b, c, d]),
     SEQUENCE, (4,), (4,), (4,), (4,))
case("seq2seq", lambda x, y: L.LSTM(4, return_sequences=True)(y, initial_state=L.LSTM(4, return_state=True)(x)[1:]),
     SEQUENCE, (5, 3))
each("cells", SEQUENCE, lstm=L.RNN(L.LSTMCell(4)), gru=L.RNN(L.GRUCell(4), return_sequences=True),
     simple=L.RNN(L.SimpleRNNCell(4), return_state=True),
     stacked=L.RNN([L.LSTMCell(4), L.GRUCell(3), L.LSTMCell(5)], return_sequences=True),
     stacked_state=L.RNN([L.GRUCell(4), L.LSTMCell(3)], return_state=True), both=L.Bidirectional(L.RNN(L.LSTMCell(3))))
case("time_dense", L.TimeDistributed(L.Dense(4)), SEQUENCE)
case("time_conv", L.TimeDistributed(L.Conv2D(3, 2)), (3, 5, 4, 2))
case("time_lstm", L.TimeDistributed(L.LSTM(3)), (3, 4, 2))

# --- masks ---
STEPS = ((7,), 0, 4)


def embedded(x):
    return L.Embedding(4, 5, mask_zero=True)(x)


case("mask_lstm", lambda x: L.LSTM(4)(embedded(x)), STEPS)
case("mask_gru_sequence", lambda x: L.GRU(4, return_sequences=True)(embedded(x)), STEPS)
case("mask_zero_output", lambda x: L.LSTM(4, return_sequences=True, zero_output_for_mask=True)(embedded(x)), STEPS)
case("mask_both", lambda x: L.Bidirectional(L.GRU(3, return_sequences=True))(embedded(x)), STEPS)
case("mask_pool", lambda x: L.GlobalAveragePooling1D()(embedded(x)), ((7,), 1, 4))
case("mask_through", lambda x: L.LSTM(3)(L.Dropout(0.5)(L.Dense(4)(L.LayerNormalization()(embedded(x))))), STEPS)
case("mask_masking", lambda x: L.SimpleRNN(4)(L.Masking(mask_value=0.0)(L.ReLU()(x))), (6, 2))
case("mask_attention", lambda x: L.MultiHeadAttention(2, 3)(embedded(x), embedded(x)), STEPS)
case("mask_merge", lambda x, y: L.LSTM(3)(L.Add()([embedded(x), embedded(y)])), STEPS, STEPS)
case("mask_dot_attention", lambda x, y: L.Attention()([embedded(x), embedded(y)]), STEPS, STEPS)

# --- attention ---
QUERY, VALUE = (5, 8), (7, 6)
case("mha_self", lambda x: L.MultiHeadAttention(2, 4)(x, x), QUERY)
case("mha_cross", lambda q, v: L.MultiHeadAttention(3, 4, value_dim=2)(q, v), QUERY, VALUE)
case("mha_key", lambda q, v, k: L.MultiHeadAttention(2, 4, use_bias=False)(q, v, key=k), QUERY, VALUE, (7, 3))
case("mha_causal", lambda x: L.MultiHeadAttention(2, 4, dropout=0.1)(x, x, use_causal_mask=True), QUERY)
case("mha_mask", lambda x, m: L.MultiHeadAttention(2, 4)(x, x, attention_mask=m > -1), QUERY, (5, 5))
case("mha_mask_causal", lambda x, m: L.MultiHeadAttention(2, 4)(x, x, attention_mask=m > -1, use_causal_mask=True), QUERY, (5, 5))
case("mha_scores", lambda x: L.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True, use_causal_mask=True), QUERY)
case("mha_output", lambda x: L.MultiHeadAttention(2, 4, output_shape=10)(x, x), QUERY)
case("mha_window", lambda x: L.MultiHeadAttention(2, 4, sliding_window=2)(x, x), (8, 6))
case("mha_gate", lambda x: L.MultiHeadAttention(2, 4, use_gate=True)(x, x), QUERY)
case("gqa", lambda q, v: L.GroupQueryAttention(3, 4, 2)(q, v), QUERY, (7, 8))
case("gqa_causal", lambda x: L.GroupQueryAttention(3, 4, 1, use_bias=False)(x, x, use_causal_mask=True), QUERY)
case("gqa_scores", lambda x: L.GroupQueryAttention(3, 4, 2)(x, x, return_attention_scores=True), QUERY)
case("attention", lambda q, v: L.Attention()([q, v]), QUERY, (7, 8))
case("attention_key", lambda q, v, k: L.Attention(use_scale=True)([q, v, k]), QUERY, (7, 3), (7, 8))
case("attention_causal", lambda q, v: L.Attention()([q, v], use_causal_mask=True), QUERY, (7, 8))
case("attention_concat", lambda q, v: L.Attention(score_mode="concat", use_scale=True)([q, v]), QUERY, (7, 8))
case("attention_scores", lambda q, v: L.Attention()([q, v], return_attention_scores=True), QUERY, (7, 8))
case("attention_additive", lambda q, v: L.AdditiveAttention()([q, v]), QUERY, (7, 8))
case("attention_additive_plain", lambda q, v: L.AdditiveAttention(use_scale=False)([q, v]), QUERY, (7, 8))

# --- merges ---
A, B, C = (4, 6), (4, 6), (1, 6)
case("merge_add", lambda a, b, c: L.Add()([a, b, c]), A, B, C)
case("merge_subtract", lambda a, b: L.Subtract()([a, b]), A, B)
case("merge_multiply", lambda a, b: L.Multiply()([a, b]), A, C)
case("merge_average", lambda a, b, c: L.Average()([a, b, c]), A, B, C)
case("merge_maximum", lambda a, b: L.Maximum()([a, b]), A, B)
case("merge_minimum", lambda a, b: L.Minimum()([a, b]), A, B)
case("merge_ranks", lambda a, b: L.Add()([a, b]), (3, 4, 6), (6,))
case("merge_concatenate", lambda a, b: L.Concatenate()([a, b]), A, (4, 3))
case("merge_concatenate_axis", lambda a, b: L.Concatenate(axis=1)([a, b]), A, C)
case("merge_dot", lambda a, b: L.Dot(axes=1)([a, b]), (6,), (6,))
case("merge_dot_normalized", lambda a, b: L.Dot(axes=(2, 1), normalize=True)([a, b]), (4, 6), (6, 3))
case("merge_dot_last", lambda a, b: L.Dot(axes=-1)([a, b]), (4, 6), (5, 6))

# --- shapes ---
each("shape", (4, 6, 2), flatten=L.Flatten(), reshape=L.Reshape((6, 8)), reshape_unknown=L.Reshape((-1, 3)), permute=L.Permute((3, 1, 2)),
     flatten_first=L.Flatten(data_format="channels_first"), pad=L.ZeroPadding2D(((1, 2), (0, 3))), pad_two=L.ZeroPadding2D((1, 2)),
     crop=L.Cropping2D(((1, 0), (2, 1))), up=L.UpSampling2D((2, 3)), up_bilinear=L.UpSampling2D((2, 3), interpolation="bilinear"),
     up_bicubic=L.UpSampling2D(2, interpolation="bicubic"))
each("resizing", (6, 9, 2), bilinear=L.Resizing(4, 12), nearest=L.Resizing(9, 5, interpolation="nearest"))
each("shape1d", SEQUENCE, pad=L.ZeroPadding1D((2, 1)), crop=L.Cropping1D((1, 2)), up=L.UpSampling1D(3))
case("repeat_vector", L.RepeatVector(4), VECTOR)

# --- others ---
each("same", SEQUENCE, dropout=L.Dropout(0.3), spatial=L.SpatialDropout1D(0.3), noise=L.GaussianNoise(0.2), gaussian=L.GaussianDropout(0.2),
     alpha=L.AlphaDropout(0.2), regularization=L.ActivityRegularization(0.1), identity=L.Identity())
case("embedding", L.Embedding(9, 5), ((6,), 0, 9))
case("rescaling", L.Rescaling(1 / 127.5, offset=-1), (4, 4, 3))
case("rescaling_list", L.Rescaling([1.0, 0.5, 2.0], offset=[0.0, 1.0, -1.0]), (4, 4, 3))
case("normalization", L.Normalization(mean=[1.0, 2.0, -3.0], variance=[4.0, 0.5, 2.0]), (5, 3))
case("normalization_invert", L.Normalization(mean=0.5, variance=4.0, axis=None, invert=True), (5, 3))
case("discretization", L.Discretization(bin_boundaries=[-1.0, 0.0, 0.5]), (6,))
case("category_one_hot", L.CategoryEncoding(num_tokens=5, output_mode="one_hot"), ((1,), 0, 5))
case("category_multi_hot", L.CategoryEncoding(num_tokens=5, output_mode="multi_hot"), ((3,), 0, 5))
case("einsum", L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"), SEQUENCE)
case("einsum_heads", L.EinsumDense("abc,cde->abde", output_shape=(None, 3, 2), bias_axes="de", activation="relu"), SEQUENCE)
case("einsum_dots", L.EinsumDense("...x,xy->...y", output_shape=4, bias_axes="y"), (3, 2, 5))
case("einsum_batched", L.EinsumDense("abc,bcd->abd", output_shape=(7, 4), bias_axes="bd"), SEQUENCE)
case("einsum_two", L.EinsumDense("abcd,cde->abe", output_shape=(None, 5)), (4, 3, 2))
case("reversible", lambda x: (lambda e: e(e(x), reverse=True))(L.ReversibleEmbedding(6, 3)), ((4,), 0, 6))
SHARED = L.Dense(4, activation="tanh")
case("shared", lambda a, b: L.Concatenate()([SHARED(a), SHARED(b)]), VECTOR, VECTOR)
INNER = keras.Sequential([keras.Input((6,)), L.Dense(5, activation="relu"), L.BatchNormalization(), L.Dense(3)])
case("nested_sequential", lambda x: L.Dense(2)(INNER(x)), (6,))
inner_x, inner_y = keras.Input((6,)), keras.Input((4,))
TWO = keras.Model([inner_x, inner_y], [L.Add()([L.Dense(4)(inner_x), inner_y]), L.Dense(2)(inner_y)])
case("nested_functional", lambda x, y: L.Concatenate()(TWO([x, y])), (6,), (4,))
case("nested_twice", lambda a, b: L.Add()([TWO([a, b])[0], TWO([a, b])[0]]), (6,), (4,))

# --- keras.ops ---
case("op_arithmetic", lambda a, b: (a * 2 + b) / 3 - ops.abs(b) ** 1.5, A, B)
case("op_compare", lambda a, b: ops.where(ops.logical_and(a > b, a < 1), a, ops.minimum(b, 0.25)), A, B)
case("op_integers", lambda a: ops.cast(a // 2 + a % 3, "float32"), ((5,), 0, 20))
case("op_unary", lambda a: [ops.exp(a), ops.sqrt(ops.square(a)), ops.log1p(ops.abs(a)), ops.sin(a), ops.cos(a), ops.tanh(a), ops.floor(a),
                            ops.ceil(a), ops.round(a), ops.sign(a), ops.negative(a), ops.erf(a), ops.rsqrt(ops.abs(a) + 1), ops.expm1(a),
                            ops.arctan(a), ops.sinh(a), ops.cosh(a), ops.arcsinh(a)], A)
case("op_activation", lambda a: [ops.relu(a), ops.relu6(a), ops.sigmoid(a), ops.silu(a), ops.gelu(a), ops.gelu(a, approximate=False), ops.elu(a, 0.5),
                                 ops.celu(a, 1.3), ops.leaky_relu(a, 0.05), ops.softmax(a, axis=1), ops.log_softmax(a), ops.softplus(a), ops.hard_sigmoid(a),
                                 ops.soft_shrink(a, 0.3), ops.hard_shrink(a, 0.3), ops.threshold(a, 0.2, -1.0), ops.glu(a), ops.selu(a)], A)
case("op_reduce", lambda a: [ops.mean(a, axis=1), ops.sum(a, axis=-1, keepdims=True), ops.max(a, axis=[1, 2]), ops.min(a, axis=1), ops.prod(a, axis=2),
                             ops.var(a, axis=1), ops.std(a, axis=-1), ops.logsumexp(a, axis=2), ops.cumsum(a, axis=1), ops.amax(a, axis=2)], A)
case("op_arg", lambda a: [ops.argmax(a, axis=-1), ops.argmin(a, axis=1), ops.top_k(a, 3)[0], ops.one_hot(ops.argmax(a, axis=2), 6)], A)
case("op_shape", lambda a: [ops.reshape(a, (-1, 3, 8)), ops.transpose(a, (0, 2, 1)), ops.expand_dims(a, 2), ops.squeeze(ops.expand_dims(a, 1), 1),
                            ops.swapaxes(a, 1, 2), ops.moveaxis(a, 1, 2), ops.flip(a, axis=2), ops.roll(a, 2, axis=1), ops.repeat(a, 2, axis=1),
                            ops.tile(a, (1, 2, 1)), ops.pad(a, ((0, 0), (1, 2), (0, 1))), ops.split(a, 3, axis=2)[1],
                            ops.concatenate([a, a], axis=1), ops.stack([a, a], axis=1),
                            ops.take(a, [2, 0, -1], axis=1), ops.unstack(a, axis=1)[2]], A)
case("op_index", lambda a: [a[:, 1], a[:, ::2, 1:-1], a[..., -1], a[:, ::-1], a[:, None, 2:, 3]], A)
case("op_matmul", lambda a, b: [ops.matmul(a, ops.transpose(b, (0, 2, 1))), ops.tril(ops.matmul(a, ops.transpose(b, (0, 2, 1))))], A, B)
case("op_clip", lambda a: [ops.clip(a, -0.5, 0.75), ops.normalize(a, axis=-1), ops.zeros_like(a) + a, ops.stop_gradient(a) * 1.0], A)
case("op_constant", lambda a: a * np.arange(6, dtype="float32") + ops.ones_like(a), A)
