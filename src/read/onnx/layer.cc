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
    : build(importer.build()),
      opset(opset_version),
      importer_(importer),
      frame_(frame),
      node_(node),
      row_(row),
      name_(std::move(name)) {
  build.set_layer(name_, printable(node.type));
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

void Layer::refuse(Kind kind, const std::string& message, const std::string& help) {
  build.set_layer(name_, printable(node_.type));
  (void)build.refuse(kind, message, help);
  throw Refusal{};
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

std::int64_t Layer::dim(ValueId id, std::int64_t at) {
  const Type& known = build.type(id);
  if (at < 0 || at >= known.rank())
    refuse(Kind::shape_mismatch, "`" + build.graph().at(id).name + "` is " + type_text(known) +
                                     " and has no axis " + std::to_string(at));
  return known.shape[static_cast<std::size_t>(at)];
}

void Layer::require_rank(ValueId id, std::int64_t at_least, std::string_view what) {
  if (rank(id) < at_least)
    refuse(Kind::shape_mismatch, std::string(what) + " is " + type_text(build.type(id)) + ", of rank below " +
                                     std::to_string(at_least));
}

Ints Layer::ints(ValueId id, std::string_view what) {
  auto values = build.ints(id, what);
  if (!values) throw Refusal{};
  return *std::move(values);
}

std::vector<double> Layer::doubles(ValueId id, std::string_view what) {
  auto values = build.doubles(id, what);
  if (!values) throw Refusal{};
  return *std::move(values);
}

std::int64_t Layer::one_int(ValueId id, std::string_view what) {
  const Ints values = ints(id, what);
  if (values.size() != 1) invalid(std::string(what) + " has " + count_text(values.size(), "element"));
  return values[0];
}

double Layer::one_double(ValueId id, std::string_view what) {
  const auto values = doubles(id, what);
  if (values.size() != 1) invalid(std::string(what) + " has " + count_text(values.size(), "element"));
  return values[0];
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

std::int64_t Layer::axis(std::int64_t value, std::int64_t of_rank) {
  if (value < -of_rank || value >= of_rank)
    refuse(Kind::attribute_out_of_range,
           "axis " + std::to_string(value) + " is outside a tensor of rank " + std::to_string(of_rank));
  return value < 0 ? value + of_rank : value;
}

Ints Layer::axes(Ints values, std::int64_t of_rank) {
  for (auto& value : values) {
    const std::int64_t at = axis(value, of_rank);
    value = at;
  }
  Ints sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) invalid("an axis is named twice");
  return values;
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

void Layer::need_block(std::string_view block) {
  if (!has_block(block))
    refuse(Kind::unsupported_operator, "needs the block `" + std::string(block) + "`, which does not exist");
}

std::vector<ValueId> Layer::add_all(std::string_view block, Attributes attributes,
                                    std::vector<ValueId> inputs) {
  need_block(block);
  const Block& found = *build.blocks().find(block);
  std::vector<NodeOutput> outputs(found.outputs.size(), NodeOutput{name_ + "/" + std::string(block), {}});
  auto ids = build.add(block, std::move(attributes), std::move(inputs), std::move(outputs));
  if (!ids) throw Refusal{};
  return *std::move(ids);
}

ValueId Layer::add_one(std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                       std::optional<Quantization> quantization) {
  need_block(block);
  auto id = build.add_one(block, std::move(attributes), std::move(inputs),
                          {name_ + "/" + std::string(block), std::move(quantization)});
  if (!id) throw Refusal{};
  return *id;
}

ValueId Layer::add(std::string_view block, std::vector<ValueId> inputs) {
  return add(block, std::move(inputs), {});
}

ValueId Layer::add(std::string_view block, std::vector<ValueId> inputs,
                   std::initializer_list<std::pair<std::string_view, float>> attributes) {
  need_block(block);
  const AttributeOps& ops = build.blocks().find(block)->attributes;
  Attributes values = ops.make();
  for (const auto& [name, value] : attributes)
    if (!ops.set(values, name, float_text(value)))
      refuse(Kind::internal, "block " + std::string(block) + " takes no float `" + std::string(name) + "`");
  return add_one(block, std::move(values), std::move(inputs));
}

ValueId Layer::constant(Tensor tensor, std::string_view what) {
  return build.add_constant(name_ + "/" + std::string(what), std::move(tensor));
}

}  // namespace nb::onnx
