#include "quantize/input_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "blocks/batch_norm/attributes.h"
#include "quantize/channel_line.h"
#include "quantize/element_flow.h"
#include "quantize/layer_weights.h"

namespace nb {
namespace {

constexpr double kSteps = 128;                   // of 1, in z's int8
constexpr double kMostShift = 1 << 13;           // so that a float holds it to a fraction of a step
constexpr std::size_t kMostKept = 1 << 13;       // elements of a channel
constexpr std::int64_t kMostElements = 1 << 22;  // of inputs that are followed
constexpr double kUnlike = 4;                    // of the widest channel to the narrowest

/// An input on its way: what it is called behind the lines that it passes first, and what they are.
struct Candidate {
  ValueId x, root;
  std::vector<std::size_t> front;  ///< nodes of these lines
  std::int32_t first_label = 0;
  int axis = -1;
  bool is_valid = true, can_shift = true;
  std::vector<double> line_factor, line_offset;  ///< by channel: root = line_factor * x + line_offset
  std::vector<double> factor, offset;            ///< by channel: root = factor * z + offset
  std::vector<Observation> seen;                 ///< of root, by channel

  [[nodiscard]] std::size_t channel(const Shape& shape, std::size_t element) const {
    return index_along(shape, axis, element);
  }
};

/// Where an input's elements are read.
struct Reader {
  std::size_t node;  ///< or nodes.size(): the graph's outputs
  std::size_t operand;
  ValueId value;
  std::optional<LayerWeights> layer;  ///< absent: it needs the elements as they were
  ElementFlow::Columns columns;
};

class Scaling {
 public:
  Scaling(const Graph& graph, const BlockSet& blocks, const Samples& set, const ScalingRule& rule)
      : graph_(graph), blocks_(blocks), set_(set), rule_(rule), uses_(graph.use_counts()) {}

  std::optional<ScaledGraph> run() {
    find_candidates();
    if (candidates_.empty()) return std::nullopt;
    find_readers();
    for (Candidate& c : candidates_) choose_axis(c);
    for (Candidate& c : candidates_) choose_numbers(c);
    refuse_useless();
    if (std::none_of(candidates_.begin(), candidates_.end(), [](const Candidate& c) { return c.is_valid; }))
      return std::nullopt;
    return rewritten();
  }

 private:
  /// The one node that reads the value, as an element of one operand; the number of nodes if there is none.
  [[nodiscard]] std::size_t sole_reader(ValueId id) const {
    std::size_t found = graph_.nodes.size();
    if (uses_[id.index()] != 1) return found;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n)
      for (const ValueId x : graph_.nodes[n].inputs)
        if (x == id) found = n;
    return found;
  }

  void find_candidates() {
    std::int32_t labels = 0;
    for (const ValueId x : graph_.inputs) {
      const Type& type = graph_.at(x).type;
      if (type.dtype != DType::f32 || type.rank() == 0 || type.elements() == 0 ||
          labels + type.elements() > kMostElements)
        continue;
      Candidate c;
      c.x = c.root = x;
      for (std::size_t n = sole_reader(x); n < graph_.nodes.size(); n = sole_reader(c.root)) {
        bool is_line = false;
        for (int axis = 0; axis < type.rank() && !is_line; ++axis)
          if (const auto line = channel_line(graph_, graph_.nodes[n], axis))
            is_line = graph_.nodes[n].inputs[line->operand] == c.root;
        if (!is_line) break;
        c.front.push_back(n);
        c.root = graph_.nodes[n].outputs[0];
      }
      c.first_label = labels;
      labels += static_cast<std::int32_t>(type.elements());
      candidates_.push_back(std::move(c));
    }
  }

