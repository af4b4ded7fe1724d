// Attention layers: the block `attention`, or written out where the scores are asked for or are no products.
#include <algorithm>
#include <cmath>

#include "blocks/attention/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// What Keras adds to scores that are masked: they vanish, and a row of nothing else is uniform.
constexpr double kMasked = -1e9;
constexpr std::int64_t kMaxScores = std::int64_t{1} << 26;

/// A boolean argument.
bool is_set(Layer& l, const std::string& keyword, std::size_t position) {
  const Argument* found = l.argument(position, keyword);
  if (found == nullptr) return false;
  if (!found->value.is_boolean()) l.invalid("its argument `" + keyword + "` is neither True nor False");
  return found->value.get<bool>();
}

ValueId as_boolean(Layer& l, ValueId mask) {
  return l.dtype(mask) == DType::boolean ? mask : binary(l, "not_equal", mask, 0.0);
}

ValueId both(Layer& l, ValueId a, ValueId b) {
  if (!a.is_present() || !b.is_present()) return a.is_present() ? a : b;
  return binary(l, "logical_and", a, b);
}

/// The mask of an argument: the one given, or its own.
ValueId mask_for(Layer& l, std::size_t position, const std::string& keyword, ValueId operand) {
  const ValueId given = l.tensor(position, keyword);
  if (given.is_present()) return as_boolean(l, given);
  return operand.is_present() ? l.mask_of(operand) : ValueId();
}

/// bool [1,Q,K]: what a query may see by its place alone.
ValueId places(Layer& l, std::int64_t queries, std::int64_t keys, bool is_causal, std::int64_t window) {
  Ints seen;
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j)
      seen.push_back((!is_causal || j <= i) && (window == 0 || std::abs(i - j) < window));
  return ints(l, seen, {1, queries, keys}, DType::boolean);
}

void check_scores(Layer& l, std::int64_t queries, std::int64_t keys) {
  if (queries * keys > kMaxScores) l.refuse(Kind::limit_exceeded, "the scores are too large");
}

// --- multi-head attention ---

/// A projection [in, heads, size] of x [N,T,in]: [N,T,heads,size].
ValueId projected(Layer& l, ValueId x, const Scope& part, std::int64_t heads, std::int64_t size) {
  const Shape s = l.shape(x);
  const ValueId kernel = l.weight_of(part, 0, "kernel", {s[2], heads, size});
  ValueId bias;
  if (l.flag("use_bias", true))
    bias = reshape(l, l.weight_of(part, 1, "bias", {heads, size}), {heads * size});
  const ValueId y = dense(l, x, reshape(l, kernel, {s[2], heads * size}), bias);
  return reshape(l, y, {s[0], s[1], heads, size});
}

/// A part of the layer: its attribute has an underscore in some classes and versions.
Scope part_of(Layer& l, const std::string& attribute, const std::string& name) {
  const Weights& weights = l.importer().weights();
  const Scope plain = weights.part(l.scope(), attribute, name);
  std::string where;
  if (weights.find(plain, 0, "kernel", where) != nullptr) return plain;
  const Scope hidden = weights.part(l.scope(), "_" + attribute, name);
  return weights.find(hidden, 0, "kernel", where) != nullptr ? hidden : plain;
}

struct Heads {
  std::int64_t queries, keys;  ///< how many of q, and of k and v
  std::int64_t size, value_size;
};

/// [N,T,H,D] as [N,H*times,T,D], each head `times` times.
ValueId heads_first(Layer& l, ValueId x, std::int64_t times) {
  return repeat_heads(l, transpose(l, x, {0, 2, 1, 3}), times);
}

