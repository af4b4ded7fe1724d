// What faces take from a compiled model: a folder of sources, or a program that runs.
#pragma once
#include <filesystem>
#include <string_view>

#include "bench/build.h"
#include "driver/compile.h"
#include "emit/emit.h"
#include "report/report.h"
#include "target/board.h"

namespace nb {

/// A model compiled for a board, as far as was asked.
struct Compiled {
  Board board;
  Graph graph;
  std::vector<QuantizedValue> quantization = {};  ///< if QuantizeOptions::wants_account
};

/// Compiles a model file for a board of the catalogue, or of a .toml file. Errors: those of find_board and
/// compile; usage if `options` name a pass that there is none of.
[[nodiscard]] Result<Compiled> compile_for_board(const std::filesystem::path& model,
                                                 const CompileOptions& options, std::string_view board,
                                                 Diagnostics& diagnostics);

/// Has the board's compiler serve the goal: code for the least flash is compiled for size.
void serve_goal(Board& board, KernelGoal goal);

/// The program, with constants where the board's placement has them. Errors: those of emit_program.
[[nodiscard]] Result<Program> emitted(const Compiled& compiled, Diagnostics& diagnostics);

/// What analyze() says, with weights as the program has them: packed for its kernels, equal tables once; as
/// the graph has them where no program can be emitted.
[[nodiscard]] Analysis analysis_of(const Compiled& compiled);

/// The program with its README.md and CMakeLists.txt, written into `folder`. Errors: does-not-fit,
/// file-unwritable.
[[nodiscard]] Result<Program> write_project(const Compiled& compiled, const std::filesystem::path& folder,
                                            Diagnostics& diagnostics);

/// What the model gives without --requantize: its reference, on this computer. Errors: those of compiling.
[[nodiscard]] Result<Samples> exact_outputs(const std::filesystem::path& model, const CompileOptions& options,
                                            const Samples& inputs, bool keeps_state,
                                            Diagnostics& diagnostics);

/// A program with what was built of it.
struct Built {
  Program program;
  Firmware firmware;
};

/// Emits the program and builds it in `folder` for run_firmware. Errors: does-not-fit and those of
/// build_firmware.
[[nodiscard]] Result<Built> build_program(const Compiled& compiled, const std::filesystem::path& folder,
                                          const BuildOptions& options, Diagnostics& diagnostics);

}  // namespace nb
