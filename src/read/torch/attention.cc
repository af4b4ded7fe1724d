// Attention: one block, which never makes a matrix of all scores.
#include "blocks/attention/attributes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "read/matmul.h"
#include "read/normalize.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

/// [...,H,T,D] as [B,H,T,D]: axes are put in front, or those in front become one.
ValueId four_axes(Layer& l, ValueId x) {
  const Shape s = l.shape(x);
  if (s.size() < 2) l.refuse(Kind::shape_mismatch, "an operand is " + type_text(l.type(x)));
  if (s.size() == 4) return x;
  if (s.size() < 4) {
    Shape shape = {1, 1, s[s.size() - 2], s.back()};
    if (s.size() == 3) shape[0] = s[0];
    return reshape(l, x, shape);
  }
  const std::int64_t rank = l.rank(x);
  return reshape(l, x, {product(s, 0, rank - 3), l.dim(x, rank - 3), l.dim(x, rank - 2), l.dim(x, rank - 1)});
}

/// The mask with the axes of the scores.
ValueId mask_of(Layer& l, ValueId mask, std::int64_t query_rank) {
  if (query_rank == 3 && l.rank(mask) == 3) return unsqueeze(l, mask, {1});
  return l.rank(mask) > 4 ? four_axes(l, mask) : mask;
}

/// Keys or values with heads repeated until there are as many as of the query.
ValueId with_heads(Layer& l, ValueId x, std::int64_t heads) {
  const Shape s = l.shape(x);
  if (s[1] == heads) return x;
  if (s[1] < 1 || heads % s[1] != 0)
    l.refuse(Kind::shape_mismatch,
             std::to_string(s[1]) + " key heads do not divide " + std::to_string(heads) + " query heads");
  const std::int64_t times = heads / s[1];
  const ValueId wide = expand(l, reshape(l, x, {s[0], s[1], 1, s[2], s[3]}), {s[0], s[1], times, s[2], s[3]});
  return reshape(l, wide, {s[0], heads, s[2], s[3]});
}

/// The masked scores, for what some forms give beside the output; where nothing reads it, it goes.
ValueId scores_of(Layer& l, ValueId q, ValueId k, ValueId mask, double scale, bool is_causal) {
  ValueId scores = matmul(l, binary(l, "mul", q, scale), with_heads(l, k, l.dim(q, 1)), false, true);
  if (mask.is_present())
    scores = binary(l, "add", scores, l.dtype(mask) == DType::boolean ? as_bias(l, mask) : mask);
  if (!is_causal) return scores;
  const std::int64_t rows = l.dim(q, 2), keys = l.dim(k, 2);
  const ValueId seen =
      binary(l, "greater_equal", iota(l, rows, DType::i64, 0, 2), iota(l, keys, DType::i64, 1, 2));
  return binary(l, "add", scores, as_bias(l, seen));
}

}  // namespace

void translate_attention(Layer& l) {
  const ValueId given = l.tensor("query");
  const ValueId q = four_axes(l, given), k = four_axes(l, l.tensor("key")),
                v = four_axes(l, l.tensor("value"));
  AttentionAttrs a;
  a.scale = static_cast<float>(l.real("scale", 1.0 / std::sqrt(static_cast<double>(l.dim(q, 3)))));
  const bool is_causal = l.flag("is_causal");
  if (is_causal) a.right = 0;
  if (l.real("dropout_p", 0) != 0) l.build.remark(Kind::remark, "Dropout is read as in inference");
  const std::string_view mask_name = l.takes("attn_bias") ? "attn_bias" : "attn_mask";
  const ValueId mask = l.has(mask_name) ? mask_of(l, l.tensor(mask_name), l.rank(given)) : ValueId();
  std::vector<ValueId> operands = {q, k, v};
  if (mask.is_present()) operands.push_back(mask);
  const ValueId y = l.add("attention", a, std::move(operands));
  Shape shape = l.shape(given);
  shape.back() = l.dim(y, 3);
  l.result(reshape(l, y, shape));
  if (l.op() == "aten.scaled_dot_product_attention") return;

  Shape rows(shape.begin(), shape.end() - 1);
  const ValueId scores = scores_of(l, q, k, mask, static_cast<double>(a.scale), is_causal);
  if (l.op() == "aten._scaled_dot_product_attention_math") {
    rows.push_back(l.dim(scores, 3));
    return l.result(reshape(l, softmax(l, scores, 3), rows));
  }
  l.result(reshape(l, reduce(l, "reduce_log_sum_exp", scores, {3}, false), rows));
  if (l.op() == "aten._scaled_dot_product_efficient_attention") {
    for (int i = 0; i < 2; ++i) l.result(ints(l, {0}, {}, DType::i64));  // the state of dropout's generator
  } else if (l.op() == "aten._scaled_dot_product_flash_attention") {
    for (int i = 0; i < 2; ++i) l.result(Item());  // of sequences of several lengths, of which there are none
    l.result(Item(l.dim(q, 2)));
    l.result(Item(l.dim(k, 2)));
    for (int i = 0; i < 2; ++i) l.result(ints(l, {0}, {}, DType::i64));
    l.result(floats(l, {}, {0}));
  }
}

