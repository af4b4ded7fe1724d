// Recurrent layers: one block each where the weights are constant, otherwise written out step by step.
#include <algorithm>
#include <array>

#include "blocks/gru/attributes.h"
#include "blocks/lstm/attributes.h"
#include "blocks/rnn/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

constexpr std::int64_t kMaxSteps = 1024;

/// What the three layers have in common. T steps, N samples, I inputs, H hidden units, D directions.
struct Recurrent {
  ValueId x;  ///< [T,N,I]
  std::int64_t steps, samples, inputs, hidden, directions;
  bool is_batch_first;
  std::string direction;
  float clip;
  ValueId w, r, b, lengths, initial_h;
  std::vector<std::string> activations;  ///< as many as functions a direction, times D
  std::vector<float> alpha, beta;
};

Recurrent read_recurrent(Layer& l, std::vector<std::string> functions, std::int64_t gates) {
  Recurrent p;
  p.is_batch_first = l.flag("layout", false);
  p.x = l.in(0);
  if (l.rank(p.x) != 3 || l.rank(l.in(1)) != 3 || l.rank(l.in(2)) != 3)
    l.refuse(Kind::shape_mismatch, "X, W or R is not of rank 3");
  if (p.is_batch_first) p.x = transpose(l, p.x, {1, 0, 2});
  p.steps = l.dim(p.x, 0);
  p.samples = l.dim(p.x, 1);
  p.inputs = l.dim(p.x, 2);
  p.direction = l.text("direction", "forward");
  if (p.direction != "forward" && p.direction != "reverse" && p.direction != "bidirectional")
    l.invalid("`direction` is none of forward, reverse, bidirectional");
  p.directions = p.direction == "bidirectional" ? 2 : 1;
  p.w = l.in(1);
  p.r = l.in(2);
  p.b = l.optional(3);
  p.lengths = l.optional(4);
  p.initial_h = l.optional(5);
  p.hidden = l.dim(p.r, 2);
  p.clip = l.real("clip", 0.0f);
  if (l.integer("hidden_size", p.hidden) != p.hidden) l.invalid("hidden_size is not that of R");
  if (l.shape(p.w) != Shape{p.directions, gates * p.hidden, p.inputs} ||
      l.shape(p.r) != Shape{p.directions, gates * p.hidden, p.hidden} ||
      (p.b.is_present() && l.shape(p.b) != Shape{p.directions, 2 * gates * p.hidden}))
    l.refuse(Kind::shape_mismatch, "W " + shape_text(l.shape(p.w)) + ", R " + shape_text(l.shape(p.r)) +
                                       " or B do not fit X " + shape_text(l.shape(p.x)));
  p.activations = l.texts("activations");
  if (p.activations.empty())
    for (std::int64_t d = 0; d < p.directions; ++d)
      p.activations.insert(p.activations.end(), functions.begin(), functions.end());
  if (p.activations.size() != functions.size() * static_cast<std::size_t>(p.directions))
    l.invalid("it does not have " + std::to_string(functions.size()) + " activations a direction");
  p.alpha = l.reals("activation_alpha");
  p.beta = l.reals("activation_beta");
  // A constant that says that all samples have all steps says nothing.
  if (p.lengths.is_present() && l.is_constant(p.lengths)) {
    const Ints lengths = l.ints(p.lengths, "sequence_lens");
    if (std::all_of(lengths.begin(), lengths.end(), [&](std::int64_t n) { return n == p.steps; }))
      p.lengths = ValueId();
  }
  return p;
}

