// Operators of the specification that are not translated, or not for all operands: why, and the nearest
// rewrite that is.
#include <array>

#include "read/onnx/layer.h"

namespace nb::onnx {
namespace {

constexpr std::string_view kSequence =
    "programs work on tensors of fixed shape: export the model without sequences (Concat and Split stand for "
    "ConcatFromSequence and SplitToSequence)";
constexpr std::string_view kOptional =
    "programs have no optional values: export the model for the case that is used";
constexpr std::string_view kString =
    "programs have no strings: do this step before the model, and give it numbers";
constexpr std::string_view kRandom = "programs have no random numbers: make them an input of the model";
constexpr std::string_view kTraining = "programs do not train: export the model for inference";
constexpr std::string_view kMap = "programs have no maps: end the model before it, at the tensor of scores";
constexpr std::string_view kTrees =
    "write the trees as ai.onnx.ml.TreeEnsemble (operator set 5), which is translated";

/// One row an operator, in the order of bytes.
struct Obstacle {
  std::string_view type, rewrite;
};
constexpr std::array kObstacles = {
    Obstacle{"Bernoulli", kRandom},
    Obstacle{"Compress",
             "a mask of fixed size stands for it: Where keeps the elements that count and puts a neutral "
             "value for the others; "
             "or freeze the input that determines the condition with --freeze INPUT=FILE.npy"},
    Obstacle{"ConcatFromSequence", kSequence},
    Obstacle{"ImageDecoder", "programs read no image files: decode them before the model"},
    Obstacle{"MaxRoiPool", "RoiAlign is translated: use it instead"},
    Obstacle{"Multinomial", kRandom},
    Obstacle{"NonMaxSuppression",
             "how many boxes it gives depends on the data: end the model before it, at the boxes and scores "
             "(TopK keeps a "
             "fixed number of them), and choose among them in C++"},
    Obstacle{"NonZero",
             "a mask of fixed size stands for it (Equal, Not, Where), or TopK for a fixed number of places; "
             "or freeze the "
             "input that determines it with --freeze INPUT=FILE.npy"},
    Obstacle{"Optional", kOptional},
    Obstacle{"OptionalGetElement", kOptional},
    Obstacle{"OptionalHasElement", kOptional},
    Obstacle{"RandomNormal", kRandom},
    Obstacle{"RandomNormalLike", kRandom},
    Obstacle{"RandomUniform", kRandom},
    Obstacle{"RandomUniformLike", kRandom},
    Obstacle{"RegexFullMatch", kString},
    Obstacle{"SequenceAt", kSequence},
    Obstacle{"SequenceConstruct", kSequence},
    Obstacle{"SequenceEmpty", kSequence},
    Obstacle{"SequenceErase", kSequence},
    Obstacle{"SequenceInsert", kSequence},
    Obstacle{"SequenceLength", kSequence},
    Obstacle{"SequenceMap", kSequence},
    Obstacle{"SplitToSequence", kSequence},
    Obstacle{"StringConcat", kString},
    Obstacle{"StringNormalizer", kString},
    Obstacle{"StringSplit", kString},
    Obstacle{"Unique",
             "how many values it gives depends on the data: TopK sorts them all, and equal neighbours can be "
             "masked with "
             "Equal and Where"},
    Obstacle{"ai.onnx.ml.CastMap", kMap},
    Obstacle{"ai.onnx.ml.CategoryMapper", kString},
    Obstacle{"ai.onnx.ml.DictVectorizer", kMap},
    Obstacle{"ai.onnx.ml.FeatureVectorizer", "Concat is translated: use it instead"},
    Obstacle{"ai.onnx.ml.Imputer", "Where with IsNaN or Equal stands for it"},
    Obstacle{"ai.onnx.ml.LabelEncoder",
             "between numbers, Gather from a table stands for it; do strings before the model"},
    Obstacle{"ai.onnx.ml.LinearClassifier",
             "Gemm and Softmax or Sigmoid stand for it; ArgMax gives the class"},
    Obstacle{"ai.onnx.ml.LinearRegressor", "Gemm stands for it"},
    Obstacle{"ai.onnx.ml.Normalizer", "LpNormalization, or a division by ReduceMax, stands for it"},
    Obstacle{"ai.onnx.ml.OneHotEncoder", "OneHot stands for it"},
    Obstacle{"ai.onnx.ml.SVMClassifier",
             "MatMul with the support vectors, Exp or Tanh as the kernel, and Gemm stand for it"},
    Obstacle{"ai.onnx.ml.SVMRegressor",
             "MatMul with the support vectors, Exp or Tanh as the kernel, and Gemm stand for it"},
    Obstacle{"ai.onnx.ml.Scaler", "Sub and Mul stand for it"},
    Obstacle{"ai.onnx.ml.TreeEnsembleClassifier", kTrees},
    Obstacle{"ai.onnx.ml.TreeEnsembleRegressor", kTrees},
    Obstacle{"ai.onnx.ml.ZipMap", kMap},
    Obstacle{"ai.onnx.preview.training.Adagrad", kTraining},
    Obstacle{"ai.onnx.preview.training.Adam", kTraining},
    Obstacle{"ai.onnx.preview.training.Gradient", kTraining},
    Obstacle{"ai.onnx.preview.training.Momentum", kTraining},
};

}  // namespace

std::string_view obstacle(std::string_view type) {
  for (const Obstacle& known : kObstacles)
    if (known.type == type) return known.rewrite;
  return {};
}

}  // namespace nb::onnx
