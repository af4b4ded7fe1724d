// --report: what a verb found, as files.
#pragma once
#include "cli/commands.h"

namespace nb::cli {

/// The endings of report files, for messages and --help: of verbs without and with times of layers or
/// functions.
inline constexpr const char* kDocumentEndings = ".html (one page, for any browser) or .json (the report)";
inline constexpr const char* kReportEndings =
    ".html (one page, for any browser), .json (the report), .speedscope.json or .trace.json (estimated time, "
    "for speedscope and Chrome)";

[[nodiscard]] bool has_times(const std::string& verb);

/// Whether each file that --report names has an ending that the verb can write. Errors: usage.
[[nodiscard]] Status check_reports(const Options& options, Diagnostics& diagnostics);

/// What the verb found so far as --report would keep it.
[[nodiscard]] nlohmann::json report_of(const nlohmann::json& found, const Options& options,
                                       const Diagnostics& diagnostics);

/// Whether a file begins as a report does, not as a model. False if it cannot be read.
[[nodiscard]] bool is_kept_report(const std::string& file);

/// A report that was kept in a file. Errors: file-unreadable, bad-report.
[[nodiscard]] Result<nlohmann::json> read_report(const std::string& file, Diagnostics& diagnostics);

/// Writes the files that --report names from `found`, the verb's JSON, which may be empty if it failed.
/// Errors: file-unwritable; usage for a trace without times.
void write_reports(const nlohmann::json& found, const Options& options, Diagnostics& diagnostics);

}  // namespace nb::cli
