// Memories that a board may carry beside its part: what they hold, how fast they are read, what they cost.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/board.h"

namespace nb {

/// One part. What no source gives is absent.
struct ExternalMemory {
  std::string name;   ///< as a board's `part` and `nblocks boards memories` take it
  std::string title;  ///< as people write it
  std::string vendor;
  std::string part;
  ExternalKind kind = ExternalKind::nor_flash;
  std::string interface;  ///< "spi", "qspi", "octal", "xspi", "hexadeca", "hyperbus", "parallel"
  int bus_bits = 1;       ///< data lines
  std::int64_t size_bytes = 0;
  std::optional<std::int64_t> clock_hz;      ///< the highest
  std::optional<bool> is_double_rate;        ///< data on both edges of the clock
  std::optional<double> bandwidth_mb_per_s;  ///< peak, as its source gives it
  std::optional<int> read_latency_clocks;    ///< from the command to the first data, at that clock
  std::optional<double> read_latency_ns;
  std::optional<int> supply_mv;
  std::string note;
  std::vector<Power> powers;  ///< run: while it is read; idle: standby; sleep: power-down
  std::vector<Price> prices;
  std::map<std::string, std::string, std::less<>> sources;  ///< as in Board

  /// What the bus carries at most, in 10^6 bytes a second: width times clock, or absent.
  [[nodiscard]] std::optional<double> bus_mb_per_s() const {
    if (!clock_hz || !is_double_rate) return std::nullopt;
    return static_cast<double>(*clock_hz) * bus_bits * (*is_double_rate ? 2 : 1) / 8e6;
  }
};

/// Reads one. `file` is named in diagnostics (bad-board, with line and rule); every mistake is reported.
Result<ExternalMemory> parse_external_memory(std::string_view toml, std::string_view file,
                                             Diagnostics& diagnostics);

/// Parses all files of the catalogue, in order of their paths.
Result<std::vector<ExternalMemory>> parse_memory_catalogue(Diagnostics& diagnostics);

/// The catalogue by kind, then by name.
[[nodiscard]] const std::vector<ExternalMemory>& builtin_memories();

/// The memory of that name, in any case. Reports unknown-board, with the nearest name.
Result<ExternalMemory> find_external_memory(std::string_view name, Diagnostics& diagnostics);

}  // namespace nb
