// The board catalogue, its schema, and the files that the binary carries.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/resources.h"
#include "bench/machines.h"
#include "target/board.h"
#include "target/board_schema.h"
#include "target/cores.h"

namespace nb {
namespace {

// Line 1 is `name`; the memories begin on lines 9 and 13.
const std::string kGood =
    "name = \"b\"\n"
    "title = \"B\"\n"
    "vendor = \"V\"\n"
    "part = \"P\"\n"
    "core = \"cortex-m4f\"\n"
    "clock_hz = 100_000_000\n"
    "source = \"a page\"\n"
    "\n"
    "[[memory]]\n"
    "name = \"flash\"\n"
    "kind = \"flash\"\n"
    "size_kib = 512\n"
    "[[memory]]\n"
    "name = \"sram\"\n"
    "kind = \"ram\"\n"
    "address = 0x20000000\n"
    "size_kib = 128\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The board does not parse, and the first diagnostic names the line and contains `what` and a rule.
Diagnostic refused(const std::string& toml, int line, std::string_view what) {
  Diagnostics diagnostics;
  CAPTURE(toml);
  CHECK_FALSE(parse_board(toml, "b.toml", diagnostics).is_ok());
  REQUIRE_FALSE(diagnostics.all().empty());
  const Diagnostic& first = diagnostics.all().front();
  CHECK(first.kind == Kind::bad_board);
  CHECK(first.file == "b.toml:" + std::to_string(line));
  INFO(first.message);
  CHECK(first.message.find(what) != std::string::npos);
  REQUIRE_FALSE(first.notes.empty());
  CHECK(first.notes.front().starts_with("rule: "));
  CHECK(diagnostics.exit_code() == 2);
  return first;
}

TEST_CASE("every file of the catalogue parses and is named as its board") {
  Diagnostics diagnostics;
  const auto boards = parse_catalogue(diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) MESSAGE(render_text(diagnostic, false));
  REQUIRE(boards.is_ok());
  const auto files = resources_under("src/target/boards/");
  REQUIRE(boards->size() == files.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    CHECK(files[i].path == "src/target/boards/" + (*boards)[i].name + ".toml");
  CHECK(builtin_boards().size() == files.size());
  CHECK(builtin_boards().back().is_host());
}

TEST_CASE("the catalogue has the boards that are promised") {
  for (const char* name :
       {"stm32h735g-dk",     "nucleo-l4r5zi", "nucleo-h7a3zi-q", "nucleo-u575zi-q", "disco-f746ng",
        "stm32f4-discovery", "nucleo-g0b1re", "rpi-pico",        "rpi-pico2",       "nano33ble",
        "esp32-c3",          "stm32n6570-dk", "cortex-m0",       "cortex-m3",       "cortex-m4f",
        "cortex-m7",         "cortex-m33",    "cortex-m55",      "rv32imc",         "host"}) {
    CAPTURE(name);
    Diagnostics diagnostics;
    CHECK(find_board(name, diagnostics).is_ok());
  }
}

TEST_CASE("real boards have a clock and virtual ones fit their machine exactly") {
  for (const Board& board : builtin_boards()) {
    CAPTURE(board.name);
    if (board.is_host()) continue;
    CHECK(board.clock_hz.has_value() != board.is_virtual);
    const bench::CoreTarget* target = bench::find_core(board.processor);
    CHECK((target == nullptr) == board.is_data_only);
    if (board.is_data_only) continue;
    REQUIRE(target != nullptr);
    const Memory* program = program_memory(board);
    const Memory* stack = stack_memory(board);
    for (const Memory* arena : arena_memories(board)) {
      CAPTURE(arena->name);
      bench::MemorySizes sizes{.flash_bytes = static_cast<std::uint32_t>(*program->size_bytes),
                               .ram_bytes = static_cast<std::uint32_t>(*stack->size_bytes)};
      if (arena != stack) sizes.ram2_bytes = static_cast<std::uint32_t>(*arena->size_bytes);
      CHECK(bench::place_memories(*target, bench::cut_to_machines(*target, sizes)).has_value());
    }
    if (!board.is_virtual) continue;
    const std::string_view of_machine = board.sources.at("");
    const auto has = [&](std::span<const bench::MachineMemory> list, const Memory& memory) {
      return std::ranges::any_of(list, [&](const bench::MachineMemory& each) {
        return each.origin == *memory.address && each.length_bytes == *memory.size_bytes;
      });
    };
    for (const Memory& memory : board.memories) {
      CAPTURE(memory.name);
      bool is_there = false;
      for (const bench::Machine* each : target->machines)
        if (of_machine.ends_with(" " + std::string(each->name)))
          is_there |= has(memory.is_flash() ? each->flash : each->ram, memory);
      CHECK(is_there);
    }
  }
}

TEST_CASE("firmware can be built for every core but the host and those of data only") {
  for (const CoreRow& row : core_rows()) {
    CAPTURE(row.name);
    CHECK((bench::find_core(row.name) != nullptr) == (row.name != "host" && !row.is_data_only));
  }
}

TEST_CASE("a board of data only is shown, and refused as a target") {
  Diagnostics diagnostics;
  const auto shown = find_board("esp32-s3-devkitc-1", diagnostics);
  REQUIRE(shown.is_ok());
  CHECK(shown->is_data_only);
  CHECK_FALSE(find_target_board("esp32-s3-devkitc-1", diagnostics).is_ok());
  CHECK(diagnostics.all().back().kind == Kind::unknown_board);
  CHECK(diagnostics.all().back().message.find("Xtensa LX7") != std::string::npos);
}

TEST_CASE("what a board holds and where things go") {
  Diagnostics diagnostics;
  const auto found = find_board("STM32H735G-DK", diagnostics);
  REQUIRE(found.is_ok());
  const Board& board = *found;
  CHECK(board.core.name == "m7");
  CHECK(board.core.has_dsp);
  CHECK(*board.clock_hz == 550'000'000);
  CHECK(program_memory(board)->name == "flash");
  CHECK(*program_memory(board)->size_bytes == 1024 * 1024);
  CHECK(*program_memory(board)->wait_states == 3);
  CHECK(stack_memory(board)->name == "dtcm");
  CHECK(arena_memories(board).front()->name == "axi_sram");
  CHECK(*arena_memories(board).front()->size_bytes == 320 * 1024);
  CHECK(source_of(board, "memory.flash.size_kib") == "docs.zephyrproject.org stm32h735g_disco");
  CHECK(source_of(board, "memory.flash.wait_states") == source_of(board, "memory.flash"));
  CHECK(source_of(board, "clock_hz") == source_of(board, ""));
  CHECK_FALSE(source_of(board, "price.0").empty());
  REQUIRE_FALSE(board.powers.empty());
  CHECK(board.powers.front().load == PowerLoad::coremark);
  CHECK(find_board("nucleo-f207zg", diagnostics)->powers.empty());  // blank in the sources, not zero
  for (const Memory* memory : arena_memories(board)) CHECK(memory->name != "itcm");
}

TEST_CASE("a host has no limits") {
  Diagnostics diagnostics;
  const auto host = find_board("host", diagnostics);
  REQUIRE(host.is_ok());
  CHECK(host->is_host());
  CHECK(program_memory(*host) == nullptr);
  CHECK(stack_memory(*host) == nullptr);
  CHECK(host->core.pointer_bytes == 8);
}

TEST_CASE("unknown boards get the nearest name") {
  Diagnostics diagnostics;
  CHECK_FALSE(find_board("stm32h735-dk", diagnostics).is_ok());
  CHECK(diagnostics.all().front().kind == Kind::unknown_board);
  CHECK(diagnostics.all().front().help == "did you mean `stm32h735g-dk`?");
  CHECK(diagnostics.exit_code() == 2);
  Diagnostics others;
  CHECK_FALSE(find_board("", others).is_ok());
  CHECK_FALSE(find_board("no/such/file.toml", others).is_ok());
  CHECK(others.all().back().kind == Kind::file_unreadable);
}

TEST_CASE("a good board parses with its defaults") {
  Diagnostics diagnostics;
  const auto board = parse_board(kGood, "b.toml", diagnostics);
  REQUIRE(board.is_ok());
  CHECK(board->optimize == "O2");
  CHECK(board->memories[0].is_executable);
  CHECK_FALSE(board->memories[0].holds_arena);
  CHECK_FALSE(board->memories[0].address.has_value());
  CHECK(board->memories[1].holds_arena);
  CHECK(board->prices.empty());
}

TEST_CASE("a bad board is refused with its line and the rule") {
  const Diagnostic typo = refused(replaced(kGood, "clock_hz", "clok_hz"), 6, "unknown key \"clok_hz\"");
  CHECK(typo.help == "did you mean \"clock_hz\"?");
  CHECK(typo.line == "clok_hz = 100_000_000");
  refused(replaced(kGood, "size_kib = 512", "size_kb = 512"), 12, "unknown key \"size_kb\"");
  refused(replaced(kGood, "100_000_000", "100"), 6, "absurd value 100");
  refused(replaced(kGood, "100_000_000", "0"), 6, "absurd value 0");
  refused(replaced(kGood, "100_000_000", "1e8"), 6, "not an integer");
  refused(replaced(kGood, "100_000_000", "-1"), 6, "absurd");
  refused(replaced(kGood, "100_000_000", "nan"), 6, "not an integer");
  refused(replaced(kGood, "\"cortex-m4f\"", "\"cortex-m4\""), 5, "unknown core");
  refused(replaced(kGood, "\"flash\"\nkind = \"flash\"", "\"flash\"\nkind = \"flsh\""), 11, "unknown kind");
  refused(replaced(kGood, "\"P\"", "\"\""), 4, "an empty string");
  refused(replaced(kGood, "name = \"b\"", "name = \"B C\""), 1, "not a name");
  refused(replaced(kGood, "title = \"B\"\n", "\n"), 1, "no \"title\"");
  refused(replaced(kGood, "source = \"a page\"\n", "\n"), 1, "no \"source\"");
  refused(replaced(kGood, "size_kib = 128", "\n"), 13, "no size_kib");
  refused(replaced(kGood, "name = \"sram\"", "name = \"flash\""), 13, "two of this name");
  refused(replaced(kGood, "0x20000000", "0xffffffff"), 13, "ends past");
  refused(replaced(kGood, "kind = \"ram\"", "kind = \"flash\""), 1, "nowhere to put the arena");
  refused(replaced(kGood, "kind = \"flash\"", "kind = \"ram\""), 1, "nowhere to put the program");
  refused(replaced(kGood, "= \"V\"", "= "), 3, "");
  refused(kGood + "arena = 3\n", 18, "not a boolean");
  refused(kGood + "wait_states = 1\nwait_states_up_to_hz = [50_000_000, 40_000_000]\n", 19,
          "does not ascend");
  refused(kGood + "wait_states = 1\nwait_states_up_to_hz = [50_000_000, 80_000_000, 120_000_000]\n", 13,
          "its limits say 2");
  refused(kGood + "[[memory]]\nname = \"x\"\nkind = \"ram\"\naddress = 0x20010000\nsize_kib = 128\n", 18,
          "overlaps \"sram\"");
  refused(kGood + "[[price]]\nof = \"part\"\namount = { low = 0 }\ncurrency = \"USD\"\nsource = \"x\"\n", 20,
          "absurd value 0");
  refused(kGood + "[[price]]\nof = \"part\"\namount = { low = 3 }\ncurrency = \"USD\"\nsource = \"x\"\n", 18,
          "no \"date\"");
  refused(kGood + "[[price]]\nof = \"part\"\namount = { low = 3 }\ncurrency = \"XYZ\"\n", 21,
          "unknown currency");
  refused(kGood + "part = \"aps6404l\"\n", 13, "a part of its own inside the part");
  refused(
      kGood +
          "[[price]]\nof = \"part\"\namount = { low = 3, high = 2 }\ncurrency = \"USD\"\nsource = \"x\"\n",
      20, "descends");
  refused(kGood + "[[price]]\nof = \"part\"\namount = { low = 3 }\ncurrency = \"USD\"\ndate = \"2026\"\n", 18,
          "no \"source\"");
  refused(kGood + "[[price]]\nof = \"part\"\namount = { low = 3 }\ncurrency = \"USD\"\ndate = \"2026-13\"\n",
          22, "not a date");
  refused(kGood + "[[power]]\nstate = \"run\"\nof = \"part\"\nsource = \"x\"\n", 18, "without a figure");
  refused(kGood + "[[cache]]\nname = \"c\"\nkind = \"data\"\nserves = [\"ram9\"]\n", 21,
          "no memory is called");
  refused(kGood + "[[cache]]\nname = \"c\"\nkind = \"data\"\nsources.sise = \"x\"\n", 21,
          "unknown key \"sise\"");
  const std::string cache = kGood + "[[cache]]\nname = \"c\"\nkind = \"data\"\n";
  refused(cache + "size_bytes = 96\nline_bytes = 24\n", 18, "lines of 24 bytes");
  refused(cache + "size_bytes = 100\nline_bytes = 16\n", 18, "a part of a line");
  refused(cache + "size_bytes = 4096\nline_bytes = 16\nways = 3\n", 18, "its ways differ in size");
  refused(cache + "fills_on = \"jump\"\n", 18, "a data cache that fills on jumps");
  refused(cache + "fills_on = \"always\"\n", 21, "unknown fills_on");
  refused(cache + "address = 0x200000\n", 18, "an address, and it serves 0");
  refused(cache + "serves = [\"itcm\"]\n[[memory]]\nname = \"itcm\"\nkind = \"tcm\"\nsize_kib = 16\n", 21,
          "a cache before \"itcm\"");
  refused(cache + cache.substr(kGood.size()), 21, "two of this name");
  refused(kGood + "read_bits = 48\n", 13, "reads of 48 bits");
  refused(kGood + "read_latency_clocks = 12\n", 13, "read_latency_clocks of no clock");
  refused(kGood + "[[memory]]\nname = \"x\"\nkind = \"external_flash\"\nread_bits = 32\n", 18,
          "read_bits outside the part");
  refused("memory = 3\n" + kGood.substr(0, kGood.find("[[memory")), 1, "not a list of tables");
  refused("", 1, "no \"name\"");
  refused(replaced(kGood, "\"B\"", "\"\xc3\xa9\""), 2, "not ASCII");
}

TEST_CASE("what a timing model needs is read: flash, accelerators, caches, memories outside") {
  Diagnostics diagnostics;
  const auto board = [&](const char* name) {
    const auto found = find_board(name, diagnostics);
    REQUIRE(found.is_ok());
    return *found;
  };
  const Board l4 = board("nucleo-l4r5zi");
  CHECK(*program_memory(l4)->read_bits == 64);
  REQUIRE(l4.caches.size() == 2);
  CHECK(*l4.caches[0].size_bytes == 32 * 32);
  CHECK(*l4.caches[0].ways == 32);
  CHECK(l4.caches[0].fills_on == FillsOn::jump);
  CHECK(l4.caches[1].fills_on == FillsOn::miss);
  CHECK(*board("stm32f769i-disco").caches[2].address == 0x200000);
  // A line of 8 bytes by four lines at 75 MHz: 12 clocks, then 16.
  const Board pico2 = board("rpi-pico2");
  CHECK(*external_read_ns(*program_memory(pico2), 8) == doctest::Approx(28 / 0.075));
  Memory unknown = *program_memory(pico2);
  unknown.read_latency_clocks.reset();
  CHECK_FALSE(external_read_ns(unknown, 8).has_value());
}

TEST_CASE("every mistake is reported, not only the first") {
  Diagnostics diagnostics;
  const std::string bad = replaced(replaced(kGood, "clock_hz", "clok_hz"), "size_kib = 512", "size_kib = 0");
  CHECK_FALSE(parse_board(bad, "b.toml", diagnostics).is_ok());
  CHECK(diagnostics.error_count() == 2);
}

TEST_CASE("hostile text ends in a diagnostic") {
  for (const std::string& text :
       {std::string(100'000, '['), std::string("a=") + std::string(100'000, '['), std::string("\0\0\0", 3),
        std::string("\xff\xfe=1"), std::string("a\xe2\x81\xad=1"),
        std::string("name = \"") + std::string(100'000, 'x') + "\""}) {
    Diagnostics diagnostics;
    CHECK_FALSE(parse_board(text, "b.toml", diagnostics).is_ok());
    CHECK(diagnostics.has_errors());
  }
  // Every prefix, and every byte replaced: no crash.
  for (std::size_t i = 0; i < kGood.size(); ++i) {
    Diagnostics diagnostics;
    (void)parse_board(kGood.substr(0, i), "b.toml", diagnostics);
    std::string mutant = kGood;
    mutant[i] = '"';
    (void)parse_board(mutant, "b.toml", diagnostics);
  }
}

TEST_CASE("the page explains every key") {
  const auto page = find_resource("docs/add-a-board.md");
  REQUIRE(page.has_value());
  for (const KeyRow& row : board_schema()) {
    CAPTURE(row.key);
    CHECK(page->find("`" + std::string(row.key) + "`") != std::string_view::npos);
  }
}

TEST_CASE("resources are sorted, findable and whole") {
  const auto all = resources();
  CHECK(std::ranges::is_sorted(all, {}, &Resource::path));
  CHECK(find_resource("blocks/core/nb.h").has_value());
  CHECK_FALSE(find_resource("blocks/core/nb").has_value());
  CHECK_FALSE(find_resource("").has_value());
  CHECK(resources_under("no/such/folder").empty());
  for (const Resource& resource : all) {
    CHECK(resource.content.data()[resource.content.size()] == '\0');
    CHECK_FALSE(resource.path.ends_with("/attributes.h"));
  }
}

}  // namespace
}  // namespace nb
