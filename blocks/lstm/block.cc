// lstm: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/elements.h"
#include "blocks/integer_functions.h"
#include "blocks/lstm/attributes.h"
#include "blocks/lstm/lstm_f32.h"
#include "blocks/lstm/lstm_quantized.h"
#include "blocks/lstm/lstm_s16.h"
#include "blocks/quantized.h"
#include "blocks/recurrent_integers.h"

namespace nb {
namespace {

constexpr std::array kStandard = {GateFunction::sigmoid, GateFunction::tanh, GateFunction::tanh};
enum : std::size_t { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeephole, kStateH, kStateC };

using Sizes = SequenceSizes;

Sizes sizes_of(const Operation& op) {
  const auto& a = op.attrs<LstmAttrs>();
  return sequence_sizes(op.in[kX]->shape, op.in[kR]->shape[2], a.direction, a.time_major);
}

std::vector<GateCall> calls_of(const Operation& op) {
  const auto& a = op.attrs<LstmAttrs>();
  return *gate_calls(a.functions, a.alpha, a.beta, kStandard, direction_count(a.direction));
}

std::string text(std::int64_t value) { return std::to_string(value); }

/// Which operands hold the first states; both outputs of states go there or to y_h and y_c.
std::size_t first_h(const Operation& op) { return op.has(kStateH) ? kStateH : kInitialH; }
std::size_t first_c(const Operation& op) { return op.has(kStateC) ? kStateC : kInitialC; }

/// Integers whose biases are integers, too: as TensorFlow Lite has them.
bool is_quantized(const Operation& op) {
  return !is_float(op.in[kX]->dtype) && op.has(kB) && op.in[kB]->dtype != DType::f32;
}
/// Integers of scales of their own.
bool is_integers(const Operation& op) { return !is_float(op.in[kX]->dtype) && !is_quantized(op); }

IntegerRecurrence integers_of(const Operation& op) {
  const auto& a = op.attrs<LstmAttrs>();
  IntegerRecurrence layer;
  layer.gates = 4;
  layer.parts = {4};
  layer.first_h = {kStateH, kInitialH};
  layer.first_c = {kStateC, kInitialC};
  layer.direction = a.direction;
  layer.time_major = a.time_major;
  layer.final_state = a.final_state;
  return layer;
}

std::optional<Fault> integers_fault(const Operation& op) {
  const auto& a = op.attrs<LstmAttrs>();
  const auto calls = calls_of(op);
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (calls[i].function != kStandard[i % kStandard.size()])
      return no_integer_form(op, "other functions than sigmoid, tanh, tanh");
  if (op.has(kPeephole)) return no_integer_form(op, "peepholes");
  if (a.couple_gates) return no_integer_form(op, "coupled gates");
  return check_integers(op, integers_of(op));
}

/// What a quantized layer must be.
std::optional<Fault> quantized_fault(const Operation& op, const Sizes& s) {
  const auto& a = op.attrs<LstmAttrs>();
  if (a.direction != Direction::forward || a.final_state || a.gate_clip > 0 || a.couple_gates ||
      (!a.functions.empty() && !std::equal(a.functions.begin(), a.functions.end(), kStandard.begin())) ||
      op.has(kLengths) || op.has(kPeephole) || op.has(kInitialH) || op.has(kInitialC) || !op.has(kB) ||
      !op.has(kStateH))
    return Fault{
        Kind::unsupported_feature,
        "a quantized lstm that is not forward, with a bias, sigmoid, tanh and variable states alone"};
  const Type &x = *op.in[kX], &h = *op.in[kStateH], &c = *op.in[kStateC];
  const DType bias = x.dtype == DType::i8 ? DType::i32 : DType::i64;
  if (op.in[kW]->dtype != DType::i8 || op.in[kR]->dtype != DType::i8 || op.in[kB]->dtype != bias ||
      h.dtype != x.dtype || c.dtype != DType::i16)
    return Fault{Kind::dtype_mismatch, "a quantized lstm of " + type_text(x) + " with weights " +
                                           type_text(*op.in[kW]) + ", bias " + type_text(*op.in[kB]) +
                                           ", states " + type_text(h) + " and " + type_text(c)};
  for (const std::size_t i : {kX, kW, kR, kStateH, kStateC})
    if (auto fault = check_quantized(op, i)) return fault;
  for (const std::size_t i : {kX, kStateH, kStateC})
    if (op.in[i]->quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "an lstm's activations with a scale per index"};
  for (const std::size_t i : {kW, kR}) {
    const Quantization& q = *op.in[i]->quantization;
    if (q.axis != 1 && q.is_per_axis())
      return Fault{Kind::unsupported_feature, "an lstm's weights with scales along axis " + text(q.axis)};
    for (std::size_t row = 0; row < q.scales.size(); ++row)
      if (q.zero_points[row] != 0 || q.scales[row] != q.scales[row - row % static_cast<std::size_t>(s.units)])
        return Fault{Kind::unsupported_feature,
                     "an lstm's weights with several scales in a gate, or zero points"};
  }
  int exponent = 0;
  if (std::frexp(c.scale(), &exponent) != 0.5f || c.zero_point() != 0 || exponent - 1 > 2 ||
      exponent - 1 < -40)
    return Fault{Kind::unsupported_feature,
                 "an lstm's cell state with scale " + float_text(c.scale()) + ", not a power of two"};
  return std::nullopt;
}

struct Lstm {
  static constexpr std::string_view name = "lstm";
  static constexpr std::string_view doc =
      "long short-term memory: c_t = f*c_{t-1} + i*g(z_c), h_t = o*h(c_t), gates of z = w x_t + r h_{t-1} + "
      "b";
  using Attrs = LstmAttrs;
  static constexpr auto fields = kLstmFields;
  static constexpr std::array inputs = {
      Operand{"x", kRecurrentValues}, Operand{"w", kRecurrentWeights, Arity::one, false, true},
      Operand{"r", kRecurrentWeights, Arity::one, false, true},
      Operand{.name = "b",
              .dtypes = DTypeSet{DType::f32, DType::i32, DType::i64},
              .arity = Arity::optional,
              .is_constant = true,
              .is_real = true},
      Operand{"lengths", DTypeSet{DType::i32}, Arity::optional},
      Operand{.name = "initial_h", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true},
      Operand{.name = "initial_c", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true},
      // Real in quantized form, so that inference says why there is none with it.
      Operand{.name = "peephole",
              .dtypes = kFloats,
              .arity = Arity::optional,
              .is_constant = true,
              .is_real = true},
      Operand{.name = "state_h",
              .dtypes = kRecurrentValues,
              .arity = Arity::optional,
              .is_state = true,
              .is_wide = true},
      Operand{.name = "state_c",
              .dtypes = kRecurrentStates,
              .arity = Arity::optional,
              .is_state = true,
              .is_wide = true}};
  static constexpr std::array outputs = {
      Operand{"y", kRecurrentValues},
      Operand{.name = "y_h", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true},
      Operand{.name = "y_c", .dtypes = kRecurrentStates, .arity = Arity::optional, .is_wide = true}};
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[kX], &w = *op.in[kW], &r = *op.in[kR];
    if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
      return Fault{Kind::shape_mismatch, "operands are " + type_text(x) + ", " + type_text(w) + " and " +
                                             type_text(r) + ", not of rank 3"};
    const Sizes s = sizes_of(op);
    if (auto fault = check_shapes(op, {{kW, {s.directions, 4 * s.units, s.inputs}},
                                       {kR, {s.directions, 4 * s.units, s.units}},
                                       {kLengths, {s.samples}},
                                       {kInitialH, s.state()},
                                       {kInitialC, s.state()},
                                       {kPeephole, {s.directions, 3 * s.units}},
                                       {kStateH, s.state()},
                                       {kStateC, s.state()}}))
      return *fault;
    if (op.has(kB) && op.in[kB]->shape != Shape{s.directions, 8 * s.units})
      if (auto fault = check_shapes(op, {{kB, {s.directions, 4 * s.units}}})) return *fault;
    if (op.has(kStateH) != op.has(kStateC) ||
        (op.has(kStateH) && (op.has(kInitialH) || op.has(kInitialC) || a.final_state)))
      return Fault{Kind::unsupported_feature, "one state alone, or states beside initial or final ones"};
    const auto calls = gate_calls(a.functions, a.alpha, a.beta, kStandard, s.directions);
    if (!calls) return calls.fault();
    if (is_quantized(op)) {
      if (auto fault = quantized_fault(op, s)) return *fault;
    } else if (is_integers(op)) {
      if (auto fault = integers_fault(op)) return *fault;
    } else {
      for (const std::size_t i : {kW, kR, kB, kInitialH, kInitialC, kStateH, kStateC})
        if (op.has(i) && op.in[i]->dtype != DType::f32)
          return Fault{Kind::dtype_mismatch, "an lstm of " + type_text(x) + " with " + type_text(*op.in[i])};
    }
    Type y{x.dtype, a.time_major ? Shape{s.steps, s.directions, s.samples, s.units}
                                 : Shape{s.samples, s.steps, s.directions, s.units}};
    if (is_quantized(op)) y.quantization = op.in[kStateH]->quantization;
    std::vector<Type> types = {std::move(y)};
    if (a.final_state) types.insert(types.end(), 2, Type{is_integers(op) ? DType::i16 : x.dtype, s.state()});
    return types;
  }

