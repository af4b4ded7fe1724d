#include "report/accuracy_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "report/json_values.h"

namespace nb {
namespace {

using nlohmann::json;

/// "3.1 %"; a dash if there is nothing.
std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f} %", 100 * *share) : "-";
}

std::string signed_percent(double share) { return fmt::format("{:+.1f} %", 100 * share); }

/// Half of the interval in relation to its middle is told by its ends: "-7.1 % to +7.6 %".
std::string ends(const CycleInterval& interval) {
  return signed_percent(interval.low - 1) + " to " + signed_percent(interval.high - 1);
}

/// Shares over all rows of all cores.
struct Totals {
  std::size_t rows = 0;
  double inside = 0;
  std::vector<double> widths;
};

Totals totals_of(std::span<const CoreAccuracy> cores, bool of_same_code) {
  Totals totals;
  for (const CoreAccuracy& core : cores) {
    const ErrorSummary& errors = of_same_code ? core.same_code : core.other_compilers;
    const auto& coverage = of_same_code ? core.same_code_coverage : core.other_coverage;
    totals.rows += errors.rows;
    totals.inside += coverage.value_or(0) * static_cast<double>(errors.rows);
    totals.widths.insert(totals.widths.end(), errors.rows,
                         core.basis.interval.high - core.basis.interval.low);
  }
  std::sort(totals.widths.begin(), totals.widths.end());
  return totals;
}

std::string totals_text(std::span<const CoreAccuracy> cores, bool of_same_code) {
  const Totals totals = totals_of(cores, of_same_code);
  if (totals.rows == 0) return "no rows";
  return fmt::format(
      "{:.0f} of {} rows lie in the interval that the other programs give ({:.1f} %), "
      "its median width is {:.1f} %",
      totals.inside, totals.rows, 100 * totals.inside / static_cast<double>(totals.rows),
      100 * totals.widths[totals.widths.size() / 2]);
}

json summary_json(const ErrorSummary& errors, const std::optional<double>& coverage) {
  return {{"rows", errors.rows},
          {"programs", errors.programs},
          {"median_error", or_null(errors.median)},
          {"worst_error", errors.rows == 0 ? json(nullptr) : json(errors.worst)},
          {"worst_row", errors.rows == 0 ? json(nullptr) : json(errors.worst_row)},
          {"ratio_of_geometric_means", errors.rows == 0 ? json(nullptr) : json(errors.mean_ratio)},
          {"coverage", or_null(coverage)}};
}

std::array<std::string, 6> cells_of(const ErrorSummary& errors, const std::optional<double>& coverage) {
  if (errors.rows == 0) return {"0", "", "", "", "", ""};
  return {std::to_string(errors.rows),  std::to_string(errors.programs),       percent(errors.median),
          signed_percent(errors.worst), signed_percent(errors.mean_ratio - 1), percent(coverage)};
}

}  // namespace

std::string accuracy_text(std::span<const TimingRow> rows) {
  std::string text;
  std::string_view pipeline;
  for (const TimingRow& row : rows) {
    if (row.pipeline != pipeline) {
      pipeline = row.pipeline;
      text += fmt::format("{}{}\n  {:<54} {:<18} {:>13} {:>13} {:>9}\n", text.empty() ? "" : "\n", pipeline,
                          "row", "board", "published", "estimated", "error");
    }
    const std::string_view mark = row.is_rule()        ? "rule"
                                  : !row.apart.empty() ? "apart"
                                  : !row.has_same_code ? "other compiler"
                                                       : "";
    text += fmt::format("  {:<54} {:<18} {:>13} {:>13} {:>9}  {}\n", row.id, row.board,
                        grouped(std::llround(row.cycles_published)),
                        grouped(std::llround(row.cycles_estimated)), signed_percent(row.error()), mark);
  }
  const std::vector<CoreAccuracy> cores = core_accuracy(rows);
  const auto table = [&](std::string_view title, bool of_same_code) {
    text += fmt::format("\n{}\n  {:<14} {:>5} {:>9} {:>8} {:>9} {:>9} {:>9}\n", title, "core", "rows",
                        "programs", "median", "worst", "mean", "covered");
    for (const CoreAccuracy& core : cores) {
      const auto cells = cells_of(of_same_code ? core.same_code : core.other_compilers,
                                  of_same_code ? core.same_code_coverage : core.other_coverage);
      text += fmt::format("  {:<14} {:>5} {:>9} {:>8} {:>9} {:>9} {:>9}\n", core.pipeline, cells[0], cells[1],
                          cells[2], cells[3], cells[4], cells[5]);
    }
    text += fmt::format("  {}\n", totals_text(cores, of_same_code));
  };
  table("the instructions that were measured", true);
  table("the same source by another compiler", false);
  text += fmt::format("\nintervals and rules\n  {:<14} {:>20} {:>10}  {}\n", "core", "9 in 10 lie within",
                      "rules met", "from");
  for (const CoreAccuracy& core : cores)
    text +=
        fmt::format("  {:<14} {:>20} {:>10}  {}\n", core.pipeline, ends(core.basis.interval),
                    core.rules == 0 ? "" : fmt::format("{}/{}", core.rules_met, core.rules), core.basis.why);
  return text;
}

