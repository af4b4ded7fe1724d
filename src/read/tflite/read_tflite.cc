#include "read/tflite/read_tflite.h"

#include <algorithm>
#include <charconv>

#include "read/tflite/translate.h"

namespace nb {
namespace tflite {
namespace {

constexpr std::size_t kMaxFaults = 100;      // operators refused before reading ends
constexpr std::size_t kMaxLayersNamed = 50;  // of one unsupported operator
constexpr std::int64_t kMaxOperatorsWritten = 1000000;

const OperatorRow* find_row(BuiltinOperator code) {
  for (const OperatorRow& row : operator_rows())
    if (row.code == code) return &row;
  return nullptr;
}

/// Types that only constants may have.
bool is_storage_type(TensorType type) {
  return type == TensorType::FLOAT16 || type == TensorType::BFLOAT16 || type == TensorType::INT4;
}

std::string type_name(TensorType type) {
  const std::string_view name = name_of(type);
  return name.empty() ? "type " + std::to_string(static_cast<int>(type)) : std::string(name);
}

/// A constant of a storage type with whole elements: f32 of halves, i8 of nibbles (the low one first).
Bytes expand(TensorType type, ByteSpan data, std::int64_t elements) {
  const auto count = static_cast<std::size_t>(elements);
  if (type == TensorType::INT4) {
    std::vector<std::int8_t> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto pair = static_cast<std::uint8_t>(data[i / 2]);
      const int nibble = i % 2 == 0 ? pair & 15 : pair >> 4;
      values[i] = static_cast<std::int8_t>(nibble < 8 ? nibble : nibble - 16);
    }
    return to_bytes(values);
  }
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto half = load<std::uint16_t>(data, 2 * i);
    values[i] = type == TensorType::FLOAT16 ? half_to_float(half) : bfloat16_to_float(half);
  }
  return to_bytes(values);
}

/// "axis=1, keep_dims=0": the numbers among an operator's options.
std::string options_text(const OperatorRecord& op) {
  std::string text;
  visit_options(op.options_tag, [&]<class T>(T) {
    const Table<T> table = op.table.template member<T>(schema::Operator::builtin_options);
    T::each_number([&](std::string_view name, const auto& field) {
      const auto value = table[field];
      text += (text.empty() ? "" : ", ") + std::string(name) + "=";
      if constexpr (std::is_floating_point_v<decltype(table[field])>)
        text += float_text(static_cast<float>(value));
      else
        text += std::to_string(value);
    });
  });
  return text;
}

}  // namespace

Translation::Translation(ModelRecord model, FlatFile& file, const BlockSet& blocks,
                         const ReadOptions& options, Diagnostics& diagnostics)
    : model_(std::move(model)),
      file_(file),
      options_(options),
      builder_(blocks, diagnostics),
      frames_(model_.subgraphs.size()),
      constant_limit_((std::int64_t{256} << 20) + 16 * static_cast<std::int64_t>(file.bytes().size())) {
  builder_.graph().name = options.name;
  for (std::size_t i = 0; i < frames_.size(); ++i)
    frames_[i].values.resize(model_.subgraphs[i].tensors.size());
}

Failed Translation::invalid(Kind kind, std::string message, std::string help) {
  return builder_.diagnostics().add({.kind = kind, .message = std::move(message), .help = std::move(help)});
}

Result<Graph> Translation::run() {
  const std::size_t errors = builder_.diagnostics().error_count();
  if (!check_options()) return kFailed;
  check_operators();
  add_inputs();
  for (SubgraphRecord& subgraph : model_.subgraphs) join_dilated_convolutions(subgraph);
  frame().is_running = true;
  if (!translate_operators()) return kFailed;
  add_outputs();
  if (builder_.diagnostics().error_count() != errors || !file_.is_ok()) return kFailed;
  say_expanded();
  builder_.graph().remove_dead();
  return std::move(builder_.graph());
}

/// Operands of a concatenation that TensorFlow Lite Micro takes.
constexpr std::size_t kMaxMicroConcatenation = 10;

