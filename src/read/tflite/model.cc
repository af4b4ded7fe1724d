#include "read/tflite/model.h"

#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/text.h"

namespace nb::tflite {
namespace {

constexpr std::size_t kMaxOperators = 100000;
constexpr std::uint32_t kSchemaVersion = 3;

/// Elements that fit a byte of the file: 4-bit integers come in pairs.
std::uint64_t stored_bytes(TensorType type, std::int64_t elements) {
  const auto count = static_cast<std::uint64_t>(elements);
  switch (type) {
    case TensorType::INT4:
      return (count + 1) / 2;
    case TensorType::FLOAT16:
    case TensorType::BFLOAT16:
      return count * 2;
    default:
      return count * static_cast<std::uint64_t>(dtype_bytes(dtype_of(type).value_or(DType::u8)));
  }
}

class ModelReader {
 public:
  ModelReader(FlatFile& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  Result<ModelRecord> run() {
    if (file_.bytes().size() < 8) {
      file_.fault("the file", 0, "it is too short to hold a model");
      return kFailed;
    }
    if (!is_tflite(file_.bytes()))
      return diagnostics_.add(
          {.kind = Kind::unknown_format, .message = "byte 4 does not start the identifier TFL3"});
    const Table<schema::Model> model(file_, file_.target(0), "Model");
    if (!model.is_present()) return kFailed;
    if (const std::uint32_t version = model[schema::Model::version]; version != kSchemaVersion)
      return invalid("the schema version is " + std::to_string(version) + ", not 3");
    const auto subgraphs = model[schema::Model::subgraphs];
    buffers_ = model[schema::Model::buffers];
    codes_ = model[schema::Model::operator_codes];
    if (!file_.is_ok()) return kFailed;
    if (subgraphs.size() == 0) return invalid("the file has no subgraph");
    ModelRecord record;
    record.subgraphs.resize(subgraphs.size());
    std::vector<bool> is_known(subgraphs.size(), false);
    is_known[0] = true;
    for (std::vector<std::size_t> open = {0}; !open.empty();) {
      const std::size_t index = open.back();
      open.pop_back();
      if (!read_subgraph(subgraphs[index])) return kFailed;
      for (const std::int32_t other : loops()) {
        if (other < 1 || static_cast<std::size_t>(other) >= subgraphs.size())
          return invalid("a loop runs subgraph " + std::to_string(other) + " of " +
                         std::to_string(subgraphs.size()));
        if (!is_known[static_cast<std::size_t>(other)]) open.push_back(static_cast<std::size_t>(other));
        is_known[static_cast<std::size_t>(other)] = true;
      }
      if (!file_.is_ok()) return kFailed;
      record.subgraphs[index] = std::move(record_);
    }
    return record;
  }

 private:
  Failed invalid(std::string message, Kind kind = Kind::invalid_model) {
    return diagnostics_.add({.kind = kind, .message = std::move(message)});
  }

  Status read_subgraph(const Table<schema::SubGraph>& graph) {
    record_ = {};
    if (!file_.is_ok() || !read_tensors(graph) || !read_operators(graph)) return kFailed;
    if (!read_ends(graph) || !file_.is_ok()) return kFailed;
    rename_constants();
    return {};
  }

  /// The subgraphs that operators of the present one run.
  std::vector<std::int32_t> loops() {
    using O = schema::WhileOptions;
    std::vector<std::int32_t> found;
    for (const OperatorRecord& op : record_.operators) {
      if (op.code != BuiltinOperator::WHILE || static_cast<std::uint8_t>(op.options_tag) != O::kTag) continue;
      const auto options = op.table.member<O>(schema::Operator::builtin_options);
      found.push_back(options[O::cond_subgraph_index]);
      found.push_back(options[O::body_subgraph_index]);
    }
    return found;
  }

  Status read_tensors(const Table<schema::SubGraph>& graph) {
    const auto tensors = graph[schema::SubGraph::tensors];
    record_.tensors.reserve(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const Table<schema::Tensor> table = tensors[i];
      if (!file_.is_ok() || !read_tensor(table, i) || !file_.is_ok()) return kFailed;
    }
    return file_.is_ok() ? Status() : Status(kFailed);
  }

  Status read_tensor(const Table<schema::Tensor>& table, std::size_t index) {
    TensorRecord& tensor = record_.tensors.emplace_back();
    tensor.offset = table.offset();
    tensor.name = tensor_name(table[schema::Tensor::name], index);
    tensor.type = static_cast<TensorType>(table[schema::Tensor::type]);
    tensor.is_variable = table[schema::Tensor::is_variable];
    tensor.is_sparse = table[schema::Tensor::sparsity].is_present();
    if (!read_shape(table, tensor) || !read_quantization(table, tensor)) return kFailed;
    return read_data(table, tensor);
  }

  /// Converters join the names of all operators that became one with semicolons: the first says enough.
  static std::string tensor_name(std::string_view stored, std::size_t index) {
    const std::string_view first = stored.substr(0, stored.find(';'));
    return first.empty() ? "tensor_" + std::to_string(index) : printable(first);
  }

  Status read_shape(const Table<schema::Tensor>& table, TensorRecord& tensor) {
    const auto shape = table[schema::Tensor::shape];
    const auto signature = table[schema::Tensor::shape_signature];
    if (!file_.is_ok()) return kFailed;
    if (shape.size() > static_cast<std::size_t>(kMaxRank))
      return invalid("tensor `" + tensor.name + "` has rank " + std::to_string(shape.size()) + ", at most " +
                         std::to_string(kMaxRank) + " is supported",
                     Kind::limit_exceeded);
    const bool has_signature = signature.size() == shape.size();
    tensor.is_dynamic.assign(shape.size(), false);
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool is_unknown = (has_signature && signature[i] == -1) || shape[i] == -1;
      if (shape[i] < -1 || (has_signature && signature[i] < -1))
        return invalid("tensor `" + tensor.name + "` has the negative dimension " +
                       std::to_string(shape[i] < -1 ? shape[i] : signature[i]));
      tensor.is_dynamic[i] = is_unknown;
      tensor.shape.push_back(is_unknown ? std::max<std::int64_t>(shape[i], 1) : shape[i]);
    }
    const DType dtype = dtype_of(tensor.type).value_or(DType::u8);
    if (const std::string fault = shape_fault(tensor.shape, dtype); !fault.empty())
      return invalid("tensor `" + tensor.name + "`: " + fault, Kind::limit_exceeded);
    return {};
  }

