#include "report/boards_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/board_values.h"
#include "report/json_values.h"
#include "target/cores.h"

namespace nb {
using nlohmann::json;

namespace {

json range_json(const std::optional<Range>& range) {
  if (!range) return nullptr;
  return {{"low", or_null(range->low)}, {"typical", or_null(range->typical)}, {"high", or_null(range->high)}};
}

json powers_json(const std::vector<Power>& powers,
                 const std::map<std::string, std::string, std::less<>>& sources) {
  json list = json::array();
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const Power& power = powers[i];
    const auto source = sources.find("power." + std::to_string(i));
    list.push_back({{"state", state_name(power.state)},
                    {"of", power.is_of_board ? "board" : "part"},
                    {"power_mw", range_json(power.power_mw)},
                    {"current_ma", range_json(power.current_ma)},
                    {"current_ua_per_mhz", range_json(power.current_ua_per_mhz)},
                    {"clock_hz", or_null(power.clock_hz)},
                    {"supply_mv", or_null(power.supply_mv)},
                    {"load", power.load ? json(name_of(*power.load)) : json(nullptr)},
                    {"regulator", power.regulator ? json(name_of(*power.regulator)) : json(nullptr)},
                    {"note", text_or_null(power.note)},
                    {"source", source == sources.end() ? json(nullptr) : json(source->second)}});
  }
  return list;
}

json prices_json(const std::vector<QuotedPrice>& quoted) {
  json list = json::array();
  for (const QuotedPrice& one : quoted)
    list.push_back({{"of", one.price.is_of_board ? "board" : "part"},
                    {"amount", range_json(one.price.amount)},
                    {"currency", one.price.currency},
                    {"quantity", or_null(one.price.quantity)},
                    {"date", one.price.date},
                    {"note", text_or_null(one.price.note)},
                    {"source", one.source},
                    {"from_price_list", one.is_users},
                    {"converted", one.is_converted}});
  return list;
}

json caches_json(const Board& board) {
  json list = json::array();
  for (const Cache& cache : board.caches)
    list.push_back({{"name", cache.name},
                    {"kind", kind_name(cache.kind)},
                    {"size_bytes", or_null(cache.size_bytes)},
                    {"line_bytes", or_null(cache.line_bytes)},
                    {"ways", or_null(cache.ways)},
                    {"serves", cache.serves},
                    {"address", or_null(cache.address)},
                    {"fills_on", name_of(cache.fills_on)},
                    {"prefetch", or_null(cache.has_prefetch)},
                    {"note", text_or_null(cache.note)}});
  return list;
}

json expansions_json(const Board& board) {
  json list = json::array();
  for (const Expansion& expansion : board.expansions)
    list.push_back({{"name", expansion.name},
                    {"interfaces", expansion.interfaces},
                    {"kinds", kind_names(expansion)},
                    {"address", or_null(expansion.address)},
                    {"window_bytes", or_null(expansion.window_bytes)},
                    {"bus_bits", or_null(expansion.bus_bits)},
                    {"clock_hz", or_null(expansion.clock_hz)},
                    {"double_rate_clock_hz", or_null(expansion.double_rate_clock_hz)},
                    {"executable", expansion.is_executable},
                    {"shared_with", text_or_null(expansion.shared_with)},
                    {"note", text_or_null(expansion.note)}});
  return list;
}

std::string mhz_text(const std::optional<std::int64_t>& clock_hz) {
  return clock_hz ? fmt::format("{:g} MHz", static_cast<double>(*clock_hz) / 1e6) : "";
}

std::string core_text(const Board& board) { return board.processor + (board.is_data_only ? " *" : ""); }

/// "  2 wait states, 64 bits a read", "  75 MHz, 37.5 MB/s after 12 clocks"; empty if nothing is known.
std::string access_text(const Memory& memory) {
  std::vector<std::string> words;
  if (memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram) {
    if (memory.clock_hz) words.push_back(mhz_text(memory.clock_hz));
    if (memory.bandwidth_mb_per_s)
      words.push_back(
          fmt::format("{:g} MB/s", *memory.bandwidth_mb_per_s) +
          (memory.read_latency_clocks ? fmt::format(" after {} clocks", *memory.read_latency_clocks) : ""));
  } else {
    if (memory.wait_states)
      words.push_back(count_text(static_cast<std::size_t>(*memory.wait_states), "wait state"));
    if (memory.read_bits) words.push_back(fmt::format("{} bits a read", *memory.read_bits));
  }
  return words.empty() ? "" : "  " + join(words, ", ");
}

/// "  lines of 16 bytes, 2 ways, prefetch"; empty if nothing is known.
std::string lines_text(const Cache& cache) {
  std::vector<std::string> words;
  if (cache.line_bytes) words.push_back(fmt::format("lines of {} bytes", *cache.line_bytes));
  if (cache.ways) words.push_back(count_text(static_cast<std::size_t>(*cache.ways), "way"));
  if (cache.has_prefetch.value_or(false)) words.emplace_back("prefetch");
  if (cache.fills_on == FillsOn::jump) words.emplace_back("fills on jumps");
  if (!cache.serves.empty()) words.push_back("of " + join(cache.serves, ", "));
  if (cache.address) words.push_back(fmt::format("at 0x{:08x}", *cache.address));
  return words.empty() ? "" : "  " + join(words, ", ");
}

/// "  bus octospi2: qspi, octal; nor_flash, psram; at 0x70000000, 133 MHz, 66.5 MHz on both edges, taken by
/// ..."
std::string expansions_text(const Board& board) {
  std::string text;
  for (const Expansion& expansion : board.expansions) {
    std::vector<std::string> words = {join(expansion.interfaces, ", "), join(kind_names(expansion), ", ")};
    if (expansion.address) words.push_back(fmt::format("at 0x{:08x}", *expansion.address));
    if (expansion.window_bytes) words.push_back("reaches " + bytes_text(*expansion.window_bytes));
    if (expansion.bus_bits) words.push_back(fmt::format("{} bits", *expansion.bus_bits));
    if (expansion.clock_hz) words.push_back(mhz_text(expansion.clock_hz));
    if (expansion.double_rate_clock_hz)
      words.push_back(mhz_text(expansion.double_rate_clock_hz) + " on both edges");
    if (expansion.is_executable) words.emplace_back("executes");
    if (!expansion.shared_with.empty()) words.push_back("taken by " + expansion.shared_with);
    text += fmt::format("  room for a memory {:<15} {}\n", expansion.name, join(words, "; "));
  }
  if (!board.no_expansion.empty()) text += "  no room for a memory: " + board.no_expansion + "\n";
  return text;
}

std::string sources_text(const std::map<std::string, std::string, std::less<>>& sources) {
  std::string text;
  for (const auto& [path, source] : sources)
    text += fmt::format("  source of {}: {}\n", path.empty() ? "all else" : path, source);
  return text;
}

/// ", inference, ldo"; empty if neither is known.
std::string load_text(const Power& power) {
  std::string text;
  if (power.load) text += ", " + std::string(name_of(*power.load));
  if (power.regulator) text += ", " + std::string(name_of(*power.regulator));
  return text;
}

std::string powers_text(const std::vector<Power>& powers) {
  std::string text;
  for (const Power& power : powers)
    text += fmt::format("  power of the {}, {}: {}{}\n", power.is_of_board ? "board" : "part",
                        state_name(power.state), power_text(power) + load_text(power),
                        power.note.empty() ? "" : "; " + power.note);
  return text;
}

std::string prices_text(const std::vector<QuotedPrice>& quoted) {
  std::string text;
  for (const QuotedPrice& one : quoted)
    text += fmt::format("  price of the {}: {}, {}{}{}\n", one.price.is_of_board ? "board" : "part",
                        price_text(one), one.price.date, one.price.note.empty() ? "" : "; " + one.price.note,
                        one.is_users ? "; " + one.source : "");
  return text;
}

}  // namespace

