// Recurrent layers: one block each, or written out step by step where no block does what the layer says (a
// mask, a function that no gate has).
#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "blocks/gru/attributes.h"
#include "blocks/lstm/attributes.h"
#include "blocks/rnn/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

constexpr std::int64_t kMaxSteps = 1024;

enum class CellKind : std::uint8_t { lstm, gru, simple };
constexpr std::int64_t gates_of(CellKind kind) {
  return kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1;
}
constexpr std::size_t states_of(CellKind kind) { return kind == CellKind::lstm ? 2 : 1; }

/// One cell: whose configuration describes it, and where its weights are.
struct Cell {
  CellKind kind = CellKind::simple;
  std::shared_ptr<LayerConfig> owned = {};  ///< of cells that are objects of their own
  std::shared_ptr<Layer> view = {};
  Layer* config = nullptr;
  Scope scope = {};
  std::int64_t units = 0;

  [[nodiscard]] bool has_bias() const { return config->flag("use_bias", true); }
  [[nodiscard]] bool resets_after() const {
    // Keras 2 had it false in GRU layers of TensorFlow 1, and wrote it down since.
    return config->flag("reset_after", config->importer().keras() >= 3);
  }
};

/// How a layer walks its sequence.
struct Walk {
  ValueId x;     ///< [N,T,I]
  ValueId mask;  ///< bool [N,T], or absent
  bool is_reverse = false, is_stateful = false, zeroes_masked = false;
  bool wants_states = false;        ///< else only y is used
  std::vector<ValueId> first = {};  ///< states [N,H] of all cells; empty: zeros
};
/// y [N,T,H] in the order of time, and the last states [N,H].
struct Walked {
  ValueId y;
  std::vector<ValueId> states = {};
};

// --- cells ---

Cell finished(Layer& l, Cell cell) {
  cell.units = cell.config->integer("units");
  if (cell.units < 1) l.invalid("its units are " + std::to_string(cell.units));
  return cell;
}

Cell make_cell(Layer& l, const Json& json, Scope scope) {
  static const LayerRow kCell{"cell", nullptr};
  Cell cell;
  cell.owned = std::make_shared<LayerConfig>(parse_layer(json));
  const std::string& name = cell.owned->class_name;
  if (name == "LSTMCell")
    cell.kind = CellKind::lstm;
  else if (name == "GRUCell")
    cell.kind = CellKind::gru;
  else if (name == "SimpleRNNCell")
    cell.kind = CellKind::simple;
  else
    l.unsupported("cells of class " + printable(name),
                  "LSTMCell, GRUCell, SimpleRNNCell and StackedRNNCells are translated");
  cell.view = std::make_shared<Layer>(l.importer(), kCell, *cell.owned, scope, l.name(), Arguments{});
  l.build.set_layer(l.name(), printable(l.class_name()));
  cell.config = cell.view.get();
  cell.scope = std::move(scope);
  return finished(l, std::move(cell));
}

/// The cells of a recurrent layer, the first reads the input.
std::vector<Cell> cells_of(Layer& l) {
  const Weights& weights = l.importer().weights();
  const std::string_view name = l.class_name();
  if (name == "LSTM" || name == "GRU" || name == "SimpleRNN") {
    Cell cell;
    cell.kind = name == "LSTM" ? CellKind::lstm : name == "GRU" ? CellKind::gru : CellKind::simple;
    cell.config = &l;
    cell.scope = weights.part(l.scope(), "cell", "");
    return {finished(l, std::move(cell))};
  }
  const Json* json = l.find("cell");
  if (json == nullptr || !json->is_object()) l.invalid("it has no cell");
  const LayerConfig outer = parse_layer(*json);
  const Scope scope = weights.part(l.scope(), "cell", "");
  if (outer.class_name != "StackedRNNCells") return {make_cell(l, *json, scope)};
  const Json* list = member(*outer.config, "cells");
  if (list == nullptr || !list->is_array() || list->empty()) l.invalid("its StackedRNNCells have no cells");
  std::vector<Cell> cells;
  std::map<std::string, int> numbers;
  for (const Json& one : *list) {
    const LayerConfig cell = parse_layer(one);
    const std::string base = snake_case(cell.class_name);
    const int number = numbers[base]++;
    const std::string group = "cells/" + (number == 0 ? base : base + "_" + std::to_string(number));
    cells.push_back(make_cell(l, one, weights.part(scope, group, cell.name)));
  }
  return cells;
}

