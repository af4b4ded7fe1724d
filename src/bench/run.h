// Running a built program on samples: outputs, exact instruction counts, stack.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "bench/build.h"
#include "bench/samples.h"

namespace nb {

/// What one run gave.
struct RunResult {
  Samples outputs;
  std::optional<std::int64_t> stack_bytes;  ///< high-water mark over all samples; null on the host
  std::optional<std::int64_t>
      instructions;  ///< of the first sample's inference; null on the host, or not counted
  std::vector<std::int64_t> layer_instructions;  ///< of the first sample, one a node; empty likewise
  double wall_seconds = 0;
};

struct RunOptions {
  double timeout_seconds = 600;
  std::filesystem::path plugin;  ///< libnbcount.so; empty: found beside the executable or in NBLOCKS_PLUGIN
  bool is_counting = true;       ///< instructions, on a board: it takes time
};

/// Runs the samples in order. Errors: tool-missing (QEMU or plugin), firmware-fault (with address, function
/// and fault status, or the time-out).
[[nodiscard]] Result<RunResult> run_firmware(const Firmware& firmware, const Graph& graph,
                                             const Samples& samples, const RunOptions& options,
                                             Diagnostics& diagnostics);

/// Where the counting plugin lies; empty if nowhere.
[[nodiscard]] std::filesystem::path find_plugin();

}  // namespace nb
