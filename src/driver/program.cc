#include "driver/program.h"

#include <algorithm>

#include "bench/memory_plan.h"
#include "emit/project.h"
#include "quantize/interpret.h"

namespace nb {

Result<Compiled> compile_for_board(const std::filesystem::path& model, const CompileOptions& options,
                                   std::string_view board_name, Diagnostics& diagnostics) {
  auto board = find_target_board(board_name, diagnostics);
  if (!board) return kFailed;
  for (const std::string& name : {options.stop_after, options.from}) {
    std::vector<std::string> names = {"read"};
    for (const Pass& pass : kPipeline) names.emplace_back(pass.name);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      return diagnostics.add({.kind = Kind::usage,
                              .message = "no pass is called `" + printable(name) + "`",
                              .help = "passes: " + join(names, ", ")});
  }
  serve_goal(*board, options.goal);
  std::vector<QuantizedValue> quantization;
  auto graph = compile(model, options, board->core, board->name, diagnostics,
                       options.quantize.wants_account ? &quantization : nullptr);
  if (!graph) return kFailed;
  return Compiled{std::move(*board), std::move(*graph), std::move(quantization)};
}

void serve_goal(Board& board, KernelGoal goal) {
  if (goal == KernelGoal::flash) board.optimize = "Os";
}

Result<Program> emitted(const Compiled& compiled, Diagnostics& diagnostics) {
  const Placement& placement = compiled.board.placement;
  FarLayers far_layers = placement.far_layers;
  if (far_layers.empty() && !placement.weights.empty()) far_layers = {"*"};
  return emit_program(compiled.graph, compiled.board.core, diagnostics, far_layers);
}

Analysis analysis_of(const Compiled& compiled) {
  Analysis analysis = analyze(compiled.graph);
  Diagnostics said;
  if (const auto program = emitted(compiled, said)) analysis.weights_bytes = program->constant_bytes;
  return analysis;
}

namespace {

OuterMemories outer_memories(const Board& board, std::int64_t arena_bytes) {
  if (board.is_host()) return {};
  const MemoryPlan plan = plan_memories(board, arena_bytes);
  const auto name_of_outer = [](const Memory* memory) {
    const bool is_outer = memory != nullptr && (memory->kind == MemoryKind::external_flash ||
                                                memory->kind == MemoryKind::external_ram);
    return is_outer ? memory->name : std::string();
  };
  return {.weights = name_of_outer(plan.weights), .arena = name_of_outer(plan.arena)};
}

}  // namespace

Result<Program> write_project(const Compiled& compiled, const std::filesystem::path& folder,
                              Diagnostics& diagnostics) {
  if (!check_fit(compiled.graph, compiled.board, diagnostics)) return kFailed;
  auto program = emitted(compiled, diagnostics);
  if (!program ||
      !add_project_files(*program, compiled.graph, compile_words(compiled.board),
                         outer_memories(compiled.board, compiled.graph.arena_bytes), diagnostics) ||
      !write_program(*program, folder, diagnostics))
    return kFailed;
  return program;
}

Result<Samples> exact_outputs(const std::filesystem::path& model, const CompileOptions& options,
                              const Samples& inputs, bool keeps_state, Diagnostics& diagnostics) {
  CompileOptions exact = options;
  exact.may_change_outputs = false;
  Diagnostics said;
  const auto compiled = compile_for_board(model, exact, "host", said);
  if (!compiled) {
    for (const Diagnostic& diagnostic : said.all())
      if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
    return kFailed;
  }
  Samples outputs{inputs.count, {}};
  Interpreter interpreter(compiled->graph);
  for (std::size_t n = 0; n < inputs.count; ++n) {
    if (!keeps_state) interpreter.reset();
    interpreter.run(inputs.sample(n));
    for (const ValueId id : compiled->graph.public_outputs()) {
      const ByteSpan bytes(interpreter.view(id).data,
                           static_cast<std::size_t>(compiled->graph.at(id).type.size_bytes()));
      outputs.bytes.insert(outputs.bytes.end(), bytes.begin(), bytes.end());
    }
  }
  return outputs;
}

Result<Built> build_program(const Compiled& compiled, const std::filesystem::path& folder,
                            const BuildOptions& options, Diagnostics& diagnostics) {
  if (!check_fit(compiled.graph, compiled.board, diagnostics)) return kFailed;
  auto program = emitted(compiled, diagnostics);
  if (!program) return kFailed;
  auto firmware = build_firmware(*program, compiled.graph, compiled.board, folder, options, diagnostics);
  if (!firmware) return kFailed;
  return Built{std::move(*program), std::move(*firmware)};
}

}  // namespace nb
