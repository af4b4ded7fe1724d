// Attributes of a block: a plain struct with defaults, and a tuple of fields from which everything else
// follows (text, parser, documentation, comparison).
#pragma once
#include <any>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "graph/type.h"

namespace nb {

/// A value of some block's attribute struct.
class Attributes {
 public:
  Attributes() = default;
  template <class T>
  requires(!std::same_as<std::decay_t<T>, Attributes>) explicit Attributes(T value)
      : value_(std::move(value)) {}
  template <class T>
  [[nodiscard]] const T& as() const {
    return *std::any_cast<T>(&value_);
  }
  template <class T>
  [[nodiscard]] T& as() {
    return *std::any_cast<T>(&value_);
  }

 private:
  std::any value_;
};

/// One attribute: its name in text form, its member, what it means.
template <class Owner, class T>
struct Field {
  std::string_view name;
  T Owner::*member;
  std::string_view doc;
};
template <class Owner, class T>
Field(std::string_view, T Owner::*, std::string_view) -> Field<Owner, T>;

/// An enumeration takes part by a function `std::span<const std::string_view> names_of(E)` found beside it.
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  names_of(value);
};

// Text of one attribute value, and back. Lists are [a,b]; names are bare words.
inline std::string attribute_text(bool value) { return value ? "true" : "false"; }
inline std::string attribute_text(std::int64_t value) { return std::to_string(value); }
inline std::string attribute_text(float value) { return float_text(value); }
inline std::string attribute_text(const std::string& value) { return quoted_text(value); }
inline std::string attribute_text(DType value) { return std::string(dtype_name(value)); }
template <NamedEnum E>
std::string attribute_text(E value) {
  return std::string(names_of(value)[static_cast<std::size_t>(value)]);
}
template <class T>
std::string attribute_text(const std::vector<T>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i)
    text += (i == 0 ? "" : ",") + attribute_text(static_cast<T>(values[i]));
  return text + "]";
}

/// Reads one value; false if the text is not one.
bool parse_attribute(std::string_view text, bool& value);
bool parse_attribute(std::string_view text, std::int64_t& value);
bool parse_attribute(std::string_view text, float& value);
bool parse_attribute(std::string_view text, std::string& value);
bool parse_attribute(std::string_view text, DType& value);
template <NamedEnum E>
bool parse_attribute(std::string_view text, E& value) {
  const auto names = names_of(value);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) {
      value = static_cast<E>(i);
      return true;
    }
  return false;
}
template <class T>
bool parse_attribute(std::string_view text, std::vector<T>& values) {
  values.clear();
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = trim(text.substr(1, text.size() - 2));
  if (text.empty()) return true;
  for (const std::string_view part : split(text, ',')) {
    T value{};
    if (!parse_attribute(trim(part), value)) return false;
    values.push_back(value);
  }
  return true;
}

/// What is known of one attribute without its type.
struct FieldRow {
  std::string name, type, default_text, doc;
};

/// A block's fused activation: its bounds, in real units.
struct Clamp {
  float min, max;
};

/// The operations on a block's attributes, made from its fields.
struct AttributeOps {
  std::vector<FieldRow> rows;
  std::function<Attributes()> make;                    ///< all defaults
  std::function<std::string(const Attributes&)> text;  ///< "stride=[2,2], ..." without defaults
  std::function<bool(Attributes&, std::string_view, std::string_view)> set;  ///< by name from text
  /// The fields clamp_min and clamp_max; both are empty where the block has none.
  std::function<Clamp(const Attributes&)> clamp;
  std::function<void(Attributes&, Clamp)> set_clamp;
};

template <class T>
std::string attribute_type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return "int";
  else if constexpr (std::is_same_v<T, float>)
    return "float";
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else if constexpr (std::is_same_v<T, DType>)
    return "dtype";
  else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
    return "ints";
  else if constexpr (std::is_same_v<T, std::vector<float>>)
    return "floats";
  else {
    std::string text;
    for (const std::string_view name : names_of(T{})) text += (text.empty() ? "" : " | ") + std::string(name);
    return text;
  }
}

template <class A, class Fields>
AttributeOps attribute_ops(const Fields& fields) {
  AttributeOps ops;
  const A defaults{};
  std::apply(
      [&](const auto&... field) {
        (ops.rows.push_back({std::string(field.name),
                             attribute_type_name<std::decay_t<decltype(defaults.*field.member)>>(),
                             attribute_text(defaults.*field.member), std::string(field.doc)}),
         ...);
      },
      fields);
  ops.make = [] { return Attributes(A{}); };
  ops.text = [fields](const Attributes& attributes) {
    const A& value = attributes.as<A>();
    const A standard{};
    std::string text;
    const auto one = [&](const auto& field) {
      const std::string mine = attribute_text(value.*field.member);
      if (mine == attribute_text(standard.*field.member)) return;
      text += (text.empty() ? "" : ", ") + std::string(field.name) + "=" + mine;
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, fields);
    return text;
  };
  ops.set = [fields](Attributes& attributes, std::string_view name, std::string_view text) {
    A& value = attributes.as<A>();
    return std::apply(
        [&](const auto&... field) {
          return ((field.name == name && parse_attribute(text, value.*field.member)) || ...);
        },
        fields);
  };
  if constexpr (requires(A a) {
                  a.clamp_min;
                  a.clamp_max;
                }) {
    ops.clamp = [](const Attributes& attributes) {
      const A& value = attributes.as<A>();
      return Clamp{value.clamp_min, value.clamp_max};
    };
    ops.set_clamp = [](Attributes& attributes, Clamp clamp) {
      attributes.as<A>().clamp_min = clamp.min;
      attributes.as<A>().clamp_max = clamp.max;
    };
  }
  return ops;
}

}  // namespace nb
