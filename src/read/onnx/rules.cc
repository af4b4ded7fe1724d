#include "read/onnx/rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "read/onnx/operator_schemas.h"
#include "read/onnx/operators.h"
#include "read/onnx/schema.h"
#include "read/onnx/tensor.h"

namespace nb::onnx {
namespace {

constexpr int kOther = 63;  // the bit of what is no tensor

std::string type_name(std::int64_t type) {
  return std::string(find_name(kAttributeProto_AttributeTypeNames, static_cast<std::int32_t>(type)));
}

std::span<const OperatorSchema> versions_of(std::string_view name) {
  const auto begin = std::ranges::lower_bound(kOperatorSchemas, name, {}, &OperatorSchema::name);
  const auto end = std::ranges::upper_bound(kOperatorSchemas, name, {}, &OperatorSchema::name);
  return {begin, end};
}

/// The version of the operator that the layer's operator set has; null for an operator of no specification.
const OperatorSchema* find_schema(Layer& l) {
  const std::string_view domain = l.node().domain;
  const std::string name =
      (domain.empty() || domain == "ai.onnx" ? "" : std::string(domain) + ".") + std::string(l.type());
  const auto versions = versions_of(name);
  if (versions.empty()) return nullptr;
  const OperatorSchema* found = nullptr;
  for (const OperatorSchema& row : versions)
    if (row.since <= l.opset && !row.is_deprecated) found = &row;
  if (found == nullptr)
    l.invalid("operator set " + std::to_string(l.opset) + " has no " + name + ", which came with " +
              std::to_string(versions.front().since));
  return found;
}

void check_attributes(Layer& l, const OperatorSchema& schema) {
  const std::span rows(kAttributeSchemas.data() + schema.first_attribute,
                       static_cast<std::size_t>(schema.attributes));
  std::set<std::string_view> seen;
  for (const AttributeProto& attribute : l.node().attributes) {
    if (!seen.insert(attribute.name).second)
      l.invalid("attribute `" + printable(attribute.name) + "` is given twice");
    const auto row = std::ranges::find(rows, attribute.name, &AttributeSchema::name);
    if (row == rows.end()) {
      std::vector<std::string> names;
      for (const AttributeSchema& known : rows) names.emplace_back(known.name);
      const std::string close = nearest(printable(attribute.name), names);
      l.refuse(Kind::invalid_model,
               "it has no attribute `" + printable(attribute.name) + "` in operator set " +
                   std::to_string(l.opset),
               !close.empty()  ? "did you mean `" + close + "`?"
               : names.empty() ? "it has none"
                               : "its attributes are " + join(names, ", "));
    }
    // Files from before IR 4 may leave the type out.
    if (attribute.type != 0 && attribute.type != row->type)
      l.invalid("attribute `" + printable(attribute.name) + "` is " + type_name(attribute.type) +
                " instead of " + type_name(row->type));
  }
  for (const AttributeSchema& row : rows)
    if (row.is_required && !l.has_attribute(row.name))
      l.invalid("attribute `" + std::string(row.name) + "` is missing");
}

const OperandSchema* operand_row(const OperatorSchema& schema, std::size_t i) {
  if (schema.operands == 0) return nullptr;
  const auto last = static_cast<std::size_t>(schema.operands) - 1;
  return &kOperandSchemas[static_cast<std::size_t>(schema.first_operand) + std::min(i, last)];
}

std::string operand_text(const OperandSchema& row, std::size_t i) {
  return "input " + std::to_string(i) + ", `" + std::string(row.name) + "`,";
}

void check_counts(Layer& l, const OperatorSchema& schema) {
  std::size_t inputs = l.input_count(), outputs = l.output_count();
  while (inputs > 0 && l.node().inputs[inputs - 1].empty()) --inputs;
  while (outputs > 0 && l.node().outputs[outputs - 1].empty()) --outputs;
  if (inputs > static_cast<std::size_t>(schema.max_inputs))
    l.invalid("it has " + count_text(inputs, "input") + " and takes at most " +
              std::to_string(schema.max_inputs));
  if (outputs > static_cast<std::size_t>(schema.max_outputs))
    l.invalid("it has " + count_text(outputs, "output") + " and gives at most " +
              std::to_string(schema.max_outputs));
  for (std::size_t i = 0; i < static_cast<std::size_t>(schema.min_inputs); ++i) {
    const OperandSchema* row = operand_row(schema, i);
    if (row != nullptr && row->count != OperandCount::optional && !l.has(i))
      l.invalid("its " + operand_text(*row, i) + " is missing");
  }
}

/// Element types are known as far as the graph keeps them: halves and doubles are computed as f32.
void check_types(Layer& l, const OperatorSchema& schema) {
  std::map<std::int32_t, std::size_t> first;  // operand of each variable
  for (std::size_t i = 0; i < l.input_count(); ++i) {
    const OperandSchema* row = operand_row(schema, i);
    if (row == nullptr || !l.has(i)) continue;
    const DType dtype = l.dtype(l.in(i));
    bool is_taken = (row->types >> kOther & 1) != 0;
    for (int type = 0; type < kOther && !is_taken; ++type) {
      if ((row->types >> type & 1) == 0) continue;
      const auto known = dtype_of(type);
      is_taken = known && (*known == dtype || computed_dtype(*known) == dtype);
    }
    if (!is_taken)
      l.refuse(Kind::dtype_mismatch,
               "its " + operand_text(*row, i) + " is " + std::string(dtype_name(dtype)) +
                   ", which it does not take in operator set " + std::to_string(l.opset));
    if (row->variable == 0) continue;
    const auto [place, is_new] = first.emplace(row->variable, i);
    if (is_new || l.dtype(l.in(place->second)) == dtype) continue;
    const OperandSchema* other = operand_row(schema, place->second);
    l.refuse(Kind::dtype_mismatch, "its " + operand_text(*row, i) + " is " + std::string(dtype_name(dtype)) +
                                       " and its " + operand_text(*other, place->second) + " is " +
                                       std::string(dtype_name(l.dtype(l.in(place->second)))) +
                                       ": they must have one type");
  }
}

/// A list's first elements.
template <class T, class F>
std::string list_text(const std::vector<T>& values, F text) {
  constexpr std::size_t kShown = 8;
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i)
    out += (i == 0 ? "" : ",") + text(values[i]);
  return out + (values.size() > kShown ? ",... " + std::to_string(values.size()) + " in all]" : "]");
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return '"' + printable(text.substr(0, kShown)) + (text.size() > kShown ? "..." : "") + '"';
}

std::string value_text(const AttributeProto& a) {
  using enum AttributeProto_AttributeType;
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  switch (static_cast<AttributeProto_AttributeType>(a.type)) {
    case INT:
      return number(a.i);
    case FLOAT:
      return float_text(a.f);
    case STRING:
      return quoted(a.s);
    case INTS:
      return list_text(a.ints, number);
    case FLOATS:
      return list_text(a.floats, float_text);
    case STRINGS:
      return list_text(a.strings, quoted);
    default:
      return "(" + to_lower(type_name(a.type)) + ")";
  }
}

}  // namespace

