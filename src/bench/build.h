// From an emitted program to something that runs: firmware of a virtual board, or a program of this computer.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/elf.h"
#include "emit/emit.h"
#include "graph/graph.h"
#include "target/board.h"
#include "timing/memory_system.h"

namespace nb {

/// A built program. Sizes are null on the host.
struct Firmware {
  std::filesystem::path folder, executable;
  std::optional<ElfFile> elf;
  std::vector<std::string> qemu;  ///< the command without plugin and kernel; empty on the host
  /// Program, RAM; RAM of the arena and memory of far layers' constants if these are others.
  std::vector<RegionPlace> places;
  std::string machine;                       ///< the QEMU machine; "host"
  std::vector<std::string> compile_command;  ///< of the model's source
  std::int64_t flash_bytes = 0;              ///< vectors, code, constants, initial data
  std::int64_t far_bytes = 0;                ///< constants of far layers, beside them
  std::int64_t static_bytes = 0;             ///< .data and .bss without the arena
  std::int64_t arena_bytes = 0;
};

struct BuildOptions {
  std::string optimize;  ///< "O2"; empty: the board's
  bool keeps_state_between_samples = false;
  bool has_sanitizers = false;                   ///< host only: undefined behaviour and addresses
  std::optional<std::int64_t> stack_bytes = {};  ///< that are reserved; absent: as plan_memories has it
};

/// Writes the program and its glue into `folder` and builds it for the board. Errors: tool-missing (with the
/// line that installs it), does-not-fit (by memory and bytes), build-failed, file-unwritable.
[[nodiscard]] Result<Firmware> build_firmware(const Program& program, const Graph& graph, const Board& board,
                                              const std::filesystem::path& folder,
                                              const BuildOptions& options, Diagnostics& diagnostics);

/// The compiler with its flags for code of the board, to be run in the program's folder; sources follow.
/// `optimize` is "O2" or the like; empty: the board's.
[[nodiscard]] std::vector<std::string> compile_words(const Board& board, const std::string& optimize = {});

/// Writes the program's files below `folder`.
[[nodiscard]] Status write_program(const Program& program, const std::filesystem::path& folder,
                                   Diagnostics& diagnostics);

/// Reports does-not-fit if the arena exceeds every memory that may hold it, or the constants exceed the
/// flash: what is known before a compiler ran.
[[nodiscard]] Status check_fit(const Graph& graph, const Board& board, Diagnostics& diagnostics);

}  // namespace nb