  Status read_quantization(const Table<schema::Tensor>& table, TensorRecord& tensor) {
    using Parameters = schema::QuantizationParameters;
    const auto parameters = table[schema::Tensor::quantization];
    const auto scales = parameters[Parameters::scale];
    const auto zeros = parameters[Parameters::zero_point];
    if (!file_.is_ok()) return kFailed;
    const auto dtype = dtype_of(tensor.type);
    if (scales.empty() || !dtype || !is_integer(*dtype)) return {};
    Quantization quantization;
    if (scales.size() > 1) {
      quantization.axis = parameters[Parameters::quantized_dimension];
      const bool fits = quantization.axis >= 0 && quantization.axis < static_cast<int>(tensor.shape.size()) &&
                        tensor.shape[static_cast<std::size_t>(quantization.axis)] ==
                            static_cast<std::int64_t>(scales.size());
      if (!fits)
        return invalid("tensor `" + tensor.name + "` " + shape_text(tensor.shape) + " has " +
                       std::to_string(scales.size()) + " scales along axis " +
                       std::to_string(quantization.axis));
    }
    if (!zeros.empty() && zeros.size() != 1 && zeros.size() != scales.size())
      return invalid("tensor `" + tensor.name + "` has " + std::to_string(scales.size()) + " scales and " +
                     std::to_string(zeros.size()) + " zero points");
    bool is_degenerate = false;
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const float scale = scales[i];
      const std::int64_t zero = zeros.empty() ? 0 : zeros[zeros.size() == 1 ? 0 : i];
      if (!std::isfinite(scale) || scale < 0)
        return invalid("tensor `" + tensor.name + "` has the scale " + float_text(scale));
      if (zero < std::numeric_limits<std::int32_t>::min() || zero > std::numeric_limits<std::int32_t>::max())
        return invalid("tensor `" + tensor.name + "` has the zero point " + std::to_string(zero));
      is_degenerate = is_degenerate || scale == 0;
      quantization.scales.push_back(scale);
      quantization.zero_points.push_back(static_cast<std::int32_t>(zero));
    }
    // A bias or a shape with a scale of 0 is used as plain integers; elsewhere a scale of 0 has no meaning.
    if (is_degenerate && (*dtype == DType::i32 || *dtype == DType::i64)) return {};
    if (is_degenerate) return invalid("tensor `" + tensor.name + "` has a scale of 0");
    const std::string fault = quantization_fault({*dtype, tensor.shape, quantization});
    if (!fault.empty()) return invalid("tensor `" + tensor.name + "` " + fault);
    tensor.quantization = std::move(quantization);
    return {};
  }

