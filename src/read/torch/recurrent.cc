// Recurrent layers: one block a layer, both of its directions in it, whose weights must be constants.
#include <algorithm>

#include "blocks/gru/attributes.h"
#include "blocks/lstm/attributes.h"
#include "blocks/rnn/attributes.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// Of one layer and direction, as PyTorch has them: rows gate by gate, biases maybe absent.
struct Weights {
  ValueId w, r, b_w, b_r;
};

/// The block of an operator, and how its gates stand among PyTorch's.
struct Cell {
  std::string_view block;
  Ints gates;  ///< of the block, each as its place in PyTorch's order
};
Cell cell_of(Layer& l) {
  if (l.op().find("lstm") != std::string_view::npos) return {"lstm", {0, 3, 1, 2}};  // i,f,g,o as i,o,f,g
  if (l.op().find("gru") != std::string_view::npos) return {"gru", {1, 0, 2}};       // r,z,n as z,r,n
  return {"rnn", {0}};
}

/// Rows [gates*H, ...] with the gates in the block's order.
ValueId in_order(Layer& l, ValueId x, const Ints& gates) {
  if (gates.size() == 1) return x;
  const auto count = static_cast<std::int64_t>(gates.size());
  const std::int64_t rows = l.dim(x, 0);
  if (rows % count != 0)
    l.refuse(Kind::shape_mismatch,
             "weights " + shape_text(l.shape(x)) + " do not split into " + std::to_string(count) + " gates");
  std::vector<ValueId> parts;
  for (const std::int64_t gate : gates)
    parts.push_back(slice_axis(l, x, 0, gate * (rows / count), rows / count));
  return concat(l, parts, 0);
}

/// One [D, ...] tensor of a part of all directions.
ValueId stacked(Layer& l, const std::vector<ValueId>& parts) {
  std::vector<ValueId> rows;
  for (const ValueId part : parts) rows.push_back(unsqueeze(l, part, {0}));
  return concat(l, rows, 0);
}

/// What one layer gives: y [T,N,D*H], or [N,T,D*H] if not time-major, and the last states [D,N,H].
struct Outcome {
  ValueId y, h, c;
};

/// The attributes that the three blocks share.
template <class A>
A attributes_of(bool is_time_major, std::size_t directions) {
  A a;
  a.time_major = is_time_major;
  a.final_state = true;
  a.direction = directions == 2 ? Direction::bidirectional : Direction::forward;
  return a;
}

Attributes block_attributes(Layer& l, const Cell& cell, bool is_time_major, std::size_t directions) {
  if (cell.block == "lstm") return Attributes(attributes_of<LstmAttrs>(is_time_major, directions));
  if (cell.block == "gru") {
    auto a = attributes_of<GruAttrs>(is_time_major, directions);
    a.reset_after = true;
    return Attributes(std::move(a));
  }
  auto a = attributes_of<RnnAttrs>(is_time_major, directions);
  if (l.op().find("relu") != std::string_view::npos) {
    a.functions.assign(directions, GateFunction::relu);
  }
  return Attributes(std::move(a));
}

/// A state that is zero is left out: that is how the blocks begin.
ValueId unless_zero(Layer& l, ValueId state) {
  if (!state.is_present() || !l.is_constant(state)) return state;
  const auto values = l.doubles(state, "the state");
  return std::ranges::all_of(values, [](double v) { return v == 0; }) ? ValueId() : state;
}

Outcome one_layer(Layer& l, const Cell& cell, ValueId x, const std::vector<Weights>& directions,
                  bool is_time_major, ValueId h, ValueId c) {
  std::vector<ValueId> w, r, b;
  for (const Weights& side : directions) {
    if (l.rank(side.w) != 2 || l.rank(side.r) != 2) l.refuse(Kind::shape_mismatch, "a weight is no matrix");
    for (const ValueId id : {side.w, side.r, side.b_w, side.b_r})
      if (id.is_present() && !l.is_constant(id))
        l.unsupported("a recurrent layer whose weights are computed at run time",
                      "keep the weights as parameters, or freeze the input that determines them");
    w.push_back(in_order(l, side.w, cell.gates));
    r.push_back(in_order(l, side.r, cell.gates));
    if (side.b_w.is_present())
      b.push_back(concat(l, {in_order(l, side.b_w, cell.gates), in_order(l, side.b_r, cell.gates)}, 0));
  }
  std::vector<ValueId> operands = {
      x, stacked(l, w), stacked(l, r), b.empty() ? ValueId() : stacked(l, b), {}};
  operands.push_back(unless_zero(l, h));
  if (cell.block == "lstm") {
    const ValueId cell_state = unless_zero(l, c);
    operands.push_back(cell_state);
  }
  while (!operands.back().is_present()) operands.pop_back();
  const auto made =
      l.add_all(cell.block, block_attributes(l, cell, is_time_major, directions.size()), std::move(operands));
  Outcome out{made[0], made[1], made.size() > 2 ? made[2] : ValueId()};
  const Shape s = l.shape(out.y);  // [T,D,N,H] or [N,T,D,H]
  if (is_time_major)
    out.y = reshape(l, transpose(l, out.y, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
  else
    out.y = reshape(l, out.y, {s[0], s[1], s[2] * s[3]});
  return out;
}

/// Weights in the order of `params`, layer by layer and direction by direction.
std::vector<Weights> weights_of(Layer& l, std::size_t count, std::size_t size, bool has_biases) {
  const std::vector<ValueId> params = l.tensors("params");
  if (params.size() != count * size)
    l.invalid("it has " + std::to_string(params.size()) + " parameters where " +
              std::to_string(count * size) + " fit its layers");
  std::vector<Weights> all;
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId* const p = params.data() + i * size;
    Weights one{p[0], p[1], {}, {}};
    if (has_biases) {
      one.b_w = p[2];
      one.b_r = p[3];
    }
    all.push_back(one);
  }
  return all;
}

}  // namespace