/// alpha and beta of the function p.activations[i], where the model gives them.
struct Parameters {
  std::optional<float> alpha, beta;
};
Parameters parameters(const Recurrent& p, std::size_t i) {
  // They are listed for the functions that take them, in order.
  const auto takes_beta = [](const std::string& f) {
    return f == "affine" || f == "scaledtanh" || f == "hardsigmoid";
  };
  const auto takes_alpha = [&](const std::string& f) {
    return takes_beta(f) || f == "leakyrelu" || f == "thresholdedrelu" || f == "elu";
  };
  std::size_t alphas = 0, betas = 0;
  for (std::size_t k = 0; k < i; ++k) {
    alphas += takes_alpha(to_lower(p.activations[k]));
    betas += takes_beta(to_lower(p.activations[k]));
  }
  Parameters of;
  if (alphas < p.alpha.size()) of.alpha = p.alpha[alphas];
  if (betas < p.beta.size()) of.beta = p.beta[betas];
  return of;
}

ValueId activate(Layer& l, const Recurrent& p, std::size_t i, ValueId x) {
  const std::string name = to_lower(p.activations[i]);
  const Parameters of = parameters(p, i);
  const auto alpha = [&](float fallback) { return of.alpha.value_or(fallback); };
  const auto beta = [&](float fallback) { return of.beta.value_or(fallback); };
  const auto times = [&](ValueId v, float factor) {
    return binary(l, "mul", v, static_cast<double>(factor));
  };
  if (name == "sigmoid" || name == "tanh" || name == "relu" || name == "softsign" || name == "softplus")
    return unary(l, name, x);
  if (name == "leakyrelu") return l.add("leaky_relu", {x}, {{"alpha", alpha(0.01f)}});
  if (name == "thresholdedrelu") return l.add("thresholded_relu", {x}, {{"alpha", alpha(1.0f)}});
  if (name == "elu") return l.add("elu", {x}, {{"alpha", alpha(1.0f)}});
  if (name == "hardsigmoid")
    return l.add("hard_sigmoid", {x}, {{"alpha", alpha(0.2f)}, {"beta", beta(0.5f)}});
  if (name == "scaledtanh") return times(unary(l, "tanh", times(x, beta(1.0f))), alpha(1.0f));
  if (name == "affine") return binary(l, "add", times(x, alpha(1.0f)), static_cast<double>(beta(0.0f)));
  l.unsupported("the activation `" + p.activations[i] + "`");
}

ValueId clipped(Layer& l, const Recurrent& p, ValueId x) {
  return p.clip > 0 ? l.add("clip", {x}, {{"min", -p.clip}, {"max", p.clip}}) : x;
}

/// Row d of a tensor with a leading axis of directions.
ValueId direction_of(Layer& l, ValueId x, std::int64_t d) {
  return squeeze(l, slice_axis(l, x, 0, d, 1), {0});
}
/// Part k of n along the last axis.
ValueId part(Layer& l, ValueId x, std::int64_t k, std::int64_t size) {
  return slice_axis(l, x, l.rank(x) - 1, k * size, size);
}

ValueId zeros(Layer& l, const Shape& shape) { return expand(l, scalar(l, 0), shape); }

/// Of one direction: y of each step in the order of time, and the last state.
struct Walked {
  std::vector<ValueId> y;
  ValueId h, c;
};

/// Walks one direction. step(x_t, h, c) gives the next h and c; c may be absent.
template <class Step>
Walked walk(Layer& l, const Recurrent& p, std::int64_t d, ValueId projected, ValueId h, ValueId c,
            Step step) {
  const bool is_reverse = p.direction == "reverse" || d == 1;
  Walked out;
  out.y.resize(static_cast<std::size_t>(p.steps));
  for (std::int64_t i = 0; i < p.steps; ++i) {
    const std::int64_t t = is_reverse ? p.steps - 1 - i : i;
    const ValueId x_t = squeeze(l, slice_axis(l, projected, 0, t, 1), {0});
    auto [next_h, next_c] = step(x_t, h, c);
    ValueId y = next_h;
    if (p.lengths.is_present()) {  // samples that have ended keep their state and give 0
      const ValueId is_alive =
          binary(l, "less", scalar(l, static_cast<double>(t), l.dtype(p.lengths)), p.lengths);
      const ValueId mask = reshape(l, is_alive, {p.samples, 1});
      y = where(l, mask, next_h, scalar(l, 0));
      next_h = where(l, mask, next_h, h);
      if (next_c.is_present()) next_c = where(l, mask, next_c, c);
    }
    out.y[static_cast<std::size_t>(t)] = y;
    h = next_h;
    c = next_c;
  }
  out.h = h;
  out.c = c;
  return out;
}

