#include "report/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::string_view kNarrowSpace = "\xe2\x80\xaf";

/// "1,234.5" as the French write it.
std::string in_french(const std::string& number) {
  std::string text;
  for (const char c : number) {
    if (c == ',')
      text += kNarrowSpace;
    else
      text += c == '.' ? ',' : c;
  }
  return text;
}

std::string filled(std::string_view text, std::initializer_list<Sentence> words,
                   std::string Sentence::*language) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_place = text[at] == '{' && at + 2 < text.size() && text[at + 2] == '}';
    if (!is_place) {
      out += text[at];
      continue;
    }
    out += (words.begin() + (text[at + 1] - '0'))->*language;
    at += 2;
  }
  return out;
}

}  // namespace

Sentence word(std::string_view text) { return {std::string(text), std::string(text)}; }

Sentence count(std::int64_t value) {
  const std::string text = grouped(value);
  return {text, in_french(text)};
}

Sentence amount(double value, int digits) {
  const double size = std::abs(value);
  const int decimals =
      size == 0 ? 0 : std::clamp(digits - 1 - static_cast<int>(std::floor(std::log10(size))), 0, digits + 3);
  const std::string plain = fmt::format("{:.{}f}", size, decimals);
  const std::size_t point = std::min(plain.find('.'), plain.size());
  std::string text = value < 0 ? "-" : "";
  for (std::size_t i = 0; i < point; ++i) {
    if (i > 0 && (point - i) % 3 == 0) text += ',';
    text += plain[i];
  }
  text += plain.substr(point);
  return {text, in_french(text)};
}

Sentence bytes_words(std::int64_t bytes) {
  const std::string text = bytes_text(bytes);
  std::string french = in_french(text);
  std::replace(french.begin(), french.end(), 'B', 'o');
  return {text, french};
}

Sentence percent(double share) {
  const double value = 100 * share;
  const double size = std::abs(value);
  const std::string text = size >= 100   ? fmt::format("{:+.0f} %", value)
                           : size >= 0.1 ? fmt::format("{:+.1f} %", value)
                                         : fmt::format("{:+.2g} %", value);
  return {text, in_french(text)};
}

Sentence say(std::string_view en, std::string_view fr, std::initializer_list<Sentence> words) {
  return {filled(en, words, &Sentence::en), filled(fr, words, &Sentence::fr)};
}

nlohmann::json sentence_json(const Sentence& sentence) { return {{"en", sentence.en}, {"fr", sentence.fr}}; }

}  // namespace nb
