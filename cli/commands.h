// The verbs of nblocks. Each returns its exit code.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diag/diagnostics.h"
#include "driver/compile.h"
#include "timing/cost.h"

namespace nb::cli {

/// What the command line said; one struct for all verbs, each reads its part.
struct Options {
  std::string verb;                  ///< as typed
  std::vector<std::string> command;  ///< all words, but for those that say where to write
  std::vector<std::string> reports;  ///< --report
  std::vector<std::pair<std::string, std::vector<std::string>>> given;  ///< options, as `command` has them
  std::string model, board, input, output, stop_after, from, name, topic;
  std::vector<std::string> dims, input_shapes, frozen, states, streams, layers;
  std::string optimize, save_build, format, quantize, calibration, requantize, image_scale;
  std::vector<float> image_mean, image_std;
  double timeout_seconds = 600;
  std::string data, labels, reference, metric = "auto", layer;
  std::vector<std::string> words, boards, formats, companions, alternatives;
  std::string against, max_slower, max_larger, resume;
  std::string prefer, max_latency, max_energy, max_price, rate, rank_by, reserve_ram, reserve_flash,
      cpu_share;
  std::optional<std::int64_t> volume;
  std::size_t calibrate_first = 0, checked = 5, shown = 3;
  bool is_exhaustive = false;
  int jobs = 0;
  std::string like, prices, to;
  std::vector<std::string> memory_map, what_if;
  std::string period, battery;
  std::optional<double> measured_mw, sleep_mw;
  std::optional<int> supply_mv;
  std::optional<double> max_drop, max_lost;  ///< --max-drop: of --quantize auto; of --against
  std::optional<double> threshold, min_acc, min_cos, max_rmse, max_mae, max_l2r;
  std::int64_t samples = 0;
  bool is_json = false, is_markdown = false, is_quiet = false, dequantize = false, keeps_state = false,
       has_sanitizers = false, has_float_ends = false, has_rows = false;
};

int analyze(const Options& options);
int generate(const Options& options);
int run(const Options& options);
int validate(const Options& options);
int time(const Options& options);
int compare(const Options& options);
int advise(const Options& options);
int boards(const Options& options);
int blocks(const Options& options);
int explain(const Options& options);
int report(const Options& options);
int doctor(const Options& options);

/// Prints what was collected: text to stderr, or one JSON object {"ok": false, "diagnostics": [...]} to
/// stdout if the verb failed under --json. A verb that failed writes its reports, which say why. Returns the
/// exit code.
int finish(const Diagnostics& diagnostics, const Options& options);
/// Ends a verb that came to its end: writes what it found to --report, and prints it, with --json as JSON,
/// else by `print`. Returns the exit code.
int finish_with(const nlohmann::json& found, Diagnostics& diagnostics, const Options& options,
                const std::function<void()>& print);
/// What the options ask of a compilation; with --quantize auto its formats are yet to be chosen. Errors:
/// usage, and those of the files that they name.
[[nodiscard]] Result<CompileOptions> compile_options(const Options& options, Diagnostics& diagnostics);
/// What the options say about power, period and battery. Errors: usage, unknown-battery.
[[nodiscard]] Result<CostRequest> cost_request(const Options& options, Diagnostics& diagnostics);
[[nodiscard]] bool wants_color(int descriptor);

}  // namespace nb::cli
