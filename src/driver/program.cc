#include "driver/program.h"

#include <algorithm>

#include "emit/project.h"

namespace nb {

Result<Compiled> compile_for_board(const std::filesystem::path& model, const CompileOptions& options,
                                   std::string_view board_name, Diagnostics& diagnostics) {
  auto board = find_board(board_name, diagnostics);
  if (!board) return kFailed;
  for (const std::string& name : {options.stop_after, options.from}) {
    std::vector<std::string> names = {"read"};
    for (const Pass& pass : kPipeline) names.emplace_back(pass.name);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      return diagnostics.add({.kind = Kind::usage,
                              .message = "no pass is called `" + printable(name) + "`",
                              .help = "passes: " + join(names, ", ")});
  }
  std::vector<QuantizedValue> quantization;
  auto graph = compile(model, options, board->core, board->name, diagnostics,
                       options.quantize.wants_account ? &quantization : nullptr);
  if (!graph) return kFailed;
  return Compiled{std::move(*board), std::move(*graph), std::move(quantization)};
}

Result<Program> write_project(const Compiled& compiled, const std::filesystem::path& folder,
                              Diagnostics& diagnostics) {
  if (!check_fit(compiled.graph, compiled.board, diagnostics)) return kFailed;
  auto program = emit_program(compiled.graph, compiled.board.core, diagnostics);
  if (!program || !add_project_files(*program, compiled.graph, compile_words(compiled.board), diagnostics) ||
      !write_program(*program, folder, diagnostics))
    return kFailed;
  return program;
}

Result<Built> build_program(const Compiled& compiled, const std::filesystem::path& folder,
                            const BuildOptions& options, Diagnostics& diagnostics) {
  if (!check_fit(compiled.graph, compiled.board, diagnostics)) return kFailed;
  auto program = emit_program(compiled.graph, compiled.board.core, diagnostics);
  if (!program) return kFailed;
  auto firmware = build_firmware(*program, compiled.graph, compiled.board, folder, options, diagnostics);
  if (!firmware) return kFailed;
  return Built{std::move(*program), std::move(*firmware)};
}

}  // namespace nb
