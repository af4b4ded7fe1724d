// TensorFlow Lite operators that are not translated: why, and the nearest rewrite that is.
#include <array>

#include "read/tflite/translate.h"

namespace nb::tflite {
namespace {

constexpr std::string_view kVariable =
    "the converter did not freeze the model's variables: convert from the Keras model or a SavedModel "
    "(TFLiteConverter.from_keras_model), which makes them constants";
constexpr std::string_view kTable =
    "programs have no hash tables or strings: look numbers up before the model, or use GATHER";
constexpr std::string_view kRandom = "programs have no random numbers: make them an input of the model";
constexpr std::string_view kComplex =
    "programs have no complex numbers: compute the spectrum before the model";
constexpr std::string_view kBoxes =
    "how many boxes it gives depends on the data: end the model before it, at the boxes and scores, and "
    "choose among them in "
    "C++";
constexpr std::string_view kSparse = "export dense weights (no sparsity in the converter)";
constexpr std::string_view kSegments =
    "where the segments are known, SLICE and SUM (or REDUCE_MAX, REDUCE_MIN) stand for it";
constexpr std::string_view kRecurrent =
    "convert the Keras layer without unrolling, to UNIDIRECTIONAL_SEQUENCE_LSTM, or export it to ONNX";
constexpr std::string_view kVolume =
    "a convolution over each slice with CONV_2D, and ADD, stand for it; or export to ONNX";
constexpr std::string_view kStableHlo =
    "the file holds StableHLO as it is: convert with TFLITE_BUILTINS, which makes builtin operators of it";

/// One row an operator; "custom operator X" begins with the name of the first row that fits.
struct Obstacle {
  std::string_view type, rewrite;
};
constexpr auto kObstacles = std::to_array<Obstacle>({
    {"ASSIGN_VARIABLE", kVariable},
    {"CALL_ONCE", kVariable},
    {"READ_VARIABLE", kVariable},
    {"VAR_HANDLE", kVariable},
    {"HASHTABLE", kTable},
    {"LSH_PROJECTION", kTable},
    {"SKIP_GRAM", kTable},
    {"RANDOM_", kRandom},
    {"MULTINOMIAL", kRandom},
    {"RFFT2D", kComplex},
    {"IMAG", kComplex},
    {"REAL", kComplex},
    {"COMPLEX_ABS", kComplex},
    {"NON_MAX_SUPPRESSION_", kBoxes},
    {"custom operator TFLite_Detection_PostProcess", kBoxes},
    {"WHERE",
     "how many places it gives depends on the data: a mask of fixed size stands for it (NOT_EQUAL and "
     "SELECT_V2)"},
    {"UNIQUE", "how many values it gives depends on the data: do this step in C++ behind the model"},
    {"DENSIFY", kSparse},
    {"SPARSE_TO_DENSE", kSparse},
    {"EMBEDDING_LOOKUP_SPARSE", "GATHER and SUM stand for it"},
    {"SEGMENT_SUM", kSegments},
    {"UNSORTED_SEGMENT_", kSegments},
    {"LSTM", kRecurrent},
    {"RNN", kRecurrent},
    {"SVDF", "CONV_2D over time and FULLY_CONNECTED stand for it"},
    {"CONV_3D", kVolume},
    {"LOCAL_RESPONSE_NORMALIZATION",
     "a batch normalization, which costs nothing after folding, or ONNX's LRN stands for it"},
    {"TOPK_V2", "ARG_MAX stands for the first; ONNX's TopK is translated"},
    {"ONE_HOT", "EQUAL with a constant range of classes, and CAST, stand for it"},
    {"REVERSE_SEQUENCE", "REVERSE_V2 stands for it where all sequences have one length"},
    {"MATRIX_", "MUL with a constant identity matrix stands for it"},
    {"SCATTER_ND", "PAD and ADD, or SELECT_V2 with a constant mask, stand for it"},
    {"FAKE_QUANT", "quantize the model in the converter: it makes QUANTIZE and DEQUANTIZE of it"},
    {"BUCKETIZE", "GREATER_EQUAL with the constant bounds, CAST and SUM stand for it"},
    {"BROADCAST_ARGS", "export the model with fixed shapes: it computes shapes only"},
    {"IF", "compute both branches, and choose with SELECT_V2"},
    {"DELEGATE", "save the model before a delegate took it over"},
    {"STABLEHLO_", kStableHlo},
    {"custom operator Flex",
     "it runs in TensorFlow itself (SELECT_TF_OPS): convert with target_spec.supported_ops = "
     "[TFLITE_BUILTINS], and write the "
     "layer with operators that have a builtin one"},
    {"custom operator",
     "a custom operator has no meaning in the file: convert with allow_custom_ops = False, and write the "
     "layer with builtin "
     "operators"},
});

}  // namespace

std::string_view obstacle(std::string_view type) {
  for (const Obstacle& known : kObstacles)
    if (type.starts_with(known.type)) return known.rewrite;
  return "replace it by supported operators before export; docs/blocks.md lists what they become";
}

}  // namespace nb::tflite