  /// The bias of a gate's row, both parts summed.
  static float bias_f32(const Operation& op, std::span<const float> b, std::int64_t d, std::int64_t row,
                        std::int64_t units) {
    const std::int64_t width = op.in[kB]->shape[1];
    const float first = b[static_cast<std::size_t>(d * width + row)];
    return width == 8 * units ? first + b[static_cast<std::size_t>(d * width + 4 * units + row)] : first;
  }

  static void reference_f32(const Operation& op, std::span<const TensorView> in,
                            std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Sizes s = sizes_of(op);
    const auto calls = calls_of(op);
    const auto x = in[kX].as<float>(), w = in[kW].as<float>(), r = in[kR].as<float>();
    const auto y = out[0].as<float>();
    const auto n_units = static_cast<std::size_t>(s.units);
    const auto clip = [](double value, float limit) {
      return limit > 0 ? std::clamp(value, -static_cast<double>(limit), static_cast<double>(limit)) : value;
    };
    for (std::int64_t d = 0; d < s.directions; ++d)
      for (std::int64_t n = 0; n < s.samples; ++n) {
        const GateCall* f = calls.data() + 3 * d;
        const std::int64_t at = (d * s.samples + n) * s.units;
        std::vector<double> h(n_units, 0.0), c(n_units, 0.0), z(4 * n_units), next(n_units);
        for (std::int64_t u = 0; u < s.units; ++u) {
          if (op.has(first_h(op))) h[u] = in[first_h(op)].as<float>()[at + u];
          if (op.has(first_c(op))) c[u] = in[first_c(op)].as<float>()[at + u];
        }
        const std::int64_t length =
            op.has(kLengths) ? std::clamp<std::int64_t>(
                                   in[kLengths].as<std::int32_t>()[static_cast<std::size_t>(n)], 0, s.steps)
                             : s.steps;
        const bool is_reverse = d == 1 || a.direction == Direction::reverse;
        for (std::int64_t i = 0; i < length; ++i) {
          const std::int64_t t = is_reverse ? length - 1 - i : i;
          for (std::int64_t row = 0; row < 4 * s.units; ++row) {
            double sum = op.has(kB) ? bias_f32(op, in[kB].as<float>(), d, row, s.units) : 0.0f;
            const std::int64_t all = d * 4 * s.units + row;
            for (std::int64_t k = 0; k < s.inputs; ++k)
              sum += static_cast<double>(x[n * s.x_sample + t * s.x_step + k]) *
                     static_cast<double>(w[all * s.inputs + k]);
            for (std::int64_t k = 0; k < s.units; ++k)
              sum += h[static_cast<std::size_t>(k)] * static_cast<double>(r[all * s.units + k]);
            z[static_cast<std::size_t>(row)] = sum;
          }
          for (std::int64_t u = 0; u < s.units; ++u) {
            const auto seen = [&](std::int64_t gate, double cell) {
              return op.has(kPeephole)
                         ? static_cast<double>(
                               in[kPeephole].as<float>()[d * 3 * s.units + gate * s.units + u]) *
                               cell
                         : 0.0;
            };
            double& cell = c[static_cast<std::size_t>(u)];
            const auto gate = [&](std::int64_t g) { return z[static_cast<std::size_t>(g * s.units + u)]; };
            const double input = apply(f[0], clip(gate(0) + seen(0, cell), a.gate_clip));
            const double forget =
                a.couple_gates ? 1.0 - input : apply(f[0], clip(gate(2) + seen(2, cell), a.gate_clip));
            cell = clip(forget * cell + input * apply(f[1], clip(gate(3), a.gate_clip)), a.cell_clip);
            next[static_cast<std::size_t>(u)] =
                apply(f[0], clip(gate(1) + seen(1, cell), a.gate_clip)) * apply(f[2], cell);
          }
          h = next;
          for (std::int64_t u = 0; u < s.units; ++u)
            y[n * s.y_sample + d * s.y_direction + t * s.y_step + u] =
                static_cast<float>(h[static_cast<std::size_t>(u)]);
        }
        for (std::int64_t u = 0; u < s.units; ++u) {
          const auto last_h = static_cast<float>(h[static_cast<std::size_t>(u)]),
                     last_c = static_cast<float>(c[static_cast<std::size_t>(u)]);
          if (op.has(kStateH)) in[kStateH].as<float>()[at + u] = last_h;
          if (op.has(kStateC)) in[kStateC].as<float>()[at + u] = last_c;
          if (a.final_state) {
            out[1].as<float>()[at + u] = last_h;
            out[2].as<float>()[at + u] = last_c;
          }
        }
      }
  }

