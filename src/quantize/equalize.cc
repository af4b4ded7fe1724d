#include "quantize/equalize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "quantize/channel_line.h"
#include "quantize/element_flow.h"
#include "quantize/layer_weights.h"
#include "quantize/search.h"

namespace nb {
namespace {

constexpr std::size_t kMostTried = 24;
constexpr std::size_t kStatisticSamples = 64;
constexpr double kLeastEstimate = 1.25, kLeastGain = 1.12, kLeastOfAll = 2;  // in the square of errors
constexpr std::array kShares = {0.0, 0.25, 0.5, 0.75, 1.0};

/// Whether the sums may be clamped for a factor to pass: below at 0 only.
bool passes_factors(const Node& node) {
  if (!is_bounded(node)) return true;
  const Clamp clamp = node.block->attributes.clamp(node.attributes);
  return clamp.min == 0 && std::isinf(clamp.max);
}

/// The channels that a node makes and can give factors; 0 if it cannot.
std::int64_t made_channels(const Graph& graph, const Node& node) {
  if (node.is_kept_float) return 0;
  if (node.block->name == "layer_norm") {
    const bool has_scale = node.inputs.size() > 1 && node.inputs[1].is_present();
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2].is_present();
    const Shape& shape = graph.at(node.outputs[0]).type.shape;
    const auto is_row = [&](ValueId id) {
      return graph.is_constant(id) && graph.at(id).type.dtype == DType::f32 &&
             graph.at(id).type.elements() == shape.back();
    };
    // Without a scale there is none to take the factors.
    return has_scale && is_row(node.inputs[1]) && (!has_bias || is_row(node.inputs[2])) ? shape.back() : 0;
  }
  const auto layer = layer_weights(graph, node);
  return layer && layer->makes_sums && passes_factors(node) ? layer->outputs : 0;
}

/// What samples show of one label: its range, and the mean square.
struct ChannelStatistics {
  double min = 0, max = 0, square = 0, count = 0;
};

/// Of every label of the readers' values.
std::vector<ChannelStatistics> statistics_of(const Graph& graph, const std::vector<ScalableChannels>& all,
                                             const Samples& set) {
  std::size_t labels = 0;
  for (const ScalableChannels& one : all)
    labels = std::max(labels, static_cast<std::size_t>(one.first + one.channels));
  std::vector<ChannelStatistics> statistics(labels);
  const Samples part = part_of(graph, set, std::min(set.count, kStatisticSamples));
  run_samples(graph, part, [&](std::size_t, const Interpreter& at) {
    for (const ScalableChannels& one : all)
      for (const ScalableChannels::Reader& reader : one.readers) {
        const auto x = at.view(reader.value).as<float>();
        for (std::size_t i = 0; i < x.size(); ++i) {
          const std::int32_t label = reader.labels[i % reader.labels.size()];
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
    std::vector<double> factor;
    double logs = 0, count = 0;
    for (std::size_t c = 0; c < of_.size(); ++c) {
      const double range = std::max(-of_[c].min, of_[c].max);
      const bool is_seen = range > 0 && largest_[c] > 0;
      factor.push_back(is_seen ? std::pow(range, share) / std::pow(largest_[c], 1 - share) : 0);
      if (!is_seen) continue;
      logs += std::log(factor.back());
      ++count;
    }
    if (count == 0) return {};
    // Around 1; channels of no weight or no range stay as they are, within the others.
    const double middle = std::exp(logs / count);
    for (double& f : factor) f = f > 0 ? std::clamp(f / middle, 1.0 / 1024, 1024.0) : 1;
    return factor;
  }

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

/// A way to scale one maker's channels.
struct Proposal {
  const ScalableChannels* channels;
  std::vector<double> factor;
  double gain;  ///< of the estimated squared errors
};

}  // namespace

std::vector<ScalableChannels> scalable_channels(const Graph& graph) {
  std::vector<ScalableChannels> found;
  std::vector<Labelled> roots;
  std::int32_t first = 0;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::int64_t channels = made_channels(graph, graph.nodes[n]);
    if (channels < 2 || first + channels > kMostChannels) continue;
    found.push_back({n, first, channels, {}, {}});
    const ValueId y = graph.nodes[n].outputs[0];
    std::vector<std::int32_t> labels(static_cast<std::size_t>(graph.at(y).type.elements()));
    for (std::size_t i = 0; i < labels.size(); ++i)
      labels[i] = first + static_cast<std::int32_t>(i % static_cast<std::size_t>(channels));
    roots.emplace_back(y, std::move(labels));
    first += static_cast<std::int32_t>(channels);
  }
  if (found.empty()) return found;
  const ElementFlow flow = follow_multiples(graph, roots);
  std::vector<bool> is_refused(found.size(), false);
  const auto each_of = [&](ValueId id, auto use) {
    if (!flow.has(id)) return;
    std::vector<bool> is_there(found.size(), false);
    for (const std::int32_t label : flow.of[id.index()]) {
      // What is neither a channel nor 0 may come from anyone before: all that flows there is refused.
      if (label < 0) continue;
      const auto at = std::upper_bound(found.begin(), found.end(), label,
                                       [](std::int32_t l, const ScalableChannels& s) { return l < s.first; });
      is_there[static_cast<std::size_t>(std::prev(at) - found.begin())] = true;
    }
    for (std::size_t i = 0; i < found.size(); ++i)
      if (is_there[i]) use(i);
  };
  const auto refuse = [&](std::size_t i) { is_refused[i] = true; };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (!flow.has(id)) continue;
      if (flow.is_through[n]) {
        // A node that makes no labels of labels ends the way of its operand's channels.
        const auto& made = flow.of[node.outputs[0].index()];
        if (std::find(made.begin(), made.end(), ElementFlow::kOther) != made.end()) each_of(id, refuse);
        continue;
      }
      const auto layer = i == 0 && !node.is_kept_float ? layer_weights(graph, node) : std::nullopt;
      const ElementFlow::Columns columns = flow.columns(graph, id);
      if (!layer || columns.labels.empty()) {
        each_of(id, refuse);
        continue;
      }
      each_of(id, [&](std::size_t at) { found[at].readers.push_back({n, id, columns.labels}); });
    }
  }
  for (const ValueId id : graph.outputs) each_of(id, refuse);
  for (std::size_t v = 0; v < graph.values.size(); ++v)
    each_of(ValueId(v), [&](std::size_t at) { found[at].values.push_back(ValueId(v)); });
  std::vector<ScalableChannels> left;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!is_refused[i] && !found[i].readers.empty()) left.push_back(std::move(found[i]));
  return left;
}

