#include "cli/validation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "cli/tables.h"

namespace nb::cli {
namespace {

constexpr std::int64_t kMostClasses = 16;

/// Four digits that matter; blank where there is no value.
std::string cell(const std::optional<double>& value) {
  if (!value) return "";
  return *value != 0 && std::abs(*value) < 1e-3 ? fmt::format("{:.2e}", *value)
                                                : fmt::format("{:.4g}", *value);
}

/// A figure that is 1 where all is well: 1 alone is exact.
std::string share_cell(const std::optional<double>& value) {
  if (!value || *value == 1 || std::abs(*value) > 10) return cell(value);
  return fmt::format("{:.6f}", *value);
}

std::string acc_cell(const std::optional<double>& acc) {
  return acc ? fmt::format("{:.2f}%", *acc * 100) : "";
}

/// A line of the table without blanks at its end.
void print_cells(const std::string& name, const std::array<std::string, 8>& cells) {
  std::string line = fmt::format("  {:<13} {:>8}", name, cells[0]);
  for (std::size_t i = 1; i < cells.size(); ++i) line += fmt::format(" {:>10}", cells[i]);
  line.resize(line.find_last_not_of(' ') + 1);
  fmt::print("{}\n", line);
}

void print_row(const std::string& name, const Scores& scores) {
  const auto of = [&](auto member) -> std::string {
    return scores.errors ? cell((*scores.errors).*member) : "";
  };
  const auto share = [&](auto member) -> std::string {
    return scores.errors ? share_cell((*scores.errors).*member) : "";
  };
  print_cells(name, {acc_cell(scores.acc), of(&Errors::rmse), of(&Errors::mae), of(&Errors::l2r),
                     of(&Errors::mean), of(&Errors::std), share(&Errors::nse), share(&Errors::cos)});
}

/// `number` is absent of a single output.
void print_output(const OutputValidation& output, std::optional<std::size_t> number) {
  const std::string rule = rule_text(output);
  fmt::print("  output {}`{}` {}{}\n", number ? std::to_string(*number) + " " : "", output.name,
             type_text(output.type),
             rule.empty()                          ? ""
             : output.task == Task::reconstruction ? ", score: " + rule
                                                   : ", acc by " + rule);
  print_cells("", {"acc", "rmse", "mae", "l2r", "mean", "std", "nse", "cos"});
  if (output.program) print_row("program", *output.program);
  if (output.reference) print_row("reference", *output.reference);
  if (output.cross) print_row("X-cross", *output.cross);
  fmt::print("\n");
}

void print_confusion(const ClassCounts& counts) {
  if (counts.confusion.empty()) return;
  if (counts.classes > kMostClasses) {
    fmt::print("  confusion: of {} classes, in --json\n\n", counts.classes);
    return;
  }
  std::int64_t most = counts.classes;
  for (const std::int64_t count : counts.confusion) most = std::max(most, count);
  const std::size_t width = grouped(most).size() + 2;
  fmt::print("  confusion: a row is a label, a column what the program decides\n  {:>6}", "");
  for (std::int64_t c = 0; c < counts.classes; ++c) fmt::print("{:>{}}", c, width);
  fmt::print("   right\n");
  for (std::int64_t row = 0; row < counts.classes; ++row) {
    fmt::print("  {:>6}", row);
    for (std::int64_t c = 0; c < counts.classes; ++c) {
      const std::int64_t count = counts.confusion[static_cast<std::size_t>(row * counts.classes + c)];
      fmt::print("{:>{}}", count == 0 ? "." : grouped(count), width);
    }
    const auto i = static_cast<std::size_t>(row);
    fmt::print("  {:>6}\n", counts.labelled[i] == 0
                                ? "-"
                                : fmt::format("{:.1f}%", 100.0 * static_cast<double>(counts.right[i]) /
                                                             static_cast<double>(counts.labelled[i])));
  }
  fmt::print("\n");
}

/// 34.1; "exact" where there is no error.
std::string decibel_text(const std::optional<double>& decibel) {
  return !decibel ? "-" : std::isinf(*decibel) ? "exact" : fmt::format("{:.1f}", *decibel);
}

void print_layers(const Validation& validation) {
  if (validation.layer_samples == 0) {
    if (validation.unmatched_layers > 0)
      fmt::print("  layers: none has the name of one of the reference's\n\n");
    return;
  }
  std::size_t name_width = 5, block_width = 5, output_width = 6;
  for (const LayerValidation& layer : validation.layers) {
    name_width = std::max(name_width, end_of(layer.name).size());
    block_width = std::max(block_width, layer.block.size());
    output_width = std::max(output_width, layer.output.size());
  }
  fmt::print("  {:<{}}  {:<{}}  {:<{}} {:>10} {:>10} {:>8}\n", "layer", name_width, "block", block_width,
             "output", output_width, "rmse", "cos", "snr dB");
  for (const LayerValidation& layer : validation.layers)
    fmt::print("  {:<{}}  {:<{}}  {:<{}} {:>10} {:>10} {:>8}\n", end_of(layer.name), name_width, layer.block,
               block_width, layer.output, output_width, cell(layer.rmse), share_cell(layer.cos),
               decibel_text(layer.snr_db));
  fmt::print("  of {}{}\n",
             validation.layer_samples == 1 ? "the first sample"
                                           : fmt::format("the first {} samples", validation.layer_samples),
             validation.unmatched_layers == 0
                 ? ""
                 : fmt::format("; {} without a twin in the reference",
                               count_text(static_cast<std::size_t>(validation.unmatched_layers), "layer")));
  if (const LayerValidation* layer = first_parting(validation))
    fmt::print("  they part at `{}`: the first layer below {} dB, an error of a tenth\n", end_of(layer->name),
               kPartingDb);
  fmt::print("\n");
}

/// The metric of both, and what lies between: points (hundredths) of shares, per cent of errors.
void print_metric(const Validation& validation, Metric metric) {
  const OutputValidation& output = *judged(validation);
  const auto program = value_of(metric, *output.program);
  if (!program) return;
  const auto reference = output.reference ? value_of(metric, *output.reference) : std::nullopt;
  const bool is_share =
      metric == Metric::accuracy || metric == Metric::auc || metric == Metric::balanced_accuracy;
  const auto text = [&](double value) { return is_share ? fmt::format("{:.4f}", value) : cell(value); };
  fmt::print("  {:<17} {:>14}", name_of(metric), text(*program));
  if (reference && !validation.is_own_reference) {
    fmt::print("  reference {}", text(*reference));
    if (is_share)
      fmt::print(", {:+.2f} points", std::round((*program - *reference) * 1e4) / 100 + 0.0);
    else if (std::abs(*program) < 100 * std::abs(*reference))
      fmt::print(", {:+.2f} %", (*program / *reference - 1) * 100);
  }
  fmt::print("\n");
}

void print_metrics(const Validation& validation) {
  const OutputValidation* output = judged(validation);
  if (output == nullptr || validation.metric == Metric::automatic) return;
  print_metric(validation, validation.metric);
  for (const Metric metric : {Metric::accuracy, Metric::balanced_accuracy, Metric::auc})
    if (metric != validation.metric && output->program->counts) print_metric(validation, metric);
}

}  // namespace

void print_validation(const Validation& validation) {
  const std::string samples =
      validation.samples == validation.samples_given
          ? grouped(validation.samples) + (validation.samples == 1 ? " sample" : " samples")
          : "the first " + grouped(validation.samples) + " of " + grouped(validation.samples_given) +
                " samples";
  fmt::print("{} on {}{}, {}; reference: {}\n\n", validation.model, validation.board,
             validation.machine == validation.board ? "" : " (" + validation.machine + ")", samples,
             validation.is_own_reference     ? "the program itself"
             : !validation.reference.empty() ? validation.reference
             : validation.is_quantized_here  ? "the model in float on this computer"
                                             : "the same model on this computer");
  for (std::size_t i = 0; i < validation.outputs.size(); ++i)
    print_output(validation.outputs[i],
                 validation.outputs.size() > 1 ? std::optional(i) : std::optional<std::size_t>());
  if (const OutputValidation* output = judged(validation); output != nullptr && output->program->counts)
    print_confusion(*output->program->counts);
  print_layers(validation);
  print_metrics(validation);
  if (validation.changes)
    fmt::print("  {:<17} {} differ from the model's own\n", "requantized", changes_text(*validation.changes));
  if (validation.instructions)
    fmt::print("  {:<17} {:>14}  an inference (the first sample's)\n", "instructions",
               grouped(*validation.instructions));
  for (const GateResult& gate : validation.gates)
    fmt::print("  {:<17} {:>14}  {} {}: {}\n", gate.option, cell(gate.value),
               gate.option.starts_with("--min") ? "at least" : "at most", cell(gate.limit),
               gate.is_kept ? "kept" : "NOT KEPT");
}

}  // namespace nb::cli