void check_rules(Layer& l) {
  const OperatorSchema* schema = find_schema(l);
  if (schema == nullptr) return;
  check_attributes(l, *schema);
  check_counts(l, *schema);
  check_types(l, *schema);
}

std::string attributes_text(const NodeProto& node) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(node.attributes.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + printable(node.attributes[i].name) + "=" + value_text(node.attributes[i]);
  if (node.attributes.size() > kShown)
    text += ", and " + std::to_string(node.attributes.size() - kShown) + " more";
  return text;
}

std::string advice(std::string_view name, std::string_view domain) {
  if (const std::string_view known = obstacle(name); !known.empty()) return std::string(known);
  if (!versions_of(name).empty()) return "replace it by supported operators before export";
  std::vector<std::string> names = translated_operators();
  for (const OperatorSchema& row : kOperatorSchemas) names.emplace_back(row.name);
  const std::string close = nearest(printable(name), names);
  if (!close.empty()) return "did you mean `" + close + "`?";
  if (domain.empty()) return "ONNX has no operator of that name: export the model again";
  if (domain == "com.microsoft")
    return "ONNX Runtime's optimizer makes operators of its own: export the model without it, or save with "
           "optimization level `basic`";
  return "an operator of a domain of its own: export it as standard operators, or as a function of the model "
         "(torch.onnx.export with dynamo=True, onnxscript), which is translated";
}

}  // namespace nb::onnx
