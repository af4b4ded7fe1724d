// Elementwise operators, reductions, and what changes dtypes.
#include <algorithm>

#include "blocks/argmax/attributes.h"
#include "blocks/arithmetic/attributes.h"
#include "blocks/cast/attributes.h"
#include "blocks/quantize/attributes.h"
#include "blocks/reduce/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/softmax/attributes.h"
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

template <class Options>
Status arithmetic(Layer& layer) {
  return layer.finish_activated(layer.block(), ArithmeticAttrs{}, {layer.in(0), layer.in(1)},
                                layer.options<Options>()[Options::fused_activation_function]);
}

Status clip(Layer& layer, float min, float max) {
  auto attributes = layer.attributes("clip", {{"min", float_text(min)}, {"max", float_text(max)}});
  return attributes ? layer.finish("clip", *std::move(attributes), {layer.in(0)}) : Status(kFailed);
}

/// The row's block with one attribute set.
Status with_attribute(Layer& layer, std::string_view name, const std::string& text) {
  auto attributes = layer.attributes(layer.block(), {{name, text}});
  return attributes ? layer.finish(layer.block(), *std::move(attributes), {layer.in(0)}) : Status(kFailed);
}

}  // namespace

Status unary(Layer& layer) { return layer.finish(layer.block(), {layer.in(0)}); }
Status binary(Layer& layer) { return layer.finish(layer.block(), {layer.in(0), layer.in(1)}); }

Status add(Layer& layer) { return arithmetic<schema::AddOptions>(layer); }
Status sub(Layer& layer) { return arithmetic<schema::SubOptions>(layer); }
Status mul(Layer& layer) { return arithmetic<schema::MulOptions>(layer); }
Status div(Layer& layer) { return arithmetic<schema::DivOptions>(layer); }

Status add_n(Layer& layer) {
  if (layer.out_record().quantization)
    return layer.refuse(Kind::unsupported_feature,
                        "sums of more than two quantized tensors are not supported");
  ValueId sum = layer.in(0);
  for (std::size_t i = 1; i < layer.input_count(); ++i) {
    if (!layer.in(i).is_present())
      return layer.refuse(Kind::invalid_model, "operand " + std::to_string(i) + " is missing");
    const auto next = layer.builder().add_one("add", {sum, layer.in(i)},
                                              i + 1 == layer.input_count() ? layer.out() : NodeOutput{});
    if (!next) return kFailed;
    sum = *next;
  }
  return layer.give(sum);
}

/// floor(a / b); of integers (a - a mod b) / b, which divides without a rest.
Status floor_div(Layer& layer) {
  GraphBuilder& builder = layer.builder();
  if (is_float(layer.in_type(0).dtype)) {
    const auto quotient = builder.add_one("div", {layer.in(0), layer.in(1)});
    return quotient ? layer.finish("floor", {*quotient}) : Status(kFailed);
  }
  const auto rest = builder.add_one("mod", {layer.in(0), layer.in(1)});
  if (!rest) return kFailed;
  const auto multiple = builder.add_one("sub", {layer.in(0), *rest});
  return multiple ? layer.finish("div", {*multiple, layer.in(1)}) : Status(kFailed);
}

Status prelu(Layer& layer) {
  const auto slopes = layer.weights(1);
  return slopes ? layer.finish("prelu", {layer.in(0), *slopes}) : Status(kFailed);
}

Status leaky_relu(Layer& layer) {
  using O = schema::LeakyReluOptions;
  return with_attribute(layer, "alpha", float_text(layer.options<O>()[O::alpha]));
}
Status elu(Layer& layer) { return with_attribute(layer, "alpha", "1"); }
Status gelu(Layer& layer) {
  using O = schema::GeluOptions;
  return with_attribute(layer, "approximate", attribute_text(layer.options<O>()[O::approximate]));
}
Status relu_n1_to_1(Layer& layer) { return clip(layer, -1, 1); }
Status relu_0_to_1(Layer& layer) { return clip(layer, 0, 1); }

Status softmax(Layer& layer) {
  using O = schema::SoftmaxOptions;
  return layer.finish("softmax", SoftmaxAttrs{-1, layer.options<O>()[O::beta]}, {layer.in(0)});
}
Status log_softmax(Layer& layer) { return layer.finish("log_softmax", SoftmaxAttrs{}, {layer.in(0)}); }

