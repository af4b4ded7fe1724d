// find-attention: softmax(scale * q k^T + mask) v, written out in matrix products, becomes the block
// attention, which never holds all scores. Transposes, reshapes and factors around it become its attributes,
// and so do the transposes and reshapes about attention blocks that the file has itself.
#include <algorithm>
#include <cmath>
#include <map>

#include "blocks/attention/attributes.h"
#include "blocks/matmul/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/softmax/attributes.h"
#include "blocks/transpose/attributes.h"
#include "pass/attention_layout.h"
#include "pass/attention_masks.h"
#include "pass/boolean_masks.h"
#include "pass/pass.h"
#include "pass/strided_view.h"
#include "quantize/channel_line.h"

namespace nb {
namespace {

/// The way from the softmax up to the product of q and k.
struct Scores {
  const Node* product = nullptr;
  bool is_turned = false;  ///< what is above is [..., keys, queries]
  double factor = 1;       ///< on the product, or on what is below a tanh
  double softcap = 0;
  std::vector<ScoreMask> masks = {};
  std::vector<const Node*> nodes = {};
};

/// One matrix a batch: how b, t and d lie in memory.
struct Matrices {
  ValueId root;
  double factor = 1;
  Strides batch, t, d;
};

struct Found {
  std::size_t last = 0;  ///< index of the node
  ValueId product;       ///< that it makes
  Heads q, k, v, y;      ///< y.root: the value that the pattern makes, behind transposes and reshapes
  std::optional<ScoreMask> mask;
  Shape mask_shape;
  AttentionAttrs attributes;
};

class Search {
 public:
  explicit Search(const Pattern& pattern) : pattern_(pattern) {}

  /// The pattern will be replaced: values between its last product and its result are no more.
  void take(const Found& found) {
    for (ValueId id = found.y.root; id != found.product;) {
      id = pattern_.maker(id)->inputs[0];
      gone_.insert(id.index());
    }
  }

  std::optional<Found> at(const Node& last) {
    left_ = 64;
    const Type& y = type(last.outputs[0]);
    if (y.dtype != DType::f32 || y.elements() == 0 || last.attributes.as<MatmulAttrs>().transpose_a)
      return std::nullopt;
    auto scores = scores_of(last.inputs[0]);
    if (!scores || !pattern_.can_replace(scores->nodes, last)) return std::nullopt;
    Found found;
    found.product = last.outputs[0];
    if (!set_masks(*scores, found)) return std::nullopt;
    for (unsigned own = 0; own < 16; ++own)
      if (place(*scores, last, own, found)) return found;
    return std::nullopt;
  }

 private:
  [[nodiscard]] const Type& type(ValueId id) const { return pattern_.type(id); }
  [[nodiscard]] const Shape& shape(ValueId id) const { return type(id).shape; }

  static bool same_matrices(const Shape& a, const Shape& b) {
    return a.size() >= 2 && b.size() >= 2 && element_count(a) == element_count(b) && a.back() == b.back() &&
           a[a.size() - 2] == b[b.size() - 2];
  }
  static bool swaps_last_axes(const Node& transpose) {
    auto perm = transpose.attributes.as<TransposeAttrs>().perm;
    std::swap(perm.end()[-1], perm.end()[-2]);
    return std::is_sorted(perm.begin(), perm.end());
  }

  /// The matrices of which the value's are the same but for reshapes and turns; absent if they are others.
  std::optional<ValueId> before_moves(ValueId id, Scores& scores) const {
    for (const Node* node = pattern_.maker(id); node != nullptr; node = pattern_.maker(id)) {
      const std::string& block = node->block->name;
      if (block == "transpose" && type(id).rank() >= 2 && swaps_last_axes(*node))
        scores.is_turned = !scores.is_turned;
      else if (block != "reshape" && block != "identity")
        break;
      else if (!same_matrices(shape(node->inputs[0]), shape(id)))
        return std::nullopt;
      if (scores.nodes.size() > 24) return std::nullopt;
      scores.nodes.push_back(node);
      id = node->inputs[0];
    }
    return id;
  }

