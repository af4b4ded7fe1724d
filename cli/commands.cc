// analyze, generate, run.
#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/process.h"
#include "bench/run.h"
#include "bench/samples.h"
#include "cli/formats.h"
#include "cli/progress.h"
#include "cli/reports.h"
#include "cli/tables.h"
#include "driver/program.h"
#include "driver/time_program.h"
#include "report/changes.h"
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
  fmt::print("{}\n", json_text(ended_json(std::move(report), diagnostics)));
}

}  // namespace

int finish_with(const nlohmann::json& found, Diagnostics& diagnostics, const Options& options,
                const std::function<void()>& print) {
  write_reports(found, options, diagnostics);
  if (!options.is_json) print();
  print_diagnostics(diagnostics, options);
  if (options.is_json) print_json(found, diagnostics);
  return diagnostics.exit_code();
}

int finish(const Diagnostics& diagnostics, const Options& options) {
  Diagnostics all = diagnostics;
  if (diagnostics.has_errors() && check_reports(options, all)) write_reports({}, options, all);
  print_diagnostics(all, options);
  if (options.is_json && all.has_errors()) print_json({}, all);
  return all.exit_code();
}

namespace {

/// INPUT=N,N,...[:DTYPE]; no sizes mean a scalar. Absent if it is not that.
std::optional<std::pair<std::string, Type>> input_type(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  std::string_view sizes = text.substr(equals + 1);
  Type type;
  if (const std::size_t colon = sizes.find(':'); colon != std::string_view::npos) {
    const auto dtype = find_dtype(sizes.substr(colon + 1));
    if (!dtype) return std::nullopt;
    type.dtype = *dtype;
    sizes = sizes.substr(0, colon);
  }
  if (!sizes.empty())
    for (const std::string_view size : split(sizes, ',')) {
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value);
      if (error != std::errc() || end != size.data() + size.size() || value < 1 || value > (1 << 30))
        return std::nullopt;
      type.shape.push_back(value);
    }
  return std::pair(std::string(text.substr(0, equals)), std::move(type));
}

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
  for (const std::string& text : options.input_shapes) {
    auto type = input_type(text);
    if (!type)
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "--input-shape `" + printable(text) + "` is not INPUT=N,N,...[:DTYPE]",
           .help = "as in --input-shape x=1,3,32,32 or --input-shape ids=1,64:i64"});
    read.input_types.push_back(*std::move(type));
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

Result<QuantizeOptions> quantize_options(const Options& options, Diagnostics& diagnostics) {
  if (options.quantize.empty() != options.calibration.empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = options.quantize.empty() ? "--calibrate without --quantize"
                                                                : "--quantize without --calibrate",
                            .help = "as in --quantize int8 --calibrate samples.npz"});
  if (options.quantize.empty() && (options.has_float_ends || !options.layers.empty()))
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = options.has_float_ends ? "--float-io without --quantize" : "--layers without --quantize",
         .help = "it is for a model that is quantized here"});
  if (options.max_drop && options.quantize != "auto")
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--max-drop without --quantize auto",
                            .help = "--min-acc of `nblocks validate` is a gate for formats that are given"});
  if (options.quantize.empty()) return QuantizeOptions{};
  QuantizeOptions quantize{.numbers = options.quantize == "int16" ? DType::i16 : DType::i8,
                           .calibration = options.calibration,
                           .first_samples = options.calibrate_first,
                           .has_float_ends = options.has_float_ends};
  for (const std::string& text : options.layers) {
    const std::string_view all = text;
    const std::size_t equals = all.rfind('=');
    const auto format =
        equals == std::string::npos ? std::nullopt : find_format(trim(all.substr(equals + 1)));
    const std::string layer(trim(all.substr(0, format ? equals : 0)));
    if (layer.empty())
      return diagnostics.add(
          {.kind = Kind::usage,
           .message = "--layers `" + printable(text) + "` is not NAME=NUMBERS",
           .help = "NUMBERS: int8, int16 or float32, as in --layers fc1=int16,fc2=float32"});
    quantize.layers.emplace_back(layer, *format);
  }
  return quantize;
}

