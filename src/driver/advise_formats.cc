#include "driver/advise_formats.h"

#include <algorithm>

#include "driver/choose.h"

namespace nb {
namespace {

constexpr std::size_t kFewSamples = 8;            ///< fewer cannot be parted into two sets
constexpr std::size_t kCalibrationSamples = 100;  ///< at most, of a labelled set
constexpr double kMaxDrop = 0.5;                  ///< points, where the user says nothing

bool has_integers(const Graph& graph) {
  return std::any_of(graph.values.begin(), graph.values.end(), [](const Value& value) {
    return value.type.is_quantized() && !is_float(value.type.dtype);
  });
}

Estimate valued(double value, std::int64_t trials) {
  const ValueInterval interval = value_interval(value, trials);
  return {interval.low, value, interval.high};
}

/// Decisions that the judge's set has, if its metric counts them.
Result<std::int64_t> trials_of(const Graph& graph, const Judge& judge, Metric metric,
                               Diagnostics& diagnostics) {
  if (metric != Metric::accuracy) return std::int64_t{0};
  Diagnostics said;
  const auto samples = samples_of(judge.set.inputs, graph, judge.file, said);
  if (!samples) return std::int64_t{0};
  const auto targets = targets_of_set(graph, judge.set, static_cast<std::int64_t>(samples->count),
                                      judge.metric, judge.file, diagnostics);
  if (!targets) return kFailed;
  const Targets* first = first_of(*targets);
  return first == nullptr ? 0 : static_cast<std::int64_t>(first->labels.size());
}

/// A model that has its numbers: as it is, and rounding once where it rounds twice.
Status integer_formats(const AdviseRequest& request, const CompileOptions& options,
                       const std::filesystem::path& kept, const Graph& graph, FormatSet& found,
                       Diagnostics& diagnostics) {
  const bool is_integer = has_integers(graph);
  found.formats.push_back({.name = is_integer ? "" : "float32"});
  found.compared.push_back({"", options});
  if (is_integer && graph.rounding == Rounding::twice) {
    CompileOptions fast = options;
    fast.may_change_outputs = true;
    found.formats.push_back({.name = "rounding once", .rounds_fast = true});
    found.compared.push_back({"fast", std::move(fast)});
  }
  if (!found.judge) return {};
  const TemporaryFolder folder;
  for (std::size_t i = 0; i < found.formats.size(); ++i) {
    const auto compiled = compile_for_board(request.model, found.compared[i].options, "host", diagnostics);
    if (!compiled) return kFailed;
    const auto judged = judge_program({.compiled = *compiled,
                                       .judge = *found.judge,
                                       .what = i == 0 ? "the model" : "rounding once",
                                       .folder = folder.path() / std::to_string(i),
                                       .keeps_state = !options.state.is_empty(),
                                       .kept = kept,
                                       .progress = request.progress},
                                      diagnostics);
    if (!judged) return kFailed;
    found.metric = judged->metric;
    found.samples = judged->samples;
    AdviceFormat& format = found.formats[i];
    format.value = valued(judged->value, judged->trials);
    format.drop = drop_points(judged->metric, found.formats[0].value->typical, judged->value);
  }
  return {};
}

/// A float model in the formats that calibration and search give.
Status searched_formats(const AdviseRequest& request, const CompileOptions& options, FormatSet& found,
                        Diagnostics& diagnostics) {
  const Variants& variants = *found.variants;
  const auto add = [&](std::string name, LayerFormats layers) -> AdviceFormat& {
    found.compared.push_back({name, options, &variants, layers});
    found.formats.push_back({.name = std::move(name), .layers = std::move(layers), .is_made_here = true});
    return found.formats.back();
  };
  if (!found.judge) {
    add("float32", {{"*", DType::f32}});
    add("int8", {});
    add("int16", {{"*", DType::i16}});
    return {};
  }
  Diagnostics said;
  auto frontier = choose_formats(variants, *found.judge, request.limits.max_drop.value_or(kMaxDrop),
                                 request.progress, said);
  for (const Diagnostic& one : said.all())
    if (one.kind != Kind::gate_failed && one.kind != Kind::does_not_fit) diagnostics.add(one);
  if (!frontier) return kFailed;
  found.metric = frontier->metric;
  const auto trials = trials_of(variants.calibrated().graph(), *found.judge, frontier->metric, diagnostics);
  if (!trials) return kFailed;
  for (std::size_t i = 0; i < frontier->choices.size(); ++i) {
    const FormatChoice& choice = frontier->choices[i];
    const bool is_uniform = i < 3;
    if (!is_uniform && !choice.is_on_front) continue;
    AdviceFormat& format = add(choice.name, choice.layers);
    format.value = valued(choice.value, *trials);
    format.drop = choice.drop;
  }
  return {};
}

}  // namespace

Status find_formats(const AdviseRequest& request, const std::filesystem::path& kept, CompileOptions& options,
                    FormatSet& found, Diagnostics& diagnostics) {
  request.progress({.step = "reading"});
  // Names and shapes of inputs and outputs as the program has them.
  CompileOptions as_floats = options;
  as_floats.quantize = {};
  auto program = compile_for_board(request.model, as_floats, "host", diagnostics);
  if (!program) return kFailed;
  const Graph& graph = program->graph;
  const std::string file = request.data.string();
  const bool is_integer = has_integers(graph);
  if (is_integer && !options.quantize.calibration.empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--calibrate is for float models; this one is quantized",
                            .file = request.model.string(),
                            .help = "leave it out: the model keeps its numbers"});
  if (!request.data.empty()) {
    auto set = read_labelled(request.data, request.labels, graph, options.pixels, diagnostics);
    if (!set) return kFailed;
    found.judge = Judge{std::move(*set), file, request.metric};
    if (!metric_of(graph, *found.judge, diagnostics)) return kFailed;
    const auto samples = samples_of(found.judge->set.inputs, graph, file, diagnostics);
    if (!samples) return kFailed;
    found.samples = samples->count;
    if (!is_integer && options.quantize.calibration.empty()) {
      if (samples->count < kFewSamples)
        return diagnostics.add(
            {.kind = Kind::usage,
             .message = count_text(samples->count, "sample") + " cannot be both calibrated and judged on",
             .file = file,
             .help = "--calibrate DATA for samples of their own"});
      const std::size_t first = std::min(kCalibrationSamples, samples->count / 4);
      options.quantize.calibration = request.data;
      options.quantize.first_samples = first;
      found.judge->set = part_of(found.judge->set, first, samples->count, samples->count);
      found.samples = samples->count - first;
      diagnostics.add({.kind = Kind::remark,
                       .message = "no --calibrate: the first " + count_text(first, "sample") + " of " + file +
                                  " calibrate, the other " + std::to_string(found.samples) + " judge"});
    }
  }
  if (is_integer || options.quantize.calibration.empty()) {
    if (!is_integer)
      diagnostics.add({.kind = Kind::remark,
                       .message = "only float32 is looked at: integers need samples of the inputs",
                       .help = "--calibrate DATA, or --data with labels"});
    return integer_formats(request, options, kept, graph, found, diagnostics);
  }
  const std::string board = request.boards.size() == 1 ? request.boards[0] : "cortex-m4f";
  auto variants = Variants::of(request.model, options, board, diagnostics);
  if (!variants) return kFailed;
  variants->keep_results(kept);
  found.variants = std::move(*variants);
  return searched_formats(request, options, found, diagnostics);
}

Result<Compiled> compiled_format(const AdviseRequest& request, const FormatSet& formats, std::size_t format,
                                 KernelGoal goal, const Board& board, Diagnostics& diagnostics) {
  const ComparedFormat& one = formats.compared[format];
  Diagnostics said;
  Result<Compiled> compiled = kFailed;
  if (one.variants != nullptr) {
    compiled = one.variants->compiled(one.variants->plan(one.layers), board, said, nullptr, goal);
  } else {
    CompileOptions options = one.options;
    options.goal = goal;
    auto graph = compile(request.model, options, board.core, board.name, said);
    if (graph) compiled = Compiled{board, std::move(*graph)};
  }
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
  if (compiled) serve_goal(compiled->board, goal);
  return compiled;
}

}  // namespace nb