  /// Of which scores `test` says that all of a row are minus infinity, not any(not (scores == -inf)); none if
  /// it says another thing.
  ValueId all_hidden(ValueId test, Scores& scores) const {
    for (const std::string_view block : {"logical_not", "reduce_any", "logical_not", "equal"}) {
      const Node* node = pattern_.maker(test, block);
      if (node == nullptr) return {};
      if (block == "reduce_any") {
        const auto& a = node->attributes.as<ReduceAttrs>();
        if (!a.keep_dims || a.axes != std::vector<std::int64_t>{type(test).rank() - 1}) return {};
      }
      scores.nodes.push_back(node);
      test = node->inputs[0];
    }
    const auto number = pattern_.number(scores.nodes.back()->inputs[1]);
    return number && std::isinf(*number) && *number < 0 ? test : ValueId();
  }

  /// From the left factor of the last product up: a softmax along rows, its guard against rows of no number.
  std::optional<Scores> scores_of(ValueId first) {
    Scores scores;
    auto id = before_moves(first, scores);
    if (!id) return std::nullopt;
    ValueId guarded;  // scores that a guard tests
    if (const Node* guard = pattern_.maker(*id, "where")) {
      if (pattern_.number(guard->inputs[1]) != 0.0) return std::nullopt;
      scores.nodes.push_back(guard);
      const Node* test = pattern_.maker(guard->inputs[0], "isnan");
      if (test != nullptr && test->inputs[0] == guard->inputs[2])
        scores.nodes.push_back(test);
      else if (guarded = all_hidden(guard->inputs[0], scores); !guarded.is_present())
        return std::nullopt;
      id = before_moves(guard->inputs[2], scores);
      if (!id) return std::nullopt;
    }
    const Node* softmax = pattern_.maker(*id, "softmax");
    if (softmax == nullptr || (guarded.is_present() && guarded != softmax->inputs[0])) return std::nullopt;
    const auto& a = softmax->attributes.as<SoftmaxAttrs>();
    const std::int64_t rank = type(*id).rank(), axis = a.axis < 0 ? a.axis + rank : a.axis;
    if (axis != rank - (scores.is_turned ? 2 : 1)) return std::nullopt;
    scores.nodes.push_back(softmax);
    scores.factor = static_cast<double>(a.beta);
    return above(softmax->inputs[0], std::move(scores));
  }

  /// From a value of scores up to the product.
  std::optional<Scores> above(ValueId below, Scores scores) {
    const auto moved = before_moves(below, scores);
    const Node* node = moved ? pattern_.maker(*moved) : nullptr;
    if (node == nullptr || is_bounded(*node) || --left_ < 0) return std::nullopt;
    const ValueId id = *moved;
    const std::string& block = node->block->name;
    scores.nodes.push_back(node);
    const auto is_unmasked = [&](ValueId from) { return same_matrices(shape(from), shape(id)); };
    if (block == "matmul") {
      scores.product = node;
      if (node->attributes.as<MatmulAttrs>().transpose_a) return std::nullopt;
      if (scores.softcap > 0) scores.factor *= scores.softcap;
      return scores;
    }
    if (block == "tanh") {
      if (scores.softcap > 0 || !(scores.factor > 0)) return std::nullopt;
      scores.softcap = std::exchange(scores.factor, 1.0);
      return above(node->inputs[0], std::move(scores));
    }
    if (block == "mul" || block == "div") {
      const auto parts = pattern_.with_number(*node);
      if (!parts || !is_unmasked(parts->first) || (block == "div" && parts->first != node->inputs[0]))
        return std::nullopt;
      scores.factor *= block == "mul" ? parts->second : 1 / parts->second;
      return above(parts->first, std::move(scores));
    }
    if (!(scores.factor > 0) || scores.softcap > 0) return std::nullopt;
    if (block == "add" && scores.factor == 1) {
      for (const std::size_t i : {0u, 1u}) {
        if (!is_unmasked(node->inputs[i])) continue;
        Scores masked = scores;
        masked.masks.push_back({node->inputs[1 - i], false, 0, shape(id), scores.is_turned});
        if (auto all = above(node->inputs[i], std::move(masked))) return all;
      }
      return std::nullopt;
    }
    if (block == "where") {
      for (const std::size_t i : {1u, 2u}) {
        const auto number = pattern_.number(node->inputs[3 - i]);
        const double fill = number ? *number * scores.factor : 0;
        if (!(fill <= kHidden) || !is_unmasked(node->inputs[i])) continue;
        // All scores of a row become this number, however low it is.
        scores.masks.push_back(
            {node->inputs[0], i == 2, std::min(fill, kDrowned), shape(id), scores.is_turned});
        return above(node->inputs[i], std::move(scores));
      }
    }
    return std::nullopt;
  }

