#include "driver/validate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/file.h"
#include "base/process.h"
#include "bench/run.h"
#include "driver/compare_layers.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Batches of about this long: short enough to tell how far it is, long enough that starting costs little.
constexpr double kBatchSeconds = 1.5;

/// A program with the folder that it is built in.
struct Runner {
  const Graph* graph = nullptr;
  Firmware firmware;
  std::string step;  ///< of progress
  bool keeps_state = false;
};

/// Runs all samples, the first by itself (it is the one that is counted), the rest in batches. With state
/// that goes on from sample to sample all are one batch.
Result<RunResult> run_all(const Runner& runner, const Samples& samples, const ValidateOptions& asked,
                          Diagnostics& diagnostics) {
  const std::size_t sample_bytes = samples.bytes.size() / samples.count;
  RunResult all;
  Samples outputs;
  std::size_t size = runner.keeps_state ? samples.count : 1;
  for (std::size_t done = 0; done < samples.count;) {
    asked.progress({runner.step, done, runner.keeps_state ? 0 : samples.count});
    const std::size_t count = std::min(size, samples.count - done);
    const auto first = samples.bytes.begin() + static_cast<std::ptrdiff_t>(done * sample_bytes);
    const Samples batch{count, Bytes(first, first + static_cast<std::ptrdiff_t>(count * sample_bytes))};
    const auto start = Clock::now();
    auto result =
        run_firmware(runner.firmware, *runner.graph, batch,
                     {.timeout_seconds = asked.timeout_seconds, .is_counting = done == 0}, diagnostics);
    if (!result) return kFailed;
    const double a_second = static_cast<double>(count) / std::max(1e-3, seconds_since(start));
    size = static_cast<std::size_t>(std::clamp(kBatchSeconds * a_second, static_cast<double>(count), 1e6));
    outputs.count += result->outputs.count;
    outputs.bytes.insert(outputs.bytes.end(), result->outputs.bytes.begin(), result->outputs.bytes.end());
    if (done == 0) all = std::move(*result);
    done += count;
  }
  asked.progress({runner.step, samples.count, samples.count});
  all.outputs = std::move(outputs);
  return all;
}

/// Each public output of all samples as real values.
std::vector<std::vector<double>> real_outputs(const Graph& graph, const Samples& outputs) {
  std::vector<std::vector<double>> all;
  std::size_t sample_bytes = 0, offset = 0;
  for (const ValueId id : graph.public_outputs())
    sample_bytes += static_cast<std::size_t>(graph.at(id).type.size_bytes());
  for (const ValueId id : graph.public_outputs()) {
    const Type& type = graph.at(id).type;
    const auto size = static_cast<std::size_t>(type.size_bytes());
    Tensor tensor{{type.dtype, {static_cast<std::int64_t>(outputs.count), type.elements()}}, {}};
    for (std::size_t n = 0; n < outputs.count; ++n) {
      const auto first = outputs.bytes.begin() + static_cast<std::ptrdiff_t>(n * sample_bytes + offset);
      tensor.data.insert(tensor.data.end(), first, first + static_cast<std::ptrdiff_t>(size));
    }
    offset += size;
    std::vector<double> values = to_doubles(tensor);
    if (type.is_quantized() && !type.quantization->is_per_axis() && !is_float(type.dtype))
      for (double& value : values) value = static_cast<float>(value - type.zero_point()) * type.scale();
    all.push_back(std::move(values));
  }
  return all;
}

Shape without_ones(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

/// For each output of the program the reference's: of its name if all have one, else in order, else by
/// shape.
Result<std::vector<std::size_t>> match_outputs(const Graph& graph, const Graph& reference,
                                               const std::string& file, Diagnostics& diagnostics) {
  const auto mine = graph.public_outputs(), theirs = reference.public_outputs();
  const auto shape = [](const Graph& of, ValueId id) { return without_ones(of.at(id).type.shape); };
  std::vector<std::size_t> by_name, in_order, by_shape;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    std::size_t alike = 0, which = 0;
    for (std::size_t k = 0; k < theirs.size(); ++k) {
      const bool is_alike = shape(graph, mine[i]) == shape(reference, theirs[k]);
      if (is_alike) which = k;
      alike += is_alike ? 1 : 0;
      if (is_alike && graph.at(mine[i]).name == reference.at(theirs[k]).name) by_name.push_back(k);
      if (is_alike && i == k) in_order.push_back(k);
    }
    if (alike == 1) by_shape.push_back(which);
  }
  for (auto* order : {&by_name, &in_order, &by_shape})
    if (order->size() == mine.size()) return std::move(*order);
  std::vector<std::string> own, other;
  for (const ValueId id : mine) own.push_back("`" + graph.at(id).name + "` " + type_text(graph.at(id).type));
  for (const ValueId id : theirs)
    other.push_back("`" + reference.at(id).name + "` " + type_text(reference.at(id).type));
  return diagnostics.add({.kind = Kind::input_mismatch,
                          .message = "the model's outputs have no twins among the reference's",
                          .file = file,
                          .notes = {"model: " + join(own, ", "), "reference: " + join(other, ", ")},
                          .help = "a reference is the same model in float: export both from one"});
}

