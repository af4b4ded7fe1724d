#include "pass/boolean_masks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "blocks/attention/attributes.h"
#include "blocks/cast/attributes.h"
#include "blocks/expand/attributes.h"
#include "blocks/reshape/attributes.h"
#include "pass/attention_masks.h"

namespace nb {
namespace {

constexpr std::size_t kMostConditions = 4;
constexpr int kMostNodes = 64;  ///< on the way up from one mask

/// What moves elements, and what tells them from others once it has.
struct Move {
  const Node* node;
  std::string key;
};
/// A tensor of booleans, or of numbers that are taken as 0 or 1, behind moves.
struct Condition {
  ValueId value;
  std::vector<Move> moves;
  /// Equal if the elements behind the first `count` moves are.
  [[nodiscard]] std::string key(std::size_t count) const {
    return count == 0 ? std::to_string(value.index()) : moves[count - 1].key;
  }
  [[nodiscard]] std::string key() const { return key(moves.size()); }
};

/// A tensor whose elements are functions of conditions: element i of `values` where condition c is true if
/// bit c of i is set.
struct Table {
  std::vector<std::size_t> conditions;  ///< ascending
  std::vector<double> values;
};

/// A function of conditions.
struct Truth {
  std::vector<std::size_t> conditions;
  std::vector<bool> values;

  [[nodiscard]] Truth with(std::size_t which, bool is_true) const {
    Truth rest;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (((i >> which & 1u) != 0) == is_true) rest.values.push_back(values[i]);
    rest.conditions = conditions;
    rest.conditions.erase(rest.conditions.begin() + static_cast<std::ptrdiff_t>(which));
    return rest;
  }
  [[nodiscard]] bool is_always(bool value) const {
    return std::all_of(values.begin(), values.end(), [&](bool v) { return v == value; });
  }
  /// Without the conditions that change nothing.
  [[nodiscard]] Truth reduced() const {
    Truth rest = *this;
    for (std::size_t i = rest.conditions.size(); i-- > 0;)
      if (Truth one = rest.with(i, true); one.values == rest.with(i, false).values) rest = std::move(one);
    return rest;
  }
};

/// Finds the table of values.
class Tables {
 public:
  Tables(const Pattern& pattern, bool assumes)
      : pattern_(&pattern), graph_(&pattern.graph()), assumes_(assumes) {}

  [[nodiscard]] const Condition& condition(std::size_t i) const { return conditions_[i]; }
  std::optional<Table> of(ValueId id) {
    if (const auto known = known_.find(id.index()); known != known_.end()) return known->second;
    if (++steps_ > kMostNodes) return std::nullopt;
    const Type type = graph_->at(id).type;
    const bool is_known = type.dtype == DType::f32 || type.dtype == DType::boolean || is_integer(type.dtype);
    if (!is_known || type.is_quantized() || type.elements() == 0) return std::nullopt;
    std::optional<Table> made = graph_->is_constant(id) ? constant(id) : computed(id);
    if (made && is_integer(type.dtype) && std::any_of(made->values.begin(), made->values.end(), [](double x) {
          return !(std::fabs(x) < 0x1p31);
        }))
      made.reset();
    // A condition of its own, whatever it is made of.
    if (!made && type.dtype == DType::boolean) made = leaf(id);
    if (!made && assumes_ && stands_for_truth(id)) made = leaf(id);
    known_[id.index()] = made;
    return made;
  }

 private:
  [[nodiscard]] bool stands_for_truth(ValueId id) const {
    const Value& value = graph_->at(id);
    return value.type.dtype != DType::f32 ? is_integer(value.type.dtype) : value.source == Source::input;
  }
  std::size_t index_of(Condition condition) {
    const auto [entry, is_new] = indices_.try_emplace(condition.key(), conditions_.size());
    if (is_new) conditions_.push_back(std::move(condition));
    return entry->second;
  }
  Table leaf(ValueId id) { return {{index_of({id, {}})}, {0, 1}}; }

