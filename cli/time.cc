// nblocks time: what any firmware costs on a board.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "driver/time_firmware.h"

namespace nb::cli {

int time(const Options& options) {
  Diagnostics diagnostics;
  const auto board = find_target_board(options.board, diagnostics);
  if (!board) return finish(diagnostics, options);
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  if (!conditions) return finish(diagnostics, options);
  const TimeRequest request{.elf = options.model,
                            .from = options.from,
                            .to = options.to,
                            .memory_map = options.memory_map,
                            .conditions = *conditions,
                            .timeout_seconds = options.timeout_seconds};
  const auto timing = time_firmware(request, *board, diagnostics);
  if (!timing) return finish(diagnostics, options);
  const auto ms = [&](double cycles) {
    return timing->clock_hz ? cycles * 1e3 / static_cast<double>(*timing->clock_hz) : 0;
  };
  if (options.is_json) {
    nlohmann::json functions = nlohmann::json::array();
    for (const FunctionTiming& one : timing->functions)
      functions.push_back({{"name", one.name},
                           {"instructions", one.timing.instructions},
                           {"cycles_estimated", std::llround(one.timing.cycles())}});
    return finish_with({{"ok", true},
                        {"board", board->name},
                        {"instructions", timing->total.instructions},
                        {"cycles_estimated", std::llround(timing->total.cycles())},
                        {"stall_cycles_estimated", std::llround(timing->total.stall_cycles)},
                        {"functions", functions}},
                       diagnostics, options);
  }
  fmt::print("  {:<40} {:>14} {:>14} {:>12} {:>10}\n", "function", "instructions", "cycles", "waiting", "ms");
  for (const FunctionTiming& one : timing->functions)
    fmt::print("  {:<40} {:>14} {:>14} {:>12} {:>10.3f}\n", printable(one.name, 40),
               grouped(one.timing.instructions), grouped(std::llround(one.timing.cycles())),
               grouped(std::llround(one.timing.stall_cycles)), ms(one.timing.cycles()));
  fmt::print("\n  {:<40} {:>14} {:>14} {:>12} {:>10.3f}\n", "total", grouped(timing->total.instructions),
             grouped(std::llround(timing->total.cycles())), grouped(std::llround(timing->total.stall_cycles)),
             ms(timing->total.cycles()));
  for (const std::string& sentence : timing->assumptions) fmt::print("  assumed: {}\n", sentence);
  return finish(diagnostics, options);
}

}  // namespace nb::cli