  void find_readers() {
    std::vector<Labelled> roots;
    for (const Candidate& c : candidates_) {
      std::vector<std::int32_t> labels(static_cast<std::size_t>(graph_.at(c.root).type.elements()));
      std::iota(labels.begin(), labels.end(), c.first_label);
      roots.emplace_back(c.root, std::move(labels));
    }
    flow_ = follow_moves(graph_, roots);
    const auto add = [&](std::size_t node, std::size_t operand, ValueId id) {
      if (!flow_.has(id)) return;
      readers_.push_back({node, operand, id, std::nullopt, {}});
      if (node < graph_.nodes.size() && operand == 0)
        readers_.back().layer = layer_weights(graph_, graph_.nodes[node]);
    };
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (flow_.is_through[n]) continue;
      for (std::size_t i = 0; i < graph_.nodes[n].inputs.size(); ++i) add(n, i, graph_.nodes[n].inputs[i]);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const std::size_t publics = graph_.outputs.size() - graph_.kept.size();
      // A state that is followed holds z as well.
      if (i < publics || !flow_.has(graph_.kept[i - publics])) add(graph_.nodes.size(), i, graph_.outputs[i]);
    }
  }

  [[nodiscard]] const Candidate& candidate_of(std::int32_t label) const {
    auto at = std::upper_bound(candidates_.begin(), candidates_.end(), label,
                               [](std::int32_t l, const Candidate& c) { return l < c.first_label; });
    return *std::prev(at);
  }
  [[nodiscard]] std::size_t channel_of(std::int32_t label) const {
    const Candidate& c = candidate_of(label);
    return c.channel(graph_.at(c.x).type.shape, static_cast<std::size_t>(label - c.first_label));
  }

  /// The labels of a value with each element's channel instead, of one candidate; others' become one.
  [[nodiscard]] std::vector<std::int32_t> channels_of(ValueId id, const Candidate& c) const {
    std::vector<std::int32_t> labels = flow_.of[id.index()];
    for (std::int32_t& label : labels) {
      if (label < 0) continue;
      const bool is_own = &candidate_of(label) == &c;
      label =
          is_own ? static_cast<std::int32_t>(channel_of(label)) : std::numeric_limits<std::int32_t>::max();
    }
    return labels;
  }
  [[nodiscard]] bool reads(const Reader& reader, const Candidate& c) const {
    const auto& labels = flow_.of[reader.value.index()];
    return std::any_of(labels.begin(), labels.end(),
                       [&](std::int32_t label) { return label >= 0 && &candidate_of(label) == &c; });
  }

  /// Whether every reader sees one channel at each index of its last axis; and no zeros where offsets are
  /// none.
  bool fits(Candidate& c) {
    c.can_shift = true;
    for (const Reader& reader : readers_) {
      if (!reads(reader, c)) continue;
      ElementFlow one{{channels_of(reader.value, c)}, {}};
      Graph shape;
      shape.values.push_back({"", graph_.at(reader.value).type});
      const ElementFlow::Columns columns = one.columns(shape, ValueId(0));
      if (columns.labels.empty()) return false;
      c.can_shift &= !columns.sees_zeros && !(reader.layer && reader.layer->is_padded);
    }
    return true;
  }

  bool take_lines(Candidate& c) {
    const std::size_t channels =
        c.axis < 0 ? 1
                   : static_cast<std::size_t>(graph_.at(c.x).type.shape[static_cast<std::size_t>(c.axis)]);
    c.line_factor.assign(channels, 1.0);
    c.line_offset.assign(channels, 0.0);
    for (const std::size_t n : c.front) {
      const auto line = channel_line(graph_, graph_.nodes[n], std::max(c.axis, 0));
      if (!line) return false;
      for (std::size_t i = 0; i < line->factor.size(); ++i) {
        // With one scale for all, all lines must be one.
        const std::size_t k = c.axis < 0 ? 0 : i;
        if (c.axis < 0 && (line->factor[i] != line->factor[0] || line->offset[i] != line->offset[0]))
          return false;
        if (k != i) continue;
        c.line_factor[k] *= line->factor[i];
        c.line_offset[k] = c.line_offset[k] * line->factor[i] + line->offset[i];
      }
    }
    return std::all_of(c.line_factor.begin(), c.line_factor.end(),
                       [](double f) { return f != 0 && std::isfinite(f); }) &&
           std::all_of(c.line_offset.begin(), c.line_offset.end(), [](double o) { return std::isfinite(o); });
  }