/// lstm.input, gru.input, rnn_tanh.input and rnn_relu.input, of any number of layers.
void translate_recurrent(Layer& l) {
  if (l.takes("batch_sizes"))
    l.unsupported("a recurrent layer of packed sequences",
                  "give sequences of one length, padded, instead of pack_padded_sequence");
  const Cell cell = cell_of(l);
  const bool is_lstm = cell.block == "lstm", has_biases = l.flag("has_biases", true),
             is_batch_first = l.flag("batch_first");
  const std::int64_t layers = l.integer("num_layers", 1);
  if (layers < 1 || layers > 1024)
    l.refuse(Kind::attribute_out_of_range, "num_layers is " + std::to_string(layers));
  if (l.flag("train") && l.real("dropout", 0) != 0)
    l.build.remark(Kind::remark, "Dropout is read as in inference");
  const std::size_t directions = l.flag("bidirectional") ? 2 : 1,
                    count = static_cast<std::size_t>(layers) * directions, size = has_biases ? 4 : 2;
  std::vector<ValueId> states;
  if (is_lstm) {
    states = l.tensors("hx");
    if (states.size() != 2) l.invalid("`hx` is not a pair of states");
    if (l.tensors("params").size() == count * (size + 1))
      l.unsupported("an LSTM with a projection of its output (proj_size)",
                    "leave proj_size at 0 and put a Linear layer behind the LSTM");
  } else {
    states = {l.tensor("hx")};
  }
  const std::vector<Weights> weights = weights_of(l, count, size, has_biases);

  ValueId x = l.tensor("input");
  const bool has_batch = l.rank(x) == 3;
  if (!has_batch) {  // [T,I], states [D,H]
    if (l.rank(x) != 2) l.refuse(Kind::shape_mismatch, "the input is of neither rank 2 nor 3");
    x = unsqueeze(l, x, {1});
    for (ValueId& state : states) {
      if (l.rank(state) != 2) l.refuse(Kind::shape_mismatch, "a state has a batch axis, the input has none");
      const ValueId batched = unsqueeze(l, state, {1});
      state = batched;
    }
  }
  const bool is_time_major = !is_batch_first || !has_batch;
  for (const ValueId state : states)
    if (l.rank(state) != 3 || l.dim(state, 0) != static_cast<std::int64_t>(count))
      l.refuse(Kind::shape_mismatch, "a state is " + type_text(l.type(state)) + " for " +
                                         std::to_string(count) + " layers and directions");
  const auto state_of = [&](std::size_t which, std::int64_t layer) {
    if (which >= states.size()) return ValueId();
    const auto d = static_cast<std::int64_t>(directions);
    return slice_axis(l, states[which], 0, layer * d, d);
  };
  std::vector<ValueId> h, c;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const auto first = weights.begin() + static_cast<std::ptrdiff_t>(directions) * layer;
    const Outcome out = one_layer(l, cell, x, {first, first + static_cast<std::ptrdiff_t>(directions)},
                                  is_time_major, state_of(0, layer), state_of(1, layer));
    x = out.y;
    h.push_back(out.h);
    c.push_back(out.c);
  }
  const auto unbatched = [&](ValueId id) { return has_batch ? id : squeeze(l, id, {1}); };
  l.result(unbatched(x));
  l.result(unbatched(concat(l, h, 0)));
  if (is_lstm) l.result(unbatched(concat(l, c, 0)));
}

/// One step: a layer of one step with states.
void translate_recurrent_cell(Layer& l) {
  const Cell cell = cell_of(l);
  std::vector<ValueId> states;
  if (cell.block == "lstm")
    states = l.tensors("hx");
  else
    states = {l.tensor("hx")};
  if (states.size() != (cell.block == "lstm" ? 2U : 1U)) l.invalid("`hx` is not as many states as it has");
  ValueId x = l.tensor("input");
  const bool has_batch = l.rank(x) == 2;
  const auto wide = [&](ValueId id) { return unsqueeze(l, id, has_batch ? Ints{0} : Ints{0, 1}); };
  const auto narrow = [&](ValueId id) { return squeeze(l, id, has_batch ? Ints{0} : Ints{0, 1}); };
  Weights weights{l.tensor("w_ih"), l.tensor("w_hh"), l.optional_tensor("b_ih"), l.optional_tensor("b_hh")};
  if (weights.b_w.is_present() != weights.b_r.is_present())
    l.invalid("it has one bias instead of two or none");
  const Outcome out = one_layer(l, cell, wide(x), {weights}, true, wide(states[0]),
                                states.size() > 1 ? wide(states[1]) : ValueId());
  l.result(narrow(out.h));
  if (cell.block == "lstm") l.result(narrow(out.c));
}

}  // namespace nb::torch