  /// Masks become a window, or one operand, which is smaller if it is a part of what the model makes.
  bool set_masks(const Scores& scores, Found& found) const {
    found.attributes.softcap = static_cast<float>(scores.softcap);
    std::vector<ScoreMask> parts;
    for (const ScoreMask& mask : scores.masks) {
      const auto more = parts_of(pattern_, mask);
      parts.insert(parts.end(), more.begin(), more.end());
    }
    Found whole = found;
    const auto bytes = [&](const Found& f) { return f.mask ? type(f.mask->value).size_bytes() : 0; };
    const bool are_parts = set_masks(parts, found), is_whole = set_masks(scores.masks, whole);
    if (is_whole && (!are_parts || bytes(whole) <= bytes(found))) found = std::move(whole);
    return are_parts || is_whole;
  }
  bool set_masks(const std::vector<ScoreMask>& masks, Found& found) const {
    for (const ScoreMask& mask : masks) {
      if (becomes_window(pattern_.graph(), mask, found.attributes)) continue;
      if (found.mask) return false;
      found.mask = mask;
    }
    return true;
  }

  /// The last two axes of a factor as t and d (or d and t), the others broadcast to `batch`.
  std::optional<Matrices> matrices(const StridedView& view, const Shape& factor, const Shape& batch,
                                   bool is_turned) const {
    if (pattern_.is_dequantized(view.root) || gone_.contains(view.root.index())) return std::nullopt;
    Matrices m{view.root, view.factor, {}, joined(view.axes.end()[-2]), joined(view.axes.back())};
    if (is_turned) std::swap(m.t, m.d);
    m.batch = broadcast_batch(view.axes, factor, batch);
    return m;
  }
  /// The axes but for the last two, as places of the batch.
  static Strides broadcast_batch(const std::vector<Strides>& axes, const Shape& shape, const Shape& batch) {
    std::vector<Strides> out;
    const std::size_t missing = batch.size() + 2 - shape.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i < missing || shape[i - missing] != batch[i])
        out.push_back({{batch[i], 0}});
      else
        out.push_back(axes[i - missing]);
    }
    return joined(out);
  }
  static Shape batch_of(const Shape& shape) { return {shape.begin(), shape.end() - 2}; }

