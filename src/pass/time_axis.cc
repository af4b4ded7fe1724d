#include "pass/time_axis.h"

#include <algorithm>
#include <array>

#include "blocks/argmax/attributes.h"
#include "blocks/average_pool2d/attributes.h"
#include "blocks/concat/attributes.h"
#include "blocks/conv2d/attributes.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/expand/attributes.h"
#include "blocks/gather/attributes.h"
#include "blocks/gru/attributes.h"
#include "blocks/layer_norm/attributes.h"
#include "blocks/lstm/attributes.h"
#include "blocks/matmul/attributes.h"
#include "blocks/max_pool2d/attributes.h"
#include "blocks/pad/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/rnn/attributes.h"
#include "blocks/slice/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/split/attributes.h"
#include "blocks/transpose/attributes.h"

namespace nb {
namespace {

using Followed = Checked<Time>;

Fault refusal(std::string why, std::string help) {
  return Fault{Kind::not_streamable, std::move(why), std::move(help)};
}
Fault other_steps(const std::string& what) {
  return refusal(what + " looks at other time steps",
                 "stream a model whose layers over time are recurrent, or compile it for the whole sequence");
}

/// One layer of those below.
class Follower {
 public:
  explicit Follower(TimedLayer& layer) : l_(layer), node_(layer.node), name_(layer.node.block->name) {}

  Followed follow() {
    // Layers that move zeros, or look at them, or leave them zeros.
    constexpr std::array<std::string_view, 10> kSeeZeros = {
        "reshape",  "transpose",  "pad",        "conv2d", "depthwise_conv2d",
        "quantize", "dequantize", "requantize", "relu",   "identity"};
    const bool sees_zeros = std::find(kSeeZeros.begin(), kSeeZeros.end(), name_) != kSeeZeros.end();
    if (l_.rate.padded > 0 && !sees_zeros) return other_steps("padding in time");
    if (node_.block->is_elementwise || name_ == "where" || name_ == "identity" || name_ == "batch_norm")
      return elementwise();
    if (name_ == "dense") return apart_from(rank(0) - 1, "a sum over time");
    if (name_ == "matmul") return matmul();
    if (name_ == "layer_norm") return layer_norm();
    if (name_ == "softmax" || name_ == "log_softmax")
      return apart_from(axis_of(attrs<SoftmaxAttrs>().axis), "a softmax over time");
    if (name_.starts_with("reduce_")) return reduce();
    if (name_ == "argmax" || name_ == "argmin") return argmax();
    if (name_ == "transpose") return transpose();
    if (name_ == "reshape") return reshape();
    if (name_ == "expand") return expand();
    if (name_ == "slice") return slice();
    if (name_ == "gather") return gather();
    if (name_ == "concat") return concat();
    if (name_ == "split") return apart_from(attrs<SplitAttrs>().axis, "a split of time");
    if (name_ == "pad") return pad();
    if (name_ == "conv2d") return convolution(attrs<Conv2dAttrs>());
    if (name_ == "depthwise_conv2d") return convolution(attrs<DepthwiseConv2dAttrs>());
    if (name_ == "max_pool2d") return window(attrs<MaxPool2dAttrs>(), attrs<MaxPool2dAttrs>().kernel);
    if (name_ == "average_pool2d")
      return window(attrs<AveragePool2dAttrs>(), attrs<AveragePool2dAttrs>().kernel);
    if (name_ == "lstm") return recurrent<LstmAttrs>({5, 6}, {8, 9});
    if (name_ == "gru") return recurrent<GruAttrs>({5}, {6});
    if (name_ == "rnn") return recurrent<RnnAttrs>({5}, {6});
    return other_steps("its block " + name_);
  }

 private:
  template <class A>
  A& attrs() {
    return node_.attributes.as<A>();
  }
  [[nodiscard]] const Type& type(std::size_t i) const { return l_.graph.at(node_.inputs[i]).type; }
  [[nodiscard]] int rank(std::size_t i) const { return type(i).rank(); }
  [[nodiscard]] std::int64_t dim(std::size_t i, std::size_t axis) const { return type(i).shape[axis]; }
  [[nodiscard]] bool is_present(std::size_t i) const {
    return i < node_.inputs.size() && node_.inputs[i].is_present();
  }
  /// The place of time in operand 0.
  [[nodiscard]] int time() const { return l_.times[0].axis(); }
  [[nodiscard]] int out_rank() const { return l_.graph.at(node_.outputs[0]).type.rank(); }
  [[nodiscard]] std::int64_t axis_of(std::int64_t axis) const { return axis < 0 ? axis + rank(0) : axis; }
  [[nodiscard]] bool is_first_alone() const {
    for (std::size_t i = 1; i < l_.times.size(); ++i)
      if (l_.times[i].is_timed()) return false;
    return l_.times[0].is_along();
  }