/// Binds Y, Y_h and Y_c of all directions.
void bind_outputs(Layer& l, const Recurrent& p, const std::vector<Walked>& walked) {
  if (l.wants(0)) {
    std::vector<ValueId> steps;
    for (std::size_t t = 0; t < static_cast<std::size_t>(p.steps); ++t) {
      std::vector<ValueId> sides;
      for (const Walked& side : walked) sides.push_back(unsqueeze(l, side.y[t], {0, 1}));
      steps.push_back(concat(l, sides, 1));
    }
    const ValueId y = concat(l, steps, 0);  // [T,D,N,H]
    l.output(0, p.is_batch_first ? transpose(l, y, {2, 0, 1, 3}) : y);
  }
  const auto last = [&](std::size_t i, auto member) {
    if (!l.wants(i)) return;
    std::vector<ValueId> sides;
    for (const Walked& side : walked) sides.push_back(unsqueeze(l, side.*member, {0}));
    const ValueId state = concat(l, sides, 0);
    l.output(i, p.is_batch_first ? transpose(l, state, {1, 0, 2}) : state);
  };
  last(1, &Walked::h);
  if (walked[0].c.is_present()) last(2, &Walked::c);
}

void check_steps(Layer& l, const Recurrent& p) {
  if (p.steps < 1 || p.steps > kMaxSteps)
    l.refuse(Kind::limit_exceeded, std::to_string(p.steps) + " steps cannot be written out");
}

/// x w^T + bias of all steps at once: [T,N,gates*H].
ValueId project(Layer& l, const Recurrent& p, std::int64_t d, std::int64_t width, bool adds_recurrent_bias) {
  ValueId y = matmul(l, p.x, direction_of(l, p.w, d), false, true);
  if (!p.b.is_present()) return y;
  const ValueId b = direction_of(l, p.b, d);
  y = binary(l, "add", y, part(l, b, 0, width));
  return adds_recurrent_bias ? binary(l, "add", y, part(l, b, 1, width)) : y;
}

ValueId first_state(Layer& l, const Recurrent& p, ValueId given, std::int64_t d) {
  if (!given.is_present()) return zeros(l, {p.samples, p.hidden});
  return direction_of(l, p.is_batch_first ? transpose(l, given, {1, 0, 2}) : given, d);
}

bool is_constant_or_absent(Layer& l, ValueId id) { return !id.is_present() || l.is_constant(id); }

/// The p.activations[i] as a block has them.
GateCall gate_call(Layer& l, const Recurrent& p, std::size_t i) {
  const Parameters of = parameters(p, i);
  const std::string name = to_lower(p.activations[i]);
  const auto call = [&](GateFunction f, float alpha, float beta) {
    return GateCall{f, of.alpha.value_or(alpha), of.beta.value_or(beta)};
  };
  if (name == "sigmoid") return {GateFunction::sigmoid};
  if (name == "tanh") return {GateFunction::tanh};
  if (name == "relu") return {GateFunction::relu};
  if (name == "softsign") return {GateFunction::softsign};
  if (name == "softplus") return {GateFunction::softplus};
  if (name == "leakyrelu") return call(GateFunction::leaky_relu, 0.01f, 0.0f);
  if (name == "thresholdedrelu") return call(GateFunction::thresholded_relu, 1.0f, 0.0f);
  if (name == "elu") return call(GateFunction::elu, 1.0f, 0.0f);
  if (name == "hardsigmoid") return call(GateFunction::hard_sigmoid, 0.2f, 0.5f);
  if (name == "scaledtanh") return call(GateFunction::scaled_tanh, 1.0f, 1.0f);
  if (name == "affine") return call(GateFunction::affine, 1.0f, 0.0f);
  l.unsupported("the activation `" + p.activations[i] + "`");
}

