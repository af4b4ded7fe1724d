// How far a long step is, on one line of a terminal.
#pragma once
#include <chrono>
#include <string>

#include "base/progress.h"
#include "cli/commands.h"

namespace nb::cli {

/// Shows steps on stderr if it is a terminal and the options ask for talk, from half a second on; the line is
/// gone at the end.
class ProgressLine {
 public:
  explicit ProgressLine(const Options& options);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  /// Without a total only the step is shown. The time left is that of this step.
  void show(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  bool is_shown_ = false, is_terminal_ = false;
  Clock::time_point start_ = Clock::now(), step_start_ = start_;
  std::string step_;
};

}  // namespace nb::cli
