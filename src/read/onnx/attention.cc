// Attention and its relatives; what the block `attention` does not do is written out in others.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/attention/attributes.h"
#include "read/onnx/importer.h"
#include "read/onnx/operators.h"

namespace nb::onnx {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// [B,S,H*D] as [B,H,S,D].
ValueId split_heads(Layer& l, ValueId x, std::int64_t heads) {
  const Shape s = l.shape(x);
  if (s.size() != 3 || heads < 1 || s[2] % heads != 0)
    l.refuse(Kind::shape_mismatch,
             shape_text(s) + " does not split into " + std::to_string(heads) + " heads");
  return transpose(l, reshape(l, x, {s[0], s[1], heads, s[2] / heads}), {0, 2, 1, 3});
}
ValueId join_heads(Layer& l, ValueId x) {
  const Shape s = l.shape(x);
  return reshape(l, transpose(l, x, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
}

std::int64_t group_size(Layer& l, ValueId q, ValueId k) {
  const std::int64_t heads = l.dim(q, 1), shared = l.dim(k, 1);
  if (shared < 1 || heads % shared != 0)
    l.refuse(Kind::shape_mismatch,
             std::to_string(shared) + " key heads do not divide " + std::to_string(heads) + " query heads");
  return heads / shared;
}

/// The sum of what masks scores [B,H,Q,S]: the model's mask, causality, windows, lengths. Absent: nothing.
struct Masks {
  std::int64_t batch, queries, keys;
  ValueId bias = {};
  void add(Layer& l, ValueId more) { bias = bias.is_present() ? binary(l, "add", bias, more) : more; }
};

void add_given_mask(Layer& l, Masks& m, ValueId mask) {
  ValueId bias = l.dtype(mask) == DType::boolean ? as_bias(l, mask) : mask;
  const std::int64_t rank = l.rank(bias), missing = m.keys - l.dim(bias, rank - 1);
  if (missing > 0 && (l.dim(bias, rank - 1) != 1 || m.keys == 1)) {
    Ints before(static_cast<std::size_t>(rank), 0), after = before;
    after.back() = missing;
    bias = pad_constant(l, bias, before, after, -std::numeric_limits<float>::infinity());
  }
  m.add(l, bias);
}

/// Query i stands at i + offset; it sees key j if -right <= i + offset - j <= left, unbounded where negative.
void add_window(Layer& l, Masks& m, std::int64_t left, std::int64_t right, std::int64_t past,
                ValueId lengths) {
  if (left < 0 && right < 0) return;
  Ints distance;
  for (std::int64_t i = 0; i < m.queries; ++i)
    for (std::int64_t j = 0; j < m.keys; ++j) distance.push_back(i + past - j);
  ValueId d = ints(l, distance, {m.queries, m.keys});
  if (lengths.is_present()) {
    const ValueId offset = binary(l, "sub", cast(l, lengths, DType::i64), static_cast<double>(m.queries));
    d = binary(l, "add", d, reshape(l, offset, {m.batch, 1, 1, 1}));
  }
  if (left >= 0) m.add(l, as_bias(l, binary(l, "less_equal", d, static_cast<double>(left))));
  if (right >= 0) m.add(l, as_bias(l, binary(l, "greater_equal", d, static_cast<double>(-right))));
}

/// softmax of scores + bias, 0 in rows whose bias leaves no key.
ValueId masked_softmax(Layer& l, ValueId biased, ValueId bias) {
  const ValueId p = softmax(l, biased, l.rank(biased) - 1);
  if (!bias.is_present()) return p;
  const ValueId best = reduce(l, "reduce_max", bias, {l.rank(bias) - 1}, true);
  const ValueId is_masked = binary(l, "equal", best, kMinusInfinity);
  if (l.is_constant(is_masked)) {
    const Ints masked = l.ints(is_masked, "mask");
    if (std::find(masked.begin(), masked.end(), 1) == masked.end()) return p;
  }
  return where(l, is_masked, scalar(l, 0), p);
}

/// softmax(scale * q k^T + mask) v written out, for models that show the scores. Tensors [B,H,S,D].
ValueId shown_attention(Layer& l, ValueId q, ValueId k, ValueId v, ValueId bias, const AttentionAttrs& a) {
  const std::int64_t group = group_size(l, q, k);
  const ValueId product =
      matmul(l, binary(l, "mul", q, static_cast<double>(a.scale)), repeat_heads(l, k, group), false, true);
  ValueId scores = product;
  if (a.softcap > 0) {
    const ValueId bounded = unary(l, "tanh", binary(l, "div", scores, static_cast<double>(a.softcap)));
    scores = binary(l, "mul", bounded, static_cast<double>(a.softcap));
  }
  const ValueId biased = bias.is_present() ? binary(l, "add", scores, bias) : scores;
  const ValueId p = masked_softmax(l, biased, bias);
  const std::int64_t mode = l.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    l.refuse(Kind::attribute_out_of_range, "qk_matmul_output_mode is " + std::to_string(mode));
  const ValueId shown[] = {product, scores, biased, p};
  l.output(3, shown[mode]);
  return matmul(l, p, repeat_heads(l, v, group));
}

}  // namespace

void translate_attention(Layer& l) {
  ValueId q = l.in(0), k = l.in(1), v = l.in(2);
  const bool is_packed = l.rank(q) == 3, is_shown = l.wants(3), has_past = l.has(4);
  if (has_past != l.has(5)) l.invalid("past_key and past_value go together");
  // Packed operands [B,S,H*D] are tensors [B,S,H,D] as they lie; a cache and the scores have heads first.
  AttentionAttrs a;
  if (is_packed) {
    const std::int64_t heads = l.integer("q_num_heads"), shared = l.integer("kv_num_heads");
    const auto split = [&](ValueId x, std::int64_t count, bool is_first, std::string& axes) {
      const ValueId first = split_heads(l, x, count);
      if (is_first) return first;
      axes = "bthd";
      const Shape s = l.shape(first);
      return reshape(l, x, {s[0], s[2], s[1], s[3]});
    };
    q = split(q, heads, is_shown, a.q_axes);
    k = split(k, shared, is_shown || has_past || l.wants(1), a.k_axes);
    v = split(v, shared, is_shown || has_past || l.wants(2), a.v_axes);
  }
  if (l.rank(q) != 4 || l.rank(k) != 4 || l.rank(v) != 4)
    l.refuse(Kind::shape_mismatch, "Q, K or V is of neither rank 3 nor 4");
  std::int64_t past = 0;
  if (has_past) {
    past = l.dim(l.in(4), 2);
    k = concat(l, {l.in(4), k}, 2);
    v = concat(l, {l.in(5), v}, 2);
  }
  l.output(1, k);
  l.output(2, v);
  const auto rows = [&](ValueId x, const std::string& axes) { return l.dim(x, axes == "bthd" ? 1 : 2); };
  a.scale = l.real("scale", static_cast<float>(1.0 / std::sqrt(static_cast<double>(l.dim(q, 3)))));
  a.softcap = std::max(l.real("softcap", 0.0f), 0.0f);

  Masks masks{l.dim(q, 0), rows(q, a.q_axes), rows(k, a.k_axes)};
  if (masks.queries * masks.keys > (std::int64_t{1} << 26))
    l.refuse(Kind::limit_exceeded, "the scores are too large");
  if (l.has(3)) add_given_mask(l, masks, l.in(3));
  const std::int64_t left = l.integer("left_window_size", -1), right = l.integer("right_window_size", -1);
  const bool is_causal = l.flag("is_causal", false);
  const ValueId lengths = has_past ? ValueId() : l.optional(6);
  if (is_shown || lengths.is_present()) {
    if (is_causal) add_window(l, masks, -1, 0, past, lengths);
    add_window(l, masks, left, right, past, lengths);
  } else {
    a.left = std::max<std::int64_t>(left, -1);
    a.right = is_causal ? 0 : std::max<std::int64_t>(right, -1);
    a.offset = past;
  }
  if (l.has(6)) {
    const ValueId n = reshape(l, cast(l, l.in(6), DType::i64), {masks.batch, 1, 1, 1});
    masks.add(l, as_bias(l, binary(l, "less", iota(l, masks.keys, DType::i64, 3, 4), n)));
  }
  if (is_shown) {
    const ValueId y = shown_attention(l, q, k, v, masks.bias, a);
    return l.output(0, is_packed ? join_heads(l, y) : y);
  }
  if (is_packed) a.y_axes = "bthd";
  std::vector<ValueId> operands = {q, k, v};
  if (masks.bias.is_present()) operands.push_back(masks.bias);
  const ValueId y = l.add("attention", a, std::move(operands));
  const Shape s = l.shape(y);
  l.output(0, is_packed ? reshape(l, y, {s[0], s[1], s[2] * s[3]}) : y);
}

void translate_flex_attention(Layer& l) {
  const ValueId q = l.in(0), k = l.in(1), v = l.in(2);
  if (l.rank(q) != 4 || l.rank(k) != 4 || l.rank(v) != 4)
    l.refuse(Kind::shape_mismatch, "Q, K or V is not of rank 4");
  const std::int64_t group = group_size(l, q, k);
  const float scale = l.real("scale", static_cast<float>(1.0 / std::sqrt(static_cast<double>(l.dim(q, 3)))));
  const auto modified = [&](ValueId x, std::string_view name) {
    if (!l.has_attribute(name)) return x;
    const auto results =
        l.importer().run_subgraph(l, l.importer().subgraph(l, name), std::vector{x}, std::string(name));
    if (results.size() != 1) l.invalid("`" + std::string(name) + "` does not have one output");
    return results[0];
  };
  const ValueId scores =
      matmul(l, binary(l, "mul", q, static_cast<double>(scale)), repeat_heads(l, k, group), false, true);
  const ValueId p = modified(softmax(l, modified(scores, "score_mod"), 3), "prob_mod");
  l.output(0, matmul(l, p, repeat_heads(l, v, group)));
}

void translate_rotary_embedding(Layer& l) {
  ValueId x = l.in(0), cosine = l.in(1), sine = l.in(2);
  const bool is_packed = l.rank(x) == 3;
  if (is_packed) x = split_heads(l, x, l.integer("num_heads"));
  if (l.rank(x) != 4) l.refuse(Kind::shape_mismatch, "the input is of neither rank 3 nor 4");
  const std::int64_t size = l.dim(x, 3), given = l.integer("rotary_embedding_dim", 0),
                     rotated = given == 0 ? size : given;
  if (rotated < 2 || rotated > size || rotated % 2 != 0)
    l.refuse(Kind::attribute_out_of_range, "rotary_embedding_dim is " + std::to_string(rotated));
  const std::int64_t half = rotated / 2;
  if (l.has(3)) {
    cosine = gather(l, cosine, l.in(3), 0);
    sine = gather(l, sine, l.in(3), 0);
  }
  if (l.rank(cosine) != 3 || l.rank(sine) != 3)
    l.refuse(Kind::shape_mismatch, "the caches do not have one row a position");
  cosine = unsqueeze(l, cosine, {1});  // [B,1,S,half]
  sine = unsqueeze(l, sine, {1});
  const bool is_interleaved = l.flag("interleaved", false);
  const ValueId turning = slice_axis(l, x, 3, 0, rotated);
  const ValueId a =
      is_interleaved ? slice_axis(l, turning, 3, 0, half, 2) : slice_axis(l, turning, 3, 0, half);
  const ValueId b =
      is_interleaved ? slice_axis(l, turning, 3, 1, half, 2) : slice_axis(l, turning, 3, half, half);
  const ValueId real = binary(l, "sub", binary(l, "mul", a, cosine), binary(l, "mul", b, sine));
  const ValueId imaginary = binary(l, "add", binary(l, "mul", a, sine), binary(l, "mul", b, cosine));
  ValueId y;
  if (is_interleaved)
    y = reshape(l, concat(l, {unsqueeze(l, real, {4}), unsqueeze(l, imaginary, {4})}, 4), l.shape(turning));
  else
    y = concat(l, {real, imaginary}, 3);
  if (rotated < size) y = concat(l, {y, slice_axis(l, x, 3, rotated, size - rotated)}, 3);
  l.output(0, is_packed ? join_heads(l, y) : y);
}

/// The recurrence over time, written out: state [B,H,Dk,Dv].
void translate_linear_attention(Layer& l) {
  const std::int64_t heads = l.integer("q_num_heads"), shared = l.integer("kv_num_heads");
  const std::string rule = l.text("update_rule", "gated_delta");
  const bool is_gated = rule == "gated" || rule == "gated_delta",
             is_delta = rule == "delta" || rule == "gated_delta";
  if (!is_gated && !is_delta && rule != "linear")
    l.invalid("update_rule `" + rule + "` is none of linear, gated, delta, gated_delta");
  const ValueId q = split_heads(l, l.in(0), heads), k = split_heads(l, l.in(1), shared),
                v = split_heads(l, l.in(2), shared);
  const std::int64_t group = group_size(l, q, k), batch = l.dim(q, 0), steps = l.dim(q, 2),
                     keys = l.dim(q, 3), values = l.dim(v, 3);
  if (steps > 1024) l.refuse(Kind::limit_exceeded, std::to_string(steps) + " steps cannot be written out");
  ValueId decay, beta;
  if (is_gated) {
    decay = unary(l, "exp", split_heads(l, l.in(4), shared));  // [B,H,T,1 or Dk]
    decay = transpose(l, decay, {0, 1, 3, 2});
  }
  if (is_delta) beta = split_heads(l, l.in(5), l.dim(l.in(5), 2));
  const float given = l.real("scale", 0.0f);
  const double scale =
      given == 0.0f ? 1.0 / std::sqrt(static_cast<double>(keys)) : static_cast<double>(given);
  ValueId state = l.has(3) ? l.in(3) : expand(l, scalar(l, 0), {batch, shared, keys, values});
  std::vector<ValueId> outputs;
  for (std::int64_t t = 0; t < steps; ++t) {
    const ValueId q_t = slice_axis(l, q, 2, t, 1), k_t = slice_axis(l, k, 2, t, 1);
    ValueId v_t = slice_axis(l, v, 2, t, 1);
    if (is_gated) state = binary(l, "mul", state, slice_axis(l, decay, 3, t, 1));
    if (is_delta)
      v_t = binary(l, "mul", slice_axis(l, beta, 2, t, 1), binary(l, "sub", v_t, matmul(l, k_t, state)));
    state = binary(l, "add", state, binary(l, "mul", transpose(l, k_t, {0, 1, 3, 2}), v_t));
    outputs.push_back(matmul(l, binary(l, "mul", q_t, scale), repeat_heads(l, state, group)));
  }
  l.output(0, join_heads(l, concat(l, outputs, 2)));
  l.output(1, state);
}

void translate_causal_conv_with_state(Layer& l) {
  const ValueId x = l.in(0), w = l.in(1);
  if (l.rank(x) != 3 || l.rank(w) != 3 || l.dim(w, 1) != 1 || l.dim(w, 0) != l.dim(x, 1))
    l.refuse(Kind::shape_mismatch,
             "weights " + shape_text(l.shape(w)) + " do not fit " + shape_text(l.shape(x)));
  const std::int64_t taps = l.dim(w, 2), channels = l.dim(x, 1), length = l.dim(x, 2);
  if (taps < 1) l.invalid("its weights " + shape_text(l.shape(w)) + " are empty");
  ValueId padded = x;
  if (l.has(3))
    padded = taps > 1 ? concat(l, {l.in(3), x}, 2) : x;
  else
    padded = pad_constant(l, x, {0, 0, taps - 1}, {0, 0, 0}, 0.0f);
  // One product a tap: the weights are few and the sum is elementwise.
  ValueId y;
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const ValueId factor = reshape(l, slice_axis(l, w, 2, tap, 1), {channels, 1});
    const ValueId term = binary(l, "mul", slice_axis(l, padded, 2, tap, length), factor);
    y = y.is_present() ? binary(l, "add", y, term) : term;
  }
  if (l.has(2)) y = binary(l, "add", y, along_axis(l, l.in(2), 1, 3));
  const std::string activation = l.text("activation", "none");
  if (activation == "silu" || activation == "swish")
    y = l.add("silu", {y}, {{"alpha", 1.0f}});
  else if (activation != "none")
    l.invalid("activation `" + activation + "` is none of none, silu, swish");
  l.output(0, y);
  if (l.wants(1)) l.output(1, slice_axis(l, padded, 2, length, taps - 1));
}

/// Writes `update` into a cache along an axis, for each sample from its own index on.
void translate_tensor_scatter(Layer& l) {
  const ValueId past = l.in(0), update = l.in(1);
  const std::int64_t rank = l.rank(past), axis = l.axis(l.integer("axis", -2), rank);
  const bool is_circular = l.text("mode", "linear") == "circular";
  if (axis < 1 || l.rank(update) != rank)
    l.refuse(Kind::shape_mismatch, "the cache and the update do not fit");
  const std::int64_t batch = l.dim(past, 0), places = l.dim(past, axis), count = l.dim(update, axis);
  const ValueId first =
      l.has(2) ? cast(l, l.in(2), DType::i64) : ints(l, Ints(static_cast<std::size_t>(batch), 0), {batch});
  // Where in the update each place of the cache is: [B, places].
  ValueId from = binary(l, "sub", iota(l, places, DType::i64, 1, 2), reshape(l, first, {batch, 1}));
  if (is_circular) from = binary(l, "mod", from, static_cast<double>(places));
  const ValueId is_new = binary(l, "logical_and", binary(l, "greater_equal", from, 0.0),
                                binary(l, "less", from, static_cast<double>(count)));
  const ValueId inside = where(l, is_new, from, scalar(l, 0, DType::i64));
  Shape mask_shape(static_cast<std::size_t>(rank), 1);
  mask_shape[0] = batch;
  mask_shape[static_cast<std::size_t>(axis)] = places;
  l.output(0, where(l, reshape(l, is_new, mask_shape), gather(l, update, inside, axis, 1), past));
}

/// Each sample's first lengths[b] steps backwards.
void translate_reverse_sequence(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t rank = l.rank(x), batch_axis = l.axis(l.integer("batch_axis", 1), rank),
                     time_axis = l.axis(l.integer("time_axis", 0), rank);
  if (batch_axis == time_axis) l.invalid("its batch and time axes are one");
  Ints perm = {batch_axis, time_axis};
  for (std::int64_t i = 0; i < rank; ++i)
    if (i != batch_axis && i != time_axis) perm.push_back(i);
  const ValueId time = iota(l, l.dim(x, time_axis), DType::i64, 1, 2);
  const ValueId lengths = reshape(l, cast(l, l.in(1), DType::i64), {l.dim(x, batch_axis), 1});
  const ValueId mirrored = binary(l, "sub", binary(l, "sub", lengths, 1.0), time);
  const ValueId from = where(l, binary(l, "less", time, lengths), mirrored, time);
  l.output(0, transpose(l, gather(l, transpose(l, x, perm), from, 1, 1), inverse_perm(perm)));
}

}  // namespace nb::onnx
