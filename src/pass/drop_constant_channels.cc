// drop-constant-channels: a channel that is one number for every input, or that nobody regards, is not
// computed. What it adds to the layers that mix channels goes into their bias, so the outputs keep every bit.
//
// Three steps until nothing changes: intervals of each channel from the inputs on; which channels can go, as
// the largest set in which each one's readers and maker agree; then new weights, biases and types.
#include <algorithm>
#include <deque>

#include "blocks/channels.h"
#include "pass/pass.h"

namespace nb {
namespace {

using Form = ChannelFlow::Form;
/// Kernels read four int8 channels as a word. More than the last word's worth of channels is never worth
/// keeping: measured, multiples of 8 and 16 cost instructions on cores with and without a vector unit.
constexpr std::int64_t kMultiple = 4;
/// A single full vector of int8 stays full: loads of a part of it cost more than the channels.
constexpr std::int64_t kVector = 16;
using Marks = std::vector<bool>;  ///< one a channel

/// Values of more channels are left alone, and graphs whose values have more in all: this bounds memory and
/// time.
constexpr std::int64_t kMaxChannels = 1 << 16, kMaxAllChannels = 1 << 22;

std::int64_t channels_of(const Type& type) { return type.rank() == 0 ? 1 : type.shape.back(); }
bool has_intervals(DType dtype) { return dtype == DType::i8 || dtype == DType::u8 || dtype == DType::i16; }

ChannelIntervals intervals_of_constant(const Value& value) {
  const Tensor view{value.type, *value.data};
  const auto channels = static_cast<std::size_t>(channels_of(value.type));
  ChannelIntervals out(channels, Interval{INT32_MAX, INT32_MIN});
  const std::vector<std::int64_t> elements = to_ints(view);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    Interval& channel = out[i % channels];
    channel = {std::min(channel.min, elements[i]), std::max(channel.max, elements[i])};
  }
  return out;
}

/// What is known of the graph's channels.
class Channels {
 public:
  explicit Channels(const Graph& graph) : graph_(graph), intervals_(graph.values.size()) {
    std::vector<bool> is_made(graph.values.size(), false);
    for (const Node& node : graph.nodes)
      for (const ValueId id : node.outputs) is_made[id.index()] = true;
    for (std::size_t v = 0; v < graph.values.size(); ++v)
      if (!is_made[v]) intervals_[v] = unknown(graph.values[v]);
    for (const Node& node : graph.nodes) flows_.push_back(flow_of(node));
  }

  [[nodiscard]] const ChannelFlow& flow(std::size_t node) const { return flows_[node]; }
  [[nodiscard]] const ChannelIntervals& intervals(ValueId id) const { return intervals_[id.index()]; }

 private:
  static ChannelIntervals unknown(const Value& value) {
    if (!has_intervals(value.type.dtype) || channels_of(value.type) > kMaxChannels) return {};
    return full_intervals(value.type.dtype, channels_of(value.type));
  }

  ChannelFlow flow_of(const Node& node) {
    const Operation op = graph_.operation(node);
    std::vector<ChannelIntervals> in;
    for (const ValueId id : node.inputs) {
      // Constants are looked into where they are operands of elementwise blocks; layers read their weights.
      if (graph_.is_constant(id) && node.block->is_elementwise && !unknown(graph_.at(id)).empty())
        in.push_back(intervals_of_constant(graph_.at(id)));
      else
        in.push_back(id.is_present() ? intervals_[id.index()] : ChannelIntervals{});
    }
    ChannelFlow flow;
    if (node.outputs.size() == 1 && op.out[0]->elements() > 0 && channels_of(*op.out[0]) <= kMaxChannels) {
      if (node.block->channel_flow)
        flow = node.block->channel_flow(op, in);
      else if (node.block->is_elementwise)
        flow = elementwise_channels(op, in);
    }
    for (const ValueId id : node.outputs) {
      const Value& value = graph_.at(id);
      const bool fits = !flow.out.empty() && has_intervals(value.type.dtype);
      intervals_[id.index()] = fits ? flow.out : unknown(value);
    }
    return flow;
  }

