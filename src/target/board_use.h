// A board as a user uses it: with memories added, and with parts of the program where the user wants them.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/board.h"

namespace nb {

/// The name of a board, and what a user writes behind it:
/// `stm32h735g-dk+aps6404l@octospi2:weights=ospi_flash=embedding,head:arena=octospi2`.
/// `+MEMORY` adds an external memory of the catalogue (on that bus of the part, else the first that takes
/// it); `:weights=` has the constants of all layers, or of those named, in that memory; `:arena=` the arena;
/// `:reserve_ram=` and `:reserve_flash=` keep bytes (64K, 1M) inside the part for other firmware. A memory
/// goes by its name on the board, or by the name of its part.
struct BoardUse {
  std::string_view board;  ///< the name alone, or a .toml file
  std::string_view rest;   ///< what follows
};
[[nodiscard]] BoardUse split_use(std::string_view text);

/// The board used as `rest` says; its name becomes `text`. Errors: usage; unknown-board for a memory that the
/// catalogue lacks.
[[nodiscard]] Result<Board> used_board(Board board, std::string_view rest, std::string_view text,
                                       Diagnostics& diagnostics);

/// Bytes of "64K", "256KiB", "1M", "4096". Reports usage; `option` is named.
[[nodiscard]] Result<std::int64_t> parse_bytes(std::string_view text, std::string_view option,
                                               Diagnostics& diagnostics);

}  // namespace nb
