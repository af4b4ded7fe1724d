#include "driver/judge_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "driver/run_batches.h"
#include "driver/validate.h"

namespace nb {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Passes on only what is wrong.
void report_errors(const Diagnostics& said, Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
}

/// All that a result depends on, as a name of a file.
fs::path kept_file(const JudgeRun& run, const Program& program, const Samples& samples) {
  std::string key = "nblocks judge 1, " NB_VERSION "\n" + run.compiled.board.name + "\n" +
                    std::string(name_of(run.judge.metric)) + (run.keeps_state ? " keeps state\n" : "\n") +
                    command_text(compile_words(run.compiled.board)) + "\n";
  for (const EmittedFile& file : program.files) key += file.path + "\n" + file.content + "\n";
  key += fmt::format("{:016x} {}\n", hash_bytes(samples.bytes), samples.count);
  for (const auto& target : run.judge.set.targets)
    if (target) key += fmt::format("{} {:016x}\n", target->name, hash_bytes(target->array.data));
  return run.kept / fmt::format("judged-{:016x}.json", hash_bytes(as_byte_span(key)));
}

std::optional<Judged> find_judged(const fs::path& path) {
  const json kept = json::parse(read_file(path).text(), nullptr, false);
  try {
    return Judged{.metric = find_metric(kept.at("metric").get<std::string>()).value(),
                  .value = kept.at("value"),
                  .trials = kept.at("trials"),
                  .samples = kept.at("samples"),
                  .sample_hashes = kept.at("sample_hashes")};
  } catch (const std::exception&) {
    return std::nullopt;  // nothing is kept, or nothing that can be read
  }
}

Status keep_judged(const fs::path& path, const Judged& judged, Diagnostics& diagnostics) {
  const json kept = {{"metric", name_of(judged.metric)},
                     {"value", judged.value},
                     {"trials", judged.trials},
                     {"samples", judged.samples},
                     {"sample_hashes", judged.sample_hashes}};
  std::string why_not;
  if (write_file(path, as_byte_span(kept.dump(1)), why_not)) return {};
  return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + path.string() + "`: " + why_not});
}

NpyArray part_of(const NpyArray& array, std::size_t first, std::size_t end, std::size_t count) {
  if (array.shape.empty() || array.shape[0] != static_cast<std::int64_t>(count)) return array;
  NpyArray part = array;
  const std::size_t size = array.data.size() / count;
  part.shape[0] = static_cast<std::int64_t>(end - first);
  part.data.assign(array.data.begin() + static_cast<std::ptrdiff_t>(first * size),
                   array.data.begin() + static_cast<std::ptrdiff_t>(end * size));
  return part;
}

}  // namespace

Result<Metric> metric_of(const Graph& graph, const Judge& judge, Diagnostics& diagnostics) {
  auto samples = samples_of(judge.set.inputs, graph, judge.file, diagnostics);
  if (!samples) return kFailed;
  const auto targets = targets_of_set(graph, judge.set, static_cast<std::int64_t>(samples->count),
                                      judge.metric, judge.file, diagnostics);
  if (!targets) return kFailed;
  if (first_of(*targets) == nullptr)
    return diagnostics.add({.kind = Kind::usage,
                            .message = "the data has no targets: a loss of accuracy is measured on them",
                            .file = judge.file,
                            .help = "an .npz with x and y, or --labels NAME for another array"});
  return metric_for(judge.metric, first_of(*targets), diagnostics);
}

Result<Judged> judge_program(const JudgeRun& run, Diagnostics& diagnostics) {
  const Graph& graph = run.compiled.graph;
  const Judge& judge = run.judge;
  Diagnostics said;
  auto samples = samples_of(judge.set.inputs, graph, judge.file, said);
  if (!samples) {
    report_errors(said, diagnostics);
    return kFailed;
  }
  const std::size_t given = samples->count;
  auto targets = targets_of_set(graph, judge.set, static_cast<std::int64_t>(given), judge.metric, judge.file,
                                diagnostics);
  if (!targets) return kFailed;
  const auto metric = metric_for(judge.metric, first_of(*targets), diagnostics);
  if (!metric) return kFailed;
  const std::size_t count = run.samples > 0 ? std::min(run.samples, given) : given;
  keep_first(*targets, count, given);
  samples->bytes.resize(samples->bytes.size() / given * count);
  samples->count = count;
  fs::path kept;
  if (!run.kept.empty()) {
    const auto program = emitted(run.compiled, diagnostics);
    if (!program) return kFailed;
    kept = kept_file(run, *program, *samples);
    if (auto found = find_judged(kept)) return std::move(*found);
  }
  run.progress({.step = "building " + run.what});
  // This computer runs it for its outputs alone: they are the same however it is optimized.
  BuildOptions options{.keeps_state_between_samples = run.keeps_state};
  if (run.compiled.board.is_host()) options.optimize = "O2";
  const auto built = build_program(run.compiled, run.folder, options, diagnostics);
  if (!built) return kFailed;
  auto ran = run_batches({.graph = &graph,
                          .firmware = built->firmware,
                          .step = run.what + ": accuracy",
                          .keeps_state = run.keeps_state,
                          .progress = run.progress},
                         *samples, diagnostics);
  if (!ran) return kFailed;
  Judged judged{.metric = *metric, .samples = count};
  for (std::size_t i = 0; i < count; ++i) judged.sample_hashes.push_back(hash_bytes(ran->outputs.sample(i)));
  Validation validation = described(run.compiled, static_cast<std::int64_t>(count));
  validation.metric = *metric;
  const Ran outputs{&graph, std::move(*samples), std::move(ran->outputs)};
  compare_outputs(outputs, nullptr, judge.set, {.targets = std::move(*targets), .has_layers = false},
                  validation, said);
  const OutputValidation* output = nb::judged(validation);
  const auto value =
      output == nullptr || !output->program ? std::nullopt : value_of(*metric, *output->program);
  if (!value)
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = "the outputs have no " + std::string(name_of(*metric)) + " on this data",
         .file = judge.file});
  judged.value = *value;
  if (*metric == Metric::accuracy && output->program->counts)
    for (const std::int64_t labelled : output->program->counts->labelled) judged.trials += labelled;
  if (!kept.empty() && !keep_judged(kept, judged, diagnostics)) return kFailed;
  return judged;
}

ValueInterval value_interval(double value, std::int64_t trials) {
  if (trials <= 0) return {value, value};
  constexpr double kNormal = 1.6449;  // nine in ten of a normal distribution lie within that many deviations
  const auto n = static_cast<double>(trials);
  const double z2 = kNormal * kNormal, centre = (value + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal / (1 + z2 / n) * std::sqrt(value * (1 - value) / n + z2 / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

LabelledSet part_of(const LabelledSet& set, std::size_t first, std::size_t end, std::size_t count) {
  LabelledSet part = set;
  for (auto& [name, array] : part.inputs) array = part_of(array, first, end, count);
  for (auto& target : part.targets)
    if (target) target->array = part_of(target->array, first, end, count);
  return part;
}

}  // namespace nb