/// All operators without a translation, by their type.
void Translation::check_operators() {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const OperatorRecord*>> layers;
  for (const SubgraphRecord& subgraph : model_.subgraphs)
    for (const OperatorRecord& op : subgraph.operators) {
      const OperatorRow* row = find_row(op.code);
      if (row != nullptr && builder_.blocks().find(row->block) != nullptr) {
        const bool is_long =
            op.code == schema::BuiltinOperator::CONCATENATION && op.inputs.size() > kMaxMicroConcatenation;
        runs_on_micro_ = runs_on_micro_ && row->is_micro && !is_long;
        continue;
      }
      std::vector<const OperatorRecord*>& found = layers[op.type];
      if (found.empty()) order.push_back(op.type);
      found.push_back(&op);
    }
  for (const std::string& type : order) {
    const std::vector<const OperatorRecord*>& found = layers[type];
    Diagnostic said{.kind = Kind::unsupported_operator,
                    .message = type + " is not supported (" + count_text(found.size(), "layer") + ")",
                    .layer = type + " `" + found[0]->layer + "`",
                    .help = std::string(obstacle(type))};
    if (const std::string options = options_text(*found[0]); !options.empty())
      said.notes.push_back("attributes: " + options);
    for (std::size_t i = 1; i < std::min(found.size(), kMaxLayersNamed); ++i) {
      const std::string options = options_text(*found[i]);
      said.notes.push_back("also layer `" + found[i]->layer + "`" + (options.empty() ? "" : ": " + options));
    }
    if (found.size() > kMaxLayersNamed)
      said.notes.push_back("and " + count_text(found.size() - kMaxLayersNamed, "more layer"));
    builder_.diagnostics().add(std::move(said));
  }
}

Status Translation::check_dims() const {
  for (const auto& [name, size] : options_.dims) {
    std::vector<std::string> known;
    for (const std::int32_t index : graph().inputs)
      for (std::size_t axis = 0; axis < tensor(index).shape.size(); ++axis)
        if (tensor(index).is_dynamic[axis]) known.push_back(tensor(index).name + "." + std::to_string(axis));
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      if (size >= 1) continue;
      return const_cast<Translation*>(this)->invalid(
          Kind::usage, "--dim " + name + " is " + std::to_string(size) + ", not positive");
    }
    const std::string near = nearest(name, known);
    return const_cast<Translation*>(this)->invalid(
        Kind::usage, "--dim " + name + ": the model has no dynamic axis of that name",
        known.empty()   ? "every dimension of this model's inputs is known"
        : !near.empty() ? "did you mean " + near + "?"
                        : "its dynamic axes are " + join(known, ", "));
  }
  return {};
}

