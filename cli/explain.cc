// explain: a diagnostic, a block, the passes; or why a layer of a model has its numbers.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/resources.h"
#include "blocks/blocks.h"
#include "cli/formats.h"
#include "cli/progress.h"
#include "diag/unknown.h"
#include "pass/pass.h"
#include "report/block_text.h"

namespace nb::cli {
namespace {

int explain_topic(Options options) {
  Diagnostics diagnostics;
  // As a message begins, pasted: "error[does-not-fit]:".
  if (const std::size_t open = options.topic.find('['), close = options.topic.find(']');
      open != std::string::npos && close != std::string::npos && close > open)
    options.topic = options.topic.substr(open + 1, close - open - 1);
  if (options.topic.empty()) {
    fmt::print("nblocks explain TOPIC, where TOPIC is `passes`, a block of `nblocks blocks`, or\n\n");
    for (const KindRow& row : diagnostic_kinds()) fmt::print("{:<24} {}\n", row.name, row.rule);
    return 0;
  }
  if (options.topic == "passes") {
    for (const Pass& pass : kPipeline)
      fmt::print("{:<24} {:<11} -> {:<11} {}\n", pass.name, phase_name(pass.needs), phase_name(pass.gives),
                 pass.doc);
    return 0;
  }
  if (const Block* block = all_blocks().find(options.topic)) {
    fmt::print("{}", block_text(*block));
    return 0;
  }
  std::vector<std::string> names = all_blocks().names();
  for (const KindRow& row : diagnostic_kinds()) {
    names.emplace_back(row.name);
    if (row.name != options.topic) continue;
    fmt::print("{} ({}{})\n{}\n\n{}", row.name, name_of(row.severity),
               row.exit_code == 0 ? "" : fmt::format(", exit code {}", row.exit_code), row.rule,
               find_resource("docs/explain/" + std::string(row.name) + ".md").value_or(""));
    return 0;
  }
  if (std::error_code ignored; std::filesystem::exists(options.topic, ignored)) {
    diagnostics.add({.kind = Kind::usage,
                     .message = "a model is explained as it is quantized",
                     .file = options.topic,
                     .help = "add --quantize int8 --calibrate samples.npz"});
    return finish(diagnostics, options);
  }
  report_unknown("diagnostic, block or `passes`", options.topic, names, diagnostics);
  return finish(diagnostics, options);
}

int explain_model(const Options& options) {
  Diagnostics diagnostics;
  if (options.quantize.empty())
    diagnostics.add({.kind = Kind::usage,
                     .message = "a layer of a model is explained as it is quantized",
                     .help = "add --quantize int8 --calibrate samples.npz"});
  auto compile = compile_options(options, diagnostics);
  if (!compile || diagnostics.has_errors()) return finish(diagnostics, options);
  compile->quantize.layer = options.layer;
  if (!choose_as_asked(options, "cortex-m4f", *compile, diagnostics)) return finish(diagnostics, options);
  std::optional<Judge> judge;
  if (!options.data.empty()) {
    auto read = judge_as_asked(options, *compile, diagnostics);
    if (!read) return finish(diagnostics, options);
    judge = std::move(*read);
  }
  std::optional<LayerExplanation> explained;
  std::vector<LayerFormatCost> layers;
  const std::string board = options.board.empty() ? "cortex-m4f" : options.board;
  {
    ProgressLine line(options);
    const ProgressTeller tell = [&](const Progress& progress) { line.show(progress); };
    compile->quantize.progress = tell;
    const auto variants = Variants::of(options.model, *compile, board, diagnostics);
    if (!variants) return finish(diagnostics, options);
    if (options.layer.empty()) {
      auto found = layer_formats(*variants, tell, diagnostics);
      if (!found) return finish(diagnostics, options);
      layers = std::move(*found);
    } else {
      auto found = explain_layer(*variants, options.layer, judge ? &*judge : nullptr, tell, diagnostics);
      if (!found) return finish(diagnostics, options);
      explained = std::move(*found);
    }
  }
  return finish_with(explained ? explanation_json(*explained)
                               : nlohmann::json{{"board", board}, {"layers", layer_formats_json(layers)}},
                     diagnostics, options, [&] {
                       if (explained)
                         print_explanation(*explained);
                       else
                         print_layer_formats(layers, board);
                     });
}

}  // namespace

int explain(const Options& asked) {
  Options options = asked;
  if (!options.quantize.empty() || !options.calibration.empty() || !options.layer.empty())
    return explain_model(options);
  options.topic = options.model;
  if (!options.reports.empty()) {
    Diagnostics diagnostics;
    diagnostics.add({.kind = Kind::usage,
                     .message = "--report is for a model that is explained",
                     .help = "add --quantize int8 --calibrate samples.npz"});
    options.reports.clear();
    return finish(diagnostics, options);
  }
  return explain_topic(std::move(options));
}

}  // namespace nb::cli
