// One Keras layer (or operator) under translation: its configuration, weights and arguments, and the values
// it gives.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "read/compose.h"
#include "read/keras/config.h"
#include "read/keras/weights.h"
#include "read/translation.h"

namespace nb::keras {

using read::Ints;
using read::Refusal;

class Importer;
class Layer;

/// What an argument of a call is: a tensor, a list of arguments, or a plain value of the configuration.
struct Argument {
  enum class What : std::uint8_t { value, tensor, list };
  What what = What::value;
  ValueId tensor = {};
  std::vector<Argument> items = {};
  Json value = {};
  [[nodiscard]] bool is_none() const { return what == What::value && value.is_null(); }
  /// The tensors in it, in order.
  void collect(std::vector<ValueId>& out) const;
};
[[nodiscard]] Argument tensor_argument(ValueId id);

struct Arguments {
  std::vector<Argument> positional;
  std::map<std::string, Argument> named = {};
};

/// What becomes of a mask that a layer's operand has (Masking, Embedding with mask_zero).
enum class Masks : std::uint8_t {
  ends,    ///< the result has none
  passes,  ///< the result has the first operand's
  uses,    ///< it changes what the layer computes: the translator asks for it, or refuses
};

/// One row a supported layer class.
struct LayerRow {
  std::string_view type;  ///< "Conv2D"; operators of keras.ops as "ops.Mean"
  void (*translate)(Layer&);
  std::string_view block = {};  ///< the block it becomes, if the translator serves many
  Masks masks = Masks::ends;
};

class Layer : public read::Translation {
 public:
  /// `name` is the layer's full name, with those of the models around it.
  Layer(Importer& importer, const LayerRow& row, const LayerConfig& config, Scope scope, std::string name,
        Arguments arguments);

  [[nodiscard]] Importer& importer() { return importer_; }
  [[nodiscard]] std::string_view class_name() const { return config_.class_name; }
  [[nodiscard]] std::string_view block() const { return row_.block; }
  [[nodiscard]] const Json& config() const { return *config_.config; }
  [[nodiscard]] const Scope& scope() const { return scope_; }

  // Arguments.
  [[nodiscard]] const Arguments& arguments() const { return arguments_; }
  /// The argument at a position or of that name; null if it is left out or None.
  [[nodiscard]] const Argument* argument(std::size_t position, const std::string& keyword) const;
  /// The tensors of the first argument: one, or a list.
  [[nodiscard]] std::vector<ValueId> inputs();
  /// The only tensor of the first argument.
  [[nodiscard]] ValueId in();
  /// A tensor argument, absent if it is left out. A plain number or list becomes a constant.
  [[nodiscard]] ValueId tensor(std::size_t position, const std::string& keyword);

  // The configuration; a member of another type than asked for is an invalid model. Lists that Keras also
  // writes as one number are read by integers().
  [[nodiscard]] const Json* find(std::string_view name) const;  ///< null if left out or None
  /// The same, but None is not left out: a JSON null.
  [[nodiscard]] const Json* find_any(std::string_view name) const { return member(config(), name); }
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::int64_t integer(std::string_view name);
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback);
  [[nodiscard]] bool flag(std::string_view name, bool fallback);
  [[nodiscard]] double real(std::string_view name, double fallback);
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback);
  /// A list of integers; one number stands for `count` equal ones unless count is 0.
  [[nodiscard]] Ints integers(std::string_view name, std::size_t count);
  [[nodiscard]] Ints integers(std::string_view name, std::size_t count, const Ints& fallback);
  /// A configuration's value as integers, or as floats in C order with their shape.
  [[nodiscard]] Ints as_integers(const Json& json, std::string_view what);
  [[nodiscard]] ValueId as_constant(const Json& json, std::string_view what, DType dtype = DType::f32);
  /// Whether images have channels last; data_format, "channels_last" if it is left out.
  [[nodiscard]] bool is_channels_last();

  // Weights, as f32 (or their integers). Refuses one that is missing or has another shape; -1 in `shape` is
  // any size.
  [[nodiscard]] ValueId weight(std::size_t index, std::string_view leaf, const Shape& shape);
  /// A weight of whatever shape the file has it in.
  [[nodiscard]] ValueId stored_weight(std::size_t index, std::string_view leaf);
  /// The same of a part that this layer keeps (Weights::part).
  [[nodiscard]] ValueId weight_of(const Scope& part, std::size_t index, std::string_view leaf,
                                  const Shape& shape);
  /// Whether the file, where it lists weights by name, lists one that is called that.
  [[nodiscard]] bool has_named_weight(std::string_view leaf);

  /// Translates a layer that this one keeps: its member `attribute` of the configuration (an object with
  /// class_name and config), whose weights are in its member `group`.
  std::vector<ValueId> call(const Json& layer, std::string_view group, Arguments arguments);

  // Masks.
  /// The mask of an operand (bool [N,T]); absent if it has none.
  [[nodiscard]] ValueId mask_of(ValueId id) const;
  void set_mask(ValueId id, ValueId mask);
  /// Refuses an operand that has a mask, for what the layer would do with it is not supported.
  void refuse_mask(ValueId id);

  // Results.
  void output(ValueId id) { outputs_.push_back(id); }
  [[nodiscard]] const std::vector<ValueId>& outputs() const { return outputs_; }

 private:
  [[nodiscard]] Tensor stored(const Scope& scope, std::size_t index, std::string_view leaf,
                              const Shape* shape);

  Importer& importer_;
  const LayerRow& row_;
  const LayerConfig& config_;
  Scope scope_;
  Arguments arguments_;
  std::vector<ValueId> outputs_;
};

}  // namespace nb::keras
