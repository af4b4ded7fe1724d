// Formulas. An access to a memory with w wait states takes w + 1 cycles of its bus. A cache's line is filled
// by line / read-width such accesses. Data wait for the whole line. Instructions wait for the first access;
// what follows runs ahead of the core, which waits for the difference only, and so does a prefetcher for the
// next line. External memories: latency and bandwidth of their bus. Caches within the core (Cortex-M7, M55,
// M85) reach memory by an AXI bus, whose own latency comes to kAxiCycles of that bus.
#include "timing/memory_system.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/text.h"

namespace nb {
namespace {

constexpr std::uint8_t kOtherMemory = 1;
constexpr double kAxiCycles = 4;
constexpr int kDefaultReadBytes = 8;
constexpr std::int64_t kDefaultCacheBytes = 2048;  // of what stands before a microcontroller's flash
constexpr double kCyclesPerByte = 0.4;             // of code: 3 bytes an instruction, 1.2 cycles each

bool has_first_level_caches(const Board& board) {
  return board.processor.starts_with("cortex-m7") || board.processor == "cortex-m55" ||
         board.processor == "cortex-m85";
}

/// Whether the core's pipeline asks which memory an access goes to (core_cortex_m3_m4.cc,
/// core_cortex_m33.cc).
bool asks_for_memories(const Board& board) {
  return board.processor == "cortex-m3" || board.processor.starts_with("cortex-m4") ||
         board.processor == "cortex-m33";
}

/// What holds data that change: the internal RAMs.
bool is_working_memory(const Memory& memory) {
  return memory.kind == MemoryKind::ram || memory.kind == MemoryKind::tcm;
}

bool serves(const Cache& cache, const Memory& memory) {
  // A cache with an address of its own is on another path than the memory's.
  if (memory.kind == MemoryKind::tcm || cache.address) return false;
  return cache.serves.empty() ||
         std::find(cache.serves.begin(), cache.serves.end(), memory.name) != cache.serves.end();
}

}  // namespace

std::uint32_t CachePlan::number_of(const SimulatedCache& cache) {
  const auto found = std::find(caches_.begin(), caches_.end(), cache);
  const auto number = static_cast<std::uint32_t>(found - caches_.begin());
  if (found == caches_.end()) caches_.push_back(cache);
  return number;
}

std::string CachePlan::text(const std::vector<RegionPlace>& places) const {
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i)
    text += "region " + hex_text(places[i].low) + " " + hex_text(places[i].high) +
            ((watched_ >> i & 1u) != 0 ? " watched\n" : "\n");
  for (const SimulatedCache& cache : caches_) {
    const char kind = cache.kind == CacheKind::instruction ? 'I' : cache.kind == CacheKind::data ? 'D' : 'U';
    text += std::string("cache ") + kind + (cache.fills_on_jump_only ? " jump " : " miss ") +
            std::to_string(cache.size_bytes) + " " + std::to_string(cache.line_bytes) + " " +
            std::to_string(cache.ways) + " " + hex_text(cache.regions) + "\n";
    for (std::uint32_t region = 0; region < cache.shifts.size(); ++region)
      if (cache.shifts[region] != 0)
        text += "shift " + hex_text(region) + " " + hex_text(cache.shifts[region]) + "\n";
  }
  return text;
}

MemorySystem::MemorySystem(const Board& board, const std::vector<RegionPlace>& places,
                           const MemoryConditions& conditions, CachePlan& plan)
    : clock_hz_(conditions.clock_hz ? conditions.clock_hz : board.clock_hz), regions_(places.size()) {
  if (!clock_hz_) return;
  for (std::size_t region = 0; region < places.size(); ++region)
    add_region(board, places, static_cast<std::uint32_t>(region), conditions, plan);
  if (!asks_for_memories(board)) return;
  places_ = places;
  for (std::size_t region = 0; region < places.size(); ++region) {
    const auto first = std::find_if(places.begin(), places.end(), [&](const RegionPlace& place) {
      return place.memory == places[region].memory;
    });
    memory_numbers_.push_back(static_cast<std::uint8_t>(kOtherMemory + 1 + (first - places.begin())));
    const Memory* const memory = find_memory(board, places[region].memory);
    if (memory != nullptr && !is_working_memory(*memory)) plan.watch(static_cast<std::uint32_t>(region));
  }
}

std::uint8_t MemorySystem::memory_of(std::uint32_t region_bits) const {
  if (memory_numbers_.empty()) return 0;
  if (region_bits == 0) return kOtherMemory;
  const auto first = static_cast<std::size_t>(std::countr_zero(region_bits));
  return std::has_single_bit(region_bits) && first < memory_numbers_.size() ? memory_numbers_[first] : 0;
}

