// Activations: as layers, as members of other layers' configurations, and as functions of gates.
#pragma once
#include "blocks/recurrent.h"
#include "read/keras/layer.h"

namespace nb::keras {

/// The activation that a configuration names: a text, {class_name: function, config: name}, or a layer; null:
/// none.
[[nodiscard]] ValueId activated(Layer& l, ValueId x, const Json* activation);
/// The function of that name with its default parameters.
[[nodiscard]] ValueId activated(Layer& l, ValueId x, const std::string& name);
/// The names of all functions, sorted.
[[nodiscard]] std::vector<std::string> translated_activations();
/// The same as a function of a recurrent layer's gate; absent if no gate has it.
[[nodiscard]] std::optional<GateCall> gate_function(Layer& l, const Json* activation,
                                                    std::string_view fallback);

/// x below `threshold` with the slope, up to a maximum: what ReLU layers compute.
struct Rectifier {
  double negative_slope = 0, threshold = 0;
  std::optional<double> max_value = {};
};
[[nodiscard]] ValueId rectified(Layer& l, ValueId x, const Rectifier& r);
/// Softmax over one axis or several, log_softmax if `is_log`.
[[nodiscard]] ValueId softmax_over(Layer& l, ValueId x, Ints axes, bool is_log);

}  // namespace nb::keras
