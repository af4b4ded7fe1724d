#include "base/number_help.h"

#include "base/text.h"

namespace nb {

std::string number_help(std::string_view text, std::string_view help) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t comma = text.find(',');
  const bool is_decimal = comma != std::string_view::npos && comma > 0 && comma + 1 < text.size() &&
                          kDigits.find(text[comma - 1]) != std::string_view::npos &&
                          kDigits.find(text[comma + 1]) != std::string_view::npos;
  if (!is_decimal) return std::string(help);
  std::string right(text);
  right[comma] = '.';
  return "decimals have a point: " + printable(right);
}

}  // namespace nb
