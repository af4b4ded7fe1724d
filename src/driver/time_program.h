// How long an emitted program takes on its board, by layer.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/build.h"
#include "bench/run.h"
#include "diag/diagnostics.h"
#include "report/costs.h"
#include "target/board.h"
#include "timing/estimate.h"

namespace nb {

struct ProgramTiming {
  std::vector<Timing> layers;  ///< one a node, of the first inference
  Timing total;                ///< with what runs between layers
  std::optional<std::int64_t> clock_hz;
  std::vector<std::string> assumptions;  ///< sentences
};

/// Sums the intervals of one inference up. `node_count`: of layers; 0: nobody asks for layers.
[[nodiscard]] ProgramTiming time_intervals(const Timer& timer, const std::vector<LayerInterval>& intervals,
                                           const MemorySystem& memories, std::size_t node_count);

/// Times one program on one board. Before it runs, `memories` says what to simulate.
class ProgramTimer {
 public:
  /// All are kept by reference.
  ProgramTimer(const Firmware& firmware, const Board& board, const MemoryConditions& conditions);

  /// Whether there is a timing model of the board's core.
  [[nodiscard]] bool knows_core() const { return core_ != nullptr; }
  /// For RunOptions; empty: no memory of the board makes the core wait.
  [[nodiscard]] std::string memories() const;
  /// From a run with RunOptions::has_edges and these `memories`. Errors: tool-missing, internal.
  [[nodiscard]] Result<ProgramTiming> timing(const Profile& profile, std::size_t node_count,
                                             Diagnostics& diagnostics) const;

 private:
  const Firmware& firmware_;
  const Board& board_;
  const CoreModel* core_;
  CachePlan plan_;
  MemorySystem system_;
};

/// The instructions of what ran on the board's core. Errors: tool-missing, interrupted, internal.
[[nodiscard]] Result<Disassembly> disassembly_of(const Profile& profile, const Board& board,
                                                 Diagnostics& diagnostics);

/// What is to be said of that clock on the board, to those that `assumptions` has: it may be above the
/// highest.
void add_clock_doubt(std::optional<std::int64_t> clock_hz, const Board& board,
                     std::vector<std::string>& assumptions);

/// What the timing costs on the board.
[[nodiscard]] RunCosts costs_of(const ProgramTiming& timing, const Board& board, const CostRequest& request);

/// Runs the samples with all that timing needs, if the board's core is known; else without. Errors: those of
/// run_firmware.
struct TimedRun {
  RunResult result;
  std::optional<ProgramTiming> timing;
};
[[nodiscard]] Result<TimedRun> run_and_time(const Firmware& firmware, const Graph& graph,
                                            const Samples& samples, const Board& board,
                                            const MemoryConditions& conditions, RunOptions options,
                                            Diagnostics& diagnostics);

}  // namespace nb
