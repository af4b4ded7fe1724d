// Dense layers, embeddings, masks, and what prepares inputs.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "blocks/dense/attributes.h"
#include "blocks/one_hot/attributes.h"
#include "blocks/slice/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

/// Parts of "ab...c,cd->ab...d", with "..." as '.'.
struct Equation {
  std::string x, w, y;
};

Equation parse_equation(Layer& l) {
  std::string text;
  for (const char c : l.text("equation", "")) {
    if (c == ' ') continue;
    if (c == '.' && !text.empty() && text.back() == '.') continue;
    text += c;
  }
  const std::size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    l.invalid("its equation `" + text + "` is not of the form `ab,bc->ac`");
  Equation e{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
  for (const std::string* part : {&e.x, &e.w, &e.y}) {
    for (std::size_t i = 0; i < part->size(); ++i)
      if (part->find((*part)[i], i + 1) != std::string::npos)
        l.unsupported("its equation `" + text + "` names an axis twice");
    if (part->size() > static_cast<std::size_t>(kMaxRank)) l.invalid("its equation has too many axes");
  }
  return e;
}

/// "..." of an operand as labels of their own, so many that the labels are those of its axes.
void widen(Layer& l, Equation& e, std::size_t rank) {
  const std::size_t dots = e.x.find('.');
  std::string more;
  if (dots != std::string::npos) {
    if (rank + 1 < e.x.size()) l.invalid("its equation names more axes than the input has");
    for (std::size_t i = 0; i < rank + 1 - e.x.size(); ++i) more += static_cast<char>('0' + i);
  }
  for (std::string* part : {&e.x, &e.y})
    if (const std::size_t at = part->find('.'); at != std::string::npos) part->replace(at, 1, more);
  if (e.x.size() != rank || e.w.find('.') != std::string::npos)
    l.invalid("its equation does not fit an input of rank " + std::to_string(rank));
}

Ints positions(Layer& l, const std::string& labels, const std::string& wanted) {
  Ints out;
  for (const char c : wanted) {
    const std::size_t at = labels.find(c);
    if (at == std::string::npos)
      l.invalid(std::string("its equation has an axis `") + c + "` that nothing has");
    out.push_back(static_cast<std::int64_t>(at));
  }
  return out;
}

std::int64_t size_of(const Shape& shape, const std::string& labels, const std::string& of) {
  std::int64_t n = 1;
  for (const char c : of) n *= shape[labels.find(c)];
  return n;
}

/// The product that the equation describes.
ValueId einsum(Layer& l, const Equation& e, ValueId x, ValueId w) {
  const Shape xs = l.shape(x), ws = l.shape(w);
  for (std::size_t i = 0; i < e.x.size(); ++i)
    if (const std::size_t at = e.w.find(e.x[i]); at != std::string::npos && ws[at] != xs[i])
      l.refuse(Kind::shape_mismatch,
               "its kernel " + shape_text(ws) + " does not fit the input " + shape_text(xs));
  std::string batch, free, summed, made, alone;
  for (const char c : e.x) {
    const bool in_w = e.w.find(c) != std::string::npos, in_y = e.y.find(c) != std::string::npos;
    (in_w ? (in_y ? batch : summed) : (in_y ? free : alone)) += c;
  }
  for (const char c : e.w)
    if (e.x.find(c) == std::string::npos) made += c;
  if (batch.size() + free.size() + made.size() != e.y.size())
    l.unsupported("its equation drops an axis of the kernel, or repeats one");
  std::string labels = e.x;
  if (!alone.empty()) {  // axes that only the input has add up
    x = reduce(l, "reduce_sum", x, positions(l, labels, alone), false);
    std::erase_if(labels, [&](char c) { return alone.find(c) != std::string::npos; });
  }
  const ValueId left = transpose(l, x, positions(l, labels, batch + free + summed));
  const ValueId right = transpose(l, w, positions(l, e.w, batch + made + summed));
  const std::int64_t k = size_of(xs, e.x, summed), f = size_of(xs, e.x, free), o = size_of(ws, e.w, made);
  Shape shape;
  for (const char c : batch + free) shape.push_back(xs[e.x.find(c)]);
  for (const char c : made) shape.push_back(ws[e.w.find(c)]);
  ValueId y;
  if (batch.empty()) {
    // The free axes stay as they are: a view of x, not a copy.
    Shape rows;
    for (const char c : free) rows.push_back(xs[e.x.find(c)]);
    rows.push_back(k);
    if (free.empty()) rows.insert(rows.begin(), 1);
    y = l.add("dense", DenseAttrs{}, {reshape(l, left, rows), reshape(l, right, {o, k})});
  } else {
    const std::int64_t b = size_of(xs, e.x, batch);
    y = matmul(l, reshape(l, left, {b, f, k}), reshape(l, right, {b, o, k}), false, true);
  }
  return transpose(l, reshape(l, y, shape), positions(l, batch + free + made, e.y));
}

/// The mean and variance of a Normalization layer along its axes: from its configuration, or its weights.
ValueId statistic(Layer& l, std::string_view name, std::size_t index, const Shape& kept,
                  const Shape& broadcast) {
  if (const Json* given = l.find(name)) {
    const ValueId value = l.as_constant(*given, name);
    const Shape s = l.shape(value);
    if (l.type(value).elements() == 1) return reshape(l, value, {});
    if (element_count(s) != element_count(broadcast))
      l.refuse(Kind::shape_mismatch,
               "its " + std::string(name) + " " + shape_text(s) + " does not fit the input");
    return reshape(l, value, broadcast);
  }
  return reshape(l, l.weight(index, name, kept), broadcast);
}

}  // namespace