std::uint8_t MemorySystem::memory_at(std::uint32_t address) const {
  for (std::size_t region = 0; region < memory_numbers_.size(); ++region)
    if (address >= places_[region].low && address < places_[region].high) return memory_numbers_[region];
  return 0;
}

void MemorySystem::assume(std::string sentence) {
  if (std::find(assumptions_.begin(), assumptions_.end(), sentence) == assumptions_.end())
    assumptions_.push_back(std::move(sentence));
}

void MemorySystem::add_region(const Board& board, const std::vector<RegionPlace>& places,
                              std::uint32_t region, const MemoryConditions& conditions, CachePlan& plan) {
  const Memory* const found = find_memory(board, places[region].memory);
  if (found == nullptr) return;
  const Memory& memory = *found;
  if (memory.kind == MemoryKind::tcm) return;
  const auto core_hz = static_cast<double>(*clock_hz_);
  // A bus runs at its own highest clock or the core's, whichever is lower.
  const double bus_hz = memory.clock_hz ? std::min(static_cast<double>(*memory.clock_hz), core_hz) : core_hz;
  const double ratio = core_hz / bus_hz;
  const bool is_program = &memory == program_memory(board);
  int wait_states = 0;
  if (conditions.wait_states && is_program) {
    wait_states = *conditions.wait_states;
  } else if (!memory.wait_states_up_to_hz.empty()) {
    const auto& limits = memory.wait_states_up_to_hz;
    const auto enough = std::find_if(limits.begin(), limits.end(),
                                     [&](std::int64_t hz) { return static_cast<double>(hz) >= bus_hz; });
    wait_states = static_cast<int>(
        std::min<std::ptrdiff_t>(enough - limits.begin(), static_cast<std::ptrdiff_t>(limits.size()) - 1));
  } else if (memory.wait_states) {
    wait_states = *memory.wait_states;
  } else if (memory.kind == MemoryKind::flash) {
    wait_states = static_cast<int>(std::ceil(bus_hz / 30e6)) - 1;
    assume("wait states of " + memory.name + " are not known: " + std::to_string(wait_states) +
           " taken, one for each 30 MHz");
  }
  const bool is_external =
      memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram;
  const bool has_axi = has_first_level_caches(board);
  const int read_bytes = is_external         ? 1
                         : memory.read_bits  ? *memory.read_bits / 8
                         : memory.is_flash() ? kDefaultReadBytes
                                             : (has_axi ? 8 : 4);
  const auto fill_of = [&](std::uint32_t cache, std::int64_t line_bytes, bool has_prefetch) {
    Fill fill{.cache = cache, .region = region, .has_prefetch = has_prefetch && conditions.has_prefetch};
    if (is_external) {
      auto line_ns = external_read_ns(memory, line_bytes);
      if (!line_ns) {
        line_ns = 150 + static_cast<double>(line_bytes) * 1e3 / 40;
        assume("the speed of " + memory.name + " is not known: 150 ns and 40 MB/s taken for each line");
      }
      fill.data_cycles = fill.first_read_cycles = *line_ns * core_hz / 1e9;
      fill.written_back_cycles = fill.data_cycles;
      fill.read_bytes = static_cast<double>(line_bytes);
      fill.next_read_cycles = fill.data_cycles;
      return fill;
    }
    fill.read_bytes = read_bytes;
    fill.reads = std::max(1.0, static_cast<double>(line_bytes) / read_bytes);
    fill.next_read_cycles = (wait_states + 1) * ratio;
    const double axi = has_axi ? kAxiCycles * ratio : 0;
    fill.first_read_cycles = fill.next_read_cycles - 1 + axi;
    fill.data_cycles = fill.reads * fill.next_read_cycles - 1 + axi;
    return fill;
  };
  // As fast as the core: nothing to simulate.
  if (wait_states == 0 && ratio <= 1 && !is_external && !has_axi) return;
  bool has_instruction_cache = false, has_data_cache = false;
  for (const Cache& cache : board.caches) {
    if (!conditions.has_caches || !serves(cache, memory)) continue;
    const std::int64_t line_bytes =
        cache.line_bytes ? *cache.line_bytes : (has_axi ? 32 : std::max(read_bytes, kDefaultReadBytes));
    const std::int64_t size_bytes = cache.size_bytes ? *cache.size_bytes : kDefaultCacheBytes;
    if (!cache.size_bytes)
      assume("the size of cache " + cache.name + " is not known: " + bytes_text(kDefaultCacheBytes) +
             " taken");
    std::int64_t ways = cache.ways ? *cache.ways : cache.kind == CacheKind::data ? 4 : 2;
    ways = std::min(ways, size_bytes / line_bytes);
    if (ways < 1 || size_bytes % (line_bytes * ways) != 0) continue;
    std::uint32_t served = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Memory* other = find_memory(board, places[i].memory);
      if (other != nullptr && serves(cache, *other)) served |= 1u << i;
    }
    // What is prefetched too late counts as missed, and is kept.
    const double line_cycles =
        std::max(1.0, static_cast<double>(line_bytes) / read_bytes) * (wait_states + 1) * ratio;
    const bool is_in_time = line_cycles <= kCyclesPerByte * static_cast<double>(line_bytes);
    SimulatedCache simulated{
        cache.kind, cache.fills_on == FillsOn::jump && is_in_time, size_bytes, line_bytes, ways, served, {}};
    // Code lies in flash, which is not shifted.
    for (std::size_t i = 0; i < places.size() && cache.kind != CacheKind::instruction; ++i) {
      if ((served >> i & 1u) == 0 || places[i].shift == 0) continue;
      simulated.shifts.resize(places.size());
      simulated.shifts[i] = places[i].shift;
    }
    fills_.push_back(fill_of(plan.number_of(simulated), line_bytes, cache.has_prefetch.value_or(false)));
    if (is_program && cache.kind != CacheKind::data && wait_states > 0 && cache.new_line_cycles)
      fetch_line_ = {static_cast<std::uint32_t>(line_bytes), *cache.new_line_cycles};
    has_instruction_cache = has_instruction_cache || cache.kind != CacheKind::data;
    has_data_cache = has_data_cache || cache.kind != CacheKind::instruction;
  }
  const bool is_slow = wait_states > 0 || ratio > 1 || is_external;
  if (!is_slow || (memory.kind == MemoryKind::ram && has_data_cache)) return;
  // Without a cache the memory's own read register holds what was read last.
  const int buffer_bytes = is_external ? 4 : std::max(4, read_bytes);
  if (!has_instruction_cache && memory.is_flash())
    fills_.push_back(fill_of(
        plan.number_of({CacheKind::instruction, false, buffer_bytes, buffer_bytes, 1, 1u << region, {}}),
        buffer_bytes, false));
  if (!has_data_cache && memory.is_flash()) {
    fills_.push_back(
        fill_of(plan.number_of({CacheKind::data, false, buffer_bytes, buffer_bytes, 1, 1u << region, {}}),
                buffer_bytes, false));
  } else if (!has_data_cache) {
    const double cycles = is_external ? external_read_ns(memory, 4).value_or(100) * core_hz / 1e9
                                      : (wait_states + 1) * ratio - 1;
    regions_[region] = {cycles, is_external ? cycles : 0};
    plan.watch(region);
  }
}

