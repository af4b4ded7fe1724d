// A board's TOML, checked against board_schema() row by row, then read; what the rows cannot say follows.
#include <algorithm>
#include <bit>

#include "base/text.h"
#include "target/board.h"
#include "target/board_schema.h"
#include "target/cores.h"
#include "target/expansion.h"
#include "target/schema_check.h"

namespace nb {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::string_view file, Diagnostics& diagnostics)
      : check_(board_schema(), "a board", text, file, diagnostics) {}

  Result<Board> parse() {
    const toml::table* top = check_.check();
    if (top == nullptr) return kFailed;  // what follows trusts the rows
    read_board(*top);
    check_board(*top);
    if (check_.is_refused()) return kFailed;
    return std::move(board_);
  }

 private:
  // --- reading what the rows let pass ---

  void read_board(const toml::table& top) {
    board_.name = text_of(top, "name");
    board_.title = text_of(top, "title");
    board_.vendor = text_of(top, "vendor");
    board_.part = text_of(top, "part");
    board_.processor = text_of(top, "core");
    board_.pipeline = text_of(top, "pipeline");
    board_.core_count = top["core_count"].value_or(1);
    board_.fpu = text_of(top, "fpu");
    board_.clock_hz = integer_of(top, "clock_hz");
    board_.accelerator = text_of(top, "accelerator");
    board_.optimize = text_of(top, "optimize", board_.optimize);
    board_.is_virtual = top["virtual"].value_or(false);
    board_.no_expansion = text_of(top, "no_expansion");
    board_.note = text_of(top, "note");
    read_sources(top, "", board_.sources);
    const auto each = [&](std::string_view name, auto read) {
      for_each_table(top, name, board_.sources, read);
    };
    each("memory", [&](const toml::table& table) { read_memory(table); });
    each("expansion", [&](const toml::table& table) { read_expansion(table); });
    each("cache", [&](const toml::table& table) { read_cache(table); });
    each("power", [&](const toml::table& table) { board_.powers.push_back(check_.read_power(table)); });
    each("price", [&](const toml::table& table) { board_.prices.push_back(SchemaCheck::read_price(table)); });
  }

  void read_memory(const toml::table& table) {
    Memory memory;
    memory.name = text_of(table, "name");
    memory.kind = static_cast<MemoryKind>(check_.choice_of(table, "memory", "kind"));
    if (const auto address = integer_of(table, "address"))
      memory.address = static_cast<std::uint32_t>(*address);
    if (const auto size_kib = integer_of(table, "size_kib")) memory.size_bytes = *size_kib * 1024;
    memory.clock_hz = integer_of(table, "clock_hz");
    memory.wait_states = int_of(table, "wait_states");
    if (const toml::array* limits = table["wait_states_up_to_hz"].as_array())
      for (const toml::node& limit : *limits)
        memory.wait_states_up_to_hz.push_back(limit.as_integer()->get());
    memory.read_bits = int_of(table, "read_bits");
    memory.interface = text_of(table, "interface");
    memory.bandwidth_mb_per_s = table["bandwidth_mb_per_s"].value<double>();
    memory.read_latency_clocks = int_of(table, "read_latency_clocks");
    memory.is_executable = table["executable"].value_or(memory.is_flash() || memory.kind == MemoryKind::ram);
    memory.holds_arena = table["arena"].value_or(!memory.is_flash());
    memory.holds_stack = table["stack"].value_or(false);
    memory.part = text_of(table, "part");
    memory.note = text_of(table, "note");
    check_memory(memory, table);
    board_.memories.push_back(std::move(memory));
  }

  void read_cache(const toml::table& table) {
    Cache cache{.name = text_of(table, "name"),
                .kind = static_cast<CacheKind>(check_.choice_of(table, "cache", "kind")),
                .size_bytes = integer_of(table, "size_bytes"),
                .line_bytes = integer_of(table, "line_bytes"),
                .ways = int_of(table, "ways"),
                .has_prefetch = table["prefetch"].value<bool>(),
                .note = text_of(table, "note")};
    if (const auto address = integer_of(table, "address"))
      cache.address = static_cast<std::uint32_t>(*address);
    cache.new_line_cycles = int_of(table, "new_line_cycles");
    if (table.contains("fills_on"))
      cache.fills_on = static_cast<FillsOn>(check_.choice_of(table, "cache", "fills_on"));
    if (const toml::array* serves = table["serves"].as_array())
      for (const toml::node& name : *serves) {
        cache.serves.push_back(name.value_or(std::string()));
        const auto memory = std::ranges::find(board_.memories, cache.serves.back(), &Memory::name);
        if (memory == board_.memories.end() && find_expansion(board_, cache.serves.back()) == nullptr)
          check_.refuse(name.source(), "no memory is called " + quoted_text(cache.serves.back()),
                        "a cache serves memories of its board, and buses on which one can be put");
        else if (memory != board_.memories.end() && memory->kind == MemoryKind::tcm)
          check_.refuse(name.source(), "a cache before " + quoted_text(memory->name),
                        "a tcm is as fast as its core, no cache serves it");
      }
    check_cache(cache, table);
    board_.caches.push_back(std::move(cache));
  }

  void read_expansion(const toml::table& table) {
    Expansion expansion{.name = text_of(table, "name"),
                        .window_bytes = integer_of(table, "window_kib"),
                        .bus_bits = int_of(table, "bus_bits"),
                        .clock_hz = integer_of(table, "clock_hz"),
                        .double_rate_clock_hz = integer_of(table, "double_rate_clock_hz"),
                        .is_executable = table["executable"].value_or(false),
                        .shared_with = text_of(table, "shared_with"),
                        .note = text_of(table, "note")};
    if (expansion.window_bytes) *expansion.window_bytes *= 1024;
    for (const toml::node& interface : *table["interfaces"].as_array())
      expansion.interfaces.push_back(interface.value_or(std::string()));
    for (const int kind : check_.choices_of(table, "expansion", "kinds"))
      expansion.kinds.push_back(static_cast<ExternalKind>(kind));
    if (const auto address = integer_of(table, "address"))
      expansion.address = static_cast<std::uint32_t>(*address);
    check_expansion(expansion, table);
    board_.expansions.push_back(std::move(expansion));
  }

  // --- what the rows cannot say ---

  void check_expansion(const Expansion& expansion, const toml::table& table) {
    const auto refuse_here = [&](std::string message, std::string rule) {
      check_.refuse(table.source(), "expansion " + quoted_text(expansion.name) + ": " + std::move(message),
                    std::move(rule));
    };
    const auto speaks = [&](std::string_view interface) {
      return std::ranges::find(expansion.interfaces, interface) != expansion.interfaces.end();
    };
    const auto takes = [&](ExternalKind kind) {
      return std::ranges::find(expansion.kinds, kind) != expansion.kinds.end();
    };
    if (takes(ExternalKind::sdram) && !speaks("parallel"))
      refuse_here("SDRAM on a bus that is not parallel", "sdram needs the interface \"parallel\"");
    if (takes(ExternalKind::hyper_ram) && !speaks("hyperbus") && !speaks("xspi"))
      refuse_here("HyperRAM without its bus", "hyper_ram needs the interface \"hyperbus\" or \"xspi\"");
    if (expansion.bus_bits && !speaks("parallel"))
      refuse_here("bus_bits of a bus that is not parallel", "other interfaces say how wide they are");
    if (expansion.address &&
        std::int64_t{*expansion.address} + expansion.window_bytes.value_or(1) > (std::int64_t{1} << 32))
      refuse_here("it ends past 0xffffffff", "address + window stays within 32 bits");
    for (const Expansion& other : board_.expansions) {
      if (other.name == expansion.name) refuse_here("two of this name", "names in a board are unique");
      if (other.address && other.address == expansion.address)
        refuse_here("at the address of " + quoted_text(other.name), "each bus has its own addresses");
    }
    if (!expansion.shared_with.empty()) {
      const Memory* memory = find_memory(board_, expansion.shared_with);
      if (memory == nullptr || !is_outside(*memory))
        refuse_here("no external memory is called " + quoted_text(expansion.shared_with),
                    "shared_with is the memory of the board that sits on this bus");
    }
    for (const Memory& memory : board_.memories) {
      if (memory.name == expansion.name) refuse_here("a memory has this name", "names in a board are unique");
      if (memory.name != expansion.shared_with && expansion.address && memory.address &&
          *expansion.address >= *memory.address &&
          *expansion.address - *memory.address < memory.size_bytes.value_or(1))
        refuse_here("its address is in " + quoted_text(memory.name),
                    "a bus whose addresses a memory has is shared_with it");
    }
  }

  static bool is_outside(const Memory& memory) {
    return memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram;
  }

  void check_cache(const Cache& cache, const toml::table& table) {
    const auto refuse_here = [&](std::string message, std::string rule) {
      check_.refuse(table.source(), "cache " + quoted_text(cache.name) + ": " + std::move(message),
                    std::move(rule));
    };
    for (const Cache& other : board_.caches)
      if (other.name == cache.name) refuse_here("two of this name", "names in a board are unique");
    if (cache.line_bytes && !std::has_single_bit(static_cast<std::uint64_t>(*cache.line_bytes)))
      refuse_here("lines of " + std::to_string(*cache.line_bytes) + " bytes", "line_bytes is a power of two");
    if (cache.size_bytes && cache.line_bytes && *cache.size_bytes % *cache.line_bytes != 0)
      refuse_here("a part of a line", "size_bytes is a multiple of line_bytes");
    else if (cache.size_bytes && cache.ways &&
             *cache.size_bytes % (cache.line_bytes.value_or(1) * *cache.ways) != 0)
      refuse_here("its ways differ in size", "size_bytes is a multiple of line_bytes times ways");
    if (cache.fills_on == FillsOn::jump && cache.kind == CacheKind::data)
      refuse_here("a data cache that fills on jumps", "fills_on = \"jump\" is of caches of instructions");
    if (cache.address && cache.serves.size() != 1)
      refuse_here("an address, and it serves " + std::to_string(cache.serves.size()),
                  "the address of a cache is that of the one memory that it serves");
  }

  void check_memory(const Memory& memory, const toml::table& table) {
    const auto refuse_here = [&](std::string message, std::string rule) {
      check_.refuse(table.source(), "memory " + quoted_text(memory.name) + ": " + std::move(message),
                    std::move(rule));
    };
    if (!memory.part.empty() && !is_outside(memory))
      refuse_here("a part of its own inside the part",
                  "only an external memory names a part of the catalogue");
    if (!memory.size_bytes && !is_outside(memory))
      refuse_here("no size_kib", "only an external memory may leave its size blank");
    if (memory.read_bits && !std::has_single_bit(static_cast<unsigned>(*memory.read_bits)))
      refuse_here("reads of " + std::to_string(*memory.read_bits) + " bits", "read_bits is a power of two");
    if (memory.read_bits && is_outside(memory))
      refuse_here("read_bits outside the part", "an external memory has a bandwidth_mb_per_s");
    if (memory.read_latency_clocks && !(is_outside(memory) && memory.clock_hz))
      refuse_here("read_latency_clocks of no clock",
                  "only an external memory with a clock_hz has a latency of its bus");
    if (memory.is_flash() && (memory.holds_arena || memory.holds_stack))
      refuse_here("flash for arena or stack", "arena and stack lie in ram, tcm or external_ram");
    if (memory.holds_stack && !memory.size_bytes)
      refuse_here("a stack in a memory of unknown size", "the memory of the stack has a size_kib");
    if (memory.address && memory.size_bytes &&
        std::int64_t{*memory.address} + *memory.size_bytes > (std::int64_t{1} << 32))
      refuse_here("it ends past 0xffffffff", "address + size stays within 32 bits");
    for (const Memory& other : board_.memories) {
      if (other.name == memory.name) refuse_here("two of this name", "names in a board are unique");
      if (overlap(other, memory))
        refuse_here("it overlaps " + quoted_text(other.name), "memories do not overlap");
      if (other.holds_stack && memory.holds_stack)
        refuse_here("a second memory with stack", "one memory holds the stack");
    }
    const std::vector<std::int64_t>& limits = memory.wait_states_up_to_hz;
    const std::optional<std::int64_t> clock_hz = memory.clock_hz ? memory.clock_hz : board_.clock_hz;
    if (limits.empty() || !clock_hz) return;
    const auto expected = std::ranges::lower_bound(limits, *clock_hz) - limits.begin();
    if (expected == std::ssize(limits))
      refuse_here("its clock is above the last limit", "wait_states_up_to_hz reaches the memory's clock");
    else if (memory.wait_states && *memory.wait_states != expected)
      refuse_here("wait_states is " + std::to_string(*memory.wait_states) + ", its limits say " +
                      std::to_string(expected),
                  "wait_states agrees with wait_states_up_to_hz at the memory's clock_hz, or the board's");
  }

  static bool overlap(const Memory& a, const Memory& b) {
    if (!a.address || !b.address || !a.size_bytes || !b.size_bytes) return false;
    const std::int64_t begin_a = *a.address, begin_b = *b.address;
    return begin_a < begin_b + *b.size_bytes && begin_b < begin_a + *a.size_bytes;
  }

  void check_board(const toml::table& top) {
    const CoreRow* row = find_core_row(board_.processor);
    if (row == nullptr) {
      std::vector<std::string> names;
      for (const CoreRow& each : core_rows()) names.emplace_back(each.name);
      check_.refuse(top["core"].node()->source(), "unknown core " + quoted_text(board_.processor),
                    "core is one of " + join(names, ", "), did_you_mean(board_.processor, names));
      return;
    }
    board_.core = row->core;
    board_.is_data_only = row->is_data_only;
    if (!board_.fpu.empty() && (board_.fpu != "none") != board_.core.has_fpu)
      check_.refuse(top["fpu"].node()->source(),
                    "fpu is " + quoted_text(board_.fpu) + " on " + std::string(row->title),
                    "fpu is \"none\" on cores without one, \"single\" or \"double\" on the others");
    if (!board_.pipeline.empty() && !board_.processor.starts_with("rv32"))
      check_.refuse(top["pipeline"].node()->source(), "a pipeline of " + std::string(row->title),
                    "only cores of RV32 have a choice of pipelines");
    if (!board_.no_expansion.empty() && !board_.expansions.empty())
      check_.refuse(top["no_expansion"].node()->source(), "no_expansion beside an [[expansion]]",
                    "no_expansion says why there is none");
    if (board_.is_host()) {
      if (!board_.memories.empty())
        check_.refuse(top.source(), "memories on the host", "the host has no limits and lists no memory");
      return;
    }
    if (!board_.is_virtual && board_.part.empty())
      check_.refuse(top.source(), "no \"part\"", "a board that is not virtual names its part");
    if (board_.is_data_only) return;
    if (program_memory(board_) == nullptr)
      check_.refuse(top.source(), "nowhere to put the program",
                    "a board has an executable flash or external_flash with a size_kib");
    if (arena_memories(board_).empty())
      check_.refuse(top.source(), "nowhere to put the arena",
                    "a board has a ram, tcm or external_ram with a size_kib");
  }

  SchemaCheck check_;
  Board board_;
};

}  // namespace

Result<Board> parse_board(std::string_view toml, std::string_view file, Diagnostics& diagnostics) {
  return Parser(toml, file, diagnostics).parse();
}

}  // namespace nb
