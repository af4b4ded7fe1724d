// Which of a board's memories hold a program, and what does not fit there.
#pragma once
#include <string>
#include <vector>

#include "target/board.h"

namespace nb {

/// Which memory holds what on the board, and how much stack is reserved.
struct MemoryPlan {
  const Memory* program = nullptr;
  const Memory* stack = nullptr;
  const Memory* arena = nullptr;    ///< null: none has room for it
  const Memory* weights = nullptr;  ///< of the constants of far layers; null: they lie with the program
  std::int64_t stack_bytes = 0;
};

/// Of a board that is no host: pointers into it.
[[nodiscard]] MemoryPlan plan_memories(const Board& board, std::int64_t arena_bytes);

/// What a built program takes. Bytes.
struct ProgramSizes {
  std::int64_t flash_bytes = 0;   ///< from the start of the flash to the end of what is written there
  std::int64_t static_bytes = 0;  ///< from the end of the stack to the end of .data and .bss
  std::int64_t arena_bytes = 0;
  std::int64_t stack_bytes = 0;  ///< that was used
  std::int64_t far_bytes = 0;    ///< constants of far layers (Placement)
};

/// A memory with too little room.
struct Misfit {
  std::string memory;
  std::string what;  ///< "arena", "weights", "program", "stack and arena", "reserve"
  std::int64_t needed_bytes = 0, free_bytes = 0;
  [[nodiscard]] std::int64_t excess_bytes() const { return needed_bytes - free_bytes; }
};

/// What is known before a program is built: its arena fits nowhere, or its weights alone exceed the flash.
[[nodiscard]] std::vector<Misfit> early_misfits(const Board& board, std::int64_t arena_bytes,
                                                std::int64_t weights_bytes);

/// What is known of a built program, whose arena has a memory: the linker for the board would refuse it, or
/// its stack would not hold.
[[nodiscard]] std::vector<Misfit> misfits(const Board& board, const ProgramSizes& sizes);

}  // namespace nb
