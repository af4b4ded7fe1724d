// What the user says about a board beyond its file: `clock=96MHz,wait_states=5,cache=off`.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"

namespace nb {

struct MemoryConditions {
  std::optional<std::int64_t> clock_hz;  ///< of the core; absent: the board's
  std::optional<int> wait_states;        ///< of the program's flash; absent: what the clock asks for
  bool has_caches = true, has_prefetch = true;
};

/// From words KEY=VALUE: clock (Hz, kHz, MHz or GHz), wait_states, cache and prefetch (on, off). Errors:
/// usage.
[[nodiscard]] Result<MemoryConditions> parse_conditions(const std::vector<std::string>& words,
                                                        Diagnostics& diagnostics);

}  // namespace nb