/// The cell's weights as Keras has them: kernel [I, gates H], recurrent [H, gates H], bias.
struct CellWeights {
  ValueId kernel, recurrent, bias;
};
CellWeights weights_of(Layer& l, const Cell& cell, std::int64_t inputs) {
  const std::int64_t width = gates_of(cell.kind) * cell.units;
  CellWeights w;
  w.kernel = l.weight_of(cell.scope, 0, "kernel", {inputs, width});
  w.recurrent = l.weight_of(cell.scope, 1, "recurrent_kernel", {cell.units, width});
  const bool has_two = cell.kind == CellKind::gru && cell.resets_after();
  if (cell.has_bias()) w.bias = l.weight_of(cell.scope, 2, "bias", has_two ? Shape{2, width} : Shape{width});
  return w;
}

// --- one block ---

/// Functions of a direction in the block's order; absent where a gate has none of them.
std::optional<std::vector<GateCall>> functions_of(const Cell& cell) {
  Layer& c = *cell.config;
  const auto activation = gate_function(c, c.find_any("activation"), "tanh");
  if (!activation) return std::nullopt;
  if (cell.kind == CellKind::simple) return std::vector{*activation};
  const std::string_view standard = c.importer().keras() >= 3 ? "sigmoid" : "hard_sigmoid";
  const auto recurrent = gate_function(c, c.find_any("recurrent_activation"), standard);
  if (!recurrent) return std::nullopt;
  if (cell.kind == CellKind::gru) return std::vector{*recurrent, *activation};
  return std::vector{*recurrent, *activation, *activation};
}

bool is_standard(const std::vector<GateCall>& calls) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const bool is_gate = i == 0 && calls.size() > 1;
    if (calls[i].function != (is_gate ? GateFunction::sigmoid : GateFunction::tanh)) return false;
  }
  return true;
}

/// Rows of a constant [4H, ...] from Keras' order input, forget, cell, output to the block's input, output,
/// forget, cell.
ValueId reordered(Layer& l, ValueId w, const Cell& cell) {
  if (cell.kind != CellKind::lstm) return w;
  std::vector<ValueId> parts;
  for (const std::int64_t gate : {0, 3, 1, 2})
    parts.push_back(slice_axis(l, w, 0, gate * cell.units, cell.units));
  return concat(l, parts, 0);
}

struct BlockOperands {
  ValueId w, r, b;  ///< with a leading axis of one direction
};
BlockOperands block_operands(Layer& l, const Cell& cell, std::int64_t inputs) {
  const CellWeights weights = weights_of(l, cell, inputs);
  const auto rows = [&](ValueId kernel) {
    return unsqueeze(l, reordered(l, transpose(l, kernel, {1, 0}), cell), {0});
  };
  BlockOperands o{rows(weights.kernel), rows(weights.recurrent), {}};
  if (!weights.bias.is_present()) return o;
  const std::int64_t size = l.type(weights.bias).elements();
  o.b = unsqueeze(l, reordered(l, reshape(l, weights.bias, {size}), cell), {0});
  return o;
}

template <class A>
Attributes attributes(const std::vector<GateCall>& calls, Direction direction, bool wants_states) {
  A a;
  a.direction = direction;
  a.time_major = false;
  a.final_state = wants_states;
  const std::int64_t directions = direction_count(direction);
  for (std::int64_t d = 0; d < directions && !is_standard(calls); ++d)
    for (const GateCall& call : calls) {
      a.functions.push_back(call.function);
      a.alpha.push_back(call.alpha);
      a.beta.push_back(call.beta);
    }
  return Attributes(std::move(a));
}

