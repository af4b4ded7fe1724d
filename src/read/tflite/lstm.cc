// UNIDIRECTIONAL_SEQUENCE_LSTM: 24 operands in, one lstm node out.
//
// Operands: 0 x; 1-4 weights of x for the gates input, forget, cell, output; 5-8 those of h; 9-11 peepholes
// of input, forget, output; 12-15 biases; 16, 17 projection; 18, 19 the variables h and c; 20-23 layer
// normalization. A quantized layer's intermediates matter only with a projection or normalization.
#include <array>

#include "blocks/lstm/attributes.h"
#include "blocks/reshape/attributes.h"
#include "read/tflite/operators.h"

namespace nb::tflite {
namespace {

/// The block's order of gates, as positions in the operator's: input, output, forget, cell.
constexpr std::array<std::size_t, 4> kGates = {0, 3, 1, 2};
constexpr std::size_t kWeights = 1, kRecurrent = 5, kPeephole = 9, kBias = 12, kProjection = 16, kStateH = 18,
                      kStateC = 19, kNorm = 20;

/// Of the cell's input and output.
Result<GateCall> cell_function(Layer& layer, std::int8_t code) {
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

/// Puts constants of one gate after the other along axis 1 of [1, gates * rows, ...].
class GateStack {
 public:
  GateStack(Layer& layer, std::string what) : layer_(layer), what_(std::move(what)) {}

  /// Appends a constant of shape `shape`, all elements negated if `negates` (floats only).
  Status push(ValueId id, const Shape& shape, bool negates = false) {
    const GraphBuilder& builder = layer_.builder();
    if (!builder.is_constant(id))
      return layer_.refuse(Kind::unsupported_feature, "its " + what_ + " are computed at run time");
    Tensor part = builder.constant(id);
    if (part.type.shape != shape)
      return layer_.refuse(Kind::shape_mismatch, "its " + what_ + " are " + shape_text(part.type.shape) +
                                                     ", not " + shape_text(shape));
    if (!tensor_.type.shape.empty() && part.type.dtype != tensor_.type.dtype)
      return layer_.refuse(Kind::dtype_mismatch, "its " + what_ + " have several types");
    if (negates && !is_float(part.type.dtype))
      return layer_.refuse(Kind::unsupported_feature,
                           "a quantized layer without an input gate is not supported");
    if (negates)
      for (float& value : part.as<float>()) value = -value;
    if (tensor_.type.shape.empty()) {
      tensor_.type = {part.type.dtype, shape};
      tensor_.type.shape.insert(tensor_.type.shape.begin(), 1);
      tensor_.type.shape[1] = 0;
    }
    tensor_.type.shape[1] += shape[0];
    tensor_.data.insert(tensor_.data.end(), part.data.begin(), part.data.end());
    return push_scales(part.type, shape[0]);
  }

  ValueId finish() {
    if (static_cast<std::int64_t>(scales_.scales.size()) == tensor_.type.shape[1]) {
      scales_.axis = 1;
      tensor_.type.quantization = std::move(scales_);
    }
    return layer_.builder().add_constant(layer_.record().layer + "." + what_, std::move(tensor_));
  }

 private:
  /// One scale a row: a gate's own scale for all of its rows. Biases may go without, their scales follow from
  /// the weights'.
  Status push_scales(const Type& type, std::int64_t rows) {
    const bool is_weights = type.dtype == DType::i8 || type.dtype == DType::u8;
    if (is_weights && !type.quantization)
      return layer_.refuse(Kind::invalid_model, "its " + what_ + " have no scale");
    if (!type.quantization) return {};
    const Quantization& q = *type.quantization;
    if (q.axis > 0)
      return layer_.refuse(Kind::unsupported_feature,
                           "its " + what_ + " have scales along axis " + std::to_string(q.axis));
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      const std::size_t i = q.axis == 0 ? row : 0;
      scales_.scales.push_back(q.scales[i]);
      scales_.zero_points.push_back(q.zero_points[i]);
    }
    return {};
  }

  Layer& layer_;
  std::string what_;
  Tensor tensor_;
  Quantization scales_;
};

/// Refuses what the block does not have.
Status check_features(Layer& layer, const Table<schema::UnidirectionalSequenceLSTMOptions>& options) {
  using O = schema::UnidirectionalSequenceLSTMOptions;
  for (std::size_t i = kProjection; i < kStateH; ++i)
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature, "LSTM layers with a projection are not supported");
  for (std::size_t i = kNorm; i < kNorm + 4; ++i)
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature,
                          "LSTM layers with layer normalization are not supported");
  if (options[O::diagonal_recurrent_tensors])
    return layer.refuse(Kind::unsupported_feature,
                        "LSTM layers with diagonal recurrent weights are not supported");
  for (const std::size_t i : {kStateH, kStateC}) {
    if (!layer.in(i).is_present())
      return layer.refuse(Kind::invalid_model, "operand " + std::to_string(i) + ", a state, is missing");
    if (layer.builder().graph().at(layer.in(i)).source != Source::state)
      return layer.refuse(Kind::unsupported_feature,
                          "its state `" + layer.in_record(i).name + "` is not a variable tensor");
  }
  return layer.need_rank(0, 3);
}

