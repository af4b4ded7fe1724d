#include "target/battery.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "target/board_schema.h"
#include "target/catalogue.h"
#include "target/schema_check.h"

namespace nb {
namespace {

constexpr std::string_view kFolder = "src/target/batteries/";
constexpr double kMostMah = 1e6, kMostVolts = 60;

/// The number at the beginning of `text`, which it is taken from.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value) || value <= 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// "250mah@3.0v", in lower case; nothing if it is not of this form.
std::optional<Battery> as_given(std::string_view text) {
  const std::string name(text);
  const auto capacity_mah = take_number(text);
  if (!capacity_mah || !take(text, "mah@")) return std::nullopt;
  const auto volts = take_number(text);
  if (!volts || text != "v" || *capacity_mah > kMostMah || *volts > kMostVolts) return std::nullopt;
  Battery battery;
  battery.name = name;
  battery.title = "as given";
  battery.nominal_mv = static_cast<int>(std::lround(*volts * 1e3));
  battery.capacity_mah = *capacity_mah;
  battery.sources.emplace("", "as given");
  if (battery.nominal_mv == 0) return std::nullopt;
  return battery;
}

Battery in_series(const Battery& cell, int count) {
  Battery battery = cell;
  battery.name = std::to_string(count) + "x" + cell.name;
  battery.title = std::to_string(count) + " in series: " + cell.title;
  battery.nominal_mv *= count;
  if (battery.cutoff_mv) *battery.cutoff_mv *= count;
  return battery;
}

}  // namespace

Result<Battery> parse_battery(std::string_view toml, std::string_view file, Diagnostics& diagnostics) {
  SchemaCheck check(battery_schema(), "a battery", toml, file, diagnostics);
  const toml::table* top = check.check();
  if (top == nullptr) return kFailed;
  Battery battery{
      .name = text_of(*top, "name"),
      .title = text_of(*top, "title"),
      .chemistry = text_of(*top, "chemistry"),
      .nominal_mv = *int_of(*top, "nominal_mv"),
      .capacity_mah = *(*top)["capacity_mah"].value<double>(),
      .cutoff_mv = int_of(*top, "cutoff_mv"),
      .self_discharge_percent_per_year = (*top)["self_discharge_percent_per_year"].value<double>(),
      .shelf_life_years = (*top)["shelf_life_years"].value<double>(),
      .is_rechargeable = (*top)["rechargeable"].value_or(false),
      .note = text_of(*top, "note"),
      .sources = {}};
  read_sources(*top, "", battery.sources);
  if (battery.cutoff_mv && *battery.cutoff_mv >= battery.nominal_mv)
    check.refuse((*top)["cutoff_mv"].node()->source(), "a cut-off at or above the nominal voltage",
                 "cutoff_mv is below nominal_mv");
  if (check.is_refused()) return kFailed;
  return battery;
}

Result<std::vector<Battery>> parse_battery_catalogue(Diagnostics& diagnostics) {
  return parse_all<Battery>(kFolder, parse_battery, diagnostics);
}

const std::vector<Battery>& builtin_batteries() {
  static const std::vector<Battery> kBatteries = [] {
    Diagnostics unheard;  // a test sees to it that every file parses
    auto batteries = parse_battery_catalogue(unheard);
    return batteries ? *std::move(batteries) : std::vector<Battery>();
  }();
  return kBatteries;
}

Result<Battery> find_battery(std::string_view text, Diagnostics& diagnostics) {
  const std::string wanted = to_lower(trim(text));
  if (auto given = as_given(wanted)) return *std::move(given);
  const bool is_series = wanted.size() > 2 && wanted[0] >= '2' && wanted[0] <= '9' && wanted[1] == 'x';
  const std::string cell(trim(std::string_view(wanted).substr(is_series ? 2 : 0)));
  std::vector<std::string> names;
  for (const Battery& battery : builtin_batteries()) {
    if (battery.name == cell) return is_series ? in_series(battery, wanted[0] - '0') : battery;
    names.push_back(battery.name);
  }
  const std::string near = nearest(cell, names);
  return diagnostics.add({.kind = Kind::unknown_battery,
                          .message = "no battery is called `" + printable(text) + "`",
                          .notes = {"batteries: " + join(names, ", ")},
                          .help = near.empty() ? "take one of these, or give yours: 250mAh@3.0V"
                                               : "did you mean `" + near + "`?"});
}

}  // namespace nb
