#include "timing/conditions.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace nb {
namespace {

std::optional<double> hertz(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string unit = to_lower(trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  const double factor = unit.empty() || unit == "hz" ? 1
                        : unit == "khz"              ? 1e3
                        : unit == "mhz"              ? 1e6
                        : unit == "ghz"              ? 1e9
                                                     : 0;
  value *= factor;
  return value >= 1e4 && value <= 5e9 ? std::optional(value) : std::nullopt;
}

std::optional<bool> on_or_off(std::string_view text) {
  if (text == "on" || text == "yes" || text == "1") return true;
  if (text == "off" || text == "no" || text == "0") return false;
  return std::nullopt;
}

}  // namespace

Result<MemoryConditions> parse_conditions(const std::vector<std::string>& words, Diagnostics& diagnostics) {
  MemoryConditions conditions;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = to_lower(trim(std::string_view(word).substr(0, equals)));
    const std::string value =
        equals == std::string::npos ? "" : std::string(trim(std::string_view(word).substr(equals + 1)));
    const auto refuse = [&](const std::string& rule) -> Failed {
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--what-if `" + printable(word) + "`: " + rule,
                              .help = "as in --what-if clock=96MHz,wait_states=5,cache=off,prefetch=off"});
    };
    if (key == "clock") {
      const auto hz = hertz(value);
      if (!hz) return refuse("a clock is 10 kHz to 5 GHz, with its unit");
      conditions.clock_hz = std::llround(*hz);
    } else if (key == "wait_states") {
      int states = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), states);
      if (value.empty() || error != std::errc() || end != value.data() + value.size() || states < 0 ||
          states > 255)
        return refuse("wait states are 0 to 255");
      conditions.wait_states = states;
    } else if (key == "cache" || key == "prefetch") {
      const auto is_on = on_or_off(to_lower(value));
      if (!is_on) return refuse("`on` or `off`");
      (key == "cache" ? conditions.has_caches : conditions.has_prefetch) = *is_on;
    } else {
      return refuse("known are clock, wait_states, cache and prefetch");
    }
  }
  return conditions;
}

}  // namespace nb