  Status read_data(const Table<schema::Tensor>& table, TensorRecord& tensor) {
    tensor.buffer = table[schema::Tensor::buffer];
    if (!file_.is_ok()) return kFailed;
    if (tensor.buffer == 0) return {};
    if (tensor.buffer >= buffers_.size()) {
      file_.fault("Tensor.buffer", table.offset(),
                  "`" + tensor.name + "` names buffer " + std::to_string(tensor.buffer) + " of " +
                      std::to_string(buffers_.size()));
      return kFailed;
    }
    const Table<schema::Buffer> buffer = buffers_[tensor.buffer];
    if (!file_.is_ok()) return kFailed;
    tensor.data = buffer[schema::Buffer::data].bytes();
    // Offsets of 0 and 1 stand for data inside the table; larger ones for bytes behind the FlatBuffer.
    const std::uint64_t offset = buffer[schema::Buffer::offset], size = buffer[schema::Buffer::size];
    if (offset > 1) {
      if (!file_.require(offset, size, schema::Buffer::offset.name, "external data")) return kFailed;
      tensor.data = file_.bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    }
    if (!file_.is_ok()) return kFailed;
    tensor.has_data = !tensor.data.empty();
    if (!tensor.has_data || tensor.is_sparse || !dtype_of(tensor.type)) return {};
    const std::uint64_t wanted = stored_bytes(tensor.type, element_count(tensor.shape));
    if (tensor.has_dynamic_shape() || tensor.data.size() != wanted) {
      file_.fault("Buffer.data", table.offset(),
                  "`" + tensor.name + "` " + shape_text(tensor.shape) + " needs " + std::to_string(wanted) +
                      " bytes, its buffer has " + std::to_string(tensor.data.size()));
      return kFailed;
    }
    return {};
  }

  /// Copies tensor indices; -1 stands for an operand left out if `may_lack`.
  Status read_indices(const Vector<std::int32_t>& from, bool may_lack, std::string_view field,
                      std::vector<std::int32_t>& to) {
    to.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::int32_t index = from[i];
      const bool is_known = index >= 0 && static_cast<std::size_t>(index) < record_.tensors.size();
      if (!is_known && !(may_lack && index == -1)) {
        file_.fault(field, from.offset() + 4 * i,
                    "tensor " + std::to_string(index) + " does not exist, there are " +
                        std::to_string(record_.tensors.size()));
        return kFailed;
      }
      to.push_back(index);
    }
    return {};
  }