/// The variable as [1, n, h].
Result<ValueId> state(Layer& layer, std::size_t operand, std::int64_t samples, std::int64_t units) {
  Value& value = layer.builder().graph().at(layer.in(operand));
  if (element_count(value.type.shape) != samples * units)
    return layer.refuse(Kind::shape_mismatch, "its state `" + value.name + "` is " +
                                                  shape_text(value.type.shape) + ", not " +
                                                  shape_text(Shape{samples, units}));
  value.type.shape = {1, samples, units};
  return layer.in(operand);
}

}  // namespace

Status unidirectional_sequence_lstm(Layer& layer) {
  using O = schema::UnidirectionalSequenceLSTMOptions;
  const auto options = layer.options<O>();
  if (!check_features(layer, options)) return kFailed;
  LstmAttrs attributes;
  attributes.time_major = options[O::time_major];
  attributes.cell_clip = options[O::cell_clip];
  const auto cell = cell_function(layer, options[O::fused_activation_function]);
  if (!cell) return kFailed;
  if (cell->function != GateFunction::tanh) {
    attributes.functions = {GateFunction::sigmoid, cell->function, cell->function};
    attributes.alpha = {0.0f, cell->alpha, cell->alpha};
    attributes.beta = {0.0f, cell->beta, cell->beta};
  }

  const Shape x = layer.in_type(0).shape;
  const std::int64_t samples = x[attributes.time_major ? 1 : 0], steps = x[attributes.time_major ? 0 : 1],
                     inputs = x[2];
  if (!layer.need_rank(kWeights + 1, 2)) return kFailed;
  const std::int64_t units = layer.in_type(kWeights + 1).shape[0];

  // Without an input gate, i = 1 - f: since sigmoid(-z) = 1 - sigmoid(z), the forget gate's weights, negated.
  const bool is_coupled = !layer.in(kWeights).is_present();
  GateStack w(layer, "weights"), r(layer, "recurrent_weights"), b(layer, "bias");
  const bool has_bias = layer.in(kBias + 1).is_present();
  for (const std::size_t gate : kGates) {
    const bool negates = gate == 0 && is_coupled;
    const std::size_t from = negates ? 1 : gate;
    for (const std::size_t first : {kWeights, kRecurrent, kBias})
      if ((first != kBias || has_bias) && !layer.in(first + from).is_present())
        return layer.refuse(Kind::invalid_model, "operand " + std::to_string(first + from) + " is missing");
    const auto of_x = layer.weights(kWeights + from), of_h = layer.weights(kRecurrent + from);
    if (!of_x || !of_h || !w.push(*of_x, {units, inputs}, negates) || !r.push(*of_h, {units, units}, negates))
      return kFailed;
    if (!has_bias) continue;
    const auto bias = layer.weights(kBias + from);
    if (!bias || !b.push(*bias, {units}, negates)) return kFailed;
  }

  ValueId peephole;
  if (layer.in(kPeephole + 1).is_present()) {
    if (is_coupled)
      return layer.refuse(Kind::unsupported_feature, "peepholes without an input gate are not supported");
    GateStack p(layer, "peepholes");
    for (const std::size_t gate : {0u, 2u, 1u}) {  // input, output, forget
      if (!layer.in(kPeephole + gate).is_present())
        return layer.refuse(Kind::invalid_model, "a peephole is missing");
      const auto weights = layer.weights(kPeephole + gate);
      if (!weights || !p.push(*weights, {units})) return kFailed;
    }
    peephole = p.finish();
  }
  const auto h = state(layer, kStateH, samples, units), c = state(layer, kStateC, samples, units);
  if (!h || !c) return kFailed;

  const ValueId none;
  std::vector<ValueId> operands = {
      layer.in(0), w.finish(), r.finish(), has_bias ? b.finish() : none, none, none, none, peephole, *h, *c};
  const Shape y = attributes.time_major ? Shape{steps, samples, units} : Shape{samples, steps, units};
  auto quantization = layer.out_record().quantization;
  const auto sequence =
      layer.add("lstm", std::move(attributes), std::move(operands), std::move(quantization));
  return sequence ? layer.finish("reshape", ReshapeAttrs{y}, {*sequence}) : Status(kFailed);
}

}  // namespace nb::tflite