/// The block's outputs: y [N,T,D,H], and with wants_states the last states [D,N,H].
std::vector<ValueId> as_block(Layer& l, const Cell& cell, const std::vector<GateCall>& calls,
                              Direction direction, const Walk& walk, const BlockOperands& o,
                              const std::vector<ValueId>& first) {
  const std::int64_t samples = l.dim(walk.x, 0), directions = direction_count(direction);
  const ValueId none;
  std::vector<ValueId> operands = {walk.x, o.w, o.r, o.b, none};
  const std::size_t states = states_of(cell.kind);
  for (std::size_t i = 0; i < states; ++i) operands.push_back(first.empty() ? none : first[i]);
  if (walk.is_stateful && first.empty()) {
    if (cell.kind == CellKind::lstm) operands.push_back(none);  // peepholes
    for (std::size_t i = 0; i < states; ++i)
      operands.push_back(l.build.add_state(l.name() + (i == 0 ? "/state_h" : "/state_c"),
                                           Type{DType::f32, {directions, samples, cell.units}}));
  }
  while (!operands.back().is_present()) operands.pop_back();
  if (cell.kind == CellKind::lstm)
    return l.add_all("lstm", attributes<LstmAttrs>(calls, direction, walk.wants_states), std::move(operands));
  if (cell.kind == CellKind::simple)
    return l.add_all("rnn", attributes<RnnAttrs>(calls, direction, walk.wants_states), std::move(operands));
  Attributes a = attributes<GruAttrs>(calls, direction, walk.wants_states);
  a.as<GruAttrs>().reset_after = cell.resets_after();
  return l.add_all("gru", std::move(a), std::move(operands));
}

// --- step by step ---

/// The next h and c of a step.
std::pair<ValueId, ValueId> step(Layer& l, const Cell& cell, const CellWeights& w, ValueId x, ValueId h,
                                 ValueId c) {
  Layer& config = *cell.config;
  const std::int64_t n = cell.units;
  const auto function = [&](std::string_view member, ValueId v, const char* standard) {
    const Json* given = config.find_any(member);
    return given == nullptr ? activated(l, v, std::string(standard)) : activated(l, v, given);
  };
  const auto part = [&](ValueId v, std::int64_t i) { return slice_axis(l, v, 1, i * n, n); };
  const auto gate = [&](ValueId v) {
    return function("recurrent_activation", v, config.importer().keras() >= 3 ? "sigmoid" : "hard_sigmoid");
  };
  if (cell.kind == CellKind::simple)
    return {function("activation", binary(l, "add", x, dense(l, h, w.recurrent, ValueId())), "tanh"),
            ValueId()};
  if (cell.kind == CellKind::lstm) {
    const ValueId z = binary(l, "add", x, dense(l, h, w.recurrent, ValueId()));
    const ValueId fresh = binary(l, "mul", gate(part(z, 0)), function("activation", part(z, 2), "tanh"));
    const ValueId next = binary(l, "add", binary(l, "mul", gate(part(z, 1)), c), fresh);
    return {binary(l, "mul", gate(part(z, 3)), function("activation", next, "tanh")), next};
  }
  const bool resets_after = cell.resets_after();
  const auto columns = [&](std::int64_t begin, std::int64_t count, ValueId of, std::int64_t axis) {
    return of.is_present() ? slice_axis(l, of, axis, begin * n, count * n) : ValueId();
  };
  ValueId second;
  if (resets_after && w.bias.is_present()) second = reshape(l, slice_axis(l, w.bias, 0, 1, 1), {3 * n});
  const ValueId both = dense(l, h, columns(0, 2, w.recurrent, 1), columns(0, 2, second, 0));
  const ValueId update = gate(binary(l, "add", part(x, 0), part(both, 0)));
  const ValueId reset = gate(binary(l, "add", part(x, 1), part(both, 1)));
  const ValueId r_new = columns(2, 1, w.recurrent, 1);
  const ValueId recurrent = resets_after
                                ? binary(l, "mul", reset, dense(l, h, r_new, columns(2, 1, second, 0)))
                                : dense(l, binary(l, "mul", reset, h), r_new, ValueId());
  const ValueId fresh = function("activation", binary(l, "add", part(x, 2), recurrent), "tanh");
  const ValueId kept = binary(l, "mul", update, h);
  const ValueId taken = binary(l, "mul", binary(l, "sub", scalar(l, 1), update), fresh);
  return {binary(l, "add", kept, taken), ValueId()};
}