/// The targets of each output, of the set's samples.
Result<std::vector<std::optional<Targets>>> all_targets(const Graph& graph, const LabelledSet& set,
                                                        std::int64_t samples, Metric metric,
                                                        const std::string& file, Diagnostics& diagnostics) {
  std::vector<std::optional<Targets>> all;
  for (std::size_t i = 0; i < set.targets.size(); ++i) {
    all.emplace_back();
    if (!set.targets[i]) continue;
    const Value& output = graph.at(graph.public_outputs()[i]);
    const bool gives_input_back =
        graph.inputs.size() == 1 && set.targets.size() == 1 && output.type.elements() > 2 &&
        without_ones(graph.at(graph.inputs[0]).type.shape) == without_ones(output.type.shape);
    auto targets = targets_of(
        set.targets[i]->array, output.type,
        {.samples = samples,
         .may_reconstruct = gives_input_back && (metric == Metric::automatic || metric == Metric::auc),
         .array = set.targets[i]->name,
         .output = output.name,
         .file = file},
        diagnostics);
    if (!targets) return kFailed;
    all.back() = std::move(*targets);
  }
  return all;
}

/// The targets of the first samples.
void keep_first(Targets& targets, std::size_t samples, std::size_t given) {
  targets.labels.resize(targets.labels.size() / given * samples);
  targets.values.resize(targets.values.size() / given * samples);
}

const Targets* first_of(const std::vector<std::optional<Targets>>& all) {
  for (const auto& targets : all)
    if (targets) return &*targets;
  return nullptr;
}

/// The single input as real values, of so many samples: what an output that gives it back should be.
std::vector<double> input_values(const Graph& graph, const LabelledSet& set, std::size_t samples) {
  std::vector<double> values;
  if (const auto real = real_values(set.inputs[0].second, graph.at(graph.inputs[0]).type))
    values = to_doubles(*real);
  values.resize(samples * static_cast<std::size_t>(graph.at(graph.inputs[0]).type.elements()));
  return values;
}

/// `--state` and `--stream` of a model in the words of its reference: inputs and outputs at the same places
/// have the same meaning, whatever they are called. Absent if one of the files cannot be read.
std::optional<StateRequest> renamed_state(const StateRequest& state, const fs::path& model,
                                          const fs::path& reference, const ReadOptions& read,
                                          const ReadOptions& reference_read) {
  Diagnostics ignored;
  const auto mine = read_model(model, read, ignored), theirs = read_model(reference, reference_read, ignored);
  if (!mine || !theirs) return std::nullopt;
  const auto renamed = [&](const std::string& name, std::span<const ValueId> from,
                           std::span<const ValueId> to) {
    for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i)
      if (mine->at(from[i]).name == name) return theirs->at(to[i]).name;
    return name;
  };
  StateRequest other = state;
  for (std::string& pair : other.pairs)
    if (const std::size_t equals = pair.find('='); equals != std::string::npos)
      pair = renamed(pair.substr(0, equals), mine->inputs, theirs->inputs) + "=" +
             renamed(pair.substr(equals + 1), mine->outputs, theirs->outputs);
  for (std::string& stream : other.streams) {
    const std::size_t colon = stream.rfind(':');
    if (const std::string whole = renamed(stream, mine->inputs, theirs->inputs); whole != stream)
      stream = whole;
    else if (colon != std::string::npos)
      stream = renamed(stream.substr(0, colon), mine->inputs, theirs->inputs) + stream.substr(colon);
  }
  return other;
}