  /// What the samples hold, behind the lines, by channel.
  void observe(Candidate& c) const {
    std::size_t first = 0;
    for (const ValueId id : graph_.inputs) {
      if (id == c.x) break;
      first += static_cast<std::size_t>(graph_.at(id).type.size_bytes());
    }
    const Shape& shape = graph_.at(c.x).type.shape;
    const auto elements = static_cast<std::size_t>(graph_.at(c.x).type.elements());
    c.seen.assign(c.line_factor.size(), {INFINITY, -INFINITY, {}});
    const std::size_t step = std::max<std::size_t>(elements * set_.count / c.seen.size() / kMostKept, 1) | 1;
    std::vector<std::size_t> count(c.seen.size(), 0);
    for (std::size_t n = 0; n < set_.count; ++n) {
      const auto* x = reinterpret_cast<const float*>(set_.sample(n).data() + first);
      for (std::size_t i = 0; i < elements; ++i) {
        const std::size_t k = c.channel(shape, i);
        const auto real = static_cast<float>(static_cast<double>(x[i]) * c.line_factor[k] + c.line_offset[k]);
        Observation& seen = c.seen[k];
        seen.min = std::min(seen.min, real);
        seen.max = std::max(seen.max, real);
        if (count[k]++ % step == 0) seen.kept.push_back(real);
      }
    }
  }

  /// The axis along which channels are most unlike, if the readers see them apart: by the mean square of
  /// their widths, which is that of their rounding errors. Without one, and with lines in front, one scale
  /// for all.
  void choose_axis(Candidate& c) {
    double least = INFINITY;
    std::optional<Candidate> best;
    const Shape& shape = graph_.at(c.x).type.shape;
    const int rank = static_cast<int>(shape.size());
    for (int i = -1; i < rank; ++i) {
      const int axis = i < 0 ? -1 : rank - 1 - i;
      if (axis < 0 ? c.front.empty() : shape[static_cast<std::size_t>(axis)] == 1) continue;
      c.axis = axis;
      if (!fits(c) || !take_lines(c)) continue;
      observe(c);
      double error = 0;
      for (const Observation& seen : c.seen) error += std::pow(static_cast<double>(seen.max - seen.min), 2);
      error /= static_cast<double>(c.seen.size());
      if (!(error < least * 0.999) || (best && best->axis < 0 && !are_unlike(c))) continue;
      least = error;
      best = c;
    }
    c.is_valid = best.has_value();
    if (best) c = std::move(*best);
  }

  static bool are_unlike(const Candidate& c) {
    const auto width = [](const Observation& seen) { return seen.max - seen.min; };
    float narrow = INFINITY, wide = 0;
    for (const Observation& seen : c.seen) {
      if (width(seen) > 0) narrow = std::min(narrow, width(seen));
      wide = std::max(wide, width(seen));
    }
    return wide > kUnlike * narrow;
  }

  /// The range of one channel's reals, both ends free.
  [[nodiscard]] std::pair<double, double> range_of(const Observation& seen) const {
    const float middle = seen.min / 2 + seen.max / 2;
    Observation about = seen;
    about.min -= middle, about.max -= middle;
    for (float& real : about.kept) real -= middle;
    const RealRange range = range_by(rule_.observer, about, DType::i8);
    return {static_cast<double>(range.min) + static_cast<double>(middle),
            static_cast<double>(range.max) + static_cast<double>(middle)};
  }

  void choose_numbers(Candidate& c) {
    if (!c.is_valid) return;
    std::vector<std::pair<double, double>> ranges;
    for (const Observation& seen : c.seen) {
      auto [low, high] = c.can_shift && seen.max > seen.min
                             ? range_of(seen)
                             : std::pair(static_cast<double>(seen.min), static_cast<double>(seen.max));
      if (!c.can_shift || !(high > low)) low = std::min(low, 0.0), high = std::max(high, 0.0);
      ranges.emplace_back(low, high);
    }
    // Channels that were always 0 are as the narrowest other.
    double narrowest = INFINITY;
    for (const auto& [low, high] : ranges)
      if (high > low) narrowest = std::min(narrowest, high - low);
    if (std::isinf(narrowest)) {
      c.is_valid = false;
      return;
    }
    for (auto& [low, high] : ranges)
      if (!(high > low)) low = -narrowest / 2, high = narrowest / 2;
    leave_to_weights(c, ranges);
    const int zero = c.can_shift ? 0 : best_zero(ranges);
    zero_[c.x.index()] = zero;
    for (std::size_t k = 0; k < ranges.size(); ++k) {
      const auto [low, high] = ranges[k];
      const double middle = (c.can_shift ? (low + high) / 2 : 0) - c.line_offset[k];
      double width = c.can_shift ? (high - low) / 254 * kSteps : width_with(zero, low, high);  // of 1 in z
      width = std::max(width, std::fabs(middle) * kSteps / kMostShift);
      // Where no offset passes the weights, the model's own is a whole number of steps.
      const double steps = std::fabs(middle) / width * kSteps;
      if (!c.can_shift && steps >= 1) width *= steps / std::floor(steps);
      // The float factor of the batch_norm is the one that counts.
      const auto slope = static_cast<float>(std::fabs(c.line_factor[k]) / width);
      c.is_valid &= std::isfinite(slope) && slope > std::numeric_limits<float>::min();
      const double factor = c.line_factor[k] / static_cast<double>(slope);
      const double shift = std::nearbyint(-middle / factor * kSteps);
      c.factor.push_back(factor);
      c.offset.push_back(c.can_shift ? c.line_offset[k] - factor * shift / kSteps : 0.0);
      shift_[c.x.index()].push_back(static_cast<std::int32_t>(shift));
    }
  }

