// cancel-transposes: readers of channels-first models put transposes round convolutions and pools. Here they
// wander down, past every block that works as well on the other order of axes, until they meet and vanish;
// what they would do to constants is done to these now, and a dense layer behind a flattened image takes its
// weights in the image's own order. A transpose that meets nothing is made where it is first needed.
#include <algorithm>
#include <unordered_set>

#include "blocks/reshape/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/pass.h"
#include "pass/transposed.h"

namespace nb {
namespace {

/// A value that is not made yet: reshape(transpose(source, perm), shape), the reshape only if there is one.
struct Pending {
  ValueId source;
  Perm perm;
  std::optional<Shape> shape;
  const Node* layer;  ///< whose transpose it was
};

class Walk {
 public:
  Walk(Graph& graph, const BlockSet& blocks)
      : graph_(graph), transpose_(blocks.find("transpose")), reshape_(blocks.find("reshape")) {}

  void run() {
    old_ = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (const Node& node : old_)
      if (!defer(node) && !absorb(node) && !pass(node)) keep(node);
    for (const ValueId id : graph_.outputs) (void)made(id);
    graph_.remove_dead();
  }

 private:
  [[nodiscard]] const Shape& shape_of(ValueId id) const { return graph_.at(id).type.shape; }
  [[nodiscard]] bool is_per_axis(ValueId id) const {
    const auto& quantization = graph_.at(id).type.quantization;
    return quantization && quantization->is_per_axis();
  }
  [[nodiscard]] const Pending* pending(ValueId id) const {
    const auto found = id.is_present() ? pending_.find(id.index()) : pending_.end();
    return found == pending_.end() ? nullptr : &found->second;
  }
  /// Pending as a transpose alone.
  [[nodiscard]] const Pending* turned(ValueId id) const {
    const Pending* p = pending(id);
    return p != nullptr && !p->shape ? p : nullptr;
  }

  ValueId new_value(ValueId like, Shape shape) {
    Value value = graph_.at(like);
    value.name += ".before_transpose";
    value.type.shape = std::move(shape);
    value.source = Source::node;
    return graph_.add_value(std::move(value));
  }
  void emit(const Block* block, Attributes attributes, ValueId from, ValueId to, const Node& layer) {
    graph_.nodes.push_back({block, std::move(attributes), {from}, {to}, layer.name, layer.origin});
  }

  /// The value itself, made here if it is pending.
  ValueId made(ValueId id) {
    const Pending* found = pending(id);
    if (found == nullptr || !is_made_.insert(id.index()).second) return id;
    const Pending p = *found;
    ValueId from = p.source;
    if (!moves_nothing(shape_of(from), p.perm)) {
      const ValueId to = p.shape ? new_value(id, transposed_shape(shape_of(from), p.perm)) : id;
      emit(transpose_, Attributes(TransposeAttrs{p.perm}), from, to, *p.layer);
      if (to == id) return id;
      from = to;
    }
    emit(reshape_, Attributes(ReshapeAttrs{shape_of(id)}), from, id, *p.layer);
    return id;
  }

  /// id becomes reshape(transpose(source, perm), its own shape), later.
  void set_pending(ValueId id, ValueId source, Perm perm, bool is_reshaped, const Node& layer) {
    const Shape& shape = shape_of(id);
    if (moves_nothing(shape_of(source), perm)) {
      perm = identity_perm(perm.size());
      is_reshaped = true;
    }
    pending_[id.index()] = {source, std::move(perm), is_reshaped ? std::optional(shape) : std::nullopt,
                            &layer};
  }

