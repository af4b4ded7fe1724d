#include "read/translation.h"

#include <algorithm>

#include "base/text.h"

namespace nb::read {

Translation::Translation(GraphBuilder& builder, std::string name, std::string origin, std::string source)
    : build(builder), name_(std::move(name)), origin_(std::move(origin)), source_(std::move(source)) {
  build.set_layer(name_, origin_, source_);
}

void Translation::refuse(Kind kind, const std::string& message, const std::string& help) {
  build.set_layer(name_, origin_, source_);
  (void)build.refuse(kind, message, help);
  throw Refusal{};
}

std::int64_t Translation::dim(ValueId id, std::int64_t at) {
  const Type& known = build.type(id);
  if (at < 0 || at >= known.rank())
    refuse(Kind::shape_mismatch, "`" + build.graph().at(id).name + "` is " + type_text(known) +
                                     " and has no axis " + std::to_string(at));
  return known.shape[static_cast<std::size_t>(at)];
}

void Translation::require_rank(ValueId id, std::int64_t at_least, std::string_view what) {
  if (rank(id) < at_least)
    refuse(Kind::shape_mismatch, std::string(what) + " is " + type_text(build.type(id)) + ", of rank below " +
                                     std::to_string(at_least));
}

std::int64_t Translation::axis(std::int64_t value, std::int64_t of_rank) {
  if (value < -of_rank || value >= of_rank)
    refuse(Kind::attribute_out_of_range,
           "axis " + std::to_string(value) + " is outside a tensor of rank " + std::to_string(of_rank));
  return value < 0 ? value + of_rank : value;
}

Ints Translation::axes(Ints values, std::int64_t of_rank) {
  for (auto& value : values) {
    const std::int64_t at = axis(value, of_rank);
    value = at;
  }
  Ints sorted = values;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) invalid("an axis is named twice");
  return values;
}

Ints Translation::ints(ValueId id, std::string_view what) {
  auto values = build.ints(id, what);
  if (!values) throw Refusal{};
  return *std::move(values);
}

std::vector<double> Translation::doubles(ValueId id, std::string_view what) {
  auto values = build.doubles(id, what);
  if (!values) throw Refusal{};
  return *std::move(values);
}

std::int64_t Translation::one_int(ValueId id, std::string_view what) {
  const Ints values = ints(id, what);
  if (values.size() != 1) invalid(std::string(what) + " has " + count_text(values.size(), "element"));
  return values[0];
}

double Translation::one_double(ValueId id, std::string_view what) {
  const auto values = doubles(id, what);
  if (values.size() != 1) invalid(std::string(what) + " has " + count_text(values.size(), "element"));
  return values[0];
}

void Translation::need_block(std::string_view block) {
  if (!has_block(block))
    refuse(Kind::unsupported_operator, "needs the block `" + std::string(block) + "`, which does not exist");
}

std::vector<ValueId> Translation::add_all(std::string_view block, Attributes attributes,
                                          std::vector<ValueId> inputs) {
  need_block(block);
  const Block& found = *build.blocks().find(block);
  std::vector<NodeOutput> outputs(found.outputs.size(), NodeOutput{name_ + "/" + std::string(block), {}});
  auto ids = build.add(block, std::move(attributes), std::move(inputs), std::move(outputs));
  if (!ids) throw Refusal{};
  return *std::move(ids);
}

ValueId Translation::add_one(std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                             std::optional<Quantization> quantization) {
  need_block(block);
  auto id = build.add_one(block, std::move(attributes), std::move(inputs),
                          {name_ + "/" + std::string(block), std::move(quantization)});
  if (!id) throw Refusal{};
  return *id;
}

ValueId Translation::add(std::string_view block, std::vector<ValueId> inputs) {
  return add(block, std::move(inputs), {});
}

ValueId Translation::add(std::string_view block, std::vector<ValueId> inputs,
                         std::initializer_list<std::pair<std::string_view, float>> attributes) {
  need_block(block);
  const AttributeOps& ops = build.blocks().find(block)->attributes;
  Attributes values = ops.make();
  for (const auto& [name, value] : attributes)
    if (!ops.set(values, name, float_text(value)))
      refuse(Kind::internal, "block " + std::string(block) + " takes no float `" + std::string(name) + "`");
  return add_one(block, std::move(values), std::move(inputs));
}

ValueId Translation::constant(Tensor tensor, std::string_view what) {
  return build.add_constant(name_ + "/" + std::string(what), std::move(tensor));
}

}  // namespace nb::read