  /// Time stays where it is, if the layer's own axis is another one.
  Followed apart_from(std::int64_t axis, const std::string& what) {
    if (!is_first_alone()) return other_steps("an operand that changes with time");
    if (axis == time()) return other_steps(what);
    return Time::along(time());
  }

  /// Operands broadcast; those without time must not differ from step to step.
  Followed elementwise() {
    int axis = -1;
    for (std::size_t i = 0; i < l_.times.size(); ++i) {
      if (!l_.times[i].is_along()) continue;
      const int place = out_rank() - rank(i) + l_.times[i].axis();
      if (axis >= 0 && axis != place) return other_steps("a product of two time axes");
      axis = place;
    }
    for (std::size_t i = 0; i < l_.times.size(); ++i)
      if (auto fault = fixed_fault(i, axis - out_rank())) return *fault;
    return Time::along(axis);
  }

  /// Why an operand without time is not the same at each step; `from_end` is the place of time from the end.
  [[nodiscard]] std::optional<Fault> fixed_fault(std::size_t i, int from_end) const {
    if (!is_present(i) || l_.times[i].is_timed() || rank(i) + from_end < 0) return std::nullopt;
    if (name_ == "batch_norm" && i > 0) return std::nullopt;
    if (dim(i, static_cast<std::size_t>(rank(i) + from_end)) == 1) return std::nullopt;
    return refusal("its operand `" + l_.graph.at(node_.inputs[i]).name + "`, " + type_text(type(i)) +
                       ", has a value for each time step",
                   "positions in a sequence have no counterpart in a stream without end");
  }

  Followed matmul() {
    const auto& a = attrs<MatmulAttrs>();
    const int out = out_rank();
    int axis = -1;
    for (const std::size_t i : {0u, 1u}) {
      if (!l_.times[i].is_along()) continue;
      const int from_end = l_.times[i].axis() - rank(i);
      const int summed = i == 0 ? (a.transpose_a ? -2 : -1) : (a.transpose_b ? -1 : -2);
      if (from_end == summed) return other_steps("a sum over time");
      const int place = from_end < -2 ? out + from_end : i == 0 ? out - 2 : out - 1;
      if (axis >= 0 && axis != place) return other_steps("a product of all time steps with all");
      axis = place;
    }
    for (const std::size_t i : {0u, 1u})
      if (axis < out - 2)
        if (auto fault = fixed_fault(i, axis - out)) return *fault;
    return Time::along(axis);
  }

  Followed layer_norm() {
    if (!is_first_alone()) return other_steps("an operand that changes with time");
    if (axis_of(attrs<LayerNormAttrs>().axis) <= time()) return other_steps("a norm over time");
    for (std::size_t i = 1; i < node_.inputs.size(); ++i)
      if (auto fault = fixed_fault(i, time() - rank(0))) return *fault;
    return Time::along(time());
  }

  Followed reduce() {
    const auto& a = attrs<ReduceAttrs>();
    int before = 0;
    for (const std::int64_t axis : a.axes) {
      if (axis == time()) return other_steps("a sum, mean or extremum over time");
      before += axis < time();
    }
    return Time::along(a.keep_dims ? time() : time() - before);
  }

  Followed argmax() {
    const auto& a = attrs<ArgmaxAttrs>();
    if (a.axis == time()) return other_steps("an extremum over time");
    return Time::along(a.keep_dims || a.axis > time() ? time() : time() - 1);
  }

  Followed transpose() {
    const auto& perm = attrs<TransposeAttrs>().perm;
    return Time::along(static_cast<int>(std::find(perm.begin(), perm.end(), time()) - perm.begin()));
  }

  /// Time keeps an axis of its own if the axes before it hold as many elements before and after.
  Followed reshape() {
    auto& shape = attrs<ReshapeAttrs>().shape;
    const Shape& in = type(0).shape;
    const std::int64_t before = element_count(std::span(in).first(static_cast<std::size_t>(time())));
    std::int64_t seen = 1;
    for (std::size_t axis = 0; axis < shape.size() && seen <= before; seen *= shape[axis++])
      if (seen == before && shape[axis] == l_.rate.length()) {
        shape[axis] = 1;
        return Time::along(static_cast<int>(axis));
      }
    return refusal("a reshape to " + shape_text(shape) + " joins time with other axes",
                   "stream a model that keeps an axis of time up to its last step");
  }

  Followed expand() {
    auto& shape = attrs<ExpandAttrs>().shape;
    const int axis = static_cast<int>(shape.size()) - rank(0) + time();
    shape[static_cast<std::size_t>(axis)] = 1;
    return Time::along(axis);
  }