  /// One number, or two.
  std::optional<Table> constant(ValueId id) {
    const Value& value = graph_->at(id);
    const std::vector<double> all = to_doubles({value.type, *value.data});
    const auto [low, high] = std::minmax_element(all.begin(), all.end());
    if (std::any_of(all.begin(), all.end(), [&](double x) { return x != *low && x != *high; }))
      return std::nullopt;
    if (*low == *high) return Table{{}, {*low}};
    // Constants that are high and low in the same places are one condition.
    std::string key = shape_text(value.type.shape);
    for (const double x : all) key += x == *high ? '1' : '0';
    Table made = leaf(constants_.try_emplace(std::move(key), id).first->second);
    made.values = {*low, *high};
    return made;
  }

  std::optional<Table> computed(ValueId id) {
    const Node* node = pattern_->maker(id);
    if (node == nullptr || node->outputs.size() != 1) return std::nullopt;
    const std::string& block = node->block->name;
    if (node->block->is_elementwise || block == "where") return elementwise(*node);
    static constexpr std::array kMoves = {"identity", "reshape", "transpose", "expand",
                                          "slice",    "gather",  "gather_nd"};
    const auto is_known = [&](ValueId other) { return !other.is_present() || graph_->is_constant(other); };
    if (std::find(kMoves.begin(), kMoves.end(), block) == kMoves.end() ||
        !std::all_of(node->inputs.begin() + 1, node->inputs.end(), is_known))
      return std::nullopt;
    auto table = of(node->inputs[0]);
    if (!table) return std::nullopt;
    return moved(*std::move(table), *node);
  }

  Table moved(Table table, const Node& node) {
    std::vector<std::size_t> conditions;
    for (const std::size_t i : table.conditions) {
      Condition moved = conditions_[i];
      std::string key =
          moved.key() + " " + node.block->name + "(" + node.block->attributes.text(node.attributes);
      for (std::size_t k = 1; k < node.inputs.size(); ++k)
        key += " " + (node.inputs[k].is_present() ? std::to_string(node.inputs[k].index()) : "-");
      moved.moves.push_back({&node, key + ")" + shape_text(graph_->at(node.inputs[0]).type.shape)});
      conditions.push_back(index_of(std::move(moved)));
    }
    return over(conditions, Table{conditions, std::move(table.values)});
  }

  /// The table's values with its conditions among `all`, in ascending order.
  static Table over(std::vector<std::size_t> all, const Table& table) {
    std::sort(all.begin(), all.end());
    Table wide{all, std::vector<double>(std::size_t{1} << all.size())};
    for (std::size_t i = 0; i < wide.values.size(); ++i) {
      std::size_t from = 0;
      for (std::size_t c = 0; c < table.conditions.size(); ++c) {
        const auto place = std::find(all.begin(), all.end(), table.conditions[c]) - all.begin();
        from |= (i >> place & 1u) << c;
      }
      wide.values[i] = table.values[from];
    }
    return wide;
  }

  /// By the block's reference on all combinations.
  std::optional<Table> elementwise(const Node& node) {
    std::vector<Table> tables;
    std::set<std::size_t> all;
    for (const ValueId id : node.inputs) {
      auto table = id.is_present() ? of(id) : std::nullopt;
      if (!table) return std::nullopt;
      all.insert(table->conditions.begin(), table->conditions.end());
      tables.push_back(*std::move(table));
    }
    if (all.size() > kMostConditions) return std::nullopt;
    const std::vector<std::size_t> conditions(all.begin(), all.end());
    const Shape shape = {std::int64_t{1} << conditions.size()};
    Operation op = graph_->operation(node);
    std::vector<Tensor> operands;
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const std::vector<double> values = over(conditions, tables[i]).values;
      Tensor operand = make_tensor(Type{op.in[i]->dtype, shape});
      visit_dtype(operand.type.dtype, [&](auto zero) {
        using T = decltype(zero);
        const auto out = operand.as<T>();
        for (std::size_t k = 0; k < values.size(); ++k) out[k] = static_cast<T>(values[k]);
      });
      operands.push_back(std::move(operand));
    }
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      op.in[i] = &operands[i].type;
      op.data[i] = &operands[i].data;
      views.push_back({&operands[i].type, operands[i].data.data()});
    }
    op.out.clear();
    const auto types = infer_types(op);
    if (!types) return std::nullopt;
    op.out = {&(*types)[0]};
    return Table{conditions, to_doubles(evaluate(op, views)[0])};
  }

