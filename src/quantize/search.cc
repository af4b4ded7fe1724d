#include "quantize/search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/process.h"

namespace nb {
namespace {

constexpr double kMostWork = 8e9;  // of all runs
constexpr std::size_t kMostSamples = 64, kFewestSamples = 8;
constexpr std::array kObservers = {Observer::min_max, Observer::percentile, Observer::mse, Observer::kl};

/// Multiply-accumulates, and a turn for each element of what layers make.
double work_of(const Graph& graph) {
  auto work = static_cast<double>(graph.macs());
  for (const Node& node : graph.nodes) work += static_cast<double>(graph.at(node.outputs[0]).type.elements());
  return work;
}

}  // namespace

OutputErrors::OutputErrors(const Graph& graph, const BlockSet& blocks, const Samples& set, std::size_t most,
                           double runs)
    : graph_(graph), blocks_(blocks) {
  const auto affordable = static_cast<std::size_t>(std::clamp(kMostWork / (work_of(graph) * runs), 1.0, 1e6));
  part_ = part_of(graph, set, std::min({set.count, most, affordable}));
  wanted_ = outputs_of(graph);
}

OutputErrors::Outputs OutputErrors::outputs_of(const Graph& graph) const {
  Outputs outputs(part_.count);
  run_samples(graph, part_, [&](std::size_t sample, const Interpreter& at) {
    for (const ValueId id : graph.public_outputs()) outputs[sample].push_back(at.reals(id));
  });
  return outputs;
}

double OutputErrors::of(const Graph& graph, const Graph& rounded, const NumberPlan& plan) const {
  NumberPlan with_float_ends = plan;
  with_float_ends.has_float_ends = true;
  const auto is_whole = [&](const Outputs& outputs) {
    return std::all_of(outputs.begin(), outputs.end(),
                       [&](const auto& sample) { return sample.size() == graph_.outputs.size(); });
  };
  const Outputs found = outputs_of(annotated(graph, rounded, blocks_, with_float_ends));
  if (!is_whole(wanted_) || !is_whole(found)) return INFINITY;  // stopped
  double all = 0;
  for (std::size_t o = 0; o < graph_.public_outputs().size(); ++o) {
    double error = 0, power = 0;
    for (std::size_t n = 0; n < wanted_.size(); ++n)
      for (std::size_t i = 0; i < wanted_[n][o].size(); ++i) {
        const auto real = static_cast<double>(wanted_[n][o][i]),
                   off = static_cast<double>(found[n][o][i]) - real;
        error += off * off;
        power += real * real;
      }
    if (power > 0) all += error / power;
  }
  return all;
}

std::optional<ScaledGraph> better_inputs(const Graph& graph, const BlockSet& blocks, const Samples& set,
                                         DType numbers, const std::vector<Observation>& seen) {
  constexpr double kLeastGain = 2;  // in the square: 3 dB
  const bool is_narrow = numbers == DType::i8;
  auto best = graph.outputs.empty() ? std::nullopt : with_scaled_inputs(graph, blocks, set, {});
  if (!best) return std::nullopt;
  std::vector<ScalingRule> others;
  if (is_narrow) others.push_back({.observer = Observer::mse});
  for (const double share : {0.5, 1.0})
    others.push_back({.to_weights = share, .most_wider = is_narrow ? 8.0 : 256.0});
  const OutputErrors errors(graph, blocks, set, kMostSamples, 2.0 * static_cast<double>(others.size() + 2));
  const auto error_of = [&](const Graph& scaled, const std::vector<ScaledInput>& inputs,
                            const std::vector<Observation>& of) {
    return errors.of(scaled, scaled, {formats_of(scaled, numbers), plan_ranges(scaled, of, inputs), true});
  };
  const auto scaled_error = [&](const ScaledGraph& scaled) {
    return error_of(scaled.graph, scaled.inputs, observe(scaled.graph, errors.part(), no_progress));
  };
  double least = scaled_error(*best);
  ScalingRule rule;
  for (ScalingRule& other : others) {
    if (other.to_weights > 0) other.observer = rule.observer;
    auto scaled = with_scaled_inputs(graph, blocks, set, other);
    const double error = scaled ? scaled_error(*scaled) : least;
    if (!(error < least)) continue;
    least = error;
    best = std::move(scaled);
    rule = other;
  }
  return kLeastGain * least < error_of(graph, {}, seen) ? std::move(best) : std::nullopt;
}

bool needs_wide_front(const Graph& graph, const BlockSet& blocks, const Samples& set,
                      const NumberPlan& plan) {
  constexpr double kLeastGain = 4;  // in the square: 6 dB
  const std::vector<bool> front = front_of(graph);
  NumberPlan wide = plan;
  for (std::size_t n = 0; n < front.size(); ++n)
    if (front[n] && plan.formats[n] == DType::i8) wide.formats[n] = DType::i16;
  if (wide.formats == plan.formats || graph.outputs.empty()) return false;
  const OutputErrors errors(graph, blocks, set, kMostSamples, 3);
  return errors.of(graph, plan) > kLeastGain * errors.of(graph, wide);
}

void search_ranges(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const Samples& set,
                   NumberPlan& plan, const ProgressTeller& progress) {
  const std::vector<bool> is_narrow = are_narrow(graph, plan);
  std::vector<const PlannedRanges::Group*> groups;
  for (const PlannedRanges::Group& group : plan.ranges.groups)
    if (std::any_of(group.values.begin(), group.values.end(),
                    [&](ValueId id) { return is_narrow[id.index()]; }))
      groups.push_back(&group);
  if (groups.empty() || graph.outputs.empty()) return;
  const double runs = static_cast<double>(groups.size() * (kObservers.size() - 1) + 2);
  if (kMostWork / (work_of(graph) * runs) < static_cast<double>(std::min(kFewestSamples, set.count))) return;
  const OutputErrors errors(graph, blocks, set, kMostSamples, runs);
  double least = errors.of(rounded, plan);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (stop_is_asked()) return;
    progress({"choosing ranges", "tensors", g, groups.size()});
    const std::vector<ValueId>& values = groups[g]->values;
    const RealRange first = plan.ranges.of[values[0].index()]->narrow;
    const auto set_range = [&](const RealRange& range) {
      for (const ValueId id : values) plan.ranges.of[id.index()]->narrow = range;
    };
    RealRange best = first;
    for (const Observer observer : kObservers) {
      if (observer == first.observer) continue;
      const RealRange range = range_by(observer, groups[g]->seen, DType::i8);
      if (range.min == first.min && range.max == first.max) continue;
      set_range(range);
      const double error = errors.of(rounded, plan);
      if (!(error < least)) continue;
      least = error;
      best = range;
    }
    set_range(best);
  }
}

}  // namespace nb
