// gru: all there is to know about it. The kernel's header lies beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/elements.h"
#include "blocks/gru/attributes.h"
#include "blocks/gru/gru_f32.h"

namespace nb {
namespace {

constexpr std::array kStandard = {GateFunction::sigmoid, GateFunction::tanh};
using In = RecurrentOperand;

Checked<RecurrentLayer> checked_layer(const Operation& op) {
  return recurrent_layer<GruAttrs>(op, 3, kStandard);
}

struct Gru {
  static constexpr std::string_view name = "gru";
  static constexpr std::string_view doc =
      "gated recurrent unit: h_t = (1 - u)*n + u*h_{t-1}, gates u and r of w x_t + r h_{t-1} + b, "
      "n = g(w x_t + b + r (r*h_{t-1}))";
  using Attrs = GruAttrs;
  static constexpr auto fields = kGruFields;
  static constexpr auto inputs = kRecurrentOperands;
  static constexpr auto outputs = kRecurrentOutputs;

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto layer = checked_layer(op);
    if (!layer) return layer.fault();
    return layer->infer(op);
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const RecurrentLayer layer = *checked_layer(op);
    const auto units = static_cast<std::size_t>(layer.sizes(op).units);
    const auto r = in[In::r].as<float>();
    const auto b = op.has(In::b) ? in[In::b].as<float>() : std::span<float>();
    const auto clip = [&](double value) {
      const auto limit = static_cast<double>(a.gate_clip);
      return limit > 0 ? std::clamp(value, -limit, limit) : value;
    };
    layer.walk(op, in, out, [&](std::int64_t d, std::span<const double> z, std::vector<double>& h) {
      const GateCall* f = layer.calls.data() + 2 * d;
      const auto recurrent = [&](std::size_t row, const std::vector<double>& of) {
        auto sum = static_cast<double>(layer.recurrent_bias(op, b, d, static_cast<std::int64_t>(row)));
        for (std::size_t k = 0; k < units; ++k)
          sum += of[k] * static_cast<double>(r[(static_cast<std::size_t>(d) * 3 * units + row) * units + k]);
        return sum;
      };
      std::vector<double> update(units), reset(units), seen(units), next(units);
      for (std::size_t u = 0; u < units; ++u) {
        update[u] = apply(f[0], clip(z[u] + recurrent(u, h)));
        reset[u] = apply(f[0], clip(z[units + u] + recurrent(units + u, h)));
        seen[u] = reset[u] * h[u];
      }
      for (std::size_t u = 0; u < units; ++u) {
        const std::size_t row = 2 * units + u;
        const double of_h = a.reset_after ? reset[u] * recurrent(row, h) : recurrent(row, seen);
        next[u] = (1.0 - update[u]) * apply(f[1], clip(z[row] + of_h)) + update[u] * h[u];
      }
      h = next;
    });
  }

  static std::int64_t macs(const Operation& op) { return (*checked_layer(op)).macs(op); }

