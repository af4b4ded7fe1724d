#include "pass/attention_layout.h"

#include <algorithm>

#include "blocks/attention/attributes.h"
#include "blocks/reshape/attributes.h"
#include "pass/strided_view.h"

namespace nb {
namespace {

constexpr std::string_view kNames = "bhtd";
constexpr std::size_t kFarthest = 32;  ///< nodes on one way

bool is_move(const Node& node) {
  const std::string& block = node.block->name;
  return block == "transpose" || block == "reshape" || block == "identity";
}

/// Four axes, each in one piece, named in their own order.
std::optional<Heads> named(ValueId root, const std::vector<Strides>& axes, const Shape& shape,
                           const std::string& names, bool needs_d_last) {
  Shape sizes(kNames.size(), 1), steps(kNames.size(), 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Strides pieces = joined(axes[i]);
    if (pieces.size() > 1) return std::nullopt;
    const std::size_t name = kNames.find(names[i]);
    sizes[name] = shape[i];
    if (!pieces.empty()) steps[name] = pieces[0].step;
  }
  return heads(root, sizes, steps, needs_d_last);
}

class Layout {
 public:
  Layout(Graph& graph, const BlockSet& blocks)
      : graph_(graph), reshape_(blocks.find("reshape")), pattern_(graph) {}

  void run() {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (graph_.nodes[i].block->name == "attention")
        if (auto change = change_of(i)) changes.push_back(*std::move(change));
    if (changes.empty()) return;
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    std::unordered_set<std::size_t> remade;
    for (const Change& change : changes)
      if (change.y) remade.insert(change.y->root.index());
    auto next = changes.begin();
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (next != changes.end() && next->node == i)
        add(*next++, std::move(old[i]));
      else if (!remade.contains(old[i].outputs[0].index()))
        graph_.nodes.push_back(std::move(old[i]));
    }
    graph_.remove_dead();
  }

 private:
  struct Change {
    std::size_t node;
    std::array<std::optional<Heads>, 3> operands;  ///< q, k, v
    std::optional<Heads> y;                        ///< its root is made instead
  };
  [[nodiscard]] const Shape& shape(ValueId id) const { return graph_.at(id).type.shape; }

  std::optional<Change> change_of(std::size_t i) {
    const Node& node = graph_.nodes[i];
    const auto& a = node.attributes.as<AttentionAttrs>();
    Change change{i,
                  {operand(node.inputs[0], a.q_axes, true), operand(node.inputs[1], a.k_axes, false),
                   operand(node.inputs[2], a.v_axes, false)},
                  result(node.outputs[0], a.y_axes)};
    if (change.y)
      for (ValueId id = node.outputs[0]; id != change.y->root; id = pattern_.only_user(id)->outputs[0])
        gone_.insert(id.index());
    const bool is_new = change.y || std::any_of(change.operands.begin(), change.operands.end(),
                                                [](const auto& found) { return found.has_value(); });
    return is_new ? std::optional(std::move(change)) : std::nullopt;
  }

  /// From the farthest value above in which the four axes lie in one order; absent if no transpose goes.
  [[nodiscard]] std::optional<Heads> operand(ValueId id, const std::string& names, bool needs_d_last) const {
    std::vector<const Node*> chain;
    std::optional<Heads> best;
    bool is_turned = false;
    for (ValueId root = id; chain.size() < kFarthest;) {
      const Node* node = pattern_.maker(root);
      if (node == nullptr || !is_move(*node)) break;
      chain.push_back(node);
      root = node->inputs[0];
      is_turned = is_turned || node->block->name == "transpose";
      if (gone_.contains(root.index()) || pattern_.is_dequantized(root)) break;
      std::optional<StridedView> view = own_view(graph_, root);
      for (auto step = chain.rbegin(); view && step != chain.rend(); ++step)
        view = view_through(graph_, **step, *std::move(view));
      if (!view) break;
      if (auto found = named(root, view->axes, shape(id), names, needs_d_last); found && is_turned)
        best = std::move(found);
    }
    return best;
  }

