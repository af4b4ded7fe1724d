#include "pass/qdq.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/cast/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/quantize/attributes.h"
#include "blocks/quantized.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "quantize/channel_line.h"
#include "quantize/numbers.h"

namespace nb {
namespace {

constexpr double kInt32Max = 2147483647.0;

/// Reals as int16 of a scale, saturated; NaN as 0.
Tensor rounded_s16(const std::vector<double>& reals, const Shape& shape, float scale) {
  Tensor tensor = make_tensor({DType::i16, shape, Quantization{{scale}, {0}}});
  const auto out = tensor.as<std::int16_t>();
  for (std::size_t i = 0; i < reals.size(); ++i)
    out[i] = std::isnan(reals[i])
                 ? std::int16_t{0}
                 : static_cast<std::int16_t>(integer_of(reals[i], *tensor.type.quantization, DType::i16));
  return tensor;
}

bool takes_bias(const Block& block) {
  return std::any_of(block.inputs.begin(), block.inputs.end(), [](const Operand& o) { return o.is_bias; });
}

}  // namespace

bool is_activation(const Type& type) {
  const bool is_small = type.dtype == DType::i8 || type.dtype == DType::u8 || type.dtype == DType::i16;
  return is_small && type.quantization && !type.quantization->is_per_axis();
}

Type as_signed(Type type) {
  if (type.dtype != DType::u8 || !type.quantization) return type;
  type.dtype = DType::i8;
  for (std::int32_t& zero : type.quantization->zero_points) zero -= 128;
  return type;
}

Quantization symmetric_numbers(const Type& like, DType dtype) {
  const auto largest = [](DType d) { return (std::int64_t{1} << (8 * dtype_bytes(d) - 1)) - 1; };
  const std::int64_t zero = like.zero_point(), low = like.dtype == DType::u8 ? 0 : -largest(like.dtype);
  const std::int64_t high = like.dtype == DType::u8 ? 255 : largest(like.dtype);
  const auto steps = static_cast<double>(std::max(high - zero, zero - low));
  const double scale = static_cast<double>(like.scale()) * steps / static_cast<double>(largest(dtype));
  return {{std::max(static_cast<float>(scale), std::numeric_limits<float>::min())}, {0}};
}

bool covers(const Type& numbers, const Type& wanted) {
  const auto end = [](const Type& type, bool is_high) {
    const IntRange range = dtype_range(type.dtype);
    return ((is_high ? range.max : range.min) - type.zero_point()) * static_cast<double>(type.scale());
  };
  const auto step = static_cast<double>(std::max(numbers.scale(), wanted.scale()));
  return end(numbers, false) <= end(wanted, false) + step && end(numbers, true) >= end(wanted, true) - step;
}

ValueId QuantizedOperands::wide(const Value& value, const std::string& operand, std::string& why_not) {
  const std::vector<double> reals = to_doubles({value.type, *value.data});
  double largest = 0;
  for (const double real : reals) {
    largest = std::max(largest, std::fabs(real));
    if (std::isfinite(real)) continue;
    why_not = "its operand `" + operand + "` is not finite";
    return {};
  }
  const auto scale = static_cast<float>(largest / 32767);
  const bool is_tiny = !(scale > std::numeric_limits<float>::min());
  return graph_.add_constant(value.name, rounded_s16(reals, value.type.shape, is_tiny ? 0x1p-15f : scale));
}

ValueId QuantizedOperands::wide_state(ValueId id) {
  const Value value = graph_.at(id);
  Value state{value.name, {DType::i16, value.type.shape, value.type.quantization}, Source::state};
  if (value.data) {
    Tensor first = rounded_s16(to_doubles({value.type, *value.data}), value.type.shape, value.type.scale());
    state.data = std::make_shared<const Bytes>(std::move(first.data));
  }
  return graph_.add_value(std::move(state));
}

ValueId QuantizedOperands::add(const Value& value, Type type, const std::vector<std::int64_t>& integers) {
  Tensor tensor = make_tensor(std::move(type));
  visit_dtype(tensor.type.dtype, [&](auto zero) {
    const auto out = tensor.as<decltype(zero)>();
    for (std::size_t i = 0; i < integers.size(); ++i) out[i] = static_cast<decltype(zero)>(integers[i]);
  });
  return graph_.add_constant(value.name, std::move(tensor));
}

ValueId QuantizedOperands::integer(const Operation& op, std::size_t i, ValueId id,
                                   const std::optional<Type>& numbers, std::string& why_not) {
  const Operand& operand = operand_at(op.block->inputs, i);
  if (!graph_.is_constant(id)) {
    why_not = "its operand `" + std::string(operand.name) + "` is computed in floats";
    return {};
  }
  const Value value = graph_.at(id);
  if (value.type.dtype != DType::f32) {
    why_not = "its operand `" + std::string(operand.name) + "` is " + type_text(value.type);
    return {};
  }
  if (operand.is_bias) return bias(op, value, why_not);
  if (operand.is_wide) return wide(value, std::string(operand.name), why_not);
  if (value.type.quantization) return on_grid(value, takes_bias(*op.block), why_not);
  const std::vector<double> reals = to_doubles({value.type, *value.data});
  std::vector<std::int64_t> integers;
  if (numbers) {
    for (const double real : reals)
      integers.push_back(static_cast<std::int64_t>(integer_of(real, *numbers->quantization, numbers->dtype)));
    return add(value, {numbers->dtype, value.type.shape, numbers->quantization}, integers);
  }
  if (reals.size() == 1 && std::isfinite(reals[0])) {
    const auto scale = static_cast<float>(std::fabs(reals[0]) / 127);
    const bool is_tiny = !(scale > std::numeric_limits<float>::min());
    integers.push_back(is_tiny ? 0 : (reals[0] < 0 ? -127 : 127));
    return add(value, {DType::i8, value.type.shape, Quantization{{is_tiny ? 1.0f : scale}, {0}}}, integers);
  }
  why_not = "the model does not quantize its operand `" + std::string(operand.name) + "`";
  return {};
}

ValueId QuantizedOperands::bias(const Operation& op, const Value& value, std::string& why_not) {
  const Type &x = *op.in[0], &w = *op.in[1];
  if (!x.quantization || !w.quantization) return {};
  Quantization q;
  std::vector<std::int64_t> integers;
  const std::vector<double> reals = to_doubles({value.type, *value.data});
  const bool is_per_axis = w.quantization->scales.size() > 1;
  if (is_per_axis && w.quantization->scales.size() != reals.size()) {
    why_not = "its weights do not have one scale an output channel";
    return {};
  }
  for (std::size_t o = 0; o < reals.size(); ++o) {
    const double scale =
        static_cast<double>(x.scale()) * static_cast<double>(w.quantization->scales[is_per_axis ? o : 0]);
    const double integer = std::nearbyint(reals[o] / scale);
    if (!(std::fabs(integer) <= kInt32Max) || !(static_cast<float>(scale) > 0)) {
      why_not = "its bias of " + float_text(static_cast<float>(reals[o])) + " is no 32-bit multiple of " +
                float_text(static_cast<float>(scale));
      return {};
    }
    integers.push_back(static_cast<std::int64_t>(integer));
    if (o == 0 || is_per_axis) q.scales.push_back(static_cast<float>(scale));
  }
  q.zero_points.assign(q.scales.size(), 0);
  q.axis = q.scales.size() > 1 ? 0 : -1;
  return add(value, {DType::i32, value.type.shape, std::move(q)}, integers);
}

ValueId QuantizedOperands::on_grid(const Value& value, bool must_be_symmetric, std::string& why_not) {
  Type type = value.type;
  type.dtype = DType::i8;
  const std::vector<double> reals = to_doubles({value.type, *value.data});
  std::vector<std::int64_t> integers(reals.size());
  std::int64_t largest = -128;
  for (std::size_t i = 0; i < reals.size(); ++i) {
    const std::size_t c = index_along(value.type.shape, value.type.quantization->axis, i);
    const double steps = std::nearbyint(reals[i] / static_cast<double>(type.quantization->scales[c]));
    if (!(std::abs(steps) < 1 << 16)) {
      why_not = "its constant `" + value.name + "` has more than 8 bits";
      return {};
    }
    integers[i] = static_cast<std::int64_t>(steps) + type.quantization->zero_points[c];
    largest = std::max(largest, integers[i]);
  }
  auto& zeros = type.quantization->zero_points;
  for (const std::int32_t zero : zeros) largest = std::max<std::int64_t>(largest, zero);
  if (largest > 127) {
    for (std::int64_t& integer : integers) integer -= 128;
    for (std::int32_t& zero : zeros) zero -= 128;
  }
  const auto is_signed_byte = [](std::int64_t i) { return i >= -128 && i <= 127; };
  if (!std::all_of(integers.begin(), integers.end(), is_signed_byte)) {
    why_not = "its constant `" + value.name + "` has more than 8 bits";
    return {};
  }
  if (must_be_symmetric && std::any_of(zeros.begin(), zeros.end(), [](std::int32_t z) { return z != 0; })) {
    why_not = "its weights `" + value.name + "` have a zero point";
    return {};
  }
  return add(value, std::move(type), integers);
}

void batch_norms_as_layers(Graph& graph, const BlockSet& blocks) {
  const std::vector<int> made_by = graph.producers();
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const auto params =
        node.block->name == "batch_norm" && !node.is_kept_float ? channel_line(graph, node) : std::nullopt;
    const int maker = params ? made_by[node.inputs[0].index()] : -1;
    if (maker < 0 || graph.nodes[static_cast<std::size_t>(maker)].block->name != "dequantize") {
      nodes.push_back(std::move(node));
      continue;
    }
    const Type x = graph.at(node.inputs[0]).type;
    const std::int64_t channels = x.shape.back();
    std::vector<float> weights, offsets;
    Quantization grid{{}, std::vector<std::int32_t>(static_cast<std::size_t>(channels), 0), 3};
    for (std::size_t c = 0; c < params->factor.size(); ++c) {
      const auto factor = static_cast<float>(params->factor[c]);
      const float scale = std::fabs(factor) / 127;
      const bool is_tiny = !(scale > std::numeric_limits<float>::min());
      grid.scales.push_back(is_tiny ? 1e-6f : scale);
      weights.push_back(is_tiny ? 0.0f : factor);
      offsets.push_back(static_cast<float>(params->offset[c]));
    }
    const Shape image = {1, 1, x.elements() / std::max<std::int64_t>(channels, 1), channels};
    const auto add = [&](std::string_view block, Attributes attributes, std::vector<ValueId> inputs,
                         ValueId y) {
      nodes.push_back(
          {blocks.find(block), std::move(attributes), std::move(inputs), {y}, node.name, node.origin});
    };
    const std::string name = graph.at(node.outputs[0]).name;
    const ValueId flat = graph.add_value({name + ".image", {DType::f32, image}, Source::node});
    const ValueId made = graph.add_value({name + ".made", {DType::f32, image}, Source::node});
    Tensor w = make_tensor<float>(DType::f32, {1, 1, 1, channels}, weights);
    w.type.quantization = std::move(grid);
    const ValueId factors = graph.add_constant(node.name + "/factor", std::move(w));
    const ValueId bias =
        graph.add_constant(node.name + "/offset", make_tensor<float>(DType::f32, {channels}, offsets));
    add("reshape", Attributes(ReshapeAttrs{image}), {node.inputs[0]}, flat);
    add("depthwise_conv2d", Attributes(DepthwiseConv2dAttrs{}), {flat, factors, bias}, made);
    add("reshape", Attributes(ReshapeAttrs{x.shape}), {made}, node.outputs[0]);
  }
  graph.nodes = std::move(nodes);
}

