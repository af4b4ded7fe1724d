// rnn: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/elements.h"
#include "blocks/recurrent_integers.h"
#include "blocks/rnn/attributes.h"
#include "blocks/rnn/rnn_f32.h"
#include "blocks/rnn/rnn_s16.h"

namespace nb {
namespace {

constexpr std::array kStandard = {GateFunction::tanh};
using In = RecurrentOperand;

Checked<RecurrentLayer> checked_layer(const Operation& op) {
  return recurrent_layer<RnnAttrs>(op, 1, kStandard);
}

bool is_integers(const Operation& op) { return !is_float(op.in[In::x]->dtype); }

IntegerRecurrence integers_of(const Operation& op) {
  const auto& a = op.attrs<RnnAttrs>();
  IntegerRecurrence layer;
  layer.parts = {1};
  layer.first_h = {In::state_h, In::initial_h};
  layer.direction = a.direction;
  layer.time_major = a.time_major;
  layer.final_state = a.final_state;
  layer.is_bounded =
      std::find(a.functions.begin(), a.functions.end(), GateFunction::relu) == a.functions.end();
  return layer;
}

/// What relu gives, in steps of pre-activations, to steps of h.
StepsOf relu_steps(const RecurrentIntegers& numbers) {
  return steps_to_s16(std::ldexp(1.0, 15 - numbers.exponent) / kGateUnits);
}
/// tanh, in 2^-15, to steps of h.
std::int32_t tanh_of(std::int32_t z, const RecurrentIntegers& numbers,
                     const std::vector<std::int16_t>& table) {
  return (gate_tanh(z, table.data()) + ((1 << numbers.exponent) >> 1)) >> numbers.exponent;
}

struct Rnn {
  static constexpr std::string_view name = "rnn";
  static constexpr std::string_view doc = "simple recurrent layer: h_t = f(w x_t + r h_{t-1} + b)";
  using Attrs = RnnAttrs;
  static constexpr auto fields = kRnnFields;
  static constexpr auto inputs = kRecurrentOperands;
  static constexpr auto outputs = kRecurrentOutputs;

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto layer = checked_layer(op);
    if (!layer) return layer.fault();
    auto types = layer->infer(op);
    if (!types || !is_integers(op)) return types;
    for (const GateCall& call : layer->calls)
      if (call.function != GateFunction::tanh && call.function != GateFunction::relu)
        return no_integer_form(op, "other functions than tanh and relu");
    if (op.attrs<Attrs>().gate_clip > 0) return no_integer_form(op, "gate_clip");
    if (auto fault = check_integers(op, integers_of(op))) return *fault;
    return types;
  }
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;

  static void reference_integers(const Operation& op, std::span<const TensorView> in,
                                 std::span<const TensorView> out) {
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer, in);
    const auto calls = (*checked_layer(op)).calls;
    const auto table = gate_table();
    walk_integers(
        op, layer, numbers, in, out, [](auto) {},
        [&](const IntegerStep& step) {
          std::vector<std::int16_t> next(step.h.size());
          for (std::size_t u = 0; u < next.size(); ++u) {
            const std::int32_t z = step.z[u] + step.recurrent(static_cast<std::int64_t>(u), step.h);
            const bool is_relu =
                calls[static_cast<std::size_t>(step.direction)].function == GateFunction::relu;
            next[u] = static_cast<std::int16_t>(
                is_relu ? std::min(in_steps_of(relu_steps(numbers), std::max(z, 0)), 32767)
                        : tanh_of(z, numbers, table));
          }
          step.h = next;
        });
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    if (is_integers(op)) return reference_integers(op, in, out);
    const auto limit = static_cast<double>(op.attrs<Attrs>().gate_clip);
    const RecurrentLayer layer = *checked_layer(op);
    const auto r = in[In::r].as<float>();
    const auto b = op.has(In::b) ? in[In::b].as<float>() : std::span<float>();
    layer.walk(op, in, out, [&](std::int64_t d, std::span<const double> z, std::vector<double>& h) {
      std::vector<double> next(h.size());
      for (std::size_t u = 0; u < h.size(); ++u) {
        double sum = z[u] + static_cast<double>(layer.recurrent_bias(op, b, d, static_cast<std::int64_t>(u)));
        for (std::size_t k = 0; k < h.size(); ++k)
          sum += h[k] * static_cast<double>(r[(static_cast<std::size_t>(d) * h.size() + u) * h.size() + k]);
        next[u] =
            apply(layer.calls[static_cast<std::size_t>(d)], limit > 0 ? std::clamp(sum, -limit, limit) : sum);
      }
      h = next;
    });
  }

  static std::int64_t macs(const Operation& op) { return (*checked_layer(op)).macs(op); }