  /// The last value below behind a transpose, all of whose axes the block can write in their order.
  [[nodiscard]] std::optional<Heads> result(ValueId y, const std::string& names) const {
    std::optional<StridedView> view = own_view(graph_, y);
    std::optional<Heads> best;
    ValueId id = y;
    for (std::size_t i = 0; i < kFarthest; ++i) {
      const Node* user = pattern_.only_user(id);
      if (user == nullptr || !is_move(*user)) break;
      view = view_through(graph_, *user, *std::move(view));
      if (!view) break;
      id = user->outputs[0];
      if (user->block->name != "transpose" || pattern_.is_quantized_later(id)) continue;
      // Where y's places, in their order in y, lie in the memory of the value below.
      std::vector<std::pair<std::int64_t, Stride>> places;
      std::int64_t step = graph_.at(y).type.elements();
      for (const Stride& place : joined(view->axes)) {
        step /= place.size;
        places.push_back({place.step, {place.size, step}});
      }
      std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
      Strides ordered;
      for (const auto& [own_step, place] : places) ordered.push_back(place);
      const auto axes = cut(std::span(&ordered, 1), shape(y));
      if (!axes) continue;
      if (auto found = named(id, *axes, shape(y), names, true)) best = std::move(found);
    }
    return best;
  }

  ValueId new_value(ValueId like, const Shape& shape) {
    Type type = graph_.at(like).type;
    type.shape = shape;
    return graph_.add_value({graph_.at(like).name + ".heads", std::move(type), Source::node});
  }
  void reshape(ValueId from, ValueId to, const Node& layer) {
    graph_.nodes.push_back(
        {reshape_, Attributes(ReshapeAttrs{shape(to)}), {from}, {to}, layer.name, layer.origin});
  }
  void add(const Change& change, Node node) {
    AttentionAttrs a = node.attributes.as<AttentionAttrs>();
    const std::array axes = {&a.q_axes, &a.k_axes, &a.v_axes};
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const auto& found = change.operands[i];
      if (!found) continue;
      *axes[i] = found->axes;
      node.inputs[i] = found->root;
      if (shape(found->root) == found->shape) continue;
      node.inputs[i] = new_value(found->root, found->shape);
      reshape(found->root, node.inputs[i], node);
    }
    if (change.y) {
      a.y_axes = change.y->axes;
      const ValueId y = change.y->root;
      node.outputs[0] = shape(y) == change.y->shape ? y : new_value(y, change.y->shape);
    }
    node.attributes = Attributes(a);
    const Node made = node;
    graph_.nodes.push_back(std::move(node));
    if (change.y && made.outputs[0] != change.y->root) reshape(made.outputs[0], change.y->root, made);
  }

  Graph& graph_;
  const Block* reshape_;
  const Pattern pattern_;
  std::unordered_set<std::size_t> gone_;  ///< between blocks and what they make instead
};

}  // namespace

std::optional<Heads> heads(ValueId root, const Shape& sizes, const Shape& steps, bool needs_d_last) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < 4; ++i)
    if (sizes[i] == 1 && i != 3) order.push_back(i);
  const std::size_t ones = order.size();
  for (std::size_t i = 0; i < 4; ++i)
    if (sizes[i] != 1 && i != 3) order.push_back(i);
  order.push_back(3);
  // An axis of 1 lies anywhere: d of one element stays last.
  std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(ones), order.end() - (sizes[3] == 1 ? 1 : 0),
                   [&](std::size_t a, std::size_t b) { return steps[a] > steps[b]; });
  Heads h{root, {}, {}};
  std::int64_t step = 1;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    if (sizes[*i] != 1 && steps[*i] != step) return std::nullopt;
    step *= sizes[*i];
  }
  for (const std::size_t i : order) {
    h.axes += kNames[i];
    h.shape.push_back(sizes[i]);
  }
  if (needs_d_last && h.axes.back() != 'd') return std::nullopt;
  return h;
}

void lay_out_attention(Graph& graph, const BlockSet& blocks) { Layout(graph, blocks).run(); }

}  // namespace nb
