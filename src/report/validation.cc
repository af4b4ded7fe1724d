#include "report/validation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/json_values.h"

namespace nb {
using nlohmann::json;

namespace {

struct MetricRow {
  Metric metric;
  std::string_view name;
  bool is_larger_better, is_of_classes;
};
constexpr std::array<MetricRow, 9> kMetrics = {{{Metric::accuracy, "accuracy", true, true},
                                                {Metric::balanced_accuracy, "balanced-accuracy", true, true},
                                                {Metric::auc, "auc", true, true},
                                                {Metric::mse, "mse", false, false},
                                                {Metric::rmse, "rmse", false, false},
                                                {Metric::mae, "mae", false, false},
                                                {Metric::l2r, "l2r", false, false},
                                                {Metric::nse, "nse", true, false},
                                                {Metric::cos, "cos", true, false}}};

const MetricRow& row_of(Metric metric) {
  return *std::find_if(kMetrics.begin(), kMetrics.end(),
                       [&](const auto& row) { return row.metric == metric; });
}

/// The mean over classes that are labels, but not all of them, of the area for that class against the rest.
/// Of two classes that is one area, of their scores' difference.
std::optional<double> area_by_classes(const Targets& targets, const std::vector<double>& outputs) {
  const auto classes = static_cast<std::size_t>(targets.classes),
             inner = static_cast<std::size_t>(targets.inner);
  double sum = 0;
  int areas = 0;
  for (std::size_t c = classes == 2 ? 1 : 0; c < classes; ++c) {
    std::vector<double> scores;
    std::vector<bool> is_positive;
    for (std::size_t i = 0; i < targets.labels.size(); ++i) {
      const std::size_t first = i / inner * classes * inner + i % inner;
      scores.push_back(outputs[first + c * inner] - (classes == 2 ? outputs[first] : 0));
      is_positive.push_back(targets.labels[i] == static_cast<std::int64_t>(c));
    }
    if (const auto area = area_under_roc(scores, is_positive)) {
      sum += *area;
      ++areas;
    }
  }
  return areas == 0 ? std::nullopt : std::optional(sum / areas);
}

/// The mean square error of each sample.
std::vector<double> sample_errors(const std::vector<double>& outputs, const std::vector<double>& expected,
                                  std::size_t samples) {
  const std::size_t size = outputs.size() / samples;
  std::vector<double> errors(samples);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    errors[i / size] += (outputs[i] - expected[i]) * (outputs[i] - expected[i]) / static_cast<double>(size);
  return errors;
}

Scores against_targets(const Targets& targets, const std::vector<double>& outputs, double threshold,
                       const ScoreOptions& options, const Type& type) {
  Scores scores;
  const std::vector<bool> is_positive = [&] {
    std::vector<bool> flags;
    for (const std::int64_t label : targets.labels) flags.push_back(label == 1);
    return flags;
  }();
  switch (targets.task) {
    case Task::reconstruction: {
      const std::vector<double> errors = sample_errors(outputs, options.input, targets.labels.size());
      scores.auc = area_under_roc(errors, is_positive);
      break;
    }
    case Task::binary:
    case Task::classes:
      scores.counts = count_classes(targets.labels, decisions(targets, outputs, threshold), targets.classes);
      scores.acc = scores.counts->accuracy();
      scores.balanced_accuracy = scores.counts->balanced_accuracy();
      scores.auc = targets.task == Task::binary ? area_under_roc(outputs, is_positive)
                                                : area_by_classes(targets, outputs);
      break;
    case Task::values:
      if (const auto axis = single_axis(type.shape); axis && options.is_classifier) {
        const auto found = decisions(*axis, outputs, 0), wanted = decisions(*axis, targets.values, 0);
        scores.acc = count_classes(wanted, found, axis->classes).accuracy();
      }
  }
  if (!targets.values.empty()) scores.errors = errors_of(outputs, targets.values);
  return scores;
}

Scores against_reference(const OutputValues& values, double threshold, bool is_classifier) {
  Scores scores;
  scores.errors = errors_of(values.program, *values.reference);
  const auto agreement = [&](const Targets& axis) {
    const auto found = decisions(axis, values.program, threshold),
               wanted = decisions(axis, *values.reference, threshold);
    scores.acc = count_classes(wanted, found, axis.classes).accuracy();
  };
  if (values.targets && (values.targets->task == Task::classes || values.targets->task == Task::binary))
    agreement(*values.targets);
  else if (const auto axis = single_axis(values.type.shape); axis && is_classifier)
    agreement(*axis);
  return scores;
}

json scores_json(const std::optional<Scores>& scores, bool is_cross) {
  if (!scores) return nullptr;
  json one = errors_json(scores->errors);
  one["acc"] = or_null(scores->acc);
  if (is_cross) return one;
  one["balanced_accuracy"] = or_null(scores->balanced_accuracy);
  one["auc"] = or_null(scores->auc);
  one["confusion"] = nullptr;
  if (scores->counts && !scores->counts->confusion.empty()) {
    const auto& counts = *scores->counts;
    json rows = json::array();
    for (auto at = counts.confusion.begin(); at != counts.confusion.end(); at += counts.classes)
      rows.push_back(std::vector<std::int64_t>(at, at + counts.classes));
    one["confusion"] = std::move(rows);
  }
  return one;
}

/// One gate: its option, what it is held against, on which side of the limit values are kept.
struct GateRow {
  std::string_view option;
  std::optional<double> Gates::*limit;
  double least, most;
  bool is_minimum;
  std::string_view what;
};
constexpr double kNoMost = 1e300;
constexpr std::array<GateRow, 5> kGates = {{
    {"--min-acc", &Gates::min_acc, 0, 1, true, "accuracy against the labels"},
    {"--min-cos", &Gates::min_cos, -1, 1, true, "cosine to the reference"},
    {"--max-rmse", &Gates::max_rmse, 0, kNoMost, false, "rmse against the reference"},
    {"--max-mae", &Gates::max_mae, 0, kNoMost, false, "mae against the reference"},
    {"--max-l2r", &Gates::max_l2r, 0, kNoMost, false, "relative error (l2r) against the reference"},
}};

std::optional<double> gate_value(const GateRow& gate, const OutputValidation& output) {
  if (gate.option == "--min-acc") return output.program ? output.program->acc : std::nullopt;
  if (!output.cross || !output.cross->errors) return std::nullopt;
  const Errors& errors = *output.cross->errors;
  if (gate.option == "--min-cos") {
    // Of zeros there is no angle: equal ones are as near as can be.
    return errors.cos ? errors.cos : errors.max_abs == 0 ? std::optional(1.0) : std::optional(0.0);
  }
  if (gate.option == "--max-rmse") return errors.rmse;
  if (gate.option == "--max-mae") return errors.mae;
  return errors.l2r ? errors.l2r : errors.max_abs == 0 ? std::optional(0.0) : std::optional(HUGE_VAL);
}

std::string_view name_of(Task task) {
  switch (task) {
    case Task::values:
      return "values";
    case Task::classes:
      return "classes";
    case Task::binary:
      return "binary";
    case Task::reconstruction:
      return "reconstruction";
  }
  __builtin_unreachable();
}

std::string number_text(double value) { return float_text(static_cast<float>(value)); }

}  // namespace

std::string_view name_of(Metric metric) { return metric == Metric::automatic ? "auto" : row_of(metric).name; }

std::optional<Metric> find_metric(std::string_view name) {
  if (name == "auto") return Metric::automatic;
  for (const MetricRow& row : kMetrics)
    if (row.name == name) return row.metric;
  return std::nullopt;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const MetricRow& row : kMetrics) names.emplace_back(row.name);
  return names;
}