/// Compiles the reference: `file`, or the model itself; for this computer.
Result<Compiled> compile_reference(const fs::path& file, const fs::path& model, const CompileOptions& options,
                                   Diagnostics& diagnostics) {
  CompileOptions own = options;
  own.quantize = {};
  // Only TorchScript takes shapes of inputs; a reference may be of another format than the model.
  if (!own.read.input_types.empty())
    if (const FileRead read = read_file(file); read.bytes && format_of(*read.bytes) != Format::torch_script)
      own.read.input_types.clear();
  if (file != model && !own.state.is_empty())
    if (auto state = renamed_state(own.state, model, file, options.read, own.read))
      own.state = std::move(*state);
  Diagnostics said;
  auto compiled = compile_for_board(file, own, "host", said);
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
  return compiled;
}

bool computes_in_integers(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    if (node.outputs.empty()) return false;
    const Type& type = graph.at(node.outputs[0]).type;
    return type.is_quantized() && !is_float(type.dtype);
  });
}

Validation described(const Compiled& compiled, std::int64_t samples) {
  return {.model = compiled.graph.name,
          .board = compiled.board.name,
          .core = compiled.board.processor,
          .machine = "host",
          .samples = samples,
          .samples_given = samples};
}

/// Says how many outputs are no numbers; comparisons with them are none either.
void note_no_numbers(const std::string& whose, const std::vector<std::vector<double>>& outputs,
                     Diagnostics& diagnostics) {
  std::size_t count = 0;
  for (const auto& values : outputs)
    for (const double value : values) count += std::isfinite(value) ? 0 : 1;
  if (count > 0)
    diagnostics.add({.kind = Kind::remark,
                     .message = count_text(count, "value") + " of the " + whose + "'s outputs " +
                                (count == 1 ? "is" : "are") + " NaN or infinite"});
}

}  // namespace

