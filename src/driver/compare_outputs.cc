#include "driver/compare_outputs.h"

#include <algorithm>
#include <cmath>

#include "driver/compare_layers.h"

namespace nb {
namespace {

/// Each public output of all samples as real values.
std::vector<std::vector<double>> real_outputs(const Graph& graph, const Samples& outputs) {
  std::vector<std::vector<double>> all;
  for (const Tensor& tensor : output_tensors(graph, outputs)) all.push_back(to_reals(tensor));
  return all;
}

/// The single input as real values, of so many samples: what an output that gives it back should be.
std::vector<double> input_values(const Graph& graph, const LabelledSet& set, std::size_t samples) {
  std::vector<double> values;
  if (const auto real = real_values(set.inputs[0].second, graph.at(graph.inputs[0]).type))
    values = to_doubles(*real);
  values.resize(samples * static_cast<std::size_t>(graph.at(graph.inputs[0]).type.elements()));
  return values;
}

/// Says how many outputs are no numbers; comparisons with them are none either.
void note_no_numbers(const std::string& whose, const std::vector<std::vector<double>>& outputs,
                     Diagnostics& diagnostics) {
  std::size_t count = 0;
  for (const auto& values : outputs)
    for (const double value : values) count += std::isfinite(value) ? 0 : 1;
  if (count > 0)
    diagnostics.add({.kind = Kind::remark,
                     .message = count_text(count, "value") + " of the " + whose + "'s outputs " +
                                (count == 1 ? "is" : "are") + " NaN or infinite"});
}

}  // namespace

Result<std::vector<std::size_t>> match_outputs(const Graph& graph, const Graph& reference,
                                               const std::string& file, Diagnostics& diagnostics) {
  const auto mine = graph.public_outputs(), theirs = reference.public_outputs();
  const auto shape = [](const Graph& of, ValueId id) { return without_ones(of.at(id).type.shape); };
  std::vector<std::size_t> by_name, in_order, by_shape;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    std::size_t alike = 0, which = 0;
    for (std::size_t k = 0; k < theirs.size(); ++k) {
      const bool is_alike = shape(graph, mine[i]) == shape(reference, theirs[k]);
      if (is_alike) which = k;
      alike += is_alike ? 1 : 0;
      if (is_alike && graph.at(mine[i]).name == reference.at(theirs[k]).name) by_name.push_back(k);
      if (is_alike && i == k) in_order.push_back(k);
    }
    if (alike == 1) by_shape.push_back(which);
  }
  for (auto* order : {&by_name, &in_order, &by_shape})
    if (order->size() == mine.size()) return std::move(*order);
  std::vector<std::string> own, other;
  for (const ValueId id : mine) own.push_back("`" + graph.at(id).name + "` " + type_text(graph.at(id).type));
  for (const ValueId id : theirs)
    other.push_back("`" + reference.at(id).name + "` " + type_text(reference.at(id).type));
  return diagnostics.add({.kind = Kind::input_mismatch,
                          .message = "the model's outputs have no twins among the reference's",
                          .file = file,
                          .notes = {"model: " + join(own, ", "), "reference: " + join(other, ", ")},
                          .help = "a reference is the same model in float: export both from one"});
}

Result<SetTargets> targets_of_set(const Graph& graph, const LabelledSet& set, std::int64_t samples,
                                  Metric metric, const std::string& file, Diagnostics& diagnostics) {
  SetTargets all;
  for (std::size_t i = 0; i < set.targets.size(); ++i) {
    all.emplace_back();
    if (!set.targets[i]) continue;
    const Value& output = graph.at(graph.public_outputs()[i]);
    const bool gives_input_back =
        graph.inputs.size() == 1 && set.targets.size() == 1 && output.type.elements() > 2 &&
        without_ones(graph.at(graph.inputs[0]).type.shape) == without_ones(output.type.shape);
    auto targets = targets_of(
        set.targets[i]->array, output.type,
        {.samples = samples,
         .may_reconstruct = gives_input_back && (metric == Metric::automatic || metric == Metric::auc),
         .array = set.targets[i]->name,
         .output = output.name,
         .file = file},
        diagnostics);
    if (!targets) return kFailed;
    all.back() = std::move(*targets);
  }
  return all;
}

void keep_first(SetTargets& targets, std::size_t samples, std::size_t given) {
  for (auto& one : targets) {
    if (!one) continue;
    one->labels.resize(one->labels.size() / given * samples);
    one->values.resize(one->values.size() / given * samples);
  }
}

const Targets* first_of(const SetTargets& all) {
  for (const auto& targets : all)
    if (targets) return &*targets;
  return nullptr;
}

Result<Samples> reference_samples(const Graph& reference, const Graph& graph, const LabelledSet& set,
                                  std::size_t count, const std::string& file, Diagnostics& diagnostics) {
  const auto arrays = inputs_for(reference, set, graph, file, diagnostics);
  if (!arrays) return kFailed;
  Diagnostics said;  // what is done to the data is said of the program's
  auto samples = samples_of(*arrays, reference, file, said);
  for (const Diagnostic& diagnostic : said.all())
    if (row_of(diagnostic.kind).severity == Severity::error) diagnostics.add(diagnostic);
  if (!samples) return kFailed;
  samples->bytes.resize(samples->bytes.size() / samples->count * count);
  samples->count = count;
  return samples;
}

void compare_outputs(const Ran& program, const Ran* reference, const LabelledSet& set,
                     const CompareOptions& options, Validation& validation, Diagnostics& diagnostics) {
  const Graph& graph = *program.graph;
  const auto outputs = real_outputs(graph, program.outputs);
  note_no_numbers("program", outputs, diagnostics);
  std::vector<std::vector<double>> others;
  if (reference != nullptr) {
    others = real_outputs(*reference->graph, reference->outputs);
    note_no_numbers("reference", others, diagnostics);
  }
  ScoreOptions scoring = options.scoring;
  if (const Targets* first = first_of(options.targets);
      first != nullptr && first->task == Task::reconstruction)
    scoring.input = input_values(graph, set, program.outputs.count);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Value& output = graph.at(graph.public_outputs()[i]);
    OutputValues values{output.name, output.type, outputs[i], {}, options.targets[i]};
    if (reference != nullptr) values.reference = others[options.order[i]];
    if (options.is_own_reference) values.reference = outputs[i];
    validation.outputs.push_back(score(values, scoring));
  }
  if (reference == nullptr || !options.has_layers) return;
  auto compared = compare_layers(graph, program.inputs, *reference->graph, reference->inputs,
                                 options.keeps_state, options.layer_progress);
  validation.layers = std::move(compared.layers);
  validation.layer_samples = compared.samples;
  validation.unmatched_layers = compared.unmatched;
}

}  // namespace nb
