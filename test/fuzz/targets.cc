#include "test/fuzz/targets.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/npy.h"
#include "base/text.h"
#include "bench/build.h"
#include "bench/samples.h"
#include "blocks/blocks.h"
#include "driver/compile.h"
#include "emit/emit.h"
#include "pass/pass.h"
#include "read/onnx/read_onnx.h"
#include "read/tflite/read_tflite.h"
#include "report/report.h"
#include "target/board.h"

namespace nb::fuzz {
namespace {

// Larger graphs are read and verified only, so that many inputs a second are tried.
constexpr std::int64_t kMaxCompiledBytes = 1 << 20;
constexpr std::size_t kMaxCompiledNodes = 200;

std::string_view text_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check(bool holds, std::string_view rule, const Diagnostics* diagnostics = nullptr) {
  if (holds) return;
  std::fprintf(stderr, "BROKEN RULE: %.*s\n", static_cast<int>(rule.size()), rule.data());
  if (diagnostics != nullptr)
    for (const Diagnostic& diagnostic : diagnostics->all())
      std::fputs(render_text(diagnostic, false).c_str(), stderr);
  std::abort();
}

/// What failed was said, as the user's fault; what succeeded has no error.
void check_diagnostics(bool is_ok, const Diagnostics& diagnostics) {
  check(is_ok != diagnostics.has_errors(), "a failure, and only a failure, is an error", &diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    check(row_of(diagnostic.kind).exit_code != 1, "bad input is not an internal error", &diagnostics);
    check(!diagnostic.message.empty() && diagnostic.message.size() < 20000, "a message has a bounded size",
          &diagnostics);
  }
}

/// The whole line behind the readers: text and back, every pass, the emitted program.
void compile_further(Graph graph, std::uint64_t hash) {
  if (graph.nodes.size() > kMaxCompiledNodes || graph.weights_bytes() > kMaxCompiledBytes) return;
  Diagnostics diagnostics;
  // Parsing numbers the values anew, in the order of the text: from then on the text stays the same.
  const GraphText first = print_graph(graph, "g.bin");
  const auto parsed = parse_graph(first.text, first.constants, all_blocks(), diagnostics);
  check(parsed.is_ok(), "graph text parses", &diagnostics);
  const GraphText second = print_graph(*parsed, "g.bin");
  const auto again = parse_graph(second.text, second.constants, all_blocks(), diagnostics);
  check(again.is_ok(), "graph text parses", &diagnostics);
  check(print_graph(*again, "g.bin").text == second.text, "graph text prints as it was parsed");

  static const std::array<const Board*, 4> kBoards = [] {
    std::array<const Board*, 4> found{};
    constexpr std::array<std::string_view, 4> kNames = {"host", "cortex-m0", "cortex-m4f", "cortex-m55"};
    for (std::size_t i = 0; i < kNames.size(); ++i)
      for (const Board& board : builtin_boards())
        if (board.name == kNames[i]) found[i] = &board;
    return found;
  }();
  const Board& board = *kBoards[hash % kBoards.size()];
  graph.board = board.name;
  PassContext context{all_blocks(), board.core, diagnostics};
  const Status status = run_pipeline(graph, context);
  check_diagnostics(status.is_ok(), diagnostics);
  if (!status || graph.phase != Phase::planned || graph.weights_bytes() > kMaxCompiledBytes) return;
  (void)analyze(graph);
  if (!check_fit(graph, board, diagnostics)) return;
  const auto program = emit_program(graph, board.core, diagnostics);
  check_diagnostics(program.is_ok(), diagnostics);
}

void run_tflite(ByteSpan bytes) {
  Diagnostics diagnostics;
  auto graph = read_tflite(bytes, all_blocks(), {.name = "fuzz"}, diagnostics);
  const bool is_valid = graph.is_ok() && verify(*graph, diagnostics).is_ok();
  check_diagnostics(is_valid, diagnostics);
  if (is_valid) compile_further(*std::move(graph), hash_bytes(bytes));
}

void run_onnx(ByteSpan bytes) {
  Diagnostics diagnostics;
  auto graph = read_onnx(bytes, "/nonexistent", all_blocks(), {.name = "fuzz"}, diagnostics);
  const bool is_valid = graph.is_ok() && verify(*graph, diagnostics).is_ok();
  check_diagnostics(is_valid, diagnostics);
  if (is_valid) compile_further(*std::move(graph), hash_bytes(bytes));
}

/// The text up to the first zero byte, then the constants file.
void run_graph_text(ByteSpan bytes) {
  const std::string_view all = text_of(bytes);
  const std::size_t end = std::min(all.find('\0'), all.size());
  const ByteSpan constants = end < bytes.size() ? bytes.subspan(end + 1) : ByteSpan();
  Diagnostics diagnostics;
  (void)constants_file_of(all.substr(0, end));
  auto graph = parse_graph(all.substr(0, end), constants, all_blocks(), diagnostics);
  check(graph.is_ok() != diagnostics.has_errors(), "a failure, and only a failure, is an error",
        &diagnostics);
  if (graph && verify(*graph, diagnostics)) compile_further(*std::move(graph), hash_bytes(bytes));
}

void run_board(ByteSpan bytes) {
  Diagnostics diagnostics;
  const auto board = parse_board(text_of(bytes), "fuzz.toml", diagnostics);
  check_diagnostics(board.is_ok(), diagnostics);
  if (!board || board->is_host()) return;
  check(program_memory(*board) != nullptr && stack_memory(*board) != nullptr,
        "a board has a memory for the program and one for the stack");
  for (const std::int64_t arena_bytes : {std::int64_t{0}, std::int64_t{100000}, std::int64_t{1} << 31}) {
    Graph graph;
    graph.arena_bytes = arena_bytes;
    (void)check_fit(graph, *board, diagnostics);
  }
}

void run_npy(ByteSpan bytes) {
  std::string why_not;
  const auto array = parse_npy(bytes, why_not);
  check(array.has_value() != !why_not.empty(), "a refusal has a reason");
  if (!array) return;
  (void)tensor_of(*array);
  const auto again = parse_npy(npy_bytes(*array), why_not);
  check(again && again->descr == array->descr && again->shape == array->shape && again->data == array->data,
        "an array is read as it was written");
}

void run_npz(ByteSpan bytes) {
  std::string why_not;
  const auto arrays = parse_npz(bytes, why_not);
  check(arrays.has_value() != !why_not.empty(), "a refusal has a reason");
}

constexpr std::array kTargets{
    Target{"tflite", run_tflite}, Target{"onnx", run_onnx}, Target{"graph_text", run_graph_text},
    Target{"board", run_board},   Target{"npy", run_npy},   Target{"npz", run_npz}};

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  for (const Target& target : kTargets)
    if (target.name == name) return &target;
  return nullptr;
}

}  // namespace nb::fuzz
