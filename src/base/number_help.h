// Help for who wrote a number that is not understood.
#pragma once
#include <string>
#include <string_view>

namespace nb {

/// `help`; of a text with a comma for its decimal point, how it is written: "5,5ms" -> "decimals have a
/// point: 5.5ms".
[[nodiscard]] std::string number_help(std::string_view text, std::string_view help);

}  // namespace nb