void refuse_training(Layer& l) {
  const Argument* training = l.argument(~std::size_t{0}, "training");
  if (training != nullptr && training->value.is_boolean() && training->value.get<bool>())
    l.unsupported("it is called with training=True", "call it without, or with training=False");
}

ValueId dense(Layer& l, ValueId x, ValueId kernel, ValueId bias) {
  std::vector<ValueId> operands = {x, transpose(l, kernel, {1, 0})};
  if (bias.is_present()) operands.push_back(bias);
  return l.add("dense", DenseAttrs{}, std::move(operands));
}

void translate_identity(Layer& l) {
  for (const ValueId id : l.inputs()) l.output(id);
}

void translate_random(Layer& l) {
  refuse_training(l);
  l.output(l.in());
}

void translate_dense(Layer& l) {
  const ValueId x = as_real(l, l.in());
  l.require_rank(x, 1, "its input");
  const std::int64_t inputs = l.dim(x, l.rank(x) - 1), units = l.integer("units");
  const ValueId kernel = l.weight(0, "kernel", {inputs, units});
  const ValueId bias = l.flag("use_bias", true) ? l.weight(1, "bias", {units}) : ValueId();
  l.output(activated(l, dense(l, x, kernel, bias), l.find("activation")));
}

void translate_einsum_dense(Layer& l) {
  const ValueId x = as_real(l, l.in());
  Equation e = parse_equation(l);
  widen(l, e, static_cast<std::size_t>(l.rank(x)));
  const ValueId kernel = l.weight(0, "kernel", Shape(e.w.size(), -1));
  ValueId y = einsum(l, e, x, kernel);
  if (const std::string axes = l.text("bias_axes", ""); !axes.empty()) {
    // One number an index of the axes named; it broadcasts over those before and between them.
    Shape along;
    for (std::size_t i = 0; i < e.y.size(); ++i)
      along.push_back(axes.find(e.y[i]) == std::string::npos ? 1 : l.dim(y, static_cast<std::int64_t>(i)));
    const ValueId bias = l.stored_weight(1, "bias");
    if (l.type(bias).elements() != element_count(along))
      l.refuse(Kind::shape_mismatch,
               "its bias " + shape_text(l.shape(bias)) + " does not fit the axes `" + axes + "`");
    y = binary(l, "add", y, reshape(l, bias, along));
  }
  l.output(activated(l, y, l.find("activation")));
}

void translate_embedding(Layer& l) {
  const ValueId ids = l.in();
  const std::int64_t count = l.integer("input_dim"), size = l.integer("output_dim");
  const bool is_index = l.dtype(ids) == DType::i32 || l.dtype(ids) == DType::i64;
  const ValueId indices = is_index ? ids : cast(l, ids, DType::i32);
  if (const Argument* reverse = l.argument(1, "reverse");
      reverse != nullptr && reverse->value.is_boolean() && reverse->value.get<bool>()) {
    // ReversibleEmbedding: scores of all entries.
    const bool is_tied = l.flag("tie_weights", true);
    const ValueId kernel = is_tied ? transpose(l, l.weight(0, "embeddings", {count, size}), {1, 0})
                                   : l.weight(1, "reverse_embeddings", {size, count});
    ValueId y = dense(l, as_real(l, ids), kernel, ValueId());
    if (l.has("logit_soft_cap")) {
      const double cap = l.real("logit_soft_cap", 1);
      y = binary(l, "mul", unary(l, "tanh", binary(l, "div", y, cap)), cap);
    }
    return l.output(y);
  }
  const ValueId y = gather(l, l.weight(0, "embeddings", {count, size}), indices, 0);
  if (l.flag("mask_zero", false)) l.set_mask(y, binary(l, "not_equal", indices, 0.0));
  l.output(y);
}

