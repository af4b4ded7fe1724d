// analyze, generate, run.
#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "bench/build.h"
#include "bench/process.h"
#include "bench/run.h"
#include "bench/samples.h"
#include "cli/tables.h"
#include "driver/compile.h"
#include "emit/project.h"
#include "pass/pass.h"
#include "report/report.h"

namespace nb::cli {
namespace fs = std::filesystem;

bool wants_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && ::isatty(descriptor) != 0;
}

namespace {

void print_diagnostics(const Diagnostics& diagnostics, const Options& options) {
  std::fflush(stdout);  // where both go to one file, a note stands behind the table, not within it
  for (const Diagnostic& diagnostic : diagnostics.all())
    if (!options.is_quiet || row_of(diagnostic.kind).severity == Severity::error)
      fmt::print(stderr, "{}", render_text(diagnostic, wants_color(2)));
}

/// The verb's one JSON object: how it ended, what it found, what was said.
void print_json(nlohmann::json report, const Diagnostics& diagnostics) {
  report["ok"] = !diagnostics.has_errors();
  report["exit_code"] = diagnostics.exit_code();
  report["diagnostics"] = diagnostics_json(diagnostics);
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// Prints the report of a verb that came to its end; the exit code.
int finish_with(const nlohmann::json& report, const Diagnostics& diagnostics, const Options& options) {
  print_diagnostics(diagnostics, options);
  print_json(report, diagnostics);
  return diagnostics.exit_code();
}

}  // namespace

int finish(const Diagnostics& diagnostics, const Options& options) {
  print_diagnostics(diagnostics, options);
  if (options.is_json && diagnostics.has_errors()) print_json({}, diagnostics);
  return diagnostics.exit_code();
}

namespace {

/// NAME=N and INPUT=FILE options to what readers take.
Result<ReadOptions> read_options(const Options& options, Diagnostics& diagnostics) {
  ReadOptions read;
  read.name = options.name;
  for (const std::string& text : options.dims) {
    const std::size_t equals = text.rfind('=');
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    if (equals == std::string::npos || equals == 0 ||
        std::from_chars(text.data() + equals + 1, end, value).ptr != end || value < 1 || value > (1 << 30))
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "--dim `" + printable(text) + "` is not NAME=N with N from 1 to 2^30"});
    read.dims.emplace_back(text.substr(0, equals), value);
  }
  for (const std::string& text : options.frozen) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return diagnostics.add(
          {.kind = Kind::usage, .message = "--freeze `" + printable(text) + "` is not INPUT=FILE.npy"});
    const std::string file = text.substr(equals + 1);
    const FileRead bytes = read_file(file);
    if (!bytes.bytes)
      return diagnostics.add(
          {.kind = Kind::file_unreadable, .message = "`" + printable(file) + "`: " + bytes.why_not});
    std::string why;
    const auto array = parse_npy(*bytes.bytes, why);
    if (!array)
      return diagnostics.add({.kind = Kind::input_mismatch, .message = "`" + printable(file) + "` " + why});
    auto tensor = tensor_of(*array);
    if (!tensor)
      return diagnostics.add({.kind = Kind::input_mismatch,
                              .message = "`" + printable(file) + "` has a dtype or shape beyond the limits"});
    read.frozen.emplace_back(text.substr(0, equals), std::move(*tensor));
  }
  return read;
}

/// A model compiled for a board, as far as the options ask.
struct Compiled {
  Board board;
  Graph graph;
};
Result<Compiled> compile_for_board(const Options& options, std::string_view standard_board,
                                   Diagnostics& diagnostics) {
  auto board =
      find_board(options.board.empty() ? standard_board : std::string_view(options.board), diagnostics);
  if (!board) return kFailed;
  auto read = read_options(options, diagnostics);
  if (!read) return kFailed;
  for (const std::string& name : {options.stop_after, options.from}) {
    std::vector<std::string> names = {"read"};
    for (const Pass& pass : kPipeline) names.emplace_back(pass.name);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      return diagnostics.add({.kind = Kind::usage,
                              .message = "no pass is called `" + printable(name) + "`",
                              .help = "passes: " + join(names, ", ")});
  }
  auto graph =
      compile(options.model,
              {std::move(*read), {options.states, {}, options.streams}, options.stop_after, options.from},
              board->core, board->name, diagnostics);
  if (!graph) return kFailed;
  return Compiled{std::move(*board), std::move(*graph)};
}

