// find-recurrences: steps of LSTM, GRU and simple recurrent layers that a model writes out one by one become
// one block. Only vectors count: one sample, so that a step's values are rows in any shape.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "blocks/concat/attributes.h"
#include "blocks/gru/attributes.h"
#include "blocks/lstm/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/rnn/attributes.h"
#include "blocks/slice/attributes.h"
#include "pass/pass.h"
#include "pass/recurrent_cell.h"

namespace nb {
namespace {

/// A step's numbers in the block's layout, with rows of zeros for gates that the step does not have.
struct Weights {
  std::vector<float> w, r, b;  ///< [G*H, I], [G*H, H], [2*G*H]
  std::vector<bool> has;       ///< of each gate
};

struct Chain {
  std::vector<CellStep> steps;
  std::vector<Row> x;        ///< as the steps read them
  std::optional<Row> first;  ///< h before the first step; absent: zeros
  Weights weights;           ///< of the last step
};

/// The row that holds x, given the one that holds h (or none); absent if there is not one alone.
std::optional<std::size_t> other_row(const CellStep& step, const std::optional<Row>& h) {
  std::optional<std::size_t> x;
  for (std::size_t i = 0; i < step.rows.size(); ++i) {
    if (h && step.rows[i] == *h) continue;
    if (x) return std::nullopt;
    x = i;
  }
  return x;
}

/// Absent if a gate reads what it may not.
std::optional<Weights> weights_of(const RowReader& reader, const CellStep& step, const Row& x,
                                  const std::optional<Row>& h) {
  const auto gates = static_cast<std::int64_t>(step.gates.size());
  const std::int64_t units = reader.size(step.h), rows = gates * units;
  const auto zeros = [](std::int64_t n) { return std::vector<float>(static_cast<std::size_t>(n), 0.0f); };
  Weights weights{zeros(rows * x.count), zeros(rows * units), zeros(2 * rows), {}};
  const auto take = [&](const RowProduct& product, std::int64_t gate, bool is_x) {
    const Value& value = reader.graph().at(product.weights);
    const auto* from = reinterpret_cast<const float*>(value.data->data());
    std::vector<float>& to = is_x ? weights.w : weights.r;
    const std::int64_t width = is_x ? x.count : units;
    if (product.row.count != width) return false;
    for (std::int64_t u = 0; u < units; ++u)
      for (std::int64_t k = 0; k < width; ++k)
        to[static_cast<std::size_t>((gate * units + u) * width + k)] +=
            from[(product.first_row + u) * value.type.shape[1] + product.first_column + k];
    return true;
  };
  const auto take_sum = [&](const RowSum& sum, std::int64_t gate, std::int64_t bias_row, bool may_x,
                            const std::optional<Row>& state) {
    for (const RowProduct& product : sum.products) {
      const Row row = reader.origin(product.row);
      const bool is_x = row == x;
      if (!(is_x ? may_x : state && row == *state) || !take(product, gate, is_x)) return false;
    }
    for (std::size_t u = 0; u < sum.bias.size(); ++u)
      weights.b[static_cast<std::size_t>(bias_row) + u] += static_cast<float>(sum.bias[u]);
    return true;
  };
  const bool is_gru = step.kind == CellKind::gru;
  for (std::int64_t gate = 0; gate < gates; ++gate) {
    const CellGate& one = step.gates[static_cast<std::size_t>(gate)];
    weights.has.push_back(one.call.has_value());
    const bool is_fresh = is_gru && gate == 2;
    const std::optional<Row> state = !is_fresh ? h : step.resets_after ? std::nullopt : step.reset_row;
    if (!take_sum(one.sum, gate, gate * units, true, state)) return std::nullopt;
  }
  if (step.resets_after && !take_sum(step.reset_sum, 2, rows + 2 * units, false, h)) return std::nullopt;
  if (step.negates_update) {
    const auto negate = [&](std::vector<float>& values, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] *= -1;
    };
    negate(weights.w, units * x.count);
    negate(weights.r, units * units);
    negate(weights.b, units);
  }
  return weights;
}

/// Whether a first step, which may lack what meets a state of zeros, is of the layer with these weights.
bool begins(const CellStep& first, const Weights& weights, bool has_state, const CellStep& next,
            const Weights& all) {
  const std::size_t gates = first.gates.size(), units = all.b.size() / (2 * gates);
  const auto same = [&](const std::vector<float>& a, const std::vector<float>& b, std::size_t gate,
                        std::size_t size) {
    const auto from = static_cast<std::ptrdiff_t>(gate * size),
               to = static_cast<std::ptrdiff_t>((gate + 1) * size);
    return std::equal(a.begin() + from, a.begin() + to, b.begin() + from);
  };
  // What is constant may have been added up in another order.
  const auto is_near = [&](std::size_t gate) {
    for (std::size_t i = gate * units; i < (gate + 1) * units; ++i)
      if (std::fabs(weights.b[i] - all.b[i]) > 1e-6f * (std::fabs(weights.b[i]) + std::fabs(all.b[i])))
        return false;
    return true;
  };
  for (std::size_t gate = 0; gate < gates; ++gate) {
    if (!weights.has[gate]) continue;
    if (!is_same_call(*first.gates[gate].call, *next.gates[gate].call) ||
        !same(weights.w, all.w, gate, weights.w.size() / gates) ||
        (has_state && !same(weights.r, all.r, gate, weights.r.size() / gates)) || !is_near(gate))
      return false;
  }
  // Without a reset gate the new value's recurrent bias is not seen: it is zero or the gate would be there.
  for (std::size_t gate = 0; gate < gates; ++gate)
    if (!is_near(gates + gate)) return false;
  return true;
}

bool is_same_form(const CellStep& a, const CellStep& b) {
  if (a.kind != b.kind || a.negates_update != b.negates_update) return false;
  if (a.hidden && !is_same_call(*a.hidden, *b.hidden)) return false;
  // A first step without a reset gate resets neither way.
  return a.kind != CellKind::gru || !a.gates[1].call || a.resets_after == b.resets_after;
}

/// Puts steps one behind the other.
class ChainFinder {
 public:
  explicit ChainFinder(const RowReader& reader) : reader_(reader) {}