json board_json(const Board& board, const PriceList* prices) {
  json memories = json::array();
  for (const Memory& memory : board.memories)
    memories.push_back({{"name", memory.name},
                        {"kind", name_of(memory.kind)},
                        {"address", or_null(memory.address)},
                        {"size_bytes", or_null(memory.size_bytes)},
                        {"clock_hz", or_null(memory.clock_hz)},
                        {"wait_states", or_null(memory.wait_states)},
                        {"wait_states_up_to_hz", memory.wait_states_up_to_hz},
                        {"read_bits", or_null(memory.read_bits)},
                        {"part", text_or_null(memory.part)},
                        {"interface", text_or_null(memory.interface)},
                        {"bandwidth_mb_per_s", or_null(memory.bandwidth_mb_per_s)},
                        {"read_latency_clocks", or_null(memory.read_latency_clocks)},
                        {"note", text_or_null(memory.note)}});
  return {{"name", board.name},
          {"title", board.title},
          {"vendor", board.vendor},
          {"part", board.part},
          {"core", board.processor},
          {"pipeline", text_or_null(board.pipeline)},
          {"core_count", board.core_count},
          {"fpu", text_or_null(board.fpu)},
          {"clock_hz", or_null(board.clock_hz)},
          {"accelerator", text_or_null(board.accelerator)},
          {"virtual", board.is_virtual},
          {"data_only", board.is_data_only},
          {"note", text_or_null(board.note)},
          {"memories", std::move(memories)},
          {"caches", caches_json(board)},
          {"expansions", expansions_json(board)},
          {"no_expansion", text_or_null(board.no_expansion)},
          {"powers", powers_json(board.powers, board.sources)},
          {"prices", prices_json(quoted_prices(board.name, board.part, board.prices, board.sources, prices))},
          {"sources", board.sources}};
}

