// Running a program on many samples, with word of how far it is.
#pragma once
#include <string>

#include "base/progress.h"
#include "bench/run.h"

namespace nb {

/// A built program and how it is run.
struct BatchRun {
  const Graph* graph = nullptr;
  Firmware firmware;
  std::string step;              ///< of progress: "program on host"
  bool keeps_state = false;      ///< from sample to sample: all are one batch
  double timeout_seconds = 600;  ///< of a batch
  ProgressTeller progress = no_progress;
};

/// Runs all samples, the first by itself (it is the one that is counted), the rest in batches; what they gave
/// is one. Errors: those of run_firmware.
[[nodiscard]] Result<RunResult> run_batches(const BatchRun& run, const Samples& samples,
                                            Diagnostics& diagnostics);

}  // namespace nb
