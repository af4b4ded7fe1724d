#include "driver/time_program.h"

#include "bench/machines.h"

namespace nb {

ProgramTimer::ProgramTimer(const Firmware& firmware, const Board& board, const MemoryConditions& conditions)
    : firmware_(firmware),
      board_(board),
      core_(find_core_model(board.processor, board.pipeline)),
      system_(board, firmware.places, conditions, plan_) {}

std::string ProgramTimer::memories() const {
  return plan_.is_empty() ? std::string() : plan_.text(firmware_.places);
}

Result<Disassembly> disassembly_of(const Profile& profile, const Board& board, Diagnostics& diagnostics) {
  const bench::CoreTarget* core = bench::find_core(board.processor);
  if (core == nullptr)
    return diagnostics.add({.kind = Kind::internal, .message = "nothing runs code of " + board.processor});
  return Disassembly::of(profile, std::string(core->tool_prefix), std::string(core->disassembler_machine),
                         diagnostics);
}

ProgramTiming time_intervals(const Timer& timer, const std::vector<LayerInterval>& intervals,
                             const MemorySystem& memories, std::size_t node_count) {
  ProgramTiming result{.layers = std::vector<Timing>(node_count),
                       .clock_hz = memories.clock_hz(),
                       .assumptions = memories.assumptions()};
  std::int64_t unread = 0;
  for (const LayerInterval& one : intervals) {
    for (const Timing& block : timer.timing(one.interval, memories)) {
      result.total += block;
      if (one.layer && *one.layer < node_count) result.layers[*one.layer] += block;
    }
    unread += timer.unread_instructions(one.interval);
  }
  for (std::string& doubt : timer.doubts(unread)) result.assumptions.push_back(std::move(doubt));
  return result;
}

Result<ProgramTiming> ProgramTimer::timing(const Profile& profile, std::size_t node_count,
                                           Diagnostics& diagnostics) const {
  const auto code = disassembly_of(profile, board_, diagnostics);
  if (!code) return kFailed;
  return time_intervals(Timer(*core_, *code, profile), layer_intervals(firmware_, profile, node_count),
                        system_, node_count);
}

void add_clock_doubt(std::optional<std::int64_t> clock_hz, const Board& board,
                     std::vector<std::string>& assumptions) {
  if (clock_hz && board.clock_hz && *clock_hz > *board.clock_hz)
    assumptions.push_back("runs above its highest clock, " + std::to_string(*board.clock_hz / 1'000'000) +
                          " MHz");
}

RunCosts costs_of(const ProgramTiming& timing, const Board& board, const CostRequest& request) {
  RunCosts costs{.basis = cost_basis(board, timing.clock_hz, request),
                 .stall_cycles = timing.total.stall_cycles,
                 .assumptions = timing.assumptions};
  add_clock_doubt(timing.clock_hz, board, costs.assumptions);
  for (const Timing& layer : timing.layers) costs.layers.push_back(cost_of(layer, costs.basis));
  costs.total = cost_of(timing.total, costs.basis);
  costs.duty = duty_cost(costs.total, costs.basis, request);
  return costs;
}

Result<TimedRun> run_and_time(const Firmware& firmware, const Graph& graph, const Samples& samples,
                              const Board& board, const MemoryConditions& conditions, RunOptions options,
                              Diagnostics& diagnostics) {
  const ProgramTimer timer(firmware, board, conditions);
  const bool is_timed = timer.knows_core() && !firmware.qemu.empty();
  options.has_edges = is_timed;
  if (is_timed) options.memories = timer.memories();
  auto result = run_firmware(firmware, graph, samples, options, diagnostics);
  if (!result) return kFailed;
  TimedRun run{std::move(*result), std::nullopt};
  if (!is_timed || !run.result.profile) return run;
  auto timing = timer.timing(*run.result.profile, graph.nodes.size(), diagnostics);
  if (!timing) return kFailed;
  run.timing = std::move(*timing);
  return run;
}

}  // namespace nb