namespace {

/// Average pools of integers whose result takes other numbers than they have.
class Averages {
 public:
  Averages(Graph& graph, const BlockSet& blocks)
      : graph_(graph), blocks_(blocks), made_by_(graph.producers()) {
    for (const Node& node : graph.nodes)
      if (node.block->name == "quantize") wanted_[node.inputs[0].index()] = &graph.at(node.outputs[0]).type;
  }

  void run() {
    const std::vector<Node> old = std::move(graph_.nodes);
    for (const Node& node : old)
      if (!change(node, old)) nodes_.push_back(node);
    graph_.nodes = std::move(nodes_);
  }

 private:
  ValueId add_value(const std::string& name, Type type) {
    return graph_.add_value({name, std::move(type), Source::node});
  }
  void add(std::string_view block, Attributes attributes, ValueId x, ValueId y, const Node& layer) {
    nodes_.push_back({blocks_.find(block), std::move(attributes), {x}, {y}, layer.name, layer.origin});
  }
  /// The float value behind integers of these numbers.
  ValueId through(ValueId x, DType dtype, const Quantization& numbers, ValueId real, const Node& layer) {
    const Shape shape = graph_.at(x).type.shape;
    const ValueId q = add_value(graph_.at(x).name + ".wide", {dtype, shape, numbers});
    add("quantize", Attributes(QuantizeAttrs{dtype}), x, q, layer);
    if (!real.is_present()) real = add_value(graph_.at(x).name + ".widened", {DType::f32, shape});
    add("dequantize", blocks_.find("dequantize")->attributes.make(), q, real, layer);
    return real;
  }