Walked step_by_step(Layer& l, const Cell& cell, const Walk& walk, const std::vector<ValueId>& first) {
  const Shape s = l.shape(walk.x);
  const std::int64_t samples = s[0], steps = s[1];
  if (steps < 1 || steps > kMaxSteps)
    l.refuse(Kind::limit_exceeded, std::to_string(steps) + " steps cannot be written out");
  if (walk.is_stateful)
    l.unsupported("a stateful layer with a mask or a function that no gate has",
                  "take the mask out of the model");
  const CellWeights w = weights_of(l, cell, s[2]);
  ValueId bias = w.bias;
  if (bias.is_present() && l.rank(bias) == 2)
    bias = reshape(l, slice_axis(l, bias, 0, 0, 1), {3 * cell.units});
  const ValueId projected = dense(l, walk.x, w.kernel, bias);
  const ValueId zero = expand(l, scalar(l, 0), {samples, cell.units});
  ValueId h = first.empty() ? zero : first[0];
  ValueId c = cell.kind != CellKind::lstm ? ValueId() : first.empty() ? zero : first[1];
  ValueId y = zero;
  std::vector<ValueId> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = walk.is_reverse ? steps - 1 - i : i;
    const ValueId x = squeeze(l, slice_axis(l, projected, 1, t, 1), {1});
    auto [next_h, next_c] = step(l, cell, w, x, h, c);
    ValueId next_y = next_h;
    if (walk.mask.is_present()) {  // a step that does not count leaves states, and the output before stands
      const ValueId counts = slice_axis(l, walk.mask, 1, t, 1);
      next_y = where(l, counts, next_h, walk.zeroes_masked ? scalar(l, 0) : y);
      next_h = where(l, counts, next_h, h);
      if (next_c.is_present()) next_c = where(l, counts, next_c, c);
    }
    outputs[static_cast<std::size_t>(t)] = unsqueeze(l, next_y, {1});
    y = next_y;
    h = next_h;
    c = next_c;
  }
  Walked out{concat(l, outputs, 1), {h}};
  if (c.is_present()) out.states.push_back(c);
  return out;
}

// --- layers ---

Walked walked(Layer& l, const Cell& cell, const Walk& walk, const std::vector<ValueId>& first) {
  const auto calls = functions_of(cell);
  if (!calls || walk.mask.is_present()) return step_by_step(l, cell, walk, first);
  const Shape s = l.shape(walk.x);
  std::vector<ValueId> initial;
  for (const ValueId id : first) initial.push_back(unsqueeze(l, id, {0}));
  const Direction direction = walk.is_reverse ? Direction::reverse : Direction::forward;
  const auto outputs = as_block(l, cell, *calls, direction, walk, block_operands(l, cell, s[2]), initial);
  Walked out{reshape(l, outputs[0], {s[0], s[1], cell.units}), {}};
  for (std::size_t i = 1; i < outputs.size(); ++i) out.states.push_back(squeeze(l, outputs[i], {0}));
  return out;
}

/// All cells, one above the other.
Walked walked(Layer& l, const std::vector<Cell>& cells, Walk walk) {
  std::size_t count = 0, used = 0;
  for (const Cell& cell : cells) count += states_of(cell.kind);
  if (!walk.first.empty() && walk.first.size() != count)
    l.invalid("its initial_state has " + count_text(walk.first.size(), "tensor") + " instead of " +
              std::to_string(count));
  const std::int64_t samples = l.dim(walk.x, 0);
  Walked all;
  for (const Cell& cell : cells) {
    std::vector<ValueId> first;
    for (std::size_t i = 0; i < states_of(cell.kind) && !walk.first.empty(); ++i) {
      first.push_back(as_real(l, walk.first[used++]));
      if (l.shape(first.back()) != Shape{samples, cell.units})
        l.refuse(Kind::shape_mismatch, "its initial_state is " + type_text(l.type(first.back())));
    }
    Walked one = walked(l, cell, walk, first);
    walk.x = all.y = one.y;
    all.states.insert(all.states.end(), one.states.begin(), one.states.end());
  }
  return all;
}

/// The operands of a call: the sequence, its mask, and the first states.
Walk read_walk(Layer& l) {
  refuse_training(l);
  std::vector<ValueId> ids = l.inputs();
  Walk walk;
  walk.x = as_real(l, ids[0]);
  if (l.rank(walk.x) != 3)
    l.refuse(Kind::shape_mismatch,
             "its input is " + type_text(l.type(walk.x)) + ", not [samples,steps,features]");
  if (l.dim(walk.x, 1) < 1) l.refuse(Kind::shape_mismatch, "its input has no steps");
  walk.first.assign(ids.begin() + 1, ids.end());  // Keras 2 lists them behind the sequence
  if (const Argument* states = l.argument(1, "initial_state")) states->collect(walk.first);
  walk.mask = l.tensor(2, "mask");
  if (!walk.mask.is_present()) walk.mask = l.mask_of(ids[0]);
  if (walk.mask.is_present() && l.dtype(walk.mask) != DType::boolean)
    walk.mask = cast(l, walk.mask, DType::boolean);
  walk.zeroes_masked = l.flag("zero_output_for_mask", false);
  if (l.flag("time_major", false)) l.unsupported("time_major");
  return walk;
}