  const Pattern* pattern_;
  const Graph* graph_;
  bool assumes_;  ///< integers and inputs stand for 0 and 1
  int steps_ = 0;
  std::vector<Condition> conditions_;
  std::map<std::string, std::size_t> indices_;
  std::map<std::string, ValueId> constants_;
  std::map<std::size_t, std::optional<Table>> known_;
};

class Masks {
 public:
  Masks(Graph& graph, const BlockSet& blocks, Diagnostics& diagnostics)
      : graph_(graph), blocks_(blocks), diagnostics_(diagnostics), source_(graph), pattern_(source_) {}

  void run() {
    bool is_changed = false;
    for (const Node& node : source_.nodes) {
      Node made = node;
      if (node.block->name == "attention" && node.inputs.size() > 3 && node.inputs[3].is_present() &&
          !graph_.is_constant(node.inputs[3]))
        is_changed |= change(made);
      nodes_.push_back(std::move(made));
    }
    if (!is_changed) return;
    graph_.nodes = std::move(nodes_);
    graph_.remove_dead();
  }

 private:
  /// What is seen where, and the number closest to 0 that hides.
  struct Seen {
    Truth truth;
    double fill = kMinusInfinity;
  };
  static constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

  static std::optional<Seen> seen_of(const Table& table, DType dtype) {
    Seen seen{{table.conditions, {}}};
    for (const double value : table.values) {
      const bool hides = dtype == DType::boolean ? value == 0 : value <= kHidden;
      if (dtype != DType::boolean && !hides && value != 0) return std::nullopt;
      if (hides && dtype != DType::boolean) seen.fill = std::max(seen.fill, value);
      seen.truth.values.push_back(!hides);
    }
    seen.truth = seen.truth.reduced();
    return seen;
  }

  bool change(Node& node) {
    const ValueId mask = node.inputs[3];
    const DType dtype = source_.at(mask).type.dtype;
    std::optional<Seen> seen;
    std::optional<Tables> tables;
    for (const bool assumes : {false, true}) {
      if (seen && !reads_floats(*tables, seen->truth)) break;
      Tables found(pattern_, assumes);
      const auto table = found.of(mask);
      auto truth = table ? seen_of(*table, dtype) : std::nullopt;
      // Under the assumption a mask that hides nothing, or all, says that the assumption is wrong.
      if (!truth || truth->truth.is_always(false) || (assumes && truth->truth.is_always(true))) continue;
      seen = std::move(truth);
      tables.emplace(std::move(found));
    }
    if (!seen || (dtype == DType::boolean && is_mask(*tables, seen->truth, mask))) return false;
    auto attributes = node.attributes.as<AttentionAttrs>();
    if (dtype != DType::boolean && !std::isinf(seen->fill))
      attributes.blind = seen->fill <= kDrowned ? Blind::mean : Blind::unmasked;
    take_windows(*tables, node, attributes, seen->truth);
    node.attributes = Attributes(attributes);
    if (seen->truth.is_always(true))
      node.inputs.resize(3);
    else
      node.inputs[3] = shared(*tables, seen->truth, node);
    return true;
  }

  /// Whether a condition is worked out from floats.
  bool reads_floats(const Tables& tables, const Truth& truth) const {
    return std::any_of(truth.conditions.begin(), truth.conditions.end(), [&](std::size_t i) {
      const Node* maker = pattern_.maker(tables.condition(i).value);
      return maker != nullptr && std::any_of(maker->inputs.begin(), maker->inputs.end(), [&](ValueId id) {
               return id.is_present() && is_float(source_.at(id).type.dtype);
             });
    });
  }