void attend(Layer& l, const Heads& heads) {
  refuse_training(l);
  const ValueId query = as_real(l, l.in());
  const ValueId value_given = l.tensor(1, "value"), key_given = l.tensor(2, "key");
  if (!value_given.is_present()) l.invalid("it is called without a value");
  const ValueId value = as_real(l, value_given), key = key_given.is_present() ? as_real(l, key_given) : value;
  for (const ValueId id : {query, value, key})
    if (l.rank(id) != 3)
      l.unsupported("an operand " + type_text(l.type(id)) + ", not [samples,steps,features]",
                    "reshape it so that there is one axis of steps");
  const std::int64_t rows = l.dim(query, 1), columns = l.dim(key, 1);
  if (l.dim(value, 1) != columns) l.refuse(Kind::shape_mismatch, "key and value differ in their steps");
  check_scores(l, rows, columns);
  const std::int64_t window = l.integer("sliding_window", 0);
  const bool is_causal = is_set(l, "use_causal_mask", 9), shows = is_set(l, "return_attention_scores", 7);
  const double scale = 1.0 / std::sqrt(static_cast<double>(heads.size));

  // [N,1 or Q,1 or K] masks of data.
  ValueId mask;
  const ValueId of_query = mask_for(l, 3, "query_mask", l.in());
  if (of_query.is_present()) mask = unsqueeze(l, of_query, {2});
  for (const auto& [position, keyword, operand] :
       {std::tuple<std::size_t, const char*, ValueId>{4, "value_mask", value_given},
        {5, "key_mask", key_given}}) {
    const ValueId one = mask_for(l, position, keyword, operand);
    if (one.is_present()) mask = both(l, mask, unsqueeze(l, one, {1}));
  }
  ValueId given = l.tensor(6, "attention_mask");
  if (given.is_present()) given = as_boolean(l, given);
  // [N,Q,K] gets an axis of heads, [Q,K] is the same for all samples.
  if (given.is_present() && l.rank(given) == 2) given = unsqueeze(l, given, {0});
  if (given.is_present() && l.rank(given) == 4) {
    if (mask.is_present()) mask = unsqueeze(l, mask, {1});
    mask = both(l, given, mask);
  } else {
    mask = both(l, given, mask);
    if (mask.is_present()) mask = unsqueeze(l, mask, {1});
  }

  const ValueId q = projected(l, query, part_of(l, "query_dense", "query"), heads.queries, heads.size),
                k = projected(l, key, part_of(l, "key_dense", "key"), heads.keys, heads.size),
                v = projected(l, value, part_of(l, "value_dense", "value"), heads.keys, heads.value_size);
  const std::int64_t group = heads.queries / heads.keys;
  ValueId y, scores;  // y [N,T,H,D]
  if (shows) {
    if (is_causal || window > 0)
      mask = both(l, mask, unsqueeze(l, places(l, rows, columns, is_causal, window), {1}));
    const ValueId products =
        matmul(l, binary(l, "mul", heads_first(l, q, 1), scale), heads_first(l, k, group), false, true);
    if (mask.is_present()) {
      const ValueId hidden = where(l, mask, products, scalar(l, kMasked));
      scores = where(l, mask, softmax(l, hidden, 3), scalar(l, 0));
    } else {
      scores = softmax(l, products, 3);
    }
    y = transpose(l, matmul(l, scores, heads_first(l, v, group)), {0, 2, 1, 3});
  } else {
    AttentionAttrs a;
    a.scale = static_cast<float>(scale);
    a.q_axes = a.k_axes = a.v_axes = a.y_axes = "bthd";
    if (window > 0) a.left = a.right = window - 1;
    if (is_causal) a.right = 0;
    std::vector<ValueId> operands = {q, k, v};
    // With dropout Keras computes a softmax that gives 0 in rows that see nothing, as the block does;
    // without, such rows are uniform.
    if (mask.is_present())
      operands.push_back(l.real("dropout", 0) > 0 ? mask : where(l, mask, scalar(l, 0), scalar(l, kMasked)));
    y = l.add("attention", std::move(a), std::move(operands));
  }
  if (l.flag("use_gate", false)) {
    const ValueId gate =
        projected(l, query, part_of(l, "gate_dense", "gate"), heads.queries, heads.value_size);
    y = binary(l, "mul", y, unary(l, "sigmoid", gate));
  }
  // The output's projection [heads, size, out...].
  const Shape s = l.shape(y);
  const Ints out = l.integers("output_shape", 0, {l.dim(query, 2)});
  Shape kernel_shape = {s[2], s[3]}, shape = {s[0], s[1]};
  kernel_shape.insert(kernel_shape.end(), out.begin(), out.end());
  shape.insert(shape.end(), out.begin(), out.end());
  const std::int64_t width = product(out, 0, static_cast<std::int64_t>(out.size()));
  const Scope part = part_of(l, "output_dense", "attention_output");
  const ValueId kernel = reshape(l, l.weight_of(part, 0, "kernel", kernel_shape), {s[2] * s[3], width});
  ValueId bias;
  if (l.flag("use_bias", true)) bias = reshape(l, l.weight_of(part, 1, "bias", Shape(out)), {width});
  y = reshape(l, dense(l, reshape(l, y, {s[0], s[1], s[2] * s[3]}), kernel, bias), shape);
  l.set_mask(y, of_query);
  l.output(y);
  if (shows) l.output(scores);
}

}  // namespace

void translate_multi_head_attention(Layer& l) {
  const Ints axes = l.integers("attention_axes", 0, {1});
  if (axes != Ints{1})
    l.unsupported("attention_axes other than the steps", "reshape the input to one axis of steps");
  const std::int64_t count = l.integer("num_heads"), size = l.integer("key_dim");
  const Heads heads{count, count, size, l.integer("value_dim", size)};
  if (count < 1 || size < 1 || heads.value_size < 1)
    l.invalid("its num_heads, key_dim or value_dim is not positive");
  attend(l, heads);
}

