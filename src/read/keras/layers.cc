// The table of layers: one row a class, in the order of bytes; and what stands for those that have none.
#include <algorithm>
#include <array>

#include "read/keras/catalogue.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"
#include "read/keras/ops.h"

namespace nb::keras {
namespace {

constexpr std::array kRows = {
    LayerRow{"Activation", translate_activation, "", Masks::passes},
    LayerRow{"ActivityRegularization", translate_identity, "", Masks::passes},
    LayerRow{"AdaptiveAveragePooling1D", translate_adaptive_pool},
    LayerRow{"AdaptiveAveragePooling2D", translate_adaptive_pool},
    LayerRow{"AdaptiveMaxPooling1D", translate_adaptive_pool},
    LayerRow{"AdaptiveMaxPooling2D", translate_adaptive_pool},
    LayerRow{"Add", translate_merge, "add", Masks::uses},
    LayerRow{"AdditiveAttention", translate_attention, "", Masks::uses},
    LayerRow{"AlphaDropout", translate_random, "", Masks::passes},
    LayerRow{"Attention", translate_attention, "attention", Masks::uses},
    LayerRow{"Average", translate_average, "add", Masks::uses},
    LayerRow{"AveragePooling1D", translate_pool, "average_pool2d"},
    LayerRow{"AveragePooling2D", translate_pool, "average_pool2d"},
    LayerRow{"BatchNormalization", translate_batch_normalization, "batch_norm", Masks::passes},
    LayerRow{"Bidirectional", translate_bidirectional, "", Masks::uses},
    LayerRow{"CategoryEncoding", translate_category_encoding},
    LayerRow{"Concatenate", translate_concatenate, "concat", Masks::uses},
    LayerRow{"Conv1D", translate_conv, "conv2d"},
    LayerRow{"Conv1DTranspose", translate_conv_transpose, "conv_transpose2d"},
    LayerRow{"Conv2D", translate_conv, "conv2d"},
    LayerRow{"Conv2DTranspose", translate_conv_transpose, "conv_transpose2d"},
    LayerRow{"Cropping1D", translate_cropping, "slice"},
    LayerRow{"Cropping2D", translate_cropping, "slice"},
    LayerRow{"Dense", translate_dense, "dense", Masks::passes},
    LayerRow{"DepthwiseConv1D", translate_depthwise_conv, "depthwise_conv2d"},
    LayerRow{"DepthwiseConv2D", translate_depthwise_conv, "depthwise_conv2d"},
    LayerRow{"Discretization", translate_discretization},
    LayerRow{"Dot", translate_dot, "matmul"},
    LayerRow{"Dropout", translate_random, "", Masks::passes},
    LayerRow{"ELU", translate_elu, "elu", Masks::passes},
    LayerRow{"EinsumDense", translate_einsum_dense},
    LayerRow{"Embedding", translate_embedding, "gather", Masks::uses},
    LayerRow{"Flatten", translate_flatten, "reshape"},
    LayerRow{"GRU", translate_recurrent, "gru", Masks::uses},
    LayerRow{"GaussianDropout", translate_random, "", Masks::passes},
    LayerRow{"GaussianNoise", translate_random, "", Masks::passes},
    LayerRow{"GlobalAveragePooling1D", translate_global_pool, "average_pool2d", Masks::uses},
    LayerRow{"GlobalAveragePooling2D", translate_global_pool, "average_pool2d"},
    LayerRow{"GlobalMaxPooling1D", translate_global_pool, "max_pool2d"},
    LayerRow{"GlobalMaxPooling2D", translate_global_pool, "max_pool2d"},
    LayerRow{"GroupNormalization", translate_group_normalization, "layer_norm", Masks::passes},
    LayerRow{"GroupQueryAttention", translate_grouped_query_attention, "attention", Masks::uses},
    LayerRow{"GroupedQueryAttention", translate_grouped_query_attention, "attention", Masks::uses},
    LayerRow{"Identity", translate_identity, "", Masks::passes},
    LayerRow{"InputLayer", translate_identity},
    LayerRow{"LSTM", translate_recurrent, "lstm", Masks::uses},
    LayerRow{"LayerNormalization", translate_layer_normalization, "layer_norm", Masks::passes},
    LayerRow{"LayerScale", translate_layer_scale, "mul"},
    LayerRow{"LeakyReLU", translate_leaky_relu, "leaky_relu", Masks::passes},
    LayerRow{"Masking", translate_masking, "", Masks::uses},
    LayerRow{"MaxPooling1D", translate_pool, "max_pool2d"},
    LayerRow{"MaxPooling2D", translate_pool, "max_pool2d"},
    LayerRow{"Maximum", translate_merge, "maximum", Masks::uses},
    LayerRow{"Minimum", translate_merge, "minimum", Masks::uses},
    LayerRow{"MultiHeadAttention", translate_multi_head_attention, "attention", Masks::uses},
    LayerRow{"Multiply", translate_merge, "mul", Masks::uses},
    LayerRow{"Normalization", translate_normalization},
    LayerRow{"PReLU", translate_prelu, "prelu", Masks::passes},
    LayerRow{"Permute", translate_permute, "transpose"},
    LayerRow{"RMSNormalization", translate_rms_normalization, "layer_norm"},
    LayerRow{"RNN", translate_recurrent, "", Masks::uses},
    LayerRow{"ReLU", translate_relu, "", Masks::passes},
    LayerRow{"RepeatVector", translate_repeat_vector, "expand"},
    LayerRow{"Rescaling", translate_rescaling},
    LayerRow{"Reshape", translate_reshape, "reshape"},
    LayerRow{"Resizing", translate_resizing, "resize"},
    LayerRow{"ReversibleEmbedding", translate_embedding, "gather", Masks::uses},
    LayerRow{"SeparableConv1D", translate_separable_conv, "depthwise_conv2d"},
    LayerRow{"SeparableConv2D", translate_separable_conv, "depthwise_conv2d"},
    LayerRow{"SimpleRNN", translate_recurrent, "rnn", Masks::uses},
    LayerRow{"Softmax", translate_softmax, "softmax", Masks::uses},
    LayerRow{"SpatialDropout1D", translate_random, "", Masks::passes},
    LayerRow{"SpatialDropout2D", translate_random, "", Masks::passes},
    LayerRow{"SpectralNormalization", translate_wrapper},
    LayerRow{"StochasticDepth", translate_random},
    LayerRow{"Subtract", translate_merge, "sub", Masks::uses},
    LayerRow{"SyncBatchNormalization", translate_batch_normalization, "batch_norm", Masks::passes},
    LayerRow{"ThresholdedReLU", translate_thresholded_relu, "thresholded_relu", Masks::passes},
    LayerRow{"TimeDistributed", translate_time_distributed, "", Masks::passes},
    LayerRow{"UnitNormalization", translate_unit_normalization, "", Masks::passes},
    LayerRow{"UpSampling1D", translate_up_sampling, "resize"},
    LayerRow{"UpSampling2D", translate_up_sampling, "resize"},
    LayerRow{"ZeroPadding1D", translate_zero_padding, "pad"},
    LayerRow{"ZeroPadding2D", translate_zero_padding, "pad"},
};
static_assert(std::is_sorted(kRows.begin(), kRows.end(),
                             [](const LayerRow& a, const LayerRow& b) { return a.type < b.type; }));

constexpr std::string_view kCode =
    "it is Python code, which is not in the file: write it with layers or keras.ops, or export the model to "
    ".tflite";
constexpr std::string_view kVolume =
    "images have two axes at most: fold one into the samples (TimeDistributed)";
constexpr std::string_view kText =
    "programs have no strings: do this step before the model, and give it numbers";
constexpr std::string_view kRandomImage =
    "it changes images in training only: take it out of the model that is saved";
constexpr std::string_view kSpectrum =
    "do this step before the model, or write it with Conv1D on fixed kernels";
constexpr std::string_view kTensorFlow =
    "it is an operator of TensorFlow, which Keras 2 records by name: export the model to .tflite, or load "
    "and save it "
    "with Keras 3";

/// One row a class, in the order of bytes.
struct Obstacle {
  std::string_view type, rewrite;
};
constexpr std::array kObstacles = {
    Obstacle{"AutoContrast", kRandomImage},
    Obstacle{"AveragePooling3D", kVolume},
    Obstacle{"CenterCrop", "Cropping2D is translated: its margins are known when the image's size is"},
    Obstacle{"Conv3D", kVolume},
    Obstacle{"Conv3DTranspose", kVolume},
    Obstacle{"ConvLSTM1D", "a stack of Conv1D and LSTM, or the steps written with keras.ops, stands for it"},
    Obstacle{"ConvLSTM2D", "a TimeDistributed Conv2D and an LSTM stand for it"},
    Obstacle{"ConvLSTM3D", kVolume},
    Obstacle{"GlobalAveragePooling3D", kVolume},
    Obstacle{"GlobalMaxPooling3D", kVolume},
    Obstacle{"HashedCrossing", kText},
    Obstacle{"Hashing", kText},
    Obstacle{"IntegerLookup", "Embedding stands for a table of integers"},
    Obstacle{"Lambda", kCode},
    Obstacle{"MaxPooling3D", kVolume},
    Obstacle{"MelSpectrogram", kSpectrum},
    Obstacle{"RandomBrightness", kRandomImage},
    Obstacle{"RandomContrast", kRandomImage},
    Obstacle{"RandomCrop", kRandomImage},
    Obstacle{"RandomFlip", kRandomImage},
    Obstacle{"RandomRotation", kRandomImage},
    Obstacle{"RandomTranslation", kRandomImage},
    Obstacle{"RandomZoom", kRandomImage},
    Obstacle{"STFTSpectrogram", kSpectrum},
    Obstacle{"SlicingOpLambda", kTensorFlow},
    Obstacle{"StringLookup", kText},
    Obstacle{"TFOpLambda", kTensorFlow},
    Obstacle{"TFSMLayer", "it is a SavedModel: export that to .tflite"},
    Obstacle{"TextVectorization", kText},
    Obstacle{"TorchModuleWrapper", "it is a PyTorch module: export it by torch.export"},
};

}  // namespace

const LayerRow* find_layer(std::string_view type) {
  if (type.starts_with("ops.")) return find_operation(type);
  const auto row = std::lower_bound(kRows.begin(), kRows.end(), type,
                                    [](const LayerRow& a, std::string_view b) { return a.type < b; });
  return row != kRows.end() && row->type == type ? &*row : nullptr;
}

std::vector<std::string> translated_layers() {
  std::vector<std::string> names;
  for (const LayerRow& row : kRows) names.emplace_back(row.type);
  return names;
}

std::string_view obstacle(std::string_view type) {
  for (const Obstacle& known : kObstacles)
    if (known.type == type) return known.rewrite;
  if (type.find('>') != std::string_view::npos) return kCode;
  return {};
}

}  // namespace nb::keras

namespace nb {

KerasCatalogue keras_catalogue() {
  KerasCatalogue all;
  for (const keras::LayerRow& row : keras::kRows) all.layers.emplace_back(row.type, row.block);
  for (const std::string& type : keras::translated_operations())
    all.operations.emplace_back(type.substr(4), keras::find_operation(type)->block);
  all.activations = keras::translated_activations();
  for (const keras::Obstacle& known : keras::kObstacles) all.refused.emplace_back(known.type, known.rewrite);
  return all;
}

}  // namespace nb