  /// Whether the truth is the mask as it stands.
  static bool is_mask(const Tables& tables, const Truth& truth, ValueId mask) {
    if (truth.values != std::vector{false, true}) return false;
    const auto& [value, moves] = tables.condition(truth.conditions[0]);
    if (moves.empty()) return value == mask;
    return moves.back().node->outputs[0] == mask && moves.back().node->block->name != "expand";
  }

  /// Constant conditions that must hold, as a window.
  void take_windows(const Tables& tables, const Node& node, AttentionAttrs& a, Truth& truth) {
    const auto size = [&](std::size_t operand, const std::string& axes, char axis) {
      return source_.at(node.inputs[operand]).type.shape[axes.find(axis)];
    };
    const Shape scores = {size(0, a.q_axes, 'b'), size(0, a.q_axes, 'h'), size(0, a.q_axes, 't'),
                          size(1, a.k_axes, 't')};
    for (std::size_t i = truth.conditions.size(); i-- > 0;) {
      const Condition& condition = tables.condition(truth.conditions[i]);
      if (!source_.is_constant(condition.value) || !condition.moves.empty()) continue;
      for (const bool holds : {true, false}) {
        if (i >= truth.conditions.size() || !truth.with(i, !holds).is_always(false)) continue;
        if (!becomes_window(graph_, {constant(condition.value, !holds), false, 0, scores}, a)) continue;
        truth = truth.with(i, holds);
        break;
      }
    }
  }

  ValueId add(std::string_view block, Attributes attributes, std::vector<ValueId> inputs, const Node& layer) {
    const ValueId first = inputs[0];
    Node node{blocks_.find(block), std::move(attributes), std::move(inputs), {}, layer.name, layer.origin};
    Operation op = graph_.operation(node);
    op.out.clear();
    const ValueId y =
        graph_.add_value({graph_.at(first).name + ".seen", (*infer_types(op))[0], Source::node});
    node.outputs = {y};
    nodes_.push_back(std::move(node));
    return y;
  }
  ValueId add(std::string_view block, std::vector<ValueId> inputs, const Node& layer) {
    return add(block, blocks_.find(block)->attributes.make(), std::move(inputs), layer);
  }

  /// A constant's larger number as true, or as false.
  ValueId constant(ValueId id, bool is_negated) {
    const auto [entry, is_new] = constants_.try_emplace({id.index(), is_negated});
    if (!is_new) return entry->second;
    const Value value = source_.at(id);
    const std::vector<double> all = to_doubles({value.type, *value.data});
    const double high = *std::max_element(all.begin(), all.end());
    Tensor tensor = make_tensor(Type{DType::boolean, value.type.shape});
    for (std::size_t i = 0; i < all.size(); ++i)
      tensor.as<std::uint8_t>()[i] = ((all[i] == high) != is_negated) ? 1 : 0;
    return entry->second = graph_.add_constant(value.name + ".seen", std::move(tensor));
  }

  /// The condition's tensor behind its first `count` moves; it may still have to be expanded.
  ValueId made(const Condition& condition, std::size_t count, bool is_negated, const Node& layer) {
    while (count > 0 && condition.moves[count - 1].node->block->name == "expand") --count;
    const bool is_constant = source_.is_constant(condition.value);
    const auto key = std::pair(condition.key(count), is_negated);
    if (const auto known = conditions_.find(key); known != conditions_.end()) return known->second;
    const auto make = [&] {
      if (is_constant && count == 0) return constant(condition.value, is_negated);
      if (is_negated && !is_constant)
        return add("logical_not", {made(condition, count, false, layer)}, layer);
      const bool is_truth = source_.at(condition.value).type.dtype == DType::boolean && !is_constant;
      if (count == 0) return is_truth ? condition.value : truth_of(condition.value, layer);
      const Node& move = *condition.moves[count - 1].node;
      const ValueId before = made(condition, count - 1, is_negated, layer);
      // The model's own move, unless it moves what was made of the condition.
      return is_truth && move.inputs[0] == before ? move.outputs[0] : moved(move, before, layer);
    };
    const ValueId id = make();
    return conditions_[key] = id;
  }

