// validate: the program against its float reference, on a labelled set.
#include "driver/validate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/formats.h"
#include "cli/progress.h"
#include "cli/validation_table.h"

namespace nb::cli {

int validate(const Options& options) {
  Diagnostics diagnostics;
  auto compile = compile_options(options, diagnostics);
  if (!compile) return finish(diagnostics, options);
  const auto metric = metric_as_asked(options, diagnostics);
  if (!metric) return finish(diagnostics, options);
  ValidateOptions asked{
      .data = options.data,
      .labels = options.labels,
      .reference = options.reference,
      .metric = *metric,
      .gates = {options.min_acc, options.min_cos, options.max_rmse, options.max_mae, options.max_l2r},
      .threshold = options.threshold,
      .samples = options.samples,
      .build = {options.optimize, options.keeps_state || !options.states.empty() || !options.streams.empty(),
                options.has_sanitizers},
      .build_folder = options.save_build,
      .timeout_seconds = options.timeout_seconds};
  if (options.quantize == "auto" && !check_data(options.model, *compile, asked, diagnostics))
    return finish(diagnostics, options);
  const auto formats = choose_as_asked(options, "host", *compile, diagnostics);
  if (!formats) return finish(diagnostics, options);
  std::optional<Validation> found;
  {
    ProgressLine line(options);
    const ProgressTeller tell = [&](const Progress& progress) { line.show(progress); };
    compile->quantize.progress = tell;
    asked.progress = tell;
    auto validation = nb::validate(options.model, *compile, options.board.empty() ? "host" : options.board,
                                   asked, diagnostics);
    if (validation) found = std::move(*validation);
  }
  if (!found) return finish(diagnostics, options);
  nlohmann::json report = validation_json(*found);
  if (*formats) report["formats"] = frontier_json(**formats);
  return finish_with(report, diagnostics, options, [&] { print_validation(*found); });
}

}  // namespace nb::cli
