#include "driver/validate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/file.h"
#include "base/process.h"
#include "bench/run.h"
#include "driver/compare_outputs.h"
#include "driver/run_batches.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
  own.may_change_outputs = false;
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

/// The set of the request, and what it is judged by.
struct AskedSet {
  LabelledSet set;
  Samples samples;
  SetTargets targets;
  Metric metric;
};

/// Reads it for that graph of the model. Errors: those of check_data but compiling.
Result<AskedSet> read_data(const Graph& graph, const fs::path& model, const CompileOptions& options,
                           const ValidateOptions& asked, Diagnostics& diagnostics) {
  const std::string file = asked.data.string();
  if (graph.inputs.empty() || graph.public_outputs().empty())
    return diagnostics.add({.kind = Kind::usage,
                            .message = std::string("the model has no ") +
                                       (graph.inputs.empty() ? "inputs" : "outputs") + " to validate",
                            .file = model.string()});
  auto set = read_labelled(asked.data, asked.labels, graph, options.pixels, diagnostics);
  if (!set) return kFailed;
  auto samples = samples_of(set->inputs, graph, file, diagnostics);
  if (!samples) return kFailed;
  auto targets =
      targets_of_set(graph, *set, static_cast<std::int64_t>(samples->count), asked.metric, file, diagnostics);
  if (!targets) return kFailed;
  const auto metric = metric_for(asked.metric, first_of(*targets), diagnostics);
  if (!metric || !check_gates(asked.gates, first_of(*targets), diagnostics)) return kFailed;
  if (const Targets* first = first_of(*targets);
      asked.threshold &&
      (first == nullptr || first->task != Task::binary || !std::isfinite(*asked.threshold)))
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = std::string("--threshold is a number for targets that are 0 or 1 for each "
                                "value of the output, and ") +
                    (first == nullptr              ? "the data has no `y`"
                     : first->task == Task::binary ? "this is none"
                                                   : "these are not"),
         .file = file});
  return AskedSet{std::move(*set), std::move(*samples), std::move(*targets), *metric};
}

}  // namespace

Status check_data(const fs::path& model, const CompileOptions& options, const ValidateOptions& asked,
                  Diagnostics& diagnostics) {
  CompileOptions as_floats = options;
  as_floats.quantize = {};
  Diagnostics said;
  const auto compiled = compile_for_board(model, as_floats, "host", said);
  if (compiled && read_data(compiled->graph, model, options, asked, said)) return {};
  for (const Diagnostic& one : said.all()) diagnostics.add(one);
  return kFailed;
}

Validation described(const Compiled& compiled, std::int64_t samples) {
  return {.model = compiled.graph.name,
          .board = compiled.board.name,
          .core = compiled.board.processor,
          .machine = "host",
          .samples = samples,
          .samples_given = samples,
          .macs = compiled.graph.macs()};
}

