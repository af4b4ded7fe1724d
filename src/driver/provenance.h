// What a report names beside results: the files that were read, and the tools that were used.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "report/document.h"

namespace nb {

/// A file or folder as the user named it, with its digest and, of a model, its format. Of what cannot be
/// read the name alone.
[[nodiscard]] ReportFile report_file(const std::string& role, const std::filesystem::path& path);

/// The compilers (if anything was built) and the emulators of these cores ("cortex-m4f", "host"), each once,
/// by name.
[[nodiscard]] std::vector<ReportTool> report_tools(const std::vector<std::string>& cores, bool has_built);

}  // namespace nb