  static std::vector<float> packed_f32(const Operation& op, const RecurrentLayer& layer) {
    const bool resets_after = op.attrs<Attrs>().reset_after;
    const SequenceSizes s = layer.sizes(op);
    const auto units = static_cast<std::int32_t>(s.units);
    const auto b = op.has(In::b) ? op.constant<float>(In::b) : std::span<const float>();
    std::vector<float> packed;
    const auto append = [&](const std::vector<float>& part) {
      packed.insert(packed.end(), part.begin(), part.end());
    };
    for (std::int64_t d = 0; d < s.directions; ++d) {
      // The two gates of a unit stand side by side, then come all new values.
      const auto row_of = [&](std::int64_t o) { return o < 2 * s.units ? o % 2 * s.units + o / 2 : o; };
      const auto weight_of = [&](std::size_t operand, std::int64_t first) {
        return [&op, &s, row_of, operand, first, d](std::int64_t o, std::int64_t k) {
          const std::int64_t width = op.in[operand]->shape[2];
          return op.constant<float>(
              operand)[static_cast<std::size_t>((d * 3 * s.units + row_of(first + o)) * width + k)];
        };
      };
      std::vector<float> bias, fresh_bias;
      for (std::int64_t o = 0; o < 3 * s.units; ++o) {
        const float of_h = layer.recurrent_bias(op, b, d, row_of(o));
        const bool is_apart = resets_after && o >= 2 * s.units;
        bias.push_back(layer.input_bias(op, b, d, row_of(o)) + (is_apart ? 0.0f : of_h));
        if (is_apart) fresh_bias.push_back(of_h);
      }
      append(pack_tiles_f32(3 * units, static_cast<std::int32_t>(s.inputs), bias, weight_of(In::w, 0)));
      append(pack_weight_tiles_f32(2 * units, units, weight_of(In::r, 0)));
      append(fresh_bias);
      append(pack_weight_tiles_f32(units, units, weight_of(In::r, 2 * s.units)));
    }
    return packed;
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const RecurrentLayer layer = *checked_layer(op);
    const SequenceSizes s = layer.sizes(op);
    const auto functions_type = [&](std::int64_t d) {
      const GateCall* f = layer.calls.data() + 2 * d;
      return "nb::GruFunctions<" + functor_type(f[0], a.gate_clip) + ", " + functor_type(f[1], a.gate_clip) +
             ">";
    };
    const auto functions_text = [&](std::int64_t d) {
      const GateCall* f = layer.calls.data() + 2 * d;
      return "{" + functor_text(f[0], a.gate_clip) + ", " + functor_text(f[1], a.gate_clip) + "}";
    };
    const std::int64_t last = s.directions - 1;
    Lowered l{.function = "gru_f32",
              .params_type =
                  std::string("GruF32<") + (a.reset_after ? "true" : "false") + ", " + functions_type(0)};
    if (functions_type(last) != functions_type(0)) l.params_type += ", " + functions_type(last);
    l.params_type += ">";
    l.params = {
        sequence_param(s, a.direction), {"forward", functions_text(0)}, {"backward", functions_text(last)}};
    l.constants = {
        {"packed", DType::f32, to_bytes(packed_f32(op, layer)),
         "tiles over x with biases: gates update, reset of each unit, then new values; then over h"}};
    l.arguments = layer.arguments(op);
    l.arguments.push_back(scratch_arg("float"));
    l.scratch_bytes =
        4 * gru_f32_scratch(static_cast<std::int32_t>(s.steps), static_cast<std::int32_t>(s.units));
    return l;
  }

  static std::vector<Kernel> kernels() {
    return {{"gru_f32", "gru/gru_f32.h", [](const Operation&, const Core&) { return true; }, lower_f32}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[6,1,3]; const f32[1,12,3]; const f32[1,12,4]; const f32[1,12]"},
            {"f32[2,6,3]; const f32[2,15,3]; const f32[2,15,5]; const f32[2,30]",
             "direction=bidirectional, time_major=false, final_state=true, reset_after=true, "
             "functions=[hard_sigmoid,softsign,sigmoid,affine], alpha=[0.2,0,0,0.5], beta=[0.5,0,0,0.1]"},
            {"f32[4,2,3]; const f32[1,24,3]; const f32[1,24,8]; const f32[1,48]; ; f32[1,2,8]",
             "direction=reverse, gate_clip=0.5, final_state=true, reset_after=true"},
            {"f32[9,2,3]; const f32[2,9,3]; const f32[2,9,3]; ; i32[2]; f32[2,2,3]",
             "direction=bidirectional, gate_clip=0.4"},
            {"f32[3,1,5]; const f32[1,6,5]; const f32[1,6,2]; const f32[1,12]; ; ; f32[1,1,2]"},
            {"f32[1,1,5]; const f32[1,6,5]; const f32[1,6,2]; const f32[1,12]; ; ; f32[1,1,2]",
             "reset_after=true"},
            {"f32[5,1,3]; const f32[1,16,3]; const f32[1,16,4]", "", "", "shape-mismatch"},
            {"f32[5,1,3]; const f32[1,12,3]; const f32[1,12,4]", "functions=[sigmoid]", "",
             "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_gru() { return {define<Gru>()}; }

}  // namespace nb