bool is_larger_better(Metric metric) { return row_of(metric).is_larger_better; }

std::optional<double> value_of(Metric metric, const Scores& scores) {
  switch (metric) {
    case Metric::automatic:
      return std::nullopt;
    case Metric::accuracy:
      return scores.acc;
    case Metric::balanced_accuracy:
      return scores.balanced_accuracy;
    case Metric::auc:
      return scores.auc;
    default:
      break;
  }
  if (!scores.errors) return std::nullopt;
  switch (metric) {
    case Metric::mse:
      return scores.errors->rmse * scores.errors->rmse;
    case Metric::rmse:
      return scores.errors->rmse;
    case Metric::mae:
      return scores.errors->mae;
    case Metric::l2r:
      return scores.errors->l2r;
    case Metric::nse:
      return scores.errors->nse;
    default:
      return scores.errors->cos;
  }
}

OutputValidation score(const OutputValues& values, const ScoreOptions& options) {
  OutputValidation output{.name = values.name, .type = values.type};
  if (values.targets) output.task = values.targets->task;
  if (output.task == Task::binary) {
    const std::vector<double>& judged_by = values.reference ? *values.reference : values.program;
    const bool is_probability =
        std::all_of(judged_by.begin(), judged_by.end(), [](double v) { return v >= 0 && v <= 1; });
    output.threshold = options.threshold.value_or(is_probability ? 0.5 : 0);
  }
  if (values.targets) {
    output.program = against_targets(*values.targets, values.program, output.threshold, options, values.type);
    if (values.reference)
      output.reference =
          against_targets(*values.targets, *values.reference, output.threshold, options, values.type);
  }
  if (values.reference) output.cross = against_reference(values, output.threshold, options.is_classifier);
  return output;
}

