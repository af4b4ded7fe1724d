// Two instances of a model with state, one an arena, know nothing of each other: their steps taken in turn
// give what each gives alone.
#include <doctest/doctest.h>

#include <cstring>
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

/// One step of an LSTM layer with one unit; its h begins at 0.5.
constexpr std::string_view kLstmStep = R"(nblocks graph 1
model "one_unit"
phase read
const %0 "w" : f32[1,4,2] = [0.5, -0.25, 0.75, 1, -1, 0.5, 0.25, 0.125]
const %1 "r" : f32[1,4,1] = [0.5, -0.75, 1, 0.25]
state %2 "h" : f32[1,1,1] = [0.5]
state %3 "c" : f32[1,1,1]
input %4 "x" : f32[1,1,2]
%5 "y" : f32[1,1,1,1] = lstm(%4, %0, %1, _, _, _, _, _, %2, %3) layer "lstm" from "LSTM"
output %5
)";

Graph one_unit(const Board& board, Diagnostics& diagnostics) {
  auto graph = parse_graph(kLstmStep, {}, all_blocks(), diagnostics);
  REQUIRE(graph);
  PassContext context{all_blocks(), board.core, diagnostics};
  REQUIRE(run_pipeline(*graph, context));
  return std::move(*graph);
}

/// The inputs of `count` steps.
Samples steps_of(std::size_t count, float phase) {
  Samples samples{count, {}};
  for (std::size_t i = 0; i < 2 * count; ++i) {
    const float x = phase - 0.375f * static_cast<float>(i % 7);
    const auto* bytes = reinterpret_cast<const std::byte*>(&x);
    samples.bytes.insert(samples.bytes.end(), bytes, bytes + sizeof x);
  }
  return samples;
}

/// Steps of two streams in turn: one sample holds a step of each.
Samples in_turn(const Samples& a, const Samples& b) {
  const std::size_t size = a.bytes.size() / a.count;
  Samples both{a.count, {}};
  for (std::size_t i = 0; i < a.count; ++i)
    for (const Samples* one : {&a, &b}) {
      const auto first = one->bytes.begin() + static_cast<std::ptrdiff_t>(i * size);
      both.bytes.insert(both.bytes.end(), first, first + static_cast<std::ptrdiff_t>(size));
    }
  return both;
}

/// The model twice behind one entry: an arena of two arenas, of which a step takes one step each.
struct Twin {
  Program program;
  Graph graph;
};
Twin twin_of(Program program, const Graph& one) {
  Twin twin{std::move(program), one};
  const std::string name = twin.program.name, macro = twin.program.macro;
  const std::string call = "(void* arena) {\n  ";
  const auto both = [&](const std::string& function, const std::string& of) {
    return "extern \"C\" void " + function + call + of + "(arena);\n  " + of +
           "(static_cast<unsigned char*>(arena) + " + macro + "_ARENA_BYTES);\n}\n";
  };
  twin.program.files.push_back({"include/twin.h", "#include \"" + name +
                                                      ".h\"\n#define TWIN_ARENA_BYTES (2 * " + macro +
                                                      "_ARENA_BYTES)\nextern \"C\" void twin_reset(void*);\n"
                                                      "extern \"C\" void twin_step(void*);\n"});
  twin.program.files.push_back({"src/twin.cc", "#include \"twin.h\"\n" + both("twin_reset", name + "_reset") +
                                                   both("twin_step", twin.program.entry)});
  twin.program.sources.emplace_back("src/twin.cc");
  twin.program.name = "twin";
  twin.program.macro = "TWIN";
  twin.program.entry = "twin_step";
  for (std::vector<ValueId>* ids : {&twin.graph.inputs, &twin.graph.outputs}) {
    Value second = twin.graph.at(ids->front());
    second.arena_offset += one.arena_bytes;
    ids->push_back(twin.graph.add_value(std::move(second)));
  }
  twin.graph.arena_bytes *= 2;
  return twin;
}

/// What the program gives for the steps, without a reset between them; fails if it cannot be run, empty if a
/// tool is missing.
std::optional<Samples> run_steps(const Program& program, const Graph& graph, const Board& board,
                                 const Samples& samples) {
  Diagnostics diagnostics;
  const TemporaryFolder folder;
  const auto firmware = build_firmware(program, graph, board, folder.path(),
                                       {.keeps_state_between_samples = true}, diagnostics);
  const auto result =
      firmware ? run_firmware(*firmware, graph, samples, {60, {}}, diagnostics) : Result<RunResult>(kFailed);
  if (result) return result->outputs;
  for (const Diagnostic& diagnostic : diagnostics.all())
    CHECK_MESSAGE(diagnostic.kind == Kind::tool_missing, diagnostic.message);
  return std::nullopt;
}

}  // namespace

TEST_CASE("steps of two instances in turn equal the steps of each alone") {
  for (const std::string name : {"host", "cortex-m4f"}) {
    CAPTURE(name);
    Diagnostics diagnostics;
    const auto board = find_board(name, diagnostics);
    REQUIRE(board);
    const Graph graph = one_unit(*board, diagnostics);
    CHECK(graph.state_bytes == 32);
    const auto program = emit_program(graph, board->core, diagnostics);
    REQUIRE(program);
    const Samples a = steps_of(12, 1.0f), b = steps_of(12, 2.5f);
    const auto y_a = run_steps(*program, graph, *board, a), y_b = run_steps(*program, graph, *board, b);
    const Twin twin = twin_of(*program, graph);
    const auto both = run_steps(twin.program, twin.graph, *board, in_turn(a, b));
    if (!y_a || !y_b || !both) {
      MESSAGE("skipped: the tools of ", name, " are missing");
      continue;
    }
    CHECK(y_a->bytes != y_b->bytes);
    CHECK(both->bytes == in_turn(*y_a, *y_b).bytes);
    // State counts: the last step alone gives something else.
    const Samples last{1, Bytes(a.bytes.end() - 8, a.bytes.end())};
    const auto y_last = run_steps(*program, graph, *board, last);
    REQUIRE(y_last);
    CHECK(y_last->bytes != Bytes(y_a->bytes.end() - 4, y_a->bytes.end()));
  }
}

TEST_CASE("a model with state has a step, one without has a run") {
  Diagnostics diagnostics;
  const auto board = find_board("cortex-m4f", diagnostics);
  REQUIRE(board);
  const auto program = emit_program(one_unit(*board, diagnostics), board->core, diagnostics);
  REQUIRE(program);
  CHECK(program->entry == "one_unit_step");
  for (const EmittedFile& file : program->files) {
    CHECK(file.content.find("one_unit_run") == std::string::npos);
    if (file.path != program->header) continue;
    CHECK(file.content.find("void one_unit_step(void* arena);") != std::string::npos);
    CHECK(file.content.find("#define ONE_UNIT_STATE_BYTES 32\n") != std::string::npos);
  }
}

}  // namespace nb
