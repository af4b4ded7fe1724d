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

/// Finds the formats of one model after another.
class FormatFinder {
 public:
  FormatFinder(const AdviseRequest& request, const std::filesystem::path& kept, FormatSet& found,
               Diagnostics& diagnostics)
      : request_(request), kept_(kept), found_(found), diagnostics_(diagnostics) {}

  Status run() {
    found_.models.push_back({request_.model, request_.options});
    for (const std::filesystem::path& file : request_.alternatives)
      found_.models.push_back({file, request_.options});
    for (AdvisedModel& model : found_.models) {
      const bool is_again = std::any_of(found_.models.data(), &model,
                                        [&](const AdvisedModel& other) { return other.file == model.file; });
      if (is_again)
        return diagnostics_.add({.kind = Kind::usage,
                                 .message = "`" + model.file.string() + "` is named twice",
                                 .help = "--or names another model for the same task"});
      if (!(is_first(model) ? prepare(model, diagnostics_) : prepare_alternative(model))) return kFailed;
    }
    for (std::size_t i = 0; i < found_.models.size(); ++i) {
      owner_ = i;
      AdvisedModel& model = found_.models[i];
      const bool is_calibrated = !model.is_integer && !model.options.quantize.calibration.empty();
      if (!(is_calibrated ? search(model) : take_numbers(model))) return kFailed;
    }
    return {};
  }

 private:
  [[nodiscard]] bool is_first(const AdvisedModel& model) const { return &model == found_.models.data(); }

  /// What is wrong with it or the data names it: the data may be right for the first model.
  Status prepare_alternative(AdvisedModel& model) {
    Diagnostics said;
    const Status status = prepare(model, said);
    for (Diagnostic one : said.all()) {
      if (row_of(one.kind).severity == Severity::error)
        one.notes.push_back("of `" + model.file.string() + "`, a model of --or");
      diagnostics_.add(std::move(one));
    }
    return status;
  }

  /// Reads model and data, and parts the data where it has to calibrate, too.
  Status prepare(AdvisedModel& model, Diagnostics& diagnostics) {
    request_.progress({.step = "reading"});
    // Names and shapes of inputs and outputs as the program has them.
    CompileOptions as_floats = model.options;
    as_floats.quantize = {};
    const auto program = compile_for_board(model.file, as_floats, "host", diagnostics);
    if (!program) return kFailed;
    const Graph& graph = program->graph;
    model.is_integer = has_integers(graph);
    model.rounds_twice = model.is_integer && graph.rounding == Rounding::twice;
    if (model.is_integer && !model.options.quantize.calibration.empty()) {
      if (is_first(model))
        return diagnostics.add({.kind = Kind::usage,
                                .message = "--calibrate is for float models; this one is quantized",
                                .file = model.file.string(),
                                .help = "leave it out: the model keeps its numbers"});
      model.options.quantize = {};
    }
    if (!request_.data.empty() && !read_data(model, graph, diagnostics)) return kFailed;
    if (!model.is_integer && model.options.quantize.calibration.empty())
      diagnostics.add({.kind = Kind::remark,
                       .message = "only float32 is looked at: integers need samples of the inputs",
                       .file = model.file.string(),
                       .help = "--calibrate DATA, or --data with labels"});
    return {};
  }

  Status read_data(AdvisedModel& model, const Graph& graph, Diagnostics& diagnostics) {
    const std::string file = request_.data.string();
    auto set = read_labelled(request_.data, request_.labels, graph, model.options.pixels, diagnostics);
    if (!set) return kFailed;
    model.judge = Judge{std::move(*set), file, request_.metric};
    const auto metric = metric_of(graph, *model.judge, diagnostics);
    if (!metric) return kFailed;
    const auto samples = samples_of(model.judge->set.inputs, graph, file, diagnostics);
    if (!samples) return kFailed;
    if (is_first(model)) {
      if (!check_limit(*metric)) return kFailed;
      found_.metric = *metric;
      found_.samples = samples->count;
      is_data_parted_ = !model.is_integer && model.options.quantize.calibration.empty();
      if (is_data_parted_ && !part_data(file)) return kFailed;
    } else if (*metric != found_.metric) {
      return diagnostics.add({.kind = Kind::usage,
                              .message = "this model is judged by " + std::string(name_of(*metric)) + ", `" +
                                         request_.model.string() + "` by " +
                                         std::string(name_of(found_.metric)),
                              .file = model.file.string(),
                              .help = "--metric says by what all are judged"});
    }
    if (is_data_parted_) {
      model.judge->set = part_of(model.judge->set, calibrating_, samples->count, samples->count);
      if (!model.is_integer) {
        model.options.quantize.calibration = request_.data;
        model.options.quantize.first_samples = calibrating_;
      }
    }
    return {};
  }

  /// A limit that the metric cannot reach, or always keeps, is a slip.
  Status check_limit(Metric metric) {
    const auto& limit = request_.limits.min_value;
    if (!limit || (is_larger_better(metric) ? *limit <= 1 : *limit >= 0)) return {};
    const std::string name(name_of(metric));
    return diagnostics_.add({.kind = Kind::usage,
                             .message = "--min-acc " + float_text(static_cast<float>(*limit)) + ": " + name +
                                        (is_larger_better(metric) ? " is at most 1" : " is at least 0"),
                             .help = is_larger_better(metric) ? "a share of 1, as in --min-acc 0.9"
                                                              : "the most that " + name + " may be"});
  }

