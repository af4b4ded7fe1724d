// rnn: all there is to know about it. The kernel's header lies beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/elements.h"
#include "blocks/rnn/attributes.h"
#include "blocks/rnn/rnn_f32.h"

namespace nb {
namespace {

constexpr std::array kStandard = {GateFunction::tanh};
using In = RecurrentOperand;

Checked<RecurrentLayer> checked_layer(const Operation& op) {
  return recurrent_layer<RnnAttrs>(op, 1, kStandard);
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
    return layer->infer(op);
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
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

  static std::vector<Kernel> kernels() {
    return {{"rnn_f32", "rnn/rnn_f32.h", [](const Operation&, const Core&) { return true; }, lower_f32}};
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
        {"f32[5,1,3]; const f32[1,4,3]; const f32[1,4,4]; const f32[1,6]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_rnn() { return {define<Rnn>()}; }

}  // namespace nb
