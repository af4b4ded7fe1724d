// Buses for one memory more: what fits on them, what becomes of the board, and what reading there costs.
#include "target/expansion.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "report/boards_page.h"
#include "timing/memory_system.h"

namespace nb {
namespace {

// Line 1 is `name`; the buses begin on lines 23, 32 and 38.
const std::string kBoard =
    "name = \"b\"\n"
    "title = \"B\"\n"
    "vendor = \"V\"\n"
    "part = \"P\"\n"
    "core = \"cortex-m4f\"\n"
    "clock_hz = 100_000_000\n"
    "source = \"a page\"\n"
    "[[memory]]\n"
    "name = \"flash\"\n"
    "kind = \"flash\"\n"
    "size_kib = 512\n"
    "wait_states = 0\n"
    "[[memory]]\n"
    "name = \"sram\"\n"
    "kind = \"ram\"\n"
    "size_kib = 128\n"
    "[[memory]]\n"
    "name = \"sdram\"\n"
    "kind = \"external_ram\"\n"
    "address = 0xc0000000\n"
    "size_kib = 8192\n"
    "interface = \"SDRAM\"\n"
    "[[expansion]]\n"
    "name = \"octospi1\"\n"
    "interfaces = [\"qspi\", \"octal\"]\n"
    "kinds = [\"nor_flash\", \"psram\"]\n"
    "address = 0x90000000\n"
    "window_kib = 4096\n"
    "clock_hz = 80_000_000\n"
    "double_rate_clock_hz = 66_000_000\n"
    "source = \"a manual\"\n"
    "[[expansion]]\n"
    "name = \"qspi\"\n"
    "interfaces = [\"qspi\"]\n"
    "kinds = [\"nor_flash\"]\n"
    "executable = true\n"
    "source = \"a manual\"\n"
    "[[expansion]]\n"
    "name = \"fmc_sdram\"\n"
    "interfaces = [\"parallel\"]\n"
    "kinds = [\"sdram\"]\n"
    "bus_bits = 16\n"
    "address = 0xc0000000\n"
    "clock_hz = 90_000_000\n"
    "shared_with = \"sdram\"\n"
    "source = \"a manual\"\n";
const std::string kDataCache =
    "[[cache]]\n"
    "name = \"d\"\n"
    "kind = \"data\"\n"
    "size_bytes = 256\n"
    "line_bytes = 16\n"
    "ways = 4\n"
    "serves = [\"flash\"]\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Board board_of(const std::string& toml) {
  Diagnostics diagnostics;
  const auto board = parse_board(toml, "b.toml", diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) MESSAGE(render_text(diagnostic, false));
  REQUIRE(board.is_ok());
  return *board;
}

ExternalMemory quad_flash() {
  return {.name = "q",
          .title = "Q, 8 MiB",
          .part = "Q",
          .kind = ExternalKind::nor_flash,
          .interface = "qspi",
          .bus_bits = 4,
          .size_bytes = 8 << 20,
          .clock_hz = 133'000'000,
          .is_double_rate = false,
          .bandwidth_mb_per_s = 66,
          .read_latency_clocks = 20};
}

ExternalMemory octal_ram() {
  return {.name = "o",
          .title = "O, 2 MiB",
          .part = "O",
          .kind = ExternalKind::psram,
          .interface = "octal",
          .bus_bits = 8,
          .size_bytes = 2 << 20,
          .clock_hz = 200'000'000,
          .is_double_rate = true,
          .bandwidth_mb_per_s = 400,
          .read_latency_clocks = 7};
}

void refused(const std::string& toml, int line, std::string_view what) {
  Diagnostics diagnostics;
  CAPTURE(toml);
  CHECK_FALSE(parse_board(toml, "b.toml", diagnostics).is_ok());
  REQUIRE_FALSE(diagnostics.all().empty());
  const Diagnostic& first = diagnostics.all().front();
  INFO(first.message);
  CHECK(first.kind == Kind::bad_board);
  CHECK(first.file == "b.toml:" + std::to_string(line));
  CHECK(first.message.find(what) != std::string::npos);
  REQUIRE_FALSE(first.notes.empty());
  CHECK(first.notes.front().starts_with("rule: "));
}

TEST_CASE("a bus for one memory more is read with its sources") {
  const Board board = board_of(kBoard);
  REQUIRE(board.expansions.size() == 3);
  const Expansion& bus = board.expansions[0];
  CHECK(bus.interfaces == std::vector<std::string>{"qspi", "octal"});
  CHECK(bus.kinds == std::vector<ExternalKind>{ExternalKind::nor_flash, ExternalKind::psram});
  CHECK(*bus.address == 0x90000000u);
  CHECK(*bus.window_bytes == 4 << 20);
  CHECK(*bus.clock_hz == 80'000'000);
  CHECK(*bus.double_rate_clock_hz == 66'000'000);
  CHECK_FALSE(bus.is_executable);
  CHECK_FALSE(board.expansions[1].clock_hz.has_value());
  CHECK(board.expansions[1].is_executable);
  CHECK(source_of(board, "expansion.octospi1.clock_hz") == "a manual");
  CHECK(find_expansion(board, "qspi") == &board.expansions[1]);
  CHECK(find_expansion(board, "fmc") == nullptr);
  const auto json = board_json(board);
  CHECK(json["expansions"][0]["kinds"][1] == "psram");
  CHECK(json["expansions"][1]["address"].is_null());
  CHECK(json["expansions"][2]["shared_with"] == "sdram");
  CHECK(json["no_expansion"].is_null());
  CHECK(board_text(board, nullptr).find("taken by sdram") != std::string::npos);
}

TEST_CASE("a bad bus is refused with its line and the rule") {
  const auto bad = [](std::string_view from, std::string_view to, int line, std::string_view what) {
    refused(replaced(kBoard, from, to), line, what);
  };
  bad("name = \"octospi1\"\n", "\n", 23, "no \"name\"");
  bad("\"octospi1\"", "\"flash\"", 23, "a memory has this name");
  bad("\"octospi1\"", "\"qspi\"", 32, "two of this name");
  bad("[\"qspi\", \"octal\"]", "\"qspi\"", 25, "not a list");
  bad("[\"qspi\", \"octal\"]", "[]", 25, "not a list");
  bad("[\"qspi\", \"octal\"]", "[\"qspi\", 8]", 25, "not a string");
  bad("[\"qspi\", \"octal\"]", "[\"qspi\", \"octl\"]", 25, "unknown one of interfaces: \"octl\"");
  bad("[\"qspi\", \"octal\"]", "[\"qspi\", \"qspi\"]", 25, "twice \"qspi\"");
  bad("[\"nor_flash\", \"psram\"]", "[\"dram\"]", 26, "unknown one of kinds");
  bad("[\"nor_flash\", \"psram\"]", "[\"sdram\"]", 23, "SDRAM on a bus that is not parallel");
  bad("kinds = [\"nor_flash\"]", "kinds = [\"hyper_ram\"]", 32, "HyperRAM without its bus");
  bad("0x90000000", "0xfff00000", 23, "ends past 0xffffffff");
  bad("0x90000000", "0xc0100000", 23, "its address is in \"sdram\"");
  bad("executable = true", "address = 0x90000000", 32, "at the address of \"octospi1\"");
  bad("executable = true", "bus_bits = 8", 32, "bus_bits of a bus that is not parallel");
  bad("executable = true", "executable = 1", 36, "not a boolean");
  bad("80_000_000", "80_000", 29, "absurd value 80,000");
  bad("66_000_000", "0", 30, "absurd value 0");
  bad("window_kib = 4096", "window_kib = 0", 28, "absurd value 0");
  bad("bus_bits = 16", "bus_bits = 4", 42, "absurd value 4");
  bad("shared_with = \"sdram\"", "shared_with = \"sram\"", 38, "no external memory is called \"sram\"");
  bad("shared_with = \"sdram\"", "shared_wth = \"sdram\"", 45, "unknown key \"shared_wth\"");
  bad("shared_with = \"sdram\"\n", "\n", 38, "its address is in \"sdram\"");
  bad("shared_with = \"sdram\"\nsource = \"a manual\"\n", "shared_with = \"sdram\"\n", 38, "no \"source\"");
  bad("source = \"a page\"\n", "source = \"a page\"\nno_expansion = \"none\"\n", 8, "no_expansion beside");
}

TEST_CASE("what fits speaks the interface, is of a kind that is mapped, and finds the bus free") {
  const Board board = board_of(kBoard);
  const Expansion &octospi = board.expansions[0], &qspi = board.expansions[1], &fmc = board.expansions[2];
  ExternalMemory sdram = quad_flash();
  sdram.kind = ExternalKind::sdram;
  sdram.interface = "parallel";
  CHECK(fits(octospi, quad_flash()));
  CHECK(fits(octospi, octal_ram()));
  CHECK(fits(qspi, quad_flash()));
  CHECK_FALSE(fits(qspi, octal_ram()));
  CHECK_FALSE(fits(fmc, sdram));  // taken
  Expansion free = fmc;
  free.shared_with.clear();
  CHECK(fits(free, sdram));
  ExternalMemory ram = quad_flash();
  ram.kind = ExternalKind::psram;
  CHECK_FALSE(fits(qspi, ram));
  std::size_t expected = 0;
  for (const ExternalMemory& memory : builtin_memories())
    expected += (memory.interface == "qspi" || memory.interface == "octal") &&
                        (memory.kind == ExternalKind::nor_flash || memory.kind == ExternalKind::psram)
                    ? 1
                    : 0;
  for (const ExternalMemory& memory : builtin_memories())
    expected += memory.interface == "qspi" && memory.kind == ExternalKind::nor_flash ? 1 : 0;
  CHECK(expected > 8);
  CHECK(expansion_fits(board).size() == expected);
}

TEST_CASE("a board with one memory more") {
  const Board board = board_of(kBoard);
  const Board grown = with_memory(board, board.expansions[0], quad_flash());
  REQUIRE(grown.memories.size() == board.memories.size() + 1);
  const Memory& added = grown.memories.back();
  CHECK(added.name == "octospi1");
  CHECK(added.kind == MemoryKind::external_flash);
  CHECK(*added.address == 0x90000000u);
  CHECK(*added.size_bytes == 4 << 20);  // as far as the bus reaches
  CHECK(*added.clock_hz == 80'000'000);
  CHECK(*added.bandwidth_mb_per_s == doctest::Approx(40));
  CHECK(*added.read_latency_clocks == 20);
  CHECK(added.part == "q");
  CHECK_FALSE(added.holds_arena);
  CHECK_FALSE(added.is_executable);
  CHECK(program_memory(grown)->name == "flash");
  CHECK(source_of(grown, "memory.octospi1.clock_hz") == "a manual; Q");
  CHECK(grown.expansions[0].shared_with == "octospi1");
  CHECK_FALSE(fits(grown.expansions[0], quad_flash()));
  CHECK(fits(board.expansions[0], quad_flash()));

  const Board second = with_memory(grown, grown.expansions[1], quad_flash());
  CHECK(second.memories.back().name == "qspi");
  CHECK(second.memories.back().is_executable);
  CHECK_FALSE(second.memories.back().address.has_value());
  CHECK_FALSE(second.memories.back().clock_hz.has_value());  // of the bus not known
  CHECK_FALSE(second.memories.back().bandwidth_mb_per_s.has_value());

  const Board with_ram = with_memory(board, board.expansions[0], octal_ram());
  CHECK(with_ram.memories.back().holds_arena);
  CHECK(arena_memories(with_ram).back()->name == "octospi1");
  CHECK(*with_ram.memories.back().size_bytes == 2 << 20);
  CHECK(*with_ram.memories.back().clock_hz == 66'000'000);
  CHECK(*with_ram.memories.back().bandwidth_mb_per_s == doctest::Approx(132));
}

TEST_CASE("the bus's clocks, edges and width decide how fast a memory is read") {
  const auto added = [](const Expansion& bus, const ExternalMemory& memory) {
    return with_memory(board_of(kBoard), bus, memory).memories.back();
  };
  Expansion bus = board_of(kBoard).expansions[0];
  ExternalMemory flash = octal_ram();
  flash.kind = ExternalKind::nor_flash;
  CHECK(*added(bus, flash).bandwidth_mb_per_s == doctest::Approx(132));  // both edges at 66 MHz
  bus.clock_hz = 133'000'000;
  CHECK(*added(bus, flash).bandwidth_mb_per_s == doctest::Approx(133));  // one edge at 133 MHz
  CHECK(*added(bus, flash).clock_hz == 133'000'000);
  CHECK(*added(bus, octal_ram()).bandwidth_mb_per_s == doctest::Approx(132));  // it has no other mode
  bus.double_rate_clock_hz.reset();
  CHECK(*added(bus, flash).bandwidth_mb_per_s == doctest::Approx(133));
  CHECK_FALSE(added(bus, octal_ram()).clock_hz.has_value());
  flash.clock_hz.reset();
  CHECK_FALSE(added(bus, flash).clock_hz.has_value());

  ExternalMemory slow = quad_flash();
  slow.clock_hz = 50'000'000;
  CHECK(*added(bus, slow).clock_hz == 50'000'000);
  CHECK(*added(bus, slow).bandwidth_mb_per_s == doctest::Approx(25));
  slow.clock_hz = 133'000'000;
  CHECK(*added(bus, slow).bandwidth_mb_per_s == doctest::Approx(66));  // as published
  slow.read_latency_clocks.reset();
  CHECK_FALSE(added(bus, slow).read_latency_clocks.has_value());
  slow.read_latency_ns = 100;
  CHECK(*added(bus, slow).read_latency_clocks == 14);  // 13.3

  Expansion fmc = board_of(kBoard).expansions[2];
  ExternalMemory wide = quad_flash();
  wide.kind = ExternalKind::sdram;
  wide.interface = "parallel";
  wide.bus_bits = 32;
  wide.bandwidth_mb_per_s.reset();
  CHECK(*added(fmc, wide).bandwidth_mb_per_s == doctest::Approx(180));  // 16 of its 32 lines, 90 MHz
  CHECK(added(fmc, wide).interface == "SDRAM");
  wide.bus_bits = 8;
  CHECK(*added(fmc, wide).bandwidth_mb_per_s == doctest::Approx(90));
}

TEST_CASE("reading what was added takes the cycles that its bus does") {
  const MemorySystem::Pace pace{.cycles_per_byte = 0.5, .cycles_per_read = 2};
  const auto places = [](const char* memory) {
    return std::vector<RegionPlace>{{0, 0x80000, "flash"}, {0x60000000, 0x60400000, memory}};
  };
  {  // 20 clocks of 12.5 ns and 4 bytes at 40 MB/s: 350 ns, 35 cycles, for each word that is not the last one
    const Board board = board_of(kBoard);
    const Board grown = with_memory(board, board.expansions[0], quad_flash());
    CachePlan plan;
    const MemorySystem memories(grown, places("octospi1"), {}, plan);
    CHECK(memories.assumptions().empty());
    const std::string text = plan.text(places("octospi1"));
    CAPTURE(text);
    const std::size_t line = text.find("cache D miss 4 4 1 2\n");
    REQUIRE(line != std::string::npos);
    const auto number = static_cast<std::uint32_t>(plan.size() - 1);
    CHECK(memories.miss_cycles({.cache = number, .region = 1, .first = 10}, pace) == doctest::Approx(350));
  }
  {  // 7 clocks of 15.15 ns and 4 bytes at 132 MB/s: 136.4 ns, each read and each write
    const Board board = board_of(kBoard);
    const Board grown = with_memory(board, board.expansions[0], octal_ram());
    CachePlan plan;
    const MemorySystem memories(grown, places("octospi1"), {}, plan);
    CHECK(memories.access_cycles({.region = 1, .reads = 10}) == doctest::Approx(136.364));
    CHECK(memories.access_cycles({.region = 1, .writes = 10}) == doctest::Approx(136.364));
  }
  {  // a cache that serves the bus too: 20 clocks and a line of 16 bytes, 650 ns
    const Board board = board_of(kBoard + replaced(kDataCache, "[\"flash\"]", "[\"flash\", \"octospi1\"]"));
    const Board grown = with_memory(board, board.expansions[0], quad_flash());
    CHECK(grown.caches[0].serves == std::vector<std::string>{"flash", "octospi1"});
    CachePlan plan;
    const MemorySystem memories(grown, places("octospi1"), {}, plan);
    CHECK(plan.text(places("octospi1")).find("cache D miss 256 16 4 3\n") != std::string::npos);
    CHECK(memories.miss_cycles({.cache = 0, .region = 1, .first = 10, .third = 10}, pace) ==
          doctest::Approx(650));
    // The same memory on the board is as fast.
    Board soldered = board;
    soldered.caches[0].serves.emplace_back("there");
    soldered.memories.push_back({.name = "there",
                                 .kind = MemoryKind::external_flash,
                                 .size_bytes = 4 << 20,
                                 .clock_hz = 80'000'000,
                                 .bandwidth_mb_per_s = 40,
                                 .read_latency_clocks = 20});
    CachePlan other;
    const MemorySystem same(soldered, places("there"), {}, other);
    CHECK(same.miss_cycles({.cache = 0, .region = 1, .first = 7, .third = 3}, pace) ==
          doctest::Approx(memories.miss_cycles({.cache = 0, .region = 1, .first = 7, .third = 3}, pace)));
  }
  {  // where the bus's clock is not known, what is taken instead is said
    const Board board = board_of(kBoard);
    const Board grown = with_memory(board, board.expansions[1], quad_flash());
    CachePlan plan;
    const MemorySystem memories(grown, places("qspi"), {}, plan);
    REQUIRE_FALSE(memories.assumptions().empty());
    CHECK(memories.assumptions().front().find("the speed of qspi is not known") == 0);
  }
}

TEST_CASE("the catalogue's buses take what the catalogue has, and name their source") {
  for (const Board& board : builtin_boards()) {
    CAPTURE(board.name);
    for (const Expansion& expansion : board.expansions) {
      CAPTURE(expansion.name);
      CHECK(source_of(board, "expansion." + expansion.name).size() > 3);
      if (expansion.clock_hz && expansion.double_rate_clock_hz)
        CHECK(*expansion.double_rate_clock_hz <= *expansion.clock_hz);
    }
    for (const ExpansionFit& fit : expansion_fits(board)) {
      CAPTURE(fit.memory->name);
      const Board grown = with_memory(board, *fit.expansion, *fit.memory);
      const Memory& added = grown.memories.back();
      CHECK(*added.size_bytes <= fit.memory->size_bytes);
      CHECK(added.is_flash() != added.holds_arena);
      for (const Memory& other : board.memories) {
        if (!added.address || !other.address || !other.size_bytes) continue;
        CHECK((std::int64_t{*added.address} >= std::int64_t{*other.address} + *other.size_bytes ||
               std::int64_t{*other.address} >= std::int64_t{*added.address} + *added.size_bytes));
      }
    }
  }
}

}  // namespace
}  // namespace nb
