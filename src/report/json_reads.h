// Reading a report's JSON: what is absent, null or of another type is nothing.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace nb {

/// The value at a pointer ("/ram/total_bytes"), or null if it is absent or null.
[[nodiscard]] inline const nlohmann::json* find_json(const nlohmann::json& in, std::string_view pointer) {
  const nlohmann::json::json_pointer at{std::string(pointer)};
  if (!in.contains(at)) return nullptr;
  const nlohmann::json& found = in[at];
  return found.is_null() ? nullptr : &found;
}

[[nodiscard]] inline std::optional<double> find_number(const nlohmann::json& in, std::string_view pointer) {
  const nlohmann::json* found = find_json(in, pointer);
  return found != nullptr && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

[[nodiscard]] inline std::optional<std::int64_t> find_count(const nlohmann::json& in,
                                                            std::string_view pointer) {
  const nlohmann::json* found = find_json(in, pointer);
  return found != nullptr && found->is_number_integer() ? std::optional(found->get<std::int64_t>())
                                                        : std::nullopt;
}

[[nodiscard]] inline std::string find_text(const nlohmann::json& in, std::string_view pointer) {
  const nlohmann::json* found = find_json(in, pointer);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

[[nodiscard]] inline bool is_true(const nlohmann::json& in, std::string_view pointer) {
  const nlohmann::json* found = find_json(in, pointer);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

/// The array at a pointer; an empty one if there is none.
[[nodiscard]] inline const nlohmann::json& find_list(const nlohmann::json& in, std::string_view pointer) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const nlohmann::json* found = find_json(in, pointer);
  return found != nullptr && found->is_array() ? *found : kNone;
}

}  // namespace nb
