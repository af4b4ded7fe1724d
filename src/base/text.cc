#include "base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace nb {
namespace {

bool is_keyword(std::string_view word) {
  static constexpr std::array kKeywords = {"alignas",      "alignof",
                                           "and",          "and_eq",
                                           "asm",          "auto",
                                           "bitand",       "bitor",
                                           "bool",         "break",
                                           "case",         "catch",
                                           "char",         "class",
                                           "compl",        "concept",
                                           "const",        "consteval",
                                           "constexpr",    "constinit",
                                           "const_cast",   "continue",
                                           "co_await",     "co_return",
                                           "co_yield",     "decltype",
                                           "default",      "delete",
                                           "do",           "double",
                                           "dynamic_cast", "else",
                                           "enum",         "explicit",
                                           "export",       "extern",
                                           "false",        "float",
                                           "for",          "friend",
                                           "goto",         "if",
                                           "inline",       "int",
                                           "long",         "main",
                                           "mutable",      "namespace",
                                           "nb",           "new",
                                           "noexcept",     "not",
                                           "not_eq",       "nullptr",
                                           "operator",     "or",
                                           "or_eq",        "private",
                                           "protected",    "public",
                                           "register",     "reinterpret_cast",
                                           "requires",     "restrict",
                                           "return",       "short",
                                           "signed",       "sizeof",
                                           "static",       "static_assert",
                                           "static_cast",  "struct",
                                           "switch",       "template",
                                           "this",         "thread_local",
                                           "throw",        "true",
                                           "try",          "typedef",
                                           "typeid",       "typename",
                                           "typeof",       "union",
                                           "unsigned",     "unix",
                                           "linux",        "using",
                                           "virtual",      "void",
                                           "volatile",     "wchar_t",
                                           "while",        "xor",
                                           "xor_eq"};
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

/// Length of the UTF-8 sequence that starts `text`, 0 if it is not valid.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (length == 3 && ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) >= 0xa0))) return 0;
  if (length == 4 && ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) >= 0x90))) return 0;
  return length;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != parts.data()) text += separator;
    text += part;
  }
  return text;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 5> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      out += hex.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string float_text(float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 48> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string float_literal(float value) {
  if (std::isnan(value)) return "__builtin_nanf(\"\")";
  if (std::isinf(value)) return value < 0 ? "-__builtin_inff()" : "__builtin_inff()";
  std::string text = float_text(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string bytes_text(std::int64_t size_bytes) {
  std::array<char, 48> buffer{};
  const auto size = static_cast<double>(size_bytes);
  if (size_bytes < 1024)
    std::snprintf(buffer.data(), buffer.size(), "%lld B", static_cast<long long>(size_bytes));
  else if (size_bytes < 1024 * 1024)
    std::snprintf(buffer.data(), buffer.size(), "%.1f KiB", size / 1024);
  else
    std::snprintf(buffer.data(), buffer.size(), "%.2f MiB", size / (1024.0 * 1024.0));
  return buffer.data();
}

std::string count_text(std::size_t n, std::string_view thing) {
  return std::to_string(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

std::string hex_text(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return {digits.data(), end};
}

std::optional<std::uint32_t> parse_hex(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > 64) return {};
  const std::string wanted = to_lower(word);
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1, best_common = 0;
  std::string found;
  for (const std::string& candidate : candidates) {
    const std::string name = to_lower(candidate);
    const std::size_t distance = edit_distance(wanted, name);
    const auto common = static_cast<std::size_t>(
        std::mismatch(wanted.begin(), wanted.end(), name.begin(), name.end()).first - wanted.begin());
    if (distance > best || (distance == best && common <= best_common) || (found.empty() && distance == best))
      continue;
    best = distance;
    best_common = common;
    found = candidate;
  }
  return found;
}

std::string identifier(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 96)) {
    if (is_word(c))
      out += c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) out = "model";
  if (std::isdigit(static_cast<unsigned char>(out[0]))) out = "n" + out;
  if (is_keyword(out)) out += "_";
  return out;
}

std::string camel_identifier(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name.substr(0, 96)) {
    if (!is_word(c)) {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  if (out.empty()) out = "Layer";
  if (std::isdigit(static_cast<unsigned char>(out[0]))) out = "N" + out;
  return out;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty() && out.size() < max_bytes) {
    const std::size_t length = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    const bool is_control = lead < 0x20 || lead == 0x7f;
    if (length == 0 || is_control)
      out += '?';
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (!text.empty()) out += "...";
  return out;
}

}  // namespace nb
