#include "quantize/plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

#include "blocks/quantize/attributes.h"

namespace nb {
namespace {

bool is_f32(const Graph& graph, ValueId id) {
  return id.is_present() && graph.at(id).type.dtype == DType::f32;
}

/// Float operands computed at run time.
std::vector<ValueId> activations_of(const Graph& graph, const Node& node) {
  std::vector<ValueId> found;
  for (const ValueId id : node.inputs)
    if (is_f32(graph, id) && !graph.is_constant(id)) found.push_back(id);
  return found;
}

/// Values that share numbers.
class Sharing {
 public:
  Sharing(const Graph& graph, const std::vector<Observation>& seen)
      : graph_(graph), parent_(graph.values.size()), saturates_(graph.values.size()) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    const std::vector<int> uses = graph.use_counts(), made_by = graph.producers();
    // From the end, so that a bend behind a bend decides for both.
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
      const QuantizedForm form = node->block->quantized_form(graph.operation(*node));
      if (form < QuantizedForm::bounds) continue;
      const std::vector<ValueId> inputs = activations_of(graph, *node);
      const bool is_sole = inputs.size() == 1;
      for (const ValueId x : inputs) {
        const int maker = made_by[x.index()];
        const bool is_own = uses[x.index()] == 1 && maker >= 0;
        if (!is_sole && !is_own) continue;  // it gets the result's numbers before the node
        for (const ValueId y : node->outputs) {
          if (!is_f32(graph, y)) continue;
          const Observation &from = seen[x.index()], &to = seen[y.index()];
          if (!is_own && (to.min < from.min || to.max > from.max)) continue;  // it brings in reals of its own
          // What it does not pass on may saturate; what others read, too, keeps its range.
          saturates_[(is_own ? x : y).index()] = true;
          parent_[root(x)] = root(y);
        }
      }
    }
    for (const Node& node : graph.nodes) unite_states(node);
    for (std::size_t i = 0; i < graph.kept.size(); ++i)
      parent_[root(graph.kept[i])] = root(graph.next_contents()[i]);
  }
  [[nodiscard]] std::size_t root(ValueId id) const {
    std::size_t at = id.index();
    while (parent_[at] != at) at = parent_[at];
    return at;
  }
  /// Whether the value may exceed the numbers of its group.
  [[nodiscard]] bool saturates(std::size_t value) const { return saturates_[value]; }

 private:
  /// A recurrent layer's first and last states, in order: whoever feeds one back need not convert it.
  void unite_states(const Node& node) {
    std::vector<ValueId> first, last;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (operand_at(node.block->inputs, i).is_wide && is_f32(graph_, node.inputs[i]) &&
          !graph_.is_constant(node.inputs[i]))
        first.push_back(node.inputs[i]);
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (operand_at(node.block->outputs, i).is_wide) last.push_back(node.outputs[i]);
    if (first.size() != last.size()) return;
    for (std::size_t i = 0; i < first.size(); ++i) parent_[root(first[i])] = root(last[i]);
  }

  const Graph& graph_;
  std::vector<std::size_t> parent_;
  std::vector<bool> saturates_;
};

/// Numbers that stand for infinity, as masks have them, leave no steps for others.
bool is_beyond(float real) { return !(std::fabs(real) < kMaxScale); }

/// Reals that a block's result always lies in, whatever calibration saw of them; or those of the only numbers
/// that its integer kernels give.
std::optional<RealRange> known_range(const Node& node, DType dtype) {
  const std::string_view name = node.block->name;
  if (name == "log_softmax" && dtype == DType::i8) return RealRange{-255.0f / 16, 0, Observer::fixed};
  const bool is_share = name == "softmax" || name == "sigmoid";
  if (dtype == DType::i16 && (is_share || name == "tanh"))
    return RealRange{0, 32767.0f / 32768, Observer::fixed};
  return is_share ? std::optional(RealRange{0, 1, Observer::fixed}) : std::nullopt;
}

/// The dtype in which a node of an integer format reads its operand i.
DType read_dtype(const Node& node, std::size_t i, DType format) {
  return operand_at(node.block->inputs, i).is_wide ? DType::i16 : format;
}
DType made_dtype(const Node& node, std::size_t i, DType format) {
  return operand_at(node.block->outputs, i).is_wide ? DType::i16 : format;
}