const LayerValidation* first_parting(const Validation& validation) {
  const auto found = std::find_if(
      validation.layers.begin(), validation.layers.end(),
      [](const LayerValidation& layer) { return layer.snr_db && !(*layer.snr_db >= kPartingDb); });
  return found == validation.layers.end() ? nullptr : &*found;
}

const OutputValidation* judged(const Validation& validation) {
  const auto found = std::find_if(validation.outputs.begin(), validation.outputs.end(),
                                  [](const OutputValidation& output) { return output.program.has_value(); });
  return found == validation.outputs.end() ? nullptr : &*found;
}

Result<Metric> metric_for(Metric metric, const Targets* targets, Diagnostics& diagnostics) {
  const auto refuse = [&](const std::string& why, std::string help = {}) -> Failed {
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--metric " + std::string(name_of(metric)) + " " + why,
                            .help = std::move(help)});
  };
  if (targets == nullptr) {
    if (metric == Metric::automatic) return metric;
    return refuse("needs targets, and the data has no `y`", "--labels names another array");
  }
  if (metric == Metric::automatic)
    return targets->task == Task::values           ? Metric::mse
           : targets->task == Task::reconstruction ? Metric::auc
                                                   : Metric::accuracy;
  const bool has_classes = targets->task != Task::values;
  if (row_of(metric).is_of_classes && !has_classes)
    return refuse("needs class labels, and the targets are real values",
                  "mse, rmse, mae, l2r, nse, cos fit them");
  if (!row_of(metric).is_of_classes && targets->values.empty())
    return refuse("needs targets of the output's shape, and there are class labels",
                  "accuracy, balanced-accuracy, auc fit them");
  if (metric == Metric::auc && std::all_of(targets->labels.begin(), targets->labels.end(),
                                           [&](std::int64_t label) { return label == targets->labels[0]; }))
    return refuse("needs samples of two classes, and all labels are " + std::to_string(targets->labels[0]));
  return metric;
}

Status check_gates(const Gates& gates, const Targets* targets, Diagnostics& diagnostics) {
  for (const GateRow& gate : kGates) {
    const auto& limit = gates.*gate.limit;
    if (!limit || (*limit >= gate.least && *limit <= gate.most)) continue;
    const bool is_percent = gate.most == 1 && *limit > 1 && *limit <= 100;
    return diagnostics.add({.kind = Kind::usage,
                            .message = std::string(gate.option) + " " + number_text(*limit) + " is not " +
                                       (gate.most == kNoMost ? std::string("0 or more")
                                                             : "from " + number_text(gate.least) + " to " +
                                                                   number_text(gate.most)),
                            .help = is_percent ? "a share is given as " + number_text(*limit / 100) : ""});
  }
  const bool has_classes =
      targets != nullptr && (targets->task == Task::classes || targets->task == Task::binary);
  if (gates.min_acc && !has_classes)
    return diagnostics.add(
        {.kind = Kind::usage,
         .message = std::string("--min-acc needs class labels, and ") +
                    (targets == nullptr ? "the data has no `y`"
                     : targets->task == Task::values
                         ? "the targets are real values"
                         : "the output gives back the input, of which auc is known alone"),
         .help = "--min-cos, --max-rmse, --max-mae and --max-l2r compare with the reference"});
  return Status();
}

std::vector<GateResult> hold_gates(const Gates& gates, const Validation& validation,
                                   Diagnostics& diagnostics) {
  std::vector<GateResult> results;
  for (const GateRow& gate : kGates) {
    if (!(gates.*gate.limit)) continue;
    GateResult result{.option = std::string(gate.option), .limit = *(gates.*gate.limit)};
    for (const OutputValidation& output : validation.outputs) {
      const auto value = gate_value(gate, output);
      if (!value) continue;
      // What is no number is worse than every number.
      const bool is_worse = !result.value || std::isnan(*value) ||
                            (gate.is_minimum ? *value < *result.value : *value > *result.value);
      if (!is_worse || (result.value && std::isnan(*result.value))) continue;
      result.value = value;
      result.output = output.name;
    }
    result.is_kept =
        result.value && (gate.is_minimum ? *result.value >= result.limit : *result.value <= result.limit);
    if (!result.is_kept) {
      const LayerValidation* parting = first_parting(validation);
      const OutputValidation* output = judged(validation);
      std::string help;
      if (gate.option == "--min-acc" && output != nullptr && output->reference && output->reference->acc &&
          *output->reference->acc < result.limit)
        help = "the reference has " + number_text(*output->reference->acc) +
               ": the model itself does not reach it on these samples";
      else if (parting != nullptr)
        help = "the first layer that parts from its reference is `" + parting->name + "`";
      else
        help = "`nblocks explain gate-failed` says what costs accuracy and what helps";
      diagnostics.add({.kind = Kind::gate_failed,
                       .message = std::string(gate.what) + " of output `" + result.output + "` is " +
                                  (result.value ? number_text(*result.value) : "not known") + ", " +
                                  (gate.is_minimum ? "at least " : "at most ") + number_text(result.limit) +
                                  " is asked (" + std::string(gate.option) + ")",
                       .help = std::move(help)});
    }
    results.push_back(std::move(result));
  }
  return results;
}