void translate_grouped_query_attention(Layer& l) {
  const std::int64_t size = l.integer("head_dim");
  const Heads heads{l.integer("num_query_heads"), l.integer("num_key_value_heads"), size, size};
  if (size < 1 || heads.keys < 1 || heads.queries < 1 || heads.queries % heads.keys != 0)
    l.invalid("its num_key_value_heads do not divide its num_query_heads");
  attend(l, heads);
}

/// Attention and AdditiveAttention over [query, value, key].
void translate_attention(Layer& l) {
  refuse_training(l);
  std::vector<ValueId> ids = l.inputs();
  if (ids.size() != 2 && ids.size() != 3)
    l.invalid("it is not called with [query, value] or [query, value, key]");
  ValueId q_mask = l.mask_of(ids[0]), v_mask = l.mask_of(ids[1]);
  if (const Argument* given = l.argument(1, "mask")) {
    const auto item = [&](std::size_t i) {
      return i < given->items.size() && given->items[i].what == Argument::What::tensor
                 ? as_boolean(l, given->items[i].tensor)
                 : ValueId();
    };
    q_mask = item(0);
    v_mask = item(1);
  }
  const ValueId q = as_real(l, ids[0]), v = as_real(l, ids[1]), k = ids.size() == 3 ? as_real(l, ids[2]) : v;
  if (l.rank(q) != 3 || l.rank(v) != 3 || l.rank(k) != 3)
    l.unsupported("operands of a rank other than 3", "reshape them to [samples,steps,features]");
  const std::int64_t rows = l.dim(q, 1), columns = l.dim(k, 1), size = l.dim(q, 2);
  check_scores(l, rows, columns);
  const bool is_causal = is_set(l, "use_causal_mask", 4) || l.flag("causal", false);
  const bool shows = is_set(l, "return_attention_scores", 3),
             is_additive = l.class_name() == "AdditiveAttention";
  const bool is_concat = l.text("score_mode", "dot") == "concat";
  const bool has_scale = l.flag("use_scale", is_additive);

  ValueId allowed;  // [N or 1, Q or 1, K]
  if (v_mask.is_present()) allowed = unsqueeze(l, v_mask, {1});
  ValueId y, weights;
  if (!is_additive && !is_concat && !shows && !(is_causal && v_mask.is_present())) {
    // One head of the block. A learned scale is a number.
    AttentionAttrs a;
    a.q_axes = a.k_axes = a.v_axes = a.y_axes = "bthd";
    if (has_scale) a.scale = static_cast<float>(l.one_double(l.weight(0, "scale", {}), "scale"));
    if (is_causal) a.right = 0;
    const auto with_heads = [&](ValueId id) { return unsqueeze(l, id, {2}); };
    std::vector<ValueId> operands = {with_heads(q), with_heads(k), with_heads(v)};
    if (allowed.is_present())
      operands.push_back(unsqueeze(l, where(l, allowed, scalar(l, 0), scalar(l, kMasked)), {1}));
    y = squeeze(l, l.add("attention", std::move(a), std::move(operands)), {2});
  } else {
    ValueId scores;
    if (is_additive || is_concat) {
      ValueId sum = binary(l, "add", unsqueeze(l, q, {2}), unsqueeze(l, k, {1}));  // [N,Q,K,D]
      if (is_concat && has_scale) sum = binary(l, "mul", sum, l.weight(0, "scale", {}));
      ValueId bent = unary(l, "tanh", sum);
      if (is_additive && has_scale) bent = binary(l, "mul", bent, l.weight(0, "scale", {size}));
      scores = reduce(l, "reduce_sum", bent, {3}, false);
      if (is_concat)
        scores = binary(l, "mul", scores, l.weight(has_scale ? 1 : 0, "concat_score_weight", {}));
    } else {
      scores = matmul(l, q, k, false, true);
      if (has_scale) scores = binary(l, "mul", scores, l.weight(0, "scale", {}));
    }
    if (is_causal) allowed = both(l, allowed, places(l, rows, columns, true, 0));
    if (allowed.is_present())
      scores = binary(l, "add", scores, where(l, allowed, scalar(l, 0), scalar(l, kMasked)));
    weights = softmax(l, scores, 2);
    y = matmul(l, weights, v);
  }
  if (q_mask.is_present()) y = where(l, unsqueeze(l, q_mask, {2}), y, scalar(l, 0));
  l.set_mask(y, q_mask);
  l.output(y);
  if (shows) l.output(weights);
}

}  // namespace nb::keras
