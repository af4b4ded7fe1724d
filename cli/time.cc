// nblocks time: what any firmware costs on a board.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/tables.h"
#include "driver/time_firmware.h"
#include "report/accuracy_page.h"
#include "report/costs.h"
#include "report/json_values.h"
#include "timing/pipeline.h"

namespace nb::cli {
namespace {

using nlohmann::json;

json firmware_timing_json(const FirmwareTiming& timing, const Board& board, const CostBasis& basis,
                          const Cost& total, const std::optional<DutyCost>& duty) {
  json functions = json::array();
  for (const FunctionTiming& one : timing.functions) {
    json row = {{"name", one.name}, {"instructions", one.timing.instructions}};
    add_cost(row, cost_of(one.timing, basis));
    row["stall_cycles_estimated"] = std::llround(one.timing.stall_cycles);
    row["cycles_share"] =
        total.cycles.typical > 0 ? rounded(one.timing.cycles() / total.cycles.typical) : json(nullptr);
    functions.push_back(std::move(row));
  }
  json places = json::array();
  for (const RegionPlace& place : timing.places)
    places.push_back({{"low", place.low}, {"high", place.high}, {"memory", place.memory}});
  json report = {{"schema_version", 1},
                 {"board", board.name},
                 {"core", board.processor},
                 {"pipeline", pipeline_name(board.processor, board.pipeline)},
                 {"machine", timing.machine},
                 {"instructions", timing.total.instructions},
                 {"stall_cycles_estimated", std::llround(timing.total.stall_cycles)},
                 {"memory_map", std::move(places)},
                 {"cost_basis", cost_basis_json(basis, duty, timing.assumptions)},
                 {"functions", std::move(functions)}};
  add_cost(report, total);
  return report;
}

void print_firmware_timing(const FirmwareTiming& timing, const Board& board, const CostBasis& basis,
                           const Cost& total, const std::optional<DutyCost>& duty) {
  fmt::print("{} ({})\n\n", board.title.empty() ? board.name : board.title, timing.machine);
  std::size_t width = 8;
  for (const FunctionTiming& one : timing.functions) width = std::max(width, end_of(one.name).size());
  fmt::print("  {:<{}} {:>14} {:>14} {:>12} {:>6}\n", "function", width, "instructions", "cycles", "waiting",
             "%");
  for (const FunctionTiming& one : timing.functions) {
    const std::string name = one.name.empty() ? "(none)" : end_of(one.name);
    const double share = total.cycles.typical > 0 ? one.timing.cycles() / total.cycles.typical * 100 : 0;
    fmt::print("  {:<{}} {:>14} {:>14} {:>12} {:>6.1f}\n", name, width, grouped(one.timing.instructions),
               grouped(std::llround(one.timing.cycles())), grouped(std::llround(one.timing.stall_cycles)),
               share);
  }
  fmt::print("\n  {:<17} {}\n", "instructions", grouped(timing.total.instructions));
  print_costs(total, timing.total.stall_cycles, basis, duty, timing.assumptions);
}

/// Published measurements beside the models' estimates.
int show_rows(const Options& options) {
  Diagnostics diagnostics;
  if (!options.reports.empty()) {
    diagnostics.add({.kind = Kind::usage, .message = "--report with --rows", .help = "--rows has --json"});
    return finish(diagnostics, options);
  }
  return finish_with(accuracy_json(timing_rows()), diagnostics, options, [&] {
    fmt::print("{}", options.is_markdown ? accuracy_markdown(timing_rows()) : accuracy_text(timing_rows()));
  });
}

/// Reports what is missing on the command line.
bool is_complete(const Options& options, Diagnostics& diagnostics) {
  std::vector<std::string> missing;
  if (options.model.empty()) missing.emplace_back("FIRMWARE");
  if (options.board.empty()) missing.emplace_back("--board");
  if (options.from.empty()) missing.emplace_back("--from");
  if (missing.empty()) return true;
  diagnostics.add({.kind = Kind::usage,
                   .message = "`time` needs " + join(missing, ", "),
                   .help = "or --rows alone: published measurements beside what the models say of them"});
  return false;
}

}  // namespace

int time(const Options& options) {
  if (options.has_rows) return show_rows(options);
  Diagnostics diagnostics;
  if (!is_complete(options, diagnostics)) return finish(diagnostics, options);
  const auto board = find_target_board(options.board, diagnostics);
  if (!board) return finish(diagnostics, options);
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  const auto request = cost_request(options, diagnostics);
  if (!conditions || !request) return finish(diagnostics, options);
  const auto timing = time_firmware({.elf = options.model,
                                     .from = options.from,
                                     .to = options.to,
                                     .memory_map = options.memory_map,
                                     .conditions = *conditions,
                                     .timeout_seconds = options.timeout_seconds},
                                    *board, diagnostics);
  if (!timing) return finish(diagnostics, options);
  const CostBasis basis = cost_basis(*board, timing->clock_hz, *request);
  const Cost total = cost_of(timing->total, basis);
  const auto duty = duty_cost(total, basis, *request);
  return finish_with(firmware_timing_json(*timing, *board, basis, total, duty), diagnostics, options,
                     [&] { print_firmware_timing(*timing, *board, basis, total, duty); });
}

}  // namespace nb::cli
