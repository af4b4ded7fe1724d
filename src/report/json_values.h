// What is not known is null in reports, never zero.
#pragma once
#include <cmath>
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

/// Six digits are more than any estimate is known to.
[[nodiscard]] inline nlohmann::json rounded(double value) {
  if (value == 0) return 0.0;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

}  // namespace nb
