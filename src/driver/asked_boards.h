// The boards that a search or a comparison is about.
#pragma once
#include <string>
#include <vector>

#include "target/board.h"

namespace nb {

/// A board, and the word that it was asked by: its name, with additions, or a file.
struct AskedBoard {
  std::string word;
  Board board;
};

/// Boards by name (board_use.h), .toml file, or pattern of names (`nucleo-*`: boards that programs are built
/// for; each once, in the order asked). Without names: all boards that programs are built for. Errors: usage
/// for this computer, which counts no cycles; those of find_target_board, of a pattern that no name matches.
[[nodiscard]] Result<std::vector<AskedBoard>> asked_boards(const std::vector<std::string>& names,
                                                           Diagnostics& diagnostics);

}  // namespace nb
