// docs/boards.md, and the file to begin a board with.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "report/board_values.h"
#include "report/boards_page.h"
#include "target/cores.h"

namespace nb {
namespace {

std::string row(const std::vector<std::string>& cells) { return "| " + join(cells, " | ") + " |\n"; }

std::string joined_clock(const std::optional<std::int64_t>& clock_hz) {
  return clock_hz ? fmt::format("{:g}", static_cast<double>(*clock_hz) / 1e6) : "";
}

std::string run_power(const Board& board) {
  for (const Power& power : board.powers)
    if (power.state == PowerState::run) return power_text(power) + (power.is_of_board ? ", board" : "");
  return "";
}

std::string boards_of(const CoreRow& core) {
  std::string text;
  for (const Board& board : builtin_boards())
    if (board.processor == core.name && !board.is_virtual)
      text += row({"`" + board.name + "`", board.vendor, board.part, joined_clock(board.clock_hz),
                   size_text(board, true), size_text(board, false), run_power(board),
                   first_price(board, nullptr)});
  if (text.empty()) return text;
  return "\n### " + std::string(core.title) + (core.is_data_only ? ": data only" : "") + "\n" +
         row({"board", "vendor", "part", "MHz", "flash", "RAM", "power, running", "price"}) +
         "|---|---|---|---|---|---|---|---|\n" + text;
}

/// A TOML string in ASCII.
std::string toml_text(std::string_view text) {
  std::string ascii;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 1) {
      ascii += (lead == '"' || lead == '\\') ? std::string("\\") + text[i] : std::string(1, text[i]);
    } else {
      std::uint32_t point = lead & (0x7fu >> length);
      for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
        point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
      ascii += fmt::format("\\U{:08x}", point);
    }
    i += length;
  }
  return "\"" + ascii + "\"";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) items.push_back(toml_text(text));
  return "[" + join(items, ", ") + "]";
}

std::string expansions_template(const Board& like, const std::string& copied) {
  std::string text;
  for (const Expansion& expansion : like.expansions) {
    text += fmt::format("[[expansion]]\nname = {}  # a bus of the part for one memory more\n",
                        toml_text(expansion.name));
    text += "interfaces = " + toml_list(expansion.interfaces) + "\n";
    text += "kinds = " + toml_list(kind_names(expansion)) + "\n";
    if (expansion.address) text += fmt::format("address = 0x{:08x}\n", *expansion.address);
    if (expansion.window_bytes) text += fmt::format("window_kib = {}\n", *expansion.window_bytes / 1024);
    if (expansion.bus_bits) text += fmt::format("bus_bits = {}\n", *expansion.bus_bits);
    if (expansion.clock_hz) text += fmt::format("clock_hz = {}\n", *expansion.clock_hz);
    if (expansion.double_rate_clock_hz)
      text += fmt::format("double_rate_clock_hz = {}\n", *expansion.double_rate_clock_hz);
    if (expansion.is_executable) text += "executable = true\n";
    if (!expansion.shared_with.empty())
      text += "shared_with = " + toml_text(expansion.shared_with) + "  # it is taken\n";
    text += "source = " + copied + "\n\n";
  }
  return text;
}

}  // namespace