  std::vector<Chain> chains() {
    std::vector<CellStep> steps;
    std::map<ValueId, std::size_t> by_h;  // steps
    for (std::size_t i = 0; i < reader_.graph().nodes.size(); ++i) {
      auto step = find_cell(reader_, i);
      if (!step) continue;
      by_h[step->h] = steps.size();
      steps.push_back(std::move(*step));
      chain_of_.push_back(-1);
      const std::size_t now = steps.size() - 1;
      for (const Row& row : steps[now].rows) {
        const auto found = by_h.find(row.value);
        if (found == by_h.end() || row != reader_.whole(row.value) || found->second == now) continue;
        if (follows(steps, found->second, now, row)) break;
      }
    }
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (chain_of_[i] < 0) alone(steps[i]);
    return std::move(chains_);
  }

 private:
  /// Appends step `now` to the chain of step `last`, h of which it reads from `row`.
  bool follows(const std::vector<CellStep>& steps, std::size_t last, std::size_t now, const Row& row) {
    const CellStep &before = steps[last], &step = steps[now];
    if (!is_same_form(before, step) || reader_.size(before.h) != reader_.size(step.h)) return false;
    if (step.kind == CellKind::lstm && step.before != reader_.origin(reader_.whole(before.c))) return false;
    if (step.kind == CellKind::gru && step.before != row) return false;
    const auto x = other_row(step, row);
    if (!x) return false;
    auto weights = weights_of(reader_, step, step.rows[*x], row);
    if (!weights) return false;
    if (chain_of_[last] >= 0) {
      Chain& chain = chains_[static_cast<std::size_t>(chain_of_[last])];
      if (chain.steps.back().h != before.h || !begins(before, chain.weights, true, step, *weights) ||
          chain.x.back().count != step.read[*x].count)
        return false;
      chain.steps.push_back(step);
      chain.x.push_back(step.read[*x]);
      chain.weights = std::move(*weights);
      chain_of_[now] = chain_of_[last];
      return true;
    }
    // The first step may read h before it from either row, or from none.
    std::vector<std::optional<Row>> firsts(before.rows.begin(), before.rows.end());
    firsts.emplace_back();
    for (const std::optional<Row>& first : firsts) {
      const auto first_x = other_row(before, first);
      if (!first_x || before.rows[*first_x].count != step.rows[*x].count) continue;
      if (first && first->count != reader_.size(step.h)) continue;
      if (before.kind == CellKind::gru && first != before.before) continue;
      const auto of_first = weights_of(reader_, before, before.rows[*first_x], first);
      if (!of_first || !begins(before, *of_first, first.has_value(), step, *weights)) continue;
      chain_of_[last] = chain_of_[now] = static_cast<int>(chains_.size());
      chains_.push_back({{before, step}, {before.read[*first_x], step.read[*x]}, first, std::move(*weights)});
      return true;
    }
    return false;
  }

