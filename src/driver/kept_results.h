// What results of built programs depend on, and the costs of programs that were measured before.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "driver/program.h"
#include "report/formats.h"
#include "timing/conditions.h"

namespace nb {

/// Sources, firmware, flags, compiler, virtual machine and plugin, a line each: the same text, the same
/// binary and the same counts.
[[nodiscard]] std::string build_key(const Program& program, const Board& board);

/// What helps whose search or comparison was interrupted; `folder` keeps results, empty: none does.
[[nodiscard]] std::string resume_help(const std::filesystem::path& folder);

/// "0123456789abcdef": of any bytes.
[[nodiscard]] std::string hash_text(ByteSpan bytes);

/// The file in `folder` of what the program costs on its board with that sample, under these conditions.
/// Errors: those of emitting.
[[nodiscard]] Result<std::filesystem::path> cost_file(const std::filesystem::path& folder,
                                                      const Compiled& compiled, const Samples& sample,
                                                      const MemoryConditions& conditions,
                                                      Diagnostics& diagnostics);
/// Absent if there is none, or none that can be read.
[[nodiscard]] std::optional<VariantCost> find_cost(const std::filesystem::path& file);
/// Errors: file-unwritable.
[[nodiscard]] Status keep_cost(const std::filesystem::path& file, const VariantCost& cost,
                               Diagnostics& diagnostics);

}  // namespace nb