int print_graph_text(const Graph& graph, const Options& options, Diagnostics& diagnostics) {
  const fs::path path = options.output;
  const std::string constants_name =
      path.empty() ? identifier(graph.name) + ".bin" : path.stem().string() + ".bin";
  const GraphText text = print_graph(graph, constants_name);
  std::string why_not;
  if (path.empty())
    fmt::print("{}", text.text);
  else if (!write_file(path, as_byte_span(text.text), why_not) ||
           !write_file(path.parent_path() / constants_name, text.constants, why_not))
    diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + path.string() + "`: " + why_not});
  return finish(diagnostics, options);
}

}  // namespace

int analyze(const Options& options) {
  Diagnostics diagnostics;
  auto compiled = compile_for_board(options, "cortex-m4f", diagnostics);
  if (!compiled) return finish(diagnostics, options);
  if (!options.stop_after.empty()) return print_graph_text(compiled->graph, options, diagnostics);
  const Analysis analysis = nb::analyze(compiled->graph);
  const bool fits = check_fit(compiled->graph, compiled->board, diagnostics).is_ok();
  if (options.is_json)
    return finish_with(analysis_json(compiled->graph, compiled->board, analysis, fits), diagnostics, options);
  print_analysis(compiled->graph, compiled->board, analysis);
  return finish(diagnostics, options);
}

int generate(const Options& options) {
  Diagnostics diagnostics;
  auto compiled = compile_for_board(options, "cortex-m4f", diagnostics);
  if (!compiled || !check_fit(compiled->graph, compiled->board, diagnostics))
    return finish(diagnostics, options);
  auto program = emit_program(compiled->graph, compiled->board.core, diagnostics);
  if (!program ||
      !add_project_files(*program, compiled->graph, compile_words(compiled->board), diagnostics) ||
      !write_program(*program, options.output, diagnostics))
    return finish(diagnostics, options);
  if (options.is_json) {
    nlohmann::json files = nlohmann::json::array();
    for (const EmittedFile& file : program->files) files.push_back(file.path);
    return finish_with({{"schema_version", 1},
                        {"model", compiled->graph.name},
                        {"board", compiled->board.name},
                        {"folder", options.output},
                        {"header", program->header},
                        {"entry", program->entry},
                        {"files", files},
                        {"arena_bytes", compiled->graph.arena_bytes},
                        {"state_bytes", compiled->graph.state_bytes},
                        {"weights_bytes", program->constant_bytes}},
                       diagnostics, options);
  }
  const std::int64_t state_bytes = compiled->graph.state_bytes;
  fmt::print("{}: {} in {}\n  C API in {}; arena {} bytes{}, weights {} bytes\n", compiled->graph.name,
             count_text(program->files.size(), "file"), options.output, program->header,
             grouped(compiled->graph.arena_bytes),
             state_bytes > 0 ? " (state " + grouped(state_bytes) + ")" : "",
             grouped(program->constant_bytes));
  return finish(diagnostics, options);
}

int run(const Options& options) {
  Diagnostics diagnostics;
  auto compiled = compile_for_board(options, "host", diagnostics);
  if (!compiled || !check_fit(compiled->graph, compiled->board, diagnostics))
    return finish(diagnostics, options);
  const Graph& graph = compiled->graph;
  const auto program = emit_program(graph, compiled->board.core, diagnostics);
  if (!program) return finish(diagnostics, options);
  Samples samples;
  if (options.input.empty()) {
    samples = pattern_sample(graph);
    if (!graph.inputs.empty())
      diagnostics.add({.kind = Kind::remark, .message = "no --input: one sample of made-up bytes is run"});
  } else {
    auto read = read_samples(options.input, graph, diagnostics);
    if (!read) return finish(diagnostics, options);
    samples = std::move(*read);
  }
  const bool keeps_state = options.keeps_state || !options.states.empty() || !options.streams.empty();
  const TemporaryFolder temporary;
  const fs::path folder = options.save_build.empty() ? temporary.path() : fs::absolute(options.save_build);
  const auto firmware = build_firmware(*program, graph, compiled->board, folder,
                                       {options.optimize, keeps_state, options.has_sanitizers}, diagnostics);
  if (!firmware) return finish(diagnostics, options);
  const auto result = run_firmware(*firmware, graph, samples, {options.timeout_seconds, {}}, diagnostics);
  if (!result) return finish(diagnostics, options);
  std::vector<std::string> files;
  if (!options.output.empty()) {
    auto written = write_outputs(options.output, graph, result->outputs, options.dequantize, diagnostics);
    if (!written) return finish(diagnostics, options);
    files = std::move(*written);
  }
  if (options.is_json)
    return finish_with(run_json(graph, *program, compiled->board, *firmware, *result, files), diagnostics,
                       options);
  print_run(graph, *program, compiled->board, *firmware, *result, files);
  return finish(diagnostics, options);
}

}  // namespace nb::cli