  /// Numbers that stand for 0 and 1 as booleans.
  ValueId truth_of(ValueId id, const Node& layer) {
    const Value value = source_.at(id);
    const bool is_real = value.type.dtype == DType::f32;
    diagnostics_.add({.kind = Kind::remark,
                      .message = "`" + value.name + "` is taken as a mask of 0 and 1: numbers " +
                                 (is_real ? "above 0.5 count" : "other than 0 count") + " as 1",
                      .layer = layer.name});
    if (!is_real) return add("cast", Attributes(CastAttrs{DType::boolean}), {id}, layer);
    const float half = 0.5f;
    const ValueId number =
        graph_.add_constant(value.name + "/half", make_tensor<float>(DType::f32, {}, std::span(&half, 1)));
    return add("greater", {id, number}, layer);
  }

  static Shape without_leading_ones(const Shape& shape) {
    return {std::find_if(shape.begin(), shape.end(), [](std::int64_t n) { return n != 1; }), shape.end()};
  }
  ValueId moved(const Node& move, ValueId id, const Node& layer) {
    const Shape &from = source_.at(move.inputs[0]).type.shape, &to = source_.at(move.outputs[0]).type.shape;
    const Shape own = without_leading_ones(graph_.at(id).type.shape);
    if (move.block->name == "reshape" && without_leading_ones(from) == without_leading_ones(to)) {
      // It lines up with others as before, also where it is still to be expanded.
      Shape shape(to.size() - own.size(), 1);
      shape.insert(shape.end(), own.begin(), own.end());
      return add("reshape", Attributes(ReshapeAttrs{shape}), {id}, layer);
    }
    if (graph_.at(id).type.shape != from) id = add("expand", Attributes(ExpandAttrs{from}), {id}, layer);
    std::vector<ValueId> inputs = move.inputs;
    inputs[0] = id;
    return add(move.block->name, move.attributes, std::move(inputs), layer);
  }

  /// Layers that see the same have one mask.
  ValueId shared(const Tables& tables, const Truth& truth, const Node& layer) {
    std::string key;
    for (const std::size_t i : truth.conditions) key += tables.condition(i).key() + ";";
    for (const bool value : truth.values) key += value ? '1' : '0';
    if (const auto known = masks_.find(key); known != masks_.end()) return known->second;
    return masks_[key] = made(tables, truth, layer);
  }
  ValueId made(const Tables& tables, const Truth& truth, const Node& layer) {
    const Condition& first = tables.condition(truth.conditions[0]);
    const Truth no = truth.with(0, false).reduced(), yes = truth.with(0, true).reduced();
    const auto literal = [&](bool is_negated) { return made(first, first.moves.size(), is_negated, layer); };
    const auto rest = [&](const Truth& of) { return made(tables, of, layer); };
    if (no.is_always(false) && yes.is_always(true)) return literal(false);
    if (no.is_always(true) && yes.is_always(false)) return literal(true);
    if (no.is_always(false)) return add("logical_and", {literal(false), rest(yes)}, layer);
    if (no.is_always(true)) return add("logical_or", {literal(true), rest(yes)}, layer);
    if (yes.is_always(false)) return add("logical_and", {literal(true), rest(no)}, layer);
    if (yes.is_always(true)) return add("logical_or", {literal(false), rest(no)}, layer);
    return add("where", {literal(false), rest(yes), rest(no)}, layer);
  }

  Graph& graph_;
  const BlockSet& blocks_;
  Diagnostics& diagnostics_;
  const Graph source_;  ///< as it was: conditions point to its nodes
  const Pattern pattern_;
  std::vector<Node> nodes_;
  std::map<std::pair<std::string, bool>, ValueId> conditions_;
  std::map<std::pair<std::size_t, bool>, ValueId> constants_;
  std::map<std::string, ValueId> masks_;
};

}  // namespace

void make_masks_boolean(Graph& graph, const BlockSet& blocks, Diagnostics& diagnostics) {
  const bool has_mask = std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    return node.block->name == "attention" && node.inputs.size() > 3 && node.inputs[3].is_present() &&
           !graph.is_constant(node.inputs[3]);
  });
  if (has_mask) Masks(graph, blocks, diagnostics).run();
}

}  // namespace nb
