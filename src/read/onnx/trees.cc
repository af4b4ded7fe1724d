// Decision trees and n-gram counts: operators whose tables are attributes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/tf_idf/attributes.h"
#include "blocks/tree_ensemble/attributes.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

/// exp(x) / sum, where a score of nearly 0 counts in proportion instead.
ValueId softmax_zero(Layer& l, ValueId x) {
  const ValueId largest = reduce(l, "reduce_max", x, {1}, true);
  const ValueId is_zero = binary(l, "less_equal", unary(l, "abs", x), 1e-7);
  const ValueId small = binary(l, "mul", x, unary(l, "exp", unary(l, "neg", largest)));
  const ValueId part = where(l, is_zero, small, unary(l, "exp", binary(l, "sub", x, largest)));
  const ValueId sum = reduce(l, "reduce_sum", part, {1}, true);
  const ValueId is_nothing = binary(l, "equal", sum, 0.0);
  return where(l, is_nothing, scalar(l, 0.5),
               binary(l, "div", part, where(l, is_nothing, scalar(l, 1), sum)));
}

/// The inverse of the normal distribution, by Winitzki's inverse of the error function.
ValueId probit(Layer& l, ValueId x) {
  const ValueId e = binary(l, "sub", binary(l, "mul", x, 2.0), 1.0);
  const ValueId log = unary(l, "log", binary(l, "sub", scalar(l, 1), binary(l, "mul", e, e)));
  const ValueId v = binary(l, "add", binary(l, "mul", log, 0.5), 2.0 / (3.14159 * 0.147));
  const ValueId inner = binary(l, "sub", binary(l, "mul", v, v), binary(l, "mul", log, 1.0 / 0.147));
  const ValueId root = unary(l, "sqrt", binary(l, "sub", unary(l, "sqrt", inner), v));
  return binary(l, "mul", binary(l, "mul", unary(l, "sign", e), root), 1.41421356);
}

}  // namespace