  const Graph& graph_;
  std::vector<ChannelIntervals> intervals_;
  std::vector<ChannelFlow> flows_;
};

/// Weights [out, ..., in] as a layer that mixes channels has them.
struct Weights {
  explicit Weights(const Graph& graph, const Node& node)
      : data(reinterpret_cast<const std::int8_t*>(graph.at(node.inputs[1]).data->data())),
        outs(static_cast<std::size_t>(graph.at(node.inputs[1]).type.shape.front())),
        ins(static_cast<std::size_t>(graph.at(node.inputs[1]).type.shape.back())),
        taps(static_cast<std::size_t>(graph.at(node.inputs[1]).type.elements()) / (outs * ins)) {}
  /// The sum of the weights between input channel c and output channel o.
  [[nodiscard]] std::int64_t sum(std::size_t o, std::size_t c) const {
    std::int64_t total = 0;
    for (std::size_t t = 0; t < taps; ++t) total += data[(o * taps + t) * ins + c];
    return total;
  }
  [[nodiscard]] bool is_zero(std::size_t o, std::size_t c) const {
    for (std::size_t t = 0; t < taps; ++t)
      if (data[(o * taps + t) * ins + c] != 0) return false;
    return true;
  }
  const std::int8_t* data;
  std::size_t outs, ins, taps;
};

/// Which channels of each value go.
class Choice {
 public:
  Choice(const Graph& graph, const Channels& channels, const Core& core)
      : graph_(graph),
        channels_(channels),
        gone_(graph.values.size()),
        neighbours_(graph.values.size()),
        is_waiting_(graph.nodes.size(), false) {
    for (std::size_t v = 0; v < graph.values.size(); ++v)
      gone_[v] = Marks(static_cast<std::size_t>(channels_of(graph.values[v].type)), false);
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      if (channels.flow(n).form != Form::opaque) marks(graph.nodes[n].outputs[0]).flip();
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const ValueId id : graph.nodes[n].inputs)
        if (id.is_present()) neighbours_[id.index()].push_back(n);
      for (const ValueId id : graph.nodes[n].outputs) neighbours_[id.index()].push_back(n);
      await(graph.nodes.size() - 1 - n);  // most agree at once if readers come before makers
    }
    for (const ValueId id : graph.outputs) keep_all(id);
    do {
      settle();
      while (keep_multiples(core)) {
      }
    } while (keep_where_bias_overflows());
  }

  [[nodiscard]] const Marks& gone(ValueId id) const { return gone_[id.index()]; }
  [[nodiscard]] bool is_any_gone(ValueId id) const {
    return std::find(gone(id).begin(), gone(id).end(), true) != gone(id).end();
  }
  /// What output channel o's sum gets from the input channels that go.
  [[nodiscard]] std::int64_t folded(const Node& node, const Weights& w, std::size_t o) const {
    std::int64_t total = 0;
    const ChannelIntervals& x = channels_.intervals(node.inputs[0]);
    const std::int64_t zero = graph_.at(node.inputs[0]).type.zero_point();
    for (std::size_t c = 0; c < w.ins; ++c)
      if (gone(node.inputs[0])[c] && x[c].is_one_number() && x[c].min != zero)
        total += w.sum(o, c) * (x[c].min - zero);
    return total;
  }

 private:
  Marks& marks(ValueId id) { return gone_[id.index()]; }
  void keep(ValueId id, std::size_t c) {
    if (!gone_[id.index()][c]) return;
    gone_[id.index()][c] = false;
    is_changed_ = true;
    for (const std::size_t n : neighbours_[id.index()]) await(n);
  }
  void keep_all(ValueId id) {
    for (std::size_t c = 0; c < gone_[id.index()].size(); ++c) keep(id, c);
  }

  void await(std::size_t node) {
    if (is_waiting_[node]) return;
    is_waiting_[node] = true;
    waiting_.push_back(node);
  }
  /// Takes channels back until makers and readers agree.
  void settle() {
    while (!waiting_.empty()) {
      const std::size_t n = waiting_.front();
      waiting_.pop_front();
      is_waiting_[n] = false;
      agree(graph_.nodes[n], channels_.flow(n));
    }
  }

  void agree(const Node& node, const ChannelFlow& flow) {
    switch (flow.form) {
      case Form::opaque:
        for (const ValueId id : node.inputs)
          if (id.is_present()) keep_all(id);
        return;
      case Form::mixes:
        return agree_mixing(node, flow);
      case Form::keeps:
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
          const ValueId x = node.inputs[i], y = node.outputs[0];
          if (!x.is_present() || graph_.is_constant(x)) continue;
          for (std::size_t c = 0; c < flow.sources[i].size(); ++c) {
            if (flow.sources[i][c] < 0) continue;
            const auto source = static_cast<std::size_t>(flow.sources[i][c]);
            if (!gone(x)[source]) keep(y, c);
            if (!gone(y)[c]) keep(x, source);
          }
          // A value whose only channel is repeated.
          if (gone(x).size() == 1 && !flow.sources[i].empty() && flow.sources[i][0] < 0) keep(x, 0);
        }
    }
  }

  /// An input channel goes if it adds the same everywhere, or meets only zeros.
  void agree_mixing(const Node& node, const ChannelFlow& flow) {
    const Weights w(graph_, node);
    const ChannelIntervals& x = channels_.intervals(node.inputs[0]);
    const std::int64_t zero = graph_.at(node.inputs[0]).type.zero_point();
    for (std::size_t c = 0; c < w.ins; ++c) {
      if (!gone(node.inputs[0])[c]) continue;
      if (x[c].is_one_number() && (!flow.sees_padding || x[c].min == zero)) continue;
      for (std::size_t o = 0; o < w.outs; ++o)
        if (!gone(node.outputs[0])[o] && !w.is_zero(o, c)) {
          keep(node.inputs[0], c);
          break;
        }
    }
  }

  /// A bias that its dtype does not hold keeps the layer's input as it is. Whether there is one.
  bool keep_where_bias_overflows() {
    is_changed_ = false;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (channels_.flow(n).form != Form::mixes || !is_any_gone(node.inputs[0])) continue;
      const Weights w(graph_, node);
      const Operation op = graph_.operation(node);
      for (std::size_t o = 0; o < w.outs; ++o) {
        if (gone(node.outputs[0])[o]) continue;
        const std::int64_t more = folded(node, w, o);
        std::int64_t sum = 0;
        const bool is_wide = op.has(2) && op.in[2]->dtype == DType::i64;
        const std::int64_t bias = !op.has(2) ? 0
                                  : is_wide  ? op.constant<std::int64_t>(2)[o]
                                             : op.constant<std::int32_t>(2)[o];
        if (__builtin_add_overflow(bias, more, &sum) ||
            (!is_wide && sum != static_cast<std::int64_t>(static_cast<std::int32_t>(sum))))
          keep_all(node.inputs[0]);
      }
    }
    return is_changed_;
  }

  /// At least one channel stays, and a multiple of kMultiple where there was one. Whether that kept any
  /// more.
  bool keep_multiples(const Core& core) {
    is_changed_ = false;
    for (std::size_t v = 0; v < gone_.size(); ++v) {
      const auto count = static_cast<std::int64_t>(gone_[v].size());
      std::int64_t kept = std::count(gone_[v].begin(), gone_[v].end(), false);
      const std::int64_t unit = core.has_mve && count == kVector ? kVector
                                : count % kMultiple == 0         ? kMultiple
                                                                 : 1;
      const std::int64_t wanted = std::max(unit, (kept + unit - 1) / unit * unit);
      for (std::size_t c = 0; kept < wanted && c < gone_[v].size(); ++c)
        if (gone_[v][c]) {
          keep(ValueId(v), c);
          ++kept;
        }
      settle();  // values that keep each other's channels agree before the next one is counted
    }
    return is_changed_;
  }

  const Graph& graph_;
  const Channels& channels_;
  std::vector<Marks> gone_;
  std::vector<std::vector<std::size_t>> neighbours_;  ///< of each value: nodes that make or read it
  std::deque<std::size_t> waiting_;                   ///< nodes whose values' channels changed
  std::vector<bool> is_waiting_;
  bool is_changed_ = false;
};

