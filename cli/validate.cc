// validate: the program against its float reference, on a labelled set.
#include "driver/validate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/validation_table.h"

namespace nb::cli {

int validate(const Options& options) {
  Diagnostics diagnostics;
  const auto compile = compile_options(options, diagnostics);
  if (!compile) return finish(diagnostics, options);
  const auto metric = find_metric(options.metric);
  if (!metric) {
    const std::string near = nearest(options.metric, metric_names());
    diagnostics.add(
        {.kind = Kind::usage,
         .message = "--metric `" + printable(options.metric) + "` is no metric",
         .help = near.empty() ? "metrics: " + join(metric_names(), ", ") : "did you mean `" + near + "`?"});
    return finish(diagnostics, options);
  }
  std::optional<Validation> found;
  {
    ProgressLine line(options);
    const bool keeps_state = options.keeps_state || !options.states.empty() || !options.streams.empty();
    auto validation = nb::validate(
        options.model, *compile, options.board.empty() ? "host" : options.board,
        {.data = options.data,
         .labels = options.labels,
         .reference = options.reference,
         .metric = *metric,
         .gates = {options.min_acc, options.min_cos, options.max_rmse, options.max_mae, options.max_l2r},
         .threshold = options.threshold,
         .samples = options.samples,
         .build = {options.optimize, keeps_state, options.has_sanitizers},
         .build_folder = options.save_build,
         .timeout_seconds = options.timeout_seconds,
         .progress = [&](const Progress& p) { line.show(p); }},
        diagnostics);
    if (validation) found = std::move(*validation);
  }
  if (!found) return finish(diagnostics, options);
  if (options.is_json) return finish_with(validation_json(*found), diagnostics, options);
  print_validation(*found);
  return finish(diagnostics, options);
}

}  // namespace nb::cli
