// --quantize auto, and what people see of number formats.
#pragma once
#include <optional>

#include "cli/commands.h"
#include "driver/choose.h"

namespace nb::cli {

/// Does what --quantize auto asks for: measures formats on the options' data and board, puts the chosen ones
/// into `compile`, and prints the frontier unless --json is given. Absent without auto. Errors: usage, those
/// of choose_formats and of the data's files.
[[nodiscard]] Result<std::optional<FormatFrontier>> choose_as_asked(const Options& options,
                                                                    const std::string& standard_board,
                                                                    CompileOptions& compile,
                                                                    Diagnostics& diagnostics);

/// The labelled set that the options name, read for the float model and found to have targets for the metric.
/// Errors: those of compiling; usage, file-unreadable, input-mismatch for a set or a metric that does not
/// serve.
[[nodiscard]] Result<Judge> judge_as_asked(const Options& options, const CompileOptions& compile,
                                           Diagnostics& diagnostics);

/// The metric that the options name. Errors: usage.
[[nodiscard]] Result<Metric> metric_as_asked(const Options& options, Diagnostics& diagnostics);

void print_frontier(const FormatFrontier& frontier, const Options& options);
void print_layer_formats(const std::vector<LayerFormatCost>& layers, const std::string& board);
void print_explanation(const LayerExplanation& explanation);

}  // namespace nb::cli