using Indices = std::vector<std::size_t>;
Indices kept_of(const Marks& gone) {
  Indices kept;
  for (std::size_t c = 0; c < gone.size(); ++c)
    if (!gone[c]) kept.push_back(c);
  return kept;
}

/// The type with only these indices along an axis.
Type sliced(Type type, std::size_t axis, const Indices& kept) {
  type.shape[axis] = static_cast<std::int64_t>(kept.size());
  if (type.quantization && type.quantization->axis == static_cast<int>(axis)) {
    const Quantization whole = *type.quantization;
    type.quantization->scales.clear();
    type.quantization->zero_points.clear();
    for (const std::size_t c : kept) {
      type.quantization->scales.push_back(whole.scales[c]);
      type.quantization->zero_points.push_back(whole.zero_points[c]);
    }
  }
  return type;
}

Tensor sliced(const Tensor& tensor, std::size_t axis, const Indices& kept) {
  Tensor result{sliced(tensor.type, axis, kept), {}};
  const std::span shape(tensor.type.shape);
  const auto outer = static_cast<std::size_t>(element_count(shape.first(axis)));
  const auto size = static_cast<std::size_t>(shape[axis]);
  const auto run =
      static_cast<std::size_t>(element_count(shape.subspan(axis + 1)) * dtype_bytes(tensor.type.dtype));
  for (std::size_t i = 0; i < outer; ++i)
    for (const std::size_t c : kept) {
      const auto at = tensor.data.begin() + static_cast<std::ptrdiff_t>((i * size + c) * run);
      result.data.insert(result.data.end(), at, at + static_cast<std::ptrdiff_t>(run));
    }
  return result;
}