  /// One step with a state of its own, for which gru and lstm are sure enough.
  void alone(const CellStep& step) {
    if (step.kind == CellKind::rnn || step.rows.size() != 2 || !step.before) return;
    for (const Row& first : step.rows) {
      if (first.count != reader_.size(step.h) || (step.kind == CellKind::gru && first != *step.before))
        continue;
      // Of two rows of one size, h is the one that the cell stands beside in the model: the later.
      if (step.kind == CellKind::lstm && step.rows[0].count == step.rows[1].count && first == step.rows[0])
        continue;
      const auto x = other_row(step, first);
      auto weights = x ? weights_of(reader_, step, step.rows[*x], first) : std::nullopt;
      if (!weights || std::find(weights->has.begin(), weights->has.end(), false) != weights->has.end())
        continue;
      chains_.push_back({{step}, {step.read[*x]}, first, std::move(*weights)});
      return;
    }
  }

  const RowReader& reader_;
  std::vector<int> chain_of_;  ///< of each step; -1: none yet
  std::vector<Chain> chains_;
};

/// What two names have in common in front of a slash; the second one if that is nothing.
std::string shared_path(const std::string& a, const std::string& b) {
  if (a == b) return b;
  const auto differs = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).second;
  const std::size_t end = b.rfind('/', static_cast<std::size_t>(differs - b.begin()));
  return end == std::string::npos || end == 0 ? b : b.substr(0, end);
}

/// Puts one chain's block into a graph.
class Rewrite {
 public:
  Rewrite(Graph& graph, const PassContext& context, const RowReader& reader, const Chain& chain)
      : graph_(graph),
        context_(context),
        reader_(reader),
        chain_(chain),
        steps_(static_cast<std::int64_t>(chain.steps.size())),
        units_(reader.size(chain.steps[0].h)),
        inputs_(chain.x[0].count),
        last_(graph.nodes[chain.steps.back().node]),
        layer_(shared_path(graph.nodes[chain.steps[0].node].name, last_.name)) {}

  /// False if the steps would stay for something that the block does not give; the graph is then useless.
  bool run() {
    for (const std::string_view block :
         {std::string_view("reshape"), std::string_view("slice"), std::string_view("concat"), block_name()})
      if (context_.blocks.find(block) == nullptr) return false;
    const auto x = input();
    if (!x) return false;
    Node node;
    node.block = context_.blocks.find(block_name());
    node.name = layer_;
    node.origin = last_.origin;
    const std::int64_t rows = static_cast<std::int64_t>(chain_.steps[0].gates.size()) * units_;
    const auto constant = [&](std::string_view what, Shape shape, const std::vector<float>& values) {
      return graph_.add_constant(layer_ + "/" + std::string(what),
                                 make_tensor<float>(DType::f32, std::move(shape), values));
    };
    const std::optional<Row> c =
        chain_.steps[0].kind == CellKind::lstm ? chain_.steps[0].before : std::nullopt;
    node.inputs = {*x,
                   constant("weights", {1, rows, inputs_}, chain_.weights.w),
                   constant("recurrent_weights", {1, rows, units_}, chain_.weights.r),
                   constant("bias", {1, 2 * rows}, chain_.weights.b),
                   ValueId(),
                   chain_.first ? extracted(*chain_.first, {1, 1, units_}) : ValueId(),
                   c ? extracted(*c, {1, 1, units_}) : ValueId()};
    while (!node.inputs.back().is_present()) node.inputs.pop_back();
    y_ = value("sequence", {steps_, 1, 1, units_});
    y_h_ = value("last", {1, 1, units_});
    y_c_ = value("last_cell", {1, 1, units_});
    fresh_.emplace_back();  // the block, once it is known what it gives
    const std::size_t at = fresh_.size() - 1;

    const bool needs_last = replace_values();
    node.attributes = attributes(needs_last);
    node.outputs = {y_};
    if (needs_last) node.outputs.push_back(y_h_);
    if (needs_last && chain_.steps[0].kind == CellKind::lstm) node.outputs.push_back(y_c_);
    fresh_[at] = std::move(node);
    const std::vector<bool> live = live_nodes();
    for (const CellStep& step : chain_.steps)
      if (live[step.node]) return false;
    const auto before = graph_.nodes.begin() + static_cast<std::ptrdiff_t>(chain_.steps[0].node);
    graph_.nodes.insert(before, fresh_.begin(), fresh_.end());
    if (!sort()) return false;
    graph_.remove_dead();
    return true;
  }

