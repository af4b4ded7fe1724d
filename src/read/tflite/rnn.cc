// UNIDIRECTIONAL_SEQUENCE_RNN and BIDIRECTIONAL_SEQUENCE_RNN: one rnn node a direction. Operand 0 is x; those
// of a direction are weights of x, weights of h, a bias, the variable h.
#include "blocks/concat/attributes.h"
#include "blocks/reshape/attributes.h"
#include "blocks/rnn/attributes.h"
#include "read/tflite/operators.h"
#include "read/tflite/recurrent.h"

namespace nb::tflite {
namespace {

constexpr std::size_t kAuxiliary = 9;  // three operands of a layer with two directions

Result<GateCall> function_of(Layer& layer, std::int8_t code) {
  using Function = schema::ActivationFunctionType;
  switch (static_cast<Function>(code)) {
    case Function::TANH:
      return GateCall{GateFunction::tanh};
    case Function::RELU:
      return GateCall{GateFunction::relu};
    case Function::RELU6:
      return GateCall{GateFunction::relu6};
    case Function::NONE:
      return GateCall{GateFunction::affine, 1.0f, 0.0f};
    default:
      return layer.refuse(Kind::unsupported_feature,
                          "its activation " + std::to_string(code) + " is not supported");
  }
}

/// A constant with an axis of size 1 in front.
Result<ValueId> with_direction(Layer& layer, std::size_t operand, const Shape& shape) {
  const auto weights = layer.weights(operand);
  if (!weights) return kFailed;
  if (!layer.builder().is_constant(*weights))
    return layer.refuse(Kind::unsupported_feature, "its weights are computed at run time");
  Tensor constant = layer.builder().constant(*weights);
  if (constant.type.shape != shape || constant.type.dtype != DType::f32)
    return layer.refuse(Kind::shape_mismatch, "operand " + std::to_string(operand) + " is " +
                                                  type_text(constant.type) + ", not f32" + shape_text(shape));
  constant.type.shape.insert(constant.type.shape.begin(), 1);
  return layer.builder().add_constant(layer.in_record(operand).name + ".direction", std::move(constant));
}

/// The direction whose operands begin at `first`, as [T,1,N,H] or [N,T,1,H].
Result<ValueId> direction(Layer& layer, std::size_t first, RnnAttrs attributes, std::int8_t activation) {
  const auto function = function_of(layer, activation);
  if (!function || !layer.need_rank(0, 3)) return kFailed;
  for (std::size_t i = first; i < first + 4; ++i)
    if (!layer.in(i).is_present())
      return layer.refuse(Kind::invalid_model, "operand " + std::to_string(i) + " is missing");
  if (!layer.need_rank(first, 2)) return kFailed;
  attributes.functions = {function->function};
  attributes.alpha = {function->alpha};
  attributes.beta = {function->beta};
  const Shape x = layer.in_type(0).shape;
  const std::int64_t samples = x[attributes.time_major ? 1 : 0], units = layer.in_type(first).shape[0];
  const auto w = with_direction(layer, first, {units, x[2]}),
             r = with_direction(layer, first + 1, {units, units}),
             b = with_direction(layer, first + 2, {units}),
             h = variable_state(layer, first + 3, samples, units);
  if (!w || !r || !b || !h) return kFailed;
  return layer.add("rnn", std::move(attributes), {layer.in(0), *w, *r, *b, ValueId(), ValueId(), *h});
}

/// [T,1,N,H] or [N,T,1,H] without the axis of directions.
Result<ValueId> without_direction(Layer& layer, ValueId sequence, bool is_time_major) {
  const Shape y = layer.type(sequence).shape;
  return layer.move("reshape", ReshapeAttrs{{y[0], is_time_major ? y[2] : y[1], y[3]}}, sequence);
}

}  // namespace

Result<ValueId> variable_state(Layer& layer, std::size_t operand, std::int64_t samples, std::int64_t units) {
  if (!layer.in(operand).is_present())
    return layer.refuse(Kind::invalid_model, "operand " + std::to_string(operand) + ", a state, is missing");
  Value& value = layer.builder().graph().at(layer.in(operand));
  if (value.source != Source::state)
    return layer.refuse(Kind::unsupported_feature,
                        "its state `" + layer.in_record(operand).name + "` is not a variable tensor");
  if (element_count(value.type.shape) != samples * units)
    return layer.refuse(Kind::shape_mismatch, "its state `" + value.name + "` is " +
                                                  shape_text(value.type.shape) + ", not " +
                                                  shape_text(Shape{samples, units}));
  value.type.shape = {1, samples, units};
  return layer.in(operand);
}

Status finish_directions(Layer& layer, const std::vector<ValueId>& sequences, bool is_time_major,
                         bool merges) {
  std::vector<ValueId> parts;
  for (const ValueId sequence : sequences) {
    const auto part = without_direction(layer, sequence, is_time_major);
    if (!part) return kFailed;
    parts.push_back(*part);
  }
  if (merges && parts.size() > 1) return layer.finish("concat", ConcatAttrs{2}, std::move(parts));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i >= layer.output_count())
      return layer.refuse(Kind::invalid_model, "it has fewer outputs than directions");
    if (!layer.give(parts[i], i)) return kFailed;
  }
  return {};
}

Status unidirectional_sequence_rnn(Layer& layer) {
  using O = schema::SequenceRNNOptions;
  const auto options = layer.options<O>();
  RnnAttrs attributes;
  attributes.time_major = options[O::time_major];
  const auto sequence = direction(layer, 1, std::move(attributes), options[O::fused_activation_function]);
  return sequence ? finish_directions(layer, {*sequence}, options[O::time_major], false) : Status(kFailed);
}

Status bidirectional_sequence_rnn(Layer& layer) {
  using O = schema::BidirectionalSequenceRNNOptions;
  const auto options = layer.options<O>();
  for (std::size_t i = kAuxiliary; i < kAuxiliary + 3; ++i)
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature, "RNN layers with an auxiliary input are not supported");
  std::vector<ValueId> sequences;
  for (const bool is_reverse : {false, true}) {
    RnnAttrs attributes;
    attributes.time_major = options[O::time_major];
    attributes.direction = is_reverse ? Direction::reverse : Direction::forward;
    const auto sequence =
        direction(layer, is_reverse ? 5 : 1, std::move(attributes), options[O::fused_activation_function]);
    if (!sequence) return kFailed;
    sequences.push_back(*sequence);
  }
  return finish_directions(layer, sequences, options[O::time_major], options[O::merge_outputs]);
}

}  // namespace nb::tflite
