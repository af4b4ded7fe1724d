// Batteries: what they hold, at which voltage, and how it leaks.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"

namespace nb {

/// One cell of the catalogue, or what a user gives. What no source gives is absent.
struct Battery {
  std::string name;   ///< as `--battery` takes it: "cr2450", "2x aa-alkaline", "250mAh@3.0V"
  std::string title;  ///< as people write it
  std::string chemistry;
  int nominal_mv = 0;
  double capacity_mah = 0;       ///< down to the cut-off, at a low current and 20 to 25 degrees
  std::optional<int> cutoff_mv;  ///< at which the capacity counts as used up
  std::optional<double> self_discharge_percent_per_year;
  std::optional<double> shelf_life_years;
  bool is_rechargeable = false;
  std::string note;
  std::map<std::string, std::string, std::less<>> sources;  ///< as in Board
};

/// Reads one. `file` is named in diagnostics (bad-board, with line and rule); every mistake is reported.
Result<Battery> parse_battery(std::string_view toml, std::string_view file, Diagnostics& diagnostics);

/// Parses all files of the catalogue, in order of their paths.
Result<std::vector<Battery>> parse_battery_catalogue(Diagnostics& diagnostics);

/// The catalogue, by name.
[[nodiscard]] const std::vector<Battery>& builtin_batteries();

/// The battery of that name, in any case; `2xNAME` to `9xNAME` for as many in series; "250mAh@3.0V" for one
/// of the user's. Reports unknown-battery, with the nearest name.
Result<Battery> find_battery(std::string_view text, Diagnostics& diagnostics);

}  // namespace nb