/// Carries a choice out.
class Rewriting {
 public:
  Rewriting(Graph& graph, const Channels& channels, const Choice& choice)
      : graph_(graph), channels_(channels), choice_(choice), uses_(graph.use_counts()) {}

  void run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      const Form form = channels_.flow(n).form;
      if (form == Form::mixes)
        rewrite_mixing(node);
      else if (form == Form::keeps && choice_.is_any_gone(node.outputs[0]))
        rewrite_keeping(node, channels_.flow(n));
    }
    // Types last: the nodes above look at the old ones.
    const std::size_t values = uses_.size();
    for (std::size_t v = 0; v < values; ++v) {
      const ValueId id(v);
      if (choice_.is_any_gone(id))
        graph_.at(id).type =
            sliced(graph_.at(id).type, graph_.at(id).type.shape.size() - 1, kept_of(choice_.gone(id)));
    }
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      const std::string& attribute = channels_.flow(n).shape_attribute;
      if (!attribute.empty())
        node.block->attributes.set(node.attributes, attribute,
                                   attribute_text(graph_.at(node.outputs[0]).type.shape));
    }
  }

 private:
  [[nodiscard]] Tensor tensor(ValueId id) const { return {graph_.at(id).type, *graph_.at(id).data}; }

  /// The operand becomes this constant, under its name where no other node uses it.
  void replace(ValueId& id, Tensor tensor) {
    if (uses_[id.index()] != 1) {
      id = graph_.add_constant(graph_.at(id).name, std::move(tensor));
      return;
    }
    Value& value = graph_.at(id);
    value.type = std::move(tensor.type);
    value.data = std::make_shared<const Bytes>(std::move(tensor.data));
  }

  void rewrite_mixing(Node& node) {
    if (!choice_.is_any_gone(node.inputs[0]) && !choice_.is_any_gone(node.outputs[0])) return;
    const Indices ins = kept_of(choice_.gone(node.inputs[0])), outs = kept_of(choice_.gone(node.outputs[0]));
    const Weights w(graph_, node);
    std::vector<std::int64_t> more;
    for (const std::size_t o : outs) more.push_back(choice_.folded(node, w, o));
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2].is_present();
    const bool is_folded = std::any_of(more.begin(), more.end(), [](std::int64_t m) { return m != 0; });
    if (has_bias) {
      Tensor bias = sliced(tensor(node.inputs[2]), 0, outs);
      for (std::size_t k = 0; k < outs.size(); ++k)
        if (bias.type.dtype == DType::i64)
          bias.as<std::int64_t>()[k] += more[k];
        else
          bias.as<std::int32_t>()[k] += static_cast<std::int32_t>(more[k]);
      replace(node.inputs[2], std::move(bias));
    } else if (is_folded) {
      const std::vector<std::int32_t> bias(more.begin(), more.end());
      node.inputs.resize(3);
      node.inputs[2] = graph_.add_constant(
          node.name + ".bias",
          make_tensor<std::int32_t>(DType::i32, {static_cast<std::int64_t>(outs.size())}, bias));
    }
    const Tensor rows = sliced(tensor(node.inputs[1]), 0, outs);
    replace(node.inputs[1], sliced(rows, rows.type.shape.size() - 1, ins));
  }

  /// Constant operands lose the channels of which none is left in the output.
  void rewrite_keeping(Node& node, const ChannelFlow& flow) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!graph_.is_constant(node.inputs[i])) continue;
      Indices kept;
      for (const std::size_t c : kept_of(choice_.gone(node.outputs[0])))
        if (flow.sources[i][c] >= 0) kept.push_back(static_cast<std::size_t>(flow.sources[i][c]));
      const bool is_repeated = std::all_of(flow.sources[i].begin(), flow.sources[i].end(),
                                           [](std::int64_t source) { return source < 0; });
      if (is_repeated) continue;
      std::sort(kept.begin(), kept.end());
      kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
      Tensor whole = tensor(node.inputs[i]);
      replace(node.inputs[i], sliced(whole, whole.type.shape.size() - 1, kept));
    }
  }

  Graph& graph_;
  const Channels& channels_;
  const Choice& choice_;
  const std::vector<int> uses_;
};