  static void reference_integers(const Operation& op, std::span<const TensorView> in,
                                 std::span<const TensorView> out) {
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer, in);
    const auto table = gate_table();
    const std::int32_t gate_clip = clip_steps(op.attrs<Attrs>().gate_clip, kGateUnits),
                       cell_clip = clip_steps(op.attrs<Attrs>().cell_clip, 65536);
    walk_integers(
        op, layer, numbers, in, out, [](auto) {},
        [&](const IntegerStep& step) {
          const std::size_t units = step.h.size();
          std::vector<std::int16_t> next(units);
          for (std::size_t u = 0; u < units; ++u) {
            const auto sum = [&](std::size_t gate) {
              const std::size_t row = gate * units + u;
              return std::clamp(step.z[row] + step.recurrent(static_cast<std::int64_t>(row), step.h),
                                -gate_clip, gate_clip);
            };
            const auto gate = [&](std::size_t g) { return gate_sigmoid(sum(g), table.data()); };
            step.c[u] = std::clamp(next_cell(step.c[u], gate(2), gate(0), gate_tanh(sum(3), table.data())),
                                   -cell_clip, cell_clip);
            const std::int32_t h = gate(1) * cell_tanh(step.c[u], table.data());
            const int shift = 15 + numbers.exponent;
            next[u] = static_cast<std::int16_t>((h + (1 << (shift - 1))) >> shift);
          }
          step.h = next;
        });
  }