Result<Validation> validate(const fs::path& model, const CompileOptions& options, std::string_view board,
                            const ValidateOptions& asked, Diagnostics& diagnostics) {
  const auto start = Clock::now();
  const std::string file = asked.data.string();
  asked.progress({.step = "compiling"});
  const bool is_to_calibrate = options.quantize.numbers && options.quantize.calibrated == nullptr;
  if (is_to_calibrate && !check_data(model, options, asked, diagnostics)) return kFailed;
  auto compiled = compile_for_board(model, options, board, diagnostics);
  if (!compiled) return kFailed;
  const Graph& graph = compiled->graph;
  auto read = read_data(graph, model, options, asked, diagnostics);
  if (!read) return kFailed;
  const LabelledSet* set = &read->set;
  Samples* samples = &read->samples;
  SetTargets* targets = &read->targets;
  const std::size_t given = samples->count;
  const std::size_t count =
      asked.samples > 0 ? std::min(given, static_cast<std::size_t>(asked.samples)) : given;
  keep_first(*targets, count, given);
  samples->bytes.resize(samples->bytes.size() / given * count);
  samples->count = count;

  const bool is_made_integers = options.quantize.numbers.has_value();
  const bool is_own = asked.reference.empty() && compiled->board.is_host() && !is_made_integers &&
                      !options.may_change_outputs;
  const fs::path reference_file = asked.reference.empty() ? model : asked.reference;
  CompareOptions comparing{.targets = std::move(*targets),
                           .scoring = {.threshold = asked.threshold},
                           .is_own_reference = is_own,
                           // Of the model itself as it is the interpreter would run one graph twice.
                           .has_layers = is_made_integers || !asked.reference.empty(),
                           .keeps_state = asked.build.keeps_state_between_samples,
                           .layer_progress = [&](std::size_t done, std::size_t total) {
                             asked.progress({.step = "layer by layer", .done = done, .total = total});
                           }};
  std::optional<Compiled> other;
  Ran program{.graph = &graph, .inputs = std::move(*samples)}, reference;
  if (!is_own) {
    auto found = compile_reference(reference_file, model, options, diagnostics);
    if (!found) return kFailed;
    other = std::move(*found);
    auto order = match_outputs(graph, other->graph, reference_file.string(), diagnostics);
    if (!order) return kFailed;
    comparing.order = std::move(*order);
    auto theirs = reference_samples(other->graph, graph, *set, count, reference_file.string(), diagnostics);
    if (!theirs) return kFailed;
    reference = {.graph = &other->graph, .inputs = std::move(*theirs)};
  }
  if (asked.reference.empty() && !is_made_integers && !options.may_change_outputs &&
      computes_in_integers(graph))
    diagnostics.add({.kind = Kind::remark,
                     .message = "the model is quantized as it is: its reference is itself on this computer",
                     .help = "--reference FLOATMODEL compares it with the model that it was made of"});

  const TemporaryFolder temporary;
  asked.progress({.step = "building"});
  const fs::path folder =
      asked.build_folder.empty() ? temporary.path() / "program" : fs::absolute(asked.build_folder);
  const auto built = build_program(*compiled, folder, asked.build, diagnostics);
  if (!built) return kFailed;
  auto ran = run_batches({.graph = &graph,
                          .firmware = built->firmware,
                          .step = "program on " + compiled->board.name,
                          .keeps_state = comparing.keeps_state,
                          .timeout_seconds = asked.timeout_seconds,
                          .progress = asked.progress},
                         program.inputs, diagnostics);
  if (!ran) return kFailed;
  program.outputs = std::move(ran->outputs);
  if (other) {
    asked.progress({.step = "building the reference"});
    const auto theirs = build_program(*other, temporary.path() / "reference",
                                      {.keeps_state_between_samples = comparing.keeps_state}, diagnostics);
    if (!theirs) return kFailed;
    auto result = run_batches({.graph = &other->graph,
                               .firmware = theirs->firmware,
                               .step = "reference on host",
                               .keeps_state = comparing.keeps_state,
                               .timeout_seconds = asked.timeout_seconds,
                               .progress = asked.progress},
                              reference.inputs, diagnostics);
    if (!result) return kFailed;
    reference.outputs = std::move(result->outputs);
  }
  Validation validation = described(*compiled, static_cast<std::int64_t>(count));
  validation.machine = built->firmware.machine;
  validation.target = compiled->board;
  validation.memory = memory_of(graph, built->program, compiled->board, built->firmware, *ran);
  validation.data = file;
  validation.samples_given = static_cast<std::int64_t>(given);
  validation.reference = asked.reference.string();
  validation.is_own_reference = is_own;
  validation.is_quantized_here = is_made_integers;
  validation.metric = read->metric;
  validation.instructions = ran->instructions;
  if (options.may_change_outputs && asked.reference.empty()) {
    validation.changes = changes_between(graph, program.outputs, reference.outputs);
  } else if (options.may_change_outputs) {
    const auto exact = exact_outputs(model, options, program.inputs, comparing.keeps_state, diagnostics);
    if (!exact) return kFailed;
    validation.changes = changes_between(graph, program.outputs, *exact);
  }
  compare_outputs(program, other ? &reference : nullptr, *set, comparing, validation, diagnostics);
  validation.gates = hold_gates(asked.gates, validation, diagnostics);
  validation.wall_seconds = seconds_since(start);
  return validation;
}

}  // namespace nb