  /// y where it is wanted: the transposes and reshapes that follow are one order of axes.
  std::optional<Matrices> result(const Node& last, bool is_own) const {
    const Graph& graph = pattern_.graph();
    ValueId id = last.outputs[0];
    StridedView view = own_view(graph, id), best = view;
    ValueId made = id;
    while (!is_own) {
      const Node* user = pattern_.only_user(id);
      if (user == nullptr || user->block->name == "expand") break;
      auto next = view_through(graph, *user, view);
      if (!next) break;
      view = *std::move(next);
      id = user->outputs[0];
      if (user->block->name != "transpose") continue;
      best = view;
      made = id;
    }
    if (pattern_.is_quantized_later(made)) return std::nullopt;
    // The steps in the product's own memory tell which axis is which.
    Strides places = joined(best.axes);
    std::vector<std::int64_t> own_steps;
    std::int64_t step = graph.at(made).type.elements();
    std::vector<std::pair<std::int64_t, Stride>> by_own_step;
    for (const Stride& place : places) {
      step /= place.size;
      by_own_step.push_back({place.step, {place.size, step}});
    }
    std::sort(by_own_step.begin(), by_own_step.end(),
              [](const auto& a, const auto& b) { return a.first > b.first; });
    Strides ordered;
    for (const auto& [own_step, place] : by_own_step) ordered.push_back(place);
    const Shape& y = shape(last.outputs[0]);
    const std::int64_t rows = y.end()[-2], features = y.back();
    const auto axes = cut(std::span(&ordered, 1), {element_count(y) / (rows * features), rows, features});
    if (!axes) return std::nullopt;
    return Matrices{made, 1, joined((*axes)[0]), joined((*axes)[1]), joined((*axes)[2])};
  }

  /// Fills in how the four tensors and the mask lie. Bits of `own`: q, k, v, y as they are beside the
  /// products.
  bool place(const Scores& scores, const Node& last, unsigned own, Found& found) const {
    const Graph& graph = pattern_.graph();
    const Node& product = *scores.product;
    const auto view = [&](ValueId id, unsigned bit) {
      return (own & bit) != 0 ? own_view(graph, id) : farthest_view(pattern_, id);
    };
    const bool is_right_turned = !product.attributes.as<MatmulAttrs>().transpose_b,
               v_turned = last.attributes.as<MatmulAttrs>().transpose_b;
    const Shape score_batch = batch_of(shape(product.outputs[0])), y_batch = batch_of(shape(last.outputs[0]));
    const std::size_t q_side = scores.is_turned ? 1 : 0, k_side = 1 - q_side;
    const auto factor = [&](std::size_t side, unsigned bit) {
      const ValueId id = product.inputs[side];
      return matrices(view(id, bit), shape(id), score_batch, side == 1 && is_right_turned);
    };
    const auto q = factor(q_side, 1), k = factor(k_side, 2);
    const auto v = matrices(view(last.inputs[1], 4), shape(last.inputs[1]), y_batch, v_turned);
    const auto y = result(last, (own & 8) != 0);
    if (!q || !k || !v || !y || v->factor != 1) return false;
    std::vector<Strides> batches = {q->batch, k->batch, v->batch, y->batch};
    if (found.mask) {
      const ScoreMask& mask = *found.mask;
      if (shape(mask.value).size() > mask.scores.size()) return false;
      Shape full = shape(mask.value);
      full.insert(full.begin(), mask.scores.size() - full.size(), 1);
      std::vector<Strides> axes;
      std::int64_t step = element_count(full);
      for (const std::int64_t size : full) axes.push_back({{size, step /= std::max<std::int64_t>(size, 1)}});
      batches.push_back(broadcast_batch(axes, full, batch_of(mask.scores)));
    }
    const auto common = common_strides(batches);
    if (!common) return false;
    for (const Matrices* m : {&*q, &*k, &*v, &*y})
      if (m->t.size() > 1 || m->d.size() > 1) return false;
    return name_axes(scores, *common, {*q, *k, *v, *y}, found);
  }