class Annotation {
 public:
  Annotation(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const NumberPlan& plan)
      : floats_(graph),
        source_(rounded),
        blocks_(blocks),
        plan_(plan),
        made_as_(integer_dtypes(graph, plan)),
        graph_(rounded) {
    // What rounding added is no value of the float graph.
    made_as_.resize(rounded.values.size());
  }

  Graph run() && {
    graph_.nodes.clear();
    for (const ValueId id : source_.inputs) begin_input(id);
    for (std::size_t i = 0; i < source_.values.size(); ++i)
      if (source_.values[i].source == Source::state) begin_input(ValueId(i));
    for (std::size_t i = 0; i < source_.nodes.size(); ++i)
      if (plan_.formats[i] == DType::f32)
        add_float(floats_.nodes[i]);
      else if (const ScaledInput* input = scaled_by(source_.nodes[i]))
        add_scaled(*input, source_.nodes[i], plan_.formats[i]);
      else
        add(source_.nodes[i], plan_.formats[i]);
    end_outputs();
    return std::move(graph_);
  }

 private:
  /// The value as integers of `dtype`.
  [[nodiscard]] Type type_as(ValueId id, DType dtype) const {
    return plan_.ranges.of[id.index()]->type(source_.at(id).type.shape, dtype);
  }
  [[nodiscard]] std::optional<DType> made_as(ValueId id) const { return made_as_[id.index()]; }

  ValueId add_value(const std::string& name, Type type) {
    return graph_.add_value({name, std::move(type), Source::node});
  }
  void add_node(std::string_view block, ValueId from, ValueId to, const Node& layer) {
    const Block* found = blocks_.find(block);
    Attributes attributes = block == "quantize" ? Attributes(QuantizeAttrs{graph_.at(to).type.dtype, true})
                                                : found->attributes.make();
    graph_.nodes.push_back({found, std::move(attributes), {from}, {to}, layer.name, layer.origin});
  }
  /// The float value behind integers of these numbers.
  ValueId through(ValueId from, const Type& type, const Node& layer, const std::string& like) {
    const std::string name = like;  // it may be of a value, and values move
    const ValueId q = add_value(name + ".quantized", type);
    const ValueId real = add_value(name + ".dequantized", {DType::f32, type.shape});
    add_node("quantize", from, q, layer);
    add_node("dequantize", q, real, layer);
    integers_[real.index()] = q;
    return real;
  }

  /// An input or a state: integers from the start.
  void begin_input(ValueId id) {
    const auto dtype = made_as(id);
    if (!dtype) return;
    Value& value = graph_.at(id);
    const Node layer{.block = nullptr,
                     .attributes = {},
                     .inputs = {},
                     .outputs = {},
                     .name = value.name,
                     .origin = "input"};
    const Type type = type_as(id, *dtype);
    if (value.source == Source::input && plan_.has_float_ends) {
      current_[id.index()] = through(id, type, layer, value.name);
      return;
    }
    const ValueId real = add_value(value.name + ".dequantized", value.type);
    if (Value& held = graph_.at(id); held.data)  // a state's first contents
      held.data = std::make_shared<const Bytes>(integers_as({held.type, *held.data}, type).data);
    graph_.at(id).type = type;
    add_node("dequantize", id, real, layer);
    current_[id.index()] = real;
    integers_[real.index()] = id;
  }

  /// The input that this node scales.
  [[nodiscard]] const ScaledInput* scaled_by(const Node& node) const {
    for (const ScaledInput& input : plan_.ranges.inputs)
      if (node.outputs[0] == input.z) return &input;
    return nullptr;
  }
  /// An input with numbers of its own: its integers are those of what the batch_norm makes of it.
  void add_scaled(const ScaledInput& input, const Node& node, DType dtype) {
    const Value x = source_.at(input.x);
    const Type own = input.type(x.type.shape, dtype),
               exact{dtype, x.type.shape, numbers_of(input.range(dtype), dtype)};
    ValueId integers = input.x;
    if (plan_.has_float_ends) {
      integers = add_value(x.name + ".quantized", own);
      add_node("quantize", input.x, integers, node);
    } else {
      graph_.at(input.x).type = own;
    }
    const ValueId q = add_value(source_.at(input.z).name + ".quantized", exact);
    integers_[input.z.index()] = q;
    add_node("renumber", integers, q, node);
    add_node("dequantize", q, input.z, node);
    current_[input.z.index()] = input.z;
    // What shares numbers with it may need others.
    if (type_as(input.z, dtype) != exact) end_output(input.z, node);
  }

