#include "read/keras/layer.h"

#include <algorithm>

#include "read/dtypes.h"
#include "read/keras/importer.h"

namespace nb::keras {
namespace {

constexpr int kMaxArrayDepth = kMaxRank + 1;
constexpr std::size_t kMaxElements = std::size_t{1} << 24;

/// Numbers of nested lists in C order; their shape. False if they are no numbers, or lists of one size.
bool flatten(const Json& json, std::size_t depth, Shape& shape, std::vector<double>& out) {
  if (out.size() > kMaxElements || depth > kMaxArrayDepth) return false;
  if (!json.is_array()) {
    if (depth != shape.size() || (!json.is_number() && !json.is_boolean())) return false;
    out.push_back(json.is_boolean() ? (json.get<bool>() ? 1.0 : 0.0) : json.get<double>());
    return true;
  }
  const auto size = static_cast<std::int64_t>(json.size());
  if (depth == shape.size() && out.empty())
    shape.push_back(size);
  else if (depth >= shape.size() || shape[depth] != size)
    return false;
  return std::all_of(json.begin(), json.end(),
                     [&](const Json& inner) { return flatten(inner, depth + 1, shape, out); });
}

/// A dataset as a tensor: bfloat16 as f32, the others as they are.
Tensor read_stored(const StoredTensor& stored) {
  static constexpr std::array<DType, 10> kTypes = {DType::f32, DType::f32, DType::i8,  DType::u8,
                                                   DType::i16, DType::u16, DType::i32, DType::u32,
                                                   DType::i64, DType::u64};
  Tensor tensor{{kTypes[static_cast<std::size_t>(stored.kind)], stored.shape}, {}};
  if (stored.kind != ElementKind::bf16) {
    tensor.data.assign(stored.elements.begin(), stored.elements.end());
    return tensor;
  }
  tensor = make_tensor(tensor.type);
  const auto values = tensor.as<float>();
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = bfloat16_to_float(load<std::uint16_t>(stored.elements, 2 * i));
  return tensor;
}

}  // namespace

void Argument::collect(std::vector<ValueId>& out) const {
  if (what == What::tensor) out.push_back(tensor);
  for (const Argument& item : items) item.collect(out);
}

Argument tensor_argument(ValueId id) { return {Argument::What::tensor, id, {}, {}}; }

Layer::Layer(Importer& importer, const LayerRow& row, const LayerConfig& config, Scope scope,
             std::string name, Arguments arguments)
    : Translation(importer.build(), std::move(name), printable(config.class_name)),
      importer_(importer),
      row_(row),
      config_(config),
      scope_(std::move(scope)),
      arguments_(std::move(arguments)) {}

// --- arguments ---

const Argument* Layer::argument(std::size_t position, const std::string& keyword) const {
  const Argument* found = nullptr;
  if (position < arguments_.positional.size()) found = &arguments_.positional[position];
  if (const auto named = arguments_.named.find(keyword); found == nullptr && named != arguments_.named.end())
    found = &named->second;
  return found == nullptr || found->is_none() ? nullptr : found;
}

std::vector<ValueId> Layer::inputs() {
  std::vector<ValueId> ids;
  if (!arguments_.positional.empty()) {
    arguments_.positional[0].collect(ids);
  } else {
    for (const char* name : {"inputs", "sequence", "x"})
      if (const auto named = arguments_.named.find(name); ids.empty() && named != arguments_.named.end())
        named->second.collect(ids);
  }
  if (ids.empty()) invalid("it is called without a tensor");
  return ids;
}

ValueId Layer::in() {
  const std::vector<ValueId> ids = inputs();
  if (ids.size() != 1) invalid("it is called with " + count_text(ids.size(), "tensor") + " instead of one");
  return ids[0];
}

ValueId Layer::tensor(std::size_t position, const std::string& keyword) {
  const Argument* found = argument(position, keyword);
  if (found == nullptr) return {};
  if (found->what == Argument::What::tensor) return found->tensor;
  if (found->what == Argument::What::list) invalid("its argument `" + keyword + "` is a list of tensors");
  return as_constant(found->value, keyword);
}

// --- the configuration ---

const Json* Layer::find(std::string_view name) const {
  const Json* found = member(config(), name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::int64_t Layer::integer(std::string_view name) {
  const Json* found = find(name);
  if (found == nullptr) invalid("its `" + std::string(name) + "` is missing");
  const Ints values = as_integers(*found, name);
  if (values.size() != 1) invalid("its `" + std::string(name) + "` is no integer");
  return values[0];
}

std::int64_t Layer::integer(std::string_view name, std::int64_t fallback) {
  return has(name) ? integer(name) : fallback;
}

bool Layer::flag(std::string_view name, bool fallback) {
  const Json* found = find(name);
  if (found == nullptr) return fallback;
  if (!found->is_boolean()) invalid("its `" + std::string(name) + "` is neither true nor false");
  return found->get<bool>();
}

double Layer::real(std::string_view name, double fallback) {
  const Json* found = find(name);
  if (found == nullptr) return fallback;
  if (!found->is_number()) invalid("its `" + std::string(name) + "` is no number");
  return found->get<double>();
}

std::string Layer::text(std::string_view name, std::string_view fallback) {
  const Json* found = find(name);
  if (found == nullptr) return std::string(fallback);
  if (!found->is_string()) invalid("its `" + std::string(name) + "` is no text");
  return printable(found->get<std::string>());
}

Ints Layer::as_integers(const Json& json, std::string_view what) {
  Ints out;
  const auto add = [&](const Json& number) {
    if (!number.is_number_integer()) invalid("its `" + std::string(what) + "` is no integer");
    if (number.is_number_unsigned() && number.get<std::uint64_t>() > (std::uint64_t{1} << 62))
      refuse(Kind::attribute_out_of_range, "its `" + std::string(what) + "` is beyond every limit");
    const auto value = number.get<std::int64_t>();
    if (value > (std::int64_t{1} << 40) || value < -(std::int64_t{1} << 40))
      refuse(Kind::attribute_out_of_range, "its `" + std::string(what) + "` is beyond every limit");
    out.push_back(value);
  };
  if (const Json* items = member(json, "items");
      items != nullptr && text_of(json, "class_name") == "__tuple__")
    return as_integers(*items, what);
  if (!json.is_array()) {
    add(json);
    return out;
  }
  for (const Json& item : json) {
    if (!item.is_array()) {
      add(item);
      continue;
    }
    for (const Json& inner : item) add(inner);  // [[top, bottom], [left, right]]
  }
  return out;
}

Ints Layer::integers(std::string_view name, std::size_t count) {
  const Json* found = find(name);
  if (found == nullptr) invalid("its `" + std::string(name) + "` is missing");
  Ints values = as_integers(*found, name);
  if (count != 0 && values.size() == 1) values.resize(count, values[0]);
  if (count != 0 && values.size() != count)
    invalid("its `" + std::string(name) + "` does not have " + std::to_string(count) + " numbers");
  return values;
}

Ints Layer::integers(std::string_view name, std::size_t count, const Ints& fallback) {
  return has(name) ? integers(name, count) : fallback;
}

ValueId Layer::as_constant(const Json& json, std::string_view what, DType dtype) {
  const Json* config = member(json, "config");
  if (const std::string type = text_of(json, "class_name");
      config != nullptr && (type == "__tensor__" || type == "__numpy__")) {
    const Json* value = member(*config, "value");
    if (value == nullptr) invalid("its argument `" + std::string(what) + "` has no value");
    const std::string name = text_of(*config, "dtype");
    const auto stored = importer_.find_dtype(name);
    return as_constant(*value, what, stored.value_or(dtype));
  }
  Shape shape;
  std::vector<double> values;
  if (!flatten(json, 0, shape, values)) invalid("its `" + std::string(what) + "` is no array of numbers");
  const auto tensor = make_tensor<double>(DType::f64, shape, values);
  return constant(read::converted(tensor, dtype), what);
}

bool Layer::is_channels_last() {
  const std::string format = text("data_format", "channels_last");
  if (format != "channels_last" && format != "channels_first")
    invalid("its data_format `" + format + "` is neither channels_last nor channels_first");
  return format == "channels_last";
}

// --- weights ---

Tensor Layer::stored(const Scope& scope, std::size_t index, std::string_view leaf, const Shape* shape) {
  std::string where;
  const StoredTensor* stored = importer_.weights().find(scope, index, leaf, where);
  if (stored == nullptr) {
    const std::string why = importer_.weights().file().why_left_out(where);
    invalid("its weight `" + std::string(leaf) + "` is not in the file, at `" + printable(where) + "`" +
            (why.empty() ? "" : ": " + why));
  }
  bool fits = shape == nullptr || stored->shape.size() == shape->size();
  for (std::size_t i = 0; shape != nullptr && fits && i < shape->size(); ++i)
    fits = (*shape)[i] == -1 || (*shape)[i] == stored->shape[i];
  if (!fits)
    refuse(Kind::shape_mismatch, "its weight `" + std::string(leaf) + "` is " + shape_text(stored->shape) +
                                     " in the file, not " + shape_text(*shape));
  if (const std::string fault = shape_fault(stored->shape, DType::f32); !fault.empty())
    refuse(Kind::limit_exceeded, "its weight `" + std::string(leaf) + "`: " + fault);
  importer_.count_weight(static_cast<std::int64_t>(stored->elements.size()));
  return read_stored(*stored);
}

ValueId Layer::weight(std::size_t index, std::string_view leaf, const Shape& shape) {
  return constant(stored(scope_, index, leaf, &shape), leaf);
}

ValueId Layer::stored_weight(std::size_t index, std::string_view leaf) {
  return constant(stored(scope_, index, leaf, nullptr), leaf);
}

ValueId Layer::weight_of(const Scope& part, std::size_t index, std::string_view leaf, const Shape& shape) {
  return constant(stored(part, index, leaf, &shape), leaf);
}

bool Layer::has_named_weight(std::string_view leaf) {
  std::string where;
  return importer_.weights().find(scope_, ~std::size_t{0}, leaf, where) != nullptr;
}

std::vector<ValueId> Layer::call(const Json& layer, std::string_view group, Arguments arguments) {
  const LayerConfig inner = parse_layer(layer);
  auto outputs = importer_.translate(inner, importer_.weights().part(scope_, group, inner.name),
                                     name() + "/" + printable(inner.name), std::move(arguments));
  build.set_layer(name(), printable(config_.class_name));
  return outputs;
}

// --- masks ---

ValueId Layer::mask_of(ValueId id) const { return importer_.mask(id); }
void Layer::set_mask(ValueId id, ValueId mask) { importer_.set_mask(id, mask); }

void Layer::refuse_mask(ValueId id) {
  if (mask_of(id).is_present())
    unsupported(
        "its input has a mask (of a Masking layer, or of an Embedding with mask_zero), which it would use",
        "cut the input to the steps that count before the model, or leave the mask out");
}

}  // namespace nb::keras
