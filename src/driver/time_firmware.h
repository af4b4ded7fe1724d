// How long a stretch of any firmware takes on a board.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/board.h"
#include "timing/estimate.h"

namespace nb {

struct TimeRequest {
  std::filesystem::path elf;
  std::string from;  ///< a symbol, or an address as 0x...
  std::string to;    ///< likewise; empty: until `from` returns to its caller
  /// Where the file's sections lie on the board: "LOW-HIGH=MEMORY" with hexadecimal addresses, or
  /// ".section=MEMORY". What is not named lies in the board's memory of that address, else in its program
  /// memory if it is not written, else in the memory of its stack.
  std::vector<std::string> memory_map;
  MemoryConditions conditions;
  double timeout_seconds = 600;
};

struct FunctionTiming {
  std::string name;  ///< as linked; empty: no symbol there
  Timing timing;
};

struct FirmwareTiming {
  Timing total;
  std::vector<FunctionTiming> functions;  ///< the one with the most cycles first
  std::optional<std::int64_t> clock_hz;
  std::vector<RegionPlace> places;
  std::vector<std::string> assumptions;  ///< sentences
  std::string machine;
};

/// Runs the file on a virtual board with the board's core and times the first passage from `from` to `to`.
/// Errors: usage (no such symbol or memory, or no code there; a region that is never reached, with what ran
/// instead), file-unreadable (no ELF file, or of another core), firmware-fault, unknown-board (no timing
/// model of that core), tool-missing.
[[nodiscard]] Result<FirmwareTiming> time_firmware(const TimeRequest& request, const Board& board,
                                                   Diagnostics& diagnostics);

}  // namespace nb
