#include "driver/asked_boards.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/text.h"
#include "bench/machines.h"

namespace nb {
namespace {

/// What stands behind a board's name, or a file, is no pattern.
bool is_pattern(const std::string& word) {
  return word.find_first_of("*?[") != std::string::npos && word.find_first_of("+:/") == std::string::npos &&
         !word.ends_with(".toml");
}

std::vector<Board> built_boards(const std::string& pattern) {
  std::vector<Board> boards;
  for (const Board& board : builtin_boards())
    if (!board.is_virtual && !board.is_data_only && !board.is_host() &&
        bench::find_core(board.processor) != nullptr && fnmatch(pattern.c_str(), board.name.c_str(), 0) == 0)
      boards.push_back(board);
  return boards;
}

}  // namespace

Result<std::vector<AskedBoard>> asked_boards(const std::vector<std::string>& names,
                                             Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  std::vector<AskedBoard> boards;
  const auto add = [&](const std::string& word, Board board) {
    const bool is_there = std::any_of(boards.begin(), boards.end(), [&](const AskedBoard& one) {
      return one.word == word || one.board.name == board.name;
    });
    if (!is_there) boards.push_back({word, std::move(board)});
  };
  const auto add_all = [&](const std::string& pattern) {
    for (Board& board : built_boards(pattern)) {
      const std::string name = board.name;
      add(name, std::move(board));
    }
  };
  if (names.empty()) add_all("*");
  for (const std::string& name : names) {
    if (is_pattern(name)) {
      const std::size_t before = boards.size();
      add_all(name);
      if (boards.size() == before && built_boards(name).empty())
        diagnostics.add(
            {.kind = Kind::unknown_board,
             .message = "no board that programs are built for is called like `" + printable(name) + "`",
             .help = "`nblocks boards` lists their names"});
      continue;
    }
    auto board = find_target_board(name, diagnostics);
    if (!board) continue;
    if (board->is_host()) {
      diagnostics.add({.kind = Kind::usage,
                       .message = "this computer is no board to compare: its cycles are not counted",
                       .help = "`nblocks boards` lists boards"});
      continue;
    }
    add(name, std::move(*board));
  }
  if (diagnostics.error_count() != errors) return kFailed;
  return boards;
}

}  // namespace nb