Status Translation::check_options() {
  if (!check_dims()) return kFailed;
  for (const auto& [name, given] : options_.frozen) {
    std::vector<std::string> names;
    for (const std::int32_t index : graph().inputs) names.push_back(tensor(index).name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return invalid(Kind::usage, "--freeze " + name + ": the model has no input of that name",
                     "its inputs are " + join(names, ", "));
  }
  return {};
}

void Translation::add_inputs() {
  for (const std::int32_t index : graph().inputs)
    if (!add_input(index)) frame().lost.insert(index);
}

Status Translation::add_input(std::int32_t index) {
  TensorRecord& record = model_.subgraphs[0].tensors[static_cast<std::size_t>(index)];
  const auto dtype = dtype_of(record.type);
  if (!dtype || is_storage_type(record.type))
    return invalid(Kind::unsupported_feature, "input `" + record.name + "` is " + type_name(record.type));
  for (const auto& [name, given] : options_.frozen) {
    if (name != record.name) continue;
    auto constant = frozen_input(record, given);
    if (!constant) return kFailed;
    has_free_shapes_ = has_free_shapes_ || constant->type.shape != record.shape;
    frame().values[static_cast<std::size_t>(index)] =
        builder_.add_constant(record.name, *std::move(constant));
    return {};
  }
  Status status;
  for (std::size_t axis = 0; axis < record.shape.size(); ++axis) {
    if (!record.is_dynamic[axis]) continue;
    const std::string name = record.name + "." + std::to_string(axis);
    const auto given = std::find_if(options_.dims.begin(), options_.dims.end(),
                                    [&](const auto& dim) { return dim.first == name; });
    if (given != options_.dims.end()) {
      has_free_shapes_ = has_free_shapes_ || given->second != record.shape[axis];
      record.shape[axis] = given->second;
    } else if (axis == 0) {
      has_free_shapes_ = has_free_shapes_ || record.shape[axis] != 1;
      record.shape[axis] = 1;
      builder_.remark(Kind::assumed_batch, "the leading axis of input `" + record.name +
                                               "` is dynamic in the file; it is compiled as 1 (--dim " +
                                               name + "=N for another)");
    } else {
      status = invalid(Kind::dynamic_shape,
                       "axis " + std::to_string(axis) + " of input `" + record.name + "` has no fixed size",
                       "give it with --dim " + name + "=N");
    }
  }
  if (!status) return status;
  if (const std::string fault = shape_fault(record.shape, *dtype); !fault.empty())
    return invalid(Kind::limit_exceeded, "input `" + record.name + "`: " + fault);
  frame().values[static_cast<std::size_t>(index)] =
      builder_.add_input(record.name, {*dtype, record.shape, record.quantization});
  return {};
}

Result<std::vector<ValueId>> Translation::run_subgraph(std::int32_t index, const std::vector<ValueId>& inputs,
                                                       const std::string& label) {
  const auto at = static_cast<std::size_t>(index);
  if (frames_[at].is_running) return builder_.refuse(Kind::invalid_model, "a loop runs itself");
  const SubgraphRecord& subgraph = model_.subgraphs[at];
  if (subgraph.inputs.size() != inputs.size())
    return builder_.refuse(Kind::invalid_model, "its subgraph has " + std::to_string(subgraph.inputs.size()) +
                                                    " inputs, the loop " + std::to_string(inputs.size()));
  const std::size_t outer = std::exchange(present_, at);
  const std::string outer_label = std::exchange(label_, label);
  frame().is_running = true;
  frame().lost.clear();
  for (std::size_t i = 0; i < subgraph.tensors.size(); ++i)  // constants are the same in each run
    if (!subgraph.tensors[i].has_data && !subgraph.tensors[i].is_variable) frame().values[i] = ValueId();
  bool is_right = true;
  for (std::size_t i = 0; i < inputs.size() && is_right; ++i)
    is_right = static_cast<bool>(bind(subgraph.inputs[i], inputs[i]));
  is_right = is_right && translate_operators();
  std::vector<ValueId> outputs;
  for (std::size_t i = 0; i < subgraph.outputs.size() && is_right; ++i) {
    is_right = !frame().lost.contains(subgraph.outputs[i]);
    if (!is_right) break;
    const auto value = value_of(subgraph.outputs[i]);
    is_right = static_cast<bool>(value);
    if (is_right) outputs.push_back(*value);
  }
  frame().is_running = false;
  present_ = outer;
  label_ = outer_label;
  if (!is_right) return kFailed;
  return outputs;
}

Result<Tensor> Translation::frozen_input(const TensorRecord& record, const Tensor& given) {
  const DType dtype = *dtype_of(record.type);
  const Shape& shape = given.type.shape;
  bool fits = shape.size() == record.shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == record.shape[i] || (record.is_dynamic[i] && shape[i] >= 1);
  if (!fits)
    return invalid(Kind::input_mismatch, "--freeze " + record.name + ": the data is " + shape_text(shape) +
                                             ", the input " + shape_text(record.shape));
  Tensor tensor{{dtype, shape, record.quantization}, given.data};
  if (given.type.dtype == dtype) return tensor;
  if (!is_integer(given.type.dtype) || !is_integer(dtype))
    return invalid(Kind::input_mismatch, "--freeze " + record.name + ": the data is " +
                                             type_text(given.type) + ", the input " +
                                             std::string(dtype_name(dtype)));
  tensor = make_tensor(tensor.type);
  const std::vector<std::int64_t> values = to_ints(given);
  bool in_range = true;
  visit_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto to = tensor.as<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      to[i] = static_cast<T>(values[i]);
      in_range = in_range && static_cast<std::int64_t>(to[i]) == values[i];
    }
  });
  if (!in_range)
    return invalid(Kind::input_mismatch,
                   "--freeze " + record.name + ": a value does not fit " + std::string(dtype_name(dtype)));
  return tensor;
}

/// An operator that is refused loses its outputs, and the others are looked at.
Status Translation::translate_operators() {
  for (const OperatorRecord& op : graph().operators) {
    builder_.set_layer(label_ + op.layer, op.type);
    if (++operators_written_ > kMaxOperatorsWritten)
      return builder_.refuse(Kind::limit_exceeded, "the model has more than " +
                                                       grouped(kMaxOperatorsWritten) +
                                                       " operators with its loops written out");
    const bool is_skipped = std::any_of(op.inputs.begin(), op.inputs.end(),
                                        [&](std::int32_t index) { return frame().lost.contains(index); });
    if (!is_skipped) {
      const std::size_t present = present_;
      if (translate_operator(op)) continue;
      const std::vector<Diagnostic>& all = builder_.diagnostics().all();
      if (!file_.is_ok() || present_ != present || ++faults_ > kMaxFaults ||
          (!all.empty() && all.back().kind == Kind::limit_exceeded))
        return kFailed;
    }
    frame().lost.insert(op.outputs.begin(), op.outputs.end());
  }
  return {};
}

