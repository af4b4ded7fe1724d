#include "read/tflite/translate.h"

namespace nb::tflite {

Result<ValueId> Layer::weights(std::size_t i) {
  const DType activations = *dtype_of(out_record().type);
  if (!is_float(activations) || !is_integer(in_type(i).dtype)) return in(i);
  if (!builder().is_constant(in(i)))
    return refuse(Kind::unsupported_feature, "integer operand `" + in_record(i).name +
                                                 "` under float activations is computed at run time");
  return translation_.expanded_value_of(record_.inputs[i]);
}

Result<Attributes> Layer::attributes(std::string_view block,
                                     std::initializer_list<std::pair<std::string_view, std::string>> set) {
  const Block* found = builder().blocks().find(block);
  if (found == nullptr) return refuse(Kind::internal, "no block is called `" + std::string(block) + "`");
  Attributes attributes = found->attributes.make();
  for (const auto& [name, text] : set)
    if (!found->attributes.set(attributes, name, text))
      return refuse(Kind::internal,
                    "block " + std::string(block) + " has no attribute " + std::string(name) + " = " + text);
  return attributes;
}

Result<Activation> Layer::activation(std::int8_t code) {
  using Function = schema::ActivationFunctionType;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto function = static_cast<Function>(code);
  switch (function) {
    case Function::NONE:
      return Activation{};
    case Function::RELU:
      return Activation{0, kInfinity};
    case Function::RELU_N1_TO_1:
      return Activation{-1, 1};
    case Function::RELU6:
      return Activation{0, 6};
    case Function::TANH:
      if (!is_integer(*dtype_of(out_record().type))) return Activation{.is_tanh = true};
      break;
    default:
      break;
  }
  const std::string_view name = name_of(function);
  return refuse(Kind::unsupported_feature, "the fused activation " +
                                               (name.empty() ? std::to_string(code) : std::string(name)) +
                                               " is not supported here");
}

Status Layer::give_activated(Result<ValueId> value, std::int8_t activation_code) {
  const auto activation = this->activation(activation_code);
  if (!value || !activation) return kFailed;
  if (activation->is_tanh) return finish("tanh", {*value});
  if (!activation->is_clamp()) return give(value);
  auto clip =
      attributes("clip", {{"min", float_text(activation->min)}, {"max", float_text(activation->max)}});
  return clip ? finish("clip", *std::move(clip), {*value}) : Status(kFailed);
}

Result<std::int64_t> Layer::axis(std::int64_t stated, std::int64_t rank) {
  const std::int64_t axis = stated < 0 ? stated + rank : stated;
  if (axis < 0 || axis >= rank)
    return refuse(Kind::attribute_out_of_range,
                  "axis " + std::to_string(stated) + " of a tensor of rank " + std::to_string(rank));
  return axis;
}

Status Layer::need_rank(std::size_t i, int rank) {
  if (in_type(i).rank() == rank) return {};
  return refuse(Kind::shape_mismatch, "operand " + std::to_string(i) + " is " + shape_text(in_type(i).shape) +
                                          ", rank " + std::to_string(rank) + " is needed");
}

}  // namespace nb::tflite
