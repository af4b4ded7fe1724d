// Running a built program on samples: outputs, exact instruction counts, stack.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "bench/build.h"
#include "bench/emulate.h"
#include "bench/samples.h"

namespace nb {

/// What one run gave.
struct RunResult {
  Samples outputs;
  std::optional<std::int64_t> stack_bytes;  ///< high-water mark over all samples; null on the host
  std::optional<std::int64_t>
      instructions;  ///< of the first sample's inference; null on the host, or not counted
  std::vector<std::int64_t> layer_instructions;  ///< of the first sample, one a node; empty likewise
  std::optional<Profile> profile;                ///< of the run up to the end of the first inference
  double wall_seconds = 0;
};

struct RunOptions {
  double timeout_seconds = 600;
  std::filesystem::path plugin;  ///< libnbcount.so; empty: found beside the executable or in NBLOCKS_PLUGIN
  bool is_counting = true;       ///< instructions, on a board: it takes time
  bool has_edges = false;        ///< RunResult::profile has them, for timing: it takes more time
  std::string memories;          ///< of CountRequest
};

/// Which inference and layer an interval of a profile belongs to.
struct LayerInterval {
  std::size_t interval = 0;          ///< of Profile::intervals
  std::optional<std::size_t> layer;  ///< the node; absent: between layers
};
/// The intervals of the first inference.
[[nodiscard]] std::vector<LayerInterval> layer_intervals(const Firmware& firmware, const Profile& profile,
                                                         std::size_t node_count);

/// Runs the samples in order. Errors: tool-missing (QEMU or plugin), firmware-fault (with address, function
/// and fault status, or the time-out).
[[nodiscard]] Result<RunResult> run_firmware(const Firmware& firmware, const Graph& graph,
                                             const Samples& samples, const RunOptions& options,
                                             Diagnostics& diagnostics);

}  // namespace nb
