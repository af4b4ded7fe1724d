#include "quantize/equalize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "quantize/element_flow.h"
#include "quantize/layer_weights.h"
#include "quantize/search.h"

namespace nb {
namespace {

constexpr std::size_t kMostTried = 24;
constexpr std::size_t kStatisticSamples = 64;
constexpr double kLeastEstimate = 1.25, kLeastGain = 1.12, kLeastOfAll = 2;  // in the square of errors
constexpr std::array kShares = {0.0, 0.25, 0.5, 0.75, 1.0};

/// What samples show of one label: its range, and the mean square.
struct ChannelStatistics {
  double min = 0, max = 0, square = 0, count = 0;
};

/// Of every label of the readers' values.
std::vector<ChannelStatistics> statistics_of(const Graph& graph, const Scalable& all, const Samples& set) {
  std::vector<const ScalableChannels::Reader*> readers;
  for (const ScalableChannels& one : all.channels)
    for (const ScalableChannels::Reader& reader : one.readers) readers.push_back(&reader);
  for (const ScalablePair& pair : all.pairs)
    for (const auto* side : {&pair.queries, &pair.keys}) readers.push_back(&side->reader);
  std::vector<ChannelStatistics> statistics(static_cast<std::size_t>(kMostChannels));
  const Samples part = part_of(graph, set, std::min(set.count, kStatisticSamples));
  run_samples(graph, part, [&](std::size_t, const Interpreter& at) {
    for (const ScalableChannels::Reader* reader : readers) {
      const auto x = at.view(reader->value).as<float>();
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::int32_t label = reader->labels[i % reader->labels.size()];
        if (label < 0) continue;
        ChannelStatistics& s = statistics[static_cast<std::size_t>(label)];
        const auto real = static_cast<double>(x[i]);
        s.min = std::min(s.min, real);
        s.max = std::max(s.max, real);
        s.square += real * real;
        ++s.count;
      }
    }
  });
  return statistics;
}

/// Factors of range^share / other^(1 - share) around 1; what has no range, or nothing on the other side,
/// stays as it is, within the others. Empty if all do.
std::vector<double> shared_factors(const std::vector<double>& range, const std::vector<double>& other,
                                   double share) {
  std::vector<double> factor;
  double logs = 0, count = 0;
  for (std::size_t c = 0; c < range.size(); ++c) {
    const bool is_seen = range[c] > 0 && other[c] > 0;
    factor.push_back(is_seen ? std::pow(range[c], share) / std::pow(other[c], 1 - share) : 0);
    if (!is_seen) continue;
    logs += std::log(factor.back());
    ++count;
  }
  if (count == 0) return {};
  const double middle = std::exp(logs / count);
  for (double& f : factor) f = f > 0 ? std::clamp(f / middle, 1.0 / 1024, 1024.0) : 1;
  return factor;
}

/// The rounding errors of the readers' sums by their two causes, estimated for any factors.
class ErrorEstimate {
 public:
  ErrorEstimate(const Graph& graph, const ScalableChannels& channels,
                const std::vector<ChannelStatistics>& statistics, DType numbers)
      : channels_(channels), steps_(numbers == DType::i8 ? 255 : 65535) {
    const auto count = static_cast<std::size_t>(channels.channels);
    for (std::size_t c = 0; c < count; ++c)
      of_.push_back(statistics[static_cast<std::size_t>(channels.first) + c]);
    largest_.assign(count, 0.0);
    for (const ScalableChannels::Reader& reader : channels.readers) {
      const Node& node = graph.nodes[reader.node];
      const LayerWeights layer = *layer_weights(graph, node);
      const Value& value = graph.at(node.inputs[1]);
      const Tensor weights{value.type, *value.data};
      Weights one;
      one.outputs = static_cast<std::size_t>(layer.outputs);
      one.squares.assign(count, 0.0);
      one.largest.assign(one.outputs * count, 0.0f);
      const auto w = weights.as<float>();
      for (std::size_t i = 0; i < w.size(); ++i) {
        const std::int32_t label = reader.labels[layer.input_of(i)];
        if (label < channels.first || label >= channels.first + channels.channels) continue;
        const auto c = static_cast<std::size_t>(label - channels.first);
        const auto size = static_cast<double>(std::fabs(w[i]));
        one.squares[c] += size * size;
        largest_[c] = std::max(largest_[c], size);
        float& most = one.largest[layer.output_of(i) * count + c];
        most = std::max(most, std::fabs(w[i]));
        ++one.taps;
      }
      weights_.push_back(std::move(one));
    }
  }