  /// b, h and the groups of heads from the common sizes of the batch.
  bool name_axes(const Scores& scores, CommonStrides common, const std::array<Matrices, 4>& m,
                 Found& found) const {
    enum : std::size_t { kQ, kK, kV, kY };
    // Innermost: heads of q that share k and v.
    std::int64_t group = 1;
    std::vector<std::int64_t> group_steps(found.mask ? 5 : 4, 0);
    if (!common.sizes.empty() && common.steps.back()[kK] == 0 && common.steps.back()[kV] == 0) {
      group = common.sizes.back();
      group_steps = common.steps.back();
      common.sizes.pop_back();
      common.steps.pop_back();
    }
    if (common.sizes.size() > 2) return false;
    std::int64_t batch = 1, shared = 1;
    std::vector<std::int64_t> batch_steps(group_steps.size(), 0), shared_steps(group_steps.size(), 0);
    if (!common.sizes.empty()) {
      shared = common.sizes.back();
      shared_steps = common.steps.back();
    }
    if (common.sizes.size() == 2) {
      batch = common.sizes[0];
      batch_steps = common.steps[0];
    }
    std::vector<std::int64_t> head_steps = group == 1 ? shared_steps : group_steps;
    if (group > 1 && shared > 1) {
      const auto is_one = [&](std::size_t i) { return shared_steps[i] == group_steps[i] * group; };
      bool is_joined = is_one(kQ) && is_one(kY);
      for (std::size_t i = 4; i < group_steps.size(); ++i) is_joined = is_joined && is_one(i);
      if (!is_joined) {
        if (batch != 1) return false;
        batch = std::exchange(shared, 1);
        batch_steps = std::exchange(shared_steps, std::vector<std::int64_t>(group_steps.size(), 0));
      }
    }
    const std::int64_t all = shared * group;
    const auto first = [](const Strides& s) { return s.empty() ? Stride{1, 1} : s[0]; };
    const auto place = [&](std::size_t i, std::int64_t count, const std::vector<std::int64_t>& steps) {
      const Stride t = first(m[i].t), d = first(m[i].d);
      return heads(m[i].root, {batch, count, t.size, d.size}, {batch_steps[i], steps[i], t.step, d.step},
                   i == kQ || i == kY);
    };
    const auto q = place(kQ, all, head_steps), k = place(kK, shared, shared_steps),
               v = place(kV, shared, shared_steps), y = place(kY, all, head_steps);
    if (!q || !k || !v || !y) return false;
    if (found.mask) {
      const Shape& given = shape(found.mask->value);
      const auto size = [&](std::size_t from_end) {
        return given.size() < from_end ? 1 : given[given.size() - from_end];
      };
      // A turned mask of one row or column is a vector as well.
      const bool is_turned = found.mask->is_turned;
      if (is_turned && size(1) > 1 && size(2) > 1) return false;
      Shape mask = {batch_steps[4] == 0 ? 1 : batch, head_steps[4] == 0 ? 1 : all, size(is_turned ? 1 : 2),
                    size(is_turned ? 2 : 1)};
      if (element_count(mask) != element_count(given)) return false;
      if (mask[0] > 1 && mask[1] > 1 && batch_steps[4] < head_steps[4]) return false;
      found.mask_shape = std::move(mask);
    }
    const double scale = scores.factor * m[kQ].factor * m[kK].factor;
    found.attributes.scale = static_cast<float>(scale);
    found.attributes.q_axes = q->axes;
    found.attributes.k_axes = k->axes;
    found.attributes.v_axes = v->axes;
    found.attributes.y_axes = y->axes;
    found.q = *q;
    found.k = *k;
    found.v = *v;
    found.y = *y;
    return true;
  }

  const Pattern& pattern_;
  std::unordered_set<std::size_t> gone_;
  int left_ = 0;  ///< nodes that may still be looked at
};

/// Puts the blocks in place of the last nodes of the patterns.
class Replacement {
 public:
  Replacement(Graph& graph, const BlockSet& blocks) : graph_(graph), blocks_(blocks) {}