  /// The whole of time, each n-th step of it, or the last.
  Followed slice() {
    auto& a = attrs<SliceAttrs>();
    const auto t = static_cast<std::size_t>(time());
    const std::int64_t step = t < a.step.size() ? a.step[t] : 1, begin = a.begin[t], size = a.size[t];
    a.begin[t] = 0;
    a.size[t] = 1;
    if (t < a.step.size()) a.step[t] = 1;
    if (size == 1 && begin == l_.rate.steps - 1) return Time::last();
    const bool is_to_end = begin < step && begin + size * step > l_.rate.steps - step;
    if (step < 1 || !is_to_end || (step == 1 && begin != 0)) return other_steps("a slice of time");
    if (step > 1 && l_.rate.remembers)
      return other_steps("a slice that leaves out steps behind a recurrent layer");
    l_.rate = {size, l_.rate.every * step, l_.rate.first + begin * l_.rate.every};
    return Time::along(time());
  }

  Followed gather() {
    const auto& a = attrs<GatherAttrs>();
    if (a.batch_dims != 0) return other_steps("a gather by rows");
    if (!l_.times[0].is_along()) return Time::along(static_cast<int>(a.axis) + l_.times[1].axis());
    if (l_.times[1].is_timed()) return other_steps("a gather by indices that change with time");
    const int added = rank(1) - 1;
    if (a.axis != time()) return Time::along(a.axis < time() ? time() + added : time());
    const Value& indices = l_.graph.at(node_.inputs[1]);
    if (indices.source != Source::constant || indices.type.elements() != 1)
      return other_steps("a gather from time");
    const std::int64_t index = to_ints(Tensor{indices.type, *indices.data})[0];
    if (index != l_.rate.steps - 1 && index != -1) return other_steps("a gather from time");
    node_.block = l_.blocks.find("reshape");
    node_.attributes = Attributes(ReshapeAttrs{l_.graph.at(node_.outputs[0]).type.shape});
    node_.inputs.resize(1);
    return Time::last();
  }

  Followed concat() {
    int axis = -1;
    for (const Time& at : l_.times)
      if (at.is_along() && axis < 0) axis = at.axis();
    if (attrs<ConcatAttrs>().axis == axis) return other_steps("a concatenation in time");
    for (std::size_t i = 0; i < l_.times.size(); ++i) {
      if (l_.times[i].is_along() && l_.times[i].axis() != axis)
        return other_steps("a concatenation of two time axes");
      if (auto fault = fixed_fault(i, axis - rank(i))) return *fault;
    }
    return Time::along(axis);
  }

  /// Zeros before the first step are the business of the convolution behind.
  Followed pad() {
    auto& a = attrs<PadAttrs>();
    const auto t = static_cast<std::size_t>(time());
    const bool is_zero = a.mode == PadMode::constant && a.value == 0;
    if (a.after[t] != 0 || a.before[t] < 0 || (a.before[t] > 0 && !is_zero))
      return other_steps("padding in time");
    l_.rate.padded += a.before[t];
    a.before[t] = 0;
    return Time::along(time());
  }

  /// A causal convolution: the steps before, of which each step makes it see one more, become a state.
  template <class A>
  Followed convolution(A& a) {
    if (!is_first_alone()) return other_steps("an operand that changes with time");
    const int t = time() - 1;
    if (t != 0 && t != 1) return time() == 0 ? Followed(Time::along(0)) : other_steps("a sum over time");
    const auto i = static_cast<std::size_t>(t);
    const std::int64_t kernel = dim(1, i + 1), span = (kernel - 1) * a.dilation[i];
    if (a.stride[i] != 1) return other_steps("a stride of " + std::to_string(a.stride[i]) + " time steps");
    if (a.pad[i] + l_.rate.padded != span || a.pad[i + 2] != 0)
      return refusal(
          "a window of " + std::to_string(kernel) + " time steps looks ahead, or shortens the sequence",
          "train causal convolutions: all padding, " + std::to_string(span) +
              " zeros, before the "
              "first step");
    l_.rate.padded = 0;
    a.pad[i] = 0;
    if (span > 0) remember_steps(span);
    return Time::along(time());
  }

