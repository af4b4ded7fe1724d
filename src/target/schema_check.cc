#include "target/schema_check.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::size_t kMaxTextBytes = 1000;
constexpr std::array<std::string_view, 3> kRangeKeys = {"low", "typical", "high"};

std::string number_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? grouped(static_cast<std::int64_t>(value))
                                                              : float_text(static_cast<float>(value));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_date(std::string_view text) {
  const std::string_view shape = "dddd-dd-dd";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (shape[i] == 'd' ? !std::isdigit(static_cast<unsigned char>(text[i])) : text[i] != '-') return false;
  const auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
  if (text.size() >= 7 && (two(5) < 1 || two(5) > 12)) return false;
  return text.size() < 10 || (two(8) >= 1 && two(8) <= 31);
}

std::vector<std::string> all_choices(const KeyRow& row) {
  std::vector<std::string> choices;
  for (const std::string_view choice : split(row.choices, ',')) choices.emplace_back(choice);
  return choices;
}

}  // namespace

SchemaCheck::SchemaCheck(std::span<const KeyRow> rows, std::string thing, std::string_view text,
                         std::string_view file, Diagnostics& diagnostics)
    : rows_(rows),
      thing_(std::move(thing)),
      text_(text),
      lines_(split(text, '\n')),
      file_(file),
      diagnostics_(diagnostics) {}

