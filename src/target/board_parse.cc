// A board's TOML, checked against board_schema() row by row, then read; what the rows cannot say follows.

// toml++ asserts, or with NDEBUG assumes, what its parser goes on to check and reports properly ("[[[" is one
// such text): neither may hold here.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "base/text.h"
#include "target/board.h"
#include "target/board_schema.h"
#include "target/cores.h"

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

const KeyRow* find_row(std::string_view table, std::string_view key) {
  for (const KeyRow& row : board_schema())
    if (row.table == table && row.key == key) return &row;
  return nullptr;
}

std::vector<std::string> choices_of(const KeyRow& row) {
  std::vector<std::string> choices;
  for (const std::string_view choice : split(row.choices, ',')) choices.emplace_back(choice);
  return choices;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file, Diagnostics& diagnostics)
      : lines_(split(text, '\n')), file_(file), diagnostics_(diagnostics) {}

  Result<Board> parse(std::string_view text) {
    // Beyond ASCII, toml++ takes some characters outside strings for impossible, which is undefined
    // behaviour.
    for (std::size_t line = 0; line < lines_.size(); ++line)
      if (std::ranges::any_of(lines_[line], [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        toml::source_region at;
        at.begin.line = static_cast<toml::source_index>(line + 1);
        refuse(at, "a character that is not ASCII", "the file is ASCII", "in strings, write it as \\uXXXX");
        return kFailed;
      }
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
      refuse(parsed.error().source(), printable(parsed.error().description()), "the file is valid TOML");
      return kFailed;
    }
    const toml::table& top = parsed.table();
    check_table("", top);
    if (is_refused_) return kFailed;  // what follows trusts the rows
    read_board(top);
    check_board(top);
    if (is_refused_) return kFailed;
    return std::move(board_);
  }

 private:
  void refuse(const toml::source_region& at, std::string message, std::string rule, std::string help = {}) {
    is_refused_ = true;
    const std::size_t line = at.begin.line;
    Diagnostic diagnostic{.kind = Kind::bad_board, .message = std::move(message), .file = std::string(file_)};
    if (line > 0) diagnostic.file += ":" + std::to_string(line);
    if (line > 0 && line <= lines_.size()) diagnostic.line = printable(trim(lines_[line - 1]));
    diagnostic.notes.push_back("rule: " + std::move(rule));
    diagnostic.help = std::move(help);
    diagnostics_.add(std::move(diagnostic));
  }

  // --- by the rows of the schema ---

  void check_table(std::string_view name, const toml::table& table) {
    const std::string where = name.empty() ? "a board" : "a [[" + std::string(name) + "]]";
    std::vector<std::string> keys = {"sources"};
    for (const KeyRow& row : board_schema())
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
    for (const KeyRow& row : board_schema())
      if (row.table == name && row.is_required && !table.contains(row.key))
        refuse(table.source(), "no " + quoted_text(row.key), where + " has a " + quoted_text(row.key));
  }

  static std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string near = nearest(word, candidates);
    return near.empty() ? "" : "did you mean " + quoted_text(near) + "?";
  }

  void check_sources(std::string_view name, const toml::node& node, const std::vector<std::string>& keys) {
    const std::string rule = "sources is a table from keys of the table round it to texts";
    if (!node.is_table()) return refuse(node.source(), "sources is not a table", rule);
    for (const auto& [key, value] : *node.as_table()) {
      if (key.str() == "sources" || find_row(name, key.str()) == nullptr)
        refuse(key.source(), "a source for the unknown key " + quoted_text(printable(key.str())), rule,
               did_you_mean(key.str(), keys));
      check_text(value, rule);
    }
  }

  void check_text(const toml::node& node, const std::string& rule) {
    if (!node.is_string()) return refuse(node.source(), "not a string", rule);
    const std::string& text = node.as_string()->get();
    if (trim(text).empty()) return refuse(node.source(), "an empty string", rule + ", or is left out");
    if (text.size() > kMaxTextBytes || printable(text, kMaxTextBytes) != text)
      refuse(node.source(), "a text with control characters, or too long", rule);
  }

  bool check_number(const toml::node& node, const KeyRow& row, bool is_integer, const std::string& rule) {
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

  void check_value(const KeyRow& row, const toml::node& node) {
    const std::string key(row.key);
    const std::string span = number_text(row.low) + " .. " + number_text(row.high);
    switch (row.type) {
      case KeyType::text:
        return check_text(node, key + " is a string");
      case KeyType::name:
        return check_name(node, key + " is a string of a-z, 0-9, - and _, at most 64 long");
      case KeyType::choice:
        return check_choice(row, node);
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

  void check_name(const toml::node& node, const std::string& rule) {
    if (!node.is_string() || !is_name(node.as_string()->get())) refuse(node.source(), "not a name", rule);
  }

  void check_choice(const KeyRow& row, const toml::node& node) {
    const std::vector<std::string> choices = choices_of(row);
    const std::string rule = std::string(row.key) + " is one of " + join(choices, ", ");
    if (!node.is_string()) return refuse(node.source(), "not a string", rule);
    const std::string& text = node.as_string()->get();
    if (std::ranges::find(choices, text) == choices.end())
      refuse(node.source(), "unknown " + std::string(row.key) + " " + quoted_text(printable(text)), rule,
             did_you_mean(text, choices));
  }

  void check_range(const KeyRow& row, const toml::node& node, const std::string& span) {
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

  void check_integers(const KeyRow& row, const toml::node& node, const std::string& span) {
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

  // --- reading what the rows let pass ---

  static std::string text_of(const toml::table& table, std::string_view key, std::string fallback = {}) {
    return table[key].value_or(std::move(fallback));
  }
  static std::optional<std::int64_t> integer_of(const toml::table& table, std::string_view key) {
    return table[key].value<std::int64_t>();
  }
  static std::optional<int> int_of(const toml::table& table, std::string_view key) {
    const std::optional<std::int64_t> value = integer_of(table, key);
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
  }
  static std::optional<Range> range_of(const toml::table& table, std::string_view key) {
    const toml::table* range = table[key].as_table();
    if (range == nullptr) return std::nullopt;
    return Range{(*range)["low"].value<double>(), (*range)["typical"].value<double>(),
                 (*range)["high"].value<double>()};
  }
  /// The index of a choice in its row: enumerations are declared in the order of their choices.
  static int choice_of(const toml::table& table, std::string_view name, std::string_view key) {
    const std::vector<std::string> choices = choices_of(*find_row(name, key));
    return static_cast<int>(std::ranges::find(choices, text_of(table, key)) - choices.begin());
  }

  void read_sources(const toml::table& table, const std::string& path) {
    if (table.contains("source")) board_.sources[path] = text_of(table, "source");
    if (const toml::table* sources = table["sources"].as_table())
      for (const auto& [key, value] : *sources)
        board_.sources[(path.empty() ? "" : path + ".") + std::string(key.str())] =
            value.value_or(std::string());
  }

  template <class Read>
  void for_each_table(const toml::table& top, std::string_view name, Read read) {
    const toml::array* tables = top[name].as_array();
    if (tables == nullptr) return;
    std::size_t index = 0;
    for (const toml::node& node : *tables) {
      const toml::table& table = *node.as_table();
      const std::string label = table.contains("name") ? text_of(table, "name") : std::to_string(index);
      read_sources(table, std::string(name) + "." + label);
      read(table);
      ++index;
    }
  }

  void read_board(const toml::table& top) {
    board_.name = text_of(top, "name");
    board_.title = text_of(top, "title");
    board_.vendor = text_of(top, "vendor");
    board_.part = text_of(top, "part");
    board_.processor = text_of(top, "core");
    board_.core_count = top["core_count"].value_or(1);
    board_.fpu = text_of(top, "fpu");
    board_.clock_hz = integer_of(top, "clock_hz");
    board_.accelerator = text_of(top, "accelerator");
    board_.optimize = text_of(top, "optimize", board_.optimize);
    board_.is_virtual = top["virtual"].value_or(false);
    board_.note = text_of(top, "note");
    read_sources(top, "");
    for_each_table(top, "memory", [&](const toml::table& table) { read_memory(table); });
    for_each_table(top, "cache", [&](const toml::table& table) { read_cache(table); });
    for_each_table(top, "power", [&](const toml::table& table) { read_power(table); });
    for_each_table(top, "price", [&](const toml::table& table) {
      board_.prices.push_back({.is_of_board = text_of(table, "of") == "board",
                               .amount = *range_of(table, "amount"),
                               .currency = text_of(table, "currency"),
                               .quantity = integer_of(table, "quantity"),
                               .date = text_of(table, "date"),
                               .note = text_of(table, "note")});
    });
  }

  void read_memory(const toml::table& table) {
    Memory memory;
    memory.name = text_of(table, "name");
    memory.kind = static_cast<MemoryKind>(choice_of(table, "memory", "kind"));
    if (const auto address = integer_of(table, "address"))
      memory.address = static_cast<std::uint32_t>(*address);
    if (const auto size_kib = integer_of(table, "size_kib")) memory.size_bytes = *size_kib * 1024;
    memory.clock_hz = integer_of(table, "clock_hz");
    memory.wait_states = int_of(table, "wait_states");
    if (const toml::array* limits = table["wait_states_up_to_hz"].as_array())
      for (const toml::node& limit : *limits)
        memory.wait_states_up_to_hz.push_back(limit.as_integer()->get());
    memory.interface = text_of(table, "interface");
    memory.bandwidth_mb_per_s = table["bandwidth_mb_per_s"].value<double>();
    memory.is_executable = table["executable"].value_or(memory.is_flash() || memory.kind == MemoryKind::ram);
    memory.holds_arena = table["arena"].value_or(!memory.is_flash());
    memory.holds_stack = table["stack"].value_or(false);
    memory.note = text_of(table, "note");
    check_memory(memory, table);
    board_.memories.push_back(std::move(memory));
  }

  void read_cache(const toml::table& table) {
    Cache cache{.name = text_of(table, "name"),
                .kind = static_cast<CacheKind>(choice_of(table, "cache", "kind")),
                .size_bytes = integer_of(table, "size_bytes"),
                .line_bytes = integer_of(table, "line_bytes"),
                .ways = int_of(table, "ways"),
                .has_prefetch = table["prefetch"].value<bool>(),
                .note = text_of(table, "note")};
    if (const toml::array* serves = table["serves"].as_array())
      for (const toml::node& name : *serves) {
        cache.serves.push_back(name.value_or(std::string()));
        const bool is_known = std::ranges::any_of(
            board_.memories, [&](const Memory& memory) { return memory.name == cache.serves.back(); });
        if (!is_known)
          refuse(name.source(), "no memory is called " + quoted_text(cache.serves.back()),
                 "a cache serves memories of its board");
      }
    if (cache.line_bytes && cache.size_bytes && *cache.size_bytes % *cache.line_bytes != 0)
      refuse(table.source(), "a cache of part of a line", "size_bytes is a multiple of line_bytes");
    for (const Cache& other : board_.caches)
      if (other.name == cache.name)
        refuse(table.source(), "two caches are called " + quoted_text(cache.name),
               "names in a board are unique");
    board_.caches.push_back(std::move(cache));
  }

  void read_power(const toml::table& table) {
    Power power{.state = static_cast<PowerState>(choice_of(table, "power", "state")),
                .is_of_board = text_of(table, "of") == "board",
                .power_mw = range_of(table, "power_mw"),
                .current_ma = range_of(table, "current_ma"),
                .current_ua_per_mhz = range_of(table, "current_ua_per_mhz"),
                .clock_hz = integer_of(table, "clock_hz"),
                .supply_mv = int_of(table, "supply_mv"),
                .note = text_of(table, "note")};
    if (int{power.power_mw.has_value()} + int{power.current_ma.has_value()} +
            int{power.current_ua_per_mhz.has_value()} !=
        1)
      refuse(table.source(), "a power figure without a figure, or with several",
             "a [[power]] has exactly one of power_mw, current_ma, current_ua_per_mhz");
    board_.powers.push_back(std::move(power));
  }

  // --- what the rows cannot say ---

  void check_memory(const Memory& memory, const toml::table& table) {
    const auto refuse_here = [&](std::string message, std::string rule) {
      refuse(table.source(), "memory " + quoted_text(memory.name) + ": " + std::move(message),
             std::move(rule));
    };
    const bool is_outside =
        memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram;
    if (!memory.size_bytes && !is_outside)
      refuse_here("no size_kib", "only an external memory may leave its size blank");
    if (memory.is_flash() && (memory.holds_arena || memory.holds_stack))
      refuse_here("flash for arena or stack", "arena and stack lie in ram, tcm or external_ram");
    if (memory.holds_stack && !memory.size_bytes)
      refuse_here("a stack in a memory of unknown size", "the memory of the stack has a size_kib");
    if (memory.address && memory.size_bytes &&
        std::int64_t{*memory.address} + *memory.size_bytes > (std::int64_t{1} << 32))
      refuse_here("it ends past 0xffffffff", "address + size stays within 32 bits");
    for (const Memory& other : board_.memories) {
      if (other.name == memory.name) refuse_here("two of this name", "names in a board are unique");
      if (overlap(other, memory))
        refuse_here("it overlaps " + quoted_text(other.name), "memories do not overlap");
      if (other.holds_stack && memory.holds_stack)
        refuse_here("a second memory with stack", "one memory holds the stack");
    }
    const std::vector<std::int64_t>& limits = memory.wait_states_up_to_hz;
    const std::optional<std::int64_t> clock_hz = memory.clock_hz ? memory.clock_hz : board_.clock_hz;
    if (limits.empty() || !clock_hz) return;
    const auto expected = std::ranges::lower_bound(limits, *clock_hz) - limits.begin();
    if (expected == std::ssize(limits))
      refuse_here("its clock is above the last limit", "wait_states_up_to_hz reaches the memory's clock");
    else if (memory.wait_states && *memory.wait_states != expected)
      refuse_here("wait_states is " + std::to_string(*memory.wait_states) + ", its limits say " +
                      std::to_string(expected),
                  "wait_states agrees with wait_states_up_to_hz at the memory's clock_hz, or the board's");
  }

  static bool overlap(const Memory& a, const Memory& b) {
    if (!a.address || !b.address || !a.size_bytes || !b.size_bytes) return false;
    const std::int64_t begin_a = *a.address, begin_b = *b.address;
    return begin_a < begin_b + *b.size_bytes && begin_b < begin_a + *a.size_bytes;
  }

  void check_board(const toml::table& top) {
    const CoreRow* row = find_core_row(board_.processor);
    if (row == nullptr) {
      std::vector<std::string> names;
      for (const CoreRow& each : core_rows()) names.emplace_back(each.name);
      refuse(top["core"].node()->source(), "unknown core " + quoted_text(board_.processor),
             "core is one of " + join(names, ", "), did_you_mean(board_.processor, names));
      return;
    }
    board_.core = row->core;
    if (!board_.fpu.empty() && (board_.fpu != "none") != board_.core.has_fpu)
      refuse(top["fpu"].node()->source(),
             "fpu is " + quoted_text(board_.fpu) + " on " + std::string(row->title),
             "fpu is \"none\" on cores without one, \"single\" or \"double\" on the others");
    if (board_.is_host()) {
      if (!board_.memories.empty())
        refuse(top.source(), "memories on the host", "the host has no limits and lists no memory");
      return;
    }
    if (!board_.is_virtual && board_.part.empty())
      refuse(top.source(), "no \"part\"", "a board that is not virtual names its part");
    if (program_memory(board_) == nullptr)
      refuse(top.source(), "nowhere to put the program",
             "a board has an executable flash or external_flash with a size_kib");
    if (arena_memories(board_).empty())
      refuse(top.source(), "nowhere to put the arena",
             "a board has a ram, tcm or external_ram with a size_kib");
  }

  std::vector<std::string_view> lines_;
  std::string_view file_;
  Diagnostics& diagnostics_;
  Board board_;
  bool is_refused_ = false;
};

}  // namespace

Result<Board> parse_board(std::string_view toml, std::string_view file, Diagnostics& diagnostics) {
  return Parser(toml, file, diagnostics).parse(toml);
}

}  // namespace nb