json accuracy_json(std::span<const TimingRow> rows) {
  json list = json::array();
  for (const TimingRow& row : rows)
    list.push_back({{"id", row.id},
                    {"program", row.program},
                    {"pipeline", row.pipeline},
                    {"processor", row.processor},
                    {"part", row.part},
                    {"board", row.board},
                    {"kind", row.kind},
                    {"same_code", row.has_same_code},
                    {"compiler", row.compiler},
                    {"cycles_published", row.cycles_published},
                    {"published", row.published},
                    {"source", row.source},
                    {"instructions", row.instructions},
                    {"cycles_estimated", row.cycles_estimated},
                    {"stall_cycles_estimated", row.stall_cycles_estimated},
                    {"error", row.error()},
                    {"apart", text_or_null(row.apart)}});
  const std::vector<CoreAccuracy> cores = core_accuracy(rows);
  json by_core = json::array();
  for (const CoreAccuracy& core : cores)
    by_core.push_back({{"pipeline", core.pipeline},
                       {"same_code", summary_json(core.same_code, core.same_code_coverage)},
                       {"other_compilers", summary_json(core.other_compilers, core.other_coverage)},
                       {"median_error_with_factor", or_null(core.median_with_factor)},
                       {"interval", {core.basis.interval.low, core.basis.interval.high}},
                       {"interval_is_widened", core.basis.is_widened},
                       {"interval_from", core.basis.why},
                       {"rules", core.rules},
                       {"rules_met", core.rules_met}});
  const auto total = [&](bool of_same_code) -> json {
    const Totals totals = totals_of(cores, of_same_code);
    if (totals.rows == 0) return nullptr;
    return {{"rows", totals.rows},
            {"coverage", totals.inside / static_cast<double>(totals.rows)},
            {"median_width", totals.widths[totals.widths.size() / 2]}};
  };
  return {{"ok", true},
          {"rows", list},
          {"cores", by_core},
          {"same_code", total(true)},
          {"other_compilers", total(false)}};
}

std::string accuracy_markdown(std::span<const TimingRow> rows) {
  const std::vector<CoreAccuracy> cores = core_accuracy(rows);
  std::string text;
  const auto table = [&](bool of_same_code) {
    text +=
        "| core | rows | programs | median error | worst | mean ratio | in the interval |\n"
        "|---|--:|--:|--:|--:|--:|--:|\n";
    for (const CoreAccuracy& core : cores) {
      const auto cells = cells_of(of_same_code ? core.same_code : core.other_compilers,
                                  of_same_code ? core.same_code_coverage : core.other_coverage);
      if (cells[0] == "0") continue;
      text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", core.pipeline, cells[0], cells[1],
                          cells[2], cells[3], cells[4], cells[5]);
    }
    text += "\n" + totals_text(cores, of_same_code) + ".\n";
  };
  text += "### The instructions that were measured\n";
  table(true);
  text += "\n### The same source by another compiler\n";
  table(false);
  text +=
      "\n### Intervals, rules, and what a fitted factor would do\n"
      "| core | 9 in 10 lie within | from | rules met | median with a factor |\n|---|---|---|--:|--:|\n";
  for (const CoreAccuracy& core : cores)
    text +=
        fmt::format("| {} | {} | {} | {} | {} |\n", core.pipeline, ends(core.basis.interval), core.basis.why,
                    core.rules == 0 ? "" : fmt::format("{}/{}", core.rules_met, core.rules),
                    percent(core.median_with_factor));
  return text;
}

}  // namespace nb