 private:
  [[nodiscard]] std::string_view block_name() const {
    constexpr std::array<std::string_view, 3> kNames = {"lstm", "gru", "rnn"};
    return kNames[static_cast<std::size_t>(chain_.steps[0].kind)];
  }

  ValueId value(std::string_view what, Shape shape) {
    return graph_.add_value({layer_ + "/" + std::string(what), Type{DType::f32, std::move(shape)}});
  }

  template <class A>
  ValueId added(std::string_view block, A attributes, std::vector<ValueId> inputs, Shape shape) {
    Node node;
    node.block = context_.blocks.find(block);
    node.attributes = Attributes(std::move(attributes));
    node.inputs = std::move(inputs);
    node.outputs = {value(block, std::move(shape))};
    node.name = layer_;
    node.origin = last_.origin;
    fresh_.push_back(std::move(node));
    return fresh_.back().outputs[0];
  }
  ValueId reshaped(ValueId x, const Shape& shape) {
    return graph_.at(x).type.shape == shape ? x : added("reshape", ReshapeAttrs{shape}, {x}, shape);
  }
  /// The row's elements as a value of this shape.
  ValueId extracted(const Row& row, const Shape& shape) {
    if (row == reader_.whole(row.value)) return reshaped(row.value, shape);
    const ValueId flat = reshaped(row.value, {reader_.size(row.value)});
    return reshaped(added("slice", SliceAttrs{{row.first}, {row.count}, {1}}, {flat}, {row.count}), shape);
  }

  /// x of all steps as [T,1,I], in the order of time; sets is_reverse_.
  std::optional<ValueId> input() {
    std::vector<std::vector<Row>> levels;
    for (const Row& row : chain_.x) levels.push_back(reader_.levels(row));
    std::optional<Row> found;
    for (const bool must_cover : {true, false})
      for (std::size_t i = levels[0].size(); i-- > 0 && !found;)
        found = rows_of(levels, levels[0][i], must_cover);
    if (found) return extracted(*found, {steps_, 1, inputs_});
    // Each step reads a value of its own: side by side, if none of them waits for a step.
    std::vector<ValueId> parts;
    for (const Row& row : chain_.x) {
      if (depends_on_steps(row.value)) return std::nullopt;
      parts.push_back(extracted(row, {1, 1, inputs_}));
    }
    return added("concat", ConcatAttrs{0}, std::move(parts), {steps_, 1, inputs_});
  }

  /// The rows of one value that all steps walk one by one, the first of them being `first`.
  std::optional<Row> rows_of(const std::vector<std::vector<Row>>& levels, const Row& first, bool must_cover) {
    std::vector<std::int64_t> at;
    for (const std::vector<Row>& step : levels) {
      const auto row =
          std::find_if(step.rbegin(), step.rend(), [&](const Row& r) { return r.value == first.value; });
      if (row == step.rend()) return std::nullopt;
      at.push_back(row->first);
    }
    const std::int64_t stride = steps_ > 1 ? at[1] - at[0] : inputs_;
    if (stride != inputs_ && stride != -inputs_) return std::nullopt;
    for (std::size_t i = 1; i < at.size(); ++i)
      if (at[i] - at[i - 1] != stride) return std::nullopt;
    const Row rows{first.value, std::min(at.front(), at.back()), steps_ * inputs_};
    if (must_cover && rows != reader_.whole(rows.value)) return std::nullopt;
    is_reverse_ = stride < 0;
    return rows;
  }

