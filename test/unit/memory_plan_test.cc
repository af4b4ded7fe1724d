// Where a board's program, stack and arena go, and what does not fit.
#include "bench/memory_plan.h"

#include <doctest/doctest.h>

namespace nb {
namespace {

Board two_rams() {
  Diagnostics diagnostics;
  auto board = parse_board(
      "name = \"b\"\ntitle = \"B\"\nvendor = \"V\"\npart = \"P\"\ncore = \"cortex-m7\"\nsource = \"s\"\n"
      "[[memory]]\nname = \"flash\"\nkind = \"flash\"\nsize_kib = 64\n"
      "[[memory]]\nname = \"dtcm\"\nkind = \"tcm\"\nsize_kib = 32\nstack = true\n"
      "[[memory]]\nname = \"axi\"\nkind = \"ram\"\nsize_kib = 128\n",
      "b.toml", diagnostics);
  REQUIRE(board);
  return std::move(*board);
}

TEST_CASE("The arena goes to the first memory with room, beside the stack where it is the same") {
  const Board board = two_rams();
  const MemoryPlan small = plan_memories(board, 8192);
  CHECK(small.program->name == "flash");
  CHECK(small.stack->name == "dtcm");
  CHECK(small.arena->name == "dtcm");
  CHECK(small.stack_bytes == 8192);
  CHECK(plan_memories(board, 32768 - 8192 - 512).arena->name == "dtcm");
  CHECK(plan_memories(board, 32768 - 8192 - 511).arena->name == "axi");
  CHECK(plan_memories(board, 128 * 1024).arena->name == "axi");
  CHECK(plan_memories(board, 128 * 1024 + 1).arena == nullptr);
}

TEST_CASE("Misfits name the memory and the bytes") {
  const Board board = two_rams();
  CHECK(early_misfits(board, 4096, 65536).empty());
  const auto early = early_misfits(board, 200'000, 70'000);
  REQUIRE(early.size() == 2);
  CHECK(early[0].memory == "axi");
  CHECK(early[0].excess_bytes() == 200'000 - 131'072);
  CHECK(early[1].memory == "flash");
  CHECK(early[1].excess_bytes() == 70'000 - 65'536);

  const ProgramSizes fits{
      .flash_bytes = 65536, .static_bytes = 100, .arena_bytes = 8192, .stack_bytes = 8191};
  CHECK(misfits(board, fits).empty());
  ProgramSizes large = fits;
  large.flash_bytes += 12;
  large.static_bytes = 32768;
  large.stack_bytes = 9000;
  const auto found = misfits(board, large);
  REQUIRE(found.size() == 3);
  CHECK(found[0].excess_bytes() == 12);
  CHECK(found[1].memory == "dtcm");
  CHECK(found[1].excess_bytes() == 8192 + 32768 + 8192 - 32768);
  CHECK(found[2].what == "stack");
  CHECK(found[2].excess_bytes() == 9001 - 8192);
}

}  // namespace
}  // namespace nb
