// What a program is worth: its outputs on a labelled set, held against the targets.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "base/progress.h"
#include "driver/compare_outputs.h"
#include "driver/program.h"

namespace nb {

/// A labelled set and what it is judged by.
struct Judge {
  LabelledSet set;
  std::string file;  ///< named in diagnostics
  Metric metric = Metric::automatic;
};

struct JudgeRun {
  const Compiled& compiled;
  const Judge& judge;
  std::string what;                 ///< of progress: "int8"
  std::filesystem::path folder;     ///< it is built there
  bool keeps_state = false;         ///< from sample to sample
  std::size_t samples = 0;          ///< at most that many, the first; 0: all
  std::filesystem::path kept = {};  ///< a folder where results are kept, and found again; empty: not
  ProgressTeller progress = no_progress;
};

struct Judged {
  Metric metric = Metric::automatic;
  double value = 0;
  std::int64_t trials = 0;  ///< decisions that an accuracy counts; 0 of other metrics
  std::size_t samples = 0;
  std::vector<std::uint64_t> sample_hashes;  ///< of the outputs of each sample
};

/// Builds the program for its board and runs the set there. Errors: those of building and running;
/// input-mismatch and usage for a set or a metric that does not fit the model.
[[nodiscard]] Result<Judged> judge_program(const JudgeRun& run, Diagnostics& diagnostics);

/// What `judge.metric` comes to for the set's targets. Errors: usage, without targets.
[[nodiscard]] Result<Metric> metric_of(const Graph& graph, const Judge& judge, Diagnostics& diagnostics);

/// Where nine in ten shares of that many trials lie (Wilson's score interval); both `value` without trials.
struct ValueInterval {
  double low = 0, high = 0;
};
[[nodiscard]] ValueInterval value_interval(double value, std::int64_t trials);

/// Samples `first` to `end` of each array, of which `count` are samples along the first axis; others whole.
[[nodiscard]] LabelledSet part_of(const LabelledSet& set, std::size_t first, std::size_t end,
                                  std::size_t count);

}  // namespace nb
