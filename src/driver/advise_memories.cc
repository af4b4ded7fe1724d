#include "driver/advise_memories.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "target/expansion.h"
#include "target/external_memory.h"

namespace nb {
namespace {

constexpr std::int64_t kLineBytes = 32;  ///< what a memory's speed is compared by
constexpr double kUnknown = 1e18;

/// A memory outside that could hold something.
struct Offer {
  std::string addition;  ///< "+aps6404l@octospi2"; empty: the board carries it
  std::string memory;    ///< its name on the board
  double price = kUnknown, read_ns = kUnknown;
};

double price_of(const ExternalMemory& memory) {
  double least = kUnknown;
  for (const Price& price : memory.prices)
    if (const auto amount = price.amount.typical ? price.amount.typical : price.amount.low)
      least = std::min(least, *amount);
  return least;
}

/// The memory has a place for that many bytes of constants, or of the arena.
bool takes(const Memory& memory, bool is_arena, std::int64_t bytes) {
  if (!memory.size_bytes || *memory.size_bytes < bytes) return false;
  return memory.kind == (is_arena ? MemoryKind::external_ram : MemoryKind::external_flash);
}

std::vector<Offer> offers_of(const Board& board, bool is_arena, std::int64_t bytes, bool wants_all) {
  std::vector<Offer> offers;
  const Memory* program = program_memory(board);
  for (const Memory& memory : board.memories)
    if (&memory != program && takes(memory, is_arena, bytes))
      offers.push_back({"", memory.name, 0, external_read_ns(memory, kLineBytes).value_or(kUnknown)});
  std::map<std::string, std::vector<Offer>> by_bus;
  for (const ExpansionFit& fit : expansion_fits(board)) {
    const Board with = with_memory(board, *fit.expansion, *fit.memory);
    const Memory& memory = with.memories.back();
    if (!takes(memory, is_arena, bytes)) continue;
    by_bus[fit.expansion->name].push_back({"+" + fit.memory->name + "@" + fit.expansion->name,
                                           fit.expansion->name, price_of(*fit.memory),
                                           external_read_ns(memory, kLineBytes).value_or(kUnknown)});
  }
  for (const auto& bus : by_bus)
    for (const Offer& one : bus.second) {
      const bool is_beaten = std::any_of(bus.second.begin(), bus.second.end(), [&](const Offer& other) {
        const bool is_no_worse = other.price <= one.price && other.read_ns <= one.read_ns;
        const bool is_same = other.price == one.price && other.read_ns == one.read_ns;
        return is_no_worse && (!is_same || &other < &one);
      });
      if (wants_all || !is_beaten) offers.push_back(one);
    }
  return offers;
}

std::string weights_words(const Offer& offer, const std::vector<std::string>& far_layers) {
  return ":weights=" + offer.memory + (far_layers.empty() ? "" : "=" + join(far_layers, ","));
}

}  // namespace

std::optional<Overflow> overflow_of(const std::vector<Misfit>& misfits, std::int64_t arena_bytes) {
  Overflow overflow;
  for (const Misfit& misfit : misfits) {
    if (misfit.what == "arena" || misfit.what == "stack and arena" || misfit.what == "reserve")
      overflow.arena_bytes = arena_bytes;
    else if (misfit.what == "weights" || misfit.what == "program")
      overflow.weights_bytes = std::max(overflow.weights_bytes, misfit.excess_bytes());
    else
      return std::nullopt;
  }
  return overflow;
}

std::vector<std::string> far_layers_for(const Graph& graph, std::int64_t bytes) {
  struct Layer {
    std::string name;
    std::int64_t macs = 0, bytes = 0;
  };
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes) {
    const Operation op = graph.operation(node);
    auto at =
        std::find_if(layers.begin(), layers.end(), [&](const Layer& one) { return one.name == node.name; });
    if (at == layers.end()) at = layers.insert(at, {node.name});
    at->macs += node.block->macs(op);
    for (std::size_t i = 0; i < op.in.size(); ++i)
      if (op.is_constant(i)) at->bytes += op.in[i]->size_bytes();
  }
  std::erase_if(layers, [](const Layer& one) { return one.bytes == 0; });
  std::int64_t all = 0;
  for (const Layer& one : layers) all += one.bytes;
  // A name with a comma cannot be written behind a board's.
  const bool has_comma = std::any_of(
      layers.begin(), layers.end(), [](const Layer& one) { return one.name.find(',') != std::string::npos; });
  const std::int64_t quarter = std::max<std::int64_t>(1, (all + 3) / 4);
  const std::int64_t wanted = (bytes + quarter - 1) / quarter * quarter;
  if (has_comma || wanted >= all) return {};
  std::stable_sort(layers.begin(), layers.end(), [](const Layer& a, const Layer& b) {
    return static_cast<double>(a.macs) / static_cast<double>(a.bytes) <
           static_cast<double>(b.macs) / static_cast<double>(b.bytes);
  });
  std::int64_t sum = 0;
  std::size_t count = 0;
  while (sum < wanted) sum += layers[count++].bytes;
  layers.resize(count);
  // Small ones that are not needed for it stay.
  std::stable_sort(layers.begin(), layers.end(),
                   [](const Layer& a, const Layer& b) { return a.bytes < b.bytes; });
  std::vector<std::string> far;
  for (const Layer& one : layers) {
    if (sum - one.bytes >= wanted)
      sum -= one.bytes;
    else
      far.push_back(one.name);
  }
  return far;
}

std::vector<std::string> external_uses(const Board& board, const Overflow& overflow,
                                       const std::vector<std::string>& far_layers, bool wants_all) {
  std::vector<std::string> uses;
  const bool has_arena = overflow.arena_bytes > 0, has_weights = overflow.weights_bytes > 0;
  const auto rams =
      has_arena ? offers_of(board, true, overflow.arena_bytes, wants_all) : std::vector<Offer>{};
  const auto flashes =
      has_weights ? offers_of(board, false, overflow.weights_bytes, wants_all) : std::vector<Offer>{};
  if (!has_weights)
    for (const Offer& ram : rams) uses.push_back(ram.addition + ":arena=" + ram.memory);
  if (!has_arena)
    for (const Offer& flash : flashes) uses.push_back(flash.addition + weights_words(flash, far_layers));
  if (has_weights && has_arena)
    for (const Offer& ram : rams)
      for (const Offer& flash : flashes)
        if (ram.memory != flash.memory)
          uses.push_back(ram.addition + flash.addition + weights_words(flash, far_layers) +
                         ":arena=" + ram.memory);
  return uses;
}

Board roomy(const Board& board, std::int64_t arena_bytes, std::int64_t far_bytes) {
  Board twin = board;
  const std::string program = program_memory(board)->name;
  Memory* largest = nullptr;
  for (Memory& memory : twin.memories) {
    if (memory.name == program) memory.size_bytes = *memory.size_bytes + far_bytes;
    const bool is_inside = memory.kind == MemoryKind::ram || memory.kind == MemoryKind::tcm;
    if (is_inside && memory.holds_arena && memory.size_bytes &&
        (largest == nullptr || *memory.size_bytes > *largest->size_bytes))
      largest = &memory;
  }
  twin.placement = {};
  if (largest != nullptr) {
    largest->size_bytes = *largest->size_bytes + arena_bytes;
    twin.placement.arena = largest->name;
  }
  twin.name += " with room";
  return twin;
}

}  // namespace nb