  /// Factors that leave `share` of the unlikeness of ranges to weights; empty if there are none.
  [[nodiscard]] std::vector<double> factors(double share) const {
    std::vector<double> ranges;
    for (const ChannelStatistics& s : of_) ranges.push_back(std::max(-s.min, s.max));
    return shared_factors(ranges, largest_, share);
  }
  [[nodiscard]] std::size_t count() const { return of_.size(); }

  [[nodiscard]] double of(const std::vector<double>& factor) const {
    double low = 0, high = 0;
    for (std::size_t c = 0; c < of_.size(); ++c) {
      low = std::min(low, of_[c].min / factor[c]);
      high = std::max(high, of_[c].max / factor[c]);
    }
    const double step = (high - low) / steps_;
    double error = 0;
    for (const Weights& w : weights_) {
      double power = 0;
      for (std::size_t c = 0; c < of_.size(); ++c) {
        error += step * step / 12 * w.squares[c] * factor[c] * factor[c];
        power += of_[c].count > 0 ? of_[c].square / of_[c].count / (factor[c] * factor[c]) : 0;
      }
      // Steps of a sum's weights are those of its largest.
      const double taps = static_cast<double>(w.taps) / static_cast<double>(w.largest.size());
      for (std::size_t o = 0; o < w.outputs; ++o) {
        double most = 0;
        for (std::size_t c = 0; c < of_.size(); ++c)
          most = std::max(most, static_cast<double>(w.largest[o * of_.size() + c]) * factor[c]);
        error += most * most / (127.0 * 127.0) / 12 * power * taps;
      }
    }
    return error;
  }

 private:
  struct Weights {
    std::size_t outputs = 0, taps = 0;
    std::vector<double> squares;  ///< by channel, of all outputs
    std::vector<float> largest;   ///< [outputs, channels]
  };
  const ScalableChannels& channels_;
  double steps_;
  std::vector<ChannelStatistics> of_;
  std::vector<double> largest_;  ///< weight by channel
  std::vector<Weights> weights_;
};

/// The rounding errors of scores by their two causes, queries and keys, estimated for any factors.
class ScoreEstimate {
 public:
  ScoreEstimate(const ScalablePair& pair, const std::vector<ChannelStatistics>& statistics, DType numbers)
      : steps_(numbers == DType::i8 ? 255 : 65535) {
    for (const auto* side : {&pair.queries, &pair.keys}) {
      std::vector<ChannelStatistics> of(pair.sets);
      for (std::size_t c = 0; c < side->set.size(); ++c) {
        if (side->set[c] < 0) continue;
        const ChannelStatistics& one = statistics[static_cast<std::size_t>(side->first) + c];
        ChannelStatistics& all = of[static_cast<std::size_t>(side->set[c])];
        all.min = std::min(all.min, one.min);
        all.max = std::max(all.max, one.max);
        all.square += one.square;
        all.count += one.count;
      }
      (side == &pair.queries ? queries_ : keys_) = std::move(of);
    }
  }

  [[nodiscard]] std::vector<double> factors(double share) const {
    std::vector<double> of_queries, of_keys;
    for (const ChannelStatistics& s : queries_) of_queries.push_back(std::max(-s.min, s.max));
    for (const ChannelStatistics& s : keys_) of_keys.push_back(std::max(-s.min, s.max));
    return shared_factors(of_queries, of_keys, share);
  }
  [[nodiscard]] std::size_t count() const { return queries_.size(); }