namespace {

/// x w^T + b.
ValueId linear(Layer& l, ValueId x, ValueId w, ValueId b) {
  const Shape s = l.shape(x);
  const std::int64_t rank = l.rank(x);
  Shape shape = s;
  shape.back() = l.dim(w, 0);
  return reshape(l, gemm(l, {reshape(l, x, {product(s, 0, rank - 1), s.back()})}, {w, true}, b), shape);
}

/// Packed weights of several heads, as the fused forms have them.
struct Heads {
  std::int64_t count;
  ValueId qkv_weight, qkv_bias, out_weight, out_bias;
};

/// What is hidden, as the kinds of mask say: 0 [T,S], 1 [N,S], 2 [N,H,T,S]. Anything but 0 hides.
ValueId visible(Layer& l, ValueId mask, std::int64_t kind) {
  if (l.rank(mask) == 2 && kind == 1) mask = unsqueeze(l, mask, {1, 2});
  return unary(l, "logical_not", cast(l, mask, DType::boolean));
}

struct HeadsOutcome {
  ValueId y, weights;
};
/// Attention of several heads between projections; q, k, v [N,T,E].
HeadsOutcome multi_head(Layer& l, ValueId q, ValueId k, ValueId v, const Heads& heads, ValueId mask,
                        bool shows_weights) {
  if (l.rank(q) != 3 || l.rank(k) != 3 || l.rank(v) != 3)
    l.refuse(Kind::shape_mismatch, "query, key or value is not [N,T,E]");
  const std::int64_t width = l.dim(q, 2);
  if (heads.count < 1 || width % heads.count != 0 || l.rank(heads.qkv_weight) != 2 ||
      l.dim(heads.qkv_weight, 0) != 3 * width || l.type(heads.qkv_bias).elements() != 3 * width)
    l.refuse(Kind::shape_mismatch, std::to_string(heads.count) + " heads of weights " +
                                       shape_text(l.shape(heads.qkv_weight)) + " for " +
                                       shape_text(l.shape(q)));
  const auto projected = [&](ValueId x, std::int64_t part) {
    const ValueId y = linear(l, x, slice_axis(l, heads.qkv_weight, 0, part * width, width),
                             slice_axis(l, heads.qkv_bias, 0, part * width, width));
    return reshape(l, y, {l.dim(x, 0), l.dim(x, 1), heads.count, width / heads.count});
  };
  AttentionAttrs a;
  a.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width / heads.count)));
  a.q_axes = a.k_axes = a.v_axes = a.y_axes = "bthd";
  const ValueId pq = projected(q, 0), pk = projected(k, 1), pv = projected(v, 2);
  std::vector<ValueId> operands = {pq, pk, pv};
  if (mask.is_present()) operands.push_back(mask);
  const ValueId y = l.add("attention", a, std::move(operands));
  HeadsOutcome out;
  out.y = linear(l, reshape(l, y, {l.dim(q, 0), l.dim(q, 1), width}), heads.out_weight, heads.out_bias);
  if (shows_weights) {
    const auto heads_first = [&](ValueId x) { return transpose(l, x, {0, 2, 1, 3}); };
    out.weights = softmax(
        l, scores_of(l, heads_first(pq), heads_first(pk), mask, static_cast<double>(a.scale), false), 3);
  }
  return out;
}

Heads heads_of(Layer& l, std::string_view count) {
  return {l.integer(count), l.tensor("qkv_weight"), l.tensor("qkv_bias"), l.tensor("proj_weight"),
          l.tensor("proj_bias")};
}

}  // namespace

void translate_native_multi_head_attention(Layer& l) {
  const bool shows = l.flag("need_weights", true);
  const ValueId mask = l.has("mask") ? visible(l, l.tensor("mask"), l.integer("mask_type", 0)) : ValueId();
  const HeadsOutcome out = multi_head(l, l.tensor("query"), l.tensor("key"), l.tensor("value"),
                                      heads_of(l, "num_head"), mask, shows);
  l.result(out.y);
  if (!shows) return l.result(floats(l, {}, {0}));
  l.result(l.flag("average_attn_weights", true) ? reduce(l, "reduce_mean", out.weights, {1}, false)
                                                : out.weights);
}

/// A whole encoder layer: attention and two dense layers, each added to what went in and normalized.
void translate_transformer_encoder_layer(Layer& l) {
  const bool is_first = l.flag("norm_first");
  const ValueId mask = l.has("mask") ? visible(l, l.tensor("mask"), l.integer("mask_type", 0)) : ValueId();
  const auto normal = [&](ValueId x, std::string_view scale, std::string_view bias) {
    LayerNormAttrs a;
    a.axis = l.rank(x) - 1;
    a.epsilon = static_cast<float>(l.real("eps"));
    return layer_norm(l, x, l.tensor(scale), l.tensor(bias), a)[0];
  };
  ValueId x = l.tensor("src");
  ValueId in = is_first ? normal(x, "norm_weight_1", "norm_bias_1") : x;
  x = binary(l, "add", x, multi_head(l, in, in, in, heads_of(l, "num_heads"), mask, false).y);
  if (!is_first) x = normal(x, "norm_weight_1", "norm_bias_1");
  in = is_first ? normal(x, "norm_weight_2", "norm_bias_2") : x;
  const ValueId wide = linear(l, in, l.tensor("ffn_weight_1"), l.tensor("ffn_bias_1"));
  const ValueId active = unary(l, l.flag("use_gelu") ? "gelu" : "relu", wide);
  x = binary(l, "add", x, linear(l, active, l.tensor("ffn_weight_2"), l.tensor("ffn_bias_2")));
  l.result(is_first ? x : normal(x, "norm_weight_2", "norm_bias_2"));
}

}  // namespace nb::torch