Status Translation::translate_operator(const OperatorRecord& op) {
  const std::size_t errors = builder_.diagnostics().error_count();
  const OperatorRow* row = find_row(op.code);
  if (row == nullptr || builder_.blocks().find(row->block) == nullptr)
    return kFailed;  // check_operators has said so
  if (op.outputs.empty()) return builder_.refuse(Kind::invalid_model, "the operator has no output");
  for (const std::int32_t output : op.outputs)
    if (is_storage_type(tensor(output).type) || !dtype_of(tensor(output).type))
      return builder_.refuse(Kind::unsupported_feature, "its output is " + type_name(tensor(output).type));
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < op.inputs.size() || i < static_cast<std::size_t>(row->operands); ++i) {
    const std::int32_t index = i < op.inputs.size() ? op.inputs[i] : -1;
    if (index < 0 && i < static_cast<std::size_t>(row->operands))
      return builder_.refuse(Kind::invalid_model, "operand " + std::to_string(i) + " is missing");
    if (index < 0) {
      inputs.emplace_back();
      continue;
    }
    const auto value = value_of(index);
    if (!value) return kFailed;
    inputs.push_back(*value);
  }
  Layer layer(*this, op, *row, std::move(inputs));
  if (!row->translate(layer) || builder_.diagnostics().error_count() != errors || !file_.is_ok())
    return kFailed;
  return count_constants(0);
}

/// Folding and shared buffers can multiply constants: their sum, with `more_bytes` to come, stays below a
/// limit that follows from the file's size.
Status Translation::count_constants(std::int64_t more_bytes) {
  const auto& values = builder_.graph().values;
  for (; counted_values_ < values.size(); ++counted_values_)
    if (values[counted_values_].data) constant_bytes_ += values[counted_values_].type.size_bytes();
  if (constant_bytes_ + more_bytes <= constant_limit_) return {};
  return builder_.refuse(Kind::limit_exceeded,
                         "the constants computed so far need " + bytes_text(constant_bytes_ + more_bytes) +
                             "; for a file of this size the limit is " + bytes_text(constant_limit_));
}

void Translation::add_outputs() {
  const std::string& name = builder_.graph().name;
  for (const std::int32_t index : graph().outputs) {
    if (frame().lost.contains(index)) continue;
    builder_.set_layer(name.empty() ? "model" : name, "output");
    const auto value = value_of(index);
    if (value) builder_.add_output(tensor(index).name, *value);
  }
}

Result<ValueId> Translation::add_constant(const TensorRecord& record) {
  Graph& graph = builder_.graph();
  const Type type{*dtype_of(record.type), record.shape, record.quantization};
  std::shared_ptr<const Bytes> data;
  if (!count_constants(type.size_bytes())) return kFailed;
  if (is_storage_type(record.type)) {
    data = std::make_shared<const Bytes>(expand(record.type, record.data, type.elements()));
    if (record.type != TensorType::INT4) {
      expansions_[type_name(record.type)].count(record.data.size(), data->size());
    }
  } else {
    std::shared_ptr<const Bytes>& shared = buffers_[record.buffer];
    if (!shared) shared = std::make_shared<const Bytes>(record.data.begin(), record.data.end());
    data = shared;
  }
  return graph.add_value({record.name, type, Source::constant, std::move(data)});
}

Result<ValueId> Translation::value_of(std::int32_t index) {
  ValueId& value = frame().values[static_cast<std::size_t>(index)];
  if (value.is_present()) return value;
  const auto made = make_value(index);
  if (made) return value = *made;
  frame().lost.insert(index);  // said once
  return kFailed;
}

Result<ValueId> Translation::make_value(std::int32_t index) {
  const TensorRecord& record = tensor(index);
  const auto dtype = dtype_of(record.type);
  const std::string name = "tensor `" + record.name + "`";
  if (record.is_variable) {
    if (!dtype || is_storage_type(record.type) || record.has_dynamic_shape())
      return builder_.refuse(Kind::unsupported_feature, name + " is a variable of " + type_name(record.type));
    const Type type{*dtype, record.shape, record.quantization};
    std::shared_ptr<const Bytes> first;
    if (!count_constants(type.size_bytes())) return kFailed;
    // A variable of bytes starts as the zero point, any other as zero bytes.
    if (*dtype == DType::i8 && record.quantization && record.quantization->zero_points[0] != 0)
      first = std::make_shared<const Bytes>(static_cast<std::size_t>(type.size_bytes()),
                                            static_cast<std::byte>(record.quantization->zero_points[0]));
    return builder_.add_state(record.name, type, std::move(first));
  }
  const bool is_empty = element_count(record.shape) == 0;
  if (!record.has_data && !is_empty)
    return builder_.refuse(Kind::invalid_model, name + " is used before any operator makes it");
  if (!dtype) return builder_.refuse(Kind::unsupported_feature, name + " is " + type_name(record.type));
  if (record.is_sparse)
    return builder_.refuse(Kind::unsupported_feature, name + " is sparse", "export dense weights");
  return add_constant(record);
}

