// The catalogue as a whole: what it promises, that nothing in it lacks a source, external memories and price
// lists.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/resources.h"
#include "base/text.h"
#include "bench/machines.h"
#include "report/boards_page.h"
#include "target/board.h"
#include "target/cores.h"
#include "target/external_memory.h"
#include "target/price_list.h"

namespace nb {
namespace {

/// Cores whose boards are timed, by their kernels' names.
const std::set<std::string> kTimedCores = {"m0", "m3", "m4f", "m7", "m33", "m55", "rv32"};

/// Who makes the part, for boards that somebody else sells: by how the part's name begins.
std::string maker_of(const Board& board) {
  const std::map<std::string, std::string> beginnings = {
      {"STM32", "ST"},      {"nRF", "Nordic"},        {"MCX", "NXP"},         {"LPC", "NXP"},
      {"MIMXRT", "NXP"},    {"R7FA", "Renesas"},      {"ATSAM", "Microchip"}, {"EF", "Silicon Labs"},
      {"CY8C", "Infineon"}, {"XMC", "Infineon"},      {"MSPM0", "TI"},        {"TM4C", "TI"},
      {"CC", "TI"},         {"RP2", "Raspberry Pi"},  {"ESP32", "Espressif"}, {"Apollo", "Ambiq"},
      {"AE", "Alif"},       {"GD32", "GigaDevice"},   {"CH32", "WCH"},        {"M4", "Nuvoton"},
      {"M55", "Nuvoton"},   {"MAX", "Analog Devices"}};
  for (const auto& [beginning, maker] : beginnings)
    if (board.part.starts_with(beginning)) return maker;
  return "";
}

TEST_CASE("the catalogue is as large as it promises") {
  std::set<std::string> parts, makers, cores;
  for (const Board& board : builtin_boards()) {
    if (board.is_virtual || board.is_data_only) continue;
    CAPTURE(board.name);
    CHECK(kTimedCores.contains(board.core.name));
    cores.insert(board.core.name);
    parts.insert(board.part);
    CHECK_FALSE(maker_of(board).empty());
    makers.insert(maker_of(board));
  }
  CHECK(parts.size() >= 40);  // parts, not boards: one part on two boards counts once
  CHECK(makers.size() >= 8);
  CHECK(cores == kTimedCores);
  CHECK(builtin_memories().size() >= 8);
  std::set<ExternalKind> kinds;
  for (const ExternalMemory& memory : builtin_memories()) kinds.insert(memory.kind);
  CHECK(kinds.size() == 4);
}

void check_prices(const std::vector<Price>& prices,
                  const std::map<std::string, std::string, std::less<>>& sources) {
  for (std::size_t i = 0; i < prices.size(); ++i) {
    const auto source = sources.find("price." + std::to_string(i));
    REQUIRE(source != sources.end());
    CHECK(source->second.size() > 3);
    CHECK(prices[i].date >= "2015");
    CHECK(prices[i].date.size() >= 4);
    CHECK(prices[i].currency.size() == 3);
    if (!prices[i].quantity) CHECK(prices[i].note.find("quantity not given") != std::string::npos);
  }
}

TEST_CASE("every price has a source and a date, every power figure a source") {
  for (const Board& board : builtin_boards()) {
    CAPTURE(board.name);
    check_prices(board.prices, board.sources);
    for (std::size_t i = 0; i < board.powers.size(); ++i)
      CHECK(board.sources.contains("power." + std::to_string(i)));
    for (const Memory& memory : board.memories)
      CHECK_FALSE(source_of(board, "memory." + memory.name).empty());
  }
  for (const ExternalMemory& memory : builtin_memories()) {
    CAPTURE(memory.name);
    check_prices(memory.prices, memory.sources);
    CHECK_FALSE(memory.sources.at("").empty());
  }
}

TEST_CASE("sizes and clocks are plausible, and no source is a copy that somebody forgot") {
  for (const Board& board : builtin_boards()) {
    if (board.is_virtual) continue;
    CAPTURE(board.name);
    REQUIRE(board.clock_hz.has_value());
    CHECK(*board.clock_hz >= 16'000'000);
    CHECK(*board.clock_hz <= 1'000'000'000);
    for (const Memory& memory : board.memories) {
      CAPTURE(memory.name);
      if (!memory.size_bytes) continue;
      const std::int64_t kib = *memory.size_bytes / 1024;
      const bool is_outside =
          memory.kind == MemoryKind::external_flash || memory.kind == MemoryKind::external_ram;
      CHECK(kib >= (is_outside ? 512 : 2));
      CHECK(kib <= (is_outside ? 262'144 : 8192));
      if (memory.clock_hz) CHECK(*memory.clock_hz <= *board.clock_hz);
    }
    for (const auto& [path, source] : board.sources) CHECK_FALSE(source.starts_with(kCopiedSource));
  }
}

TEST_CASE("a board's external memory is the part that it names") {
  int links = 0;
  for (const Board& board : builtin_boards())
    for (const Memory& memory : board.memories) {
      if (memory.part.empty()) continue;
      ++links;
      CAPTURE(board.name);
      Diagnostics diagnostics;
      const auto part = find_external_memory(memory.part, diagnostics);
      REQUIRE(part.is_ok());
      if (memory.size_bytes) CHECK(*memory.size_bytes == part->size_bytes);
      if (memory.clock_hz && part->clock_hz) CHECK(*memory.clock_hz <= *part->clock_hz);
      CHECK((part->kind == ExternalKind::nor_flash) == memory.is_flash());
    }
  CHECK(links > 0);
}

TEST_CASE("every external memory parses and is named as its file") {
  Diagnostics diagnostics;
  const auto memories = parse_memory_catalogue(diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) MESSAGE(render_text(diagnostic, false));
  REQUIRE(memories.is_ok());
  const auto files = resources_under("src/target/memories/");
  REQUIRE(memories->size() == files.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    CHECK(files[i].path == "src/target/memories/" + (*memories)[i].name + ".toml");
  CHECK(builtin_memories().size() == files.size());
}

const std::string kMemory =
    "name = \"m\"\n"
    "title = \"M\"\n"
    "vendor = \"V\"\n"
    "part = \"P\"\n"
    "kind = \"psram\"\n"
    "interface = \"octal\"\n"
    "bus_bits = 8\n"
    "size_kib = 8192\n"
    "clock_hz = 200_000_000\n"
    "double_rate = true\n"
    "bandwidth_mb_per_s = 400\n"
    "source = \"a page\"\n";

const std::string kPrices =
    "currency = \"EUR\"\n"
    "[[rate]]\n"
    "currency = \"USD\"\n"
    "amount = 0.5\n"
    "date = \"2026-11-28\"\n"
    "[[price]]\n"
    "part = \"stm32f411ret6\"\n"
    "amount = { low = 4, high = 5 }\n"
    "quantity = 100\n"
    "date = \"2026-11\"\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The first diagnostic names the line and contains `what` and a rule.
template <class Parse>
void refused(Parse parse, const std::string& toml, int line, std::string_view what) {
  Diagnostics diagnostics;
  CAPTURE(toml);
  CHECK_FALSE(parse(toml, "x.toml", diagnostics).is_ok());
  REQUIRE_FALSE(diagnostics.all().empty());
  const Diagnostic& first = diagnostics.all().front();
  INFO(first.message);
  CHECK(first.kind == Kind::bad_board);
  CHECK(first.file == "x.toml:" + std::to_string(line));
  CHECK(first.message.find(what) != std::string::npos);
  REQUIRE_FALSE(first.notes.empty());
  CHECK(first.notes.front().starts_with("rule: "));
}

TEST_CASE("an external memory is refused with its line and the rule") {
  Diagnostics diagnostics;
  const auto memory = parse_external_memory(kMemory, "x.toml", diagnostics);
  REQUIRE(memory.is_ok());
  CHECK(*memory->bus_mb_per_s() == doctest::Approx(400));
  CHECK_FALSE(memory->read_latency_clocks.has_value());
  const auto bad = [](const std::string& toml, int line, std::string_view what) {
    refused(parse_external_memory, toml, line, what);
  };
  bad(replaced(kMemory, "kind = \"psram\"", "kind = \"psarm\""), 5, "unknown kind");
  bad(replaced(kMemory, "size_kib = 8192", "size_kib = 0"), 8, "absurd value 0");
  bad(replaced(kMemory, "size_kib = 8192\n", "\n"), 1, "no \"size_kib\"");
  bad(replaced(kMemory, "bus_bits = 8", "bus_bits = 4"), 7, "4 data lines");
  bad(replaced(kMemory, "bandwidth_mb_per_s = 400", "bandwidth_mb_per_s = 500"), 11, "more bytes");
  bad(replaced(kMemory, "source = \"a page\"\n", "\n"), 1, "no \"source\"");
  bad(replaced(kMemory, "200_000_000", "200"), 9, "absurd value 200");
  bad(kMemory + "core = \"cortex-m0\"\n", 13, "unknown key");
  bad(kMemory + "[[price]]\namount = { typical = 2 }\ncurrency = \"USD\"\nsource = \"x\"\n", 13,
      "no \"date\"");
  bad(kMemory + "[[power]]\nstate = \"run\"\nsource = \"x\"\n", 13, "without a figure");
}

TEST_CASE("unknown external memories get the nearest name") {
  Diagnostics diagnostics;
  CHECK_FALSE(find_external_memory("aps6408", diagnostics).is_ok());
  CHECK(diagnostics.all().front().help == "did you mean `aps6404l`?");
  CHECK(diagnostics.exit_code() == 2);
}

TEST_CASE("a user's prices lie over the catalogue's, in the user's currency") {
  Diagnostics diagnostics;
  const auto list = parse_price_list(kPrices, "mine.toml", diagnostics);
  REQUIRE(list.is_ok());
  const auto quotes = [&](const char* name) {
    const auto board = find_board(name, diagnostics);
    REQUIRE(board.is_ok());
    return quoted_prices(board->name, board->part, board->prices, board->sources, &*list);
  };
  const auto own = quotes("nucleo-f411re");
  REQUIRE(own.size() == 1);
  CHECK(own[0].is_users);
  CHECK_FALSE(own[0].is_converted);
  CHECK(own[0].source == "mine.toml");
  CHECK(*own[0].price.amount.low == 4);
  CHECK(own[0].price.currency == "EUR");
  const auto converted = quotes("nucleo-f446re");
  REQUIRE(converted.size() == 1);
  CHECK_FALSE(converted[0].is_users);
  CHECK(converted[0].is_converted);
  CHECK(*converted[0].price.amount.low == doctest::Approx(1.5));  // 3 USD
  CHECK(converted[0].price.currency == "EUR");
  CHECK(quotes("nucleo-l476rg").empty());  // blank, not zero
  const auto board = find_board("nucleo-f446re", diagnostics);
  CHECK(quoted_prices(board->name, board->part, board->prices, board->sources, nullptr)[0].price.currency ==
        "USD");
}

TEST_CASE("a price list is refused with its line and the rule") {
  const auto bad = [](const std::string& toml, int line, std::string_view what) {
    refused(parse_price_list, toml, line, what);
  };
  bad(replaced(kPrices, "\"EUR\"", "\"EURO\""), 1, "unknown currency");
  bad(replaced(kPrices, "0.5", "0"), 4, "absurd value 0");
  bad(replaced(kPrices, "\"USD\"", "\"EUR\""), 2, "a second rate");
  bad(replaced(kPrices, "date = \"2026-11\"\n", "\n"), 6, "no \"date\"");
  bad(replaced(kPrices, "part = \"stm32f411ret6\"\n", "\n"), 6, "no \"part\"");
  bad(replaced(kPrices, "low = 4, high = 5", "low = 6, high = 5"), 8, "descends");
}

TEST_CASE("a board begun from any other parses, and says that its sources are copies") {
  for (const Board& board : builtin_boards()) {
    if (board.is_host() || board.is_data_only) continue;
    CAPTURE(board.name);
    Diagnostics diagnostics;
    const auto made = parse_board(board_template("mine", board), "mine.toml", diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all()) MESSAGE(render_text(diagnostic, false));
    REQUIRE(made.is_ok());
    CHECK(made->name == "mine");
    CHECK(made->processor == board.processor);
    CHECK(made->prices.empty());
    CHECK(made->powers.empty());
    REQUIRE(made->memories.size() == board.memories.size());
    for (std::size_t i = 0; i < board.memories.size(); ++i) {
      const Memory &mine = made->memories[i], &its = board.memories[i];
      CHECK(mine.size_bytes == its.size_bytes);
      CHECK(mine.holds_arena == its.holds_arena);
      CHECK(mine.holds_stack == its.holds_stack);
      CHECK(mine.is_executable == its.is_executable);
    }
    CHECK(made->sources.at("").starts_with(kCopiedSource));
  }
}

TEST_CASE("what a board leaves blank is told by name") {
  Diagnostics diagnostics;
  const auto blanks = [&](const char* name) { return join(blanks_of(*find_board(name, diagnostics)), ", "); };
  CHECK(blanks("nucleo-f411re").empty());
  CHECK(blanks("nucleo-f207zg") == "power, price");
  CHECK(blanks("nrf52-dk") ==
        "wait states of the flash, width of a read of the flash, size, lines or ways of a cache, price");
  CHECK(blanks("stm32n6570-dk") == "size, lines or ways of a cache, an address of a memory, power, price");
  CHECK(blanks("lp-mspm0g3507").find("whether a memory can be added") != std::string::npos);
  CHECK(blanks("cortex-m4f").empty());
}

}  // namespace
}  // namespace nb
