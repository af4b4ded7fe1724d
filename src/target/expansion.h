// Boards with one memory more: what of the catalogue can be put on which bus, and what becomes of the board.
#pragma once
#include <string_view>
#include <vector>

#include "target/board.h"
#include "target/external_memory.h"

namespace nb {

/// A memory of the catalogue on a bus of a board. The board and the catalogue outlive it.
struct ExpansionFit {
  const Expansion* expansion = nullptr;
  const ExternalMemory* memory = nullptr;
};

/// Whether that memory can be put there: the bus speaks its interface, maps its kind and is not taken.
[[nodiscard]] bool fits(const Expansion& expansion, const ExternalMemory& memory);

/// All that fit, by bus in the board's order, then by memory in the catalogue's.
[[nodiscard]] std::vector<ExpansionFit> expansion_fits(const Board& board);

/// The board's bus of that name, or null.
[[nodiscard]] const Expansion* find_expansion(const Board& board, std::string_view name);

/// The board with that memory on that bus of its: a last memory called as the bus, which is taken then.
/// external_flash holds constants, external_ram may hold the arena; timing prices it like one that was there.
/// Its clock is the lower of the bus's and the part's, in the mode (one edge or both) that reads faster; RAM
/// at double rate has no other. Where one of the two is not known, clock and bandwidth are not.
[[nodiscard]] Board with_memory(const Board& board, const Expansion& expansion, const ExternalMemory& memory);

}  // namespace nb