  /// The float value that stands for the value now.
  [[nodiscard]] ValueId now(ValueId id) const {
    const auto found = current_.find(id.index());
    return id.is_present() && found != current_.end() ? found->second : id;
  }
  /// The float value to read for a use in integers of `dtype`.
  ValueId read_as(ValueId id, DType dtype, const Node& layer) {
    if (made_as(id) == dtype || id.index() >= plan_.ranges.of.size() || !plan_.ranges.of[id.index()])
      return now(id);
    const auto key = std::pair(id.index(), dtype);
    if (const auto made = converted_.find(key); made != converted_.end()) return made->second;
    const ValueId real = through(now(id), type_as(id, dtype), layer, source_.at(id).name);
    converted_[key] = real;
    return real;
  }

  /// Reals in these numbers.
  static Tensor integers_as(const Tensor& from, const Type& numbers) {
    Tensor integers = make_tensor(numbers);
    const std::vector<double> reals = to_doubles(from);
    visit_dtype(numbers.dtype, [&](auto zero) {
      using T = decltype(zero);
      const auto out = integers.as<T>();
      for (std::size_t i = 0; i < reals.size(); ++i)
        out[i] = static_cast<T>(integer_of(reals[i], *numbers.quantization, numbers.dtype));
    });
    return integers;
  }
  /// A constant operand as integers, dequantized again.
  ValueId constant_as(ValueId id, const Type& numbers, const Node& layer) {
    const Value value = source_.at(id);
    const ValueId q =
        graph_.add_constant(value.name + ".quantized", integers_as({value.type, *value.data}, numbers));
    const ValueId real = add_value(value.name + ".dequantized", value.type);
    add_node("dequantize", q, real, layer);
    return real;
  }
  ValueId constant_as(ValueId id, DType dtype, const Node& layer) {
    const Value& value = source_.at(id);
    const std::vector<double> reals = to_doubles({value.type, *value.data});
    if (std::any_of(reals.begin(), reals.end(),
                    [](double real) { return is_beyond(static_cast<float>(real)); }))
      return id;
    RealRange range;
    for (const double real : reals) {
      range.min = std::min(range.min, static_cast<float>(real));
      range.max = std::max(range.max, static_cast<float>(real));
    }
    return constant_as(id, {dtype, value.type.shape, numbers_of(range, dtype)}, layer);
  }

  /// Steps of weights so small that the bias would be more than 2^30 of its steps are made larger: those of
  /// channels that do nothing but give their bias.
  void hold_bias(const Node& made, Quantization& q) const {
    const auto x = integers_.find(made.inputs[0].index());
    if (x == integers_.end()) return;
    const auto x_scale = static_cast<double>(graph_.at(x->second).type.scale());
    for (std::size_t i = 1; i < made.inputs.size(); ++i) {
      if (!operand_at(made.block->inputs, i).is_bias || !source_.is_constant(made.inputs[i])) continue;
      const Value& bias = source_.at(made.inputs[i]);
      const std::vector<double> reals = to_doubles({bias.type, *bias.data});
      for (std::size_t o = 0; o < reals.size(); ++o) {
        float& scale = q.scales[q.scales.size() == reals.size() ? o : 0];
        scale = std::max(scale, static_cast<float>(std::fabs(reals[o]) / (x_scale * 0x1p30)));
      }
    }
  }

