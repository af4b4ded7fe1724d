#include "read/keras/config.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "read/keras/importer.h"
#include "read/keras/ops.h"

namespace nb::keras {
namespace {

constexpr std::size_t kMaxJsonBytes = std::size_t{32} << 20, kMaxNesting = 200;
constexpr std::size_t kMaxLayers = 100'000, kMaxCalls = 100'000;
/// Of those in a list or an object: references nest less than this.
constexpr int kMaxArgumentDepth = 32;

[[noreturn]] void fail(std::string message, Kind kind = Kind::invalid_model) {
  throw ConfigFault{kind, std::move(message)};
}

/// How deep brackets nest, outside of texts.
std::size_t nesting(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_text) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        is_text = false;
    } else if (c == '"') {
      is_text = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

Json reference_json(const std::string& layer, std::int64_t call, std::int64_t tensor) {
  return {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {layer, call, tensor}}}}};
}

/// [layer, call, tensor, ...] of Keras 2.
bool is_old_reference(const Json& json, const std::set<std::string>& layers) {
  return json.is_array() && json.size() >= 3 && json[0].is_string() && json[1].is_number_integer() &&
         json[2].is_number_integer() && layers.contains(json[0].get<std::string>());
}

/// Old references anywhere in an argument become new ones.
Json renewed(const Json& json, const std::set<std::string>& layers, int depth) {
  if (depth > kMaxArgumentDepth) fail("the arguments of a call nest too deep", Kind::limit_exceeded);
  if (is_old_reference(json, layers))
    return reference_json(json[0].get<std::string>(), json[1].get<std::int64_t>(),
                          json[2].get<std::int64_t>());
  if (!json.is_array() && !json.is_object()) return json;
  Json out = json.is_array() ? Json::array() : Json::object();
  for (auto it = json.begin(); it != json.end(); ++it) {
    Json value = renewed(*it, layers, depth + 1);
    if (json.is_array())
      out.push_back(std::move(value));
    else
      out[it.key()] = std::move(value);
  }
  return out;
}

/// A call as Keras 2 lists it: one [layer, call, tensor, keywords] a tensor, or a single one.
Call old_call(const Json& json, const std::set<std::string>& layers) {
  Call call;
  Json tensors = Json::array();
  const bool is_single = is_old_reference(json, layers);
  const auto add = [&](const Json& entry) {
    if (!entry.is_array() || entry.size() < 3) fail("an inbound node is no list of layer, call and tensor");
    if (entry[0] == "_CONSTANT_VALUE")
      tensors.push_back({{"class_name", "__tensor__"}, {"config", {{"value", entry[2]}}}});
    else if (is_old_reference(entry, layers))
      tensors.push_back(renewed(entry, layers, 0));
    else
      fail("an inbound node names a layer that is not there");
    if (entry.size() > 3 && entry[3].is_object())
      for (auto it = entry[3].begin(); it != entry[3].end(); ++it)
        call.keywords[it.key()] = renewed(*it, layers, 0);
  };
  if (is_single)
    add(json);
  else
    for (const Json& entry : json) add(entry);
  if (tensors.empty()) fail("an inbound node has no tensor");
  call.arguments.push_back(tensors.size() == 1 ? tensors[0] : tensors);
  return call;
}

std::vector<Call> parse_calls(const Json& nodes, const std::set<std::string>& layers) {
  std::vector<Call> calls;
  if (!nodes.is_array()) fail("inbound_nodes is no list");
  for (const Json& node : nodes) {
    if (node.is_object()) {
      const Json *arguments = member(node, "args"), *keywords = member(node, "kwargs");
      if (arguments == nullptr || !arguments->is_array() || (keywords != nullptr && !keywords->is_object()))
        fail("an inbound node has no args");
      calls.push_back({*arguments, keywords == nullptr ? Json::object() : *keywords});
    } else if (node.is_array()) {
      calls.push_back(old_call(node, layers));
    } else {
      fail("an inbound node is neither a list nor an object");
    }
  }
  return calls;
}

/// The references of input_layers or output_layers: one [layer, call, tensor], a list, or an object of them.
void collect(const Json& json, std::vector<Reference>& out, int depth) {
  if (depth > kMaxArgumentDepth) fail("the model's inputs or outputs nest too deep", Kind::limit_exceeded);
  if (json.is_array() && json.size() == 3 && json[0].is_string() && json[1].is_number_integer() &&
      json[2].is_number_integer()) {
    out.push_back({json[0].get<std::string>(), json[1].get<std::int64_t>(), json[2].get<std::int64_t>()});
    return;
  }
  if (!json.is_array() && !json.is_object())
    fail("input_layers or output_layers is no list of layer, call, tensor");
  for (const Json& inner : json) collect(inner, out, depth + 1);
}

void collect_references(const Json& json, std::vector<Reference>& out, int depth) {
  if (depth > kMaxArgumentDepth) fail("the arguments of a call nest too deep", Kind::limit_exceeded);
  if (const auto reference = as_reference(json)) {
    out.push_back(*reference);
    return;
  }
  if (json.is_array() || json.is_object())
    for (const Json& inner : json) collect_references(inner, out, depth + 1);
}

/// Keras 2 counts a model's own making as its first call, which is not listed.
void number_calls(ModelConfig& model) {
  std::map<std::string, std::int64_t> last;
  std::vector<Reference> references = model.outputs;
  for (const LayerConfig& layer : model.layers)
    for (const Call& call : layer.calls) {
      collect_references(call.arguments, references, 0);
      collect_references(call.keywords, references, 0);
    }
  for (const Reference& reference : references) {
    std::int64_t& call = last[reference.layer];
    call = std::max(call, reference.call);
  }
  for (LayerConfig& layer : model.layers)
    if (is_model_class(layer.class_name) && !layer.calls.empty() &&
        last[layer.name] == static_cast<std::int64_t>(layer.calls.size()))
      layer.first_call = 1;
}

