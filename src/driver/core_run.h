// A program built and run once for a core, so that every board of the core can be priced from it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "bench/memory_plan.h"
#include "bench/run.h"
#include "driver/program.h"
#include "timing/conditions.h"
#include "timing/memory_system.h"

namespace nb {

/// Where that program lay on the virtual machine: program, stack, arena and constants of far layers, each in
/// a memory of its own.
struct CorePlacement {
  RegionPlace program, stack, arena;
  std::optional<RegionPlace> weights;  ///< absent: there are no far layers
  /// All of them, in the order of the plugin's numbers.
  [[nodiscard]] std::vector<RegionPlace> places() const {
    std::vector<RegionPlace> all = {program, stack, arena};
    if (weights) all.push_back(*weights);
    return all;
  }
  std::int64_t stack_bytes = 0;   ///< reserved
  std::int64_t static_bytes = 0;  ///< behind the stack: .data and .bss
  std::int64_t arena_bytes = 0;
};

struct CoreRun {
  CorePlacement placement;
  ProgramSizes sizes;
  std::int64_t flash_bytes = 0, far_bytes = 0, static_bytes = 0;  ///< as Firmware has them
  std::int64_t constant_bytes = 0;                                ///< as Program has them
  std::int64_t instructions = 0;                                  ///< of one inference
  /// What one run of the plugin counted; each has the caches of some boards (BoardCaches).
  struct Part {
    Profile profile;
    std::vector<LayerInterval> intervals;
  };
  std::vector<Part> parts;
  bool is_kept = false;  ///< it was found in the folder
};

/// Boards of one core whose caches one run can simulate.
struct BoardCaches {
  std::vector<const Board*> boards;
  std::vector<MemorySystem> memories;  ///< one a board
  CachePlan plan;
};
/// All boards, in their order, in as few parts as the plugin allows.
[[nodiscard]] std::vector<BoardCaches> board_caches(const std::vector<const Board*>& boards,
                                                    const CorePlacement& placement,
                                                    const MemoryConditions& conditions);

/// The core with the memories of its virtual machine: like `board`, but for an arena that large, and a stack
/// of its own.
[[nodiscard]] Board plain_board(const Board& board, std::int64_t arena_bytes);

struct CoreRunRequest {
  const Compiled& compiled;  ///< for plain_board()
  /// Of its core, with the same flags and far layers; the arena fits each.
  const std::vector<const Board*>& boards;
  const MemoryConditions& conditions;
  bool keeps_state = false;
  double timeout_seconds = 600;
  std::filesystem::path folder = {};  ///< runs are kept there, and found again; empty: not
};

/// Builds and runs one sample of made-up bytes, or finds the run of the same program, tools and caches in
/// the folder. Errors: those of build_program and run_firmware, file-unwritable.
[[nodiscard]] Result<CoreRun> run_core(const CoreRunRequest& request, Diagnostics& diagnostics);

}  // namespace nb
