// Small text functions.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nb {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::string to_lower(std::string_view text);

/// `text` between double quotes, with quotes, backslashes and control bytes escaped (\xNN).
[[nodiscard]] std::string quoted_text(std::string_view text);

/// The shortest decimal text that reads back as the same float; "inf", "-inf", "nan" for the special ones.
[[nodiscard]] std::string float_text(float value);

/// A C++ literal of the float: finite values shortest with an `f`, others as expressions of builtins.
[[nodiscard]] std::string float_literal(float value);

/// 1536 -> "1.5 KiB"; exact below 1 KiB.
[[nodiscard]] std::string bytes_text(std::int64_t size_bytes);

/// `n` things in words: count_text(1, "layer") == "1 layer", count_text(2, "layer") == "2 layers".
[[nodiscard]] std::string count_text(std::size_t n, std::string_view thing);

/// 255 -> "ff".
[[nodiscard]] std::string hex_text(std::uint64_t value);

/// "ff" or "0xff" -> 255; absent if the text is anything else, or more than 32 bits.
[[nodiscard]] std::optional<std::uint32_t> parse_hex(std::string_view text);

/// 1234567 -> "1,234,567".
[[nodiscard]] std::string grouped(std::int64_t value);

/// The candidate nearest to `word` by Damerau-Levenshtein distance, at most a third of its length away
/// (at least 2); of several the one with the longest common beginning; empty if none.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// A C identifier made of `name`: other characters become '_', runs of them one; never empty, never a keyword
/// of C or C++, never starting with a digit.
[[nodiscard]] std::string identifier(std::string_view name);

/// `name` in CamelCase as an identifier: "conv1/relu_2" -> "Conv1Relu2".
[[nodiscard]] std::string camel_identifier(std::string_view name);

/// Valid UTF-8 without control characters, at most `max_bytes` long: for names out of files nobody vouches
/// for.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes = 200);

}  // namespace nb
