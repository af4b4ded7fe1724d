#include "quantize/scalable_channels.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "blocks/attention/attributes.h"
#include "blocks/quantized.h"
#include "quantize/channel_line.h"
#include "quantize/element_flow.h"
#include "quantize/layer_weights.h"

namespace nb {
namespace {

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

/// Finds all that can be scaled: every channel of a maker has a label, which is followed to its readers.
class ChannelSearch {
 public:
  explicit ChannelSearch(const Graph& graph) : graph_(graph) {}

  Scalable run() && {
    std::vector<Labelled> roots = makers();
    if (found_.empty()) return {};
    flow_ = follow_multiples(graph_, roots);
    const std::size_t of_makers = roots.size();
    for (const Node& node : graph_.nodes)
      if (node.block->name == "attention") add_attended(node, roots);
    if (roots.size() > of_makers) flow_ = follow_multiples(graph_, roots);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) read(n);
    for (const ValueId id : graph_.outputs) refuse(id);
    for (std::size_t v = 0; v < graph_.values.size(); ++v)
      for (const std::size_t at : makers_of(ValueId(v))) found_[at].channels.values.push_back(ValueId(v));
    Scalable all;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n)
      if (graph_.nodes[n].block->name == "attention")
        if (auto one = pair(n)) all.pairs.push_back(std::move(*one));
    for (Found& one : found_)
      if (!one.is_refused && one.scores.empty() && !one.channels.readers.empty())
        all.channels.push_back(std::move(one.channels));
    return all;
  }

 private:
  enum : std::size_t { kQ, kK, kV };
  struct Found {
    ScalableChannels channels;
    bool is_refused = false;
    std::vector<std::pair<std::size_t, std::size_t>> scores;  ///< attention nodes, and the operand: q or k
  };
  /// A label for each head and feature of an attention's operand or output; empty if one has several.
  struct Features {
    std::vector<std::int32_t> labels;  ///< [heads, features]
    std::size_t heads = 0, size = 0;
  };