  [[nodiscard]] bool depends_on_steps(ValueId id) const {
    std::set<int> of_steps, seen;
    for (const CellStep& step : chain_.steps) of_steps.insert(static_cast<int>(step.node));
    std::vector<ValueId> open = {id};
    while (!open.empty()) {
      const int maker = open.back().is_present() ? reader_.maker(open.back()) : -1;
      open.pop_back();
      if (maker < 0 || !seen.insert(maker).second) continue;
      if (of_steps.contains(maker)) return true;
      const auto& inputs = graph_.nodes[static_cast<std::size_t>(maker)].inputs;
      open.insert(open.end(), inputs.begin(), inputs.end());
    }
    return false;
  }

  /// The row of y that holds h of a step.
  [[nodiscard]] std::int64_t row_of(std::int64_t step) const {
    return is_reverse_ ? steps_ - 1 - step : step;
  }

  /// Uses of `from` become uses of `to`, which has its shape; an output keeps its name.
  void replace(ValueId from, ValueId to) {
    if (std::find(graph_.outputs.begin(), graph_.outputs.end(), from) != graph_.outputs.end())
      std::swap(graph_.at(from).name, graph_.at(to).name);
    graph_.replace_uses(from, to);
  }

  /// Values of the steps become values of the block. Whether it must give its last states, of which only c
  /// does not lie in y.
  bool replace_values() {
    std::map<ValueId, std::int64_t> step_of;
    for (std::int64_t i = 0; i < steps_; ++i) step_of[chain_.steps[static_cast<std::size_t>(i)].h] = i;
    for (const Node& node : reader_.graph().nodes)
      if (node.block->name == "concat") replace_stack(node, step_of);
    for (std::int64_t i = 0; i < steps_; ++i) {
      const ValueId h = chain_.steps[static_cast<std::size_t>(i)].h;
      const ValueId row =
          steps_ == 1 ? y_
                      : added("slice", SliceAttrs{{row_of(i), 0, 0, 0}, {1, 1, 1, units_}, {1, 1, 1, 1}},
                              {y_}, {1, 1, 1, units_});
      replace(h, reshaped(row, graph_.at(h).type.shape));
    }
    const ValueId c = chain_.steps.back().c;
    if (!c.is_present() || !is_used(c)) return false;
    replace(c, reshaped(y_c_, graph_.at(c).type.shape));
    return true;
  }

  [[nodiscard]] bool is_used(ValueId id) const {
    const std::vector<bool> live = live_nodes();
    bool is = std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
    for (std::size_t i = 0; i < graph_.nodes.size() && !is; ++i) {
      const auto& inputs = graph_.nodes[i].inputs;
      is = live[i] && std::find(inputs.begin(), inputs.end(), id) != inputs.end();
    }
    return is;
  }

  /// A concat in which h of all steps lie one behind the other, one way or the other, becomes y.
  void replace_stack(const Node& node, const std::map<ValueId, std::int64_t>& step_of) {
    const ValueId stack = node.outputs[0];
    if (steps_ < 2 || reader_.size(stack) != steps_ * units_) return;
    bool is_up = true, is_down = true;
    for (std::int64_t i = 0; i < steps_; ++i) {
      const Row row = reader_.origin({stack, i * units_, units_});
      const auto step = step_of.find(row.value);
      if (step == step_of.end() || row != reader_.whole(row.value)) return;
      is_up = is_up && row_of(step->second) == i;
      is_down = is_down && row_of(step->second) == steps_ - 1 - i;
    }
    if (!is_up && !is_down) return;
    ValueId rows = y_;
    if (is_down)
      rows = added("slice", SliceAttrs{{steps_ - 1, 0, 0, 0}, {steps_, 1, 1, units_}, {-1, 1, 1, 1}}, {y_},
                   {steps_, 1, 1, units_});
    replace(stack, reshaped(rows, graph_.at(stack).type.shape));
  }

