#include "quantize/search.h"

#include <algorithm>
#include <cmath>

namespace nb {
namespace {

constexpr double kMostWork = 8e9;  // of all runs
constexpr std::size_t kMostSamples = 64, kFewestSamples = 8;
constexpr std::array kObservers = {Observer::min_max, Observer::percentile, Observer::mse, Observer::kl};

/// The float graph's outputs, sample by sample.
using Outputs = std::vector<std::vector<std::vector<float>>>;

Outputs outputs_of(const Graph& graph, const Samples& set) {
  Outputs outputs(set.count);
  run_samples(graph, set, [&](std::size_t sample, const Interpreter& at) {
    for (const ValueId id : graph.outputs) outputs[sample].push_back(at.reals(id));
  });
  return outputs;
}

double distance(const Outputs& wanted, const Outputs& found) {
  const std::size_t count = wanted.front().size();
  double all = 0;
  for (std::size_t o = 0; o < count; ++o) {
    double error = 0, power = 0;
    for (std::size_t n = 0; n < wanted.size(); ++n)
      for (std::size_t i = 0; i < wanted[n][o].size(); ++i) {
        const auto real = static_cast<double>(wanted[n][o][i]),
                   off = static_cast<double>(found[n][o][i]) - real;
        error += off * off;
        power += real * real;
      }
    if (power > 0) all += error / power;
  }
  return all;
}

/// Multiply-accumulates, and a turn for each element of what layers make.
double work_of(const Graph& graph) {
  auto work = static_cast<double>(graph.macs());
  for (const Node& node : graph.nodes) work += static_cast<double>(graph.at(node.outputs[0]).type.elements());
  return work;
}

double error_of(const Graph& graph, const BlockSet& blocks, const Samples& part, const NumberPlan& plan,
                const PlannedNumbers& numbers, const Outputs& wanted) {
  NumberPlan with_float_ends = plan;
  with_float_ends.has_float_ends = true;
  return distance(wanted, outputs_of(annotated(graph, blocks, with_float_ends, numbers.of), part));
}

}  // namespace

bool needs_wide_front(const Graph& graph, const BlockSet& blocks, const Samples& set, const NumberPlan& plan,
                      const std::vector<Observation>& seen) {
  constexpr double kLeastGain = 4;  // in the square: 6 dB
  const std::vector<bool> front = front_of(graph);
  if (plan.dtype != DType::i8 || std::find(front.begin(), front.end(), true) == front.end() ||
      graph.outputs.empty())
    return false;
  const auto affordable = static_cast<std::size_t>(std::clamp(kMostWork / (3 * work_of(graph)), 1.0, 1e6));
  const Samples part = part_of(graph, set, std::min({set.count, kMostSamples, affordable}));
  const Outputs wanted = outputs_of(graph, part);
  NumberPlan wide = plan;
  wide.has_wide_front = true;
  const auto error = [&](const NumberPlan& of) {
    return error_of(graph, blocks, part, of, plan_numbers(graph, of, seen), wanted);
  };
  return error(plan) > kLeastGain * error(wide);
}

double output_error(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const Samples& set,
                    const NumberPlan& plan, const PlannedNumbers& numbers, std::size_t most) {
  if (graph.outputs.empty()) return 0;
  const Samples part = part_of(graph, set, std::min(set.count, most));
  return error_of(rounded, blocks, part, plan, numbers, outputs_of(graph, part)) /
         static_cast<double>(graph.outputs.size());
}

void search_ranges(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const Samples& set,
                   const NumberPlan& plan, PlannedNumbers& numbers) {
  if (numbers.groups.empty() || graph.outputs.empty()) return;
  const double runs = static_cast<double>(numbers.groups.size() * (kObservers.size() - 1) + 2);
  const auto affordable = static_cast<std::size_t>(std::min(1e6, kMostWork / (work_of(graph) * runs)));
  const std::size_t count = std::min({set.count, kMostSamples, affordable});
  if (count < std::min(kFewestSamples, set.count)) return;
  const Samples part = part_of(graph, set, count);
  const Outputs wanted = outputs_of(graph, part);
  const auto measured = [&] { return error_of(rounded, blocks, part, plan, numbers, wanted); };
  double least = measured();
  for (const PlannedNumbers::Group& group : numbers.groups) {
    const RealRange first = numbers.of[group.values[0].index()]->range;
    const auto set_range = [&](const RealRange& range) {
      for (const ValueId id : group.values) numbers.of[id.index()]->range = range;
    };
    RealRange best = first;
    for (const Observer observer : kObservers) {
      if (observer == first.observer) continue;
      const RealRange range = range_by(observer, group.seen, plan.dtype);
      if (range.min == first.min && range.max == first.max) continue;
      set_range(range);
      const double error = measured();
      if (!(error < least)) continue;
      least = error;
      best = range;
    }
    set_range(best);
  }
}

}  // namespace nb
