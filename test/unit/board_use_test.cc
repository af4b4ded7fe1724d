// What a user writes behind a board's name, and where programs lie then.
#include "target/board_use.h"

#include <doctest/doctest.h>

#include "bench/memory_plan.h"

namespace nb {
namespace {

constexpr std::string_view kBoard = R"(
name = "b"
title = "B"
vendor = "V"
part = "P"
core = "cortex-m4f"
source = "a page"
[[memory]]
name = "flash"
kind = "flash"
size_kib = 256
[[memory]]
name = "sram"
kind = "ram"
size_kib = 64
[[memory]]
name = "nor"
kind = "external_flash"
size_kib = 4096
part = "w25q16jv"
[[expansion]]
name = "qspi"
interfaces = ["qspi"]
kinds = ["nor_flash", "psram"]
clock_hz = 80_000_000
source = "a manual"
)";

Board used(std::string_view rest) {
  Diagnostics diagnostics;
  auto board = parse_board(kBoard, "b.toml", diagnostics);
  REQUIRE(board.is_ok());
  auto with = used_board(std::move(*board), rest, "b" + std::string(rest), diagnostics);
  CAPTURE(diagnostics.all().empty() ? "" : diagnostics.all()[0].message);
  REQUIRE(with.is_ok());
  return *with;
}

void check_refused(std::string_view rest, std::string_view what) {
  Diagnostics diagnostics;
  auto board = parse_board(kBoard, "b.toml", diagnostics);
  REQUIRE(board.is_ok());
  CAPTURE(rest);
  CHECK_FALSE(used_board(std::move(*board), rest, rest, diagnostics).is_ok());
  REQUIRE_FALSE(diagnostics.all().empty());
  CHECK(diagnostics.all()[0].message.find(what) != std::string::npos);
  CHECK_FALSE((diagnostics.all()[0].help.empty() && diagnostics.all()[0].notes.empty()));
  CHECK(diagnostics.exit_code() == 2);
}

TEST_CASE("a name and what follows it") {
  CHECK(split_use("nucleo-l4r5zi").rest.empty());
  CHECK(split_use("x+m@b:arena=b").board == "x");
  CHECK(split_use("x+m@b:arena=b").rest == "+m@b:arena=b");
  CHECK(split_use("a+b/c:d.toml").board == "a+b/c:d.toml");
  CHECK(split_use("a+b/c:d.toml+m:weights=m").rest == "+m:weights=m");
}

TEST_CASE("memories are added on the bus that is named, or the first that takes them") {
  const Board board = used("+aps6404l:arena=qspi");
  CHECK(board.name == "b+aps6404l:arena=qspi");
  CHECK(board.base_name == "b");
  const MemoryPlan plan = plan_memories(board, 200'000);
  REQUIRE(plan.arena != nullptr);
  CHECK(plan.arena->name == "qspi");
  CHECK(plan.arena->part == "aps6404l");
  CHECK(plan.weights == nullptr);
}

TEST_CASE("weights go where they are told, of all layers or of some; by a memory's name or its part's") {
  CHECK(used(":weights=nor").placement.weights == "nor");
  CHECK(used(":weights=nor").placement.far_layers.empty());
  const Board board = used(":weights=w25q16jv=a:0, b");
  CHECK(board.placement.weights == "nor");
  CHECK(board.placement.far_layers == std::vector<std::string>{"a:0", "b"});
  CHECK(plan_memories(board, 1000).weights->name == "nor");
  // With the program they are not apart.
  CHECK(used(":weights=flash").placement.weights.empty());
}

TEST_CASE("weights that lie elsewhere need no flash of the part") {
  CHECK_FALSE(early_misfits(used(""), 1000, 300'000).empty());
  CHECK(early_misfits(used(":weights=nor"), 1000, 300'000).empty());
  const auto misfits_of_far =
      misfits(used(":weights=nor"), {.flash_bytes = 20'000, .arena_bytes = 1000, .far_bytes = 5'000'000});
  REQUIRE(misfits_of_far.size() == 1);
  CHECK(misfits_of_far[0].memory == "nor");
  CHECK(misfits_of_far[0].excess_bytes() == 5'000'000 - 4096 * 1024);
}

TEST_CASE("what is kept for other firmware is no room") {
  const Board board = used(":reserve_ram=16K:reserve_flash=200KiB");
  CHECK(board.placement.reserved_ram_bytes == 16 * 1024);
  const auto found = misfits(board, {.flash_bytes = 60'000, .static_bytes = 0, .arena_bytes = 45'000});
  REQUIRE(found.size() == 2);
  CHECK(found[0].what == "program");
  CHECK(found[0].free_bytes == 56 * 1024);
  CHECK(found[1].what == "reserve");
  CHECK(found[1].needed_bytes == 16 * 1024);
  CHECK(found[1].free_bytes == 64 * 1024 - 45'000 - 8192);
  CHECK(misfits(board, {.flash_bytes = 50'000, .static_bytes = 0, .arena_bytes = 40'000}).empty());
}

TEST_CASE("what is not understood is refused") {
  check_refused("?x", "not understood");
  check_refused(":speed=3", "not understood");
  check_refused("+nothing", "nothing");
  check_refused("+aps6404l@spi9", "no bus `spi9`");
  check_refused("+is42s16160j", "no free bus");
  check_refused("+aps6404l+w25q64jv", "no free bus");
  check_refused(":weights=elsewhere", "no memory `elsewhere`");
  check_refused(":weights=sram", "no flash");
  check_refused(":arena=nor", "does not hold an arena");
  check_refused(":reserve_ram=16X", "no number of bytes");
  check_refused(":reserve_ram=-1", "no number of bytes");
}

}  // namespace
}  // namespace nb
