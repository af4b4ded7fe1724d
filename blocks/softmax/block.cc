// softmax and log_softmax: all there is to know about them. The kernels' headers lie beside.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/integer_functions.h"
#include "blocks/quantized.h"
#include "blocks/softmax/attributes.h"
#include "blocks/softmax/log_softmax_s16.h"
#include "blocks/softmax/log_softmax_s8.h"
#include "blocks/softmax/softmax_s16.h"
#include "blocks/softmax/softmax_s8.h"
#include "blocks/softmax/softmax_table_s8.h"

namespace nb {
namespace {

AxisSplit split_of(const Operation& op) {
  return split_at(op.in[0]->shape, *checked_axis(op.attrs<SoftmaxAttrs>().axis, op.in[0]->rank()));
}

/// beta * scale in units of 2^-26: five integer bits.
FixedPoint input_factor(const Operation& op) {
  const double beta = op.attrs<SoftmaxAttrs>().beta, scale = op.in[0]->scale();
  return fixed_point(std::min(beta * scale * (1 << 26), 2147483647.0));
}

SoftmaxS8 s8_params(const Operation& op) {
  const AxisSplit s = split_of(op);
  const FixedPoint f = input_factor(op);
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  const std::int64_t radius = (std::int64_t{31} << 26) >> f.shift;
  return {n(s.outer), n(s.size), n(s.inner), f.multiplier, f.shift, n(-radius)};
}

LogSoftmaxS8 log_params(const Operation& op) {
  const SoftmaxS8 s = s8_params(op);
  const FixedPoint inverse =
      fixed_point(static_cast<double>(std::int64_t{1} << (31 - s.shift)) / static_cast<double>(s.multiplier));
  return {s, inverse.multiplier, inverse.shift};
}

SoftmaxS16 s16_params(const Operation& op) {
  const AxisSplit s = split_of(op);
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  const double scale = op.in[0]->scale(), beta = op.attrs<SoftmaxAttrs>().beta;
  const FixedPoint f = fixed_point(scale * beta / (10.0 / 65535.0));
  return {n(s.outer), n(s.size), n(s.inner), f.multiplier, f.shift};
}

/// Of log_softmax of int16; the numbers of its output are its own. Absent where 32 bits do not hold factors.
std::optional<LogSoftmaxS16> log_s16_params(const Operation& op) {
  constexpr double kPowerEnd = 0x1p25 - 2;  // of fine_power_of_half's argument
  if (!op.out[0]->is_quantized() || op.out[0]->quantization->is_per_axis()) return std::nullopt;
  const double x = op.in[0]->scale(), y = op.out[0]->scale();
  const FixedPoint f = fixed_point(x / y, Rounding::once);
  const int shift = 31 - f.shift;
  // Octaves in 2^-24 take 29 bits: a factor of 31 more leaves room for their product.
  int exponent = 0;
  const double fraction = std::frexp(std::numbers::ln2 / y, &exponent);
  const int log_shift = 31 + 24 - exponent - shift;
  if (f.multiplier == 0 || shift < 11 || log_shift < 0 || log_shift > 62 || y < 0x1p-24) return std::nullopt;
  const AxisSplit s = split_of(op);
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  const double octave = std::ldexp(x * std::numbers::log2e, 20);
  const HighFactor power = high_factor(octave);
  return LogSoftmaxS16{n(s.outer),
                       n(s.size),
                       n(s.inner),
                       n(std::llround(std::min(std::floor(kPowerEnd / octave), 65535.0))),
                       power.left,
                       power.multiplier,
                       f.multiplier,
                       shift,
                       n(std::min<std::int64_t>(std::llround(std::ldexp(fraction, 31)),
                                                std::numeric_limits<std::int32_t>::max())),
                       log_shift,
                       op.out[0]->zero_point()};
}

/// 513 values, at most 1 in units of 2^-15, of a function on [low, high], each moved by half of what a chord
/// to the next errs in the middle. All arithmetic is float32.
std::vector<std::int16_t> table_s16(float low, float high, float (*f)(float)) {
  const float step = (high - low) / 512, half_step = step / 2;
  const float scale = 65536.0f / (2.0f / 65535 * 32767 - 2.0f / 65535 * -32768);
  const auto stored = [](float value) {
    return static_cast<std::int16_t>(std::clamp(value, -32768.0f, 32767.0f));
  };
  std::vector<std::int16_t> table;
  for (int i = 0; i < 512; ++i) {
    const auto at = static_cast<float>(i);
    const float here = std::round(f(low + at * step) * scale);
    const float next = f(low + static_cast<float>(i + 1) * step) * scale;
    const float sag = std::round((next + here) / 2) - std::round(f(low + at * step + half_step) * scale);
    table.push_back(stored(here - std::round(sag / 2)));
  }
  table.push_back(stored(std::round(f(high) * scale)));
  return table;
}
std::vector<std::int16_t> exponentials_s16() {
  return table_s16(10.0f / 65535 * (-32768 - 32767), 0.0f, [](float x) { return std::exp(x); });
}
std::vector<std::int16_t> reciprocals_s16() {
  return table_s16(0.0f, 1.0f / 65535 * (32767 + 32768), [](float x) { return 1.0f / (1.0f + x); });
}

Checked<std::vector<Type>> infer(const Operation& op) {
  const auto& a = op.attrs<SoftmaxAttrs>();
  const Type& x = *op.in[0];
  const auto axis = checked_axis(a.axis, x.rank());
  if (!axis) return axis.fault();
  if (!(a.beta > 0) || std::isinf(a.beta))
    return Fault{Kind::attribute_out_of_range, "beta is " + std::to_string(a.beta) + ", not positive"};
  if (is_float(x.dtype)) return std::vector{Type{x.dtype, x.shape}};
  if (auto fault = check_quantized(op, 0)) return *fault;
  if (x.quantization->is_per_axis())
    return Fault{Kind::unsupported_feature,
                 op.block->name + " of " + type_text(x) + " with a scale per index"};
  const bool is_log = op.block->name == "log_softmax";
  const std::int64_t most = x.dtype == DType::i16 ? 65535 : is_log ? 4095 : 8191;
  if (split_of(op).size > most)
    return Fault{Kind::limit_exceeded, op.block->name + " along " + std::to_string(split_of(op).size) +
                                           " elements of " + type_text(x) + ", at most " +
                                           std::to_string(most)};
  if (is_log && a.beta != 1.0f)
    return Fault{Kind::unsupported_feature, "log_softmax of integers with a beta of " + float_text(a.beta)};
  if (x.dtype == DType::i16 && is_log) return std::vector{Type{x.dtype, x.shape}};
  if (x.dtype == DType::i16) {
    if (x.zero_point() != 0)
      return Fault{Kind::unsupported_feature, "softmax of int16 whose zero point is not 0"};
    return std::vector{Type{x.dtype, x.shape, Quantization{{1.0f / 32768}, {0}}}};
  }
  if (op.rounding == Rounding::once && !is_log) return std::vector{Type{x.dtype, x.shape}};
  const FixedPoint f = input_factor(op);
  if (f.multiplier == 0 || f.shift < 0)
    return Fault{Kind::unsupported_feature, op.block->name + " of a scale below 2^-27"};
  if (is_log) return std::vector{Type{x.dtype, x.shape, Quantization{{1.0f / 16}, {127}}}};
  return std::vector{Type{x.dtype, x.shape, Quantization{{1.0f / 256}, {-128}}}};
}

/// Rounded once: the table's unit, so that a row's sum stays below 2^32, and the numbers of the output.
int table_bits(const Operation& op) {
  int bits = 31;
  for (std::int64_t size = 1; size < split_of(op).size; size *= 2) --bits;
  return bits;
}
std::vector<std::uint32_t> power_table(const Operation& op) {
  const double step =
      static_cast<double>(op.attrs<SoftmaxAttrs>().beta) * static_cast<double>(op.in[0]->scale());
  std::vector<std::uint32_t> table;
  for (int d = 0; d < 256; ++d)
    table.push_back(
        static_cast<std::uint32_t>(std::llround(std::ldexp(std::exp(-step * d), table_bits(op)))));
  return table;
}
SoftmaxTableS8 table_params(const Operation& op) {
  const AxisSplit s = split_of(op);
  const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  const double steps = 1 / static_cast<double>(op.out[0]->scale());
  int exponent = 0;
  (void)std::frexp(steps, &exponent);
  // The sum is at least 2^bits: the factor stays below 2^32.
  const int shift = std::min({62, 62 - exponent, table_bits(op) + 31 - exponent});
  const auto numerator = static_cast<std::uint64_t>(std::ldexp(steps, shift));
  return {n(s.outer),
          n(s.size),
          n(s.inner),
          static_cast<std::int32_t>(numerator >> 32),
          static_cast<std::int32_t>(numerator),
          shift,
          op.out[0]->zero_point()};
}
bool has_table(const Operation& op) {
  return op.rounding == Rounding::once && op.out[0]->is_quantized() && op.out[0]->scale() > 1e-4f &&
         op.out[0]->scale() < 1e4f;
}

/// Calls f(offset of element i of a row as a function of i, row size) for each row.
template <class F>
void each_row(const Operation& op, F f) {
  const AxisSplit s = split_of(op);
  for (std::int64_t n = 0; n < s.outer; ++n)
    for (std::int64_t j = 0; j < s.inner; ++j)
      f([&](std::int64_t i) { return (n * s.size + i) * s.inner + j; }, s.size);
}

void reference_f32(bool is_log, const Operation& op, std::span<const TensorView> in,
                   std::span<const TensorView> out) {
  const auto x = in[0].as<float>();
  const auto y = out[0].as<float>();
  const double beta = op.attrs<SoftmaxAttrs>().beta;
  each_row(op, [&](auto at, std::int64_t size) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max(largest, static_cast<double>(x[at(i)]));
    for (std::int64_t i = 0; i < size; ++i) sum += std::exp(beta * (x[at(i)] - largest));
    for (std::int64_t i = 0; i < size; ++i) {
      const double power = beta * (x[at(i)] - largest);
      y[at(i)] = static_cast<float>(is_log ? power - std::log(sum) : std::exp(power) / sum);
    }
  });
}

void reference_s8(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  const auto x = in[0].as<std::int8_t>();
  const auto y = out[0].as<std::int8_t>();
  const SoftmaxS8 p = s8_params(op);
  each_row(op, [&](auto at, std::int64_t size) {
    std::int32_t largest = -128;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max<std::int32_t>(largest, x[at(i)]);
    std::uint32_t sum = 0;
    for (std::int64_t i = 0; i < size; ++i)
      sum += static_cast<std::uint32_t>(divide_by_power_of_two(softmax_power(p, x[at(i)] - largest), 12));
    for (std::int64_t i = 0; i < size; ++i)
      y[at(i)] = softmax_quotient(softmax_scale(sum), softmax_power(p, x[at(i)] - largest));
  });
}

void reference_log_s8(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  log_softmax_s8(log_params(op), in[0].as<std::int8_t>().data(), out[0].as<std::int8_t>().data());
}

void reference_s16(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  softmax_s16(s16_params(op), in[0].as<std::int16_t>().data(), exponentials_s16().data(),
              reciprocals_s16().data(), out[0].as<std::int16_t>().data());
}

void reference_log_s16(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  if (const auto p = log_s16_params(op))
    log_softmax_s16(*p, in[0].as<std::int16_t>().data(), fine_powers().data(),
                    out[0].as<std::int16_t>().data());
}

void reference_table_s8(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
  const auto x = in[0].as<std::int8_t>();
  const auto y = out[0].as<std::int8_t>();
  const SoftmaxTableS8 p = table_params(op);
  const auto table = power_table(op);
  each_row(op, [&](auto at, std::int64_t size) {
    std::int32_t largest = -128;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max<std::int32_t>(largest, x[at(i)]);
    std::uint32_t sum = 0;
    for (std::int64_t i = 0; i < size; ++i) sum += table[static_cast<std::size_t>(largest - x[at(i)])];
    if (sum == 0) return;
    const std::uint32_t factor = softmax_table_factor(p, sum);
    for (std::int64_t i = 0; i < size; ++i)
      y[at(i)] = softmax_table_quotient(p, table[static_cast<std::size_t>(largest - x[at(i)])], factor);
  });
}

Lowered lower_table_s8(const Operation& op, const Core&) {
  const SoftmaxTableS8 p = table_params(op);
  Lowered l{.function = "softmax_table_s8", .params_type = "SoftmaxTableS8"};
  l.params = {{"outer", std::to_string(p.outer)},
              {"size", std::to_string(p.size)},
              {"inner", std::to_string(p.inner)},
              {"numerator_high", std::to_string(p.numerator_high)},
              {"numerator_low", std::to_string(p.numerator_low)},
              {"shift", std::to_string(p.shift)},
              {"out_zero", std::to_string(p.out_zero)}};
  l.constants = {
      {"powers", DType::u32, to_bytes(power_table(op)), "exp of minus 0 to 255 steps of the input"}};
  l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_f32(bool is_log, const Operation& op) {
  const AxisSplit s = split_of(op);
  Lowered l{.function = is_log ? "log_softmax_f32" : "softmax_f32", .params_type = "SoftmaxF32"};
  l.params = {{"outer", std::to_string(s.outer)},
              {"size", std::to_string(s.size)},
              {"inner", std::to_string(s.inner)},
              {"beta", float_literal(op.attrs<SoftmaxAttrs>().beta)}};
  l.arguments = {input_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_s8(const Operation& op, const Core&) {
  const SoftmaxS8 p = s8_params(op);
  Lowered l{.function = "softmax_s8", .params_type = "SoftmaxS8"};
  l.params = {{"outer", std::to_string(p.outer)}, {"size", std::to_string(p.size)},
              {"inner", std::to_string(p.inner)}, {"multiplier", std::to_string(p.multiplier)},
              {"shift", std::to_string(p.shift)}, {"least_difference", std::to_string(p.least_difference)}};
  l.arguments = {input_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_log_s8(const Operation& op, const Core& core) {
  const LogSoftmaxS8 p = log_params(op);
  Lowered l = lower_s8(op, core);
  std::vector<std::string> members;
  for (const Param& param : l.params) members.push_back(param.text);
  l.function = "log_softmax_s8";
  l.params_type = "LogSoftmaxS8";
  l.params = {{"outer, size, inner, multiplier, shift, least_difference", "{" + join(members, ", ") + "}"},
              {"inverse_multiplier", std::to_string(p.inverse_multiplier)},
              {"inverse_shift", std::to_string(p.inverse_shift)}};
  return l;
}

Lowered lower_s16(const Operation& op, const Core&) {
  const SoftmaxS16 p = s16_params(op);
  Lowered l{.function = "softmax_s16", .params_type = "SoftmaxS16"};
  l.params = {{"outer", std::to_string(p.outer)},
              {"size", std::to_string(p.size)},
              {"inner", std::to_string(p.inner)},
              {"multiplier", std::to_string(p.multiplier)},
              {"shift", std::to_string(p.shift)}};
  l.constants = {{"exponentials", DType::i16, to_bytes(exponentials_s16()), "32768 * e^x, x from -10 to 0"},
                 {"reciprocals", DType::i16, to_bytes(reciprocals_s16()), "32768 / (1 + x), x from 0 to 1"}};
  l.arguments = {input_arg(0), constant_arg(0), constant_arg(1), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_log_s16(const Operation& op, const Core&) {
  const LogSoftmaxS16 p = *log_s16_params(op);
  Lowered l{.function = "log_softmax_s16", .params_type = "LogSoftmaxS16"};
  for (const auto& [name, value] : {std::pair{"outer", p.outer},
                                    {"size", p.size},
                                    {"inner", p.inner},
                                    {"power_limit", p.power_limit},
                                    {"power_left", p.power_left},
                                    {"power_multiplier", p.power_multiplier},
                                    {"multiplier", p.multiplier},
                                    {"shift", p.shift},
                                    {"log_multiplier", p.log_multiplier},
                                    {"log_shift", p.log_shift},
                                    {"out_zero", p.out_zero}})
    l.params.push_back({name, std::to_string(value)});
  l.constants = {{"powers", DType::u32, to_bytes(fine_powers()), "2^(-i / 128) in units of 2^-31"}};
  l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Block block_of(bool is_log) {
  const DTypeSet dtypes = kFloats | DTypeSet{DType::i8, DType::i16};
  Block block;
  block.name = is_log ? "log_softmax" : "softmax";
  block.doc = is_log ? "y = beta * x - log(sum along the axis of exp(beta * x))"
                     : "y = exp(beta * x) / sum along the axis of exp(beta * x)";
  block.inputs = {Operand{"x", dtypes}};
  block.outputs = {Operand{"y", dtypes}};
  block.attributes = attribute_ops<SoftmaxAttrs>(kSoftmaxFields);
  block.infer = infer;
  block.reference = [is_log](const Operation& op, std::span<const TensorView> in,
                             std::span<const TensorView> out) {
    if (op.in[0]->dtype == DType::f32)
      reference_f32(is_log, op, in, out);
    else if (op.in[0]->dtype == DType::i16)
      (is_log ? reference_log_s16 : reference_s16)(op, in, out);
    else if (op.rounding == Rounding::once && !is_log)
      reference_table_s8(op, in, out);
    else
      (is_log ? reference_log_s8 : reference_s8)(op, in, out);
  };
  block.macs = no_macs;
  block.quantized_form = [](const Operation&) { return QuantizedForm::rounds; };
  block.kernels = {{is_log ? "log_softmax_f32" : "softmax_f32", "softmax/softmax_f32.h",
                    [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; },
                    [is_log](const Operation& op, const Core&) { return lower_f32(is_log, op); }}};
  block.samples = {{"f32[3,10]"},
                   {"f32[2,5,3]", "axis=1, beta=0.5"},
                   {"f32[4]", "axis=0"},
                   {"f32[3,4]", "axis=2", "", "attribute-out-of-range"},
                   {"f32[3,4]", "beta=0", "", "attribute-out-of-range"}};
  if (is_log) {
    block.kernels.push_back({"log_softmax_s8", "softmax/log_softmax_s8.h",
                             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::i8; },
                             lower_log_s8});
    block.kernels.push_back({"log_softmax_s16", "softmax/log_softmax_s16.h",
                             [](const Operation& op, const Core&) {
                               return op.in[0]->dtype == DType::i16 && log_s16_params(op).has_value();
                             },
                             lower_log_s16});
    block.samples.push_back({"i8[2,12] q(0.1, 5)"});
    block.samples.push_back({"i8[2,5,3] q(0.5, -3)", "axis=1"});
    block.samples.push_back({"i16[2,12] q(0.0005, 3)", "", "i16[2,12] q(0.0007, 32000)"});
    block.samples.push_back({"i16[2,5,3] q(0.02, 0)", "axis=1", "i16[2,5,3] q(0.01, 0)"});
    return block;
  }
  block.kernels.push_back({"softmax_s16", "softmax/softmax_s16.h",
                           [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::i16; },
                           lower_s16});
  block.samples.push_back({"i16[2,12] q(0.0005, 0)"});
  block.samples.push_back({"i16[2,5,3] q(0.001, 0)", "axis=1, beta=2"});
  block.kernels.push_back({"softmax_s8", "softmax/softmax_s8.h",
                           [](const Operation& op, const Core&) {
                             return op.in[0]->dtype == DType::i8 && op.rounding == Rounding::twice;
                           },
                           lower_s8});
  block.kernels.push_back(
      {"softmax_table_s8", "softmax/softmax_table_s8.h",
       [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::i8 && has_table(op); },
       lower_table_s8});
  block.samples.push_back({"i8[2,12] q(0.1, 5)"});
  block.samples.push_back({"i8[1,1000] q(0.02, 0)"});
  block.samples.push_back({"i8[2,5,3] q(20, -3)", "axis=1, beta=2"});
  return block;
}

}  // namespace

std::vector<Block> blocks_of_softmax() { return {block_of(false), block_of(true)}; }

}  // namespace nb
