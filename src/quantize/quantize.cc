#include "quantize/quantize.h"

#include <algorithm>
#include <cmath>

#include "base/process.h"
#include "base/text.h"
#include "diag/unknown.h"
#include "quantize/check_samples.h"
#include "quantize/equalize.h"
#include "quantize/layer_errors.h"
#include "quantize/refine.h"
#include "quantize/search.h"

namespace nb {
namespace {

constexpr std::size_t kMostNamed = 5;
constexpr double kCollapsed = 0.1;  // squared error over square: 10 dB

/// Names of layers with an integer form, each once.
std::vector<std::string> layer_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes)
    if (has_integer_form(graph, node) && std::find(names.begin(), names.end(), node.name) == names.end())
      names.push_back(node.name);
  return names;
}

Status check_layers(const std::vector<std::string>& names, const LayerFormats& layers,
                    Diagnostics& diagnostics) {
  for (const auto& layer : layers) {
    const std::string& name = layer.first;
    const auto fits = [&](const std::string& of) { return named_format({layer}, of).has_value(); };
    if (std::any_of(names.begin(), names.end(), fits)) continue;
    return report_unknown("layer with an integer form", name, names, diagnostics,
                          "layers: " + join(names, ", "));
  }
  return {};
}

/// Of a layer that is asked about; empty: none is.
Status check_asked_layer(const Graph& graph, const std::string& layer, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const LayerName& one : computing_layers(graph)) names.push_back(one.first);
  if (layer.empty() || std::find(names.begin(), names.end(), layer) != names.end()) return {};
  return report_unknown("layer that computes", layer, names, diagnostics, "layers: " + join(names, ", "));
}

/// "input `x` has a scale for each of its 30 channels, axis 1".
std::string scaling_text(const Graph& graph, const ScaledInput& input) {
  const std::string name = "input `" + graph.at(input.x).name + "`";
  if (input.factor.size() == 1) return "the model's own normalization is in the numbers of " + name;
  return name + " has a scale for each of its " + count_text(input.factor.size(), "channel") + ", axis " +
         std::to_string(input.axis) + (input.has_front ? ", the model's own normalization among them" : "");
}

Failed stopped(Diagnostics& diagnostics) {
  return diagnostics.add({.kind = Kind::interrupted, .message = "stopped while quantizing"});
}

/// Says so where the outputs have little to do with the float model's any more.
void warn_of_collapse(const Calibrated& calibrated, const NumberPlan& plan, const ProgressTeller& progress,
                      Diagnostics& diagnostics) {
  if (calibrated.graph().outputs.empty()) return;
  const OutputErrors errors(calibrated.graph(), calibrated.blocks(), calibrated.samples(), 32, 2);
  if (stop_is_asked()) return;
  const double error =
      errors.of(calibrated.rounded(), plan) / static_cast<double>(calibrated.graph().outputs.size());
  if (!(error > kCollapsed)) return;
  std::vector<LayerError> layers = layer_errors(calibrated, progress);
  std::stable_sort(layers.begin(), layers.end(),
                   [](const LayerError& a, const LayerError& b) { return a.int8 > b.int8; });
  double all = 0;
  for (const LayerError& layer : layers) all += layer.int8;
  std::vector<std::string> worst;
  for (const LayerError& layer : layers)
    if (worst.size() < kMostNamed && layer.int8 > 0.01 * all)
      worst.push_back("`" + printable(layer.name) + "` " + layer.block + " " +
                      std::to_string(std::lround(100 * layer.int8 / all)) + " %");
  std::vector<std::string> notes;
  if (!worst.empty()) notes.push_back("layers, by what int8 of each alone adds: " + join(worst, ", "));
  for (const SaturatedValue& one : calibrated.saturated(plan))
    notes.push_back("`" + printable(one.layer) + "` " + one.block + " saturates: its " +
                    std::string(format_name(one.dtype)) + " always reach from " + float_text(one.least) +
                    " to " + float_text(one.most) + ", and " + share_text(one.share) +
                    " of its values lie outside");
  diagnostics.add({.kind = Kind::accuracy_collapse,
                   .message = "the signal of the outputs is only " +
                              float_text(static_cast<float>(std::round(-100 * std::log10(error)) / 10)) +
                              " dB above the error that the integers make",
                   .notes = std::move(notes),
                   .help = worst.empty() ? "--quantize int16"
                                         : "16 bits for the first of them, as in --layers " + layers[0].name +
                                               "=int16; --quantize auto finds which"});
}

}  // namespace

Formats Calibrated::formats(DType numbers, const LayerFormats& layers) const {
  Formats formats = formats_of(graph_, numbers, layers);
  widen_inputs(graph_, ranges_.inputs, formats);
  if (!has_wide_front_ || numbers != DType::i8) return formats;
  const std::vector<bool> front = front_of(graph_);
  for (std::size_t n = 0; n < formats.size(); ++n) {
    if (front[n] && !named_format(layers, graph_.nodes[n].name)) formats[n] = DType::i16;
  }
  return formats;
}