  /// Transposes and reshapes wait, and copies of what waits.
  bool defer(const Node& node) {
    const std::string& block = node.block->name;
    if (block == "identity" && pending(node.inputs[0]) != nullptr) {
      pending_[node.outputs[0].index()] = Pending(*pending(node.inputs[0]));
      return true;
    }
    if ((block != "transpose" && block != "reshape") || is_per_axis(node.inputs[0])) return false;
    const ValueId x = node.inputs[0], y = node.outputs[0];
    const Pending* p = pending(x);
    if (block == "transpose") {
      const Perm& perm = node.attributes.as<TransposeAttrs>().perm;
      if (p != nullptr && !p->shape)
        set_pending(y, p->source, composed_perm(p->perm, perm), false, node);
      else
        set_pending(y, made(x), perm, false, node);
      return true;
    }
    if (p == nullptr) return false;
    const Pending from = *p;
    const Shape &source = shape_of(from.source), &shape = shape_of(y);
    if (const auto swapped = swapped_reshape(source, from.perm, shape)) {
      ValueId reshaped = from.source;
      if (swapped->before != source) {
        reshaped = new_value(y, swapped->before);
        emit(reshape_, Attributes(ReshapeAttrs{swapped->before}), from.source, reshaped, node);
      }
      set_pending(y, reshaped, swapped->after, false, node);
    } else {
      set_pending(y, from.source, from.perm, true, *from.layer);
    }
    return true;
  }

  /// A dense layer of a flattened image: its weights change their order instead.
  bool absorb(const Node& node) {
    if (node.block->name != "dense") return false;
    const Pending* p = pending(node.inputs[0]);
    const ValueId w = node.inputs[1];
    if (p == nullptr || !graph_.is_constant(w)) return false;
    const auto& grid = graph_.at(w).type.quantization;
    if (grid && grid->is_per_axis() && grid->axis != 0) return false;
    const Shape shape = shape_of(node.inputs[0]), &source = shape_of(p->source);
    const Shape turned_shape = transposed_shape(source, p->perm);
    const std::int64_t features = shape.back();
    // The features are the last axes of the transposed image; those before are the rows.
    std::size_t first = turned_shape.size();
    for (std::int64_t n = 1; n < features && first > 0;) n *= turned_shape[--first];
    const std::span<const std::int64_t> behind = std::span<const std::int64_t>(turned_shape).subspan(first);
    if (element_count(behind) != features) return false;
    // Rows must come first in the source, too, and in the same order.
    Perm order;
    std::int64_t last_row = -1;
    for (std::size_t i = 0; i < first; ++i) {
      if (turned_shape[i] == 1) continue;
      if (p->perm[i] < last_row) return false;
      last_row = p->perm[i];
    }
    for (std::size_t i = first; i < turned_shape.size(); ++i) {
      if (turned_shape[i] != 1 && p->perm[i] < last_row) return false;
      order.push_back(static_cast<std::int64_t>(i - first));
    }
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return p->perm[first + static_cast<std::size_t>(a)] < p->perm[first + static_cast<std::size_t>(b)];
    });
    Perm with_outputs = {0};
    for (const std::int64_t axis : order) with_outputs.push_back(axis + 1);
    const Value& weights = graph_.at(w);
    const Shape weights_shape = weights.type.shape;
    Tensor image{weights.type, *weights.data};
    image.type.shape = {weights_shape[0]};
    image.type.shape.insert(image.type.shape.end(), behind.begin(), behind.end());
    Tensor reordered = transposed(image, with_outputs);
    reordered.type.shape = weights_shape;
    reordered.type.quantization = image.type.quantization;
    const std::string name = weights.name;

    const Pending from = *p;
    Node dense = node;
    const ValueId flat = new_value(node.inputs[0], shape);
    emit(reshape_, Attributes(ReshapeAttrs{shape}), from.source, flat, node);
    dense.inputs[0] = flat;
    dense.inputs[1] = graph_.add_constant(name, std::move(reordered));
    graph_.nodes.push_back(std::move(dense));
    return true;
  }

  /// The node computes on what lies before the transposes of its operands; its results are pending.
  bool pass(const Node& node) { return pass_flattened(node) || pass_dense(node) || pass_turned(node); }

