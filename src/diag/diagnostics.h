// What went wrong or is worth knowing: kinds, places, and their texts.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nb {

enum class Severity { note, warning, error };
[[nodiscard]] std::string_view name_of(Severity severity);

enum class Kind {
#define NB_DIAGNOSTIC(identifier, name, severity, exit_code, rule) identifier,
#include "diag/diagnostics.def"
#undef NB_DIAGNOSTIC
};

struct KindRow {
  Kind kind;
  std::string_view name;
  Severity severity;
  int exit_code;
  std::string_view rule;
};

/// One row a kind, in the order of diagnostics.def.
[[nodiscard]] const std::vector<KindRow>& diagnostic_kinds();
[[nodiscard]] const KindRow& row_of(Kind kind);

/// One thing said. `message` is what was observed: lower case, no full stop.
struct Diagnostic {
  Kind kind;
  std::string message;
  std::string file = {};   ///< the user's file, if known
  std::string layer = {};  ///< the node's name and operator in the user's model, if any
  std::string line = {};   ///< the node as graph text, if it exists
  std::vector<std::string> notes = {};
  std::string help = {};  ///< what to do
};

/// Where a phase collects what it says. Ordered; never prints.
class Diagnostics {
 public:
  /// Adds one; returns kFailed so that a caller can `return diagnostics.add(...)`.
  Failed add(Diagnostic diagnostic);
  [[nodiscard]] bool has_errors() const { return error_count_ > 0; }
  [[nodiscard]] std::size_t error_count() const { return error_count_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  /// The exit code of the first error, 0 without one.
  [[nodiscard]] int exit_code() const;
  /// Fills `file` into all that name none.
  void set_file(const std::string& file);

 private:
  std::vector<Diagnostic> all_;
  std::size_t error_count_ = 0;
};

/// Text as a terminal shows it, several lines, ending in a newline. `color` adds ANSI colours.
[[nodiscard]] std::string render_text(const Diagnostic& diagnostic, bool color);

}  // namespace nb