  void run(const std::vector<Found>& all) {
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    std::unordered_set<std::size_t> remade;
    for (const Found& found : all) {
      remade.insert(found.y.root.index());
      remade.insert(old[found.last].outputs[0].index());
    }
    auto next = all.begin();
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (next != all.end() && next->last == i) add(*next++, old[i]);
      if (!old[i].outputs.empty() && remade.contains(old[i].outputs[0].index())) continue;
      graph_.nodes.push_back(std::move(old[i]));
    }
    graph_.remove_dead();
  }

 private:
  ValueId new_value(ValueId like, std::string_view suffix, Type type) {
    return graph_.add_value({graph_.at(like).name + std::string(suffix), std::move(type), Source::node});
  }
  void emit(std::string_view block, Attributes attributes, std::vector<ValueId> from, ValueId to,
            const Node& layer) {
    graph_.nodes.push_back(
        {blocks_.find(block), std::move(attributes), std::move(from), {to}, layer.name, layer.origin});
  }
  ValueId reshaped(ValueId id, const Shape& shape, const Node& layer) {
    if (graph_.at(id).type.shape == shape) return id;
    Type type = graph_.at(id).type;
    type.shape = shape;
    if (graph_.is_constant(id)) {
      Value same = graph_.at(id);
      same.type = std::move(type);
      return graph_.add_value(std::move(same));
    }
    const ValueId to = new_value(id, ".heads", std::move(type));
    emit("reshape", Attributes(ReshapeAttrs{shape}), {id}, to, layer);
    return to;
  }
  ValueId number(const std::string& name, double value) {
    const float narrow = static_cast<float>(value);
    return graph_.add_constant(name, make_tensor<float>(DType::f32, {}, std::span(&narrow, 1)));
  }
  ValueId mask_of(const Found& found, const Node& layer) {
    const ScoreMask& mask = *found.mask;
    const Type type = graph_.at(mask.value).type;
    if (is_float(type.dtype) || (!mask.hides && std::isinf(mask.fill)))
      return reshaped(mask.value, found.mask_shape, layer);
    // Rows that see nothing are uniform where the scores become a finite number: as an addend it is kept.
    const auto [made, is_new] = addends_.try_emplace({mask.value, mask.hides, mask.fill});
    if (is_new) {
      const ValueId zero = number(layer.name + "/zero", 0), fill = number(layer.name + "/fill", mask.fill);
      made->second = new_value(mask.value, ".addend", Type{DType::f32, type.shape});
      emit("where", blocks_.find("where")->attributes.make(),
           mask.hides ? std::vector{mask.value, fill, zero} : std::vector{mask.value, zero, fill},
           made->second, layer);
    }
    return reshaped(made->second, found.mask_shape, layer);
  }
  void add(const Found& found, const Node& last) {
    std::vector<ValueId> operands = {reshaped(found.q.root, found.q.shape, last),
                                     reshaped(found.k.root, found.k.shape, last),
                                     reshaped(found.v.root, found.v.shape, last)};
    if (found.mask) operands.push_back(mask_of(found, last));
    const ValueId y = found.y.root;
    const Shape wanted = graph_.at(y).type.shape;
    const bool is_same = wanted == found.y.shape;
    const ValueId made = is_same ? y : new_value(y, ".heads", Type{DType::f32, found.y.shape});
    emit("attention", Attributes(found.attributes), std::move(operands), made, last);
    if (!is_same) emit("reshape", Attributes(ReshapeAttrs{wanted}), {made}, y, last);
  }

  Graph& graph_;
  const BlockSet& blocks_;
  std::map<std::tuple<ValueId, bool, double>, ValueId> addends_;
};

}  // namespace

Status find_attention(Graph& graph, PassContext& context) {
  if (has_empty_tensor(graph)) return {};
  const Pattern pattern(graph);
  Search search(pattern);
  std::vector<Found> all;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].block->name != "matmul") continue;
    auto found = search.at(graph.nodes[i]);
    if (!found) continue;
    found->last = i;
    search.take(*found);
    all.push_back(*std::move(found));
  }
  if (!all.empty()) Replacement(graph, context.blocks).run(all);
  lay_out_attention(graph, context.blocks);
  make_masks_boolean(graph, context.blocks, context.diagnostics);
  return {};
}

}  // namespace nb