  /// The first samples calibrate, the others judge: all models on the same ones.
  Status part_data(const std::string& file) {
    if (found_.samples < kFewSamples)
      return diagnostics_.add(
          {.kind = Kind::usage,
           .message = count_text(found_.samples, "sample") + " cannot be both calibrated and judged on",
           .file = file,
           .help = "--calibrate DATA for samples of their own"});
    calibrating_ = std::min(kCalibrationSamples, found_.samples / 4);
    found_.samples -= calibrating_;
    diagnostics_.add({.kind = Kind::remark,
                      .message = "no --calibrate: the first " + count_text(calibrating_, "sample") + " of " +
                                 file + " calibrate, the other " + std::to_string(found_.samples) + " judge",
                      .file = request_.model.string()});
    return {};
  }

  AdviceFormat& add(AdviceFormat format, ComparedFormat compared) {
    const std::filesystem::path& file = found_.models[owner_].file;
    format.model = file.stem().string();
    format.file = file.string();
    found_.compared.push_back(std::move(compared));
    found_.owners.push_back(owner_);
    found_.formats.push_back(std::move(format));
    return found_.formats.back();
  }

  void judge(AdviceFormat& format, double value, std::int64_t trials) const {
    format.value = valued(value, trials);
    format.drop = drop_points(found_.metric, found_.formats[0].value->typical, value);
  }

  /// A model that has its numbers: as it is, and rounding once where it rounds twice.
  Status take_numbers(const AdvisedModel& model) {
    const std::size_t first = found_.formats.size();
    add({.name = model.is_integer ? "" : "float32"}, {"", model.options});
    if (model.rounds_twice) {
      CompileOptions fast = model.options;
      fast.may_change_outputs = true;
      add({.name = "rounding once", .rounds_fast = true}, {"fast", std::move(fast)});
    }
    if (!model.judge) return {};
    for (std::size_t i = first; i < found_.formats.size(); ++i)
      if (!judge_built(model, i)) return kFailed;
    return {};
  }

  Status judge_built(const AdvisedModel& model, std::size_t format) {
    const auto compiled =
        compile_for_board(model.file, found_.compared[format].options, "host", diagnostics_);
    if (!compiled) return kFailed;
    AdviceFormat& one = found_.formats[format];
    const TemporaryFolder folder;
    const auto judged = judge_program({.compiled = *compiled,
                                       .judge = *model.judge,
                                       .what = one.rounds_fast ? one.name : one.model,
                                       .folder = folder.path(),
                                       .keeps_state = !model.options.state.is_empty(),
                                       .kept = kept_,
                                       .progress = request_.progress},
                                      diagnostics_);
    if (!judged) return kFailed;
    judge(one, judged->value, judged->trials);
    return {};
  }

  /// A float model in the formats that calibration and search give.
  Status search(AdvisedModel& model) {
    const std::string board = request_.boards.size() == 1 ? request_.boards[0] : "cortex-m4f";
    auto made = Variants::of(model.file, model.options, board, diagnostics_);
    if (!made) return kFailed;
    made->keep_results(kept_);
    made->suppose(request_.conditions);
    const Variants& variants = model.variants.emplace(std::move(*made));
    const auto add_made = [&](const std::string& name, const LayerFormats& layers) -> AdviceFormat& {
      return add({.name = name, .layers = layers, .is_made_here = true},
                 {name, model.options, &variants, layers});
    };
    if (!model.judge) {
      add_made("float32", {{"*", DType::f32}});
      add_made("int8", {});
      add_made("int16", {{"*", DType::i16}});
      return {};
    }
    Diagnostics said;
    const auto frontier = choose_formats(variants, *model.judge, request_.limits.max_drop.value_or(kMaxDrop),
                                         request_.progress, said);
    for (const Diagnostic& one : said.all())
      if (one.kind != Kind::gate_failed && one.kind != Kind::does_not_fit) diagnostics_.add(one);
    if (!frontier) return kFailed;
    const auto trials =
        trials_of(variants.calibrated().graph(), *model.judge, frontier->metric, diagnostics_);
    if (!trials) return kFailed;
    for (std::size_t i = 0; i < frontier->choices.size(); ++i) {
      const FormatChoice& choice = frontier->choices[i];
      const bool is_uniform = i < 3;
      // What does not fit alone may fit with more memory.
      if (is_uniform || choice.is_unbeaten)
        judge(add_made(choice.name, choice.layers), choice.value, *trials);
    }
    return {};
  }

  const AdviseRequest& request_;
  const std::filesystem::path& kept_;
  FormatSet& found_;
  Diagnostics& diagnostics_;
  std::size_t owner_ = 0;        ///< the model whose formats are added
  bool is_data_parted_ = false;  ///< its first samples calibrate
  std::size_t calibrating_ = 0;
};

}  // namespace

Status find_formats(const AdviseRequest& request, const std::filesystem::path& kept, FormatSet& found,
                    Diagnostics& diagnostics) {
  return FormatFinder(request, kept, found, diagnostics).run();
}

Result<Compiled> compiled_format(const FormatSet& formats, std::size_t format, KernelGoal goal,
                                 const Board& board, Diagnostics& diagnostics) {
  const ComparedFormat& one = formats.compared[format];
  Diagnostics said;
  Result<Compiled> compiled = kFailed;
  if (one.variants != nullptr) {
    compiled = one.variants->compiled(one.variants->plan(one.layers), board, said, nullptr, goal);
  } else {
    CompileOptions options = one.options;
    options.goal = goal;
    auto graph = compile(formats.model_of(format).file, options, board.core, board.name, said);
    if (graph) compiled = Compiled{board, std::move(*graph)};
  }
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
  if (compiled) serve_goal(compiled->board, goal);
  return compiled;
}

}  // namespace nb