json external_memory_json(const ExternalMemory& memory, const PriceList* prices) {
  return {
      {"name", memory.name},
      {"title", memory.title},
      {"vendor", memory.vendor},
      {"part", memory.part},
      {"kind", name_of(memory.kind)},
      {"interface", memory.interface},
      {"bus_bits", memory.bus_bits},
      {"size_bytes", memory.size_bytes},
      {"clock_hz", or_null(memory.clock_hz)},
      {"double_rate", or_null(memory.is_double_rate)},
      {"bandwidth_mb_per_s", or_null(memory.bandwidth_mb_per_s)},
      {"read_latency_clocks", or_null(memory.read_latency_clocks)},
      {"read_latency_ns", or_null(memory.read_latency_ns)},
      {"supply_mv", or_null(memory.supply_mv)},
      {"note", text_or_null(memory.note)},
      {"powers", powers_json(memory.powers, memory.sources)},
      {"prices", prices_json(quoted_prices(memory.name, memory.part, memory.prices, memory.sources, prices))},
      {"sources", memory.sources}};
}

std::string boards_text(const PriceList* prices) {
  std::string text = fmt::format("{:<20} {:<14} {:>9} {:>14} {:>11} {:>18}  {}\n", "board", "core", "clock",
                                 "flash", "ram", "price", "title");
  bool has_data_only = false;
  for (const Board& board : builtin_boards()) {
    has_data_only |= board.is_data_only;
    text += fmt::format("{:<20} {:<14} {:>9} {:>14} {:>11} {:>18}  {}\n", board.name, core_text(board),
                        mhz_text(board.clock_hz), size_text(board, true), size_text(board, false),
                        first_price(board, prices), board.title);
  }
  if (has_data_only) text += "* for its data only: nothing is generated for this core\n";
  return text;
}

std::string memories_text(const PriceList* prices) {
  std::string text = fmt::format("{:<18} {:<10} {:<10} {:>10} {:>9} {:>10} {:>10} {:>18}  {}\n", "memory",
                                 "kind", "interface", "size", "clock", "MB/s", "latency", "price", "vendor");
  for (const ExternalMemory& memory : builtin_memories())
    text += fmt::format("{:<18} {:<10} {:<10} {:>10} {:>9} {:>10} {:>10} {:>18}  {}\n", memory.name,
                        name_of(memory.kind), memory.interface, bytes_text(memory.size_bytes),
                        mhz_text(memory.clock_hz), peak_text(memory), latency_text(memory),
                        first_price(memory, prices), memory.vendor);
  return text;
}