  /// Weights rounded to the grid of their numbers.
  ValueId weights_as(const Node& made, const WeightOperand& weight) {
    const Value value = source_.at(made.inputs[weight.operand]);
    Tensor rounded{value.type, *value.data};
    const auto w = rounded.as<float>();
    if (!rounded.type.quantization)
      rounded.type.quantization = weight_numbers(w, value.type.shape, weight.axis);
    Quantization& q = *rounded.type.quantization;
    hold_bias(made, q);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const float scale = q.scales[index_along(value.type.shape, q.axis, i)];
      w[i] = std::clamp(std::nearbyint(w[i] / scale), -127.0f, 127.0f) * scale;
    }
    return graph_.add_constant(value.name, std::move(rounded));
  }

  /// A node that stays float.
  void add_float(const Node& node) {
    Node made = node;
    for (ValueId& id : made.inputs) id = now(id);
    made.is_kept_float = has_integer_form(floats_, node);
    graph_.nodes.push_back(std::move(made));
  }

  /// A node whose activations become `dtype`.
  void add(const Node& node, DType dtype) {
    Node made = node;
    const QuantizedForm form = node.block->quantized_form(source_.operation(node));
    const bool has_activation = !activations_of(source_, node).empty();
    const std::vector<WeightOperand> weights = weight_operands(source_, node, dtype);
    for (std::size_t i = 0; i < made.inputs.size(); ++i) {
      ValueId& id = made.inputs[i];
      if (!is_f32(source_, id)) continue;
      const Operand& operand = operand_at(node.block->inputs, i);
      if (!source_.is_constant(id)) {
        id = read_as(id, read_dtype(node, i, dtype), node);
        continue;
      }
      if (operand.is_bias || operand.is_real) continue;
      const auto weight = std::find_if(weights.begin(), weights.end(),
                                       [&](const WeightOperand& w) { return w.operand == i; });
      if (weight != weights.end())
        id = weights_as(made, *weight);
      else if (operand.is_wide)
        id = constant_as(id, DType::i16, node);
      else if (form < QuantizedForm::bounds)
        id = constant_as(id, dtype, node);
      else if (const auto result = made_as(node.outputs[0]); !has_activation && result) {
        Type numbers = type_as(node.outputs[0], *result);
        numbers.shape = source_.at(id).type.shape;
        id = constant_as(id, numbers, node);
      }
    }
    graph_.nodes.push_back(std::move(made));
    for (const ValueId y : node.outputs) end_output(y, node);
  }

  void end_output(ValueId y, const Node& node) {
    if (const auto dtype = made_as(y); dtype)
      current_[y.index()] = through(y, type_as(y, *dtype), node, source_.at(y).name);
  }

  void end_outputs() {
    const std::size_t public_count = graph_.outputs.size() - graph_.kept.size();
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      ValueId& id = graph_.outputs[i];
      if (i >= public_count) {
        keep(graph_.kept[i - public_count], id);
        continue;
      }
      const auto found = current_.find(id.index());
      if (found == current_.end()) continue;
      id = plan_.has_float_ends ? found->second : integers_.at(found->second.index());
    }
  }

  /// The next contents of a state, in its numbers.
  void keep(ValueId state, ValueId& next) {
    const Type type = graph_.at(state).type;
    const ValueId real = now(next);
    if (is_float(type.dtype)) {
      next = real;
      return;
    }
    const auto made = integers_.find(real.index());
    if (made != integers_.end() && graph_.at(made->second).type == type) {
      next = made->second;
      return;
    }
    const Node layer = graph_.nodes.back();
    next = integers_.at(through(real, type, layer, graph_.at(state).name).index());
  }

  const Graph& floats_;
  const Graph& source_;  ///< the float graph with rounded weights
  const BlockSet& blocks_;
  const NumberPlan& plan_;
  std::vector<std::optional<DType>> made_as_;  ///< by value
  Graph graph_;
  std::unordered_map<std::size_t, ValueId> current_;   ///< by value: what its readers read
  std::unordered_map<std::size_t, ValueId> integers_;  ///< by dequantized value: its integers
  std::map<std::pair<std::size_t, DType>, ValueId> converted_;
};

}  // namespace

bool has_integer_form(const Graph& graph, const Node& node) {
  if (node.block->quantized_form(graph.operation(node)) == QuantizedForm::none) return false;
  return std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId y) { return is_f32(graph, y); }) ||
         !activations_of(graph, node).empty();
}

std::vector<bool> front_of(const Graph& graph) {
  std::vector<bool> is_front(graph.nodes.size(), false), is_reached(graph.values.size(), false);
  for (const ValueId id : graph.inputs) is_reached[id.index()] = is_f32(graph, id);
  bool computes = false;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const std::vector<ValueId> inputs = activations_of(graph, node);
    const auto takes_i16 = [](const Operand& operand) { return operand.dtypes.has(DType::i16); };
    const Operation op = graph.operation(node);
    if (inputs.empty() || !has_integer_form(graph, node) || !takes_i16(node.block->inputs[0]) ||
        !takes_i16(node.block->outputs[0]) || !weight_operands(graph, node, DType::i16).empty() ||
        !std::all_of(inputs.begin(), inputs.end(), [&](ValueId x) { return is_reached[x.index()]; }) ||
        node.block->macs(op) > 2 * graph.at(inputs[0]).type.elements())
      continue;
    is_front[n] = true;
    computes |= node.block->quantized_form(op) < QuantizedForm::bounds;
    for (const ValueId y : node.outputs) is_reached[y.index()] = is_f32(graph, y);
  }
  if (!computes) is_front.assign(is_front.size(), false);
  return is_front;
}

