// What is not known is null in reports, never zero.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace nb {

template <class T>
[[nodiscard]] nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

[[nodiscard]] inline nlohmann::json text_or_null(std::string_view text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

}  // namespace nb