Result<Calibrated> Calibrated::of(const Graph& graph, const BlockSet& blocks, const QuantizeRequest& request,
                                  Diagnostics& diagnostics) {
  const bool has_layer = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                     [&](const Node& node) { return has_integer_form(graph, node); });
  if (!has_layer)
    return diagnostics.add(
        {.kind = Kind::unsupported_feature,
         .message = "no layer of the model computes in floats and has an integer form",
         .help = "--quantize is for float models; a quantized model keeps its numbers without it"});
  std::vector<std::string> names = layer_names(graph);
  if (!check_layers(names, request.layers, diagnostics) ||
      !check_asked_layer(graph, request.layer, diagnostics))
    return kFailed;
  auto set = request.calibration(graph);
  if (!set) return kFailed;
  if (!check_samples(graph, *set, diagnostics)) return kFailed;
  std::vector<Observation> seen = observe(graph, *set, request.progress);
  request.progress({.step = "scaling inputs"});
  auto scaled = better_inputs(graph, blocks, *set, *request.numbers, seen);
  Calibrated made(graph, scaled ? std::move(scaled->graph) : graph, blocks, *std::move(set));
  made.layers_ = std::move(names);
  made.has_float_ends_ = request.has_float_ends;
  made.seen_ = scaled ? observe(made.graph_, made.set_, request.progress) : std::move(seen);
  request.progress({.step = "choosing first ranges"});
  made.ranges_ = plan_ranges(made.graph_, made.seen_, scaled ? scaled->inputs : std::vector<ScaledInput>());
  NumberPlan plan{made.formats(*request.numbers, {}), made.ranges_, request.has_float_ends};
  made.has_wide_front_ = !scaled && needs_wide_front(made.graph_, blocks, made.set_, plan);
  plan.formats = made.formats(*request.numbers, {});
  if (equalize_channels(made.graph_, blocks, made.set_, plan, request.progress)) {
    made.rounded_ = made.graph_;
    made.seen_ = observe(made.graph_, made.set_, request.progress);
    plan.ranges = plan_ranges(made.graph_, made.seen_, made.ranges_.inputs);
  }
  round_weights(made.rounded_, made.set_, plan, request.progress);
  search_ranges(made.graph_, made.rounded_, blocks, made.set_, plan, request.progress);
  made.ranges_ = std::move(plan.ranges);
  if (stop_is_asked()) return stopped(diagnostics);
  return made;
}

NumberPlan Calibrated::plan(DType numbers, const LayerFormats& layers) const {
  return {formats(numbers, layers), ranges_, has_float_ends_};
}

Graph Calibrated::with(const NumberPlan& plan) const {
  const auto is_float = [](DType format) { return format == DType::f32; };
  if (std::all_of(plan.formats.begin(), plan.formats.end(), is_float)) return model_;
  Graph made = annotated(graph_, rounded_, *blocks_, plan);
  made.rounding = Rounding::once;
  return made;
}

std::vector<QuantizedValue> Calibrated::account(const NumberPlan& plan) const {
  return account_of(graph_, rounded_, *blocks_, set_, plan, seen_);
}

Result<std::shared_ptr<const Calibrated>> calibrated_as_asked(const Graph& graph, const BlockSet& blocks,
                                                              const QuantizeRequest& request,
                                                              Diagnostics& diagnostics) {
  if (request.calibrated != nullptr) return request.calibrated;
  auto made = Calibrated::of(graph, blocks, request, diagnostics);
  if (!made) return kFailed;
  return std::make_shared<const Calibrated>(*std::move(made));
}

Result<Graph> quantized(const Graph& graph, const BlockSet& blocks, const QuantizeRequest& request,
                        Diagnostics& diagnostics) {
  const auto made = calibrated_as_asked(graph, blocks, request, diagnostics);
  if (!made) return kFailed;
  const Calibrated& calibrated = **made;
  const NumberPlan plan = calibrated.plan(*request.numbers, request.layers);
  for (const ScaledInput& input : calibrated.scaled_inputs())
    diagnostics.add({.kind = Kind::remark, .message = scaling_text(graph, input)});
  const std::vector<bool> front = front_of(graph);
  for (std::size_t n = 0; n < front.size() && calibrated.scaled_inputs().empty(); ++n) {
    if (!front[n] || plan.formats[n] != DType::i16 || *request.numbers != DType::i8) continue;
    diagnostics.add({.kind = Kind::remark,
                     .message = "what comes before the first weights computes in int16: the model normalizes "
                                "its inputs itself, and eight bits of them are too few"});
    break;
  }
  warn_of_collapse(calibrated, plan, request.progress, diagnostics);
  if (request.account) {
    request.progress({.step = "comparing layers with the float model"});
    request.account(calibrated.account(plan));
  }
  if (stop_is_asked()) return stopped(diagnostics);
  return calibrated.with(plan);
}

}  // namespace nb
