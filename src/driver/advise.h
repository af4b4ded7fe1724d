// What to do so that a model fits: number formats, kernels, memories and parts, tried, measured and ranked.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "advise/advice.h"
#include "base/progress.h"
#include "driver/compile.h"
#include "timing/conditions.h"

namespace nb {

/// Another model on the same part, as it is: it takes its flash, its state and its share of the core, and
/// lends its arena while it does not run.
struct Companion {
  std::filesystem::path model;
  std::optional<double> period_ms;  ///< how often it runs
};

struct AdviseRequest {
  std::filesystem::path model;
  /// Other models for the same task, say smaller ones, that take the same data: ways like the others.
  std::vector<std::filesystem::path> alternatives = {};
  std::vector<Companion> companions = {};
  CompileOptions options;      ///< `quantize` has the calibration, if any, and what the user fixed
  std::filesystem::path data;  ///< a labelled set; empty: accuracy is unmeasured
  std::string labels;
  Metric metric = Metric::automatic;
  std::vector<std::string> boards;  ///< empty: all of the catalogue that programs are built for
  AdviceLimits limits;
  RankBy rank_by = RankBy::price;
  std::string currency;  ///< of prices and their limit; empty: that of most prices
  std::optional<std::int64_t> volume;
  MemoryConditions conditions;
  CostRequest cost;
  const PriceList* prices = nullptr;
  std::filesystem::path folder;  ///< results are kept there, and found again; empty: not
  unsigned jobs = 0;             ///< threads; 0: as many as this computer has
  double timeout_seconds = 600;  ///< of each run
  /// Every format, goal and memory is priced on every board, also where a better one of the same kind is
  /// known. For tests of the search.
  bool is_exhaustive = false;
  std::size_t checked = 5;  ///< ranked answers that are built for their board and run there on the data
  /// What builds a model's program, without format and board: "nblocks generate net.onnx".
  std::function<std::string(const std::filesystem::path& model)> command;
  ProgressTeller progress = no_progress;
};

/// Searches. For each format of each model (a float one: those of choose_formats; an integer one: its own,
/// and with faster rounding) all boards are priced with everything inside; where that does not fit, kernels
/// for less RAM or flash are tried, then external memories. The first answers are run on their virtual
/// boards. Reports gate-failed if no way keeps all limits, does-not-fit if none fits. Errors: usage,
/// input-mismatch, those of compiling, interrupted, file-unwritable.
[[nodiscard]] Result<Advice> advise(const AdviseRequest& request, Diagnostics& diagnostics);

}  // namespace nb
