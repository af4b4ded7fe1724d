// Where a layer's weights are: in the groups of Keras 3's model.weights.h5, or under the names of Keras 2's
// .h5.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "read/keras/config.h"
#include "read/keras/hdf5.h"

namespace nb::keras {

/// Where the weights of a layer, or of a model's layers, are looked for.
struct Scope {
  std::string group = {};               ///< of the file; empty: its root, or of no layer yet
  std::vector<std::string> names = {};  ///< named lists: of the layers that the layer is in, and its own
};

class Weights {
 public:
  /// `is_named`: weights are listed by name under model_weights/<layer>; else they are numbered in nested
  /// groups.
  Weights(Hdf5 file, bool is_named);

  [[nodiscard]] const Hdf5& file() const { return file_; }

  /// The scopes of a model's layers, in order. `model` is that of the model.
  [[nodiscard]] std::vector<Scope> layers(const Scope& model, const ModelConfig& config) const;
  /// The scope of a layer that `outer` keeps as its member `attribute`, and which is called `name`.
  [[nodiscard]] Scope part(const Scope& outer, std::string_view attribute, std::string_view name) const;
  /// Whether weights that are listed by name have some of the layer; true of others.
  [[nodiscard]] bool has_any(const Scope& scope) const;
  /// Weight number `index` of a layer, called `leaf`; null if there is none. `where` says where it was looked
  /// for.
  [[nodiscard]] const StoredTensor* find(const Scope& scope, std::size_t index, std::string_view leaf,
                                         std::string& where) const;

 private:
  [[nodiscard]] const StoredTensor* find_named(const Scope& scope, std::size_t index, std::string_view leaf,
                                               std::string& where) const;

  Hdf5 file_;
  bool is_named_;
  /// Groups by what contains them and the layer's own name.
  std::map<std::pair<std::string, std::string>, std::string> groups_;
};

/// The class's name as Keras makes a group's of it: "GroupNormalization" -> "group_normalization".
[[nodiscard]] std::string snake_case(std::string_view class_name);

}  // namespace nb::keras