Result<ValueId> Translation::expanded_value_of(std::int32_t index) {
  if (const auto known = frame().expanded.find(index); known != frame().expanded.end()) return known->second;
  const TensorRecord& record = tensor(index);
  const auto whole = value_of(index);
  if (!whole) return kFailed;
  if (!count_constants(element_count(record.shape) * 4)) return kFailed;
  const Tensor stored = builder_.constant(*whole);
  if (!record.quantization)
    return builder_.refuse(Kind::invalid_model, "the integer weights `" + record.name + "` have no scale");
  const Quantization& q = *record.quantization;
  std::int64_t inner = 1;  // elements that share an index of the axis
  if (q.is_per_axis())
    for (std::size_t i = static_cast<std::size_t>(q.axis) + 1; i < record.shape.size(); ++i)
      inner *= record.shape[i];
  Tensor real = make_tensor({DType::f32, record.shape});
  const auto to = real.as<float>();
  visit_dtype(stored.type.dtype, [&](auto zero) {
    const auto from = stored.as<decltype(zero)>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const std::size_t channel = q.is_per_axis() ? i / static_cast<std::size_t>(inner) % q.scales.size() : 0;
      const auto steps = static_cast<std::int64_t>(from[i]) - q.zero_points[channel];
      to[i] = q.scales[channel] * static_cast<float>(steps);
    }
  });
  expansions_[type_name(record.type)].count(record.data.size(), real.data.size());
  const ValueId id = builder_.add_constant(record.name, std::move(real));
  frame().expanded[index] = id;
  return id;
}

void Translation::say_expanded() {
  for (const auto& [type, sum] : expansions_)
    builder_.diagnostics().add(
        {.kind = Kind::weights_dequantized,
         .message = count_text(sum.tensors, "tensor") + " of " + type + " weights under float activations: " +
                    bytes_text(sum.stored_bytes) + " become " + bytes_text(sum.float_bytes)});
}

Status Translation::bind(std::int32_t index, ValueId value) {
  const TensorRecord& record = tensor(index);
  const Type& type = builder_.type(value);
  if (type.dtype != *dtype_of(record.type))
    return builder_.refuse(Kind::invalid_model,
                           "its output `" + record.name + "` is " + type_name(record.type) +
                               " in the file, but the operator makes " + std::string(dtype_name(type.dtype)));
  const auto without_ones = [](const Shape& shape) {
    Shape rest;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(rest),
                 [](std::int64_t dim) { return dim != 1; });
    return rest;
  };
  ValueId bound = value;
  const bool is_stated = !has_free_shapes_ && !record.has_dynamic_shape();
  if (is_stated && type.shape != record.shape) {
    const bool is_unknown_rank = record.shape.empty();
    if (without_ones(type.shape) == without_ones(record.shape)) {
      const Block* reshape = builder_.blocks().find("reshape");
      if (reshape == nullptr) return builder_.refuse(Kind::internal, "no block is called `reshape`");
      Attributes attributes = reshape->attributes.make();
      reshape->attributes.set(attributes, "shape", attribute_text(record.shape));
      const auto reshaped =
          builder_.add_one("reshape", std::move(attributes), {value}, {record.name, type.quantization});
      if (!reshaped) return kFailed;
      bound = *reshaped;
    } else if (!is_unknown_rank) {
      return builder_.refuse(Kind::invalid_model,
                             "its output `" + record.name + "` is " + shape_text(record.shape) +
                                 " in the file, but the operator makes " + shape_text(type.shape));
    }
  }
  frame().values[static_cast<std::size_t>(index)] = bound;
  return {};
}

}  // namespace tflite

bool is_tflite(ByteSpan file) { return tflite::is_tflite(file); }

Result<Graph> read_tflite(ByteSpan file, const BlockSet& blocks, const ReadOptions& options,
                          Diagnostics& diagnostics) {
  tflite::FlatFile flat(file, diagnostics);
  auto model = tflite::read_model(flat, diagnostics);
  if (!model || !flat.is_ok()) return kFailed;
  return tflite::Translation(*std::move(model), flat, blocks, options, diagnostics).run();
}

}  // namespace nb
