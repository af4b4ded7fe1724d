// UNIDIRECTIONAL_SEQUENCE_LSTM and BIDIRECTIONAL_SEQUENCE_LSTM: one lstm node a direction.
//
// Operand 0 is x. Those of a direction: weights of x for the gates input, forget, cell, output; 4 of h; 3
// peepholes of input, forget, output; 4 biases; 2 of a projection; the variables h and c. A quantized layer's
// intermediates matter only with a projection or normalization.
#include <array>

#include "blocks/lstm/attributes.h"
#include "read/tflite/operators.h"
#include "read/tflite/recurrent.h"

namespace nb::tflite {
namespace {

/// The block's order of gates, as positions in the operator's: input, output, forget, cell.
constexpr std::array<std::size_t, 4> kGates = {0, 3, 1, 2};
/// Where the operands of a direction begin.
struct Operands {
  std::size_t weights, recurrent, peephole, bias, projection, state_h, state_c;
};
constexpr Operands kAlone{1, 5, 9, 12, 16, 18, 19}, kForward{1, 5, 9, 12, 16, 35, 36},
    kBackward{18, 22, 26, 29, 33, 37, 38};
constexpr std::size_t kNorm = 20;       // four operands of a layer with one direction
constexpr std::size_t kAuxiliary = 39;  // nine operands of a layer with two

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

/// One direction as [T,1,N,H] or [N,T,1,H]. `attributes` say all but the gates' functions.
Result<ValueId> direction(Layer& layer, const Operands& at, LstmAttrs attributes, std::int8_t activation,
                          std::optional<Quantization> quantization) {
  for (const std::size_t i : {at.projection, at.projection + 1})
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature, "LSTM layers with a projection are not supported");
  const auto cell = cell_function(layer, activation);
  if (!cell) return kFailed;
  if (cell->function != GateFunction::tanh) {
    attributes.functions = {GateFunction::sigmoid, cell->function, cell->function};
    attributes.alpha = {0.0f, cell->alpha, cell->alpha};
    attributes.beta = {0.0f, cell->beta, cell->beta};
  }
  const Shape x = layer.in_type(0).shape;
  const std::int64_t samples = x[attributes.time_major ? 1 : 0], inputs = x[2];
  if (!layer.in(at.weights + 1).is_present())
    return layer.refuse(Kind::invalid_model, "operand " + std::to_string(at.weights + 1) + " is missing");
  if (!layer.need_rank(at.weights + 1, 2)) return kFailed;
  const std::int64_t units = layer.in_type(at.weights + 1).shape[0];

  // Without an input gate, i = 1 - f: since sigmoid(-z) = 1 - sigmoid(z), the forget gate's weights, negated.
  const bool is_coupled = !layer.in(at.weights).is_present();
  GateStack w(layer, "weights"), r(layer, "recurrent_weights"), b(layer, "bias");
  const bool has_bias = layer.in(at.bias + 1).is_present();
  for (const std::size_t gate : kGates) {
    const bool negates = gate == 0 && is_coupled;
    const std::size_t from = negates ? 1 : gate;
    for (const std::size_t first : {at.weights, at.recurrent, at.bias})
      if ((first != at.bias || has_bias) && !layer.in(first + from).is_present())
        return layer.refuse(Kind::invalid_model, "operand " + std::to_string(first + from) + " is missing");
    const auto of_x = layer.weights(at.weights + from), of_h = layer.weights(at.recurrent + from);
    if (!of_x || !of_h || !w.push(*of_x, {units, inputs}, negates) || !r.push(*of_h, {units, units}, negates))
      return kFailed;
    if (!has_bias) continue;
    const auto bias = layer.weights(at.bias + from);
    if (!bias || !b.push(*bias, {units}, negates)) return kFailed;
  }

  ValueId peephole;
  if (layer.in(at.peephole + 1).is_present()) {
    if (is_coupled)
      return layer.refuse(Kind::unsupported_feature, "peepholes without an input gate are not supported");
    GateStack p(layer, "peepholes");
    for (const std::size_t gate : {0u, 2u, 1u}) {  // input, output, forget
      if (!layer.in(at.peephole + gate).is_present())
        return layer.refuse(Kind::invalid_model, "a peephole is missing");
      const auto weights = layer.weights(at.peephole + gate);
      if (!weights || !p.push(*weights, {units})) return kFailed;
    }
    peephole = p.finish();
  }
  const auto h = variable_state(layer, at.state_h, samples, units),
             c = variable_state(layer, at.state_c, samples, units);
  if (!h || !c) return kFailed;
  const ValueId none;
  std::vector<ValueId> operands = {
      layer.in(0), w.finish(), r.finish(), has_bias ? b.finish() : none, none, none, none, peephole, *h, *c};
  return layer.add("lstm", std::move(attributes), std::move(operands), std::move(quantization));
}

}  // namespace

Status unidirectional_sequence_lstm(Layer& layer) {
  using O = schema::UnidirectionalSequenceLSTMOptions;
  const auto options = layer.options<O>();
  for (std::size_t i = kNorm; i < kNorm + 4; ++i)
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature,
                          "LSTM layers with layer normalization are not supported");
  if (options[O::diagonal_recurrent_tensors])
    return layer.refuse(Kind::unsupported_feature,
                        "LSTM layers with diagonal recurrent weights are not supported");
  if (!layer.need_rank(0, 3)) return kFailed;
  LstmAttrs attributes;
  attributes.time_major = options[O::time_major];
  attributes.cell_clip = options[O::cell_clip];
  const auto sequence = direction(layer, kAlone, std::move(attributes), options[O::fused_activation_function],
                                  layer.out_record().quantization);
  return sequence ? finish_directions(layer, {*sequence}, options[O::time_major], false) : Status(kFailed);
}

Status bidirectional_sequence_lstm(Layer& layer) {
  using O = schema::BidirectionalSequenceLSTMOptions;
  const auto options = layer.options<O>();
  for (std::size_t i = kAuxiliary; i < kAuxiliary + 9; ++i)
    if (layer.in(i).is_present())
      return layer.refuse(Kind::unsupported_feature, "LSTM layers with an auxiliary input are not supported");
  if (!layer.need_rank(0, 3)) return kFailed;
  std::vector<ValueId> sequences;
  for (const bool is_reverse : {false, true}) {
    LstmAttrs attributes;
    attributes.time_major = options[O::time_major];
    attributes.cell_clip = options[O::cell_clip];
    attributes.direction = is_reverse ? Direction::reverse : Direction::forward;
    const auto sequence = direction(layer, is_reverse ? kBackward : kForward, std::move(attributes),
                                    options[O::fused_activation_function], layer.out_record().quantization);
    if (!sequence) return kFailed;
    sequences.push_back(*sequence);
  }
  return finish_directions(layer, sequences, options[O::time_major], options[O::merge_outputs]);
}

}  // namespace nb::tflite