  /// Puts the last `span` steps, a state of zeros at first, before operand 0.
  void remember_steps(std::int64_t span) {
    l_.rate.remembers = true;
    const auto axis = static_cast<std::size_t>(time());
    Type type = this->type(0);
    type.shape[axis] = span;
    Value state{node_.name + ".steps", type, Source::state};
    if (type.is_quantized() && type.zero_point() != 0) {
      Tensor first = make_tensor(type);
      visit_dtype(type.dtype, [&](auto zero) {
        for (auto& element : first.as<decltype(zero)>())
          element = static_cast<decltype(zero)>(type.zero_point());
      });
      state.data = std::make_shared<const Bytes>(std::move(first.data));
    }
    const ValueId kept = l_.graph.add_value(std::move(state));
    const ValueId joined = l_.graph.add_value({node_.name + ".joined", type});
    const ValueId next = l_.graph.add_value({node_.name + ".next", type});
    const auto rank = type.shape.size();
    SliceAttrs rest{Shape(rank, 0), type.shape, Shape(rank, 1)};
    rest.begin[axis] = 1;
    l_.before.push_back({l_.blocks.find("concat"),
                         Attributes(ConcatAttrs{time()}),
                         {kept, node_.inputs[0]},
                         {joined},
                         node_.name + ".joined",
                         node_.origin});
    l_.before.push_back({l_.blocks.find("slice"),
                         Attributes(std::move(rest)),
                         {joined},
                         {next},
                         node_.name + ".next",
                         node_.origin});
    node_.inputs[0] = joined;
    l_.graph.kept.push_back(kept);
    l_.graph.outputs.push_back(next);
  }

  /// A window over rows and columns that sees one step.
  template <class A>
  Followed window(const A& a, const std::vector<std::int64_t>& kernel) {
    if (!is_first_alone()) return other_steps("an operand that changes with time");
    const int t = time() - 1;
    if (t != 0 && t != 1) return time() == 0 ? Followed(Time::along(0)) : other_steps("a sum over time");
    const auto i = static_cast<std::size_t>(t);
    if (kernel[i] != 1 || a.stride[i] != 1 || a.pad[i] != 0 || a.pad[i + 2] != 0)
      return other_steps("a window of " + std::to_string(kernel[i]) + " time steps");
    return Time::along(time());
  }

  /// h, and c if there is one, become states of the layer; their first contents are its constant initial
  /// ones.
  template <class A>
  Followed recurrent(const std::vector<std::size_t>& initial, const std::vector<std::size_t>& states) {
    auto& a = attrs<A>();
    if (!is_first_alone()) return other_steps("an operand that changes with time");
    if (a.direction != Direction::forward)
      return refusal("a layer that runs backwards in time needs the end of the sequence",
                     "train a layer that runs forwards only");
    if (time() != (a.time_major ? 0 : 1)) return other_steps("a recurrence over another axis");
    if (is_present(4))
      return refusal("its sequences have lengths of their own", "export the model without lengths");
    const Time out = Time::along(a.time_major ? 0 : 1);
    l_.rate.remembers = true;
    if (is_present(states[0])) return out;
    const auto is_state = [&](std::size_t i) {
      return is_present(i) && l_.graph.at(node_.inputs[i]).source == Source::state;
    };
    if (std::all_of(initial.begin(), initial.end(), is_state)) {  // --state has seen to them
      l_.later_outputs_are_last = true;
      return out;
    }
    if (a.final_state)
      if (auto fault = drop_final_states()) return *fault;
    a.final_state = false;
    node_.inputs.resize(states.back() + 1);
    const std::int64_t units = type(2).shape[2], samples = type(0).shape[a.time_major ? 1 : 0];
    for (std::size_t k = 0; k < states.size(); ++k) {
      Value state{node_.name + (k == 0 ? ".h" : ".c"), {DType::f32, {1, samples, units}}, Source::state};
      if (is_present(initial[k])) {
        const Value& first = l_.graph.at(node_.inputs[initial[k]]);
        if (first.source != Source::constant)
          return refusal("its first state `" + first.name + "` is computed at run time",
                         "keep it with --state INPUT=OUTPUT, or freeze it with --freeze INPUT=FILE");
        state.data = first.data;
      }
      node_.inputs[initial[k]] = ValueId();
      node_.inputs[states[k]] = l_.graph.add_value(std::move(state));
    }
    return out;
  }

  /// Takes y_h from y, which holds the same step; refuses where y_c is read.
  std::optional<Fault> drop_final_states() {
    const ValueId y = node_.outputs[0], y_h = node_.outputs[1];
    if (node_.outputs.size() > 2 && l_.uses[node_.outputs[2].index()] > 0)
      return refusal("its last cell state `" + l_.graph.at(node_.outputs[2]).name + "` is used",
                     "read the output of the layer instead");
    Node last{l_.blocks.find("reshape"),
              Attributes(ReshapeAttrs{l_.graph.at(y_h).type.shape}),
              {y},
              {y_h},
              node_.name + ".last",
              node_.origin};
    l_.after.push_back(std::move(last));
    node_.outputs.resize(1);
    l_.later_outputs_are_last = true;
    return std::nullopt;
  }

  TimedLayer& l_;
  Node& node_;
  const std::string name_;
};

}  // namespace

Checked<Time> follow_time(TimedLayer& layer) { return Follower(layer).follow(); }

}  // namespace nb
