#include "test/fuzz/targets.h"

#include <zlib.h>

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
#include "read/keras/read_keras.h"
#include "read/onnx/read_onnx.h"
#include "read/tflite/read_tflite.h"
#include "read/torch/pickle.h"
#include "read/torch/read_pt2.h"
#include "read/torch/read_pte.h"
#include "read/torch/read_script.h"
#include "report/report.h"
#include "target/board.h"
#include "target/external_memory.h"
#include "target/price_list.h"

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

/// What a reader made of the bytes, or why it made nothing.
void finish(Result<Graph> graph, Diagnostics& diagnostics, ByteSpan bytes) {
  const bool is_valid = graph.is_ok() && verify(*graph, diagnostics).is_ok();
  check_diagnostics(is_valid, diagnostics);
  if (is_valid) compile_further(*std::move(graph), hash_bytes(bytes));
}

void run_tflite(ByteSpan bytes) {
  Diagnostics diagnostics;
  auto graph = read_tflite(bytes, all_blocks(), {.name = "fuzz"}, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
}

void run_onnx(ByteSpan bytes) {
  Diagnostics diagnostics;
  auto graph = read_onnx(bytes, "/nonexistent", all_blocks(), {.name = "fuzz"}, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
}

void run_pte(ByteSpan bytes) {
  Diagnostics diagnostics;
  auto graph = read_pte(bytes, all_blocks(), {.name = "fuzz"}, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
}

/// A byte that says whether weights are listed by name, the u32 size of the configuration, that, and a stream
/// of nblocks-hdf5.
void run_keras(ByteSpan bytes) {
  if (bytes.size() < 5) return;
  const std::uint32_t size = load<std::uint32_t>(bytes, 1);
  if (!holds(bytes, 5, size)) return;
  Diagnostics diagnostics;
  auto graph =
      read_keras_parts(text_of(bytes.subspan(5, size)), std::string(text_of(bytes.subspan(5 + size))),
                       bytes[0] != std::byte{0}, all_blocks(), {.name = "fuzz"}, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
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
  Diagnostics others;  // the same text as an external memory, and as a price list
  (void)parse_external_memory(text_of(bytes), "fuzz.toml", others);
  (void)parse_price_list(text_of(bytes), "fuzz.toml", others);
  if (!board || board->is_host() || board->is_data_only) return;
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

void run_torch_pickle(ByteSpan bytes) {
  torch::PickleFault fault;
  const auto pickle = torch::parse_pickle(bytes, fault);
  check(pickle.has_value() != !fault.message.empty(), "a refusal has a reason");
  if (!pickle) return;
  check(pickle->root < pickle->nodes.size(), "a pickle has a value");
  std::int64_t budget = 1 << 20;
  for (const torch::PickleTensor& tensor : pickle->tensors) {
    std::string why_not;
    const auto made = torch::contiguous(bytes, tensor.view, budget, why_not);
    check(made.has_value() != !why_not.empty(), "a refusal has a reason");
    check(!made || static_cast<std::int64_t>(made->data.size()) == made->type.size_bytes(),
          "a tensor has its bytes");
    check(budget >= 0, "tensors stay within their budget");
  }
}

/// Both formats of .pt, as the archive is.
void run_torch_script(ByteSpan bytes) {
  Diagnostics diagnostics;
  const ReadOptions options{.input_types = {{"x", Type{DType::f32, {1, 4}}}}, .name = "fuzz"};
  auto graph = read_torch_script(bytes, all_blocks(), options, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
  Diagnostics refused;
  refuse_torch_pickle(bytes, refused);
  check_diagnostics(false, refused);
}

/// A zip archive of stored entries.
Bytes zip_of(std::span<const std::pair<std::string_view, std::string_view>> entries) {
  Bytes out, directory;
  const auto put = [](Bytes& to, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) to.push_back(static_cast<std::byte>(i < 8 ? value >> (8 * i) : 0));
  };
  const auto put_text = [](Bytes& to, std::string_view text) {
    const ByteSpan raw = as_byte_span(text);
    to.insert(to.end(), raw.begin(), raw.end());
  };
  for (const auto& [name, content] : entries) {
    const std::uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::uint64_t header = out.size();
    for (Bytes* to : {&out, &directory}) {
      put(*to, to == &out ? 0x04034b50 : 0x02014b50, 4);
      put(*to, 20, to == &out ? 2 : 4);
      put(*to, 0, 8);
      put(*to, crc, 4);
      put(*to, content.size(), 4);
      put(*to, content.size(), 4);
      put(*to, name.size(), 2);
      put(*to, 0, to == &out ? 2 : 12);
      if (to == &directory) put(*to, header, 4);
      put_text(*to, name);
    }
    put_text(out, content);
  }
  const std::uint64_t offset = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50, 8);
  put(out, entries.size(), 2);
  put(out, entries.size(), 2);
  put(out, directory.size(), 4);
  put(out, offset, 4);
  put(out, 0, 2);
  return out;
}

/// The bytes as the code of a module without attributes.
void run_torch_code(ByteSpan bytes) {
  using Entry = std::pair<std::string_view, std::string_view>;
  constexpr std::string_view kModule(
      "\x80\x02"
      "c__torch__.net\nNet\n)\x81}b.",
      26);
  constexpr std::string_view kNothing("\x80\x02).", 4);
  const std::array<Entry, 3> entries = {Entry{"m/data.pkl", kModule}, Entry{"m/constants.pkl", kNothing},
                                        Entry{"m/code/__torch__/net.py", text_of(bytes)}};
  run_torch_script(zip_of(entries));
}

/// The bytes as the graph file of a .pt2 archive whose tensors are w [4,4], b [4] and s [2,4].
void run_pt2(ByteSpan bytes) {
  using Entry = std::pair<std::string_view, std::string_view>;
  static const std::string numbers(64, '\0');
  constexpr std::string_view kWeights =
      R"({"config":{)"
      R"("w":{"path_name":"w","use_pickle":false,"tensor_meta":{"dtype":7,"sizes":[{"as_int":4},{"as_int":4}],)"
      R"("strides":[{"as_int":4},{"as_int":1}],"storage_offset":{"as_int":0},"layout":7}},)"
      R"("b":{"path_name":"w","use_pickle":false,"tensor_meta":{"dtype":7,"sizes":[{"as_int":4}],)"
      R"("strides":[{"as_int":1}],"storage_offset":{"as_int":4},"layout":7}},)"
      R"("s":{"path_name":"w","use_pickle":false,"tensor_meta":{"dtype":7,"sizes":[{"as_int":2},{"as_int":4}],)"
      R"("strides":[{"as_int":4},{"as_int":1}],"storage_offset":{"as_int":8},"layout":7}}}})";
  const std::array<Entry, 4> entries = {
      Entry{"m/archive_format", "pt2"}, Entry{"m/models/model.json", text_of(bytes)},
      Entry{"m/data/weights/model_weights_config.json", kWeights}, Entry{"m/data/weights/w", numbers}};
  Diagnostics diagnostics;
  auto graph = read_pt2(zip_of(entries), all_blocks(), {.name = "fuzz"}, diagnostics);
  finish(std::move(graph), diagnostics, bytes);
}

constexpr std::array kTargets{Target{"tflite", run_tflite},
                              Target{"onnx", run_onnx},
                              Target{"pt2", run_pt2},
                              Target{"pte", run_pte},
                              Target{"keras", run_keras},
                              Target{"graph_text", run_graph_text},
                              Target{"board", run_board},
                              Target{"npy", run_npy},
                              Target{"npz", run_npz},
                              Target{"torch_pickle", run_torch_pickle},
                              Target{"torch_script", run_torch_script},
                              Target{"torch_code", run_torch_code}};

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  for (const Target& target : kTargets)
    if (target.name == name) return &target;
  return nullptr;
}

}  // namespace nb::fuzz
