// The messages of an ONNX file as far as the reader needs them. All text and bytes are views into the file;
// tensors and subgraphs are parsed when asked for.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "read/onnx/wire.h"

namespace nb::onnx {

/// A tensor: its header, and where its elements are.
struct TensorProto {
  std::string_view name;
  std::vector<std::int64_t> dims;
  std::int64_t data_type = 0;
  ByteSpan raw;
  bool has_raw = false;
  bool is_external = false;
  std::vector<std::pair<std::string_view, std::string_view>> external;  ///< location, offset, length
  ByteSpan message;  ///< for the typed fields (float_data, ...)
};

struct AttributeProto {
  std::string_view name;
  std::string_view reference;  ///< in a function: the attribute of the call that gives the value
  std::int64_t type = 0;
  std::int64_t i = 0;
  float f = 0;
  std::string_view s;
  std::vector<std::int64_t> ints;
  std::vector<float> floats;
  std::vector<std::string_view> strings;
  std::optional<ByteSpan> tensor, sparse_tensor, graph;
};

struct NodeProto {
  std::string_view name, type, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeProto> attributes;
  [[nodiscard]] const AttributeProto* find(std::string_view attribute) const {
    for (const AttributeProto& a : attributes)
      if (a.name == attribute) return &a;
    return nullptr;
  }
};

/// A dimension: a number, a symbol, or neither.
struct Dimension {
  std::optional<std::int64_t> value;
  std::string_view symbol;
};

struct ValueInfoProto {
  std::string_view name;
  bool is_tensor = false;
  bool has_shape = false;
  std::int64_t element_type = 0;
  std::vector<Dimension> dims;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::size_t sparse_initializers = 0;
  std::vector<ValueInfoProto> inputs, outputs;
};

struct OperatorSet {
  std::string_view domain;
  std::int64_t version = 0;
};

struct FunctionProto {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeProto> defaults;
  std::vector<NodeProto> nodes;
  std::vector<OperatorSet> opsets;
};

struct ModelProto {
  std::int64_t ir_version = 0;
  std::string_view producer;
  std::vector<OperatorSet> opsets;
  std::optional<ByteSpan> graph;
  std::vector<FunctionProto> functions;
};

// Each is false at a wire fault, a field of the wrong wire type, or more nodes than a model may have.
[[nodiscard]] bool parse(ByteSpan message, ModelProto& model);
[[nodiscard]] bool parse(ByteSpan message, GraphProto& graph);
[[nodiscard]] bool parse(ByteSpan message, TensorProto& tensor);

/// The typed elements of a tensor without raw data, as 64-bit patterns: field float_data gives floats' bits,
/// double_data doubles' bits, the integer fields sign-extended integers. Empty at a fault, or if there are
/// more than `max_count`.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> typed_elements(const TensorProto& tensor,
                                                                       std::size_t max_count);

}  // namespace nb::onnx
