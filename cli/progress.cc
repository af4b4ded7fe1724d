#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace nb::cli {
namespace {

constexpr double kQuietSeconds = 0.5;

/// "12 s", "3 min 5 s".
std::string duration_text(double seconds) {
  const long whole = std::lround(seconds);
  return whole < 60 ? fmt::format("{} s", whole) : fmt::format("{} min {} s", whole / 60, whole % 60);
}

}  // namespace

ProgressLine::ProgressLine(const Options& options)
    : is_terminal_(!options.is_json && !options.is_quiet && ::isatty(2) != 0) {}

ProgressLine::~ProgressLine() {
  if (is_shown_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

void ProgressLine::show(const Progress& progress) {
  const auto& [step, unit, done, total] = progress;
  if (!is_terminal_) return;
  const auto now = Clock::now();
  if (step != step_) {
    step_ = step;
    step_start_ = now;
  }
  if (std::chrono::duration<double>(now - start_).count() < kQuietSeconds) return;
  std::string line = step;
  if (total > 0) {
    line += fmt::format(": {} of {} {}", grouped(static_cast<std::int64_t>(done)),
                        grouped(static_cast<std::int64_t>(total)), unit);
    const double seconds = std::chrono::duration<double>(now - step_start_).count();
    if (done > 0 && done < total)
      line += ", " + duration_text(seconds / static_cast<double>(done) * static_cast<double>(total - done)) +
              " left";
  }
  fmt::print(stderr, "\r\033[K{}", line);
  std::fflush(stderr);
  is_shown_ = true;
}

}  // namespace nb::cli
