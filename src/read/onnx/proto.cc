#include "read/onnx/proto.h"

#include "read/onnx/schema.h"

namespace nb::onnx {
namespace {

namespace schema = nb::onnx::field;
constexpr std::size_t kMaxNodes = 100'000;

/// Calls take(field) for each field; take returns false for a field that it knows but whose type is wrong.
template <class Take>
bool each_field(ByteSpan message, Take take) {
  WireReader reader(message);
  WireField field;
  while (reader.next(field))
    if (!take(field)) return false;
  return !reader.is_faulty();
}

bool take_text(const WireField& field, std::string_view& text) {
  text = field.as_text();
  return field.type == WireType::bytes;
}
bool take_int(const WireField& field, std::int64_t& value) {
  value = field.as_int();
  return field.type == WireType::varint;
}

/// A repeated scalar field, packed or not.
bool take_ints(const WireField& field, std::vector<std::int64_t>& values) {
  if (field.type == WireType::varint) {
    values.push_back(field.as_int());
    return true;
  }
  if (field.type != WireType::bytes) return false;
  WireReader reader(field.bytes);
  std::uint64_t value = 0;
  while (reader.next_packed(value)) values.push_back(static_cast<std::int64_t>(value));
  return !reader.is_faulty();
}
bool take_floats(const WireField& field, std::vector<float>& values) {
  if (field.type == WireType::fixed32) {
    values.push_back(field.as_float());
    return true;
  }
  if (field.type != WireType::bytes || field.bytes.size() % sizeof(float) != 0) return false;
  for (std::size_t at = 0; at < field.bytes.size(); at += sizeof(float))
    values.push_back(load<float>(field.bytes, at));
  return true;
}

bool parse(ByteSpan message, AttributeProto& a);
bool parse(ByteSpan message, NodeProto& node);
bool parse(ByteSpan message, Dimension& dim);
bool parse(ByteSpan message, ValueInfoProto& info);
bool parse(ByteSpan message, OperatorSet& opset);
bool parse(ByteSpan message, FunctionProto& function);

template <class T>
bool take_message(const WireField& field, std::vector<T>& messages) {
  if (field.type != WireType::bytes) return false;
  messages.emplace_back();
  return parse(field.bytes, messages.back());
}

bool parse(ByteSpan message, AttributeProto& a) {
  using S = schema::AttributeProto;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::name:
        return take_text(field, a.name);
      case S::ref_attr_name:
        return take_text(field, a.reference);
      case S::type:
        return take_int(field, a.type);
      case S::i:
        return take_int(field, a.i);
      case S::f:
        a.f = field.as_float();
        return field.type == WireType::fixed32;
      case S::s:
        return take_text(field, a.s);
      case S::ints:
        return take_ints(field, a.ints);
      case S::floats:
        return take_floats(field, a.floats);
      case S::strings:
        a.strings.emplace_back();
        return take_text(field, a.strings.back());
      case S::t:
        a.tensor = field.bytes;
        return field.type == WireType::bytes;
      case S::sparse_tensor:
        a.sparse_tensor = field.bytes;
        return field.type == WireType::bytes;
      case S::g:
        a.graph = field.bytes;
        return field.type == WireType::bytes;
      default:
        return true;
    }
  });
}

bool parse(ByteSpan message, NodeProto& node) {
  using S = schema::NodeProto;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::input:
        node.inputs.emplace_back();
        return take_text(field, node.inputs.back());
      case S::output:
        node.outputs.emplace_back();
        return take_text(field, node.outputs.back());
      case S::name:
        return take_text(field, node.name);
      case S::op_type:
        return take_text(field, node.type);
      case S::domain:
        return take_text(field, node.domain);
      case S::overload:
        return take_text(field, node.overload);
      case S::attribute:
        return take_message(field, node.attributes);
      default:
        return true;
    }
  });
}

bool parse(ByteSpan message, Dimension& dim) {
  using S = schema::TensorShapeProto_Dimension;
  return each_field(message, [&](const WireField& field) {
    if (field.number == S::dim_value) {
      dim.value = field.as_int();
      return field.type == WireType::varint;
    }
    return field.number != S::dim_param || take_text(field, dim.symbol);
  });
}

bool parse_tensor_type(ByteSpan message, ValueInfoProto& info) {
  using S = schema::TypeProto_Tensor;
  return each_field(message, [&](const WireField& field) {
    if (field.number == S::elem_type) return take_int(field, info.element_type);
    if (field.number != S::shape) return true;
    info.has_shape = true;
    return field.type == WireType::bytes && each_field(field.bytes, [&](const WireField& dim) {
             return dim.number != schema::TensorShapeProto::dim || take_message(dim, info.dims);
           });
  });
}

bool parse(ByteSpan message, ValueInfoProto& info) {
  using S = schema::ValueInfoProto;
  return each_field(message, [&](const WireField& field) {
    if (field.number == S::name) return take_text(field, info.name);
    if (field.number != S::type) return true;
    return field.type == WireType::bytes && each_field(field.bytes, [&](const WireField& type) {
             if (type.number != schema::TypeProto::tensor_type) return true;
             info.is_tensor = true;
             return type.type == WireType::bytes && parse_tensor_type(type.bytes, info);
           });
  });
}

