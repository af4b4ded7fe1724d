#include "diag/diagnostics.h"

namespace nb {

std::string_view name_of(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "note";
}

const std::vector<KindRow>& diagnostic_kinds() {
  static const std::vector<KindRow> kRows = {
#define NB_DIAGNOSTIC(identifier, name, severity, exit_code, rule) \
  KindRow{Kind::identifier, name, Severity::severity, exit_code, rule},
#include "diag/diagnostics.def"
#undef NB_DIAGNOSTIC
  };
  return kRows;
}

const KindRow& row_of(Kind kind) { return diagnostic_kinds()[static_cast<std::size_t>(kind)]; }

Failed Diagnostics::add(Diagnostic diagnostic) {
  if (row_of(diagnostic.kind).severity == Severity::error) ++error_count_;
  std::erase(diagnostic.notes, std::string());
  all_.push_back(std::move(diagnostic));
  return kFailed;
}

int Diagnostics::exit_code() const {
  for (const Diagnostic& diagnostic : all_)
    if (row_of(diagnostic.kind).severity == Severity::error) return row_of(diagnostic.kind).exit_code;
  return 0;
}

void Diagnostics::set_file(const std::string& file) {
  for (Diagnostic& diagnostic : all_)
    if (diagnostic.file.empty()) diagnostic.file = file;
}

std::string render_text(const Diagnostic& diagnostic, bool color) {
  const KindRow& row = row_of(diagnostic.kind);
  const std::string bold = color ? "\033[1m" : "", plain = color ? "\033[0m" : "";
  const std::string hue = !color                              ? ""
                          : row.severity == Severity::error   ? "\033[31m"
                          : row.severity == Severity::warning ? "\033[33m"
                                                              : "\033[36m";
  std::string text = bold + hue + std::string(name_of(row.severity)) + "[" + std::string(row.name) + "]" +
                     plain + bold + ": " + diagnostic.message + plain + "\n";
  if (!diagnostic.file.empty() || !diagnostic.layer.empty()) {
    text += "  --> " + diagnostic.file;
    if (!diagnostic.file.empty() && !diagnostic.layer.empty()) text += ": ";
    text += diagnostic.layer + "\n";
  }
  if (!diagnostic.line.empty()) text += "    " + diagnostic.line + "\n";
  for (const std::string& note : diagnostic.notes) text += "  note: " + note + "\n";
  if (!diagnostic.help.empty()) text += "  help: " + diagnostic.help + "\n";
  if (row.severity == Severity::error) text += "  see: nblocks explain " + std::string(row.name) + "\n";
  return text;
}

}  // namespace nb
