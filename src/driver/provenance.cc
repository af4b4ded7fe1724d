#include "driver/provenance.h"

#include <set>

#include "base/file.h"
#include "base/sha256.h"
#include "bench/build.h"
#include "bench/machines.h"
#include "bench/tools.h"
#include "driver/compile.h"

namespace nb {

ReportFile report_file(const std::string& role, const std::filesystem::path& path) {
  ReportFile file{.role = role, .file = path.string()};
  const FileRead read = read_file(path);
  if (!read.bytes) return file;
  file.sha256 = sha256_text(*read.bytes);
  file.size_bytes = static_cast<std::int64_t>(read.bytes->size());
  if (role == "model" || role == "reference") file.format = title_of(format_of(*read.bytes));
  return file;
}

std::vector<ReportTool> report_tools(const std::vector<std::string>& cores, bool has_built) {
  std::set<std::string> names;
  for (const std::string& name : cores) {
    if (const bench::CoreTarget* core = bench::find_core(name)) {
      if (has_built) names.insert(std::string(core->tool_prefix) + "g++");
      names.insert(std::string(core->machines[0]->program));
    } else if (has_built && builtin_boards().back().processor == name) {
      names.insert(compile_words(builtin_boards().back())[0]);
    }
  }
  std::vector<ReportTool> tools;
  for (const std::string& name : names) tools.push_back({name, tool_version(name)});
  return tools;
}

}  // namespace nb
