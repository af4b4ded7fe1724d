#include "pass/recurrent_cell.h"

#include <algorithm>
#include <array>

#include "blocks/unary/attributes.h"

namespace nb {
namespace {

using Pair = std::pair<ValueId, ValueId>;
std::array<Pair, 2> both_orders(const Pair& pair) { return {pair, Pair{pair.second, pair.first}}; }

class CellFinder {
 public:
  explicit CellFinder(const RowReader& reader) : reader_(reader) {}

  [[nodiscard]] std::optional<CellStep> lstm(ValueId h) const {
    const auto product = reader_.operands(h, "mul");
    if (!product) return std::nullopt;
    for (const auto& [left, right] : both_orders(*product)) {
      const auto out = gate(left);
      const auto hidden = whole_activation(right);
      if (!out || !hidden) continue;
      CellStep step = begun(CellKind::lstm, h);
      step.hidden = hidden->first;
      if (cell(step, hidden->second, *out)) return finished(std::move(step));
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<CellStep> gru(ValueId h) const {
    CellStep step = begun(CellKind::gru, h);
    step.gates.resize(3);
    if (!mixes(step)) return std::nullopt;
    return finished(std::move(step));
  }

  [[nodiscard]] std::optional<CellStep> rnn(ValueId h) const {
    auto one = gate(h);
    if (!one || one->sum.products.empty()) return std::nullopt;
    CellStep step = begun(CellKind::rnn, h);
    step.gates.push_back(std::move(*one));
    return finished(std::move(step));
  }

 private:
  static CellStep begun(CellKind kind, ValueId h) {
    CellStep step;
    step.kind = kind;
    step.h = h;
    return step;
  }

  struct Activation {
    GateCall call;
    Row x;
  };

  /// The function that makes all elements of the value, perhaps as a part of what it makes.
  [[nodiscard]] std::optional<Activation> activation(ValueId id) const {
    const Row row = reader_.origin(reader_.whole(id));
    const Node* const node = reader_.computing(row.value);
    if (!node || node->inputs.size() != 1) return std::nullopt;
    constexpr std::array kFunctions = {
        GateFunction::sigmoid,  GateFunction::tanh,     GateFunction::relu,        GateFunction::relu6,
        GateFunction::softsign, GateFunction::softplus, GateFunction::hard_sigmoid};
    const auto names = names_of(GateFunction{});
    for (const GateFunction function : kFunctions) {
      if (node->block->name != names[static_cast<std::size_t>(function)]) continue;
      GateCall call{function};
      if (function == GateFunction::hard_sigmoid) {
        const auto& a = node->attributes.as<UnaryAttrs>();
        call.alpha = a.alpha;
        call.beta = a.beta;
      }
      return Activation{call, {node->inputs[0], row.first, row.count}};
    }
    return std::nullopt;
  }
  /// The same if it is all that the function makes.
  [[nodiscard]] std::optional<std::pair<GateCall, ValueId>> whole_activation(ValueId id) const {
    const auto found = activation(id);
    if (!found || found->x != reader_.whole(found->x.value)) return std::nullopt;
    return std::pair(found->call, found->x.value);
  }

  [[nodiscard]] std::optional<CellGate> gate(ValueId id) const {
    const auto function = activation(id);
    if (!function) return std::nullopt;
    auto sum = reader_.sum(function->x);
    if (!sum) return std::nullopt;
    return CellGate{function->call, std::move(*sum)};
  }

  /// A state as a step reads it; absent if it is zeros.
  [[nodiscard]] std::optional<Row> state(ValueId id) const {
    const auto elements = reader_.constant(reader_.whole(id));
    if (elements && std::all_of(elements->begin(), elements->end(), [](double x) { return x == 0; }))
      return std::nullopt;
    return reader_.origin(reader_.whole(id));
  }

  /// c = forget * before + in * fresh, or in * fresh alone.
  bool cell(CellStep& step, ValueId c, const CellGate& out) const {
    step.c = c;
    if (const auto alone = reader_.operands(c, "mul")) return takes_in(step, *alone, out, {});
    const auto terms = reader_.operands(c, "add");
    if (!terms) return false;
    for (const auto& [kept, added] : both_orders(*terms)) {
      const auto of_kept = reader_.operands(kept, "mul"), of_added = reader_.operands(added, "mul");
      if (!of_kept || !of_added) continue;
      for (const auto& [by, before] : both_orders(*of_kept)) {
        auto forget = gate(by);
        if (!forget || !is_same_call(*forget->call, *out.call)) continue;
        step.before = state(before);
        if (takes_in(step, *of_added, out, std::move(*forget))) return true;
      }
    }
    return false;
  }

  bool takes_in(CellStep& step, const Pair& factors, const CellGate& out, CellGate forget) const {
    for (const auto& [left, right] : both_orders(factors)) {
      auto in = gate(left), fresh = gate(right);
      if (!in || !fresh || !is_same_call(*in->call, *out.call)) continue;
      step.gates = {std::move(*in), out, std::move(forget), std::move(*fresh)};
      return true;
    }
    return false;
  }

  /// What `id` is 1 minus of.
  [[nodiscard]] std::optional<ValueId> complement(ValueId id) const {
    const Node* const node = reader_.computing(id);
    if (!node || node->block->name != "sub" || reader_.size(node->inputs[1]) != reader_.size(id))
      return std::nullopt;
    const auto ones = reader_.constant(reader_.whole(node->inputs[0]));
    if (!ones || !std::all_of(ones->begin(), ones->end(), [](double x) { return x == 1; }))
      return std::nullopt;
    return node->inputs[1];
  }

  [[nodiscard]] bool is_same(ValueId a, ValueId b) const {
    if (reader_.origin(reader_.whole(a)) == reader_.origin(reader_.whole(b))) return true;
    const auto elements = reader_.constant(reader_.whole(a));
    return elements && elements == reader_.constant(reader_.whole(b));
  }

  /// h = u * before + (1 - u) * fresh in its several forms.
  bool mixes(CellStep& step) const {
    const auto terms = reader_.operands(step.h, "add");
    if (!terms) {
      const auto alone = reader_.operands(step.h, "mul");  // before is 0
      if (!alone) return false;
      for (const auto& [left, right] : both_orders(*alone)) {
        const auto update = complement(left);
        if (update && made_of(step, *update, false, {}, right)) return true;
        if (made_of(step, left, true, {}, right)) return true;
      }
      return false;
    }
    for (const auto& [first, second] : both_orders(*terms)) {
      const auto a = reader_.operands(first, "mul");
      if (!a) continue;
      if (const auto b = reader_.operands(second, "mul"))
        for (const auto& [update, x] : both_orders(*a))
          for (const auto& [other, y] : both_orders(*b)) {
            const auto of = complement(other);
            if (!of || !is_same(*of, update)) continue;
            if (made_of(step, update, false, x, y) || made_of(step, update, true, y, x)) return true;
          }
      for (const auto& [update, difference] : both_orders(*a)) {
        const auto sides = reader_.operands(difference, "sub");
        if (!sides || !is_same(sides->second, second)) continue;
        // second + update * (x - second)
        if (made_of(step, update, false, sides->first, second) ||
            made_of(step, update, true, second, sides->first))
          return true;
      }
    }
    return false;
  }

  bool made_of(CellStep& step, ValueId update, bool negates, ValueId before, ValueId fresh) const {
    auto of_update = gate(update);
    const auto function = whole_activation(fresh);
    if (!of_update || !function) return false;
    step.negates_update = negates;
    if (negates && of_update->call->function != GateFunction::sigmoid) return false;
    step.before = before.is_present() ? state(before) : std::nullopt;
    step.gates[0] = std::move(*of_update);
    step.gates[1] = {};
    step.gates[2].call = function->first;
    step.resets_after = false;
    step.reset_row.reset();
    if (resets_after(step, function->second)) return true;
    auto sum = reader_.sum(reader_.whole(function->second));
    if (!sum) return false;
    step.gates[2].sum = std::move(*sum);
    return resets_before(step);
  }

  /// fresh = f(sum + reset * reset_sum), the first sum in any number of parts.
  bool resets_after(CellStep& step, ValueId z) const {
    std::vector<ValueId> terms = {z};
    RowSum sum;
    bool is_reset = false;
    while (!terms.empty()) {
      const ValueId term = terms.back();
      terms.pop_back();
      const auto parts = reader_.operands(term, "add");
      if (auto plain = parts ? std::nullopt : reader_.sum(reader_.whole(term))) {
        add(sum, std::move(*plain));
      } else if (parts) {
        terms.insert(terms.end(), {parts->first, parts->second});
      } else {
        const auto factors = reader_.operands(term, "mul");
        if (!factors || is_reset) return false;
        for (const auto& [by, of] : both_orders(*factors)) {
          auto reset = gate(by);
          auto scaled = reader_.sum(reader_.whole(of));
          if (!reset || !scaled || !is_same_call(*reset->call, *step.gates[0].call)) continue;
          step.gates[1] = std::move(*reset);
          step.reset_sum = std::move(*scaled);
          is_reset = true;
          break;
        }
        if (!is_reset) return false;
      }
    }
    if (!is_reset || sum.bias.empty()) return false;
    step.gates[2].sum = std::move(sum);
    step.resets_after = true;
    return true;
  }

  static void add(RowSum& to, RowSum more) {
    to.products.insert(to.products.end(), more.products.begin(), more.products.end());
    if (to.bias.empty()) to.bias.resize(more.bias.size(), 0.0);
    for (std::size_t i = 0; i < to.bias.size(); ++i) to.bias[i] += more.bias[i];
  }

  /// One of the rows of the new value's sum is reset * before, unless before is 0.
  bool resets_before(CellStep& step) const {
    for (const RowProduct& product : step.gates[2].sum.products) {
      const Row row = reader_.origin(product.row);
      const auto factors =
          row == reader_.whole(row.value) ? reader_.operands(row.value, "mul") : std::nullopt;
      if (!factors) continue;
      for (const auto& [by, of] : both_orders(*factors)) {
        auto reset = gate(by);
        if (!reset || state(of) != step.before) continue;
        if (!is_same_call(*reset->call, *step.gates[0].call)) continue;
        step.gates[1] = std::move(*reset);
        step.reset_row = row;
        return true;
      }
    }
    return !step.before;
  }

  /// Fills in `rows`; absent if gates do not agree in size or read more than x and h.
  [[nodiscard]] std::optional<CellStep> finished(CellStep step) const {
    const auto units = static_cast<std::size_t>(reader_.size(step.h));
    if (units == 0 || (step.before && step.before->count != static_cast<std::int64_t>(units)))
      return std::nullopt;
    const auto collect = [&](const RowSum& sum) {
      for (const RowProduct& product : sum.products) {
        const Row row = reader_.origin(product.row);
        if (step.reset_row && row == *step.reset_row) continue;
        if (std::find(step.rows.begin(), step.rows.end(), row) != step.rows.end()) continue;
        step.rows.push_back(row);
        step.read.push_back(product.row);
      }
    };
    for (const CellGate& gate : step.gates) {
      if (gate.call && gate.sum.bias.size() != units) return std::nullopt;
      collect(gate.sum);
    }
    if (step.resets_after && step.reset_sum.bias.size() != units) return std::nullopt;
    collect(step.reset_sum);
    return step.rows.empty() || step.rows.size() > 2 ? std::nullopt : std::optional(std::move(step));
  }

  const RowReader& reader_;
};

}  // namespace

std::optional<CellStep> find_cell(const RowReader& reader, std::size_t node) {
  const Node& made_by = reader.graph().nodes[node];
  if (made_by.outputs.size() != 1) return std::nullopt;
  const std::string& block = made_by.block->name;
  const ValueId h = made_by.outputs[0];
  const CellFinder finder(reader);
  std::optional<CellStep> step;
  if (block == "mul" || block == "add") {
    if (block == "mul") step = finder.lstm(h);
    if (!step) step = finder.gru(h);
  } else {
    step = finder.rnn(h);
  }
  if (step) step->node = node;
  return step;
}

}  // namespace nb
