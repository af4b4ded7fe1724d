// The keys of the catalogue's TOML, one row each: the parsers check by them, docs/add-a-board.md explains
// them.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace nb {

enum class KeyType {
  text,      ///< a string that says something
  name,      ///< a string of a-z 0-9 - _
  choice,    ///< one of `choices`, which commas separate
  choices,   ///< a list of them, each once
  integer,   ///< in [low, high]
  number,    ///< integer or float in [low, high]
  boolean,   ///< true or false
  range,     ///< { low, typical, high } of numbers in [low, high], ascending, at least one of them
  integers,  ///< a list of ascending integers in [low, high]
  names,     ///< a list of names
  date,      ///< "YYYY", "YYYY-MM" or "YYYY-MM-DD"
  tables,    ///< an array of tables, whose keys are the rows of that table
};

struct KeyRow {
  std::string_view table;  ///< "" for the top, else the array of tables that it stands in
  std::string_view key;
  KeyType type = KeyType::text;
  bool is_required = false;
  double low = 0;
  double high = 0;
  std::string_view choices = {};
};

/// All rows of a board, table by table. Besides these, every table takes `sources`, a table from its keys to
/// texts; so do the other schemas.
[[nodiscard]] std::span<const KeyRow> board_schema();
/// Of an external memory.
[[nodiscard]] std::span<const KeyRow> memory_schema();
/// Of a battery.
[[nodiscard]] std::span<const KeyRow> battery_schema();
/// Of a user's own price list.
[[nodiscard]] std::span<const KeyRow> price_list_schema();

}  // namespace nb
