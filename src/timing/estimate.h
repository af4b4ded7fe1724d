// From counts to cycles: each edge between blocks by the core's pipeline, each miss by the board's memories.
#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "timing/disassembly.h"
#include "timing/memory_system.h"
#include "timing/pipeline.h"
#include "timing/profile.h"

namespace nb {

/// What ran, and how long it takes.
struct Timing {
  std::int64_t instructions = 0;
  double pipeline_cycles = 0;  ///< if memory never made the core wait
  double stall_cycles = 0;     ///< waiting for memory
  [[nodiscard]] double cycles() const { return pipeline_cycles + stall_cycles; }
  Timing& operator+=(const Timing& other) {
    instructions += other.instructions;
    pipeline_cycles += other.pipeline_cycles;
    stall_cycles += other.stall_cycles;
    return *this;
  }
};

/// Prices what a core ran. Keeps the cost of each edge, so that one run is priced for many boards.
class Timer {
 public:
  /// All are kept by reference.
  Timer(const CoreModel& core, const Disassembly& code, const Profile& profile)
      : core_(core), code_(code), profile_(profile) {}

  /// By block, of the interval with that number.
  [[nodiscard]] std::vector<Timing> timing(std::size_t interval, const MemorySystem& memories) const;
  /// Instructions that ran and could not be read, of the interval.
  [[nodiscard]] std::int64_t unread_instructions(std::size_t interval) const;
  /// What was taken for want of knowledge, a sentence each; `unread`: of all intervals that count.
  [[nodiscard]] std::vector<std::string> doubts(std::int64_t unread) const;

 private:
  /// The blocks' instructions, with the memories that they accessed on one board.
  struct Placed {
    std::vector<std::uint8_t> memory_numbers;
    std::vector<std::vector<Instruction>> blocks;
  };

  /// As if memory never made the core wait but for what `line` says.
  [[nodiscard]] std::vector<Timing> pipeline(std::size_t interval, const MemorySystem& memories,
                                             const FetchLine& line) const;
  [[nodiscard]] std::uint32_t placed_on(const MemorySystem& memories) const;  ///< a number in placed_
  [[nodiscard]] int edge_cycles(const ProfileEdge& edge, const FetchLine& line, std::uint32_t placed) const;
  /// Cycles of what follows the first `done` instructions of the block.
  [[nodiscard]] int rest_cycles(std::uint32_t number, std::uint32_t done) const;

  const CoreModel& core_;
  const Disassembly& code_;
  const Profile& profile_;
  mutable std::vector<Placed> placed_;
  mutable std::map<std::array<std::uint32_t, 4>, int> edge_cycles_;
};

}  // namespace nb