  /// One operand is a reshaped transpose; the others are single elements.
  bool pass_flattened(const Node& node) {
    if (!node.block->is_elementwise || node.outputs.size() != 1) return false;
    std::optional<std::size_t> image;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (!id.is_present()) continue;
      const Pending* p = pending(id);
      if (p != nullptr && p->shape && !image && shape_of(id) == shape_of(node.outputs[0]))
        image = i;
      else if (!graph_.is_constant(id) || graph_.at(id).type.elements() != 1)
        return false;
    }
    if (!image || is_per_axis(node.inputs[*image]) || is_per_axis(node.outputs[0])) return false;
    const Pending from = *pending(node.inputs[*image]);
    const Shape source = shape_of(from.source);
    Node moved = node;
    moved.inputs[*image] = from.source;
    // A single element must not add axes.
    for (ValueId& id : moved.inputs)
      if (id.is_present() && graph_.is_constant(id) &&
          graph_.at(id).type.rank() > static_cast<int>(source.size()))
        id = as_scalar(id);
    moved.outputs = {new_value(node.outputs[0], source)};
    const ValueId result = moved.outputs[0];
    graph_.nodes.push_back(std::move(moved));
    set_pending(node.outputs[0], result, from.perm, true, *from.layer);
    return true;
  }
  ValueId as_scalar(ValueId id) {
    Tensor tensor{graph_.at(id).type, *graph_.at(id).data};
    tensor.type.shape.clear();
    return graph_.add_constant(graph_.at(id).name, std::move(tensor));
  }

  /// A dense layer of rows that are transposed among themselves.
  bool pass_dense(const Node& node) {
    if (node.block->name != "dense") return false;
    const Pending* p = turned(node.inputs[0]);
    if (p == nullptr || p->perm.back() != static_cast<std::int64_t>(p->perm.size()) - 1) return false;
    const Pending from = *p;
    Shape shape = shape_of(from.source);
    shape.back() = shape_of(node.outputs[0]).back();
    Node moved = node;
    moved.inputs[0] = from.source;
    moved.outputs = {new_value(node.outputs[0], std::move(shape))};
    const ValueId result = moved.outputs[0];
    graph_.nodes.push_back(std::move(moved));
    set_pending(node.outputs[0], result, from.perm, false, *from.layer);
    return true;
  }

  bool pass_turned(const Node& node) {
    const bool takes_all = transposes_all_operands(node);
    // The largest operand that is transposed decides.
    const Pending* main = nullptr;
    for (std::size_t i = 0;
         i < (takes_all ? node.inputs.size() : std::min<std::size_t>(1, node.inputs.size())); ++i) {
      const Pending* p = turned(node.inputs[i]);
      if (p != nullptr &&
          (main == nullptr || element_count(shape_of(p->source)) > element_count(shape_of(main->source))))
        main = p;
    }
    if (main == nullptr) return false;
    const Pending from = *main;
    for (const ValueId id : node.outputs)
      if (is_per_axis(id)) return false;
    const std::size_t rank = from.perm.size();
    if (takes_all && shape_of(node.outputs[0]).size() != rank) return false;
    const auto moved_as = untransposed(graph_, node, from.perm);
    if (!moved_as) return false;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (takes_all && node.inputs[i].is_present() && !can_turn(node.inputs[i], from.perm)) return false;

    Node moved = node;
    moved.attributes = moved_as->attributes;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (!id.is_present()) continue;
      moved.inputs[i] = takes_all ? turned_back(id, from.perm, node) : i == 0 ? from.source : made(id);
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      moved.outputs[i] = new_value(
          node.outputs[i], transposed_shape(shape_of(node.outputs[i]), inverse_perm(moved_as->outputs[i])));
    const std::vector<ValueId> results = moved.outputs;
    graph_.nodes.push_back(std::move(moved));
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      set_pending(node.outputs[i], results[i], moved_as->outputs[i], false, *from.layer);
    return true;
  }

  /// The operand's shape with as many axes as the permutation has.
  [[nodiscard]] Shape full_shape(ValueId id, std::size_t rank) const {
    Shape shape = shape_of(id);
    shape.insert(shape.begin(), rank - std::min(rank, shape.size()), 1);
    return shape;
  }
  /// Whether the operand comes in the source's order without moving elements at run time, or was to be moved
  /// anyway.
  [[nodiscard]] bool can_turn(ValueId id, const Perm& perm) const {
    const Shape full = full_shape(id, perm.size());
    if (full.size() != perm.size()) return false;
    if (graph_.is_constant(id)) return true;
    if (is_per_axis(id)) return false;
    return turned(id) != nullptr || moves_nothing(full, inverse_perm(perm));
  }
  ValueId turned_back(ValueId id, const Perm& perm, const Node& node) {
    const Shape full = full_shape(id, perm.size());
    const Perm back = inverse_perm(perm);
    if (graph_.is_constant(id)) {
      if (graph_.at(id).type.elements() == 1 && graph_.at(id).type.rank() == 0) return id;
      Tensor tensor{graph_.at(id).type, *graph_.at(id).data};
      if (tensor.type.quantization && tensor.type.quantization->is_per_axis())
        tensor.type.quantization->axis += static_cast<int>(full.size() - tensor.type.shape.size());
      tensor.type.shape = full;
      return graph_.add_constant(graph_.at(id).name, transposed(tensor, back));
    }
    const Pending* p = turned(id);
    if (p != nullptr && p->perm == perm) return p->source;
    if (moves_nothing(full, back)) {
      const ValueId y = new_value(id, transposed_shape(full, back));
      emit(reshape_, Attributes(ReshapeAttrs{shape_of(y)}), made(id), y, node);
      return y;
    }
    const Pending other = *p;
    const Perm both = composed_perm(other.perm, back);
    const ValueId y = new_value(id, transposed_shape(full, back));
    emit(transpose_, Attributes(TransposeAttrs{both}), other.source, y, *other.layer);
    return y;
  }

  void keep(const Node& node) {
    Node kept = node;
    for (ValueId& id : kept.inputs)
      if (id.is_present()) id = made(id);
    graph_.nodes.push_back(std::move(kept));
  }

  Graph& graph_;
  const Block *transpose_, *reshape_;
  std::vector<Node> old_;
  std::unordered_map<std::size_t, Pending> pending_;
  std::unordered_set<std::size_t> is_made_;
};