/// The output at the step that is walked last.
ValueId last_output(Layer& l, const Walk& walk, const Walked& out) {
  const std::int64_t steps = l.dim(out.y, 1);
  return squeeze(l, slice_axis(l, out.y, 1, walk.is_reverse ? 0 : steps - 1, 1), {1});
}

/// Whether both directions can be one block.
bool are_twins(const Cell& a, const Cell& b) {
  const auto fa = functions_of(a), fb = functions_of(b);
  if (a.kind != b.kind || a.units != b.units || a.has_bias() != b.has_bias() || !fa || !fb) return false;
  if (a.kind == CellKind::gru && a.resets_after() != b.resets_after()) return false;
  return std::equal(fa->begin(), fa->end(), fb->begin(), fb->end(), [](const GateCall& x, const GateCall& y) {
    return x.function == y.function && x.alpha == y.alpha && x.beta == y.beta;
  });
}

ValueId merged(Layer& l, const std::string& mode, ValueId a, ValueId b) {
  if (mode == "concat") return concat(l, {a, b}, l.rank(a) - 1);
  if (mode == "sum") return binary(l, "add", a, b);
  if (mode == "mul") return binary(l, "mul", a, b);
  if (mode == "ave") return binary(l, "mul", binary(l, "add", a, b), 0.5);
  l.invalid("its merge_mode `" + mode + "` is none of concat, sum, mul, ave");
}

/// One direction of a Bidirectional layer: a recurrent layer of its own.
struct Side {
  std::shared_ptr<LayerConfig> config;
  std::shared_ptr<Layer> layer;
  std::vector<Cell> cells;
  bool is_reverse;
};
Side make_side(Layer& l, const Json& json, std::string_view group) {
  static const LayerRow kSide{"side", nullptr};
  Side side;
  side.config = std::make_shared<LayerConfig>(parse_layer(json));
  const std::string& name = side.config->class_name;
  if (name != "LSTM" && name != "GRU" && name != "SimpleRNN" && name != "RNN")
    l.unsupported("a layer of class " + printable(name) + " in two directions");
  // Keras 2 writes the name that the layer had before it got its direction.
  const Weights& weights = l.importer().weights();
  Scope scope = weights.part(l.scope(), group, side.config->name);
  if (!weights.has_any(scope))
    scope =
        weights.part(l.scope(), group, std::string(group.substr(0, group.find('_') + 1)) + side.config->name);
  side.layer =
      std::make_shared<Layer>(l.importer(), kSide, *side.config, std::move(scope), l.name(), Arguments{});
  side.cells = cells_of(*side.layer);
  l.build.set_layer(l.name(), printable(l.class_name()));
  side.is_reverse = side.layer->flag("go_backwards", false);
  return side;
}

}  // namespace

void translate_recurrent(Layer& l) {
  Walk walk = read_walk(l);
  const bool is_sequence = l.flag("return_sequences", false), gives_states = l.flag("return_state", false);
  walk.is_reverse = l.flag("go_backwards", false);
  walk.is_stateful = l.flag("stateful", false);
  walk.wants_states = gives_states;
  const ValueId mask = walk.mask;
  const Walked out = walked(l, cells_of(l), walk);
  if (is_sequence) {
    const ValueId y = walk.is_reverse ? mirrored(l, out.y, 1) : out.y;
    l.set_mask(y, mask);
    l.output(y);
  } else {
    l.output(last_output(l, walk, out));
  }
  if (gives_states)
    for (const ValueId state : out.states) l.output(state);
}

