// A TFLite file as plain records: what the tables say, checked for consistency, not yet translated.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/type.h"
#include "read/flatbuffer.h"
#include "read/tflite/schema.h"

namespace nb::tflite {

using BuiltinOperator = schema::BuiltinOperator;
using TensorType = schema::TensorType;

/// A row of SubGraph.tensors.
struct TensorRecord {
  std::string name;  ///< never empty; printable
  TensorType type = TensorType::FLOAT32;
  Shape shape;                   ///< non-negative; an unknown dimension is 1
  std::vector<bool> is_dynamic;  ///< as many as dimensions; empty: none is
  std::optional<Quantization> quantization;
  std::uint32_t buffer = 0;  ///< 0: no data
  ByteSpan data;             ///< as the file stores them
  std::uint64_t offset = 0;  ///< of the table
  bool is_variable = false;
  bool is_sparse = false;
  bool has_data = false;  ///< a constant
  [[nodiscard]] bool has_dynamic_shape() const {
    for (const bool dynamic : is_dynamic)
      if (dynamic) return true;
    return false;
  }
};

/// What a convolution between space_to_batch and batch_to_space does: it skips elements of the image instead.
struct JoinedDilation {
  std::vector<std::int64_t> dilation;  ///< rows, columns
  std::vector<std::int64_t> pad;       ///< top, left, bottom, right
};

/// A row of SubGraph.operators.
struct OperatorRecord {
  BuiltinOperator code = BuiltinOperator::CUSTOM;
  std::string type;                                          ///< "CONV_2D", or a custom operator's name
  std::string layer;                                         ///< the name of its first output
  std::vector<std::int32_t> inputs, outputs, intermediates;  ///< tensor indices, -1: left out
  schema::BuiltinOptions options_tag = schema::BuiltinOptions::NONE;
  schema::BuiltinOptions2 options2_tag = schema::BuiltinOptions2::NONE;
  Table<schema::Operator> table;
  std::optional<JoinedDilation> joined_dilation = {};
};

/// What runs as one: the model itself, or the condition or body of a loop.
struct SubgraphRecord {
  std::vector<TensorRecord> tensors;
  std::vector<OperatorRecord> operators;
  std::vector<std::int32_t> inputs, outputs;
};

/// The subgraphs of a file. The first is the model; those that it does not run are empty.
struct ModelRecord {
  std::vector<SubgraphRecord> subgraphs;
};

/// Whether the bytes are a TFLite file: "TFL3" at byte 4.
[[nodiscard]] bool is_tflite(ByteSpan bytes);

/// The records of `file`, which must outlive them. Every index is in range, every tensor index used once as
/// an output, every constant as long as its shape says.
[[nodiscard]] Result<ModelRecord> read_model(FlatFile& file, Diagnostics& diagnostics);

/// The dtype that stands for the type in a graph: f16 and bf16 constants become f32, 4-bit integers i8.
[[nodiscard]] std::optional<DType> dtype_of(TensorType type);

}  // namespace nb::tflite