/// The values that only reshapes and attention read, which takes rows in any order.
std::vector<bool> read_by_attention(const Graph& graph) {
  std::vector<bool> is_read(graph.values.size(), false);
  const std::vector<int> uses = graph.use_counts();
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool is_passed = node->block->name == "reshape" && is_read[node->outputs[0].index()];
    if (node->block->name != "attention" && !is_passed) continue;
    for (std::size_t i = 0; i < std::min<std::size_t>(node->inputs.size(), 3); ++i)
      is_read[node->inputs[i].index()] = uses[node->inputs[i].index()] == 1;
  }
  return is_read;
}

/// How many elements transposes move, and how many transposes do, but for those that attention spares.
std::pair<std::int64_t, int> moved_elements(const Graph& graph) {
  std::pair<std::int64_t, int> total{0, 0};
  const std::vector<bool> is_spared = read_by_attention(graph);
  for (const Node& node : graph.nodes) {
    if (node.block->name != "transpose") continue;
    const Type& x = graph.at(node.inputs[0]).type;
    const Perm& perm = node.attributes.as<TransposeAttrs>().perm;
    if (moves_nothing(x.shape, perm)) continue;
    if (is_spared[node.outputs[0].index()] && perm.back() == static_cast<std::int64_t>(perm.size()) - 1)
      continue;
    total.first += x.elements();
    ++total.second;
  }
  return total;
}

}  // namespace

Status cancel_transposes(Graph& graph, PassContext& context) {
  Graph moved = graph;
  Walk(moved, context.blocks).run();
  if (moved_elements(moved) <= moved_elements(graph)) graph = std::move(moved);
  return {};
}

}  // namespace nb