/// Whether the layer can be one block.
bool fits_block(Layer& l, const Recurrent& p, std::string_view block) {
  return l.has_block(block) && l.is_constant(p.w) && l.is_constant(p.r) && is_constant_or_absent(l, p.b) &&
         !(p.lengths.is_present() && l.dtype(p.lengths) != DType::i32);
}

/// What the blocks' attributes have in common.
template <class A>
A block_attributes(Layer& l, const Recurrent& p) {
  A a;
  a.direction = p.direction == "forward"   ? Direction::forward
                : p.direction == "reverse" ? Direction::reverse
                                           : Direction::bidirectional;
  a.time_major = !p.is_batch_first;
  for (std::size_t i = 1; i < l.output_count(); ++i) a.final_state = a.final_state || l.wants(i);
  for (std::size_t i = 0; i < p.activations.size() && !l.texts("activations").empty(); ++i) {
    const GateCall call = gate_call(l, p, i);
    a.functions.push_back(call.function);
    a.alpha.push_back(call.alpha);
    a.beta.push_back(call.beta);
  }
  a.gate_clip = p.clip;
  return a;
}

/// The whole layer as one block: operands x, w, r, b, lengths, the first states, and `others`.
void as_block(Layer& l, const Recurrent& p, std::string_view block, Attributes attributes,
              const std::vector<ValueId>& states, const std::vector<ValueId>& others = {}) {
  std::vector<ValueId> operands = {l.in(0), p.w, p.r, p.b, p.lengths};
  for (const ValueId id : states)
    operands.push_back(id.is_present() && p.is_batch_first ? transpose(l, id, {1, 0, 2}) : id);
  operands.insert(operands.end(), others.begin(), others.end());
  while (!operands.back().is_present()) operands.pop_back();
  const auto outputs = l.add_all(std::string(block), std::move(attributes), std::move(operands));
  l.output(0, outputs[0]);
  for (std::size_t i = 1; i < outputs.size(); ++i)
    l.output(i, p.is_batch_first ? transpose(l, outputs[i], {1, 0, 2}) : outputs[i]);
}

}  // namespace

void translate_lstm(Layer& l) {
  const Recurrent p = read_recurrent(l, {"Sigmoid", "Tanh", "Tanh"}, 4);
  const ValueId initial_c = l.optional(6), peephole = l.optional(7);
  const bool is_coupled = l.flag("input_forget", false);
  if (fits_block(l, p, "lstm") && is_constant_or_absent(l, peephole)) {
    auto a = block_attributes<LstmAttrs>(l, p);
    a.couple_gates = is_coupled;
    return as_block(l, p, "lstm", Attributes(std::move(a)), {p.initial_h, initial_c}, {peephole});
  }
  check_steps(l, p);
  const std::int64_t h = p.hidden;
  std::vector<Walked> walked;
  for (std::int64_t d = 0; d < p.directions; ++d) {
    const ValueId r = direction_of(l, p.r, d), projected = project(l, p, d, 4 * h, true);
    const ValueId holes = peephole.is_present() ? direction_of(l, peephole, d) : ValueId();
    const auto first = static_cast<std::size_t>(3 * d);
    const auto gate = [&](ValueId z, std::int64_t k, ValueId seen) {
      if (holes.is_present() && k < 3) z = binary(l, "add", z, binary(l, "mul", part(l, holes, k, h), seen));
      return activate(l, p, first, clipped(l, p, z));
    };
    walked.push_back(walk(l, p, d, projected, first_state(l, p, p.initial_h, d),
                          first_state(l, p, initial_c, d), [&](ValueId x, ValueId before, ValueId cell) {
                            const ValueId z = binary(l, "add", x, matmul(l, before, r, false, true));
                            const ValueId in = gate(part(l, z, 0, h), 0, cell);
                            const ValueId forget = is_coupled ? binary(l, "sub", scalar(l, 1), in)
                                                              : gate(part(l, z, 2, h), 2, cell);
                            const ValueId fresh = activate(l, p, first + 1, clipped(l, p, part(l, z, 3, h)));
                            const ValueId next =
                                binary(l, "add", binary(l, "mul", forget, cell), binary(l, "mul", in, fresh));
                            const ValueId out = gate(part(l, z, 1, h), 1, next);
                            return std::pair(binary(l, "mul", out, activate(l, p, first + 2, next)), next);
                          }));
  }
  bind_outputs(l, p, walked);
}

