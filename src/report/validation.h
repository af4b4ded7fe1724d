// What `nblocks validate` found: a program and its reference against a labelled set, and against each other.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "diag/diagnostics.h"
#include "graph/type.h"
#include "report/changes.h"
#include "report/layer_figures.h"
#include "report/metrics.h"
#include "report/targets.h"

namespace nb {

/// One figure that a set is judged by. `automatic`: accuracy of classes, auc of a reconstruction, mse of
/// values.
enum class Metric : std::uint8_t {
  automatic,
  accuracy,
  balanced_accuracy,
  auc,
  mse,
  rmse,
  mae,
  l2r,
  nse,
  cos
};
[[nodiscard]] std::string_view name_of(Metric metric);  ///< "balanced-accuracy"; "auto"
[[nodiscard]] std::optional<Metric> find_metric(std::string_view name);
/// All names but "auto", for messages.
[[nodiscard]] std::vector<std::string> metric_names();
[[nodiscard]] bool is_larger_better(Metric metric);

/// One row of the table: outputs against labels, or against the reference's outputs.
struct Scores {
  std::optional<double> acc, balanced_accuracy, auc;
  std::optional<ClassCounts> counts;
  std::optional<Errors> errors;  ///< where both have the same shape
};
[[nodiscard]] std::optional<double> value_of(Metric metric, const Scores& scores);

/// One output of the program.
struct OutputValidation {
  std::string name;
  Type type;
  std::optional<Task> task;                  ///< absent without targets
  double threshold = 0;                      ///< of `binary`
  std::optional<Scores> program, reference;  ///< against targets
  std::optional<Scores> cross;               ///< the program against the reference
};

/// Real values of one output, of all samples, and what they are compared with; absent where there is none.
struct OutputValues {
  std::string name;
  Type type;
  std::vector<double> program;
  std::optional<std::vector<double>> reference;
  std::optional<Targets> targets;
};
struct ScoreOptions {
  std::optional<double> threshold;  ///< of `binary`; 0.5 if left out and all outputs lie in [0, 1], else 0
  /// acc is also that the largest values stand at the same place, where neither labels nor one-hot targets
  /// say that there are classes.
  bool is_classifier = false;
  std::vector<double> input = {};  ///< for `reconstruction`: what the output should be
};
[[nodiscard]] OutputValidation score(const OutputValues& values, const ScoreOptions& options);

/// A layer of the program beside the same one of the reference, over the samples that were looked at.
struct LayerValidation {
  std::string name, block, output;
  double rmse = 0;
  std::optional<double> cos, snr_db;  ///< see ErrorSums
};
/// Below that signal-to-noise ratio a layer has parted from its reference: the error is a tenth of the
/// values.
inline constexpr double kPartingDb = 20;

/// Bounds that a validation must keep; absent: none.
struct Gates {
  std::optional<double> min_acc, min_cos, max_rmse, max_mae, max_l2r;
};
/// A gate with what it was held against: the worst output's.
struct GateResult {
  std::string option, output;
  std::optional<double> value;
  double limit = 0;
  bool is_kept = false;
};

struct Validation {
  std::string model, board, core, machine, data;
  std::string reference;  ///< its file; empty: the model itself on the host
  /// The program is the model itself on the host: its outputs were taken as the reference's.
  bool is_own_reference = false;
  bool is_quantized_here = false;  ///< the program was made integers when it was compiled
  std::int64_t samples = 0, samples_given = 0;
  Metric metric = Metric::automatic;  ///< `automatic` only without targets
  std::vector<OutputValidation> outputs;
  std::vector<LayerValidation> layers;  ///< in order of execution; those that the reference has too
  std::int64_t layer_samples = 0, unmatched_layers = 0;
  std::vector<GateResult> gates;
  std::optional<OutputChanges> changes;      ///< by --requantize, against the model as it is
  std::optional<std::int64_t> instructions;  ///< of the first sample; null on the host
  std::int64_t macs = 0;
  std::optional<Board> target;  ///< that it was built for
  ProgramMemory memory;         ///< there
  double wall_seconds = 0;
};

/// The first layer that has parted from its reference, null if none has.
[[nodiscard]] const LayerValidation* first_parting(const Validation& validation);
/// The first output that has targets; null without any.
[[nodiscard]] const OutputValidation* judged(const Validation& validation);
/// What `metric` is for the targets, null if there are none. Errors: usage if it does not fit them.
[[nodiscard]] Result<Metric> metric_for(Metric metric, const Targets* targets, Diagnostics& diagnostics);
/// Errors: usage for limits outside the range of their values, and for --min-acc without classes.
[[nodiscard]] Status check_gates(const Gates& gates, const Targets* targets, Diagnostics& diagnostics);
/// Holds the gates against the outputs and reports gate-failed for each that is not kept: --min-acc against
/// labels, the others against the reference.
[[nodiscard]] std::vector<GateResult> hold_gates(const Gates& gates, const Validation& validation,
                                                 Diagnostics& diagnostics);

/// How an output decides in words: "argmax", "binary, above 0.5", ...; empty for values.
[[nodiscard]] std::string rule_text(const OutputValidation& output);
[[nodiscard]] nlohmann::json validation_json(const Validation& validation);
[[nodiscard]] nlohmann::json errors_json(const std::optional<Errors>& errors);

}  // namespace nb
