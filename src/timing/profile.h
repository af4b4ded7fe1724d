// What ran on a virtual board: the counting plugin's log (src/bench/plugin/count.c).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nb {

/// A translation block of QEMU: instructions in a row of which only the last may jump.
struct ProfileBlock {
  std::uint32_t address = 0, size_bytes = 0, instructions = 0;
  std::uint64_t count = 0;  ///< executions in the whole run
  std::string code;         ///< its bytes
  /// By instruction, literals excepted: the watched regions that it accessed, a bit each. Empty: not
  /// recorded.
  std::vector<std::uint32_t> regions = {};
};

/// That block `to` ran `count` times right after block `from`.
struct ProfileEdge {
  std::uint32_t from = 0, to = 0;
  std::uint64_t count = 0;
};

/// Accesses to data of a block in a region of memory.
struct ProfileAccesses {
  std::uint32_t block = 0, region = 0;
  std::uint64_t reads = 0, writes = 0;
};

/// Misses of a block in a simulated cache.
struct ProfileMisses {
  std::uint32_t block = 0, cache = 0, region = 0;
  bool is_of_instructions = false;
  std::uint64_t first = 0;   ///< of instructions: in the line after the one before; of data: all
  std::uint64_t second = 0;  ///< of instructions: in other lines; of data: dirty lines written back
  std::uint64_t third = 0;   ///< of data: right after another miss
};

/// What ran between one mark and the next.
struct ProfileInterval {
  std::uint32_t mark = 0;                       ///< that ends it
  std::int64_t instructions_before_mark = 0;    ///< since the program's start
  std::uint32_t mark_block = 0, mark_done = 0;  ///< the mark's block, and how many of its instructions ran
  /// The mark's block belongs to this interval with all its instructions.
  std::vector<ProfileEdge> edges;
  std::vector<ProfileAccesses> accesses;
  std::vector<ProfileMisses> misses;
};

struct Profile {
  std::vector<ProfileBlock> blocks;
  std::vector<ProfileInterval> intervals;
  std::int64_t instructions = 0;               ///< of the whole run
  std::vector<ProfileEdge> unended;            ///< what ran since the last mark
  std::optional<std::uint32_t> fault_handler;  ///< it was entered, which ended the run; 0: there was none
  std::uint32_t fault_block = 0;               ///< the block before
  bool is_log_full = false;                    ///< QEMU's, which ended the run
  std::optional<std::uint32_t> stuck_block;    ///< a branch to itself, which ended the run
  /// (mark, how often) of marks that were passed before CountRequest::first.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> passed_over;
  bool is_cut = false;  ///< the plugin left lines out
};

/// Absent if the text is no whole log.
[[nodiscard]] std::optional<Profile> parse_profile(std::string_view text);

}  // namespace nb