  template <bool in_pairs>
  static Lowered lower_integers(const Operation& op, const Core&) {
    const IntegerRecurrence layer = integers_of(op);
    const RecurrentIntegers numbers = recurrent_integers(op, layer);
    const Sizes s = sizes_of(op);
    const auto& a = op.attrs<Attrs>();
    const bool has_clips = a.gate_clip > 0 || a.cell_clip > 0;
    return lowered_integers(
        op, layer, numbers,
        {.function = "lstm_s16<" + rows_type(in_pairs) + (has_clips ? ", true>" : ", false>"),
         .params_type = "LstmS16",
         .params = {{"first_c", numbers.first_c.text()},
                    {"last_c", numbers.last_c.text()},
                    {"h_shift", text(15 + numbers.exponent)},
                    {"gate_clip", text(clip_steps(a.gate_clip, kGateUnits))},
                    {"cell_clip", text(clip_steps(a.cell_clip, 65536))}}},
        lstm_s16_scratch(static_cast<std::int32_t>(s.inputs), static_cast<std::int32_t>(s.units)), in_pairs);
  }

  /// Everything that a quantized layer needs beside its tensors.
  struct Quantized {
    LstmQuantized params;
    std::vector<std::int8_t> weights;
    std::vector<std::int64_t> bias;
  };

