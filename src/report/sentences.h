// Sentences of reports, in English and French: the only place where they are put together.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace nb {

/// The same words in the languages of reports.
struct Sentence {
  std::string en, fr;
  [[nodiscard]] bool is_empty() const { return en.empty(); }
};

/// What has no language: a name, a file, a command.
[[nodiscard]] Sentence word(std::string_view text);
/// "1,234"; in French with narrow spaces.
[[nodiscard]] Sentence count(std::int64_t value);
/// With that many significant digits at least, and all digits before the point: "40.7", "1,234".
[[nodiscard]] Sentence amount(double value, int digits = 3);
/// A change as "+12.3 %", "-0.04 %"; 1 is 100 %.
[[nodiscard]] Sentence percent(double share);
/// "8.00 MiB", "8,00 Mio".
[[nodiscard]] Sentence bytes_words(std::int64_t bytes);
/// {0}, {1}, ... of each text replaced by the words in that language.
[[nodiscard]] Sentence say(std::string_view en, std::string_view fr,
                           std::initializer_list<Sentence> words = {});

/// {"en": ..., "fr": ...}
[[nodiscard]] nlohmann::json sentence_json(const Sentence& sentence);

}  // namespace nb