void translate_bidirectional(Layer& l) {
  Walk walk = read_walk(l);
  const Json* json = l.find("layer");
  if (json == nullptr || !json->is_object()) l.invalid("it has no layer");
  const Side forward = make_side(l, *json, "forward_layer");
  // Keras leaves out a backward layer that is the forward one's mirror image.
  Json reversed;
  const Json* other = l.find("backward_layer");
  if (other == nullptr || !other->is_object()) {
    reversed = *json;
    reversed["config"]["go_backwards"] = !forward.is_reverse;
    const std::string name = forward.config->name;
    reversed["config"]["name"] = "backward_" + (name.starts_with("forward_") ? name.substr(8) : name);
    other = &reversed;
  }
  const Side backward = make_side(l, *other, "backward_layer");
  const bool is_sequence = forward.layer->flag("return_sequences", false),
             gives_states = forward.layer->flag("return_state", false),
             is_stateful = forward.layer->flag("stateful", false);
  const bool is_apart = l.find("merge_mode") == nullptr && member(l.config(), "merge_mode") != nullptr;
  const std::string mode = l.text("merge_mode", "concat");
  walk.wants_states = gives_states || !is_sequence;
  walk.zeroes_masked = walk.zeroes_masked || forward.layer->flag("zero_output_for_mask", false);
  if (walk.first.size() % 2 != 0)
    l.invalid("its initial_state does not have as many tensors for both directions");
  const std::size_t half = walk.first.size() / 2;
  const ValueId mask = walk.mask;

  ValueId y, y_back;
  std::vector<ValueId> states;
  const bool is_pair = forward.cells.size() == 1 && backward.cells.size() == 1 && !forward.is_reverse &&
                       backward.is_reverse && !mask.is_present() && !is_stateful &&
                       are_twins(forward.cells[0], backward.cells[0]);
  if (is_pair) {
    const Cell &a = forward.cells[0], &b = backward.cells[0];
    const Shape s = l.shape(walk.x);
    const BlockOperands fa = block_operands(l, a, s[2]), fb = block_operands(l, b, s[2]);
    const auto both = [&](ValueId p, ValueId q) { return p.is_present() ? concat(l, {p, q}, 0) : p; };
    std::vector<ValueId> first;
    for (std::size_t i = 0; i < half; ++i) {
      const ValueId p = as_real(l, walk.first[i]), q = as_real(l, walk.first[half + i]);
      first.push_back(concat(l, {unsqueeze(l, p, {0}), unsqueeze(l, q, {0})}, 0));
    }
    if (half != 0 && half != states_of(a.kind)) l.invalid("its initial_state does not fit its cells");
    const auto outputs = as_block(l, a, *functions_of(a), Direction::bidirectional, walk,
                                  {both(fa.w, fb.w), both(fa.r, fb.r), both(fa.b, fb.b)}, first);
    const auto side = [&](ValueId id, std::int64_t axis, std::int64_t d) {
      return squeeze(l, slice_axis(l, id, axis, d, 1), {axis});
    };
    if (gives_states)
      for (std::int64_t d = 0; d < 2; ++d)
        for (std::size_t i = 1; i < outputs.size(); ++i) states.push_back(side(outputs[i], 0, d));
    const std::int64_t axis = is_sequence ? 2 : 0;
    const ValueId of = is_sequence ? outputs[0] : outputs[1];
    if (mode == "concat" && !is_apart && is_sequence) {
      y = reshape(l, of, {s[0], s[1], 2 * a.units});  // the directions lie side by side
    } else if (mode == "concat" && !is_apart) {
      y = reshape(l, transpose(l, of, {1, 0, 2}), {s[0], 2 * a.units});
    } else {
      y = side(of, axis, 0);
      y_back = side(of, axis, 1);
    }
  } else {
    const auto one = [&](const Side& side, std::size_t from) {
      Walk single = walk;
      single.is_reverse = side.is_reverse;
      single.is_stateful = is_stateful;
      single.wants_states = gives_states;
      single.first.assign(walk.first.begin() + static_cast<std::ptrdiff_t>(from),
                          walk.first.begin() + static_cast<std::ptrdiff_t>(from + half));
      const Walked out = walked(l, side.cells, single);
      if (gives_states) states.insert(states.end(), out.states.begin(), out.states.end());
      if (!is_sequence) return last_output(l, single, out);
      // What the layer itself gives, is in the order in which it walks.
      return side.is_reverse ? mirrored(l, out.y, 1) : out.y;
    };
    y = one(forward, 0);
    y_back = one(backward, half);
    if (is_sequence) y_back = mirrored(l, y_back, 1);
  }
  if (is_apart) {
    l.output(y);
    l.output(y_back);
  } else {
    l.output(y_back.is_present() ? merged(l, mode, y, y_back) : y);
  }
  if (is_sequence) l.set_mask(l.outputs()[0], mask);
  for (const ValueId state : states) l.output(state);
}

}  // namespace nb::keras