  static Quantized quantized_of(const Operation& op, std::span<const std::int8_t> w,
                                std::span<const std::int8_t> r, const std::vector<std::int64_t>& bias) {
    const Sizes s = sizes_of(op);
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    const Type &x = *op.in[kX], &h = *op.in[kStateH], &c = *op.in[kStateC];
    Quantized q{};
    LstmQuantized& p = q.params;
    p.steps = n(s.steps), p.samples = n(s.samples), p.inputs = n(s.inputs), p.units = n(s.units);
    p.x_step = n(s.x_step), p.x_sample = n(s.x_sample), p.y_step = n(s.y_step), p.y_sample = n(s.y_sample);
    const auto set = [](FixedPoint factor, std::int32_t& multiplier, std::int32_t& shift) {
      multiplier = factor.multiplier;
      shift = factor.shift;
    };
    const auto scale_of_gate = [&](const Type& type, std::int64_t gate) {
      const auto& scales = type.quantization->scales;
      return scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(gate * s.units)];
    };
    for (std::int64_t gate = 0; gate < 4; ++gate) {
      const double unit = std::ldexp(1.0, -12);
      const auto product = [&](const Type& values, const Type& weights) {
        return static_cast<double>(values.scale() * scale_of_gate(weights, gate)) / unit;
      };
      set(fixed_point(product(x, *op.in[kW])), p.x_multiplier[gate], p.x_shift[gate]);
      set(fixed_point(product(h, *op.in[kR])), p.h_multiplier[gate], p.h_shift[gate]);
    }
    const double gates = std::ldexp(1.0, -30), cell_scale = static_cast<double>(c.scale());
    set(fixed_point(gates / cell_scale), p.in_multiplier, p.in_shift);
    set(fixed_point(gates / static_cast<double>(h.scale())), p.out_multiplier, p.out_shift);
    const int table_shift = 12 + std::ilogb(c.scale());
    p.tanh_multiplier = table_shift < 0 ? 3 : 3 << table_shift;
    p.tanh_shift = table_shift < 0 ? -table_shift : 0;
    const IntRange range = dtype_range(h.dtype);
    p.h_zero = h.zero_point(), p.h_min = range.min, p.h_max = range.max;
    const auto& a = op.attrs<Attrs>();
    if (a.cell_clip > 0)
      p.cell_clip =
          static_cast<std::int32_t>(std::min(static_cast<double>(a.cell_clip) / cell_scale, 32767.0));