/// .h5 files of Keras 3 leave out the module that tells operators of keras.ops from layers of the same name:
/// merging layers take a list, operators two operands.
bool is_operation(const LayerConfig& layer) {
  static const std::set<std::string> kMerges = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"};
  if (find_operation("ops." + layer.class_name) == nullptr) return false;
  if (find_layer(layer.class_name) == nullptr) return true;
  if (layer.class_name == "Reshape") return member(*layer.config, "newshape") != nullptr;
  return kMerges.contains(layer.class_name) &&
         std::any_of(layer.calls.begin(), layer.calls.end(),
                     [](const Call& call) { return call.arguments.size() + call.keywords.size() >= 2; });
}

}  // namespace

std::vector<Reference> references_in(const Call& call) {
  std::vector<Reference> references;
  collect_references(call.arguments, references, 0);
  collect_references(call.keywords, references, 0);
  return references;
}

const Json* member(const Json& json, std::string_view name) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(name);
  return found == json.end() ? nullptr : &*found;
}

std::string text_of(const Json& json, std::string_view name) {
  const Json* found = member(json, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

std::optional<Reference> as_reference(const Json& argument) {
  if (text_of(argument, "class_name") != "__keras_tensor__") return std::nullopt;
  const Json* config = member(argument, "config");
  const Json* history = config == nullptr ? nullptr : member(*config, "keras_history");
  if (history == nullptr || !history->is_array() || history->size() != 3 || !(*history)[0].is_string() ||
      !(*history)[1].is_number_integer() || !(*history)[2].is_number_integer())
    fail("a tensor has no keras_history of layer, call and tensor");
  return Reference{(*history)[0].get<std::string>(), (*history)[1].get<std::int64_t>(),
                   (*history)[2].get<std::int64_t>()};
}

Json parse_json(std::string_view text, const std::string& what) {
  if (text.size() > kMaxJsonBytes)
    fail(what + " has " + bytes_text(static_cast<std::int64_t>(text.size())) + " of JSON",
         Kind::limit_exceeded);
  if (nesting(text) > kMaxNesting)
    fail(what + " nests deeper than " + std::to_string(kMaxNesting), Kind::limit_exceeded);
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded() || !json.is_object()) fail(what + " is no JSON object", Kind::malformed_file);
  return json;
}

bool is_model_class(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

LayerConfig parse_layer(const Json& json) {
  LayerConfig layer;
  layer.class_name = text_of(json, "class_name");
  layer.config = member(json, "config");
  if (layer.class_name.empty() || layer.config == nullptr || !layer.config->is_object())
    fail("a layer has no class_name and config");
  // Layers of other packages are registered under a name of their own.
  if (const std::string registered = text_of(json, "registered_name");
      registered.find('>') != std::string::npos)
    layer.class_name = registered;
  if (const std::string module = text_of(json, "module");
      module.starts_with("keras.src.ops") || module.starts_with("keras.ops"))
    layer.class_name = "ops." + layer.class_name;
  layer.name = text_of(json, "name");
  if (layer.name.empty()) layer.name = text_of(*layer.config, "name");
  if (layer.name.empty()) layer.name = to_lower(layer.class_name);
  return layer;
}

ModelConfig parse_model(std::string_view class_name, const Json& config) {
  ModelConfig model;
  model.is_sequential = class_name == "Sequential";
  // Keras 1 and early 2: the config of a Sequential model is the list of its layers.
  const Json* layers = config.is_array() ? &config : member(config, "layers");
  if (layers == nullptr || !layers->is_array()) {
    throw ConfigFault{
        Kind::unsupported_feature,
        "the model `" + printable(text_of(config, "name")) + "` does not list its layers",
        "only Sequential and Functional models say what they compute; write a subclassed one as "
        "keras.Model(inputs, outputs)"};
  }
  model.config = &config;
  model.name = text_of(config, "name");
  if (layers->size() > kMaxLayers) fail("the model has more than 100,000 layers", Kind::limit_exceeded);
  std::set<std::string> names;
  for (const Json& json : *layers) {
    model.layers.push_back(parse_layer(json));
    if (!names.insert(model.layers.back().name).second)
      fail("two layers are called `" + printable(model.layers.back().name) + "`");
  }
  if (model.is_sequential) return model;
  std::size_t calls = 0;
  for (std::size_t i = 0; i < layers->size(); ++i) {
    if (const Json* nodes = member((*layers)[i], "inbound_nodes"))
      model.layers[i].calls = parse_calls(*nodes, names);
    if (member((*layers)[i], "module") == nullptr && is_operation(model.layers[i]))
      model.layers[i].class_name = "ops." + model.layers[i].class_name;
    calls += model.layers[i].calls.size();
  }
  if (calls > kMaxCalls) fail("the model has more than 100,000 calls of layers", Kind::limit_exceeded);
  const Json *inputs = member(config, "input_layers"), *outputs = member(config, "output_layers");
  if (inputs == nullptr || outputs == nullptr) fail("the model has no input_layers and output_layers");
  collect(*inputs, model.inputs, 0);
  collect(*outputs, model.outputs, 0);
  if (model.outputs.empty()) fail("the model has no output");
  number_calls(model);
  return model;
}

}  // namespace nb::keras