  Status read_operators(const Table<schema::SubGraph>& graph) {
    const auto operators = graph[schema::SubGraph::operators];
    if (!file_.is_ok()) return kFailed;
    if (operators.size() > kMaxOperators)
      return invalid("the model has " + grouped(static_cast<std::int64_t>(operators.size())) + " operators",
                     Kind::limit_exceeded);
    record_.operators.reserve(operators.size());
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Table<schema::Operator> table = operators[i];
      if (!file_.is_ok() || !read_operator(table) || !file_.is_ok()) return kFailed;
    }
    return {};
  }

  Status read_operator(const Table<schema::Operator>& table) {
    using O = schema::Operator;
    OperatorRecord& op = record_.operators.emplace_back();
    op.table = table;
    const std::uint32_t code_index = table[O::opcode_index];
    if (code_index >= codes_.size()) {
      file_.fault(O::opcode_index.name, table.offset(),
                  "operator code " + std::to_string(code_index) + " of " + std::to_string(codes_.size()));
      return kFailed;
    }
    const Table<schema::OperatorCode> code = codes_[code_index];
    // Files older than the 128th operator have the code in a byte only.
    const std::int32_t number = std::max<std::int32_t>(code[schema::OperatorCode::builtin_code],
                                                       code[schema::OperatorCode::deprecated_builtin_code]);
    op.code = static_cast<BuiltinOperator>(number);
    op.type = std::string(name_of(op.code));
    if (op.type.empty()) op.type = "operator " + std::to_string(number);
    if (op.code == BuiltinOperator::CUSTOM)
      op.type = "custom operator " + printable(code[schema::OperatorCode::custom_code]);
    if (!read_indices(table[O::inputs], true, O::inputs.name, op.inputs) ||
        !read_indices(table[O::outputs], false, O::outputs.name, op.outputs) ||
        !read_indices(table[O::intermediates], true, O::intermediates.name, op.intermediates))
      return kFailed;
    op.options_tag = static_cast<schema::BuiltinOptions>(table[O::builtin_options_type]);
    op.options2_tag = static_cast<schema::BuiltinOptions2>(table[O::builtin_options2_type]);
    op.layer = op.outputs.empty() ? "operator_" + std::to_string(record_.operators.size() - 1)
                                  : record_.tensors[static_cast<std::size_t>(op.outputs[0])].name;
    return {};
  }

  Status read_ends(const Table<schema::SubGraph>& graph) {
    if (!read_indices(graph[schema::SubGraph::inputs], false, schema::SubGraph::inputs.name,
                      record_.inputs) ||
        !read_indices(graph[schema::SubGraph::outputs], false, schema::SubGraph::outputs.name,
                      record_.outputs))
      return kFailed;
    if (file_.is_ok() && record_.outputs.empty()) return invalid("the model has no output");
    std::vector<bool> made(record_.tensors.size(), false);
    for (const std::int32_t input : record_.inputs) {
      if (made[static_cast<std::size_t>(input)])
        return invalid("tensor `" + record_.tensors[static_cast<std::size_t>(input)].name +
                       "` is an input twice");
      made[static_cast<std::size_t>(input)] = true;
    }
    for (const OperatorRecord& op : record_.operators)
      for (const std::int32_t output : op.outputs) {
        const auto at = static_cast<std::size_t>(output);
        if (made[at] || record_.tensors[at].has_data)
          return invalid("tensor `" + record_.tensors[at].name + "` is made by " + op.type +
                         " although it is an input, a constant or the output of another operator");
        made[at] = true;
      }
    return {};
  }

  /// Converters name a bias after the layer that it became part of: the layer's output keeps the name.
  void rename_constants() {
    std::unordered_set<std::string> made;
    for (const OperatorRecord& op : record_.operators)
      for (const std::int32_t output : op.outputs)
        made.insert(record_.tensors[static_cast<std::size_t>(output)].name);
    for (TensorRecord& tensor : record_.tensors)
      if (tensor.has_data && made.contains(tensor.name)) tensor.name += ".constant";
  }

  FlatFile& file_;
  Diagnostics& diagnostics_;
  SubgraphRecord record_;  ///< the present one
  TableVector<schema::Buffer> buffers_;
  TableVector<schema::OperatorCode> codes_;
};

}  // namespace

bool is_tflite(ByteSpan bytes) { return bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0; }

Result<ModelRecord> read_model(FlatFile& file, Diagnostics& diagnostics) {
  return ModelReader(file, diagnostics).run();
}

std::optional<DType> dtype_of(TensorType type) {
  switch (type) {
    case TensorType::FLOAT32:
    case TensorType::FLOAT16:
    case TensorType::BFLOAT16:
      return DType::f32;
    case TensorType::FLOAT64:
      return DType::f64;
    case TensorType::INT4:
    case TensorType::INT8:
      return DType::i8;
    case TensorType::UINT8:
      return DType::u8;
    case TensorType::INT16:
      return DType::i16;
    case TensorType::UINT16:
      return DType::u16;
    case TensorType::INT32:
      return DType::i32;
    case TensorType::UINT32:
      return DType::u32;
    case TensorType::INT64:
      return DType::i64;
    case TensorType::UINT64:
      return DType::u64;
    case TensorType::BOOL:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

}  // namespace nb::tflite