const toml::table* SchemaCheck::check() {
  // Beyond ASCII, toml++ takes some characters outside strings for impossible, which is undefined
  // behaviour.
  for (std::size_t line = 0; line < lines_.size(); ++line)
    if (std::ranges::any_of(lines_[line], [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
      toml::source_region at;
      at.begin.line = static_cast<toml::source_index>(line + 1);
      refuse(at, "a character that is not ASCII", "the file is ASCII", "in strings, write it as \\uXXXX");
      return nullptr;
    }
  parsed_ = toml::parse(text_);
  if (!parsed_) {
    refuse(parsed_.error().source(), printable(parsed_.error().description()), "the file is valid TOML");
    return nullptr;
  }
  check_table("", parsed_.table());
  return is_refused_ ? nullptr : &parsed_.table();
}

void SchemaCheck::refuse(const toml::source_region& at, std::string message, std::string rule,
                         std::string help) {
  is_refused_ = true;
  const std::size_t line = at.begin.line;
  Diagnostic diagnostic{.kind = Kind::bad_board, .message = std::move(message), .file = std::string(file_)};
  if (line > 0) diagnostic.file += ":" + std::to_string(line);
  if (line > 0 && line <= lines_.size()) diagnostic.line = printable(trim(lines_[line - 1]));
  diagnostic.notes.push_back("rule: " + std::move(rule));
  diagnostic.help = std::move(help);
  diagnostics_.add(std::move(diagnostic));
}

const KeyRow* SchemaCheck::find_row(std::string_view table, std::string_view key) const {
  for (const KeyRow& row : rows_)
    if (row.table == table && row.key == key) return &row;
  return nullptr;
}

int SchemaCheck::choice_of(const toml::table& table, std::string_view name, std::string_view key) const {
  const std::vector<std::string> choices = all_choices(*find_row(name, key));
  return static_cast<int>(std::ranges::find(choices, text_of(table, key)) - choices.begin());
}

std::vector<int> SchemaCheck::choices_of(const toml::table& table, std::string_view name,
                                         std::string_view key) const {
  const std::vector<std::string> choices = all_choices(*find_row(name, key));
  std::vector<int> indices;
  for (const toml::node& item : *table[key].as_array())
    indices.push_back(
        static_cast<int>(std::ranges::find(choices, item.as_string()->get()) - choices.begin()));
  return indices;
}

void SchemaCheck::check_table(std::string_view name, const toml::table& table) {
  const std::string where = name.empty() ? thing_ : "a [[" + std::string(name) + "]]";
  std::vector<std::string> keys = {"sources"};
  for (const KeyRow& row : rows_)
    if (row.table == name) keys.emplace_back(row.key);
  for (const auto& [key, value] : table) {
    if (key.str() == "sources") {
      check_sources(name, value, keys);
    } else if (const KeyRow* row = find_row(name, key.str())) {
      check_value(*row, value);
    } else {
      refuse(key.source(), "unknown key " + quoted_text(printable(key.str())),
             where + " has only the keys " + join(keys, ", "), did_you_mean(key.str(), keys));
    }
  }
  for (const KeyRow& row : rows_)
    if (row.table == name && row.is_required && !table.contains(row.key))
      refuse(table.source(), "no " + quoted_text(row.key), where + " has a " + quoted_text(row.key));
}

void SchemaCheck::check_sources(std::string_view name, const toml::node& node,
                                const std::vector<std::string>& keys) {
  const std::string rule = "sources is a table from keys of the table round it to texts";
  if (!node.is_table()) return refuse(node.source(), "sources is not a table", rule);
  for (const auto& [key, value] : *node.as_table()) {
    if (key.str() == "sources" || find_row(name, key.str()) == nullptr)
      refuse(key.source(), "a source for the unknown key " + quoted_text(printable(key.str())), rule,
             did_you_mean(key.str(), keys));
    check_text(value, rule);
  }
}

void SchemaCheck::check_text(const toml::node& node, const std::string& rule) {
  if (!node.is_string()) return refuse(node.source(), "not a string", rule);
  const std::string& text = node.as_string()->get();
  if (trim(text).empty()) return refuse(node.source(), "an empty string", rule + ", or is left out");
  if (text.size() > kMaxTextBytes || printable(text, kMaxTextBytes) != text)
    refuse(node.source(), "a text with control characters, or too long", rule);
}

bool SchemaCheck::check_number(const toml::node& node, const KeyRow& row, bool is_integer,
                               const std::string& rule) {
  if (is_integer ? !node.is_integer() : !node.is_number()) {
    refuse(node.source(), is_integer ? "not an integer" : "not a number", rule);
    return false;
  }
  const double value = *node.value<double>();
  if (value >= row.low && value <= row.high) return true;  // false for nan
  refuse(node.source(), "absurd value " + number_text(value), rule,
         value == 0 ? "leave out what is not known: blank is not zero" : "");
  return false;
}

void SchemaCheck::check_value(const KeyRow& row, const toml::node& node) {
  const std::string key(row.key);
  const std::string span = number_text(row.low) + " .. " + number_text(row.high);
  switch (row.type) {
    case KeyType::text:
      return check_text(node, key + " is a string");
    case KeyType::name:
      return check_name(node, key + " is a string of a-z, 0-9, - and _, at most 64 long");
    case KeyType::choice:
      return check_choice(row, node);
    case KeyType::choices:
      return check_choices(row, node);
    case KeyType::integer:
      check_number(node, row, true, key + " is an integer in " + span);
      return;
    case KeyType::number:
      check_number(node, row, false, key + " is a number in " + span);
      return;
    case KeyType::boolean:
      if (!node.is_boolean()) refuse(node.source(), "not a boolean", key + " is true or false");
      return;
    case KeyType::range:
      return check_range(row, node, span);
    case KeyType::integers:
      return check_integers(row, node, span);
    case KeyType::names: {
      const std::string rule = key + " is a list of names";
      if (!node.is_array()) return refuse(node.source(), "not a list", rule);
      for (const toml::node& item : *node.as_array()) check_name(item, rule);
      return;
    }
    case KeyType::date:
      if (!node.is_string() || !is_date(node.as_string()->get()))
        refuse(node.source(), "not a date", key + " is \"YYYY\", \"YYYY-MM\" or \"YYYY-MM-DD\"");
      return;
    case KeyType::tables:
      if (!node.is_array_of_tables())
        return refuse(node.source(), quoted_text(key) + " is not a list of tables",
                      "a " + key + " begins with [[" + key + "]]");
      for (const toml::node& item : *node.as_array()) check_table(row.key, *item.as_table());
      return;
  }
}

void SchemaCheck::check_name(const toml::node& node, const std::string& rule) {
  if (!node.is_string() || !is_name(node.as_string()->get())) refuse(node.source(), "not a name", rule);
}

void SchemaCheck::check_choice(const KeyRow& row, const toml::node& node) {
  const std::vector<std::string> choices = all_choices(row);
  const std::string rule = std::string(row.key) + " is one of " + join(choices, ", ");
  if (!node.is_string()) return refuse(node.source(), "not a string", rule);
  const std::string& text = node.as_string()->get();
  if (std::ranges::find(choices, text) == choices.end())
    refuse(node.source(), "unknown " + std::string(row.key) + " " + quoted_text(printable(text)), rule,
           did_you_mean(text, choices));
}

void SchemaCheck::check_choices(const KeyRow& row, const toml::node& node) {
  const std::vector<std::string> choices = all_choices(row);
  const std::string rule = std::string(row.key) + " is a list of " + join(choices, ", ") + ", each once";
  const toml::array* list = node.as_array();
  if (list == nullptr || list->empty()) return refuse(node.source(), "not a list", rule);
  std::vector<std::string> seen;
  for (const toml::node& item : *list) {
    if (!item.is_string()) return refuse(item.source(), "not a string", rule);
    const std::string& text = item.as_string()->get();
    if (std::ranges::find(choices, text) == choices.end())
      refuse(item.source(), "unknown one of " + std::string(row.key) + ": " + quoted_text(printable(text)),
             rule, did_you_mean(text, choices));
    else if (std::ranges::find(seen, text) != seen.end())
      refuse(item.source(), "twice " + quoted_text(text), rule);
    seen.push_back(text);
  }
}

void SchemaCheck::check_range(const KeyRow& row, const toml::node& node, const std::string& span) {
  const std::string rule =
      std::string(row.key) + " is { low, typical, high }, at least one of them, ascending, in " + span;
  const toml::table* range = node.as_table();
  if (range == nullptr || range->empty()) return refuse(node.source(), "not a range", rule);
  for (const auto& [key, value] : *range) {
    if (std::ranges::find(kRangeKeys, key.str()) == kRangeKeys.end())
      refuse(key.source(), "unknown key " + quoted_text(printable(key.str())), rule);
    else
      check_number(value, row, false, rule);
  }
  double last = 0;
  for (const std::string_view key : kRangeKeys) {
    const std::optional<double> value = (*range)[key].value<double>();
    if (!value) continue;
    if (*value < last) refuse(node.source(), "a range that descends", rule);
    last = *value;
  }
}

void SchemaCheck::check_integers(const KeyRow& row, const toml::node& node, const std::string& span) {
  const std::string rule = std::string(row.key) + " is a list of ascending integers in " + span;
  if (!node.is_array() || node.as_array()->empty() || node.as_array()->size() > 64)
    return refuse(node.source(), "not a list", rule);
  std::int64_t last = 0;
  for (const toml::node& item : *node.as_array()) {
    if (!check_number(item, row, true, rule)) return;
    const std::int64_t value = item.as_integer()->get();
    if (value <= last) return refuse(item.source(), "a list that does not ascend", rule);
    last = value;
  }
}

Power SchemaCheck::read_power(const toml::table& table) {
  Power power{.state = static_cast<PowerState>(choice_of(table, "power", "state")),
              .is_of_board = text_of(table, "of") == "board",
              .power_mw = range_of(table, "power_mw"),
              .current_ma = range_of(table, "current_ma"),
              .current_ua_per_mhz = range_of(table, "current_ua_per_mhz"),
              .clock_hz = integer_of(table, "clock_hz"),
              .supply_mv = int_of(table, "supply_mv"),
              .note = text_of(table, "note")};
  if (table.contains("load")) power.load = static_cast<PowerLoad>(choice_of(table, "power", "load"));
  if (table.contains("regulator"))
    power.regulator = static_cast<Regulator>(choice_of(table, "power", "regulator"));
  if (power.load && power.state != PowerState::run)
    refuse(table.source(), "a load of a part that does not run", "load is of state = \"run\"");
  if (int{power.power_mw.has_value()} + int{power.current_ma.has_value()} +
          int{power.current_ua_per_mhz.has_value()} !=
      1)
    refuse(table.source(), "a power figure without a figure, or with several",
           "a [[power]] has exactly one of power_mw, current_ma, current_ua_per_mhz");
  return power;
}

Price SchemaCheck::read_price(const toml::table& table) {
  return {.is_of_board = text_of(table, "of") == "board",
          .amount = *range_of(table, "amount"),
          .currency = text_of(table, "currency"),
          .quantity = integer_of(table, "quantity"),
          .date = text_of(table, "date"),
          .note = text_of(table, "note")};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : "did you mean " + quoted_text(near) + "?";
}

std::string text_of(const toml::table& table, std::string_view key, std::string fallback) {
  return table[key].value_or(std::move(fallback));
}

std::optional<std::int64_t> integer_of(const toml::table& table, std::string_view key) {
  return table[key].value<std::int64_t>();
}

std::optional<int> int_of(const toml::table& table, std::string_view key) {
  const std::optional<std::int64_t> value = integer_of(table, key);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

std::optional<Range> range_of(const toml::table& table, std::string_view key) {
  const toml::table* range = table[key].as_table();
  if (range == nullptr) return std::nullopt;
  return Range{(*range)["low"].value<double>(), (*range)["typical"].value<double>(),
               (*range)["high"].value<double>()};
}

void read_sources(const toml::table& table, const std::string& path, Sources& sources) {
  if (table.contains("source")) sources[path] = text_of(table, "source");
  if (const toml::table* by_key = table["sources"].as_table())
    for (const auto& [key, value] : *by_key)
      sources[(path.empty() ? "" : path + ".") + std::string(key.str())] = value.value_or(std::string());
}

}  // namespace nb
