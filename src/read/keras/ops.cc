#include "read/keras/ops.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "blocks/argmax/attributes.h"
#include "blocks/attention/attributes.h"
#include "blocks/clip/attributes.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/topk/attributes.h"
#include "blocks/trilu/attributes.h"
#include "read/keras/importer.h"
#include "read/keras/operators.h"

namespace nb::keras {
namespace {

using namespace read;  // NOLINT(google-build-using-namespace)

bool holds_integers(const Json& json) {
  if (json.is_array()) return std::all_of(json.begin(), json.end(), holds_integers);
  if (json.is_object()) {  // a stored tensor says its dtype
    const Json* config = member(json, "config");
    const std::string dtype = config == nullptr ? "" : text_of(*config, "dtype");
    return dtype.find("int") != std::string::npos || dtype == "bool";
  }
  return json.is_number_integer() || json.is_boolean();
}

/// Both as one dtype, as Keras promotes them.
void promote(Layer& l, ValueId& a, ValueId& b) {
  const DType x = l.dtype(a), y = l.dtype(b);
  if (x == y) return;
  DType to = DType::f32;
  if (!is_float(x) && !is_float(y)) to = dtype_bytes(x) >= dtype_bytes(y) ? x : y;
  a = cast(l, a, to);
  b = cast(l, b, to);
}

void translate_op_unary(Layer& l) { l.output(unary(l, l.block(), as_real(l, operand(l, 0, "x")))); }
void translate_op_any_unary(Layer& l) { l.output(unary(l, l.block(), operand(l, 0, "x"))); }

void translate_op_round(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  const std::int64_t decimals = l.integer("decimals", 0);
  if (decimals < -30 || decimals > 30)
    l.refuse(Kind::attribute_out_of_range, "its decimals are " + std::to_string(decimals));
  if (decimals == 0) return l.output(unary(l, "round", x));
  const double factor = std::pow(10.0, static_cast<double>(decimals));
  l.output(binary(l, "div", unary(l, "round", binary(l, "mul", x, factor)), factor));
}

void translate_op_not(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (l.dtype(x) != DType::boolean) x = binary(l, "not_equal", x, 0.0);
  l.output(unary(l, "logical_not", x));
}

/// A named activation of the same parameters as the function's defaults.
void translate_op_activation(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  if (l.axis(l.integer("axis", -1), l.rank(x)) != l.rank(x) - 1) l.unsupported("an axis other than the last");
  l.output(activated(l, x, snake_case(l.class_name().substr(4))));
}

void translate_op_leaky_relu(Layer& l) {
  const auto slope = static_cast<float>(l.real("negative_slope", 0.2));
  l.output(l.add("leaky_relu", {as_real(l, operand(l, 0, "x"))}, {{"alpha", slope}}));
}
void translate_op_elu(Layer& l) {
  const auto alpha = static_cast<float>(l.real("alpha", 1));
  l.output(l.add(l.block(), {as_real(l, operand(l, 0, "x"))}, {{"alpha", alpha}}));
}
void translate_op_gelu(Layer& l) {
  l.output(gelu(l, as_real(l, operand(l, 0, "x")), l.flag("approximate", true)));
}
void translate_op_shrink(Layer& l) {
  const auto threshold = static_cast<float>(l.real("threshold", 0.5));
  const bool is_soft = l.class_name() == "ops.SoftShrink";
  l.output(l.add("shrink", {as_real(l, operand(l, 0, "x"))},
                 {{"alpha", threshold}, {"beta", is_soft ? threshold : 0.0f}}));
}
void translate_op_threshold(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  l.output(
      where(l, binary(l, "greater", x, l.real("threshold", 0)), x, scalar(l, l.real("default_value", 0))));
}
void translate_op_softmax(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  l.output(softmax_over(l, x, operation_axes(l, x, "axis"), l.class_name() == "ops.LogSoftmax"));
}

void translate_op_binary(Layer& l) {
  ValueId a = operand(l, 0, "x1"), b = operand(l, 1, "x2");
  promote(l, a, b);
  l.output(binary(l, l.block(), a, b));
}
void translate_op_divide(Layer& l) {
  l.output(binary(l, "div", as_real(l, operand(l, 0, "x1")), as_real(l, operand(l, 1, "x2"))));
}
void translate_op_logical(Layer& l) {
  const auto flag = [&](ValueId x) {
    return l.dtype(x) == DType::boolean ? x : binary(l, "not_equal", x, 0.0);
  };
  l.output(binary(l, l.block(), flag(operand(l, 0, "x1")), flag(operand(l, 1, "x2"))));
}

void translate_op_reduce(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (l.class_name() == "ops.Mean" || l.class_name() == "ops.Logsumexp") x = as_real(l, x);
  if (l.has("initial")) l.unsupported("`initial`");
  l.output(reduce(l, l.block(), x, operation_axes(l, x, "axis"), l.flag("keepdims", false)));
}

void translate_op_any(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (l.dtype(x) != DType::boolean) x = binary(l, "not_equal", x, 0.0);
  l.output(reduce(l, l.block(), x, operation_axes(l, x, "axis"), l.flag("keepdims", false)));
}

void translate_op_variance(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  const Ints axes = operation_axes(l, x, "axis");
  const ValueId centered = binary(l, "sub", x, reduce(l, "reduce_mean", x, axes, true));
  const ValueId variance =
      reduce(l, "reduce_mean", binary(l, "mul", centered, centered), axes, l.flag("keepdims", false));
  l.output(l.class_name() == "ops.Std" ? unary(l, "sqrt", variance) : variance);
}

void translate_op_matmul(Layer& l) {
  ValueId a = as_real(l, operand(l, 0, "x1")), b = as_real(l, operand(l, 1, "x2"));
  const bool is_row = l.rank(a) == 1, is_column = l.rank(b) == 1;
  if (is_row) a = unsqueeze(l, a, {0});
  if (is_column) b = unsqueeze(l, b, {1});
  ValueId y = matmul(l, a, b);
  if (is_column) y = squeeze(l, y, {l.rank(y) - 1});
  if (is_row) y = squeeze(l, y, {l.rank(y) - (is_column ? 1 : 2)});
  l.output(y);
}

void translate_op_clip(Layer& l) {
  const ValueId x = operand(l, 0, "x");
  const Json *low = l.find("x_min"), *high = l.find("x_max");
  if ((low != nullptr && !low->is_number()) || (high != nullptr && !high->is_number()))
    l.unsupported("bounds that are no numbers", "Minimum and Maximum stand for them");
  ClipAttrs a;
  if (low != nullptr) a.min = static_cast<float>(low->get<double>());
  if (high != nullptr) a.max = static_cast<float>(high->get<double>());
  l.output(l.add("clip", a, {x}));
}

void translate_op_where(Layer& l) {
  ValueId condition = operand(l, 0, "condition"), a = operand(l, 1, "x1"), b = operand(l, 2, "x2");
  if (l.dtype(condition) != DType::boolean) condition = binary(l, "not_equal", condition, 0.0);
  promote(l, a, b);
  l.output(where(l, condition, a, b));
}

void translate_op_arg(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (!l.has("axis")) {
    if (l.flag("keepdims", false)) l.unsupported("keepdims without an axis");
    x = reshape(l, x, {l.type(x).elements()});
  }
  ArgmaxAttrs a;
  a.axis = l.axis(l.integer("axis", 0), l.rank(x));
  a.keep_dims = l.flag("keepdims", false);
  a.to = DType::i32;
  l.output(l.add(l.block(), a, {x}));
}

void translate_op_cast(Layer& l) {
  const std::string name = l.text("dtype", "float32");
  const auto dtype = Importer::find_dtype(name);
  if (!dtype) l.unsupported("the dtype `" + name + "`");
  const ValueId x = operand(l, 0, "x");
  if (*dtype == DType::boolean)
    return l.output(l.dtype(x) == DType::boolean ? x : binary(l, "not_equal", x, 0.0));
  l.output(cast(l, x, is_float(*dtype) ? DType::f32 : *dtype));
}

void translate_op_one_hot(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (l.dtype(x) != DType::i32 && l.dtype(x) != DType::i64) x = cast(l, x, DType::i32);
  const std::int64_t rank = l.rank(x) + 1, axis = l.axis(l.integer("axis", -1), rank),
                     count = l.integer("num_classes");
  if (count < 1) l.invalid("its num_classes is " + std::to_string(count));
  const ValueId hot = one_hot_mask(l, unsqueeze(l, x, {axis}), count, axis);
  const auto dtype = Importer::find_dtype(l.text("dtype", "float32"));
  l.output(dtype == DType::boolean ? hot : cast(l, hot, dtype && !is_float(*dtype) ? *dtype : DType::f32));
}

void translate_op_running(Layer& l) {
  ValueId x = operand(l, 0, "x");
  if (!l.has("axis")) x = reshape(l, x, {l.type(x).elements()});
  l.output(l.add(l.block(), CumsumAttrs{l.axis(l.integer("axis", 0), l.rank(x))}, {x}));
}

void translate_op_triangle(Layer& l) {
  const ValueId x = operand(l, 0, "x");
  l.output(l.add("trilu", TriluAttrs{l.class_name() == "ops.Triu", l.integer("k", 0)}, {x}));
}

void translate_op_same(Layer& l) {
  const Argument* x = l.arguments().positional.empty() ? nullptr : &l.arguments().positional[0];
  l.output(x != nullptr ? operand(l, 0, "x") : operand(l, 0, "variable"));
}

void translate_op_filled(Layer& l) {
  const ValueId x = operand(l, 0, "x");
  const ValueId number = scalar(l, l.class_name() == "ops.OnesLike" ? 1 : 0, l.dtype(x));
  l.output(expand(l, number, l.shape(x)));
}

void translate_op_normalize(Layer& l) {
  const ValueId x = as_real(l, operand(l, 0, "x"));
  const std::int64_t order = l.integer("order", 2);
  const Ints axes = operation_axes(l, x, "axis");
  if (order != 1 && order != 2) l.unsupported("the order " + std::to_string(order));
  const ValueId norm = reduce(l, order == 1 ? "reduce_l1" : "reduce_l2", x, axes, true);
  l.output(binary(l, "div", x, binary(l, "maximum", norm, l.real("epsilon", 1e-7))));
}

void translate_op_top_k(Layer& l) {
  const ValueId x = operand(l, 0, "x");
  const TopkAttrs a{l.rank(x) - 1, l.integer("k"), true, DType::i32};
  for (const ValueId id : l.add_all("topk", Attributes(a), {x})) l.output(id);
}

/// Heads are the second last axis of the operands.
void translate_op_attention(Layer& l) {
  const ValueId q = as_real(l, operand(l, 0, "query")), k = as_real(l, operand(l, 1, "key")),
                v = as_real(l, operand(l, 2, "value"));
  AttentionAttrs a;
  a.q_axes = a.k_axes = a.v_axes = a.y_axes = "bthd";
  const Argument* scale = l.argument(5, "scale");
  a.scale = scale != nullptr && scale->value.is_number()
                ? static_cast<float>(scale->value.get<double>())
                : static_cast<float>(1.0 / std::sqrt(static_cast<double>(l.dim(q, l.rank(q) - 1))));
  a.softcap = static_cast<float>(l.real("attn_logits_soft_cap", 0));
  if (l.flag("is_causal", false)) a.right = 0;
  std::vector<ValueId> operands = {q, k, v};
  ValueId bias = l.tensor(3, "bias");
  const ValueId mask = l.tensor(4, "mask");
  if (mask.is_present()) {
    const ValueId hidden =
        where(l, l.dtype(mask) == DType::boolean ? mask : binary(l, "not_equal", mask, 0.0), scalar(l, 0),
              scalar(l, -1e9));
    bias = bias.is_present() ? binary(l, "add", bias, hidden) : hidden;
  }
  if (bias.is_present()) operands.push_back(bias);
  l.output(l.add("attention", std::move(a), std::move(operands)));
}

constexpr std::array kRows = {
    LayerRow{"ops.Absolute", translate_op_any_unary, "abs"},
    LayerRow{"ops.Add", translate_op_binary, "add"},
    LayerRow{"ops.All", translate_op_any, "reduce_all"},
    LayerRow{"ops.Amax", translate_op_reduce, "reduce_max"},
    LayerRow{"ops.Amin", translate_op_reduce, "reduce_min"},
    LayerRow{"ops.Any", translate_op_any, "reduce_any"},
    LayerRow{"ops.Arccos", translate_op_unary, "acos"},
    LayerRow{"ops.Arccosh", translate_op_unary, "acosh"},
    LayerRow{"ops.Arcsin", translate_op_unary, "asin"},
    LayerRow{"ops.Arcsinh", translate_op_unary, "asinh"},
    LayerRow{"ops.Arctan", translate_op_unary, "atan"},
    LayerRow{"ops.Arctan2", translate_op_binary, "atan2"},
    LayerRow{"ops.Arctanh", translate_op_unary, "atanh"},
    LayerRow{"ops.Argmax", translate_op_arg, "argmax"},
    LayerRow{"ops.Argmin", translate_op_arg, "argmin"},
    LayerRow{"ops.BroadcastTo", translate_op_broadcast_to, "expand"},
    LayerRow{"ops.Cast", translate_op_cast},
    LayerRow{"ops.Ceil", translate_op_unary, "ceil"},
    LayerRow{"ops.Celu", translate_op_elu, "celu"},
    LayerRow{"ops.Clip", translate_op_clip, "clip"},
    LayerRow{"ops.Concatenate", translate_op_concatenate, "concat"},
    LayerRow{"ops.Copy", translate_op_same},
    LayerRow{"ops.Cos", translate_op_unary, "cos"},
    LayerRow{"ops.Cosh", translate_op_unary, "cosh"},
    LayerRow{"ops.Cumprod", translate_op_running, "cumprod"},
    LayerRow{"ops.Cumsum", translate_op_running, "cumsum"},
    LayerRow{"ops.Divide", translate_op_divide, "div"},
    LayerRow{"ops.DotProductAttention", translate_op_attention, "attention"},
    LayerRow{"ops.Elu", translate_op_elu, "elu"},
    LayerRow{"ops.Equal", translate_op_binary, "equal"},
    LayerRow{"ops.Erf", translate_op_unary, "erf"},
    LayerRow{"ops.Exp", translate_op_unary, "exp"},
    LayerRow{"ops.ExpandDims", translate_op_expand_dims, "reshape"},
    LayerRow{"ops.Expm1", translate_op_unary, "expm1"},
    LayerRow{"ops.Flip", translate_op_flip, "slice"},
    LayerRow{"ops.Floor", translate_op_unary, "floor"},
    LayerRow{"ops.FloorDivide", translate_op_binary, "floor_div"},
    LayerRow{"ops.Gelu", translate_op_gelu, "gelu"},
    LayerRow{"ops.GetItem", translate_op_get_item},
    LayerRow{"ops.Glu", translate_op_activation},
    LayerRow{"ops.Greater", translate_op_binary, "greater"},
    LayerRow{"ops.GreaterEqual", translate_op_binary, "greater_equal"},
    LayerRow{"ops.HardShrink", translate_op_shrink, "shrink"},
    LayerRow{"ops.HardSigmoid", translate_op_activation},
    LayerRow{"ops.HardSilu", translate_op_activation},
    LayerRow{"ops.HardTanh", translate_op_activation},
    LayerRow{"ops.LeakyRelu", translate_op_leaky_relu, "leaky_relu"},
    LayerRow{"ops.Less", translate_op_binary, "less"},
    LayerRow{"ops.LessEqual", translate_op_binary, "less_equal"},
    LayerRow{"ops.Log", translate_op_unary, "log"},
    LayerRow{"ops.Log1p", translate_op_unary, "log1p"},
    LayerRow{"ops.LogSigmoid", translate_op_activation},
    LayerRow{"ops.LogSoftmax", translate_op_softmax, "log_softmax"},
    LayerRow{"ops.LogicalAnd", translate_op_logical, "logical_and"},
    LayerRow{"ops.LogicalNot", translate_op_not, "logical_not"},
    LayerRow{"ops.LogicalOr", translate_op_logical, "logical_or"},
    LayerRow{"ops.LogicalXor", translate_op_logical, "logical_xor"},
    LayerRow{"ops.Logsumexp", translate_op_reduce, "reduce_log_sum_exp"},
    LayerRow{"ops.Matmul", translate_op_matmul, "matmul"},
    LayerRow{"ops.Max", translate_op_reduce, "reduce_max"},
    LayerRow{"ops.Maximum", translate_op_binary, "maximum"},
    LayerRow{"ops.Mean", translate_op_reduce, "reduce_mean"},
    LayerRow{"ops.Min", translate_op_reduce, "reduce_min"},
    LayerRow{"ops.Minimum", translate_op_binary, "minimum"},
    LayerRow{"ops.Mod", translate_op_binary, "mod"},
    LayerRow{"ops.Moveaxis", translate_op_move_axis, "transpose"},
    LayerRow{"ops.Multiply", translate_op_binary, "mul"},
    LayerRow{"ops.Negative", translate_op_any_unary, "neg"},
    LayerRow{"ops.Normalize", translate_op_normalize},
    LayerRow{"ops.NotEqual", translate_op_binary, "not_equal"},
    LayerRow{"ops.OneHot", translate_op_one_hot},
    LayerRow{"ops.OnesLike", translate_op_filled},
    LayerRow{"ops.Pad", translate_op_pad, "pad"},
    LayerRow{"ops.Power", translate_op_binary, "pow"},
    LayerRow{"ops.Prod", translate_op_reduce, "reduce_prod"},
    LayerRow{"ops.Ravel", translate_op_ravel, "reshape"},
    LayerRow{"ops.Reciprocal", translate_op_unary, "reciprocal"},
    LayerRow{"ops.Relu", translate_op_activation},
    LayerRow{"ops.Relu6", translate_op_activation},
    LayerRow{"ops.Repeat", translate_op_repeat},
    LayerRow{"ops.Reshape", translate_op_reshape, "reshape"},
    LayerRow{"ops.Roll", translate_op_roll},
    LayerRow{"ops.Round", translate_op_round, "round"},
    LayerRow{"ops.Rsqrt", translate_op_unary, "rsqrt"},
    LayerRow{"ops.Selu", translate_op_activation},
    LayerRow{"ops.Sigmoid", translate_op_activation},
    LayerRow{"ops.Sign", translate_op_any_unary, "sign"},
    LayerRow{"ops.Silu", translate_op_activation},
    LayerRow{"ops.Sin", translate_op_unary, "sin"},
    LayerRow{"ops.Sinh", translate_op_unary, "sinh"},
    LayerRow{"ops.Slice", translate_op_slice, "slice"},
    LayerRow{"ops.SoftShrink", translate_op_shrink, "shrink"},
    LayerRow{"ops.Softmax", translate_op_softmax, "softmax"},
    LayerRow{"ops.Softplus", translate_op_activation},
    LayerRow{"ops.Softsign", translate_op_activation},
    LayerRow{"ops.SparsePlus", translate_op_activation},
    LayerRow{"ops.SparseSigmoid", translate_op_activation},
    LayerRow{"ops.Sparsemax", translate_op_activation},
    LayerRow{"ops.Split", translate_op_split},
    LayerRow{"ops.Sqrt", translate_op_unary, "sqrt"},
    LayerRow{"ops.Square", translate_op_any_unary, "square"},
    LayerRow{"ops.Squareplus", translate_op_activation},
    LayerRow{"ops.Squeeze", translate_op_squeeze, "reshape"},
    LayerRow{"ops.Stack", translate_op_stack, "concat"},
    LayerRow{"ops.Std", translate_op_variance},
    LayerRow{"ops.StopGradient", translate_op_same},
    LayerRow{"ops.Subtract", translate_op_binary, "sub"},
    LayerRow{"ops.Sum", translate_op_reduce, "reduce_sum"},
    LayerRow{"ops.Swapaxes", translate_op_swap_axes, "transpose"},
    LayerRow{"ops.Take", translate_op_take, "gather"},
    LayerRow{"ops.Tan", translate_op_unary, "tan"},
    LayerRow{"ops.Tanh", translate_op_unary, "tanh"},
    LayerRow{"ops.TanhShrink", translate_op_activation},
    LayerRow{"ops.Threshold", translate_op_threshold},
    LayerRow{"ops.Tile", translate_op_tile},
    LayerRow{"ops.TopK", translate_op_top_k, "topk"},
    LayerRow{"ops.Transpose", translate_op_transpose, "transpose"},
    LayerRow{"ops.Tril", translate_op_triangle, "trilu"},
    LayerRow{"ops.Triu", translate_op_triangle, "trilu"},
    LayerRow{"ops.TrueDivide", translate_op_divide, "div"},
    LayerRow{"ops.Trunc", translate_op_unary, "trunc"},
    LayerRow{"ops.Unstack", translate_op_unstack},
    LayerRow{"ops.Var", translate_op_variance},
    LayerRow{"ops.Where", translate_op_where, "where"},
    LayerRow{"ops.ZerosLike", translate_op_filled},
};
static_assert(std::is_sorted(kRows.begin(), kRows.end(),
                             [](const LayerRow& a, const LayerRow& b) { return a.type < b.type; }));

}  // namespace

ValueId operand(Layer& l, std::size_t position, const std::string& keyword) {
  const Argument* found = l.argument(position, keyword);
  if (found == nullptr) l.invalid("its argument `" + keyword + "` is missing");
  if (found->what == Argument::What::tensor) return found->tensor;
  if (found->what == Argument::What::list)
    l.unsupported("a list of tensors as its argument `" + keyword + "`");
  const bool is_truth = found->value.is_boolean();
  return l.as_constant(found->value, keyword,
                       is_truth                       ? DType::boolean
                       : holds_integers(found->value) ? DType::i32
                                                      : DType::f32);
}

Ints operation_axes(Layer& l, ValueId x, std::string_view name) {
  const std::int64_t rank = l.rank(x);
  if (l.has(name)) return l.axes(l.integers(name, 0), rank);
  return axes_from(0, rank);
}

const LayerRow* find_operation(std::string_view type) {
  const auto row = std::lower_bound(kRows.begin(), kRows.end(), type,
                                    [](const LayerRow& a, std::string_view b) { return a.type < b; });
  return row != kRows.end() && row->type == type ? &*row : nullptr;
}

std::vector<std::string> translated_operations() {
  std::vector<std::string> names;
  for (const LayerRow& row : kRows) names.emplace_back(row.type);
  return names;
}

}  // namespace nb::keras