std::string boards_markdown() {
  std::size_t real = 0, built = 0;
  std::set<std::string> vendors;
  std::map<std::string, std::size_t> blanks;
  for (const Board& board : builtin_boards()) {
    if (board.is_virtual) continue;
    ++real;
    if (board.is_data_only) continue;
    ++built;
    vendors.insert(board.vendor);
    for (const std::string& blank : blanks_of(board)) ++blanks[blank];
  }
  std::string text = fmt::format(
      "# Boards\n\n{} boards and parts, {} of which programs are built for and run on a virtual machine of "
      "their "
      "core, from {}\nvendors; {} external memories. Each is a TOML in `src/target/boards` or "
      "`src/target/memories`, with the source of every\nvalue: `nblocks boards show NAME` prints them. What "
      "no "
      "source gives is blank, never zero and never guessed. Prices are\nof one part unless `board` follows, "
      "with "
      "the quantity after the slash; your own go on top (`--prices "
      "FILE`,\n[add-a-board.md](add-a-board.md)). "
      "Made by `nblocks boards list --markdown`.\n\n## By core\n",
      real, built, vendors.size(), builtin_memories().size());
  for (const CoreRow& core : core_rows())
    if (core.name != "host") text += boards_of(core);
  text += "\n## External memories\n" +
          row({"memory", "vendor", "part", "kind", "interface", "size", "MHz", "peak MB/s", "read latency",
               "price"}) +
          "|---|---|---|---|---|---|---|---|---|---|\n";
  for (const ExternalMemory& memory : builtin_memories())
    text += row({"`" + memory.name + "`", memory.vendor, memory.part, std::string(name_of(memory.kind)),
                 memory.interface + (memory.is_double_rate.value_or(false) ? ", double rate" : ""),
                 bytes_text(memory.size_bytes), joined_clock(memory.clock_hz), peak_text(memory),
                 latency_text(memory), first_price(memory, nullptr)});
  text +=
      "\n## Room for one more memory\nBuses of the part, in the board's package, on which the core reads a "
      "memory by address: advice may put\nweights or the arena there. Boards that are not listed have none, "
      "or "
      "it is not known.\n\n" +
      row({"board", "bus", "interfaces", "memories", "address", "reaches", "MHz", "MHz, both edges",
           "taken by"}) +
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const Board& board : builtin_boards())
    for (const Expansion& bus : board.expansions)
      text += row({"`" + board.name + "`", bus.name, join(bus.interfaces, ", "), join(kind_names(bus), ", "),
                   bus.address ? fmt::format("0x{:08x}", *bus.address) : "",
                   bus.window_bytes ? bytes_text(*bus.window_bytes) : "", joined_clock(bus.clock_hz),
                   joined_clock(bus.double_rate_clock_hz), bus.shared_with});
  text += fmt::format("\n## What is blank\nOf the {} boards that programs are built for:\n\n", built);
  for (const auto& [blank, count] : blanks) text += fmt::format("* {}: {}\n", blank, count);
  return text;
}

