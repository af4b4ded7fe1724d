// Boards with memory outside their part: which could hold what does not fit inside.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bench/memory_plan.h"
#include "graph/graph.h"
#include "target/board.h"

namespace nb {

/// What of a program has to leave the part.
struct Overflow {
  std::int64_t arena_bytes = 0;    ///< of the arena, if it does not fit; else 0
  std::int64_t weights_bytes = 0;  ///< of constants that must lie elsewhere; 0: none
};
/// From the misfits of a program on a board; nothing if other things than these do not fit.
[[nodiscard]] std::optional<Overflow> overflow_of(const std::vector<Misfit>& misfits,
                                                  std::int64_t arena_bytes);

/// The layers whose constants leave the part so that at least that many bytes do: those that are read least
/// often for their size, in quarters of all, so that boards share programs. Empty: all layers.
[[nodiscard]] std::vector<std::string> far_layers_for(const Graph& graph, std::int64_t bytes);

/// What is written behind the board's name (board_use.h) to have the overflow in memories outside: those
/// that the board carries, and those of the catalogue that its buses take. `far_layers` as far_layers_for
/// gives them. Memories that cost no less and are read no faster than another on the same bus are left out,
/// unless all are wanted.
[[nodiscard]] std::vector<std::string> external_uses(const Board& board, const Overflow& overflow,
                                                     const std::vector<std::string>& far_layers,
                                                     bool wants_all);

/// The board with so much of the memories inside its part that nothing has to leave it: to tell what leaving
/// costs.
[[nodiscard]] Board roomy(const Board& board, std::int64_t arena_bytes, std::int64_t far_bytes);

}  // namespace nb