    for (std::int64_t u = 0; u < s.units; ++u) {
      std::array<std::int64_t, 8> sums{};
      const auto take = [&](std::span<const std::int8_t> from, std::int64_t width, std::int64_t zero,
                            std::size_t first) {
        for (std::int64_t gate = 0; gate < 4; ++gate)
          for (std::int64_t k = 0; k < width; ++k) {
            const std::int8_t value = from[static_cast<std::size_t>((gate * s.units + u) * width + k)];
            q.weights.push_back(value);
            sums[first + static_cast<std::size_t>(gate)] -= zero * value;
          }
      };
      take(w, s.inputs, x.zero_point(), 0);
      take(r, s.units, h.zero_point(), 4);
      for (std::int64_t gate = 0; gate < 4; ++gate) {
        const auto row = static_cast<std::size_t>(gate * s.units + u);
        sums[static_cast<std::size_t>(gate)] += bias[row];
      }
      q.bias.insert(q.bias.end(), sums.begin(), sums.end());
    }
    return q;
  }

  template <class T>
  static std::vector<std::int64_t> widened(std::span<const T> values) {
    return {values.begin(), values.end()};
  }
  static std::vector<std::int32_t> narrowed(const std::vector<std::int64_t>& values) {
    std::vector<std::int32_t> narrow;
    for (const std::int64_t value : values) narrow.push_back(static_cast<std::int32_t>(value));
    return narrow;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    if (is_integers(op)) return reference_integers(op, in, out);
    if (!is_quantized(op)) return reference_f32(op, in, out);
    const bool is_narrow = op.in[kX]->dtype == DType::i8;
    const Quantized q = quantized_of(op, in[kW].as<std::int8_t>(), in[kR].as<std::int8_t>(),
                                     is_narrow ? widened<std::int32_t>(in[kB].as<std::int32_t>())
                                               : widened<std::int64_t>(in[kB].as<std::int64_t>()));
    const auto table = sigmoid_table();
    const auto state_c = in[kStateC].as<std::int16_t>().data();
    if (is_narrow)
      lstm_quantized<std::int8_t, std::int32_t>(
          q.params, in[kX].as<std::int8_t>().data(), q.weights.data(), narrowed(q.bias).data(), table.data(),
          in[kStateH].as<std::int8_t>().data(), state_c, out[0].as<std::int8_t>().data());
    else
      lstm_quantized<std::int16_t, std::int64_t>(
          q.params, in[kX].as<std::int16_t>().data(), q.weights.data(), q.bias.data(), table.data(),
          in[kStateH].as<std::int16_t>().data(), state_c, out[0].as<std::int16_t>().data());
  }

  static std::int64_t macs(const Operation& op) {
    const Sizes s = sizes_of(op);
    return s.steps * s.samples * s.directions * 4 * s.units * (s.inputs + s.units);
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Sizes s = sizes_of(op);
    const auto calls = calls_of(op);
    const auto functions_type = [&](std::int64_t d) {
      const GateCall* f = calls.data() + 3 * d;
      return "nb::LstmFunctions<" + functor_type(f[0], a.gate_clip) + ", " + functor_type(f[1], a.gate_clip) +
             ", " + functor_type(f[2]) + (a.cell_clip > 0 ? ", nb::Bounded>" : ">");
    };
    const auto functions_text = [&](std::int64_t d) {
      const GateCall* f = calls.data() + 3 * d;
      return "{" + functor_text(f[0], a.gate_clip) + ", " + functor_text(f[1], a.gate_clip) + ", " +
             functor_text(f[2]) + (a.cell_clip > 0 ? ", {" + float_literal(a.cell_clip) + "}}" : ", {}}");
    };
    const std::int64_t last = s.directions - 1;
    Lowered l{.function = "lstm_f32", .params_type = "LstmF32<" + functions_type(0)};
    if (functions_type(last) != functions_type(0) || op.has(kPeephole))
      l.params_type += ", " + functions_type(last);
    l.params_type += op.has(kPeephole) ? ", true>" : ">";
    l.params = {sequence_param(s, a.direction),
                {"couples", a.couple_gates ? "true" : "false"},
                {"forward", functions_text(0)},
                {"backward", functions_text(last)}};
    l.constants = {{"packed", DType::f32, to_bytes(packed_f32(op, s)),
                    "gates input, output, forget, cell of each unit: tiles over x with biases, then over h"}};
    const auto optional = [&](std::size_t i) { return op.has(i) ? input_arg(i) : literal_arg("nullptr"); };
    const auto last_state = [&](std::size_t state, std::size_t output) {
      return op.has(state) ? input_arg(state) : a.final_state ? output_arg(output) : literal_arg("nullptr");
    };
    l.arguments = {input_arg(kX),          constant_arg(0),       optional(kLengths),
                   optional(first_h(op)),  optional(first_c(op)), last_state(kStateH, 1),
                   last_state(kStateC, 2), output_arg(0),         scratch_arg("float")};
    l.scratch_bytes =
        4 * lstm_f32_scratch(static_cast<std::int32_t>(s.steps), static_cast<std::int32_t>(s.units));
    return l;
  }

  static std::vector<float> packed_f32(const Operation& op, const Sizes& s) {
    const auto w = op.constant<float>(kW), r = op.constant<float>(kR);
    std::vector<float> packed;
    for (std::int64_t d = 0; d < s.directions; ++d) {
      std::vector<float> bias;
      for (std::int64_t u = 0; u < s.units; ++u) {
        for (std::int64_t gate = 0; op.has(kB) && gate < 4; ++gate)
          bias.push_back(bias_f32(op, op.constant<float>(kB), d, gate * s.units + u, s.units));
        for (std::int64_t gate = 0; op.has(kPeephole) && gate < 3; ++gate)
          packed.push_back(
              op.constant<float>(kPeephole)[static_cast<std::size_t>((d * 3 + gate) * s.units + u)]);
      }
      const auto weight_of = [&](std::span<const float> from, std::int64_t width) {
        return [=](std::int64_t o, std::int64_t k) {
          const std::int64_t row = (d * 4 + o % 4) * s.units + o / 4;
          return from[static_cast<std::size_t>(row * width + k)];
        };
      };
      const auto rows = static_cast<std::int32_t>(4 * s.units);
      const auto of_x =
          pack_tiles_f32(rows, static_cast<std::int32_t>(s.inputs), bias, weight_of(w, s.inputs));
      const auto of_h =
          pack_weight_tiles_f32(rows, static_cast<std::int32_t>(s.units), weight_of(r, s.units));
      packed.insert(packed.end(), of_x.begin(), of_x.end());
      packed.insert(packed.end(), of_h.begin(), of_h.end());
    }
    return packed;
  }

  static Lowered lower_quantized(const Operation& op, const Core&) {
    const bool is_narrow = op.in[kX]->dtype == DType::i8;
    const Quantized q = quantized_of(
        op, op.constant<std::int8_t>(kW), op.constant<std::int8_t>(kR),
        is_narrow ? widened(op.constant<std::int32_t>(kB)) : widened(op.constant<std::int64_t>(kB)));
    const LstmQuantized& p = q.params;
    const auto four = [](const std::int32_t(&values)[4]) {
      return list_text(std::vector<std::int64_t>(values, values + 4));
    };
    Lowered l{.function = is_narrow ? "lstm_quantized<int8_t, int32_t>" : "lstm_quantized<int16_t, int64_t>",
              .params_type = "LstmQuantized"};
    l.params = {{"steps", text(p.steps)},
                {"samples", text(p.samples)},
                {"inputs", text(p.inputs)},
                {"units", text(p.units)},
                {"x_step", text(p.x_step)},
                {"x_sample", text(p.x_sample)},
                {"y_step", text(p.y_step)},
                {"y_sample", text(p.y_sample)},
                {"x_multiplier", four(p.x_multiplier)},
                {"x_shift", four(p.x_shift)},
                {"h_multiplier", four(p.h_multiplier)},
                {"h_shift", four(p.h_shift)},
                {"in_multiplier", text(p.in_multiplier)},
                {"in_shift", text(p.in_shift)},
                {"tanh_multiplier", text(p.tanh_multiplier)},
                {"tanh_shift", text(p.tanh_shift)},
                {"out_multiplier", text(p.out_multiplier)},
                {"out_shift", text(p.out_shift)},
                {"h_zero", text(p.h_zero)},
                {"h_min", text(p.h_min)},
                {"h_max", text(p.h_max)},
                {"cell_clip", text(p.cell_clip)}};
    l.constants = {
        {"weights", DType::i8, to_bytes(q.weights),
         "by unit: gates input, output, forget, cell of x, then of h"},
        is_narrow ? PackedConstant{"bias", DType::i32, to_bytes(narrowed(q.bias)), "zero points included"}
                  : PackedConstant{"bias", DType::i64, to_bytes(q.bias), "zero points included"},
        {"sigmoid", DType::u16, to_bytes(sigmoid_table()), "65536 * sigmoid(i / 24)"}};
    l.arguments = {input_arg(kX),      constant_arg(0),    constant_arg(1), constant_arg(2),
                   input_arg(kStateH), input_arg(kStateC), output_arg(0)};
    return l;
  }

  static std::vector<Kernel> kernels() {
    std::vector<Kernel> kernels =
        integer_kernels("lstm", is_integers, integers_of, lower_integers<true>, lower_integers<false>);
    kernels.insert(kernels.begin(),
                   {"lstm_f32", "lstm/lstm_f32.h",
                    [](const Operation& op, const Core&) { return is_float(op.in[kX]->dtype); }, lower_f32});
    kernels.push_back({"lstm_quantized", "lstm/lstm_quantized.h",
                       [](const Operation& op, const Core&) { return is_quantized(op); }, lower_quantized});
    return kernels;
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[5,1,3]; const f32[1,16,3]; const f32[1,16,4]; const f32[1,16]"},
        {"f32[2,6,3]; const f32[2,20,3]; const f32[2,20,5]; const f32[2,40]",
         "direction=bidirectional, time_major=false, final_state=true, functions=[hard_sigmoid,tanh,relu,"
         "sigmoid,affine,softsign], alpha=[0.2,0,0,0,0.5,0], beta=[0.5,0,0,0,0.1,0]"},
        {"f32[4,2,3]; const f32[1,8,3]; const f32[1,8,2]; const f32[1,8]; ; f32[1,2,2]; f32[1,2,2]; "
         "const f32[1,6]",
         "direction=reverse, couple_gates=true, gate_clip=0.5, cell_clip=0.4, final_state=true"},
        {"i8[3,1,5] q(0.02,3); const i8[1,8,5] q(axis=1,[0.01,0.01,0.02,0.02,0.015,0.015,0.03,0.03],0); "
         "const i8[1,8,2] q(axis=1,[0.01,0.01,0.02,0.02,0.015,0.015,0.03,0.03],0); const i32[1,8]; ; ; ; ; "
         "i8[1,1,2] q(0.01,-2); i16[1,1,2] q(0.00048828125,0)",
         "", "i8[3,1,1,2] q(0.01,-2)"},
        {"i16[1,3,5] q(0.0002,0); const i8[1,8,5] q(axis=1,[0.01,0.01,0.02,0.02,0.015,0.015,0.03,0.03],0); "
         "const i8[1,8,2] q(axis=1,[0.01,0.01,0.02,0.02,0.015,0.015,0.03,0.03],0); const i64[1,8]; ; ; ; ; "
         "i16[1,1,2] q(0.00003,0); i16[1,1,2] q(0.00048828125,0)",
         "time_major=false", "i16[1,3,1,2] q(0.00003,0)"},
        {"i8[3,1,12] q(0.02,3); const i8[1,76,12] q(0.002,0); const i8[1,76,19] q(0.001,0); const f32[1,152]",
         "", "i8[3,1,1,19] q(0.0078125,0)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,20,3] q(0.01,0); const i8[1,20,5] "
         "q(axis=1,[0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,0.002,0.004,"
         "0.002,0.004,0.002,0.004,0.002,0.003],0); const f32[1,20]",
         "", "i8[6,1,1,5] q(0.0078125,0)"},
        {"i16[2,6,3] q(0.0002,0); const i8[2,16,3] q(0.01,0); const i8[2,16,4] q(0.006,0); const f32[2,32]; "
         "i32[2]; i16[2,2,4] q(0.00004,0); i16[2,2,4] q(0.0001,0)",
         "direction=bidirectional, time_major=false, final_state=true",
         "i16[2,6,2,4] q(0.00003,5); i16[2,2,4] q(0.00006,0); i16[2,2,4] q(0.00005,0)"},
        {"i8[1,2,9] q(0.02,-128); const i8[1,32,9] q(0.01,0); const i8[1,32,8] q(0.004,0); ; ; ; ; ; "
         "i16[1,2,8] q(0.000030517578125,0); i16[1,2,8] q(0.001,0)",
         "direction=reverse", "i8[1,1,2,8] q(0.0078,1)"},
        {"i8[7,2,3] q(0.02,3); const i8[1,20,3] q(0.01,0); const i8[1,20,5] q(0.006,0); const f32[1,20]; ; "
         "i16[1,2,5] q(0.00003,0); i16[1,2,5] q(0.0001,0)",
         "gate_clip=0.7, cell_clip=0.4, final_state=true",
         "i8[7,1,2,5] q(0.005,0); i16[1,2,5] q(0.00003,0); i16[1,2,5] q(0.0001,0)"},
        {"i16[6,1,3] q(0.0002,0); const i8[1,36,3] q(0.01,0); const i8[1,36,9] q(0.006,0)", "cell_clip=0.3",
         "i16[6,1,1,9] q(0.00003,0)"},
        {"i8[6,1,3] q(0.02,3); const i8[1,20,3] q(0.01,0); const i8[1,20,5] q(0.01,0)", "couple_gates=true",
         "", "unsupported-feature"},
        {"i8[6,1,3] q(0.02,3); const i8[1,20,3] q(0.01,0); const i8[1,20,5] q(0.01,0); ; ; i16[1,1,5] "
         "q(0.5,0)",
         "", "", "unsupported-feature"},
        {"f32[5,1,3]; const f32[1,16,2]; const f32[1,16,4]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_lstm() { return {define<Lstm>()}; }

}  // namespace nb