Result<PixelNumbers> asked_pixels(const Options& options, Diagnostics& diagnostics) {
  auto pixels = pixel_numbers(options.image_scale, options.image_mean, options.image_std, diagnostics);
  if (pixels) pixels->is_of_calibration = !options.quantize.empty();
  return pixels;
}

}  // namespace

Result<CompileOptions> compile_options(const Options& options, Diagnostics& diagnostics) {
  auto read = read_options(options, diagnostics);
  if (!read) return kFailed;
  const auto quantize = quantize_options(options, diagnostics);
  if (!quantize) return kFailed;
  auto pixels = asked_pixels(options, diagnostics);
  if (!pixels) return kFailed;
  if (!options.requantize.empty() && quantize->numbers)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--requantize with --quantize",
                            .help = "a float model that is quantized here rounds once by itself"});
  return CompileOptions{.read = std::move(*read),
                        .state = {options.states, {}, options.streams},
                        .quantize = *quantize,
                        .pixels = std::move(*pixels),
                        .goal = find_goal(options.prefer).value_or(KernelGoal::time),
                        .may_change_outputs = !options.requantize.empty(),
                        .stop_after = options.stop_after,
                        .from = options.from};
}

namespace {

/// A model compiled for the board, as far as the options ask, and how its formats were found.
struct Asked {
  Compiled compiled;
  std::optional<FormatFrontier> formats;
};
Result<Asked> compile_as_asked(const Options& options, const std::string& standard_board,
                               Diagnostics& diagnostics, bool wants_account = false) {
  auto asked = compile_options(options, diagnostics);
  if (!asked) return kFailed;
  auto formats = choose_as_asked(options, standard_board, *asked, diagnostics);
  if (!formats) return kFailed;
  ProgressLine line(options);
  asked->quantize.wants_account = wants_account;
  asked->quantize.progress = [&](const Progress& progress) { line.show(progress); };
  auto compiled = compile_for_board(options.model, *asked,
                                    options.board.empty() ? standard_board : options.board, diagnostics);
  if (!compiled) return kFailed;
  return Asked{std::move(*compiled), std::move(*formats)};
}

/// The verb's report with the formats that were found for it.
nlohmann::json with_formats(nlohmann::json report, const std::optional<FormatFrontier>& formats) {
  if (formats) report["formats"] = frontier_json(*formats);
  return report;
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
  auto asked = compile_as_asked(options, "cortex-m4f", diagnostics, true);
  if (!asked) return finish(diagnostics, options);
  const Compiled* compiled = &asked->compiled;
  if (!options.stop_after.empty()) return print_graph_text(compiled->graph, options, diagnostics);
  const Analysis analysis = analysis_of(*compiled);
  const bool fits = check_fit(compiled->graph, compiled->board, diagnostics).is_ok();
  return finish_with(
      with_formats(analysis_json(compiled->graph, compiled->board, analysis, fits, compiled->quantization),
                   asked->formats),
      diagnostics, options, [&] {
        print_analysis(compiled->graph, compiled->board, analysis);
        print_quantization(compiled->quantization);
      });
}

int generate(const Options& options) {
  Diagnostics diagnostics;
  auto asked = compile_as_asked(options, "cortex-m4f", diagnostics);
  if (!asked) return finish(diagnostics, options);
  const Compiled* compiled = &asked->compiled;
  const auto program = write_project(*compiled, options.output, diagnostics);
  if (!program) return finish(diagnostics, options);
  const Graph& graph = compiled->graph;
  return finish_with(
      with_formats(generate_json(graph, *program, compiled->board, options.output), asked->formats),
      diagnostics, options, [&] {
        fmt::print("{}: {} in {}\n  C API in {}; arena {} bytes{}, weights {} bytes\n", graph.name,
                   count_text(program->files.size(), "file"), options.output, program->header,
                   grouped(graph.arena_bytes),
                   graph.state_bytes > 0 ? " (state " + grouped(graph.state_bytes) + ")" : "",
                   grouped(program->constant_bytes));
      });
}

Result<CostRequest> cost_request(const Options& options, Diagnostics& diagnostics) {
  CostRequest request;
  request.power.supply_mv = options.supply_mv;
  request.power.measured_mw = options.measured_mw;
  request.sleep_mw = options.sleep_mw;
  if (!options.period.empty()) {
    const auto period = parse_duration_ms(options.period, "--period", diagnostics);
    if (!period) return kFailed;
    request.period_ms = *period;
  }
  if (!options.battery.empty()) {
    if (!request.period_ms)
      return diagnostics.add({.kind = Kind::usage,
                              .message = "--battery without --period",
                              .help = "how often it runs: --period 10s"});
    const auto battery = find_battery(options.battery, diagnostics);
    if (!battery) return kFailed;
    request.battery = *battery;
  }
  return request;
}

int run(const Options& options) {
  Diagnostics diagnostics;
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  const auto cost = cost_request(options, diagnostics);
  if (!conditions || !cost) return finish(diagnostics, options);
  // A report says why each value has its integers.
  auto asked = compile_as_asked(options, "host", diagnostics, !options.reports.empty());
  if (!asked) return finish(diagnostics, options);
  const Compiled* compiled = &asked->compiled;
  const Graph& graph = compiled->graph;
  Samples samples;
  if (options.input.empty()) {
    samples = pattern_sample(graph);
    if (!graph.inputs.empty())
      diagnostics.add({.kind = Kind::remark, .message = "no --input: one sample of made-up bytes is run"});
  } else {
    const auto pixels = asked_pixels(options, diagnostics);
    if (!pixels) return finish(diagnostics, options);
    auto read = read_samples(options.input, graph, *pixels, diagnostics);
    if (!read) return finish(diagnostics, options);
    samples = std::move(*read);
  }
  const bool keeps_state = options.keeps_state || !options.states.empty() || !options.streams.empty();
  const TemporaryFolder temporary;
  const fs::path folder = options.save_build.empty() ? temporary.path() : fs::absolute(options.save_build);
  const auto built =
      build_program(*compiled, folder, {options.optimize, keeps_state, options.has_sanitizers}, diagnostics);
  if (!built && diagnostics.all().back().kind == Kind::does_not_fit)
    return finish_with(analysis_json(graph, compiled->board, analysis_of(*compiled), false), diagnostics,
                       options, [] {});
  if (!built) return finish(diagnostics, options);
  const auto run = run_and_time(built->firmware, graph, samples, compiled->board, *conditions,
                                {options.timeout_seconds, {}}, diagnostics);
  if (!run) return finish(diagnostics, options);
  const RunResult* result = &run->result;
  std::optional<RunCosts> costs;
  if (run->timing) costs = costs_of(*run->timing, compiled->board, *cost);
  const RunCosts* known_costs = costs ? &*costs : nullptr;
  std::optional<OutputChanges> changes;
  if (!options.requantize.empty()) {
    const auto compile = compile_options(options, diagnostics);
    if (!compile) return finish(diagnostics, options);
    const auto exact = exact_outputs(options.model, *compile, samples, keeps_state, diagnostics);
    if (!exact) return finish(diagnostics, options);
    changes = changes_between(graph, result->outputs, *exact);
  }
  std::vector<std::string> files;
  if (!options.output.empty()) {
    auto written = write_outputs(options.output, graph, result->outputs, options.dequantize, diagnostics);
    if (!written) return finish(diagnostics, options);
    files = std::move(*written);
  }
  nlohmann::json found = with_formats(
      run_json(graph, built->program, compiled->board, built->firmware, *result, known_costs, files),
      asked->formats);
  if (changes) found["requantized"] = changes_json(*changes);
  if (!compiled->quantization.empty()) found["quantization"] = quantization_json(compiled->quantization);
  return finish_with(found, diagnostics, options, [&] {
    print_run(graph, built->program, compiled->board, built->firmware, *result, known_costs, files);
    if (changes)
      fmt::print("  {:<17} {}\n", "requantized", changes_text(*changes) + " differ from the model's own");
  });
}

}  // namespace nb::cli
