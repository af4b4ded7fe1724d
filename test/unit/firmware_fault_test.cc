// A program that faults on a virtual board ends with the fault's address and function, and exit code 1.
#include <doctest/doctest.h>

#include <string>

#include "base/process.h"
#include "bench/build.h"
#include "bench/run.h"
#include "blocks/blocks.h"
#include "emit/emit.h"
#include "pass/pass.h"
#include "target/board.h"

namespace nb {
namespace {

/// relu of four floats, planned for the board.
Graph relu_graph(const Board& board, Diagnostics& diagnostics) {
  Graph graph;
  graph.name = "faulty";
  const ValueId x = graph.add_value({"x", {DType::f32, {4}}, Source::input});
  const ValueId y = graph.add_value({"y", {DType::f32, {4}}});
  const Block* relu = all_blocks().find("relu");
  graph.nodes.push_back({relu, relu->attributes.make(), {x}, {y}, "relu", "Relu"});
  graph.inputs = {x};
  graph.outputs = {y};
  PassContext context{all_blocks(), board.core, diagnostics};
  REQUIRE(run_pipeline(graph, context));
  return graph;
}

/// Runs the program with `statement` as the first of its run function; what was said.
Diagnostics run_with(const std::string& board_name, const std::string& statement, double timeout_seconds) {
  Diagnostics diagnostics;
  const auto board = find_board(board_name, diagnostics);
  REQUIRE(board);
  const Graph graph = relu_graph(*board, diagnostics);
  auto program = emit_program(graph, board->core, diagnostics);
  REQUIRE(program);
  for (EmittedFile& file : program->files) {
    if (file.path != "src/faulty.cc") continue;
    const std::size_t at = file.content.find('{', file.content.find("faulty_run("));
    REQUIRE(at != std::string::npos);
    file.content.insert(at + 1, "\n  " + statement);
  }
  const TemporaryFolder folder;
  const auto firmware = build_firmware(*program, graph, *board, folder.path(), {}, diagnostics);
  if (firmware)
    (void)run_firmware(*firmware, graph, pattern_sample(graph), {timeout_seconds, {}}, diagnostics);
  return diagnostics;
}

bool is_missing_tool(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics.all())
    if (diagnostic.kind == Kind::tool_missing) return true;
  return false;
}

}  // namespace

TEST_CASE("a fault on a virtual board is told by address and function") {
  for (const std::string board : {"cortex-m3", "cortex-m4f", "cortex-m33", "cortex-m55", "rv32imc"}) {
    CAPTURE(board);
    // 0xe7000000 is memory on none of the machines.
    const Diagnostics said = run_with(board, "*(volatile uint32_t*)0xe7000000u = 1;", 60);
    if (is_missing_tool(said)) {
      MESSAGE("skipped: the tools of ", board, " are missing");
      continue;
    }
    REQUIRE(said.error_count() == 1);
    const Diagnostic& fault = said.all().back();
    CHECK(fault.kind == Kind::firmware_fault);
    CHECK(said.exit_code() == 1);
    CHECK_MESSAGE(fault.message.find("faulty_run") != std::string::npos, fault.message);
    CHECK_MESSAGE(fault.message.find("0x") != std::string::npos, fault.message);
  }
}

TEST_CASE("a program that does not end is stopped") {
  const Diagnostics said = run_with("cortex-m4f", "for (volatile int i = 0;;) i = i + 1;", 1);
  if (is_missing_tool(said)) {
    MESSAGE("skipped: the tools of cortex-m4f are missing");
    return;
  }
  REQUIRE(said.error_count() == 1);
  CHECK(said.all().back().kind == Kind::firmware_fault);
  CHECK_MESSAGE(said.all().back().message.find("1 s") != std::string::npos, said.all().back().message);
}

}  // namespace nb