  bool change(const Node& node, const std::vector<Node>& old) {
    if (node.block->name != "average_pool2d" || node.is_kept_float || is_bounded(node)) return false;
    const int maker = made_by_[node.inputs[0].index()];
    const auto to = wanted_.find(node.outputs[0].index());
    if (maker < 0 || to == wanted_.end()) return false;
    const Node& dequantize = old[static_cast<std::size_t>(maker)];
    if (dequantize.block->name != "dequantize") return false;
    const Type from = graph_.at(dequantize.inputs[0]).type;
    if (!is_activation(from) || !is_activation(*to->second) || from.quantization == to->second->quantization)
      return false;
    const auto& a = node.attributes.as<AveragePool2dAttrs>();
    const Shape x = graph_.at(node.inputs[0]).type.shape, y = graph_.at(node.outputs[0]).type.shape;
    // A window's step does not matter where there is one.
    const auto is_tiled = [&](std::size_t axis) {
      return y[axis + 1] * a.kernel[axis] == x[axis + 1] &&
             (y[axis + 1] == 1 || a.stride[axis] == a.kernel[axis]) &&
             (a.dilation[axis] == 1 || a.kernel[axis] == 1);
    };
    const bool is_padded = std::any_of(a.pad.begin(), a.pad.end(), [](std::int64_t n) { return n != 0; });
    if (!is_padded && a.kernel == Shape{x[1], x[2]}) {
      add("reduce_mean", Attributes(ReduceAttrs{{1, 2}, true}), node.inputs[0], node.outputs[0], node);
      return true;
    }
    if (from.scale() < kMaxStepRatio * to->second->scale() && covers(as_signed(from), as_signed(*to->second)))
      return false;
    if (!is_padded && is_tiled(0) && is_tiled(1)) {
      const Shape windows = {x[0], y[1], a.kernel[0], y[2], a.kernel[1], x[3]};
      const ValueId cut = add_value(graph_.at(node.inputs[0]).name + ".windows", {DType::f32, windows});
      add("reshape", Attributes(ReshapeAttrs{windows}), node.inputs[0], cut, node);
      add("reduce_mean", Attributes(ReduceAttrs{{2, 4}, false}), cut, node.outputs[0], node);
      return true;
    }
    if (as_signed(from).dtype != DType::i8) return false;
    const Quantization wide = symmetric_numbers(as_signed(from), DType::i16);
    const ValueId widened = through(node.inputs[0], DType::i16, wide, {}, node);
    const ValueId mean =
        add_value(graph_.at(node.outputs[0]).name + ".mean", graph_.at(node.outputs[0]).type);
    add("average_pool2d", node.attributes, widened, mean, node);
    through(mean, DType::i16, wide, node.outputs[0], node);
    return true;
  }