std::string layer_text(const Node& node, std::int64_t gone, std::int64_t of) {
  return node.block->name + " `" + node.name + "`: " + std::to_string(gone) + " of " + std::to_string(of);
}

}  // namespace

Status drop_constant_channels(Graph& graph, PassContext& context) {
  std::int64_t channels_in_all = 0;
  for (const Value& value : graph.values) channels_in_all += channels_of(value.type);
  if (channels_in_all > kMaxAllChannels) return {};
  const std::int64_t bytes_before = graph.weights_bytes();
  const Graph before = graph;
  bool is_changed = false;
  for (bool goes_on = true; goes_on; is_changed = is_changed || goes_on) {
    const Channels channels(graph);
    const Choice choice(graph, channels, context.core);
    goes_on = false;
    for (std::size_t v = 0; v < graph.values.size(); ++v) goes_on = goes_on || choice.is_any_gone(ValueId(v));
    if (!goes_on) break;
    Rewriting(graph, channels, choice).run();
    graph.remove_dead();
  }
  if (!is_changed) return {};

  // Layers are those with weights; other blocks follow them.
  std::int64_t gone = 0, all = 0;
  std::vector<std::string> layers;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node &node = graph.nodes[n], &whole = before.nodes[n];
    const std::int64_t was = channels_of(before.at(whole.outputs[0]).type);
    const std::int64_t lost = was - channels_of(graph.at(node.outputs[0]).type);
    if (before.operation(whole).in.size() < 2 || !before.is_constant(whole.inputs[1])) continue;
    all += was;
    gone += lost;
    if (lost > 0) layers.push_back(layer_text(node, lost, was));
  }
  context.diagnostics.add({.kind = Kind::constant_channels,
                           .message = std::to_string(gone) + " of " + std::to_string(all) +
                                      " channels are the same for every input and are left out: " +
                                      std::to_string(bytes_before - graph.weights_bytes()) +
                                      " bytes of constants less",
                           .notes = std::move(layers)});
  return {};
}

}  // namespace nb
