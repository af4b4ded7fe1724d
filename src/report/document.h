// A kept report: a verb's JSON with a section that says what made it, from what, and what follows from it
// (docs/report.md).
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"

namespace nb {

/// A file that a command read. `sha256` is empty of a folder.
struct ReportFile {
  std::string role;  ///< "model", "data", ...
  std::string file, format, sha256;
  std::int64_t size_bytes = 0;
};

/// A program that a command started, and the first line that it says of itself.
struct ReportTool {
  std::string name, version;
};

/// What a verb's own JSON does not say of itself.
struct ReportRequest {
  std::string verb;
  std::vector<std::string> command;  ///< as typed, without what only says where to write
  std::vector<std::pair<std::string, std::vector<std::string>>> options;
  std::vector<ReportFile> files;
  std::vector<ReportTool> tools;
};

/// The schema of reports. A program that reads version N reads every report whose `readable_by` is N or less.
inline constexpr int kReportVersion = 1;
/// The oldest version that this program reads, and the oldest one whose readers read what it writes.
inline constexpr int kOldestReadable = 1, kReportReadableBy = 1;

/// `ended` (see ended_json) with the section `report`, and without what differs from run to run.
[[nodiscard]] nlohmann::json report_document(nlohmann::json ended, const ReportRequest& request);

/// The document drawn as one HTML file that needs no network; absent from a program that was built without
/// the page.
[[nodiscard]] std::optional<std::string> report_page(const nlohmann::json& document);

/// A report that was kept. Errors: bad-report.
[[nodiscard]] Result<nlohmann::json> parse_report(std::string_view text, const std::string& file,
                                                  Diagnostics& diagnostics);

}  // namespace nb
