#include "read/zip_format.h"

#include <algorithm>

namespace nb {

std::string top_folder(const ZipArchive& archive) {
  if (archive.entries().empty()) return {};
  const std::string& first = archive.entries().front().name;
  const std::size_t slash = first.find('/');
  if (slash == std::string::npos) return {};
  const std::string top = first.substr(0, slash + 1);
  const auto& entries = archive.entries();
  return std::all_of(entries.begin(), entries.end(),
                     [&](const ZipEntry& e) { return e.name.starts_with(top); })
             ? top
             : std::string();
}

ZipFormat zip_format_of(const ZipArchive& archive) {
  const auto has = [&](const std::string& name) { return archive.find(name) != nullptr; };
  const auto has_below = [&](const std::string& folder) {
    return std::any_of(archive.entries().begin(), archive.entries().end(),
                       [&](const ZipEntry& e) { return e.name.starts_with(folder); });
  };
  if (has("config.json") && (has("model.weights.h5") || has("metadata.json"))) return ZipFormat::keras;
  const std::string top = top_folder(archive);
  if (has(top + "archive_format") && has_below(top + "models/")) return ZipFormat::pt2;
  if (has(top + "serialized_exported_program.json")) return ZipFormat::pt2;
  if (has(top + "data.pkl"))
    return has_below(top + "code/") ? ZipFormat::torch_script : ZipFormat::torch_pickle;
  return ZipFormat::unknown;
}

}  // namespace nb