void scale_channels(Graph& graph, const ScalableChannels& channels, const std::vector<double>& factor) {
  std::vector<double> inverse;
  for (const double f : factor) inverse.push_back(1 / f);
  Node& maker = graph.nodes[channels.maker];
  if (maker.block->name == "layer_norm") {
    for (const std::size_t i : {1u, 2u}) {
      if (maker.inputs.size() <= i || !maker.inputs[i].is_present()) continue;
      const Value value = graph.at(maker.inputs[i]);
      Tensor scaled{value.type, *value.data};
      const auto reals = scaled.as<float>();
      for (std::size_t c = 0; c < reals.size(); ++c)
        reals[c] = static_cast<float>(static_cast<double>(reals[c]) * inverse[c]);
      maker.inputs[i] = graph.add_constant(value.name, std::move(scaled));
    }
  } else {
    fold_after(graph, maker, *layer_weights(graph, maker), inverse, std::vector<double>(inverse.size(), 0.0));
  }
  for (const ScalableChannels::Reader& reader : channels.readers) {
    std::vector<double> in(reader.labels.size(), 1.0);
    for (std::size_t c = 0; c < in.size(); ++c)
      if (reader.labels[c] >= channels.first && reader.labels[c] < channels.first + channels.channels)
        in[c] = factor[static_cast<std::size_t>(reader.labels[c] - channels.first)];
    Node& node = graph.nodes[reader.node];
    fold_before(graph, node, *layer_weights(graph, node), in, std::vector<double>(in.size(), 0.0));
  }
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(graph.values.begin(), graph.values.end(),
                       [&](const Value& v) { return v.name == name; });
  };
  for (const ValueId id : channels.values) {
    const std::string name = graph.at(id).name + std::string(kEqualized);
    if (!graph.at(id).name.ends_with(kEqualized) && !is_taken(name)) graph.at(id).name = name;
  }
}

bool equalize_channels(Graph& graph, const BlockSet& blocks, const Samples& set, const NumberPlan& plan,
                       const ProgressTeller& progress) {
  if (graph.public_outputs().empty()) return false;
  const std::vector<ScalableChannels> all = scalable_channels(graph);
  if (all.empty()) return false;
  const std::vector<ChannelStatistics> statistics = statistics_of(graph, all, set);
  std::vector<Proposal> proposals;
  for (const ScalableChannels& channels : all) {
    // A layer's operand is rounded to the layer's own format.
    const DType format = plan.formats[channels.readers[0].node];
    if (format == DType::f32) continue;
    const ErrorEstimate estimate(graph, channels, statistics, format);
    const double before = estimate.of(std::vector<double>(static_cast<std::size_t>(channels.channels), 1.0));
    Proposal best{&channels, {}, kLeastEstimate};
    for (const double share : kShares) {
      std::vector<double> factor = estimate.factors(share);
      if (factor.empty()) break;
      const double gain = before / estimate.of(factor);
      if (!(gain > best.gain)) continue;
      best.gain = gain;
      best.factor = std::move(factor);
    }
    if (!best.factor.empty()) proposals.push_back(std::move(best));
  }
  if (proposals.empty()) return false;
  std::stable_sort(proposals.begin(), proposals.end(),
                   [](const Proposal& a, const Proposal& b) { return a.gain > b.gain; });
  proposals.resize(std::min(proposals.size(), kMostTried));
  std::sort(proposals.begin(), proposals.end(),
            [](const Proposal& a, const Proposal& b) { return a.channels->maker < b.channels->maker; });
  const Graph floats = graph;
  const OutputErrors errors(floats, blocks, set, kStatisticSamples,
                            2 * static_cast<double>(proposals.size()) + 1);
  const double before = errors.of(floats, plan);
  double least = before;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    progress({"equalizing channels", "layers", i, proposals.size()});
    Graph scaled = graph;
    scale_channels(scaled, *proposals[i].channels, proposals[i].factor);
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
