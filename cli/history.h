// --against of compare: what changed since a kept report.
#pragma once
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "report/history.h"

namespace nb::cli {

/// The older report, and what may change.
struct Against {
  std::string file;
  nlohmann::json report;
  HistoryGates gates;
};

/// What --against and its bounds ask; empty without --against. Errors: usage, file-unreadable, bad-report.
[[nodiscard]] Result<std::optional<Against>> asked_history(const Options& options, Diagnostics& diagnostics);

/// Whether it is a kept report that is held against the older one, and not a model. Only with --against.
[[nodiscard]] bool is_of_kept_reports(const Options& options);

/// Ends `compare NEW.json --against OLD.json`.
int compare_kept(const Against& against, const Options& options, Diagnostics& diagnostics);

/// Adds the section `history` to what was found just now. Absent if there is nothing in common, which is
/// reported.
std::optional<History> add_history(nlohmann::json& found, const Against& against, const Options& options,
                                   Diagnostics& diagnostics);

void print_history(const History& history);

}  // namespace nb::cli
