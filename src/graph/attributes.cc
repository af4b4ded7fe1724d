#include "graph/attributes.h"

#include <limits>

namespace nb {

bool parse_attribute(std::string_view text, bool& value) {
  value = text == "true";
  return text == "true" || text == "false";
}

bool parse_attribute(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_attribute(std::string_view text, float& value) {
  const bool is_negative = text.starts_with('-');
  const std::string_view magnitude = is_negative ? text.substr(1) : text;
  if (magnitude == "inf" || magnitude == "nan") {
    value =
        magnitude == "inf" ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    if (is_negative) value = -value;
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_attribute(std::string_view text, std::string& value) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  value.clear();
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
    } else if (i + 2 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      value += text[++i];
    } else if (i + 4 < text.size() && text[i + 1] == 'x') {
      unsigned byte = 0;
      if (std::from_chars(text.data() + i + 2, text.data() + i + 4, byte, 16).ec != std::errc()) return false;
      value += static_cast<char>(byte);
      i += 3;
    } else {
      return false;
    }
  }
  return true;
}

bool parse_attribute(std::string_view text, DType& value) {
  const auto found = find_dtype(text);
  if (found) value = *found;
  return found.has_value();
}

}  // namespace nb