  [[nodiscard]] double of(const std::vector<double>& factor) const {
    const auto range_and_power = [&](const std::vector<ChannelStatistics>& side, bool is_divided) {
      double low = 0, high = 0, power = 0;
      for (std::size_t s = 0; s < side.size(); ++s) {
        const double f = is_divided ? 1 / factor[s] : factor[s];
        low = std::min(low, side[s].min * f);
        high = std::max(high, side[s].max * f);
        power += side[s].count > 0 ? side[s].square / side[s].count * f * f : 0;
      }
      return std::pair((high - low) / steps_, power);
    };
    const auto [q_step, q_power] = range_and_power(queries_, true);
    const auto [k_step, k_power] = range_and_power(keys_, false);
    return q_step * q_step * k_power + k_step * k_step * q_power;
  }

 private:
  double steps_;
  std::vector<ChannelStatistics> queries_, keys_;  ///< by set
};

/// A way to scale one maker's channels, or a pair's.
struct Proposal {
  std::size_t maker;
  std::function<void(Graph&, const std::vector<double>&)> scale;
  std::vector<double> factor;
  double gain;  ///< of the estimated squared errors
};

/// The best factors by an estimate, if they gain.
template <class Estimate>
std::optional<std::vector<double>> best_factors(const Estimate& estimate, double& gain) {
  const double before = estimate.of(std::vector<double>(estimate.count(), 1.0));
  std::optional<std::vector<double>> best;
  gain = kLeastEstimate;
  for (const double share : kShares) {
    std::vector<double> factor = estimate.factors(share);
    if (factor.empty()) break;
    const double one = before / estimate.of(factor);
    if (!(one > gain)) continue;
    gain = one;
    best = std::move(factor);
  }
  return best;
}

}  // namespace

bool equalize_channels(Graph& graph, const BlockSet& blocks, const Samples& set, const NumberPlan& plan,
                       const ProgressTeller& progress) {
  if (graph.public_outputs().empty()) return false;
  const Scalable all = scalable_channels(graph);
  if (all.channels.empty() && all.pairs.empty()) return false;
  const std::vector<ChannelStatistics> statistics = statistics_of(graph, all, set);
  std::vector<Proposal> proposals;
  const auto propose = [&](const auto& channels, std::size_t maker, const auto& estimate) {
    double gain = 0;
    auto factor = best_factors(estimate, gain);
    if (!factor) return;
    const auto scale = [&channels](Graph& to, const std::vector<double>& by) {
      scale_channels(to, channels, by);
    };
    proposals.push_back({maker, scale, *std::move(factor), gain});
  };
  // A layer's operand is rounded to the layer's own format.
  for (const ScalableChannels& channels : all.channels)
    if (const DType format = plan.formats[channels.readers[0].node]; format != DType::f32)
      propose(channels, channels.maker, ErrorEstimate(graph, channels, statistics, format));
  for (const ScalablePair& pair : all.pairs)
    if (const DType format = plan.formats[pair.attention]; format != DType::f32)
      propose(pair, pair.queries.maker, ScoreEstimate(pair, statistics, format));
  if (proposals.empty()) return false;
  std::stable_sort(proposals.begin(), proposals.end(),
                   [](const Proposal& a, const Proposal& b) { return a.gain > b.gain; });
  proposals.resize(std::min(proposals.size(), kMostTried));
  std::sort(proposals.begin(), proposals.end(),
            [](const Proposal& a, const Proposal& b) { return a.maker < b.maker; });
  const Graph floats = graph;
  const OutputErrors errors(floats, blocks, set, kStatisticSamples,
                            2 * static_cast<double>(proposals.size()) + 1);
  const double before = errors.of(floats, plan);
  double least = before;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    progress({"equalizing channels", "layers", i, proposals.size()});
    Graph scaled = graph;
    proposals[i].scale(scaled, proposals[i].factor);
    NumberPlan with = plan;
    with.ranges = plan_ranges(scaled, observe(scaled, errors.part(), no_progress), plan.ranges.inputs);
    const double error = errors.of(scaled, scaled, with);
    if (!(error * kLeastGain < least)) continue;
    least = error;
    graph = std::move(scaled);
  }
  if (least * kLeastOfAll < before) return true;
  graph = floats;
  return false;
}

}  // namespace nb
