// A Keras model's configuration: its layers and their calls, of every schema that Keras has written, in one
// form.
#pragma once
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostics.h"

namespace nb::keras {

using Json = nlohmann::json;

/// Output `tensor` of call `call` of the layer with that name.
struct Reference {
  std::string layer;
  std::int64_t call = 0, tensor = 0;
  friend auto operator<=>(const Reference&, const Reference&) = default;
};
/// The reference that an argument is (Keras 3's form); absent if it is something else.
[[nodiscard]] std::optional<Reference> as_reference(const Json& argument);

/// One call of a layer: its arguments, in which tensors are references.
struct Call {
  Json arguments = Json::array();
  Json keywords = Json::object();
};

/// The references anywhere in its arguments. Throws ConfigFault where they nest too deep.
[[nodiscard]] std::vector<Reference> references_in(const Call& call);

/// One layer as its model lists it.
struct LayerConfig {
  std::string
      class_name;  ///< "Dense"; operators of keras.ops as "ops.Mean"; other people's as "package>Class"
  std::string name;
  const Json* config = nullptr;  ///< an object
  std::vector<Call> calls;       ///< none of a Sequential model's layers, nor of inputs
  std::int64_t first_call = 0;   ///< the number that references give the first of them
};

/// A Sequential or Functional model.
struct ModelConfig {
  std::string name;
  bool is_sequential = false;
  std::vector<LayerConfig> layers;
  std::vector<Reference> inputs, outputs;  ///< of a Functional model, in the order of its arguments
  const Json* config = nullptr;
};

/// Thrown where a configuration is none; what was observed. Never leaves this folder.
struct ConfigFault {
  Kind kind;
  std::string message, help = {};
};

/// The text as JSON. Throws ConfigFault: malformed_file if it is none, limit_exceeded if it is too large or
/// nests too deep.
[[nodiscard]] Json parse_json(std::string_view text, const std::string& what);

/// Whether a class is a model whose layers are listed in its configuration.
[[nodiscard]] bool is_model_class(std::string_view class_name);

/// One {class_name, config, ...} as a layer; `json` must outlive it. Throws ConfigFault.
[[nodiscard]] LayerConfig parse_layer(const Json& json);
/// The model of that class; `config` must outlive it. Throws ConfigFault.
[[nodiscard]] ModelConfig parse_model(std::string_view class_name, const Json& config);

/// The member of an object; null if there is none, or `json` is no object.
[[nodiscard]] const Json* member(const Json& json, std::string_view name);
/// The member as a text; empty if there is none, or another type.
[[nodiscard]] std::string text_of(const Json& json, std::string_view name);

}  // namespace nb::keras