  static std::vector<float> packed_f32(const Operation& op, const RecurrentLayer& layer) {
    const SequenceSizes s = layer.sizes(op);
    const auto units = static_cast<std::int32_t>(s.units);
    const auto b = op.has(In::b) ? op.constant<float>(In::b) : std::span<const float>();
    std::vector<float> packed;
    for (std::int64_t d = 0; d < s.directions; ++d) {
      const auto weight_of = [&](std::size_t operand) {
        return [&op, &s, operand, d](std::int64_t o, std::int64_t k) {
          const std::int64_t width = op.in[operand]->shape[2];
          return op.constant<float>(operand)[static_cast<std::size_t>((d * s.units + o) * width + k)];
        };
      };
      std::vector<float> bias;
      for (std::int64_t u = 0; u < s.units; ++u)
        bias.push_back(layer.input_bias(op, b, d, u) + layer.recurrent_bias(op, b, d, u));
      const auto of_x = pack_tiles_f32(units, static_cast<std::int32_t>(s.inputs), bias, weight_of(In::w));
      const auto of_h = pack_weight_tiles_f32(units, units, weight_of(In::r));
      packed.insert(packed.end(), of_x.begin(), of_x.end());
      packed.insert(packed.end(), of_h.begin(), of_h.end());
    }
    return packed;
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const RecurrentLayer layer = *checked_layer(op);
    const auto type = [&](std::size_t d) { return functor_type(layer.calls[d], a.gate_clip); };
    const auto initial = [&](std::size_t d) { return functor_text(layer.calls[d], a.gate_clip); };
    const std::size_t last = layer.calls.size() - 1;
    Lowered l{.function = "rnn_f32", .params_type = "RnnF32<" + type(0)};
    if (type(last) != type(0)) l.params_type += ", " + type(last);
    l.params_type += ">";
    l.params = {
        sequence_param(layer.sizes(op), a.direction), {"forward", initial(0)}, {"backward", initial(last)}};
    l.constants = {{"packed", DType::f32, to_bytes(packed_f32(op, layer)),
                    "tiles of the units over x with biases, then over h"}};
    l.arguments = layer.arguments(op);
    return l;
  }

  template <bool in_pairs>
  static Lowered lower_integers(const Operation& op, const Core&) {
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer);
    const SequenceSizes s = layer.sizes(op);
    const auto calls = (*checked_layer(op)).calls;
    const auto is_relu = [](const GateCall& call) {
      return std::string(call.function == GateFunction::relu ? "true" : "false");
    };
    return lowered_integers(
        op, layer, numbers,
        {.function = "rnn_s16<" + rows_type(in_pairs) + ">",
         .params_type = "RnnS16",
         .params = {{"is_relu", "{" + is_relu(calls.front()) + ", " + is_relu(calls.back()) + "}"},
                    {"relu_h", relu_steps(numbers).text()},
                    {"tanh_shift", std::to_string(std::max(numbers.exponent, 0))}}},
        rnn_s16_scratch(static_cast<std::int32_t>(s.inputs), static_cast<std::int32_t>(s.units)), in_pairs);
  }

  static std::vector<Kernel> kernels() {
    std::vector<Kernel> kernels =
        integer_kernels("rnn", is_integers, integers_of, lower_integers<true>, lower_integers<false>);
    kernels.insert(kernels.begin(),
                   {"rnn_f32", "rnn/rnn_f32.h",
                    [](const Operation& op, const Core&) { return !is_integers(op); }, lower_f32});
    return kernels;
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[2,1,3]; const f32[1,12,3]; const f32[1,12,12]; const f32[1,12]"},
        {"f32[2,6,3]; const f32[2,5,3]; const f32[2,5,5]; const f32[2,10]",
         "direction=bidirectional, time_major=false, final_state=true, functions=[leaky_relu,scaled_tanh], "
         "alpha=[0.2,0.7], beta=[0,0.6]"},
        {"f32[2,2,3]; const f32[1,3,3]; const f32[1,3,3]; ; ; f32[1,2,3]",
         "direction=reverse, gate_clip=0.5, final_state=true, functions=[softsign]"},
        {"f32[9,2,3]; const f32[2,9,3]; const f32[2,9,9]; ; i32[2]; f32[2,2,9]", "direction=bidirectional"},
        {"f32[3,1,5]; const f32[1,2,5]; const f32[1,2,2]; const f32[1,4]; ; ; f32[1,1,2]"},
        {"i8[3,1,12] q(0.02,3); const i8[1,19,12] q(0.002,0); const i8[1,19,19] q(0.001,0); const f32[1,38]",
         "", "i8[3,1,1,19] q(0.0078125,0)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,5,3] q(0.01,0); const i8[1,5,5] "
         "q(axis=1,[0.002,0.004,0.002,0.004,0.002],0); const f32[1,5]",
         "", "i8[6,1,1,5] q(0.0078125,0)"},
        {"i16[2,6,3] q(0.0002,0); const i8[2,4,3] q(0.01,0); const i8[2,4,4] q(0.006,0); const f32[2,8]; "
         "i32[2]; i16[2,2,4] q(0.00004,0)",
         "direction=bidirectional, time_major=false, final_state=true, functions=[relu,tanh]",
         "i16[2,6,2,4] q(0.0001,0); i16[2,2,4] q(0.0002,0)"},
        {"i8[1,2,9] q(0.02,-128); const i8[1,8,9] q(0.002,0); const i8[1,8,8] q(0.001,0); ; ; ; "
         "i16[1,2,8] q(0.000030517578125,0)",
         "direction=reverse, functions=[relu]", "i8[1,1,2,8] q(0.004,-128)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,5,3] q(0.01,0); const i8[1,5,5] q(0.01,0)", "functions=[softsign]",
         "", "unsupported-feature"},
        {"f32[5,1,3]; const f32[1,4,3]; const f32[1,4,4]; const f32[1,6]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_rnn() { return {define<Rnn>()}; }

}  // namespace nb
