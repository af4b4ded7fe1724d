#include "emit/tables.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::size_t kColumns = 110;

template <class T>
std::string number_text(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (sizeof(T) == 4) return float_literal(value);
    std::array<char, 48> buffer{};
    return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (value == std::numeric_limits<std::int64_t>::min()) return "INT64_MIN";
    return std::to_string(value) + (value > 2147483647 || value < -2147483647 ? "LL" : "");
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return std::to_string(value) + "ULL";
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return value == std::numeric_limits<std::int32_t>::min() ? "INT32_MIN" : std::to_string(value);
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    return std::to_string(value) + "u";
  } else {
    return std::to_string(value);
  }
}

}  // namespace

std::string table_text(const std::string& name, DType dtype, ByteSpan data, const std::string& comment,
                       const std::string& mark) {
  const std::size_t count = data.size() / static_cast<std::size_t>(dtype_bytes(dtype));
  std::string text;
  text.reserve(count * 5 + 200);
  if (!comment.empty()) text += "// " + comment + "\n";
  text += "alignas(16) const " + std::string(dtype_c_name(dtype)) + " " + name + "[" +
          std::to_string(std::max<std::size_t>(count, 1)) + "]" + (mark.empty() ? "" : " " + mark) + " = {";
  if (count == 0) return text + "0};\n";
  std::size_t column = kColumns;
  visit_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string number = number_text(load<T>(data, i * sizeof(T)));
      if (column + number.size() + 2 > kColumns) {
        text += "\n    ";
        column = 4;
      }
      text += number;
      text += i + 1 == count ? "" : ",";
      column += number.size() + 1;
    }
  });
  return text + "};\n";
}

}  // namespace nb
