// Operators that work element by element.
#include <algorithm>
#include <array>
#include <limits>

#include "blocks/cast/attributes.h"
#include "read/onnx/operators.h"
#include "read/onnx/tensor.h"

namespace nb::onnx {
namespace {

/// An ONNX attribute, the block's name for it, and its default.
struct Parameter {
  std::string_view type, onnx, ours;
  float fallback;
};
constexpr std::array kParameters = {
    Parameter{"LeakyRelu", "alpha", "alpha", 0.01f},
    Parameter{"Elu", "alpha", "alpha", 1.0f},
    Parameter{"Celu", "alpha", "alpha", 1.0f},
    Parameter{"Selu", "alpha", "alpha", 1.67326319217681884765625f},
    Parameter{"Selu", "gamma", "gamma", 1.05070102214813232421875f},
    Parameter{"HardSigmoid", "alpha", "alpha", 0.2f},
    Parameter{"HardSigmoid", "beta", "beta", 0.5f},
    Parameter{"ThresholdedRelu", "alpha", "alpha", 1.0f},
    Parameter{"Shrink", "lambd", "alpha", 0.5f},
    Parameter{"Shrink", "bias", "beta", 0.0f},
    Parameter{"Swish", "alpha", "alpha", 1.0f},
};

/// Before opset 7, b aligned with axis `axis` of a instead of its end.
ValueId aligned(Layer& l, ValueId a, ValueId b) {
  if (l.opset >= 7 || !l.flag("broadcast", false) || !l.has_attribute("axis")) return b;
  const std::int64_t rank = l.rank(a), axis = l.axis(l.integer("axis"), std::max<std::int64_t>(rank, 1));
  const std::int64_t behind = rank - axis - l.rank(b);
  if (behind < 0) l.refuse(Kind::shape_mismatch, "the second operand leaves the first one's axes");
  Shape shape = l.shape(b);
  shape.insert(shape.end(), static_cast<std::size_t>(behind), 1);
  return reshape(l, b, shape);
}

/// Bounds as constants in float attributes where that is exact, else as operands.
ValueId bounded(Layer& l, ValueId x, ValueId low, ValueId high) {
  if (l.dtype(x) == DType::f32 && (!low.is_present() || l.is_constant(low)) &&
      (!high.is_present() || l.is_constant(high)) && l.has_block("clip")) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double min = low.is_present() ? l.one_double(low, "min") : -kInfinity;
    const double max = high.is_present() ? l.one_double(high, "max") : kInfinity;
    // Bounds that cross: everything becomes max.
    return l.add("clip", {x},
                 {{"min", static_cast<float>(std::min(min, max))}, {"max", static_cast<float>(max)}});
  }
  if (low.is_present()) x = binary(l, "maximum", x, low);
  if (high.is_present()) x = binary(l, "minimum", x, high);
  return x;
}

}  // namespace

void translate_unary(Layer& l) {
  const Block& block = *l.build.blocks().find(l.block());
  Attributes attributes = block.attributes.make();
  for (const Parameter& parameter : kParameters) {
    if (parameter.type != l.type()) continue;
    const float value = l.real(parameter.onnx, parameter.fallback);
    if (!block.attributes.set(attributes, parameter.ours, float_text(value)))
      l.refuse(Kind::internal, block.name + " takes no `" + std::string(parameter.ours) + "`");
  }
  l.output(0, l.add_one(l.block(), std::move(attributes), {l.in(0)}));
}

void translate_gelu(Layer& l) {
  const std::string mode = l.text("approximate", "none");
  if (mode != "none" && mode != "tanh") l.invalid("`approximate` is neither none nor tanh");
  l.output(0, gelu(l, l.in(0), mode == "tanh"));
}

void translate_is_inf(Layer& l) {
  const bool positive = l.flag("detect_positive", true), negative = l.flag("detect_negative", true);
  l.output(0,
           l.add("isinf", {l.in(0)}, {{"alpha", positive ? 1.0f : 0.0f}, {"beta", negative ? 1.0f : 0.0f}}));
}

void translate_binary(Layer& l) {
  const ValueId a = l.in(0);
  l.output(0, binary(l, l.block(), a, aligned(l, a, l.in(1))));
}

void translate_prelu(Layer& l) {
  const ValueId x = l.in(0);
  ValueId slope = l.in(1);
  if (l.opset < 7 && l.rank(slope) == 1 && l.rank(x) > 1) slope = along_axis(l, slope, 1, l.rank(x));
  l.output(0, binary(l, "prelu", x, slope));
}

