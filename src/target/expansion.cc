#include "target/expansion.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nb {
namespace {

/// As it is clocked on a bus.
struct BusMode {
  std::optional<std::int64_t> clock_hz;
  int edges = 1;

  [[nodiscard]] double rate() const { return static_cast<double>(clock_hz.value_or(0)) * edges; }
};

std::optional<std::int64_t> lower_of(std::optional<std::int64_t> bus_hz,
                                     std::optional<std::int64_t> part_hz) {
  if (!bus_hz || !part_hz) return std::nullopt;
  return std::min(*bus_hz, *part_hz);
}

BusMode mode_of(const Expansion& expansion, const ExternalMemory& memory) {
  const BusMode single{lower_of(expansion.clock_hz, memory.clock_hz), 1};
  const BusMode both{lower_of(expansion.double_rate_clock_hz, memory.clock_hz), 2};
  if (!memory.is_double_rate.value_or(memory.interface == "hyperbus")) return single;
  // Flash at double rate can be read at one edge, too.
  return memory.kind == ExternalKind::nor_flash && single.rate() > both.rate() ? single : both;
}

std::string_view interface_title(const ExternalMemory& memory) {
  if (memory.kind == ExternalKind::sdram) return "SDRAM";
  if (memory.interface == "spi") return "SPI";
  if (memory.interface == "qspi") return "QSPI";
  if (memory.interface == "octal") return "OctoSPI";
  if (memory.interface == "xspi") return "xSPI";
  if (memory.interface == "hexadeca") return "HexadecaSPI";
  if (memory.interface == "hyperbus") return "HyperBus";
  return memory.interface;
}

std::optional<int> latency_clocks_of(const ExternalMemory& memory, std::int64_t clock_hz) {
  // Clocks that its registers ask for at its highest clock do at any lower one.
  if (memory.read_latency_clocks) return memory.read_latency_clocks;
  if (!memory.read_latency_ns) return std::nullopt;
  return std::max(
      1, static_cast<int>(std::ceil(*memory.read_latency_ns * static_cast<double>(clock_hz) / 1e9 - 1e-9)));
}

}  // namespace

bool fits(const Expansion& expansion, const ExternalMemory& memory) {
  return expansion.shared_with.empty() &&
         std::ranges::find(expansion.interfaces, memory.interface) != expansion.interfaces.end() &&
         std::ranges::find(expansion.kinds, memory.kind) != expansion.kinds.end();
}

std::vector<ExpansionFit> expansion_fits(const Board& board) {
  std::vector<ExpansionFit> found;
  for (const Expansion& expansion : board.expansions)
    for (const ExternalMemory& memory : builtin_memories())
      if (fits(expansion, memory)) found.push_back({&expansion, &memory});
  return found;
}

const Expansion* find_expansion(const Board& board, std::string_view name) {
  const auto found = std::ranges::find(board.expansions, name, &Expansion::name);
  return found == board.expansions.end() ? nullptr : &*found;
}

Board with_memory(const Board& board, const Expansion& expansion, const ExternalMemory& memory) {
  const bool is_flash = memory.kind == ExternalKind::nor_flash;
  Memory added{.name = expansion.name,
               .kind = is_flash ? MemoryKind::external_flash : MemoryKind::external_ram,
               .address = expansion.address,
               .size_bytes = std::min(memory.size_bytes, expansion.window_bytes.value_or(memory.size_bytes)),
               .part = memory.name,
               .interface = std::string(interface_title(memory)),
               .is_executable = expansion.is_executable,
               .holds_arena = !is_flash,
               .note = memory.title + ", put on " + expansion.name};
  const BusMode mode = mode_of(expansion, memory);
  if (mode.clock_hz) {
    const int bits = std::min(memory.bus_bits, expansion.bus_bits.value_or(memory.bus_bits));
    const double carried = mode.rate() * bits / 8e6;
    added.clock_hz = mode.clock_hz;
    added.bandwidth_mb_per_s = std::min(carried, memory.bandwidth_mb_per_s.value_or(carried));
    added.read_latency_clocks = latency_clocks_of(memory, *mode.clock_hz);
  }
  Board grown = board;
  const auto part_source = memory.sources.find("");
  grown.sources["memory." + added.name] =
      std::string(source_of(board, "expansion." + expansion.name)) + "; " +
      (part_source == memory.sources.end() ? memory.part : part_source->second);
  for (Expansion& bus : grown.expansions)
    if (bus.name == expansion.name) bus.shared_with = added.name;
  grown.memories.push_back(std::move(added));
  return grown;
}

}  // namespace nb
