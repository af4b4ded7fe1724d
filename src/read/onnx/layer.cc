#include "read/onnx/layer.h"

#include <algorithm>

#include "read/onnx/importer.h"
#include "read/onnx/schema.h"
#include "read/onnx/tensor.h"

namespace nb::onnx {
namespace {
constexpr std::int64_t number_of(AttributeProto_AttributeType type) {
  return static_cast<std::int64_t>(type);
}
}  // namespace

Layer::Layer(Importer& importer, Frame& frame, const NodeProto& node, const OperatorRow& row,
             std::int64_t opset_version, std::string name)
    : Translation(importer.build(), std::move(name), printable(node.type)),
      opset(opset_version),
      importer_(importer),
      frame_(frame),
      node_(node),
      row_(row) {
  for (const std::string_view input : node.inputs) {
    ValueId id;
    if (!input.empty()) {
      id = importer.find(frame, input);
      if (!id.is_present() && !importer.is_left_out(frame, input)) {
        frame.unknown.insert(input);  // said once
        invalid("its input `" + printable(input) + "` is made by nothing");
      }
    }
    inputs_.push_back(id);
  }
  first_value_ = build.graph().values.size();
}

ValueId Layer::in(std::size_t i) {
  if (!has(i)) invalid("its input " + std::to_string(i) + " is missing");
  return inputs_[i];
}

std::vector<ValueId> Layer::all_inputs() {
  if (inputs_.empty()) invalid("it has no inputs");
  std::vector<ValueId> ids;
  for (std::size_t i = 0; i < inputs_.size(); ++i) ids.push_back(in(i));
  return ids;
}

std::optional<Ints> Layer::ints_of(std::string_view name, std::size_t i) {
  if (has_attribute(name)) return integers(name);
  if (has(i)) return ints(inputs_[i], name);
  return std::nullopt;
}

const AttributeProto* Layer::find(std::string_view name) const {
  const AttributeProto* attribute = node_.find(name);
  if (attribute == nullptr || attribute->reference.empty()) return attribute;
  if (frame_.bindings == nullptr) return nullptr;
  const auto bound = frame_.bindings->find(attribute->reference);
  return bound == frame_.bindings->end() ? nullptr : bound->second;
}

const AttributeProto* Layer::find(std::string_view name, std::int64_t wanted) {
  const AttributeProto* attribute = find(name);
  // Files from before IR 4 may leave the type out.
  if (attribute != nullptr && attribute->type != 0 && attribute->type != wanted) {
    const auto type_name = [](std::int64_t type) {
      return std::string(find_name(kAttributeProto_AttributeTypeNames, static_cast<std::int32_t>(type)));
    };
    invalid("attribute `" + std::string(name) + "` is " + type_name(attribute->type) + " instead of " +
            type_name(wanted));
  }
  return attribute;
}

std::int64_t Layer::integer(std::string_view name, std::int64_t fallback) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::INT));
  return found ? found->i : fallback;
}
std::int64_t Layer::integer(std::string_view name) {
  if (!has_attribute(name)) invalid("attribute `" + std::string(name) + "` is missing");
  return integer(name, 0);
}
bool Layer::flag(std::string_view name, bool fallback) {
  const std::int64_t value = integer(name, fallback ? 1 : 0);
  if (value != 0 && value != 1)
    refuse(Kind::attribute_out_of_range,
           "attribute `" + std::string(name) + "` is " + std::to_string(value) + ", neither 0 nor 1");
  return value == 1;
}
float Layer::real(std::string_view name, float fallback) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::FLOAT));
  return found ? found->f : fallback;
}
std::string Layer::text(std::string_view name, std::string_view fallback) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::STRING));
  return printable(found ? found->s : fallback);
}
Ints Layer::integers(std::string_view name, const Ints& fallback) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::INTS));
  return found ? found->ints : fallback;
}
std::vector<float> Layer::reals(std::string_view name, const std::vector<float>& fallback) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::FLOATS));
  return found ? found->floats : fallback;
}
std::vector<std::string> Layer::texts(std::string_view name) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::STRINGS));
  std::vector<std::string> texts;
  if (found)
    for (const std::string_view text : found->strings) texts.push_back(printable(text));
  return texts;
}

Tensor Layer::tensor(std::string_view name) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::TENSOR));
  if (found == nullptr || !found->tensor) invalid("attribute `" + std::string(name) + "` is missing");
  TensorProto proto;
  if (!parse(*found->tensor, proto))
    refuse(Kind::malformed_file, "attribute `" + std::string(name) + "` is no tensor message");
  auto read = read_tensor(proto, importer_.files());
  if (!read)
    refuse(read.fault().kind, "attribute `" + std::string(name) + "`: " + read.fault().message,
           read.fault().help);
  return std::move(*read);
}

ByteSpan Layer::graph(std::string_view name) {
  const AttributeProto* found = find(name, number_of(AttributeProto_AttributeType::GRAPH));
  if (found == nullptr || !found->graph) invalid("attribute `" + std::string(name) + "` is missing");
  return *found->graph;
}

DType Layer::element_type(std::string_view name) {
  const std::int64_t number = integer(name);
  const auto stored = dtype_of(number);
  if (!stored || is_nibble(number))
    unsupported("attribute `" + std::string(name) + "` is " + element_type_name(number));
  if (computed_dtype(*stored) != *stored)
    build.remark(Kind::remark, element_type_name(number) + " values are computed as f32");
  return computed_dtype(*stored);
}

bool Layer::wants(std::size_t i) const {
  return i < node_.outputs.size() && !node_.outputs[i].empty() && frame_.used.contains(node_.outputs[i]);
}

void Layer::refuse_output(std::size_t i, std::string_view what) {
  if (wants(i))
    unsupported("its output `" + printable(node_.outputs[i]) + "`, " + std::string(what) + ", is used");
}

void Layer::output(std::size_t i, ValueId id) {
  if (i >= node_.outputs.size() || node_.outputs[i].empty()) return;
  frame_.values[node_.outputs[i]] = id;
  // Names become unique when the graph is complete.
  if (id.index() >= first_value_) build.graph().at(id).name = frame_.prefix + printable(node_.outputs[i]);
}

}  // namespace nb::onnx