double MemorySystem::access_cycles(const ProfileAccesses& accesses) const {
  if (accesses.region >= regions_.size()) return 0;
  const Region& region = regions_[accesses.region];
  return static_cast<double>(accesses.reads) * region.read_cycles +
         static_cast<double>(accesses.writes) * region.write_cycles;
}

double MemorySystem::miss_cycles(const ProfileMisses& misses, const Pace& pace) const {
  double cycles = 0;
  for (const Fill& fill : fills_) {
    if (fill.cache != misses.cache || fill.region != misses.region) continue;
    const auto first = static_cast<double>(misses.first), second = static_cast<double>(misses.second),
               third = static_cast<double>(misses.third);
    if (misses.is_of_instructions) {
      const double behind = std::max(0.0, fill.next_read_cycles - pace.cycles_per_byte * fill.read_bytes);
      const double rest = (fill.reads - 1) * behind;
      cycles += second * (fill.first_read_cycles + rest);
      cycles += first * (rest + (fill.has_prefetch ? behind : fill.first_read_cycles));
    } else {
      // After another miss the memory is still busy with that one's line; else the rest of the line comes
      // while the core goes on.
      const double burst = std::max(fill.first_read_cycles, fill.data_cycles - pace.cycles_per_read);
      const double behind =
          std::max(0.0, fill.next_read_cycles - pace.cycles_per_read * std::max(1.0, fill.read_bytes / 4));
      const double alone = fill.first_read_cycles + (fill.reads - 1) * behind;
      cycles += third * burst + (first - third) * alone + second * fill.written_back_cycles;
    }
  }
  return cycles;
}

}  // namespace nb
