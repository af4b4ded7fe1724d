// Operators that work element by element.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "read/torch/operators.h"

namespace nb::torch {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A parameter of a schema and the block's name for it.
struct NamedParameter {
  std::string_view op, theirs, ours;
};
constexpr std::array kParameters = {
    NamedParameter{"aten.leaky_relu", "negative_slope", "alpha"},
    NamedParameter{"aten.celu", "alpha", "alpha"},
};

ValueId clipped(Layer& l, ValueId x, double min, double max) {
  return l.add("clip", {x}, {{"min", static_cast<float>(min)}, {"max", static_cast<float>(max)}});
}

/// a - b * floor or trunc of a / b.
ValueId rounded_quotient(Layer& l, const Promoted& p, std::string_view mode) {
  if (is_float(l.dtype(p.a))) return unary(l, mode, binary(l, "div", p.a, p.b));
  return binary(l, mode == "floor" ? "floor_div" : "div", p.a, p.b);
}

}  // namespace

/// Functions of real numbers, and those that keep their operand's dtype.
void translate_unary(Layer& l) {
  ValueId x = l.tensor(l.takes("self") ? "self" : "input");
  const Block& block = *l.build.blocks().find(l.block());
  if (!block.inputs[0].dtypes.has(l.dtype(x))) x = as_real(l, x);
  Attributes attributes = block.attributes.make();
  for (const NamedParameter& parameter : kParameters)
    if (parameter.op == l.op())
      (void)block.attributes.set(attributes, parameter.ours,
                                 float_text(static_cast<float>(l.real(parameter.theirs))));
  l.result(l.add_one(l.block(), std::move(attributes), {x}));
}

/// sign, abs, neg, floor and the like of integers.
void translate_rounding(Layer& l) {
  const ValueId x = l.tensor("self");
  if (is_float(l.dtype(x))) {
    if (l.takes("decimals") && l.integer("decimals") != 0) {
      const double factor = std::pow(10.0, static_cast<double>(l.integer("decimals")));
      return l.result(times(l, unary(l, "round", times(l, x, factor)), 1 / factor));
    }
    return l.result(l.add(l.block(), {x}));
  }
  l.result(x);
}

void translate_exp2(Layer& l) {
  l.result(unary(l, "exp", times(l, as_real(l, l.tensor("self")), std::numbers::ln2)));
}

/// log2 and log10.
void translate_log_base(Layer& l) {
  const double base = l.op() == "aten.log2" ? 2 : 10;
  l.result(times(l, unary(l, "log", as_real(l, l.tensor("self"))), 1 / std::log(base)));
}

/// 1 - erf(x); more exact sums of the tail are not worth a block of their own in float32.
void translate_erfc(Layer& l) {
  const ValueId x = as_real(l, l.tensor("self"));
  l.result(binary(l, "sub", scalar(l, 1), unary(l, "erf", x)));
}

void translate_gelu(Layer& l) {
  const std::string mode = l.text("approximate", "none");
  if (mode != "none" && mode != "tanh") l.invalid("`approximate` is neither none nor tanh");
  l.result(gelu(l, l.tensor("self"), mode == "tanh"));
}

/// scale * (max(0, x) + min(0, alpha * (exp(x * input_scale) - 1))).
void translate_elu(Layer& l) {
  const ValueId x = l.tensor("self");
  const double alpha = l.real("alpha", 1), scale = l.real("scale", 1), input_scale = l.real("input_scale", 1);
  if (input_scale == 1)
    return l.result(times(l, l.add("elu", {x}, {{"alpha", static_cast<float>(alpha)}}), scale));
  const ValueId below = times(l, unary(l, "expm1", times(l, x, input_scale)), alpha);
  const ValueId y = where(l, binary(l, "greater", x, 0.0), x, below);
  l.result(times(l, y, scale));
}

void translate_selu(Layer& l) {
  l.result(l.add("selu", {l.tensor("self")},
                 {{"alpha", 1.67326319217681884765625f}, {"gamma", 1.05070102214813232421875f}}));
}

/// log(1 + exp(beta x)) / beta, x itself where beta x > threshold.
void translate_softplus(Layer& l) {
  const ValueId x = l.tensor("self");
  const double beta = l.real("beta", 1), threshold = l.real("threshold", 20);
  const ValueId scaled = times(l, x, beta), y = times(l, unary(l, "softplus", scaled), 1 / beta);
  // At 20 and beyond the two are one number in float32.
  l.result(threshold >= 17 ? y : where(l, binary(l, "greater", scaled, threshold), x, y));
}

void translate_hard_sigmoid(Layer& l) {
  l.result(l.add("hard_sigmoid", {l.tensor("self")}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}}));
}

void translate_shrink(Layer& l) {
  const ValueId x = l.tensor("self");
  const auto lambda = static_cast<float>(l.real("lambd"));
  l.result(l.add("shrink", {x}, {{"alpha", lambda}, {"beta", l.op() == "aten.softshrink" ? lambda : 0.0f}}));
}