  std::vector<Labelled> makers() {
    std::vector<Labelled> roots;
    std::int32_t first = 0;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const std::int64_t channels = made_channels(graph_, graph_.nodes[n]);
      if (channels < 2 || first + channels > kMostChannels) continue;
      found_.push_back({{n, first, channels, {}, {}}});
      const ValueId y = graph_.nodes[n].outputs[0];
      std::vector<std::int32_t> labels(static_cast<std::size_t>(graph_.at(y).type.elements()));
      for (std::size_t i = 0; i < labels.size(); ++i)
        labels[i] = first + static_cast<std::int32_t>(i % static_cast<std::size_t>(channels));
      roots.emplace_back(y, std::move(labels));
      first += static_cast<std::int32_t>(channels);
    }
    return roots;
  }
  [[nodiscard]] std::size_t maker_of(std::int32_t label) const {
    const auto at = std::upper_bound(found_.begin(), found_.end(), label,
                                     [](std::int32_t l, const Found& f) { return l < f.channels.first; });
    return static_cast<std::size_t>(std::prev(at) - found_.begin());
  }
  /// Whose channels a value holds.
  [[nodiscard]] std::vector<std::size_t> makers_of(ValueId id) const {
    std::vector<std::size_t> makers;
    if (!flow_.has(id)) return makers;
    std::vector<bool> is_there(found_.size(), false);
    // What is neither a channel nor 0 may come from anyone before: all that flows there is refused.
    for (const std::int32_t label : flow_.of[id.index()])
      if (label >= 0) is_there[maker_of(label)] = true;
    for (std::size_t i = 0; i < found_.size(); ++i)
      if (is_there[i]) makers.push_back(i);
    return makers;
  }
  void refuse(ValueId id) {
    for (const std::size_t at : makers_of(id)) found_[at].is_refused = true;
  }

  static std::string axes_of(const Node& node, std::size_t operand) {
    const auto& a = node.attributes.as<AttentionAttrs>();
    return operand == kQ ? a.q_axes : operand == kK ? a.k_axes : a.v_axes;
  }
  /// Calls use(head, feature, element) for all elements of a tensor with these axes.
  template <class Use>
  static void each_element(const Shape& shape, const std::string& axes, Use use) {
    const auto count = static_cast<std::size_t>(element_count(shape));
    for (std::size_t i = 0; i < count; ++i)
      use(index_along(shape, static_cast<int>(axes.find('h')), i),
          index_along(shape, static_cast<int>(axes.find('d')), i), i);
  }
  [[nodiscard]] Features features_of(const Node& node, std::size_t operand) const {
    const ValueId id = node.inputs[operand];
    if (!flow_.has(id) || graph_.at(id).type.rank() != 4) return {};
    const Shape& shape = graph_.at(id).type.shape;
    const std::string axes = axes_of(node, operand);
    Features features{
        {}, static_cast<std::size_t>(shape[axes.find('h')]), static_cast<std::size_t>(shape[axes.find('d')])};
    features.labels.assign(features.heads * features.size, ElementFlow::kZero);
    bool is_one = true;
    each_element(shape, axes, [&](std::size_t h, std::size_t d, std::size_t i) {
      std::int32_t& label = features.labels[h * features.size + d];
      const std::int32_t here = flow_.of[id.index()][i];
      is_one &= here >= 0 && (label < 0 || label == here);
      label = here;
    });
    if (!is_one) features.labels.clear();
    return features;
  }

  /// What attention makes of values is a mean of the same feature of them.
  void add_attended(const Node& node, std::vector<Labelled>& roots) const {
    const Features values = features_of(node, kV);
    if (values.labels.empty() || flow_.has(node.outputs[0])) return;
    const Shape& shape = graph_.at(node.outputs[0]).type.shape;
    const std::string axes = node.attributes.as<AttentionAttrs>().y_axes;
    const std::size_t group = static_cast<std::size_t>(shape[axes.find('h')]) / values.heads;
    std::vector<std::int32_t> labels(static_cast<std::size_t>(element_count(shape)));
    each_element(shape, axes, [&](std::size_t h, std::size_t d, std::size_t i) {
      labels[i] = values.labels[h / group * values.size + d];
    });
    roots.emplace_back(node.outputs[0], std::move(labels));
  }

  /// What node n does with the channels that it reads.
  void read(std::size_t n) {
    const Node& node = graph_.nodes[n];
    const bool is_attention = node.block->name == "attention";
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (!flow_.has(id)) continue;
      if (flow_.is_through[n]) {
        // A node that makes no labels of labels ends the way of its operand's channels.
        const auto& made = flow_.of[node.outputs[0].index()];
        if (std::find(made.begin(), made.end(), ElementFlow::kOther) != made.end()) refuse(id);
        continue;
      }
      if (is_attention && i == kV && flow_.has(node.outputs[0])) continue;
      if (is_attention && i < kV) {
        for (const std::size_t at : makers_of(id)) found_[at].scores.emplace_back(n, i);
        continue;
      }
      const auto layer = i == 0 && !node.is_kept_float ? layer_weights(graph_, node) : std::nullopt;
      const ElementFlow::Columns columns = flow_.columns(graph_, id);
      if (!layer || columns.labels.empty()) {
        refuse(id);
        continue;
      }
      for (const std::size_t at : makers_of(id))
        found_[at].channels.readers.push_back({n, id, columns.labels});
    }
  }

  /// The maker of one side of an attention's scores, if they alone read it.
  [[nodiscard]] const Found* side_of(std::size_t attention, std::size_t operand) const {
    const std::vector<std::size_t> makers = makers_of(graph_.nodes[attention].inputs[operand]);
    if (makers.size() != 1) return nullptr;
    const Found& one = found_[makers[0]];
    const bool is_alone = !one.is_refused && one.channels.readers.empty() && one.scores.size() == 1;
    return is_alone ? &one : nullptr;
  }
  [[nodiscard]] std::optional<ScalablePair> pair(std::size_t attention) const {
    const Node& node = graph_.nodes[attention];
    const Found *const q = side_of(attention, kQ), *const k = side_of(attention, kK);
    const Features of_q = features_of(node, kQ), of_k = features_of(node, kK);
    if (node.is_kept_float || q == nullptr || k == nullptr || q == k || of_q.labels.empty() ||
        of_k.labels.empty())
      return std::nullopt;
    const auto side = [&](const Found& one, std::size_t operand) {
      const ValueId id = node.inputs[operand];
      return ScalablePair::Side{one.channels.maker,
                                one.channels.first,
                                std::vector<int>(static_cast<std::size_t>(one.channels.channels), -1),
                                {attention, id, flow_.of[id.index()]}};
    };
    ScalablePair made{attention, side(*q, kQ), side(*k, kK), 0, q->channels.values};
    made.values.insert(made.values.end(), k->channels.values.begin(), k->channels.values.end());
    // Channels that meet, also by way of others, are of one set.
    const std::size_t group = of_q.heads / of_k.heads;
    const auto set_of = [](ScalablePair::Side& of, std::int32_t label) -> int& {
      return of.set[static_cast<std::size_t>(label - of.first)];
    };
    for (std::size_t h = 0; h < of_q.heads; ++h)
      for (std::size_t d = 0; d < of_q.size; ++d) {
        int& a = set_of(made.queries, of_q.labels[h * of_q.size + d]);
        int& b = set_of(made.keys, of_k.labels[h / group * of_k.size + d]);
        if (a < 0 && b < 0) {
          a = b = static_cast<int>(made.sets++);
        } else if (a < 0 || b < 0) {
          a = b = std::max(a, b);
        } else if (a != b) {
          const int from = std::max(a, b), to = std::min(a, b);
          for (auto* of : {&made.queries.set, &made.keys.set}) std::replace(of->begin(), of->end(), from, to);
        }
      }
    return made;
  }

  const Graph& graph_;
  std::vector<Found> found_;
  ElementFlow flow_;
};