void translate_pow(Layer& l) {
  const ValueId x = l.in(0);
  if (const ValueId n = l.in(1);
      l.is_constant(n) && l.type(n).elements() == 1 && l.rank(n) <= l.rank(x) && l.dtype(x) == DType::f32)
    if (const ValueId made = power(l, x, l.one_double(n, "the exponent")); made.is_present())
      return l.output(0, made);
  ValueId y = aligned(l, x, l.in(1));
  const DType base = l.dtype(x), exponent = l.dtype(y);
  if (base == exponent) return l.output(0, binary(l, "pow", x, y));
  if (is_float(base) || is_integer(exponent)) return l.output(0, binary(l, "pow", x, cast(l, y, base)));
  l.output(0, cast(l, binary(l, "pow", cast(l, x, DType::f32), y), base));
}

void translate_mod(Layer& l) {
  const bool is_c = l.flag("fmod", false);
  l.output(0, binary(l, is_c ? "fmod" : "mod", l.in(0), l.in(1)));
}

void translate_bit_shift(Layer& l) {
  const std::string direction = l.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") l.invalid("`direction` is neither LEFT nor RIGHT");
  l.output(0, binary(l, direction == "LEFT" ? "shift_left" : "shift_right", l.in(0), l.in(1)));
}

void translate_variadic(Layer& l) {
  const std::vector<ValueId> inputs = l.all_inputs();
  ValueId sum = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) sum = binary(l, l.block(), sum, inputs[i]);
  if (l.type() == "Mean" && inputs.size() > 1)
    sum = binary(l, "mul", sum, 1.0 / static_cast<double>(inputs.size()));
  l.output(0, sum);
}

void translate_clip(Layer& l) {
  const ValueId x = l.in(0);
  if (l.opset >= 11) return l.output(0, bounded(l, x, l.optional(1), l.optional(2)));
  const auto bound = [&](std::string_view name) {
    return l.has_attribute(name) ? scalar(l, static_cast<double>(l.real(name, 0))) : ValueId();
  };
  const ValueId low = bound("min"), high = bound("max");
  l.output(0, bounded(l, x, low, high));
}

void translate_where(Layer& l) { l.output(0, where(l, l.in(0), l.in(1), l.in(2))); }

void translate_cast(Layer& l) {
  if (l.opset < 6) l.unsupported("Cast before opset 6 names its type by a string");
  l.output(0, cast(l, l.in(0), l.element_type("to")));
}

void translate_cast_like(Layer& l) { l.output(0, cast(l, l.in(0), l.dtype(l.in(1)))); }

void translate_bit_cast(Layer& l) {
  const ValueId x = l.in(0);
  const std::int64_t number = l.integer("to");
  const auto to = dtype_of(number);
  if (!to || is_nibble(number) || computed_dtype(*to) != *to || dtype_bytes(*to) != dtype_bytes(l.dtype(x)))
    l.unsupported("a bit cast of " + std::string(dtype_name(l.dtype(x))) + " to " +
                  element_type_name(number));
  l.output(0, *to == l.dtype(x) ? x : l.add("bit_cast", CastAttrs{*to}, {x}));
}

void translate_identity(Layer& l) { l.output(0, l.in(0)); }

void translate_dropout(Layer& l) {
  const ValueId x = l.in(0);
  if (l.opset < 7 && !l.flag("is_test", false))
    l.build.remark(Kind::remark, "Dropout is read as in inference");
  if (l.has(2) && l.one_int(l.in(2), "training_mode") != 0) {
    const double ratio = l.has(1) ? l.one_double(l.in(1), "ratio") : 0.5;
    if (ratio != 0) l.unsupported("dropout in training mode", "export the model for inference");
  }
  l.output(0, x);
  if (l.wants(1)) {
    const bool is_mask_bool = l.opset >= 10;
    l.output(1, expand(l, scalar(l, 1, is_mask_bool ? DType::boolean : l.dtype(x)), l.shape(x)));
  }
}

void translate_binarizer(Layer& l) {
  const ValueId x = l.in(0);
  const double threshold = static_cast<double>(l.real("threshold", 0));
  l.output(0, cast(l, binary(l, "greater", x, threshold), l.dtype(x)));
}

void translate_swiglu(Layer& l) {
  const ValueId gate = l.add("silu", {l.in(0)}, {{"alpha", l.real("alpha", 1.0f)}});
  l.output(0, binary(l, "mul", gate, l.in(1)));
}

}  // namespace nb::onnx
