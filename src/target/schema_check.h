// TOML of the catalogue against the rows of its schema, and reading what they let pass.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diag/diagnostics.h"
#include "target/board.h"
#include "target/board_schema.h"
#include "target/toml.h"

namespace nb {

/// Who says so, by path: "" for all, "clock_hz", "memory.flash", "price.0".
using Sources = std::map<std::string, std::string, std::less<>>;

/// Checks one file by its rows; every mistake is reported as bad-board with file, line and rule.
class SchemaCheck {
 public:
  /// `thing` is what the file describes, in words: "a board".
  SchemaCheck(std::span<const KeyRow> rows, std::string thing, std::string_view text, std::string_view file,
              Diagnostics& diagnostics);

  /// The file's top table; null if the text is no TOML or breaks a row. It lives as long as this.
  const toml::table* check();

  void refuse(const toml::source_region& at, std::string message, std::string rule, std::string help = {});
  [[nodiscard]] bool is_refused() const { return is_refused_; }

  /// The index of a choice in its row: enumerations are declared in the order of their choices.
  [[nodiscard]] int choice_of(const toml::table& table, std::string_view name, std::string_view key) const;
  /// The indices of a list of choices, likewise.
  [[nodiscard]] std::vector<int> choices_of(const toml::table& table, std::string_view name,
                                            std::string_view key) const;
  /// A power figure has exactly one of its quantities: [[power]] of any schema.
  Power read_power(const toml::table& table);
  /// A [[price]] of any schema.
  static Price read_price(const toml::table& table);

 private:
  [[nodiscard]] const KeyRow* find_row(std::string_view table, std::string_view key) const;
  void check_table(std::string_view name, const toml::table& table);
  void check_sources(std::string_view name, const toml::node& node, const std::vector<std::string>& keys);
  void check_text(const toml::node& node, const std::string& rule);
  bool check_number(const toml::node& node, const KeyRow& row, bool is_integer, const std::string& rule);
  void check_value(const KeyRow& row, const toml::node& node);
  void check_name(const toml::node& node, const std::string& rule);
  void check_choice(const KeyRow& row, const toml::node& node);
  void check_choices(const KeyRow& row, const toml::node& node);
  void check_range(const KeyRow& row, const toml::node& node, const std::string& span);
  void check_integers(const KeyRow& row, const toml::node& node, const std::string& span);

  std::span<const KeyRow> rows_;
  std::string thing_;
  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::string_view file_;
  Diagnostics& diagnostics_;
  toml::parse_result parsed_;
  bool is_refused_ = false;
};

/// "did you mean ...?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

[[nodiscard]] std::string text_of(const toml::table& table, std::string_view key, std::string fallback = {});
[[nodiscard]] std::optional<std::int64_t> integer_of(const toml::table& table, std::string_view key);
[[nodiscard]] std::optional<int> int_of(const toml::table& table, std::string_view key);
[[nodiscard]] std::optional<Range> range_of(const toml::table& table, std::string_view key);
/// A table's `source` and `sources`, under the table's path.
void read_sources(const toml::table& table, const std::string& path, Sources& sources);

/// Each table of the array `name`, its sources first: their path ends with the table's name, or its index.
template <class Read>
void for_each_table(const toml::table& top, std::string_view name, Sources& sources, Read read) {
  const toml::array* tables = top[name].as_array();
  if (tables == nullptr) return;
  std::size_t index = 0;
  for (const toml::node& node : *tables) {
    const toml::table& table = *node.as_table();
    const std::string label = table.contains("name") ? text_of(table, "name") : std::to_string(index);
    read_sources(table, std::string(name) + "." + label, sources);
    read(table);
    ++index;
  }
}

}  // namespace nb
