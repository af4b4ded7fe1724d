// gru: all there is to know about it. The kernel's header lies beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/elements.h"
#include "blocks/gru/attributes.h"
#include "blocks/gru/gru_f32.h"
#include "blocks/gru/gru_s16.h"
#include "blocks/recurrent_integers.h"

namespace nb {
namespace {

constexpr std::array kStandard = {GateFunction::sigmoid, GateFunction::tanh};
using In = RecurrentOperand;

Checked<RecurrentLayer> checked_layer(const Operation& op) {
  return recurrent_layer<GruAttrs>(op, 3, kStandard);
}

bool is_integers(const Operation& op) { return !is_float(op.in[In::x]->dtype); }

IntegerRecurrence integers_of(const Operation& op) {
  const auto& a = op.attrs<GruAttrs>();
  IntegerRecurrence layer;
  layer.gates = 3;
  if (a.reset_after) layer.apart = 2;
  layer.parts = {2, 1};
  layer.first_h = {In::state_h, In::initial_h};
  layer.direction = a.direction;
  layer.time_major = a.time_major;
  layer.final_state = a.final_state;
  return layer;
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
    auto types = layer->infer(op);
    if (!types || !is_integers(op)) return types;
    const auto& a = op.attrs<Attrs>();
    for (std::size_t i = 0; i < layer->calls.size(); ++i)
      if (layer->calls[i].function != kStandard[i % kStandard.size()])
        return no_integer_form(op, "other functions than sigmoid and tanh");
    if (a.gate_clip > 0) return no_integer_form(op, "gate_clip");
    if (auto fault = check_integers(op, integers_of(op))) return *fault;
    return types;
  }
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;

  static void reference_integers(const Operation& op, std::span<const TensorView> in,
                                 std::span<const TensorView> out) {
    const bool resets_after = op.attrs<Attrs>().reset_after;
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer, in);
    const auto units = static_cast<std::size_t>(layer.sizes(op).units);
    const auto table = gate_table();
    std::vector<std::int32_t> fine(units);
    const auto begin = [&](std::span<const std::int16_t> h) {
      for (std::size_t u = 0; u < units; ++u) fine[u] = h[u] * (1 << kFineBits);
    };
    walk_integers(op, layer, numbers, in, out, begin, [&](const IntegerStep& step) {
      std::vector<std::int16_t> seen(units);
      std::vector<std::int32_t> update(units), reset(units);
      const auto row_of = [&](std::size_t gate, std::size_t u) {
        return static_cast<std::int64_t>(gate * units + u);
      };
      for (std::size_t u = 0; u < units; ++u) {
        update[u] = gate_sigmoid(step.z[u] + step.recurrent(row_of(0, u), step.h), table.data());
        reset[u] = gate_sigmoid(step.z[units + u] + step.recurrent(row_of(1, u), step.h), table.data());
        seen[u] = static_cast<std::int16_t>((reset[u] * step.h[u] + (1 << 14)) >> 15);
      }
      const auto halved = [](std::int32_t value, std::int32_t gate) {  // value * gate in 2^-16
        return static_cast<std::int32_t>((std::int64_t{value} * gate + (1 << 15)) >> 16);
      };
      for (std::size_t u = 0; u < units; ++u) {
        const std::int32_t of_h = resets_after ? 2 * halved(step.recurrent(row_of(2, u), step.h), reset[u])
                                               : step.recurrent(row_of(2, u), seen);
        const std::int32_t value =
            gate_tanh(step.z[2 * units + u] + of_h, table.data()) * (1 << (kFineBits - numbers.exponent));
        fine[u] = value + 2 * halved(fine[u] - value, update[u]);
      }
      for (std::size_t u = 0; u < units; ++u)
        step.h[u] = static_cast<std::int16_t>((fine[u] + (1 << (kFineBits - 1))) >> kFineBits);
    });
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    if (is_integers(op)) return reference_integers(op, in, out);
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

  template <bool in_pairs>
  static Lowered lower_integers(const Operation& op, const Core&) {
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer);
    const SequenceSizes s = layer.sizes(op);
    const bool resets_after = layer.apart != IntegerRecurrence::kNone;
    const auto width = static_cast<std::int32_t>(s.inputs), units = static_cast<std::int32_t>(s.units);
    return lowered_integers(
        op, layer, numbers,
        {.function = "gru_s16<" + rows_type(in_pairs) + (resets_after ? ", true>" : ", false>"),
         .params_type = "GruS16",
         .params = {{"value_shift", std::to_string(kFineBits - numbers.exponent)}}},
        resets_after ? gru_s16_scratch<true>(width, units) : gru_s16_scratch<false>(width, units), in_pairs);
  }

  static std::vector<Kernel> kernels() {
    std::vector<Kernel> kernels =
        integer_kernels("gru", is_integers, integers_of, lower_integers<true>, lower_integers<false>);
    kernels.insert(kernels.begin(),
                   {"gru_f32", "gru/gru_f32.h",
                    [](const Operation& op, const Core&) { return !is_integers(op); }, lower_f32});
    return kernels;
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[6,1,3]; const f32[1,12,3]; const f32[1,12,4]; const f32[1,12]"},
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
        {"i8[3,1,12] q(0.02,3); const i8[1,57,12] q(0.002,0); const i8[1,57,19] q(0.001,0); const f32[1,114]",
         "", "i8[3,1,1,19] q(0.0078125,0)"},
        {"i8[3,1,4] q(0.02,3); const i8[1,6,4] q(0.01,0); const i8[1,6,2] q(0.006,0); const f32[1,12]",
         "reset_after=true", "i8[3,1,1,2] q(0.0078125,0)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,15,3] q(0.01,0); const i8[1,15,5] "
         "q(axis=1,[0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,"
         "0.002],0); const f32[1,15]",
         "", "i8[6,1,1,5] q(0.0078125,0)"},
        {"i16[2,6,3] q(0.0002,0); const i8[2,12,3] q(0.01,0); const i8[2,12,4] q(0.006,0); const f32[2,24]; "
         "i32[2]; i16[2,2,4] q(0.00004,0)",
         "direction=bidirectional, time_major=false, final_state=true, reset_after=true",
         "i16[2,6,2,4] q(0.00003,5); i16[2,2,4] q(0.00006,0)"},
        {"i8[1,2,9] q(0.02,-128); const i8[1,24,9] q(0.01,0); const i8[1,24,8] q(0.004,0); ; ; ; "
         "i16[1,2,8] q(0.000030517578125,0)",
         "direction=reverse", "i8[1,1,2,8] q(0.0078,1)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,15,3] q(0.01,0); const i8[1,15,5] q(0.01,0); const f32[1,15]",
         "gate_clip=2", "", "unsupported-feature"},
        {"i8[6,1,3] q(2,3); const i8[1,15,3] q(1,0); const i8[1,15,5] q(0.01,0); const f32[1,15]", "", "",
         "unsupported-feature"},
        {"f32[6,1,3]; const i8[1,15,3] q(0.01,0); const i8[1,15,5] q(0.01,0)", "", "", "dtype-mismatch"},
        {"f32[5,1,3]; const f32[1,16,3]; const f32[1,16,4]", "", "", "shape-mismatch"},
        {"f32[5,1,3]; const f32[1,12,3]; const f32[1,12,4]", "functions=[sigmoid]", "",
         "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_gru() { return {define<Gru>()}; }

}  // namespace nb
