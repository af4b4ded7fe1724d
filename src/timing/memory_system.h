// A board's memories as the counting plugin simulates them, and what their waiting costs.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "target/board.h"
#include "target/external_memory.h"
#include "timing/conditions.h"
#include "timing/pipeline.h"
#include "timing/profile.h"

namespace nb {

/// Addresses of the virtual board that stand for one memory of the real one.
struct RegionPlace {
  std::uint32_t low = 0, high = 0;  ///< [low, high)
  std::string memory;               ///< by its name; one that the board lacks never waits
  std::uint32_t shift = 0;          ///< added, modulo 2^32: where caches see it, if not at that address
};

/// A cache as the plugin simulates it.
struct SimulatedCache {
  CacheKind kind = CacheKind::unified;
  bool fills_on_jump_only = false;
  std::int64_t size_bytes = 0, line_bytes = 0, ways = 0;
  std::uint32_t regions = 0;
  std::vector<std::uint32_t> shifts;  ///< by region; empty: none is shifted
  auto operator<=>(const SimulatedCache&) const = default;
};

/// The caches that one run simulates, for one board or several.
class CachePlan {
 public:
  /// The number of that cache; it is added if it is new.
  std::uint32_t number_of(const SimulatedCache& cache);
  /// The plugin's memory file; regions as `places`.
  [[nodiscard]] std::string text(const std::vector<RegionPlace>& places) const;
  /// Accesses to data there are counted even if no cache has them.
  void watch(std::uint32_t region) { watched_ |= 1u << region; }
  [[nodiscard]] bool is_empty() const { return caches_.empty() && watched_ == 0; }
  [[nodiscard]] std::size_t size() const { return caches_.size(); }
  static constexpr std::size_t kMost = 24;  ///< that the plugin takes

 private:
  std::vector<SimulatedCache> caches_;
  std::uint32_t watched_ = 0;
};

/// One board's memories. Source of the formulas: memory_system.cc.
class MemorySystem {
 public:
  MemorySystem() = default;  ///< memory never waits
  /// `places`: regions in the order of the plugin's numbers. Adds to `plan` what has to be simulated.
  MemorySystem(const Board& board, const std::vector<RegionPlace>& places, const MemoryConditions& conditions,
               CachePlan& plan);

  /// Waiting of accesses to data that no cache serves.
  [[nodiscard]] double access_cycles(const ProfileAccesses& accesses) const;
  /// What the core does meanwhile.
  struct Pace {
    double cycles_per_byte = 1;  ///< of code, for a prefetcher to run ahead of
    double cycles_per_read = 1;  ///< between two accesses to data
  };
  /// Waiting of misses.
  [[nodiscard]] double miss_cycles(const ProfileMisses& misses, const Pace& pace) const;

  /// The core's clock in Hz; absent where neither board nor conditions say.
  [[nodiscard]] std::optional<std::int64_t> clock_hz() const { return clock_hz_; }
  /// How the program's instructions come from a cache that has them.
  [[nodiscard]] const FetchLine& fetch_line() const { return fetch_line_; }
  /// For `memory` of an instruction: the same number for regions in the same memory, and 1 for what lies in
  /// none of those that are watched; 0 where several are named or none is known.
  [[nodiscard]] std::uint8_t memory_of(std::uint32_t region_bits) const;
  /// The same by address.
  [[nodiscard]] std::uint8_t memory_at(std::uint32_t address) const;
  /// What `memory_of` and `memory_at` depend on.
  [[nodiscard]] const std::vector<std::uint8_t>& memory_numbers() const { return memory_numbers_; }
  /// What is assumed where the board's file is silent, a sentence each.
  [[nodiscard]] const std::vector<std::string>& assumptions() const { return assumptions_; }

 private:
  struct Region {
    double read_cycles = 0, write_cycles = 0;  ///< of each access beyond the pipeline's
  };
  /// What a miss of that cache in that region costs.
  struct Fill {
    std::uint32_t cache = 0, region = 0;
    double data_cycles = 0, written_back_cycles = 0;
    double first_read_cycles = 0;  ///< until the wanted instruction is there
    double next_read_cycles = 0;   ///< of each further read that the line takes
    double reads = 1, read_bytes = 8;
    bool has_prefetch = false;
  };
  void add_region(const Board& board, const std::vector<RegionPlace>& places, std::uint32_t region,
                  const MemoryConditions& conditions, CachePlan& plan);
  /// Adds to the assumptions, once.
  void assume(std::string sentence);

  std::optional<std::int64_t> clock_hz_;
  FetchLine fetch_line_;
  std::vector<Region> regions_;
  std::vector<Fill> fills_;
  std::vector<std::uint8_t> memory_numbers_;  ///< by region
  std::vector<RegionPlace> places_;
  std::vector<std::string> assumptions_;
};

}  // namespace nb