/// Divides the channels that a node makes.
void divide_made(Graph& graph, std::size_t node, const std::vector<double>& factor) {
  std::vector<double> inverse;
  for (const double f : factor) inverse.push_back(1 / f);
  Node& maker = graph.nodes[node];
  if (maker.block->name != "layer_norm")
    return fold_after(graph, maker, *layer_weights(graph, maker), inverse,
                      std::vector<double>(inverse.size(), 0.0));
  for (const std::size_t i : {1u, 2u}) {
    if (maker.inputs.size() <= i || !maker.inputs[i].is_present()) continue;
    const Value value = graph.at(maker.inputs[i]);
    Tensor scaled{value.type, *value.data};
    const auto reals = scaled.as<float>();
    for (std::size_t c = 0; c < reals.size(); ++c)
      reals[c] = static_cast<float>(static_cast<double>(reals[c]) * inverse[c]);
    maker.inputs[i] = graph.add_constant(value.name, std::move(scaled));
  }
}

void rename_scaled(Graph& graph, const std::vector<ValueId>& values) {
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(graph.values.begin(), graph.values.end(),
                       [&](const Value& v) { return v.name == name; });
  };
  for (const ValueId id : values) {
    const std::string name = graph.at(id).name + std::string(kEqualized);
    if (!graph.at(id).name.ends_with(kEqualized) && !is_taken(name)) graph.at(id).name = name;
  }
}

}  // namespace

Scalable scalable_channels(const Graph& graph) { return ChannelSearch(graph).run(); }

void scale_channels(Graph& graph, const ScalableChannels& channels, const std::vector<double>& factor) {
  divide_made(graph, channels.maker, factor);
  for (const ScalableChannels::Reader& reader : channels.readers) {
    std::vector<double> in(reader.labels.size(), 1.0);
    for (std::size_t c = 0; c < in.size(); ++c)
      if (reader.labels[c] >= channels.first && reader.labels[c] < channels.first + channels.channels)
        in[c] = factor[static_cast<std::size_t>(reader.labels[c] - channels.first)];
    Node& node = graph.nodes[reader.node];
    fold_before(graph, node, *layer_weights(graph, node), in, std::vector<double>(in.size(), 0.0));
  }
  rename_scaled(graph, channels.values);
}

void scale_channels(Graph& graph, const ScalablePair& pair, const std::vector<double>& factor) {
  for (const auto* side : {&pair.queries, &pair.keys}) {
    std::vector<double> by;
    for (const int set : side->set) {
      const double f = set < 0 ? 1 : factor[static_cast<std::size_t>(set)];
      by.push_back(side == &pair.queries ? f : 1 / f);
    }
    divide_made(graph, side->maker, by);
  }
  rename_scaled(graph, pair.values);
}

}  // namespace nb