void translate_masking(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const std::int64_t last = l.rank(x) - 1;
  const ValueId differs = binary(l, "not_equal", x, l.real("mask_value", 0));
  const ValueId counts = reduce(l, "reduce_any", differs, {last}, true);
  const ValueId y = where(l, counts, x, scalar(l, 0));
  l.set_mask(y, squeeze(l, counts, {last}));
  l.output(y);
}

void translate_rescaling(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const auto number = [&](std::string_view name, double fallback) {
    const Json* given = l.find(name);
    return given == nullptr ? scalar(l, fallback) : l.as_constant(*given, name);
  };
  l.output(binary(l, "add", binary(l, "mul", x, number("scale", 1)), number("offset", 0)));
}

/// Of keras.applications' ConvNeXt: a learned factor a channel.
void translate_layer_scale(Layer& l) {
  const ValueId x = as_real(l, l.in());
  l.output(binary(l, "mul", x, l.weight(0, "gamma", {l.dim(x, l.rank(x) - 1)})));
}

void translate_normalization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const std::int64_t rank = l.rank(x);
  Ints axes = l.axes(l.integers("axis", 0, {}), rank);
  std::sort(axes.begin(), axes.end());
  Shape kept, broadcast(static_cast<std::size_t>(rank), 1);
  for (const std::int64_t axis : axes) {
    kept.push_back(l.dim(x, axis));
    broadcast[static_cast<std::size_t>(axis)] = kept.back();
  }
  const ValueId mean = statistic(l, "mean", 0, kept, broadcast),
                variance = statistic(l, "variance", 1, kept, broadcast);
  const ValueId deviation = binary(l, "maximum", unary(l, "sqrt", variance), 1e-7);
  if (l.flag("invert", false)) return l.output(binary(l, "add", mean, binary(l, "mul", x, deviation)));
  // A product of the input with constants, where Keras divides.
  l.output(binary(l, "div", binary(l, "sub", x, mean), deviation));
}

/// The index of the bin that an element falls into: how many boundaries are not above it.
void translate_discretization(Layer& l) {
  const ValueId x = as_real(l, l.in());
  const Json* given = l.find("bin_boundaries");
  if (given == nullptr) l.unsupported("its boundaries are not in its configuration");
  const ValueId boundaries = l.as_constant(*given, "bin_boundaries");
  if (l.rank(boundaries) != 1 || l.text("output_mode", "int") != "int")
    l.unsupported("an output_mode other than int", "put a CategoryEncoding layer behind it");
  const ValueId is_above = binary(l, "greater_equal", unsqueeze(l, x, {l.rank(x)}), boundaries);
  l.output(reduce(l, "reduce_sum", cast(l, is_above, DType::i32), {l.rank(x)}, false));
}

void translate_category_encoding(Layer& l) {
  ValueId x = l.in();
  const std::int64_t count = l.integer("num_tokens");
  const std::string mode = l.text("output_mode", "multi_hot");
  if (count < 1) l.invalid("its num_tokens is " + std::to_string(count));
  if (l.argument(1, "count_weights") != nullptr) l.unsupported("count_weights");
  if (!is_integer(l.dtype(x)) || dtype_bytes(l.dtype(x)) < 4) x = cast(l, x, DType::i32);
  const std::int64_t rank = l.rank(x);
  if (mode == "one_hot" && rank > 0 && l.dim(x, rank - 1) == 1) x = squeeze(l, x, {rank - 1});
  const std::int64_t last = l.rank(x);
  const ValueId hot = cast(l, one_hot_mask(l, unsqueeze(l, x, {last}), count, last), DType::f32);
  if (mode == "one_hot") return l.output(hot);
  if (mode != "multi_hot" && mode != "count") l.invalid("its output_mode is `" + mode + "`");
  l.output(reduce(l, mode == "count" ? "reduce_sum" : "reduce_max", hot, {last - 1}, false));
}

}  // namespace nb::keras