std::vector<WeightOperand> weight_operands(const Graph& graph, const Node& node, DType dtype) {
  std::vector<WeightOperand> found;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const Operand& operand = operand_at(node.block->inputs, i);
    if (!graph.is_constant(node.inputs[i]) || !is_f32(graph, node.inputs[i]) ||
        !operand.dtypes.has(DType::i8) || operand.dtypes.has(DType::i16))
      continue;
    found.push_back({i, -1});
  }
  // The axis is the one that the block's own inference takes.
  Operation op = graph.operation(node);
  op.out.clear();
  std::vector<Type> types(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (op.in[i] == nullptr) continue;
    types[i] = *op.in[i];
    const Operand& operand = operand_at(node.block->inputs, i);
    if (types[i].dtype != DType::f32 || operand.is_real) continue;
    types[i].dtype = operand.is_bias ? DType::i32 : operand.is_wide ? DType::i16 : dtype;
    types[i].quantization = Quantization{{1.0f}, {0}};
    op.in[i] = &types[i];
  }
  for (WeightOperand& weight : found) types[weight.operand].dtype = DType::i8;
  for (WeightOperand& weight : found) {
    Type& type = types[weight.operand];
    for (int axis = 0; axis < type.rank() && weight.axis < 0; ++axis) {
      const auto size = static_cast<std::size_t>(type.shape[static_cast<std::size_t>(axis)]);
      type.quantization =
          Quantization{std::vector<float>(size, 1.0f), std::vector<std::int32_t>(size, 0), axis};
      if (size > 1 && infer_types(op)) weight.axis = axis;  // one scale is no scale an index
    }
    if (weight.axis < 0) type.quantization = Quantization{{1.0f}, {0}};
  }
  return found;
}

std::optional<DType> named_format(const LayerFormats& layers, const std::string& name) {
  const auto named = std::find_if(layers.rbegin(), layers.rend(), [&](const auto& layer) {
    return layer.first == name || ::fnmatch(layer.first.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
  });
  return named == layers.rend() ? std::nullopt : std::optional(named->second);
}

Formats formats_of(const Graph& graph, DType numbers, const LayerFormats& layers) {
  Formats formats(graph.nodes.size(), DType::f32);
  const std::vector<int> made_by = graph.producers();
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!has_integer_form(graph, node)) continue;
    formats[n] = numbers;
    const std::vector<ValueId> inputs = activations_of(graph, node);
    const int maker = inputs.empty() ? -1 : made_by[inputs[0].index()];
    if (maker >= 0 && node.block->quantized_form(graph.operation(node)) >= QuantizedForm::bounds &&
        has_integer_form(graph, graph.nodes[static_cast<std::size_t>(maker)]))
      formats[n] = formats[static_cast<std::size_t>(maker)];
    if (const auto named = named_format(layers, node.name)) formats[n] = *named;
  }
  return formats;
}

void widen_inputs(const Graph& graph, const std::vector<ScaledInput>& inputs, Formats& formats) {
  for (const ScaledInput& input : inputs) {
    std::vector<bool> is_reached(graph.values.size(), false);
    is_reached[input.z.index()] = true;
    std::vector<std::size_t> movers;
    bool is_wide = false;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId id) { return id.is_present() && is_reached[id.index()]; });
      if (node.outputs[0] == input.z && formats[n] != DType::f32) movers.push_back(n);
      if (!reads) continue;
      if (node.block->quantized_form(graph.operation(node)) == QuantizedForm::moves) {
        movers.push_back(n);
        for (const ValueId y : node.outputs) is_reached[y.index()] = true;
      } else {
        is_wide |= formats[n] == DType::i16;
      }
    }
    for (const std::size_t n : movers)
      if (is_wide && formats[n] == DType::i8) formats[n] = DType::i16;
  }
}

