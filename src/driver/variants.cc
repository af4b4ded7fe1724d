#include "driver/variants.h"

#include <algorithm>

#include "bench/run.h"
#include "blocks/blocks.h"
#include "driver/run_batches.h"
#include "driver/validate.h"
#include "report/report.h"

namespace nb {
namespace {

/// Passes on only what is wrong.
void report_errors(const Diagnostics& said, Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
}

bool only_does_not_fit(const Diagnostics& said) {
  bool has_any = false;
  for (const Diagnostic& diagnostic : said.all()) {
    if (row_of(diagnostic.kind).severity != Severity::error) continue;
    if (diagnostic.kind != Kind::does_not_fit) return false;
    has_any = true;
  }
  return has_any;
}

/// The core with all memory of its virtual machine; null if the catalogue has none.
const Board* plain_board(const Core& core) {
  for (const Board& board : builtin_boards())
    if (board.is_virtual && board.core.name == core.name) return &board;
  return nullptr;
}

}  // namespace

Result<Variants> Variants::of(const std::filesystem::path& model, const CompileOptions& options,
                              std::string_view board_name, Diagnostics& diagnostics) {
  auto board = find_target_board(board_name, diagnostics);
  if (!board) return kFailed;
  CompileOptions to_floats = options;
  to_floats.quantize = {};
  to_floats.stop_after = "split-dense";
  auto graph = compile(model, to_floats, board->core, board->name, diagnostics);
  if (!graph) return kFailed;
  QuantizeRequest request = quantize_request(options, diagnostics);
  const DType base = request.numbers.value_or(DType::i8);
  request.numbers = base;
  auto calibrated = Calibrated::of(*graph, all_blocks(), request, diagnostics);
  diagnostics.set_file(model.string());
  if (!calibrated) return kFailed;
  Variants made(std::move(*board), std::move(*calibrated), !options.state.is_empty(),
                options.quantize.progress);
  made.base_ = base;
  made.fixed_ = options.quantize.layers;
  return made;
}

std::filesystem::path Variants::new_folder() const { return folder_->path() / std::to_string(folders_++); }

Result<Samples> Variants::first_sample(const Graph& program, Diagnostics& diagnostics) const {
  const Graph& graph = calibrated_.graph();
  NamedArrays arrays;
  ByteSpan rest = calibrated_.samples().sample(0);
  for (const ValueId id : graph.inputs) {
    const Type& type = graph.at(id).type;
    const ByteSpan bytes = rest.first(static_cast<std::size_t>(type.size_bytes()));
    rest = rest.subspan(bytes.size());
    arrays.emplace_back(graph.at(id).name, npy_of(type.dtype, type.shape, Bytes(bytes.begin(), bytes.end())));
  }
  if (arrays.empty()) return pattern_sample(program);
  Diagnostics said;
  auto sample = samples_of(arrays, program, {}, said);
  report_errors(said, diagnostics);
  return sample;
}

Result<Compiled> Variants::compiled(const NumberPlan& plan, const Board& board, Diagnostics& diagnostics,
                                    Diagnostics* notes) const {
  Graph graph = calibrated_.with(plan);
  graph.board = board.name;
  Diagnostics said;
  PassContext context{all_blocks(), board.core, said};
  const Status status = run_pipeline(graph, context, {}, "fuse-qdq");
  report_errors(said, diagnostics);
  if (notes != nullptr) *notes = std::move(said);
  if (!status) return kFailed;
  return Compiled{board, std::move(graph)};
}

Result<VariantCost> Variants::cost(const NumberPlan& plan, const std::string& what,
                                   Diagnostics& diagnostics) const {
  progress_({.step = what + " on " + board_.name});
  auto program = compiled(plan, board_, diagnostics);
  if (!program) return kFailed;
  VariantCost cost;
  cost.arena_bytes = program->graph.arena_bytes;
  cost.weights_bytes = program->graph.weights_bytes();
  const std::vector<LayerRow> rows = layer_rows(program->graph);
  for (std::size_t n = 0; n < rows.size(); ++n)
    cost.layers[program->graph.nodes[n].name].weights_bytes += rows[n].weights_bytes;
  if (board_.is_host()) return cost;
  Diagnostics said;
  auto built = build_program(*program, new_folder(), {}, said);
  if (!built && only_does_not_fit(said)) {
    cost.fits = false;
    if (const Board* plain = plain_board(board_.core)) {
      program = compiled(plan, *plain, diagnostics);
      if (!program) return kFailed;
      said = Diagnostics();
      built = build_program(*program, new_folder(), {}, said);
    }
    if (!built && only_does_not_fit(said)) return cost;  // not even there: its instructions stay unknown
  }
  report_errors(said, diagnostics);
  if (!built) return kFailed;
  const auto sample = first_sample(program->graph, diagnostics);
  if (!sample) return kFailed;
  const auto ran = run_firmware(built->firmware, program->graph, *sample, {}, diagnostics);
  if (!ran) return kFailed;
  if (cost.fits) {
    cost.flash_bytes = built->firmware.flash_bytes;
    cost.ram_bytes = program->graph.arena_bytes + ran->stack_bytes.value_or(0) + built->firmware.static_bytes;
  }
  cost.instructions = ran->instructions;
  for (std::size_t n = 0; n < ran->layer_instructions.size(); ++n)
    cost.layers[program->graph.nodes[n].name].instructions += ran->layer_instructions[n];
  return cost;
}

Result<Metric> Variants::metric_of(const Judge& judge, Diagnostics& diagnostics) const {
  const Graph& graph = calibrated_.graph();
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

Result<double> Variants::worth(const NumberPlan& plan, const Judge& judge, const std::string& what,
                               Diagnostics& diagnostics) const {
  const auto host = find_board("host", diagnostics);
  if (!host) return kFailed;
  const auto program = compiled(plan, *host, diagnostics);
  if (!program) return kFailed;
  const Graph& graph = program->graph;
  Diagnostics said;
  auto samples = samples_of(judge.set.inputs, graph, judge.file, said);
  if (!samples) {
    report_errors(said, diagnostics);
    return kFailed;
  }
  const auto count = static_cast<std::int64_t>(samples->count);
  auto targets = targets_of_set(graph, judge.set, count, judge.metric, judge.file, diagnostics);
  if (!targets) return kFailed;
  const auto metric = metric_for(judge.metric, first_of(*targets), diagnostics);
  if (!metric) return kFailed;
  progress_({.step = "building " + what});
  const auto built = build_program(
      *program, new_folder(), {.optimize = "O2", .keeps_state_between_samples = keeps_state_}, diagnostics);
  if (!built) return kFailed;
  auto ran = run_batches({.graph = &graph,
                          .firmware = built->firmware,
                          .step = what + ": accuracy",
                          .keeps_state = keeps_state_,
                          .progress = progress_},
                         *samples, diagnostics);
  if (!ran) return kFailed;
  Validation validation = described(*program, count);
  validation.metric = *metric;
  const Ran outputs{&graph, std::move(*samples), std::move(ran->outputs)};
  compare_outputs(outputs, nullptr, judge.set, {.targets = std::move(*targets), .has_layers = false},
                  validation, said);
  const OutputValidation* output = judged(validation);
  const auto value =
      output == nullptr || !output->program ? std::nullopt : value_of(*metric, *output->program);
  if (!value)
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = "the outputs have no " + std::string(name_of(*metric)) + " on this data",
         .file = judge.file});
  return *value;
}

}  // namespace nb
