#include "read/keras/weights.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace nb::keras {
namespace {

constexpr std::string_view kNamedRoot = "model_weights";

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool is_lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }

std::string joined(const std::string& group, std::string_view name) {
  return group.empty() ? std::string(name) : group + "/" + std::string(name);
}

/// "dense/kernel:0" as its parts, without the number behind the colon.
std::vector<std::string_view> parts_of(std::string_view path) {
  const std::size_t colon = path.rfind(':');
  if (colon != std::string_view::npos &&
      path.find_first_not_of("0123456789", colon + 1) == std::string_view::npos)
    path = path.substr(0, colon);
  return split(path, '/');
}

/// Whether all names stand in `parts`, in their order. A name may have slashes of its own.
bool holds_names(const std::vector<std::string_view>& parts, const std::vector<std::string>& names) {
  std::size_t at = 0;
  for (const std::string& name : names)
    for (const std::string_view piece : split(name, '/')) {
      while (at < parts.size() && parts[at] != piece) ++at;
      if (at == parts.size()) return false;
      ++at;
    }
  return true;
}

}  // namespace

std::string snake_case(std::string_view class_name) {
  // A word begins at a capital that a small letter follows, or that follows one.
  std::string out;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool begins =
        i > 0 && is_upper(c) &&
        (is_lower(class_name[i - 1]) || (i + 1 < class_name.size() && is_lower(class_name[i + 1])));
    if (begins && !out.empty() && out.back() != '_') out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

Weights::Weights(Hdf5 file, bool is_named) : file_(std::move(file)), is_named_(is_named) {
  if (is_named_) return;
  for (const auto& [key, texts] : file_.attributes()) {
    const std::string_view path = key.first;
    if (key.second != "name" || texts.size() != 1 || !path.ends_with("/vars")) continue;
    const std::string_view group = path.substr(0, path.size() - 5);
    const std::size_t slash = group.rfind('/');
    if (slash == std::string_view::npos) continue;
    groups_[{std::string(group.substr(0, slash)), texts[0]}] = group;
  }
}

std::vector<Scope> Weights::layers(const Scope& model, const ModelConfig& config) const {
  std::vector<Scope> scopes;
  std::map<std::string, int> numbers;
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const LayerConfig& layer = config.layers[i];
    if (is_named_) {
      Scope scope = model;
      if (model.group.empty())
        scope.group = std::string(kNamedRoot) + "/" + layer.name;
      else
        scope.names.push_back(layer.name);
      scopes.push_back(std::move(scope));
      continue;
    }
    const std::string container = joined(model.group, "layers");
    const auto named = groups_.find({container, layer.name});
    if (named != groups_.end()) {
      scopes.push_back({named->second, {}});
      continue;
    }
    // Files without names: the class's name and a number, in the order of the layers. The input of a
    // Sequential model is none of them.
    if (config.is_sequential && i == 0 && layer.class_name == "InputLayer") {
      scopes.push_back({joined(container, "input_layer"), {}});
      continue;
    }
    const std::string base = snake_case(layer.class_name);
    const int number = numbers[base]++;
    scopes.push_back({joined(container, number == 0 ? base : base + "_" + std::to_string(number)), {}});
  }
  return scopes;
}

Scope Weights::part(const Scope& outer, std::string_view attribute, std::string_view name) const {
  Scope scope = outer;
  if (!is_named_)
    scope.group = joined(outer.group, attribute);
  else if (!name.empty())
    scope.names.emplace_back(name);
  return scope;
}

bool Weights::has_any(const Scope& scope) const {
  if (!is_named_) return true;
  const auto* names = file_.texts(scope.group, "weight_names");
  return names != nullptr && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
           return holds_names(parts_of(name), scope.names);
         });
}

const StoredTensor* Weights::find(const Scope& scope, std::size_t index, std::string_view leaf,
                                  std::string& where) const {
  if (is_named_) return find_named(scope, index, leaf, where);
  where = joined(scope.group, "vars/" + std::to_string(index));
  return file_.find(where);
}

const StoredTensor* Weights::find_named(const Scope& scope, std::size_t index, std::string_view leaf,
                                        std::string& where) const {
  where = scope.group;
  for (const std::string& name : scope.names) where += "/.../" + name;
  where += "/.../" + std::string(leaf);
  const auto* names = file_.texts(scope.group, "weight_names");
  if (names == nullptr) return nullptr;
  const std::string *best = nullptr, *only = nullptr;
  std::size_t best_size = 0, called_so = 0;
  bool is_ambiguous = false;
  for (const std::string& name : *names) {
    auto parts = parts_of(name);
    if (parts.empty() || parts.back() != leaf) continue;
    parts.pop_back();
    only = &name;
    ++called_so;
    if (!holds_names(parts, scope.names)) continue;
    if (best != nullptr && parts.size() == best_size) is_ambiguous = true;
    if (best != nullptr && parts.size() >= best_size) continue;
    best = &name;
    best_size = parts.size();
    is_ambiguous = false;
  }
  if (is_ambiguous) return nullptr;
  // Keras 2 leaves out the names of layers in wrappers.
  if (best == nullptr && called_so == 1) best = only;
  // The weights of a layer that is in no other stand in order, whatever their names are.
  if (best == nullptr && scope.names.empty() && index < names->size()) best = &(*names)[index];
  if (best == nullptr) return nullptr;
  where = scope.group + "/" + *best;
  return file_.find(where);
}

}  // namespace nb::keras