/// x / max(sqrt(sum of squares along the last axis), 1e-6).
Status l2_normalization(Layer& layer) {
  using O = schema::L2NormOptions;
  constexpr float kSmallest = 1e-6f;
  GraphBuilder& builder = layer.builder();
  const int rank = layer.in_type(0).rank();
  if (!is_float(layer.in_type(0).dtype) || rank < 1)
    return layer.refuse(Kind::unsupported_feature,
                        "only float tensors with at least one axis can be normalized");
  const auto sum = layer.add("reduce_sum_square", ReduceAttrs{{rank - 1}, true}, {layer.in(0)});
  const auto norm = sum ? builder.add_one("sqrt", {*sum}) : sum;
  const auto divisor = norm ? builder.add_one("maximum", {*norm, builder.add_float("", kSmallest)}) : norm;
  return divisor ? layer.finish_activated("div", ArithmeticAttrs{}, {layer.in(0), *divisor},
                                          layer.options<O>()[O::fused_activation_function])
                 : Status(kFailed);
}

Status quantize(Layer& layer) {
  if (!layer.out_record().quantization)
    return layer.refuse(Kind::invalid_model, "its output `" + layer.out_record().name + "` has no scale");
  const DType to = *dtype_of(layer.out_record().type);
  const bool is_first = is_float(layer.in_type(0).dtype);
  if (!is_first && !layer.in_type(0).is_quantized())
    return layer.refuse(Kind::invalid_model, "its input `" + layer.in_record(0).name + "` has no scale");
  return layer.finish(is_first ? "quantize" : "requantize", QuantizeAttrs{to}, {layer.in(0)});
}

Status dequantize(Layer& layer) {
  // Half floats are expanded where they enter.
  if (is_float(layer.in_type(0).dtype)) return layer.give(layer.in(0));
  if (!layer.in_type(0).is_quantized())
    return layer.refuse(Kind::invalid_model, "its input `" + layer.in_record(0).name + "` has no scale");
  if (layer.in_record(0).has_data) return layer.give(layer.weights(0));
  return layer.finish("dequantize", {layer.in(0)});
}

Status cast(Layer& layer) {
  return layer.finish("cast", CastAttrs{*dtype_of(layer.out_record().type)}, {layer.in(0)});
}

Status select(Layer& layer) {
  ValueId condition = layer.in(0);
  const Shape condition_shape = layer.type(condition).shape;
  const int rank = std::max(layer.in_type(1).rank(), layer.in_type(2).rank());
  // The first version of the operator chooses along the leading axis by a vector.
  if (layer.record().code == BuiltinOperator::SELECT && condition_shape.size() == 1 && rank > 1) {
    Shape shape(static_cast<std::size_t>(rank), 1);
    shape[0] = condition_shape[0];
    const auto column = layer.move("reshape", ReshapeAttrs{shape}, condition);
    if (!column) return kFailed;
    condition = *column;
  }
  return layer.finish("where", {condition, layer.in(1), layer.in(2)});
}

Status reduce(Layer& layer) {
  using O = schema::ReducerOptions;
  const auto stated = layer.ints(1, "the list of axes");
  if (!stated) return kFailed;
  ReduceAttrs attributes{{}, layer.options<O>()[O::keep_dims]};
  for (const std::int64_t one : *stated) {
    const auto axis = layer.axis(one, layer.in_type(0).rank());
    if (!axis) return kFailed;
    if (std::find(attributes.axes.begin(), attributes.axes.end(), *axis) == attributes.axes.end())
      attributes.axes.push_back(*axis);
  }
  std::sort(attributes.axes.begin(), attributes.axes.end());
  return layer.finish(layer.block(), std::move(attributes), {layer.in(0)});
}

Status arg(Layer& layer) {
  const auto stated = layer.ints(1, "the axis");
  if (!stated) return kFailed;
  if (stated->size() != 1)
    return layer.refuse(Kind::invalid_model, "it has " + count_text(stated->size(), "axis number"));
  const auto axis = layer.axis((*stated)[0], layer.in_type(0).rank());
  if (!axis) return kFailed;
  return layer.finish(layer.block(), ArgmaxAttrs{*axis, false, false, *dtype_of(layer.out_record().type)},
                      {layer.in(0)});
}

Status cumsum(Layer& layer) {
  using O = schema::CumsumOptions;
  const auto options = layer.options<O>();
  const auto stated = layer.ints(1, "the axis");
  if (!stated) return kFailed;
  if (stated->size() != 1)
    return layer.refuse(Kind::invalid_model, "it has " + count_text(stated->size(), "axis number"));
  const auto axis = layer.axis((*stated)[0], layer.in_type(0).rank());
  if (!axis) return kFailed;
  auto attributes = layer.attributes("cumsum", {{"axis", std::to_string(*axis)},
                                                {"exclusive", attribute_text(options[O::exclusive])},
                                                {"reverse", attribute_text(options[O::reverse])}});
  return attributes ? layer.finish("cumsum", *std::move(attributes), {layer.in(0)}) : Status(kFailed);
}

}  // namespace nb::tflite