/// ai.onnx.ml.TreeEnsemble. Nodes are stored so that each stands before those that it goes on to.
void translate_tree_ensemble(Layer& l) {
  const ValueId x = l.in(0);
  const Ints features = l.integers("nodes_featureids"), yes = l.integers("nodes_truenodeids"),
             no = l.integers("nodes_falsenodeids"), yes_leaf = l.integers("nodes_trueleafs"),
             no_leaf = l.integers("nodes_falseleafs"), roots = l.integers("tree_roots"),
             targets = l.integers("leaf_targetids");
  const Ints modes = to_ints(l.tensor("nodes_modes"));
  const std::vector<double> splits = to_doubles(l.tensor("nodes_splits")),
                            weights = to_doubles(l.tensor("leaf_weights"));
  const std::size_t n = features.size();
  const Ints nan_is_true = l.integers("nodes_missing_value_tracks_true", Ints(n, 0));
  for (const std::size_t size : {yes.size(), no.size(), yes_leaf.size(), no_leaf.size(), modes.size(),
                                 splits.size(), nan_is_true.size()})
    if (size != n) l.invalid("the lists of its nodes differ in length");
  if (weights.size() != targets.size()) l.invalid("the lists of its leaves differ in length");

  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const Ints* list : {&features, &targets, &modes})
    if (std::any_of(list->begin(), list->end(), [](std::int64_t v) { return v < 0 || v > kMost; }))
      l.invalid("a feature, a target or a mode of its nodes is negative or beyond 2^31");

  // Members of node after node, each list ended by a NaN.
  std::vector<float> members;
  std::vector<std::pair<std::size_t, std::size_t>> member_range(n);
  std::vector<double> listed;
  if (l.has_attribute("membership_values")) listed = to_doubles(l.tensor("membership_values"));
  auto next = listed.begin();
  for (std::size_t i = 0; i < n; ++i) {
    member_range[i].first = members.size();
    if (modes[i] == 6) {
      while (next != listed.end() && !std::isnan(*next)) members.push_back(static_cast<float>(*next++));
      if (next != listed.end()) ++next;
    }
    member_range[i].second = members.size();
  }

  // The order of a walk from the roots: a node that is reached twice, or from itself, is no tree's.
  const auto is_node = [&](std::int64_t id) { return id >= 0 && id < static_cast<std::int64_t>(n); };
  Ints order, place(n, -1), open;
  for (const std::int64_t root : roots) {
    if (!is_node(root)) l.invalid("a root is no node");
    open.push_back(root);
    while (!open.empty()) {
      const auto id = static_cast<std::size_t>(open.back());
      open.pop_back();
      if (place[id] >= 0) l.invalid("two of its nodes go on to the same");
      place[id] = static_cast<std::int64_t>(order.size());
      order.push_back(static_cast<std::int64_t>(id));
      for (const auto& [id_next, is_leaf] :
           {std::pair(no[id], no_leaf[id]), std::pair(yes[id], yes_leaf[id])}) {
        if (is_leaf != 0) continue;
        if (!is_node(id_next)) l.invalid("a node goes on to none");
        open.push_back(id_next);
      }
    }
  }
  const auto goes_to = [&](std::int64_t id, std::int64_t is_leaf) {
    if (is_leaf != 0 && (id < 0 || id >= static_cast<std::int64_t>(targets.size())))
      l.invalid("a node goes on to no leaf");
    return is_leaf != 0 ? ~id : place[static_cast<std::size_t>(id)];
  };
  Ints nodes, starts;
  std::vector<float> bounds, leaf_weights(weights.begin(), weights.end());
  for (const std::int64_t id : order) {
    const auto i = static_cast<std::size_t>(id);
    nodes.insert(nodes.end(),
                 {features[i], modes[i] + (nan_is_true[i] != 0 ? 8 : 0), goes_to(yes[i], yes_leaf[i]),
                  goes_to(no[i], no_leaf[i]), static_cast<std::int64_t>(member_range[i].first),
                  static_cast<std::int64_t>(member_range[i].second)});
    bounds.push_back(static_cast<float>(splits[i]));
  }
  for (const std::int64_t root : roots) starts.push_back(place[static_cast<std::size_t>(root)]);

  const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
  std::vector<ValueId> operands = {x,
                                   ints(l, nodes, {count(order), 6}, DType::i32),
                                   floats(l, bounds, {count(bounds)}),
                                   ints(l, starts, {count(starts)}, DType::i32),
                                   ints(l, targets, {count(targets)}, DType::i32),
                                   floats(l, leaf_weights, {count(leaf_weights)})};
  if (!members.empty()) operands.push_back(floats(l, members, {count(members)}));
  const std::int64_t aggregate = l.integer("aggregate_function", 1),
                     transform = l.integer("post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4)
    l.refuse(Kind::attribute_out_of_range, "its aggregate_function or post_transform has no meaning");
  const ValueId y =
      l.add("tree_ensemble",
            TreeEnsembleAttrs{l.integer("n_targets", 1), static_cast<TreeAggregate>(aggregate)}, operands);
  l.output(0, transform == 0   ? y
              : transform == 1 ? softmax(l, y, 1)
              : transform == 2 ? unary(l, "sigmoid", y)
              : transform == 3 ? softmax_zero(l, y)
                               : probit(l, y));
}

void translate_tf_idf_vectorizer(Layer& l) {
  if (!l.texts("pool_strings").empty()) l.unsupported("n-grams of strings");
  const std::string mode = l.text("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") l.invalid("`mode` is none of TF, IDF, TFIDF");
  TfIdfAttrs a;
  a.mode = mode == "TF" ? TfIdfMode::tf : mode == "IDF" ? TfIdfMode::idf : TfIdfMode::tfidf;
  a.min_length = l.integer("min_gram_length");
  a.max_length = l.integer("max_gram_length");
  a.max_skip = l.integer("max_skip_count");
  a.pool = l.integers("pool_int64s");
  a.starts = l.integers("ngram_counts");
  a.outputs = l.integers("ngram_indexes");
  a.weights = l.reals("weights");
  l.output(0, l.add("tf_idf", std::move(a), {l.in(0)}));
}

}  // namespace nb::onnx