void translate_gru(Layer& l) {
  const Recurrent p = read_recurrent(l, {"Sigmoid", "Tanh"}, 3);
  const bool resets_after = l.flag("linear_before_reset", false);
  if (fits_block(l, p, "gru")) {
    auto a = block_attributes<GruAttrs>(l, p);
    a.reset_after = resets_after;
    return as_block(l, p, "gru", Attributes(std::move(a)), {p.initial_h});
  }
  check_steps(l, p);
  const std::int64_t h = p.hidden;
  std::vector<Walked> walked;
  for (std::int64_t d = 0; d < p.directions; ++d) {
    const ValueId r = direction_of(l, p.r, d), projected = project(l, p, d, 3 * h, false);
    const ValueId rb = p.b.is_present() ? part(l, direction_of(l, p.b, d), 1, 3 * h) : ValueId();
    const ValueId r_gates = slice_axis(l, r, 0, 0, 2 * h), r_new = slice_axis(l, r, 0, 2 * h, h);
    const auto plus_bias = [&](ValueId y, std::int64_t from, std::int64_t size) {
      return rb.is_present() ? binary(l, "add", y, slice_axis(l, rb, 0, from, size)) : y;
    };
    const auto first = static_cast<std::size_t>(2 * d);
    walked.push_back(walk(
        l, p, d, projected, first_state(l, p, p.initial_h, d), ValueId(),
        [&](ValueId x, ValueId before, ValueId) {
          const ValueId both = plus_bias(matmul(l, before, r_gates, false, true), 0, 2 * h);
          const ValueId gates =
              activate(l, p, first, clipped(l, p, binary(l, "add", slice_axis(l, x, 1, 0, 2 * h), both)));
          const ValueId update = part(l, gates, 0, h), reset = part(l, gates, 1, h);
          ValueId recurrent;
          if (resets_after)
            recurrent = binary(l, "mul", reset, plus_bias(matmul(l, before, r_new, false, true), 2 * h, h));
          else
            recurrent = plus_bias(matmul(l, binary(l, "mul", reset, before), r_new, false, true), 2 * h, h);
          const ValueId z = binary(l, "add", slice_axis(l, x, 1, 2 * h, h), recurrent);
          const ValueId fresh = activate(l, p, first + 1, clipped(l, p, z));
          const ValueId kept = binary(l, "mul", update, before);
          const ValueId taken = binary(l, "mul", binary(l, "sub", scalar(l, 1), update), fresh);
          return std::pair(binary(l, "add", taken, kept), ValueId());
        }));
  }
  bind_outputs(l, p, walked);
}

void translate_rnn(Layer& l) {
  const Recurrent p = read_recurrent(l, {"Tanh"}, 1);
  if (fits_block(l, p, "rnn"))
    return as_block(l, p, "rnn", Attributes(block_attributes<RnnAttrs>(l, p)), {p.initial_h});
  check_steps(l, p);
  std::vector<Walked> walked;
  for (std::int64_t d = 0; d < p.directions; ++d) {
    const ValueId r = direction_of(l, p.r, d), projected = project(l, p, d, p.hidden, true);
    walked.push_back(walk(l, p, d, projected, first_state(l, p, p.initial_h, d), ValueId(),
                          [&](ValueId x, ValueId before, ValueId) {
                            const ValueId z = binary(l, "add", x, matmul(l, before, r, false, true));
                            return std::pair(activate(l, p, static_cast<std::size_t>(d), clipped(l, p, z)),
                                             ValueId());
                          }));
  }
  bind_outputs(l, p, walked);
}

}  // namespace nb::onnx