std::string board_template(std::string_view name, const Board& like) {
  const std::string copied = toml_text(std::string(kCopiedSource) + like.name + ": replace by who says so");
  std::string text = fmt::format(
      "# A board to begin with, made of {}. docs/add-a-board.md explains every key.\n"
      "# Every value has a source, and what no source gives is left out: never zero, never guessed.\n"
      "# `nblocks boards check` says what is wrong, and which sources are still those of the copy.\n"
      "name = {}\n"
      "title = {}  # as people write it\n"
      "vendor = {}\n"
      "part = {}  # the microcontroller's full name\n"
      "core = {}  # cortex-m0 m0plus m3 m4f m7 (m7sp: single precision) m33 m55 m85, rv32imc, rv32imac\n",
      like.name, toml_text(name), toml_text(name), toml_text(like.vendor),
      toml_text(like.part.empty() ? name : std::string_view(like.part)), toml_text(like.processor));
  if (!like.fpu.empty()) text += "fpu = " + toml_text(like.fpu) + "  # none, single, double\n";
  text += like.clock_hz ? fmt::format("clock_hz = {}  # the highest of the core\n", *like.clock_hz)
                        : "# clock_hz = 100_000_000  # the highest of the core\n";
  if (!like.no_expansion.empty()) text += "no_expansion = " + toml_text(like.no_expansion) + "\n";
  if (like.optimize != "O2") text += "optimize = " + toml_text(like.optimize) + "\n";
  text +=
      "source = " + copied +
      "\n\n# One [[memory]] for each piece that one array may span, in order of preference for the arena.\n"
      "# kind: flash, ram, tcm, external_flash, external_ram. `stack = true` on the one of stack and .bss.\n";
  for (const Memory& memory : like.memories) {
    text += fmt::format("[[memory]]\nname = {}\nkind = {}\n", toml_text(memory.name),
                        toml_text(name_of(memory.kind)));
    if (memory.address) text += fmt::format("address = 0x{:08x}\n", *memory.address);
    if (memory.size_bytes) text += fmt::format("size_kib = {}\n", *memory.size_bytes / 1024);
    if (memory.clock_hz) text += fmt::format("clock_hz = {}  # of its bus\n", *memory.clock_hz);
    if (memory.wait_states) text += fmt::format("wait_states = {}\n", *memory.wait_states);
    if (!memory.wait_states_up_to_hz.empty()) {
      std::vector<std::string> limits;
      for (const std::int64_t limit : memory.wait_states_up_to_hz) limits.push_back(std::to_string(limit));
      text += "wait_states_up_to_hz = [" + join(limits, ", ") + "]  # highest clock with 0, 1, 2...\n";
    }
    if (memory.read_bits) text += fmt::format("read_bits = {}\n", *memory.read_bits);
    if (!memory.part.empty()) text += "part = " + toml_text(memory.part) + "  # nblocks boards memories\n";
    if (!memory.interface.empty()) text += "interface = " + toml_text(memory.interface) + "\n";
    if (memory.bandwidth_mb_per_s)
      text += fmt::format("bandwidth_mb_per_s = {:g}\n", *memory.bandwidth_mb_per_s);
    if (memory.read_latency_clocks)
      text += fmt::format("read_latency_clocks = {}  # of its bus, to the first data\n",
                          *memory.read_latency_clocks);
    if (memory.is_executable != (memory.is_flash() || memory.kind == MemoryKind::ram))
      text += fmt::format("executable = {}\n", memory.is_executable);
    if (memory.holds_arena == memory.is_flash()) text += fmt::format("arena = {}\n", memory.holds_arena);
    if (memory.holds_stack) text += "stack = true\n";
    text += "source = " + copied + "\n\n";
  }
  for (const Cache& cache : like.caches) {
    text += fmt::format("[[cache]]\nname = {}\nkind = {}  # instruction, data, unified\n",
                        toml_text(cache.name), toml_text(kind_name(cache.kind)));
    if (cache.size_bytes) text += fmt::format("size_bytes = {}\n", *cache.size_bytes);
    if (cache.line_bytes) text += fmt::format("line_bytes = {}\n", *cache.line_bytes);
    if (cache.ways) text += fmt::format("ways = {}\n", *cache.ways);
    if (!cache.serves.empty()) text += "serves = " + toml_list(cache.serves) + "\n";
    if (cache.address)
      text += fmt::format("address = 0x{:08x}  # where it shows that memory\n", *cache.address);
    if (cache.fills_on != FillsOn::miss)
      text += fmt::format("fills_on = {}\n", toml_text(name_of(cache.fills_on)));
    if (cache.has_prefetch) text += fmt::format("prefetch = {}\n", *cache.has_prefetch);
    if (cache.new_line_cycles) text += fmt::format("new_line_cycles = {}\n", *cache.new_line_cycles);
    text += "source = " + copied + "\n\n";
  }
  text += expansions_template(like, copied);
  return text +
         "# Power and prices are this board's own; without them their columns are blank.\n"
         "# [[power]]\n# state = \"run\"  # run, idle, sleep\n# of = \"part\"  # part, board\n"
         "# current_ma = { typical = 10 }  # or power_mw, or current_ua_per_mhz\n# clock_hz = 100_000_000\n"
         "# supply_mv = 3300\n# source = \"\"\n\n"
         "# [[price]]\n# of = \"part\"\n# amount = { low = 3, high = 5 }\n# currency = \"USD\"\n"
         "# quantity = 1000\n# date = \"2026-11\"\n# source = \"\"\n";
}

}  // namespace nb
