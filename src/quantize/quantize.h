// Post-training quantization: a float graph and samples of its inputs to a graph annotated with integers.
#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "base/progress.h"
#include "quantize/account.h"
#include "quantize/observe.h"
#include "quantize/plan.h"

namespace nb {

class Calibrated;

/// What a user asks of quantization.
struct QuantizeRequest {
  std::optional<DType> numbers;  ///< of activations: i8 or i16; absent: the model stays as it is
  LayerFormats layers = {};      ///< of layers that get others
  std::string layer = {};        ///< that is asked about, and so has to compute; empty: none is
  bool has_float_ends = false;   ///< inputs and outputs of the model stay float
  /// Samples of the graph's inputs, read when they are needed. Reports and fails if they do not fit.
  std::function<Result<Samples>(const Graph&)> calibration = {};
  std::shared_ptr<const Calibrated> calibrated = {};  ///< of this very graph: no samples are read again
  /// Takes what was decided for each value; empty: nobody wants to know.
  std::function<void(std::vector<QuantizedValue>)> account = {};
  ProgressTeller progress = no_progress;
};

/// A float graph with what calibration found: integer graphs of any formats are made of it.
class Calibrated {
 public:
  /// Runs the samples, scales inputs, chooses ranges and rounds weights as for layers of `request.numbers`
  /// alone, so that one model has the same ranges and weights whatever formats single layers get. Errors:
  /// usage (a layer that there is none of), bad-calibration (values that are no numbers or all the same),
  /// unsupported-feature (nothing to quantize), interrupted, and those of the request's calibration.
  [[nodiscard]] static Result<Calibrated> of(const Graph& graph, const BlockSet& blocks,
                                             const QuantizeRequest& request, Diagnostics& diagnostics);

  /// The float graph; where inputs are scaled, with the batch_norms that say so.
  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Samples& samples() const { return set_; }
  /// Whether the model has a layer of that name with an integer form; graph() may have nodes that no model
  /// has.
  [[nodiscard]] bool has_layer(const std::string& name) const {
    return std::find(layers_.begin(), layers_.end(), name) != layers_.end();
  }
  [[nodiscard]] const BlockSet& blocks() const { return *blocks_; }
  /// The plan for layers of these formats: `numbers` and, where the model's front needs it, int16 there; then
  /// what `layers` names.
  [[nodiscard]] NumberPlan plan(DType numbers, const LayerFormats& layers) const;
  /// The annotated graph (plan.h); of a plan without integers the model itself.
  [[nodiscard]] Graph with(const NumberPlan& plan) const;
  [[nodiscard]] std::vector<QuantizedValue> account(const NumberPlan& plan) const;
  [[nodiscard]] std::vector<SaturatedValue> saturated(const NumberPlan& plan) const {
    return saturated_values(graph_, plan, seen_);
  }
  /// Inputs that have numbers for each index of an axis.
  [[nodiscard]] const std::vector<ScaledInput>& scaled_inputs() const { return ranges_.inputs; }
  /// The float graph with weights on the grids of their numbers.
  [[nodiscard]] const Graph& rounded() const { return rounded_; }

 private:
  Calibrated(Graph model, Graph graph, const BlockSet& blocks, Samples set)
      : model_(std::move(model)),
        graph_(std::move(graph)),
        rounded_(graph_),
        blocks_(&blocks),
        set_(std::move(set)) {}
  [[nodiscard]] Formats formats(DType numbers, const LayerFormats& layers) const;

  Graph model_;  ///< as it was given
  Graph graph_, rounded_;
  const BlockSet* blocks_;
  Samples set_;
  std::vector<std::string> layers_;  ///< names, each once
  std::vector<Observation> seen_;
  PlannedRanges ranges_;
  bool has_float_ends_ = false, has_wide_front_ = false;
};

/// What the request has, or makes of its samples. Errors: those of Calibrated::of.
[[nodiscard]] Result<std::shared_ptr<const Calibrated>> calibrated_as_asked(const Graph& graph,
                                                                            const BlockSet& blocks,
                                                                            const QuantizeRequest& request,
                                                                            Diagnostics& diagnostics);

/// The annotated graph of a float graph. Errors: those of Calibrated::of and plan.
[[nodiscard]] Result<Graph> quantized(const Graph& graph, const BlockSet& blocks,
                                      const QuantizeRequest& request, Diagnostics& diagnostics);

}  // namespace nb