  Graph& graph_;
  const BlockSet& blocks_;
  const std::vector<int> made_by_;
  std::unordered_map<std::size_t, const Type*> wanted_;
  std::vector<Node> nodes_;
};

}  // namespace

void own_numbers_of_averages(Graph& graph, const BlockSet& blocks) { Averages(graph, blocks).run(); }

namespace {

/// Whether the comparison holds for reals.
bool holds(std::string_view block, float a, float b) {
  if (block == "greater") return a > b;
  if (block == "greater_equal") return a >= b;
  return block == "less" ? a < b : a <= b;
}

}  // namespace

void compare_integers(Graph& graph, const BlockSet& blocks) {
  const std::vector<int> made_by = graph.producers();
  const std::vector<Node> old = std::move(graph.nodes);
  graph.nodes.clear();
  std::unordered_map<std::size_t, ValueId> plains;  // by quantized value: the integers without numbers
  static constexpr std::array<std::string_view, 4> kBlocks = {"greater", "greater_equal", "less",
                                                              "less_equal"};
  for (const Node& node : old) {
    graph.nodes.push_back(node);
    const auto block = std::find(kBlocks.begin(), kBlocks.end(), node.block->name);
    if (block == kBlocks.end() || node.is_kept_float) continue;
    const std::size_t number_at = graph.is_constant(node.inputs[0]) ? 0 : 1;
    const ValueId x = node.inputs[1 - number_at], number = node.inputs[number_at];
    const int maker = made_by[x.index()];
    if (!graph.is_constant(number) || graph.at(number).type.dtype != DType::f32 ||
        graph.at(number).type.elements() != 1 || maker < 0)
      continue;
    const Node& dequantize = old[static_cast<std::size_t>(maker)];
    if (dequantize.block->name != "dequantize") continue;
    const ValueId integers = dequantize.inputs[0];
    const Type type = graph.at(integers).type;
    if (!is_activation(type) || as_signed(type).dtype != type.dtype) continue;
    const float real = load<float>(*graph.at(number).data, 0);
    // As it would be with the number on the right; the integers for which it holds are the highest or the
    // lowest.
    const std::string_view turned =
        number_at == 1 ? *block : kBlocks[static_cast<std::size_t>(block - kBlocks.begin()) ^ 2];
    const bool is_high = turned.starts_with("greater");
    const IntRange range = dtype_range(type.dtype);
    std::optional<std::int64_t> last;
    for (std::int64_t q = is_high ? range.max : range.min; q >= range.min && q <= range.max;
         q += is_high ? -1 : 1) {
      if (!holds(turned, static_cast<float>(q - type.zero_point()) * type.scale(), real)) break;
      last = q;
    }
    const DType wide = type.dtype == DType::i8 ? DType::i16 : DType::i32;
    const std::int64_t bound = last ? *last : is_high ? range.max + 1 : range.min - 1;
    const auto [plain, is_new] = plains.try_emplace(integers.index());
    if (is_new) {
      plain->second = graph.add_value({graph.at(integers).name + ".plain", {wide, type.shape}, Source::node});
      const Node cast{blocks.find("cast"), Attributes(CastAttrs{wide}),
                      {integers},          {plain->second},
                      node.name,           node.origin};
      graph.nodes.insert(graph.nodes.end() - 1, cast);
    }
    Tensor least = make_tensor(Type{wide, graph.at(number).type.shape});
    if (wide == DType::i16)
      least.as<std::int16_t>()[0] = static_cast<std::int16_t>(bound);
    else
      least.as<std::int32_t>()[0] = static_cast<std::int32_t>(bound);
    const ValueId constant = graph.add_constant(graph.at(number).name + ".plain", std::move(least));
    graph.nodes.back().block = blocks.find(is_high ? "greater_equal" : "less_equal");
    graph.nodes.back().inputs = {plain->second, constant};
  }
}