std::string rule_text(const OutputValidation& output) {
  if (!output.task || *output.task == Task::values) return "";
  if (*output.task == Task::binary) return "binary, 1 above " + number_text(output.threshold);
  return *output.task == Task::classes ? "argmax" : "mean square of output - input";
}

json errors_json(const std::optional<Errors>& errors) {
  json one;
  for (const char* name : {"max_abs_error", "rmse", "mae", "l2r", "mean", "std", "nse", "cos"})
    one[name] = nullptr;
  if (!errors) return one;
  one["max_abs_error"] = errors->max_abs;
  one["rmse"] = errors->rmse;
  one["mae"] = errors->mae;
  one["l2r"] = or_null(errors->l2r);
  one["mean"] = errors->mean;
  one["std"] = errors->std;
  one["nse"] = or_null(errors->nse);
  one["cos"] = or_null(errors->cos);
  return one;
}

json validation_json(const Validation& validation) {
  json outputs = json::array(), layers = json::array(), gates = json::array();
  for (const OutputValidation& output : validation.outputs)
    outputs.push_back({{"name", output.name},
                       {"dtype", dtype_name(output.type.dtype)},
                       {"shape", output.type.shape},
                       {"targets", output.task ? json(name_of(*output.task)) : json(nullptr)},
                       {"rule", rule_text(output)},
                       {"program", scores_json(output.program, false)},
                       {"reference", scores_json(output.reference, false)},
                       {"x_cross", scores_json(output.cross, true)}});
  for (const LayerValidation& layer : validation.layers)
    layers.push_back({{"name", layer.name},
                      {"block", layer.block},
                      {"output", layer.output},
                      {"rmse", layer.rmse},
                      {"cos", or_null(layer.cos)},
                      {"snr_db", or_null(layer.snr_db)}});
  for (const GateResult& gate : validation.gates)
    gates.push_back({{"option", gate.option},
                     {"output", gate.output},
                     {"value", or_null(gate.value)},
                     {"limit", gate.limit},
                     {"is_kept", gate.is_kept}});
  const LayerValidation* parting = first_parting(validation);
  json metric = nullptr;
  if (const OutputValidation* output = judged(validation);
      output != nullptr && validation.metric != Metric::automatic) {
    const auto program = value_of(validation.metric, *output->program);
    const auto reference = output->reference ? value_of(validation.metric, *output->reference) : std::nullopt;
    metric = {{"name", name_of(validation.metric)},
              {"is_larger_better", is_larger_better(validation.metric)},
              {"output", output->name},
              {"program", or_null(program)},
              {"reference", or_null(reference)}};
  }
  json report = {{"schema_version", 1},
                 {"model", validation.model},
                 {"board", validation.board},
                 {"core", validation.core},
                 {"machine", validation.machine},
                 {"data", validation.data},
                 {"reference", text_or_null(validation.reference)},
                 {"is_own_reference", validation.is_own_reference},
                 {"is_quantized_here", validation.is_quantized_here},
                 {"samples", validation.samples},
                 {"samples_given", validation.samples_given},
                 {"metric", std::move(metric)},
                 {"outputs", std::move(outputs)},
                 {"layers", std::move(layers)},
                 {"layer_samples", validation.layer_samples},
                 {"unmatched_layers", validation.unmatched_layers},
                 {"first_parting_layer", parting == nullptr ? json(nullptr) : json(parting->name)},
                 {"gates", std::move(gates)},
                 {"requantized", validation.changes ? changes_json(*validation.changes) : json(nullptr)},
                 {"instructions", or_null(validation.instructions)},
                 {"macs", validation.macs},
                 {"wall_seconds", validation.wall_seconds}};
  if (validation.target) {
    add_memory(report, validation.memory, *validation.target);
    report["fits"] = validation.target->is_host() ? json(nullptr) : json(true);
  }
  return report;
}

}  // namespace nb