/// x where it is above the threshold, else the value.
void translate_threshold(Layer& l) {
  const ValueId x = l.tensor("self");
  const double threshold = l.real("threshold"), value = l.real("value");
  if (threshold == value && is_float(l.dtype(x))) return l.result(clipped(l, x, threshold, kInfinity));
  l.result(where(l, binary(l, "greater", x, threshold), x, scalar(l, value, l.dtype(x))));
}

/// The first half times the sigmoid of the second.
void translate_glu(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::int64_t axis = l.axis(l.integer("dim", -1), l.rank(x)), size = l.dim(x, axis);
  if (size % 2 != 0)
    l.refuse(Kind::shape_mismatch, "axis " + std::to_string(axis) + " of " + shape_text(l.shape(x)) +
                                       " does not split into halves");
  l.result(binary(l, "mul", slice_axis(l, x, axis, 0, size / 2),
                  unary(l, "sigmoid", slice_axis(l, x, axis, size / 2, size / 2))));
}

void translate_prelu(Layer& l) {
  const ValueId x = l.tensor("self");
  ValueId slope = l.tensor("weight");
  if (l.type(slope).elements() == 1)
    slope = reshape(l, slope, Shape(static_cast<std::size_t>(l.rank(x)), 1));
  else if (l.rank(slope) == 1 && l.rank(x) > 1)
    slope = along_axis(l, slope, 1, l.rank(x));
  l.result(binary(l, "prelu", x, slope));
}

/// Slopes between lower and upper: their mean, as in inference.
void translate_rrelu(Layer& l) {
  if (l.flag("training")) l.unsupported("rrelu in training mode", "export the model in eval mode");
  const double slope = (l.real("lower") + l.real("upper")) / 2;
  l.result(l.add("leaky_relu", {l.tensor("self")}, {{"alpha", static_cast<float>(slope)}}));
  if (l.op() == "aten.rrelu_with_noise_functional") l.result(l.tensor("noise"));
}

/// add and sub have a factor of their second operand.
void translate_add(Layer& l) {
  const auto [a, b] =
      promoted(l, l.op() == "aten.rsub" ? "other" : "self", l.op() == "aten.rsub" ? "self" : "other");
  const double alpha = l.real("alpha", 1);
  if (l.dtype(a) == DType::boolean) return l.result(binary(l, "logical_or", a, b));
  l.result(binary(l, l.block(), a, times(l, b, alpha)));
}

void translate_binary(Layer& l) {
  const auto [a, b] = promoted(l, l.takes("self") ? "self" : "input", "other");
  if (l.dtype(a) == DType::boolean && l.block() == "mul") return l.result(binary(l, "logical_and", a, b));
  l.result(binary(l, l.block(), a, b));
}

/// Of real numbers: integers become floats.
void translate_real_binary(Layer& l) {
  const auto [a, b] = promoted(l, "self", "other");
  l.result(binary(l, l.block(), as_real(l, a), as_real(l, b)));
}

void translate_div(Layer& l) {
  const auto p = promoted(l, "self", "other");
  const std::string mode = l.text("rounding_mode");
  if (mode == "floor" || mode == "trunc") return l.result(rounded_quotient(l, p, mode));
  l.result(binary(l, "div", as_real(l, p.a), as_real(l, p.b)));
}

void translate_floor_divide(Layer& l) {
  l.result(rounded_quotient(l, promoted(l, "self", "other"), "floor"));
}

/// Bits of integers, truth of bools.
void translate_bitwise(Layer& l) {
  const auto [a, b] = promoted(l, "self", "other");
  const std::string_view kind = l.block();
  l.result(binary(l, (l.dtype(a) == DType::boolean ? "logical_" : "bitwise_") + std::string(kind), a, b));
}
void translate_bitwise_not(Layer& l) {
  const ValueId x = l.tensor("self");
  l.result(unary(l, l.dtype(x) == DType::boolean ? "logical_not" : "bitwise_not", x));
}
void translate_logical(Layer& l) {
  const ValueId a = cast(l, l.tensor("self"), DType::boolean);
  if (l.block() == "logical_not") return l.result(unary(l, "logical_not", a));
  l.result(binary(l, l.block(), a, cast(l, l.tensor("other"), DType::boolean)));
}

void translate_pow(Layer& l) {
  const Item& exponent = l.item("exponent");
  if (exponent.is_number() && l.item("self").is_tensor()) {
    ValueId x = l.tensor("self");
    const double n = exponent.number();
    if (exponent.is_float()) x = as_real(l, x);
    if (n == -1) x = as_real(l, x);
    if (const ValueId made = power(l, x, n); made.is_present()) return l.result(made);
  }
  const auto [a, b] = promoted(l, "self", "exponent");
  l.result(binary(l, "pow", a, b));
}

