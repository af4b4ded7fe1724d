// The catalogue of boards and external memories, as text, JSON, the page docs/boards.md, and a file to begin
// a board with.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "target/board.h"
#include "target/external_memory.h"
#include "target/price_list.h"

namespace nb {

/// In full; what is not known is null. `prices` may be null.
[[nodiscard]] nlohmann::json board_json(const Board& board, const PriceList* prices = nullptr);
[[nodiscard]] nlohmann::json external_memory_json(const ExternalMemory& memory,
                                                  const PriceList* prices = nullptr);

/// One line a board, or a memory.
[[nodiscard]] std::string boards_text(const PriceList* prices);
[[nodiscard]] std::string memories_text(const PriceList* prices);
/// In full, with the sources of its values.
[[nodiscard]] std::string board_text(const Board& board, const PriceList* prices);
[[nodiscard]] std::string external_memory_text(const ExternalMemory& memory, const PriceList* prices);

/// The whole catalogue as a page of Markdown, docs/boards.md.
[[nodiscard]] std::string boards_markdown();

/// What no source gave, in words: "power", "price"...; what the columns of a board leave blank.
[[nodiscard]] std::vector<std::string> blanks_of(const Board& board);

/// A commented TOML called `name` to begin a board with: memories and caches of `like`, each marked as
/// copied, and neither its power nor its prices. It parses as it is.
[[nodiscard]] std::string board_template(std::string_view name, const Board& like);
/// How the sources of board_template() begin, until somebody replaces them.
inline constexpr std::string_view kCopiedSource = "copied from ";

}  // namespace nb
