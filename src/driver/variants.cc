#include "driver/variants.h"

#include <algorithm>

#include "bench/run.h"
#include "blocks/blocks.h"
#include "driver/kept_results.h"
#include "driver/time_program.h"
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

/// Runs it for its counts alone.
Result<TimedRun> run_untimed(const Firmware& firmware, const Graph& graph, const Samples& sample,
                             Diagnostics& diagnostics) {
  auto result = run_firmware(firmware, graph, sample, {}, diagnostics);
  if (!result) return kFailed;
  return TimedRun{std::move(*result), std::nullopt};
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
  const auto board = find_target_board(board_name, diagnostics);
  if (!board) return kFailed;
  return of(model, options, *board, diagnostics);
}

Result<Variants> Variants::of(const std::filesystem::path& model, const CompileOptions& options,
                              const Board& board, Diagnostics& diagnostics) {
  CompileOptions to_floats = options;
  to_floats.quantize = {};
  to_floats.stop_after = "split-dense";
  auto graph = compile(model, to_floats, board.core, board.name, diagnostics);
  if (!graph) return kFailed;
  QuantizeRequest request = quantize_request(options, diagnostics);
  const DType base = request.numbers.value_or(DType::i8);
  request.numbers = base;
  auto calibrated = calibrated_as_asked(*graph, all_blocks(), request, diagnostics);
  diagnostics.set_file(model.string());
  if (!calibrated) return kFailed;
  Variants made(board, std::move(*calibrated), !options.state.is_empty(), options.quantize.progress);
  made.base_ = base;
  made.fixed_ = options.quantize.layers;
  return made;
}

std::filesystem::path Variants::new_folder() const { return folder_->path() / std::to_string(folders_++); }

Result<Samples> Variants::first_sample(const Graph& program, Diagnostics& diagnostics) const {
  const Graph& graph = calibrated_->graph();
  NamedArrays arrays;
  ByteSpan rest = calibrated_->samples().sample(0);
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
                                    Diagnostics* notes, KernelGoal goal) const {
  Graph graph = calibrated_->with(plan);
  graph.board = board.name;
  Diagnostics said;
  PassContext context{.blocks = all_blocks(), .core = board.core, .diagnostics = said, .goal = goal};
  const Status status = run_pipeline(graph, context, {}, "fuse-qdq");
  report_errors(said, diagnostics);
  if (notes != nullptr) *notes = std::move(said);
  if (!status) return kFailed;
  return Compiled{board, std::move(graph)};
}

Result<VariantCost> Variants::cost(const NumberPlan& plan, const std::string& what,
                                   Diagnostics& diagnostics) const {
  if (const auto found = costs_.find(plan.formats); found != costs_.end()) return found->second;
  auto cost = measured_cost(plan, what, diagnostics);
  if (cost) costs_[plan.formats] = *cost;
  return cost;
}

Result<VariantCost> Variants::measured_cost(const NumberPlan& plan, const std::string& what,
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
  const auto sample = first_sample(program->graph, diagnostics);
  if (!sample) return kFailed;
  std::filesystem::path kept;
  if (!kept_.empty()) {
    const auto file = cost_file(kept_, *program, *sample, conditions_, diagnostics);
    if (!file) return kFailed;
    if (auto found = find_cost(*file)) return std::move(*found);
    kept = *file;
  }
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
  // The plain board of a core has none of the memories that make the core wait on the asked one.
  const auto ran =
      cost.fits ? run_and_time(built->firmware, program->graph, *sample, board_, conditions_, {}, diagnostics)
                : run_untimed(built->firmware, program->graph, *sample, diagnostics);
  if (!ran) return kFailed;
  const RunResult& result = ran->result;
  if (cost.fits) {
    cost.flash_bytes = built->firmware.flash_bytes;
    cost.ram_bytes =
        program->graph.arena_bytes + result.stack_bytes.value_or(0) + built->firmware.static_bytes;
  }
  cost.instructions = result.instructions;
  const auto layer_of = [&](std::size_t node) -> VariantCost::Layer& {
    return cost.layers[program->graph.nodes[node].name];
  };
  for (std::size_t n = 0; n < result.layer_instructions.size(); ++n)
    layer_of(n).instructions += result.layer_instructions[n];
  if (ran->timing) {
    const ProgramTiming& timing = *ran->timing;
    cost.cycles = timing.total.cycles();
    if (timing.clock_hz) cost.latency_ms = 1e3 * *cost.cycles / static_cast<double>(*timing.clock_hz);
    for (std::size_t n = 0; n < timing.layers.size(); ++n) layer_of(n).cycles += timing.layers[n].cycles();
  }
  if (!kept.empty() && !keep_cost(kept, cost, diagnostics)) return kFailed;
  return cost;
}

Result<Metric> Variants::metric_of(const Judge& judge, Diagnostics& diagnostics) const {
  return nb::metric_of(calibrated_->graph(), judge, diagnostics);
}

Result<Judged> Variants::judged(const NumberPlan& plan, const Judge& judge, const std::string& what,
                                Diagnostics& diagnostics) const {
  const auto host = find_board("host", diagnostics);
  if (!host) return kFailed;
  const auto program = compiled(plan, *host, diagnostics);
  if (!program) return kFailed;
  return judge_program({.compiled = *program,
                        .judge = judge,
                        .what = what,
                        .folder = new_folder(),
                        .keeps_state = keeps_state_,
                        .kept = kept_,
                        .progress = progress_},
                       diagnostics);
}

Result<double> Variants::worth(const NumberPlan& plan, const Judge& judge, const std::string& what,
                               Diagnostics& diagnostics) const {
  const auto found = judged(plan, judge, what, diagnostics);
  if (!found) return kFailed;
  return found->value;
}

}  // namespace nb