Result<Validation> validate(const fs::path& model, const CompileOptions& options, std::string_view board,
                            const ValidateOptions& asked, Diagnostics& diagnostics) {
  const auto start = Clock::now();
  const std::string file = asked.data.string();
  asked.progress({"compiling", 0, 0});
  auto compiled = compile_for_board(model, options, board, diagnostics);
  if (!compiled) return kFailed;
  const Graph& graph = compiled->graph;
  if (graph.inputs.empty() || graph.public_outputs().empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = std::string("the model has no ") +
                                       (graph.inputs.empty() ? "inputs" : "outputs") + " to validate",
                            .file = model.string()});
  const auto set = read_labelled(asked.data, asked.labels, graph, diagnostics);
  if (!set) return kFailed;
  auto samples = samples_of(set->inputs, graph, file, diagnostics);
  if (!samples) return kFailed;
  const std::size_t given = samples->count;
  auto targets = all_targets(graph, *set, static_cast<std::int64_t>(given), asked.metric, file, diagnostics);
  if (!targets) return kFailed;
  const auto metric = metric_for(asked.metric, first_of(*targets), diagnostics);
  if (!metric || !check_gates(asked.gates, first_of(*targets), diagnostics)) return kFailed;
  const std::size_t count =
      asked.samples > 0 ? std::min(given, static_cast<std::size_t>(asked.samples)) : given;
  for (auto& one : *targets)
    if (one) keep_first(*one, count, given);
  samples->bytes.resize(samples->bytes.size() / given * count);
  samples->count = count;

  const bool is_made_integers = options.quantize.numbers.has_value();
  const bool is_own = asked.reference.empty() && compiled->board.is_host() && !is_made_integers;
  const fs::path reference_file = asked.reference.empty() ? model : asked.reference;
  std::optional<Compiled> reference;
  Samples reference_samples;
  std::vector<std::size_t> order;
  if (!is_own) {
    auto other = compile_reference(reference_file, model, options, diagnostics);
    if (!other) return kFailed;
    reference = std::move(*other);
    const auto matched = match_outputs(graph, reference->graph, reference_file.string(), diagnostics);
    if (!matched) return kFailed;
    order = *matched;
    const auto arrays = inputs_for(reference->graph, *set, graph, reference_file.string(), diagnostics);
    if (!arrays) return kFailed;
    Diagnostics said;
    auto theirs = samples_of(*arrays, reference->graph, reference_file.string(), said);
    for (const Diagnostic& diagnostic : said.all())
      if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
    if (!theirs) return kFailed;
    theirs->bytes.resize(theirs->bytes.size() / theirs->count * count);
    reference_samples = {count, std::move(theirs->bytes)};
  }
  if (asked.reference.empty() && !is_made_integers && computes_in_integers(graph))
    diagnostics.add({.kind = Kind::remark,
                     .message = "the model is quantized as it is: its reference is itself on this computer",
                     .help = "--reference FLOATMODEL compares it with the model that it was made of"});

  const TemporaryFolder temporary;
  asked.progress({"building", 0, 0});
  const fs::path folder =
      asked.build_folder.empty() ? temporary.path() / "program" : fs::absolute(asked.build_folder);
  const auto built = build_program(*compiled, folder, asked.build, diagnostics);
  if (!built) return kFailed;
  Validation validation = described(*compiled, static_cast<std::int64_t>(count));
  validation.machine = built->firmware.machine;
  validation.data = file;
  validation.samples_given = static_cast<std::int64_t>(given);
  validation.reference = asked.reference.string();
  validation.is_own_reference = is_own;
  validation.is_quantized_here = is_made_integers;
  validation.metric = *metric;
  const bool keeps_state = asked.build.keeps_state_between_samples;
  const auto ran = run_all({&graph, built->firmware, "program on " + compiled->board.name, keeps_state},
                           *samples, asked, diagnostics);
  if (!ran) return kFailed;
  validation.instructions = ran->instructions;
  const auto outputs = real_outputs(graph, ran->outputs);
  note_no_numbers("program", outputs, diagnostics);
  std::vector<std::vector<double>> reference_outputs;
  if (reference) {
    asked.progress({"building the reference", 0, 0});
    const auto other = build_program(*reference, temporary.path() / "reference",
                                     {.keeps_state_between_samples = keeps_state}, diagnostics);
    if (!other) return kFailed;
    const auto result = run_all({&reference->graph, other->firmware, "reference on host", keeps_state},
                                reference_samples, asked, diagnostics);
    if (!result) return kFailed;
    const auto all = real_outputs(reference->graph, result->outputs);
    note_no_numbers("reference", all, diagnostics);
    for (const std::size_t which : order) reference_outputs.push_back(all[which]);
  } else {
    reference_outputs = outputs;
  }
  ScoreOptions scoring{.threshold = asked.threshold};
  if (const Targets* first = first_of(*targets); first != nullptr && first->task == Task::reconstruction)
    scoring.input = input_values(graph, *set, count);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Value& output = graph.at(graph.public_outputs()[i]);
    validation.outputs.push_back(
        score({output.name, output.type, outputs[i], reference_outputs[i], (*targets)[i]}, scoring));
  }
  // Of the model itself as it is the interpreter would run one graph twice.
  if (reference && (is_made_integers || !asked.reference.empty())) {
    auto compared = compare_layers(graph, *samples, reference->graph, reference_samples, keeps_state,
                                   [&](std::size_t done, std::size_t total) {
                                     asked.progress({"layer by layer", done, total});
                                   });
    validation.layers = std::move(compared.layers);
    validation.layer_samples = compared.samples;
    validation.unmatched_layers = compared.unmatched;
  }
  validation.gates = hold_gates(asked.gates, validation, diagnostics);
  validation.wall_seconds = seconds_since(start);
  return validation;
}

Result<Validation> compare_outputs(const Compiled& compiled, const Samples& outputs, const LabelledSet& set,
                                   Diagnostics& diagnostics) {
  const Graph& graph = compiled.graph;
  const auto count = static_cast<std::int64_t>(outputs.count);
  const auto targets = all_targets(graph, set, count, Metric::automatic, {}, diagnostics);
  if (!targets) return kFailed;
  Validation validation = described(compiled, count);
  const auto real = real_outputs(graph, outputs);
  ScoreOptions scoring{.is_classifier = true};
  if (const Targets* first = first_of(*targets); first != nullptr && first->task == Task::reconstruction)
    scoring.input = input_values(graph, set, outputs.count);
  for (std::size_t i = 0; i < real.size(); ++i) {
    const Value& output = graph.at(graph.public_outputs()[i]);
    validation.outputs.push_back(score({output.name, output.type, real[i], {}, (*targets)[i]}, scoring));
  }
  const auto metric = metric_for(Metric::automatic, first_of(*targets), diagnostics);
  if (!metric) return kFailed;
  validation.metric = *metric;
  return validation;
}

}  // namespace nb