  [[nodiscard]] Attributes attributes(bool has_last) const {
    const CellStep& step = chain_.steps.back();
    std::vector<GateCall> calls;
    if (step.kind == CellKind::lstm) calls = {*step.gates[0].call, *step.gates[3].call, *step.hidden};
    if (step.kind == CellKind::gru) calls = {*step.gates[0].call, *step.gates[2].call};
    if (step.kind == CellKind::rnn) calls = {*step.gates[0].call};
    const auto fill = [&](auto a, std::initializer_list<GateFunction> standard) {
      a.direction = is_reverse_ ? Direction::reverse : Direction::forward;
      a.final_state = has_last;
      const auto is_standard = [](const GateCall& call, GateFunction function) {
        return call.function == function;
      };
      if (std::equal(calls.begin(), calls.end(), standard.begin(), is_standard)) return a;
      for (const GateCall& call : calls) {
        a.functions.push_back(call.function);
        a.alpha.push_back(call.alpha);
        a.beta.push_back(call.beta);
      }
      return a;
    };
    if (step.kind == CellKind::lstm)
      return Attributes(fill(LstmAttrs{}, {GateFunction::sigmoid, GateFunction::tanh, GateFunction::tanh}));
    if (step.kind == CellKind::rnn) return Attributes(fill(RnnAttrs{}, {GateFunction::tanh}));
    GruAttrs a = fill(GruAttrs{}, {GateFunction::sigmoid, GateFunction::tanh});
    a.reset_after = step.resets_after;
    return Attributes(std::move(a));
  }

  /// Of the graph's present nodes: which ones its outputs need, also through the nodes to come.
  [[nodiscard]] std::vector<bool> live_nodes() const {
    std::map<ValueId, const Node*> made;
    for (const Node& node : graph_.nodes)
      for (const ValueId id : node.outputs) made[id] = &node;
    for (const Node& node : fresh_)
      for (const ValueId id : node.outputs) made[id] = &node;
    std::set<const Node*> seen;
    std::vector<ValueId> open = graph_.outputs;
    for (const Node& node : graph_.nodes)  // what writes a state stays
      for (const ValueId id : node.inputs)
        if (id.is_present() && graph_.at(id).source == Source::state) open.push_back(node.outputs[0]);
    while (!open.empty()) {
      const auto node = made.find(open.back());
      open.pop_back();
      if (node == made.end() || !seen.insert(node->second).second) continue;
      for (const ValueId id : node->second->inputs)
        if (id.is_present()) open.push_back(id);
    }
    std::vector<bool> live;
    for (const Node& node : graph_.nodes) live.push_back(seen.contains(&node));
    return live;
  }

  /// Brings nodes behind those that make their operands; the others keep their order. False: there is a ring.
  bool sort() {
    const std::vector<int> made_by = graph_.producers();
    enum : char { open, entered, done };
    std::vector<char> state(graph_.nodes.size(), open);
    std::vector<Node> sorted;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      std::vector<std::size_t> stack = {i};
      while (!stack.empty()) {
        const std::size_t now = stack.back();
        if (state[now] == done) {
          stack.pop_back();
          continue;
        }
        const bool is_back = state[now] == entered;
        state[now] = entered;
        bool waits = false;
        for (const ValueId id : graph_.nodes[now].inputs) {
          const int maker = id.is_present() ? made_by[id.index()] : -1;
          if (maker < 0 || state[static_cast<std::size_t>(maker)] == done) continue;
          if (is_back) return false;
          stack.push_back(static_cast<std::size_t>(maker));
          waits = true;
        }
        if (waits) continue;
        state[now] = done;
        sorted.push_back(graph_.nodes[now]);
        stack.pop_back();
      }
    }
    graph_.nodes = std::move(sorted);
    return true;
  }

  Graph& graph_;
  const PassContext& context_;
  const RowReader& reader_;
  const Chain& chain_;
  std::int64_t steps_, units_, inputs_;
  Node last_;          ///< makes the last h
  std::string layer_;  ///< the block's name
  bool is_reverse_ = false;
  std::vector<Node> fresh_;
  ValueId y_, y_h_, y_c_;
};

}  // namespace

Status find_recurrences(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  std::set<std::string> refused;  // last values of chains that have to stay
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    const RowReader reader(graph);
    for (const Chain& chain : ChainFinder(reader).chains()) {
      const std::string name = graph.at(chain.steps.back().h).name;
      if (refused.contains(name)) continue;
      Graph changed = graph;
      if (!Rewrite(changed, context, reader, chain).run()) {
        refused.insert(name);
        continue;
      }
      graph = std::move(changed);
      has_changed = true;
      break;  // the reader has seen the graph before
    }
  }
  return {};
}

}  // namespace nb