bool parse_entry(ByteSpan message, std::pair<std::string_view, std::string_view>& entry) {
  using S = schema::StringStringEntryProto;
  return each_field(message, [&](const WireField& field) {
    if (field.number == S::key) return take_text(field, entry.first);
    return field.number != S::value || take_text(field, entry.second);
  });
}

bool parse(ByteSpan message, OperatorSet& opset) {
  using S = schema::OperatorSetIdProto;
  return each_field(message, [&](const WireField& field) {
    if (field.number == S::domain) return take_text(field, opset.domain);
    return field.number != S::version || take_int(field, opset.version);
  });
}

bool parse(ByteSpan message, FunctionProto& function) {
  using S = schema::FunctionProto;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::name:
        return take_text(field, function.name);
      case S::domain:
        return take_text(field, function.domain);
      case S::overload:
        return take_text(field, function.overload);
      case S::input:
        function.inputs.emplace_back();
        return take_text(field, function.inputs.back());
      case S::output:
        function.outputs.emplace_back();
        return take_text(field, function.outputs.back());
      case S::attribute_proto:
        return take_message(field, function.defaults);
      case S::node:
        return take_message(field, function.nodes) && function.nodes.size() <= kMaxNodes;
      case S::opset_import:
        return take_message(field, function.opsets);
      default:
        return true;
    }
  });
}

}  // namespace

bool parse(ByteSpan message, ModelProto& model) {
  using S = schema::ModelProto;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::ir_version:
        return take_int(field, model.ir_version);
      case S::producer_name:
        return take_text(field, model.producer);
      case S::opset_import:
        return take_message(field, model.opsets);
      case S::graph:
        model.graph = field.bytes;
        return field.type == WireType::bytes;
      case S::functions:
        return take_message(field, model.functions);
      default:
        return true;
    }
  });
}

bool parse(ByteSpan message, GraphProto& graph) {
  using S = schema::GraphProto;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::name:
        return take_text(field, graph.name);
      case S::node:
        return take_message(field, graph.nodes) && graph.nodes.size() <= kMaxNodes;
      case S::initializer:
        return take_message(field, graph.initializers);
      case S::sparse_initializer:
        ++graph.sparse_initializers;
        return true;
      case S::input:
        return take_message(field, graph.inputs);
      case S::output:
        return take_message(field, graph.outputs);
      default:
        return true;
    }
  });
}

bool parse(ByteSpan message, TensorProto& tensor) {
  using S = schema::TensorProto;
  tensor.message = message;
  return each_field(message, [&](const WireField& field) {
    switch (field.number) {
      case S::name:
        return take_text(field, tensor.name);
      case S::dims:
        return take_ints(field, tensor.dims);
      case S::data_type:
        return take_int(field, tensor.data_type);
      case S::raw_data:
        tensor.raw = field.bytes;
        tensor.has_raw = true;
        return field.type == WireType::bytes;
      case S::data_location:
        tensor.is_external = field.value == 1;
        return field.type == WireType::varint;
      case S::external_data:
        tensor.external.emplace_back();
        return field.type == WireType::bytes && parse_entry(field.bytes, tensor.external.back());
      default:
        return true;
    }
  });
}

std::optional<std::vector<std::uint64_t>> typed_elements(const TensorProto& tensor, std::size_t max_count) {
  using S = schema::TensorProto;
  std::vector<std::uint64_t> elements;
  const auto packed = [&](const WireField& field, std::size_t width) {
    if (field.bytes.size() % width != 0 || field.bytes.size() / width > max_count - elements.size())
      return false;
    for (std::size_t at = 0; at < field.bytes.size(); at += width)
      elements.push_back(width == 4 ? load<std::uint32_t>(field.bytes, at)
                                    : load<std::uint64_t>(field.bytes, at));
    return true;
  };
  const bool is_ok = each_field(tensor.message, [&](const WireField& field) {
    const bool is_integer =
        field.number == S::int32_data || field.number == S::int64_data || field.number == S::uint64_data;
    const bool is_float = field.number == S::float_data;
    if (!is_integer && !is_float && field.number != S::double_data) return true;
    if (field.type != WireType::bytes) {
      elements.push_back(field.value);
      const WireType wanted = is_integer ? WireType::varint
                              : is_float ? WireType::fixed32
                                         : WireType::fixed64;
      return field.type == wanted && elements.size() <= max_count;
    }
    if (!is_integer) return packed(field, is_float ? 4 : 8);
    WireReader reader(field.bytes);
    for (std::uint64_t value = 0; reader.next_packed(value); elements.push_back(value))
      if (elements.size() == max_count) return false;
    return !reader.is_faulty();
  });
  if (!is_ok) return std::nullopt;
  return elements;
}

}  // namespace nb::onnx