/// a * log(b), 0 where a is 0.
void translate_xlogy(Layer& l) {
  const auto p = promoted(l, "self", "other");
  const ValueId a = as_real(l, p.a), y = binary(l, "mul", a, unary(l, "log", as_real(l, p.b)));
  l.result(where(l, binary(l, "equal", a, 0.0), scalar(l, 0), y));
}

void translate_clamp(Layer& l) {
  const ValueId x = l.tensor("self");
  const std::string_view low = l.takes("min_val") ? "min_val" : "min",
                         high = l.takes("max_val") ? "max_val" : "max";
  const bool is_tensor = l.item(low).is_tensor() || l.item(high).is_tensor();
  if (!is_tensor && is_float(l.dtype(x))) {
    const double min = l.real(low, -static_cast<double>(kInfinity)),
                 max = l.real(high, static_cast<double>(kInfinity));
    return l.result(clipped(l, x, std::min(min, max), max));  // bounds that cross: everything becomes max
  }
  ValueId y = x;
  for (const auto& [name, block] : {std::pair{low, "maximum"}, std::pair{high, "minimum"}}) {
    if (!l.has(name)) continue;
    const ValueId bound = l.tensor(name);
    const DType dtype = is_float(l.dtype(bound)) ? DType::f32 : l.dtype(y);
    y = binary(l, block, cast(l, y, dtype), cast(l, bound, dtype));
  }
  l.result(y);
}

/// relu6, and hardtanh between its bounds.
void translate_relu6(Layer& l) { l.result(clipped(l, l.tensor("self"), 0, 6)); }

void translate_where(Layer& l) {
  const ValueId condition = cast(l, l.tensor("condition"), DType::boolean);
  if (!l.takes("self")) l.unsupported("`where` of a condition alone, whose size depends on data");
  const auto [a, b] = promoted(l, "self", "other");
  l.result(where(l, condition, a, b));
}

void translate_masked_fill(Layer& l) {
  const ValueId x = l.tensor("self"), mask = cast(l, l.tensor("mask"), DType::boolean);
  l.result(where(l, mask, cast(l, l.tensor("value"), l.dtype(x)), x));
}

void translate_lerp(Layer& l) {
  const ValueId a = l.tensor("self"), b = l.tensor("end");
  l.result(
      binary(l, "add", a, binary(l, "mul", cast(l, l.tensor("weight"), l.dtype(a)), binary(l, "sub", b, a))));
}

/// self + value * a * b, or a / b.
void translate_addcmul(Layer& l) {
  const ValueId both = binary(l, l.block(), l.tensor("tensor1"), l.tensor("tensor2"));
  l.result(binary(l, "add", l.tensor("self"), times(l, both, l.real("value", 1))));
}

void translate_nan_to_num(Layer& l) {
  ValueId x = l.tensor("self");
  if (!is_float(l.dtype(x))) return l.result(x);
  const double top = static_cast<double>(std::numeric_limits<float>::max());
  x = where(l, unary(l, "isnan", x), scalar(l, l.real("nan", 0)), x);
  const double high = l.real("posinf", top), low = l.real("neginf", -top);
  x = where(l, binary(l, "equal", x, static_cast<double>(kInfinity)), scalar(l, high), x);
  l.result(where(l, binary(l, "equal", x, -static_cast<double>(kInfinity)), scalar(l, low), x));
}

void translate_is_finite(Layer& l) {
  const ValueId x = as_real(l, l.tensor("self"));
  l.result(binary(l, "less", unary(l, "abs", x), static_cast<double>(kInfinity)));
}

/// `to` and its relatives: a new dtype or nothing; devices and layouts mean nothing here.
void translate_to(Layer& l) {
  const ValueId x = l.tensor("self");
  if (l.takes("other")) return l.result(cast(l, x, l.dtype(l.tensor("other"))));
  const auto dtype = l.element_type("dtype");
  l.result(dtype ? cast(l, x, *dtype) : x);
}

void translate_identity(Layer& l) { l.result(l.tensor(l.takes("self") ? "self" : "input")); }

void translate_dropout(Layer& l) {
  const ValueId x = l.tensor(l.takes("self") ? "self" : "input");
  if (l.flag("train", true) && l.real("p", 0.5) != 0)
    l.build.remark(Kind::remark, "Dropout is read as in inference");
  l.result(x);
  if (l.op() == "aten.native_dropout") l.result(expand(l, scalar(l, 1, DType::boolean), l.shape(x)));
}

/// x, given in another operand's place: the new contents of what it is copied to.
void translate_copy(Layer& l) {
  const ValueId to = l.tensor("self");
  l.result(expand(l, cast(l, l.tensor("src"), l.dtype(to)), l.shape(to)));
}

/// An assertion about metadata: of types and shapes that are known and were checked when exporting.
void translate_nothing(Layer&) {}

}  // namespace nb::torch