std::string board_text(const Board& board, const PriceList* prices) {
  std::string text = fmt::format("{}: {}\n  vendor {}, part {}, core {}, clock {}\n", board.name, board.title,
                                 board.vendor, board.part.empty() ? "-" : board.part, board.processor,
                                 board.clock_hz ? mhz_text(board.clock_hz) : "not known");
  if (board.is_data_only)
    text += "  for its data only: nothing is generated for " +
            std::string(find_core_row(board.processor)->title) + "\n";
  if (!board.accelerator.empty()) text += "  beside its core: " + board.accelerator + "\n";
  if (!board.note.empty()) text += "  " + board.note + "\n";
  for (const Memory& memory : board.memories)
    text +=
        fmt::format("  {:<17} {:<15} {:>10}{}{}\n", name_of(memory.kind), memory.name,
                    memory.size_bytes ? bytes_text(*memory.size_bytes) : "not known",
                    memory.address ? fmt::format("  at 0x{:08x}", *memory.address) : "", access_text(memory));
  for (const Cache& cache : board.caches)
    text +=
        fmt::format("  {:<17} {:<15} {:>10}{}\n", std::string(kind_name(cache.kind)) + " cache", cache.name,
                    cache.size_bytes ? bytes_text(*cache.size_bytes) : "not known", lines_text(cache));
  text += expansions_text(board);
  text += powers_text(board.powers);
  text += prices_text(quoted_prices(board.name, board.part, board.prices, board.sources, prices));
  if (const auto blanks = blanks_of(board); !blanks.empty())
    text += "  blank, for want of a source: " + join(blanks, ", ") + "\n";
  return text + sources_text(board.sources);
}

std::string external_memory_text(const ExternalMemory& memory, const PriceList* prices) {
  const auto or_unknown = [](const std::string& text) { return text.empty() ? "not known" : text; };
  std::string text = fmt::format(
      "{}: {}\n  vendor {}, part {}, {}, {} of {} data lines, {}\n  clock {}, peak MB/s {}, read latency "
      "{}\n",
      memory.name, memory.title, memory.vendor, memory.part, name_of(memory.kind), memory.interface,
      memory.bus_bits, bytes_text(memory.size_bytes), or_unknown(mhz_text(memory.clock_hz)),
      or_unknown(peak_text(memory)), or_unknown(latency_text(memory)));
  if (!memory.note.empty()) text += "  " + memory.note + "\n";
  text += powers_text(memory.powers);
  text += prices_text(quoted_prices(memory.name, memory.part, memory.prices, memory.sources, prices));
  return text + sources_text(memory.sources);
}

std::vector<std::string> blanks_of(const Board& board) {
  std::vector<std::string> blanks;
  if (board.is_virtual) return blanks;
  const auto want = [&](bool is_known, const char* what) {
    if (!is_known) blanks.emplace_back(what);
  };
  const auto has_flash_without = [&](auto has) {
    return std::ranges::any_of(board.memories, [&](const Memory& memory) {
      return memory.kind == MemoryKind::flash && !has(memory);
    });
  };
  want(board.clock_hz.has_value(), "clock");
  want(!has_flash_without([](const Memory& memory) { return memory.wait_states.has_value(); }),
       "wait states of the flash");
  want(!has_flash_without([](const Memory& memory) { return memory.read_bits.has_value(); }),
       "width of a read of the flash");
  const Memory* program = program_memory(board);
  want(program == nullptr || program->kind == MemoryKind::flash || external_read_ns(*program, 1).has_value(),
       "clock, latency or bandwidth of the flash");
  want(std::ranges::all_of(
           board.caches,
           [](const Cache& cache) { return cache.size_bytes && cache.line_bytes && cache.ways; }),
       "size, lines or ways of a cache");
  want(std::ranges::all_of(board.memories, [](const Memory& memory) { return memory.address.has_value(); }),
       "an address of a memory");
  want(!board.expansions.empty() || !board.no_expansion.empty(), "whether a memory can be added");
  want(std::ranges::any_of(board.powers, [](const Power& power) { return power.state == PowerState::run; }),
       "power");
  want(!board.prices.empty(), "price");
  return blanks;
}

}  // namespace nb