void quantize_earlier(Graph& graph, const BlockSet& blocks) {
  const std::vector<int> made_by = graph.producers();
  std::vector<int> uses = graph.use_counts();
  const auto is_dequantized = [&](ValueId id) {
    const int from = id.index() < made_by.size() ? made_by[id.index()] : -1;
    return from >= 0 && graph.nodes[static_cast<std::size_t>(from)].block->name == "dequantize";
  };
  // From the end: a quantizer that moved before a node meets the node before that later on.
  std::unordered_map<std::size_t, Node> only_quantizer;  // of float values with no other use
  std::vector<Node> reversed;
  for (std::size_t at = graph.nodes.size(); at-- > 0;) {
    Node node = graph.nodes[at];
    if (node.block->name == "quantize" && is_activation(graph.at(node.outputs[0]).type)) {
      if (uses[node.inputs[0].index()] == 1) only_quantizer.emplace(node.inputs[0].index(), node);
      reversed.push_back(std::move(node));
      continue;
    }
    const auto found =
        node.outputs.size() == 1 ? only_quantizer.find(node.outputs[0].index()) : only_quantizer.end();
    if (found == only_quantizer.end() || node.is_kept_float ||
        node.block->quantized_form(graph.operation(node)) < QuantizedForm::bounds) {
      reversed.push_back(std::move(node));
      continue;
    }
    const auto is_free = [&](ValueId id) {
      return !id.is_present() || !is_float(graph.at(id).type.dtype) || graph.is_constant(id) ||
             is_dequantized(id) || uses[id.index()] == 1;
    };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), is_free)) {
      reversed.push_back(std::move(node));
      continue;
    }
    const Node like = found->second;
    const Type numbers = graph.at(like.outputs[0]).type;
    std::vector<Node> before;
    for (ValueId& id : node.inputs) {
      if (!id.is_present() || !is_float(graph.at(id).type.dtype) || graph.is_constant(id) ||
          is_dequantized(id))
        continue;
      const Value x = graph.at(id);
      const ValueId q = graph.add_value(
          {x.name + ".quantized", {numbers.dtype, x.type.shape, numbers.quantization}, Source::node});
      const ValueId real = graph.add_value({x.name + ".dequantized", x.type, Source::node});
      Node quantize = like, dequantize = like;
      quantize.inputs = {id};
      quantize.outputs = {q};
      dequantize.block = blocks.find("dequantize");
      dequantize.attributes = dequantize.block->attributes.make();
      dequantize.inputs = {q};
      dequantize.outputs = {real};
      only_quantizer.emplace(id.index(), quantize);
      id = real;
      before.push_back(std::move(dequantize));
      before.push_back(std::move(quantize));
    }
    reversed.push_back(std::move(node));
    reversed.insert(reversed.end(), before.begin(), before.end());
  }
  graph.nodes.assign(std::make_move_iterator(reversed.rbegin()), std::make_move_iterator(reversed.rend()));
}

}  // namespace nb
