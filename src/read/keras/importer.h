// Walks Keras models: calls to values, models within models, layers within wrappers.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "read/keras/layer.h"

namespace nb::keras {

/// The row of a layer class or operator, null if there is none.
[[nodiscard]] const LayerRow* find_layer(std::string_view type);
/// All of them in the order of the table; operators of keras.ops as "ops.Mean".
[[nodiscard]] std::vector<std::string> translated_layers();
/// What stands for a layer that is not translated; empty if nothing is known.
[[nodiscard]] std::string_view obstacle(std::string_view type);

class Importer {
 public:
  /// `keras` is the version that wrote the model: 2 or 3.
  Importer(GraphBuilder& builder, const Weights& weights, int keras)
      : build_(builder), weights_(weights), keras_(keras) {}

  [[nodiscard]] GraphBuilder& build() { return build_; }
  [[nodiscard]] const Weights& weights() const { return weights_; }
  [[nodiscard]] int keras() const { return keras_; }

  /// Reports all layers without a translation, also in models and wrappers.
  void check_layers(const ModelConfig& model);
  /// The values that a model computes from those of its inputs, in the order of its outputs. A layer that is
  /// refused leaves its results unknown, and the others are looked at; throws Refusal in the end. `prefix` is
  /// put before names.
  std::vector<ValueId> run(const ModelConfig& model, const Scope& scope, const std::string& prefix,
                           const std::vector<ValueId>& inputs);
  /// One call of a layer or a model.
  std::vector<ValueId> translate(const LayerConfig& layer, Scope scope, const std::string& name,
                                 Arguments arguments);

  [[nodiscard]] ValueId mask(ValueId id) const {
    const auto found = masks_.find(id.index());
    return found == masks_.end() ? ValueId() : found->second;
  }
  void set_mask(ValueId id, ValueId mask) {
    if (mask.is_present()) masks_[id.index()] = mask;
  }
  /// Bounds what the weights of layers that share them take.
  void count_weight(std::int64_t bytes);
  /// The dtype that Keras calls by that name.
  [[nodiscard]] static std::optional<DType> find_dtype(std::string_view name);

 private:
  struct Frame;
  void check_json(const Json& layer, int depth, const std::string& prefix);
  void check_layer(const LayerConfig& layer, int depth, const std::string& prefix);
  [[nodiscard]] std::vector<ValueId> run_sequential(const ModelConfig& model,
                                                    const std::vector<Scope>& scopes,
                                                    const std::string& prefix,
                                                    const std::vector<ValueId>& inputs);
  [[nodiscard]] Argument resolve(const Json& json, const Frame& frame, int depth);
  [[noreturn]] void fail(Kind kind, const std::string& message, const std::string& layer = {},
                         const std::string& help = {});

  GraphBuilder& build_;
  const Weights& weights_;
  int keras_;
  int depth_ = 0;  ///< of models and wrappers around the present layer
  std::size_t calls_ = 0, faults_ = 0;
  std::int64_t weight_bytes_ = 0;
  std::unordered_map<std::size_t, ValueId> masks_;
  std::vector<Diagnostic> missing_;
};

}  // namespace nb::keras