  /// Widens the ranges of channels whose weights, times their range, are small: how much a channel's weights
  /// are below the layer's largest, to the power of the rule.
  void leave_to_weights(const Candidate& c, std::vector<std::pair<double, double>>& ranges) const {
    if (rule_.to_weights == 0) return;
    std::vector<double> largest(ranges.size(), 0.0);
    for (const Reader& reader : readers_) {
      if (!reader.layer || !reads(reader, c)) continue;
      const Value& w = graph_.at(graph_.nodes[reader.node].inputs[1]);
      const auto weights = Tensor{w.type, *w.data};
      const auto values = weights.as<float>();
      const std::vector<std::int32_t> channels = channels_of(reader.value, c);
      const auto width = static_cast<std::size_t>(graph_.at(reader.value).type.shape.back());
      std::vector<std::int32_t> of(width, ElementFlow::kZero);
      for (std::size_t i = 0; i < channels.size(); ++i) of[i % width] = std::max(of[i % width], channels[i]);
      std::vector<double> own(ranges.size(), 0.0);
      double all = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::int32_t k = of[reader.layer->input_of(i)];
        if (k < 0 || static_cast<std::size_t>(k) >= own.size()) continue;
        const auto [low, high] = ranges[static_cast<std::size_t>(k)];
        const double size = std::fabs(static_cast<double>(values[i])) * (high - low);
        own[static_cast<std::size_t>(k)] = std::max(own[static_cast<std::size_t>(k)], size);
        all = std::max(all, size);
      }
      for (std::size_t k = 0; k < own.size() && all > 0; ++k) largest[k] = std::max(largest[k], own[k] / all);
    }
    for (std::size_t k = 0; k < ranges.size(); ++k) {
      auto& [low, high] = ranges[k];
      const double wider =
          std::min(std::pow(1 / std::max(largest[k], 1e-9), rule_.to_weights), rule_.most_wider);
      const double middle = c.can_shift ? (low + high) / 2 : 0;
      low = middle + (low - middle) * wider;
      high = middle + (high - middle) * wider;
    }
  }

  static double width_with(int zero, double low, double high) {
    return std::max(-low / (128 + zero + 1e-9), high / (127 - zero + 1e-9)) * kSteps;
  }
  /// Where integers are z's times 128 and a zero point: the zero point that leaves least range unused.
  static int best_zero(const std::vector<std::pair<double, double>>& ranges) {
    int best = 0;
    double least = INFINITY;
    for (int zero = -128; zero < 128; ++zero) {
      double sum = 0;
      for (const auto& [low, high] : ranges) sum += std::log(std::max(width_with(zero, low, high), 1e-300));
      if (!(sum < least)) continue;
      least = sum;
      best = zero;
    }
    return best;
  }

  /// An input that no weights read, or whose channels are alike, stays as it is.
  void refuse_useless() {
    for (Candidate& c : candidates_) {
      if (!c.is_valid) continue;
      c.is_valid = std::any_of(readers_.begin(), readers_.end(),
                               [&](const Reader& reader) { return reader.layer && reads(reader, c); });
      c.is_valid &= !c.front.empty() || are_unlike(c);
    }
  }

  /// factor and offset of a reader's columns.
  [[nodiscard]] std::pair<std::vector<double>, std::vector<double>> line_of(const Reader& reader) const {
    const Shape& shape = graph_.at(reader.value).type.shape;
    const auto width = static_cast<std::size_t>(shape.back());
    std::vector<double> factor(width, 1.0), offset(width, 0.0);
    const auto& labels = flow_.of[reader.value.index()];
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0) continue;
      const Candidate& c = candidate_of(labels[i]);
      if (!c.is_valid) continue;
      factor[i % width] = c.factor[channel_of(labels[i])];
      offset[i % width] = c.offset[channel_of(labels[i])];
    }
    return {factor, offset};
  }

  [[nodiscard]] Node line_node(Graph& made, ValueId x, ValueId y, int axis, const std::vector<double>& factor,
                               const std::vector<double>& offset, const std::string& name,
                               const std::string& origin) const {
    const auto constant = [&](const std::string& what, const std::vector<double>& values) {
      const std::vector<float> narrow(values.begin(), values.end());
      const Shape shape = {static_cast<std::int64_t>(values.size())};
      return made.add_constant(name + "/" + what, make_tensor<float>(DType::f32, shape, narrow));
    };
    const std::vector<double> zeros(factor.size(), 0.0), ones(factor.size(), 1.0);
    return {blocks_.find("batch_norm"),
            Attributes(BatchNormAttrs{axis, 0.0f}),
            {x, constant("factor", factor), constant("offset", offset), constant("mean", zeros),
             constant("variance", ones)},
            {y},
            name,
            origin};
  }

  ScaledGraph rewritten() const {
    ScaledGraph made{graph_, {}};
    std::vector<Node> nodes;
    std::vector<bool> is_gone(graph_.nodes.size(), false);
    for (const Candidate& c : candidates_)
      if (c.is_valid) {
        for (const std::size_t n : c.front) is_gone[n] = true;
        begin(made, c, nodes);
      }
    std::map<std::size_t, ValueId> restored;
    std::vector<std::vector<const Reader*>> of(graph_.nodes.size() + 1);
    for (const Reader& reader : readers_) of[reader.node].push_back(&reader);
    for (std::size_t n = 0; n <= graph_.nodes.size(); ++n) {
      if (n < graph_.nodes.size() && is_gone[n]) continue;
      Node node = n < graph_.nodes.size() ? made.graph.nodes[n] : Node{};
      for (const Reader* reader : of[n]) {
        const auto [factor, offset] = line_of(*reader);
        const auto is = [](const std::vector<double>& list, double what) {
          return std::all_of(list.begin(), list.end(), [&](double real) { return real == what; });
        };
        if (is(factor, 1) && is(offset, 0)) continue;
        if (reader->layer) {
          fold_before(made.graph, node, *reader->layer, factor, offset);
          continue;
        }
        ValueId& use =
            n < graph_.nodes.size() ? node.inputs[reader->operand] : made.graph.outputs[reader->operand];
        const auto [at, is_new] = restored.emplace(reader->value.index(), ValueId());
        if (is_new) {
          const Value& value = graph_.at(reader->value);
          at->second = made.graph.add_value({value.name + ".restored", value.type, Source::node});
          const Node layer = n < graph_.nodes.size() ? node : Node{.name = value.name, .origin = "output"};
          nodes.push_back(line_node(made.graph, use, at->second, -1, factor, offset, layer.name + "/restored",
                                    layer.origin));
        }
        use = at->second;
      }
      if (n < graph_.nodes.size()) nodes.push_back(std::move(node));
    }
    made.graph.nodes = std::move(nodes);
    scale_states(made.graph);
    return made;
  }

  /// The batch_norm that begins with an input, in place of the model's own lines.
  void begin(ScaledGraph& made, const Candidate& c, std::vector<Node>& nodes) const {
    const Value x = graph_.at(c.x);
    ScaledInput input{
        .x = c.x, .z = c.root, .axis = c.axis, .zero = zero_.at(c.x.index()), .has_front = !c.front.empty()};
    input.shift = shift_.at(c.x.index());
    std::vector<double> slope, offset;
    for (std::size_t k = 0; k < c.factor.size(); ++k) {
      slope.push_back(c.line_factor[k] / c.factor[k]);
      offset.push_back(input.shift[k] / kSteps);
      input.factor.push_back(1 / slope.back());
    }
    if (c.front.empty()) {
      input.z = made.graph.add_value({x.name + ".scaled", x.type, Source::node});
      for (Node& node : made.graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), c.x, input.z);
      std::replace(made.graph.outputs.begin(), made.graph.outputs.end(), c.x, input.z);
    }
    // With one scale for all, the last axis holds it as often as it is long.
    const int axis = c.axis < 0 ? x.type.rank() - 1 : c.axis;
    const auto size = static_cast<std::size_t>(x.type.shape[static_cast<std::size_t>(axis)]);
    if (c.axis < 0) slope.assign(size, slope[0]), offset.assign(size, offset[0]);
    // One zero point is an integer of the input's dtype; several may be anything.
    if (const std::int32_t zero = input.shift[0] + input.zero;
        c.axis < 0 && (std::min(zero, input.shift[0]) < -128 || std::max(zero, input.shift[0]) > 127)) {
      input.axis = axis;
      input.factor.assign(size, input.factor[0]);
      input.shift.assign(size, input.shift[0]);
    }
    const std::string name = c.front.empty() ? x.name : graph_.nodes[c.front.back()].name;
    const std::string origin = c.front.empty() ? "input" : graph_.nodes[c.front.back()].origin;
    nodes.push_back(line_node(made.graph, c.x, input.z, axis, slope, offset, name, origin));
    made.inputs.push_back(std::move(input));
  }

  /// States that hold elements of inputs hold z's: their first contents as well.
  void scale_states(Graph& made) const {
    for (const ValueId id : graph_.kept) {
      Value& state = made.at(id);
      if (!flow_.has(id)) continue;
      Tensor first = make_tensor(state.type);
      if (state.data) first.data = *state.data;
      const auto reals = first.as<float>();
      bool is_other = false;
      for (std::size_t i = 0; i < reals.size(); ++i) {
        const std::int32_t label = flow_.of[id.index()][i];
        if (label < 0 || !candidate_of(label).is_valid) continue;
        const Candidate& c = candidate_of(label);
        const std::size_t k = channel_of(label);
        reals[i] = static_cast<float>((static_cast<double>(reals[i]) - c.offset[k]) / c.factor[k]);
        is_other |= reals[i] != 0;
      }
      if (is_other || state.data) state.data = std::make_shared<const Bytes>(std::move(first.data));
    }
  }

  const Graph& graph_;
  const BlockSet& blocks_;
  const Samples& set_;
  const ScalingRule rule_;
  const std::vector<int> uses_;
  std::vector<Candidate> candidates_;
  ElementFlow flow_;
  std::vector<Reader> readers_;
  std::map<std::size_t, int> zero_;                         ///< by input
  std::map<std::size_t, std::vector<std::int32_t>> shift_;  ///< by input
};

}  // namespace

RealRange ScaledInput::range(DType dtype) const {
  if (dtype == DType::i8)
    return {static_cast<float>((-128 - zero) / kSteps), static_cast<float>((127 - zero) / kSteps)};
  const float reach = zero == 0 ? 1 : 2;
  return {0, 32767.0f / 32768 * reach};
}

Type ScaledInput::type(const Shape& shape, DType dtype) const {
  const Quantization own = numbers_of(range(dtype), dtype);
  Quantization q{{}, {}, axis};
  const double steps =
      1 / (kSteps * static_cast<double>(own.scales[0]));  // of the int8 ones, in those of dtype
  for (std::size_t k = 0; k < factor.size(); ++k) {
    q.scales.push_back(static_cast<float>(factor[k] * static_cast<double>(own.scales[0])));
    q.zero_points.push_back(own.zero_points[0] + static_cast<std::int32_t>(std::nearbyint(shift[k] * steps)));
  }
  return {dtype, shape, std::move(q)};
}

std::optional<ScaledGraph> with_scaled_inputs(const Graph& graph, const BlockSet& blocks, const Samples& set,
                                              const ScalingRule& rule) {
  return Scaling(graph, blocks, set, rule).run();
}

}  // namespace nb