PlannedRanges plan_ranges(const Graph& graph, const std::vector<Observation>& seen,
                          const std::vector<ScaledInput>& inputs) {
  std::vector<std::optional<RealRange>> known_narrow(graph.values.size()), known_wide = known_narrow;
  for (const Node& node : graph.nodes)
    for (const ValueId y : node.outputs) {
      known_narrow[y.index()] = known_range(node, DType::i8);
      known_wide[y.index()] = known_range(node, DType::i16);
    }
  const Sharing sharing(graph, seen);
  /// Of all values under one root.
  struct Shared {
    bool has = false;
    Observation seen;
    std::optional<RealRange> narrow, wide;  ///< fixed
    std::optional<ValueRanges> ranges;
    std::size_t group = 0;  ///< its index + 1
  };
  std::vector<Shared> shared(graph.values.size());
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (seen[v].kept.empty() || sharing.saturates(v)) continue;
    Shared& all = shared[sharing.root(ValueId(v))];
    if (known_narrow[v]) all.narrow = known_narrow[v];
    if (known_wide[v]) all.wide = known_wide[v];
    all.seen.min = all.has ? std::min(all.seen.min, seen[v].min) : seen[v].min;
    all.seen.max = all.has ? std::max(all.seen.max, seen[v].max) : seen[v].max;
    all.seen.kept.insert(all.seen.kept.end(), seen[v].kept.begin(), seen[v].kept.end());
    all.has = true;
  }
  std::vector<bool> is_scaled(graph.values.size(), false);
  for (const ScaledInput& input : inputs) {
    is_scaled[input.x.index()] = true;
    Shared& all = shared[sharing.root(input.z)];
    all.narrow = input.range(DType::i8);
    all.wide = input.range(DType::i16);
  }
  PlannedRanges planned{std::vector<std::optional<ValueRanges>>(graph.values.size()), {}, inputs};
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (!is_f32(graph, ValueId(v)) || graph.is_constant(ValueId(v)) || is_scaled[v]) continue;
    Shared& all = shared[sharing.root(ValueId(v))];
    if (!all.has || is_beyond(all.seen.min) || is_beyond(all.seen.max)) continue;
    if (!all.ranges)
      all.ranges = ValueRanges{all.narrow ? *all.narrow : best_range(all.seen, DType::i8),
                               all.wide ? *all.wide : RealRange{all.seen.min, all.seen.max}};
    planned.of[v] = all.ranges;
    if (all.narrow) continue;
    if (all.group == 0) {
      planned.groups.emplace_back().seen = all.seen;
      all.group = planned.groups.size();
    }
    planned.groups[all.group - 1].values.push_back(ValueId(v));
  }
  return planned;
}

std::vector<std::optional<DType>> integer_dtypes(const Graph& graph, const NumberPlan& plan) {
  std::vector<std::optional<DType>> made(graph.values.size());
  const auto can_be = [&](ValueId id) { return is_f32(graph, id) && plan.ranges.of[id.index()].has_value(); };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (plan.formats[n] == DType::f32) continue;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId x = node.inputs[i];
      // Inputs and states take the widest integers that a layer reads of them.
      if (!can_be(x) || graph.at(x).source == Source::node) continue;
      const DType dtype = read_dtype(node, i, plan.formats[n]);
      if (made[x.index()] != DType::i16) made[x.index()] = dtype;
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (can_be(node.outputs[i])) made[node.outputs[i].index()] = made_dtype(node, i, plan.formats[n]);
  }
  return made;
}

std::vector<bool> are_narrow(const Graph& graph, const NumberPlan& plan) {
  const std::vector<std::optional<DType>> made = integer_dtypes(graph, plan);
  std::vector<bool> narrow(graph.values.size());
  for (std::size_t v = 0; v < narrow.size(); ++v) narrow[v] = made[v] == DType::i8;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (std::size_t i = 0; i < graph.nodes[n].inputs.size(); ++i)
      if (const ValueId x = graph.nodes[n].inputs[i]; x.is_present() && plan.formats[n] == DType::i8 &&
                                                      read_dtype(graph.nodes[n], i, DType::i8) == DType::i8)
        narrow[x.index()] = narrow[x.index()] || plan.ranges.of[x.index()].has_value();
  return narrow;
}

Graph annotated(const Graph& graph, const Graph& rounded, const BlockSet& blocks, const NumberPlan& plan) {
  return Annotation(graph, rounded, blocks, plan).run();
}

}  // namespace nb
