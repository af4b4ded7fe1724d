// Functions of one operand, element by element: one row a function.
#include <cmath>
#include <numbers>

#include "blocks/blocks.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/integer_functions.h"
#include "blocks/unary/attributes.h"
#include "blocks/unary/chords_s16.h"
#include "blocks/unary/functions_s16.h"

namespace nb {
namespace {

using Attrs = UnaryAttrs;
constexpr DTypeSet kReals{DType::f32, DType::f64, DType::f16, DType::bf16};
constexpr DTypeSet kQuantized{DType::i8, DType::u8, DType::i16};

/// Which attributes a function has; also the members of its functor, in this order.
enum Parameters : unsigned { none = 0, alpha = 1, beta = 2, gamma = 4, approximate = 8 };

struct Row {
  std::string_view name, doc, functor;
  double (*real)(double x, const Attrs& a);
  DTypeSet dtypes = kReals | kQuantized;
  Wide (*integer)(Wide x) = nullptr;  ///< the meaning for integers without scale
  unsigned parameters = none;
  bool to_bool = false;
  bool is_template = false;  ///< the functor takes any dtype, else float32
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double gelu(double x, const Attrs& a) {
  if (!a.approximate) return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double positive(double x) { return x < 0 ? 0 : x; }

/// The low 128 bits of the product.
Wide times(Wide a, Wide b) {
  return static_cast<Wide>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
}

#define NB_REAL(expression) [](double x, [[maybe_unused]] const Attrs& a) -> double { return expression; }
#define NB_INTEGER(expression) [](Wide x) -> Wide { return expression; }

const DTypeSet kAll = kReals | kInts;
const Row kRows[] = {
    {"abs", "|x|", "Abs", NB_REAL(std::fabs(x)), kAll, NB_INTEGER(x < 0 ? -x : x), none, false, true},
    {"neg", "-x", "Neg", NB_REAL(-x), kAll, NB_INTEGER(-x), none, false, true},
    {"sign", "-1, 0 or 1", "Sign", NB_REAL(x > 0 ? 1 : (x < 0 ? -1 : x)), kAll,
     NB_INTEGER(Wide{(x > 0) - (x < 0)}), none, false, true},
    {"square", "x * x", "Square", NB_REAL(x* x), kAll, NB_INTEGER(times(x, x)), none, false, true},
    {"relu", "max(x, 0)", "Relu", NB_REAL(positive(x)), kAll, NB_INTEGER(x < 0 ? 0 : x), none, false, true},
    {"relu6", "min(max(x, 0), 6)", "Relu6", NB_REAL(std::min(positive(x), 6.0)), kAll,
     NB_INTEGER(x < 0 ? 0 : (x > 6 ? 6 : x)), none, false, true},
    {"reciprocal", "1 / x", "Reciprocal", NB_REAL(1 / x), kReals | kQuantized, nullptr, none, false, true},
    {"leaky_relu", "x if x >= 0 else alpha * x", "LeakyRelu",
     NB_REAL(x < 0 ? static_cast<double>(a.alpha) * x : x), kReals | kQuantized, nullptr, alpha},
    {"thresholded_relu", "x if x > alpha else 0", "ThresholdedRelu",
     NB_REAL(x > static_cast<double>(a.alpha) ? x : 0), kReals | kQuantized, nullptr, alpha},
    {"elu", "x if x >= 0 else alpha * (e^x - 1)", "Elu",
     NB_REAL(x < 0 ? static_cast<double>(a.alpha) * std::expm1(x) : x), kReals | kQuantized, nullptr, alpha},
    {"celu", "x if x >= 0 else alpha * (e^(x / alpha) - 1)", "Celu",
     NB_REAL(x < 0 ? static_cast<double>(a.alpha) * std::expm1(x / static_cast<double>(a.alpha)) : x),
     kReals | kQuantized, nullptr, alpha},
    {"selu", "gamma * (x if x >= 0 else alpha * (e^x - 1))", "Selu",
     NB_REAL(static_cast<double>(a.gamma) * (x < 0 ? static_cast<double>(a.alpha) * std::expm1(x) : x)),
     kReals | kQuantized, nullptr, alpha | gamma},
    {"hard_sigmoid", "min(max(alpha * x + beta, 0), 1)", "HardSigmoid",
     NB_REAL(std::min(positive(static_cast<double>(a.alpha) * x + static_cast<double>(a.beta)), 1.0)),
     kReals | kQuantized, nullptr, alpha | beta},
    {"hard_swish", "x * min(max(x + 3, 0), 6) / 6", "HardSwish",
     NB_REAL(x* std::min(positive(x + 3), 6.0) / 6)},
    {"silu", "x * sigmoid(alpha * x)", "Silu", NB_REAL(x* sigmoid(static_cast<double>(a.alpha) * x)),
     kReals | kQuantized, nullptr, alpha},
    {"shrink", "x + beta if x < -alpha, x - beta if x > alpha, else 0", "Shrink",
     NB_REAL(
         x<-static_cast<double>(a.alpha) ? x + static_cast<double>(a.beta) : x> static_cast<double>(a.alpha)
             ? x - static_cast<double>(a.beta)
             : 0),
     kReals | kQuantized, nullptr, alpha | beta},
    {"sigmoid", "1 / (1 + e^-x)", "Sigmoid", NB_REAL(sigmoid(x))},
    {"log_sigmoid", "ln(sigmoid(x))", "LogSigmoid", NB_REAL(-softplus(-x))},
    {"tanh", "hyperbolic tangent", "Tanh", NB_REAL(std::tanh(x))},
    {"softplus", "ln(1 + e^x)", "Softplus", NB_REAL(softplus(x))},
    {"softsign", "x / (1 + |x|)", "Softsign", NB_REAL(x / (1 + std::fabs(x)))},
    {"mish", "x * tanh(softplus(x))", "Mish", NB_REAL(x* std::tanh(softplus(x)))},
    {"gelu", "x * (1 + erf(x / sqrt(2))) / 2, or with tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) if approximate",
     "Gelu", gelu, kReals | kQuantized, nullptr, approximate},
    {"exp", "e^x", "Exp", NB_REAL(std::exp(x))},
    {"expm1", "e^x - 1", "Expm1", NB_REAL(std::expm1(x))},
    {"log", "natural logarithm", "Log", NB_REAL(std::log(x))},
    {"log1p", "ln(1 + x)", "Log1p", NB_REAL(std::log1p(x))},
    {"sqrt", "square root", "Sqrt", NB_REAL(std::sqrt(x))},
    {"rsqrt", "1 / sqrt(x)", "Rsqrt", NB_REAL(1 / std::sqrt(x))},
    {"erf", "error function", "Erf", NB_REAL(std::erf(x))},
    {"sin", "sine", "Sin", NB_REAL(std::sin(x))},
    {"cos", "cosine", "Cos", NB_REAL(std::cos(x))},
    {"tan", "tangent", "Tan", NB_REAL(std::tan(x))},
    {"asin", "arc sine", "Asin", NB_REAL(std::asin(x))},
    {"acos", "arc cosine", "Acos", NB_REAL(std::acos(x))},
    {"atan", "arc tangent", "Atan", NB_REAL(std::atan(x))},
    {"sinh", "hyperbolic sine", "Sinh", NB_REAL(std::sinh(x))},
    {"cosh", "hyperbolic cosine", "Cosh", NB_REAL(std::cosh(x))},
    {"asinh", "inverse hyperbolic sine", "Asinh", NB_REAL(std::asinh(x))},
    {"acosh", "inverse hyperbolic cosine", "Acosh", NB_REAL(std::acosh(x))},
    {"atanh", "inverse hyperbolic tangent", "Atanh", NB_REAL(std::atanh(x))},
    {"floor", "largest integer <= x", "Floor", NB_REAL(std::floor(x))},
    {"ceil", "smallest integer >= x", "Ceil", NB_REAL(std::ceil(x))},
    {"trunc", "x without its fraction", "Trunc", NB_REAL(std::trunc(x))},
    {"round", "nearest integer, ties to even", "Round", NB_REAL(std::nearbyint(x))},
    {"logical_not", "not x", "LogicalNot", NB_REAL(x == 0), kBooleans, NB_INTEGER(Wide{x == 0})},
    {"bitwise_not", "all bits inverted", "BitwiseNot", NB_REAL(x), kInts, NB_INTEGER(-1 - x), none, false,
     true},
    {"isnan", "whether x is not a number", "IsNan", NB_REAL(std::isnan(x)), kReals, nullptr, none, true,
     true},
    {"isinf", "whether x is +infinity (if alpha is not 0) or -infinity (if beta is not 0)", "IsInf",
     NB_REAL((x > 0 ? a.alpha : a.beta) != 0.0f && std::isinf(x)), kReals, nullptr, alpha | beta, true, true},
};
#undef NB_REAL
#undef NB_INTEGER

const Row& row_of(const Operation& op) {
  for (const Row& row : kRows)
    if (row.name == op.block->name) return row;
  __builtin_unreachable();
}

/// Whether integers are computed with as the real numbers that they stand for, not as their bits.
bool by_scale(const Operation& op) {
  return is_quantized_int(*op.in[0]) && row_of(op).dtypes.has(DType::f32);
}

Checked<std::vector<Type>> infer(const Operation& op) {
  const Row& row = row_of(op);
  const Type& x = *op.in[0];
  if (row.to_bool) return std::vector{Type{DType::boolean, x.shape}};
  if (is_integer(x.dtype) && !by_scale(op) && row.integer == nullptr)
    return Fault{Kind::dtype_mismatch, row.name.data() + (" of " + type_text(x)) + " without one scale",
                 "an integer operand needs its quantization"};
  return std::vector{Type{x.dtype, x.shape}};
}

/// Zero is a number of every quantized type, 6 need not be one.
QuantizedForm form_of(const Row& row) {
  if (row.name == "relu") return QuantizedForm::moves;
  return row.name == "relu6" ? QuantizedForm::bounds : QuantizedForm::rounds;
}

std::string fixed_text(const FixedPoint& f) {
  return std::to_string(f.multiplier) + ", " + std::to_string(f.shift);
}

/// relu, relu6, leaky_relu as slopes.
TwoSlopes slopes_of(const Operation& op) {
  const Type &x = *op.in[0], &y = *op.out[0];
  const auto& a = op.attrs<Attrs>();
  const std::string& name = op.block->name;
  const FixedPoint above = scale_ratio(op);
  FixedPoint below;
  IntRange range = dtype_range(y.dtype);
  if (name == "leaky_relu")
    below = scale_ratio(op, std::fabs(a.alpha));
  else
    range = clamp_range(y, 0.0f, name == "relu6" ? 6.0f : HUGE_VALF);
  return {x.zero_point(),
          y.zero_point(),
          above.multiplier,
          above.shift,
          below.multiplier,
          below.shift,
          name == "leaky_relu" && a.alpha < 0 ? -1 : 1,
          range.min,
          range.max};
}
AbsQuantized abs_of(const Operation& op) {
  const FixedPoint f = scale_ratio(op);
  const IntRange range = dtype_range(op.out[0]->dtype);
  return {op.in[0]->zero_point(), op.out[0]->zero_point(), f.multiplier, f.shift, range.min, range.max};
}
/// A positive factor as multiplier * 2^-shift, the multiplier of 31 bits or fewer, the shift in 1..44: what
/// is finer adds nothing to an int16.
FixedPoint right_shifted(double factor) {
  int exponent = 0;
  const double fraction = std::frexp(factor, &exponent);
  const int shift = std::clamp(31 - exponent, 1, 44);
  const double multiplier = std::round(std::ldexp(fraction, shift + exponent));
  return {static_cast<std::int32_t>(std::min(multiplier, 2147483647.0)), shift};
}

/// hard_sigmoid of int16: alpha * x + beta within 0 and 1.
BoundedLineS16 line_of(const Operation& op) {
  const Type &x = *op.in[0], &y = *op.out[0];
  const auto& a = op.attrs<Attrs>();
  const double step = static_cast<double>(x.scale()) / static_cast<double>(y.scale());
  const FixedPoint f = right_shifted(std::fabs(static_cast<double>(a.alpha)) * step);
  const int sign = a.alpha < 0 ? -1 : 1;
  const double zero = static_cast<double>(a.beta) / static_cast<double>(y.scale()) + y.zero_point() + 0.5;
  const double offset = std::ldexp(zero, f.shift) - static_cast<double>(sign) * f.multiplier * x.zero_point();
  const IntRange range = clamp_range(y, 0.0f, 1.0f);
  return {static_cast<std::int64_t>(std::clamp(offset, -0x1p62, 0x1p62)),
          f.multiplier,
          f.shift,
          sign,
          range.min,
          range.max};
}
HardSwishS16 hard_swish_of(const Operation& op) {
  const Type &x = *op.in[0], &y = *op.out[0];
  const double step = x.scale();
  const FixedPoint gate = right_shifted(std::ldexp(step / 6, 30)),
                   out = right_shifted(std::ldexp(step / static_cast<double>(y.scale()), -14));
  return {x.zero_point(), y.zero_point(), gate.multiplier, gate.shift, out.multiplier, out.shift};
}

bool has_slopes(const std::string& name) { return name == "relu" || name == "relu6" || name == "leaky_relu"; }
/// Whether int16 has arithmetic of its own, by lines: chords would be off about where those bend.
bool has_lines(const std::string& name) {
  return has_slopes(name) || name == "abs" || name == "hard_sigmoid" || name == "hard_swish";
}

/// The integer arithmetic of an 8-bit or 16-bit function; 16-bit sigmoid and tanh have their own kernels.
ByteFunction quantized_function(const Operation& op) {
  const Type &x = *op.in[0], &y = *op.out[0];
  const std::string& name = op.block->name;
  if (has_slopes(name)) return slopes_of(op);
  if (name == "abs") return abs_of(op);
  if (x.dtype == DType::i16 && name == "hard_sigmoid") return line_of(op);
  if (x.dtype == DType::i16 && name == "hard_swish") return hard_swish_of(op);
  if (x.dtype == DType::i8) {
    if (name == "sigmoid" && y.zero_point() == -128 && y.scale() == 1.0f / 256) return sigmoid_s8(x);
    if (name == "tanh" && y.zero_point() == 0 && y.scale() == 1.0f / 128) return tanh_s8(x);
    if (name == "hard_swish") return hard_swish_s8(x, y);
    if (name == "rsqrt" && y.dtype == DType::i8) return rsqrt_s8(x, y);
  }
  return by_float(x, y, [&row = row_of(op), a = op.attrs<Attrs>()](double v) { return row.real(v, a); });
}

bool is_s16_table(const Operation& op) {
  const Type &x = *op.in[0], &y = *op.out[0];
  return (op.block->name == "sigmoid" || op.block->name == "tanh") && x.dtype == DType::i16 && by_scale(op) &&
         y.is_quantized() && x.zero_point() == 0 && y.zero_point() == 0 && y.scale() == 1.0f / 32768;
}
TableS16 s16_table(const Operation& op) {
  const TableScale s = op.block->name == "tanh" ? tanh_s16_scale(*op.in[0]) : sigmoid_s16_scale(*op.in[0]);
  return {static_cast<std::int32_t>(op.in[0]->elements()), s.multiplier, s.shift};
}

/// How int16 is taken by chords: by none where a function has arithmetic of its own, jumps or is steep
/// elsewhere than at 0.
enum class Chords : std::uint8_t { none, even, octaves };
Chords chords_of(const Row& row) {
  constexpr std::string_view kNone[] = {"sign",   "thresholded_relu",
                                        "shrink", "floor",
                                        "ceil",   "trunc",
                                        "round",  "log1p",
                                        "tan",    "asin",
                                        "acos",   "acosh",
                                        "atanh"};
  constexpr std::string_view kOctaves[] = {"sqrt", "rsqrt", "log", "reciprocal"};
  const auto is_in = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), row.name) != std::end(names);
  };
  return has_lines(std::string(row.name)) || is_in(kNone) ? Chords::none
         : is_in(kOctaves)                                ? Chords::octaves
                                                          : Chords::even;
}

/// Whether a use is of 16 bits and has no arithmetic of its own.
bool wants_chords(const Operation& op, Chords chords) {
  const Type &x = *op.in[0], &y = *op.out[0];
  return by_scale(op) && x.dtype == DType::i16 && y.dtype == DType::i16 && y.is_quantized() &&
         !is_s16_table(op) && chords_of(row_of(op)) == chords;
}
std::optional<ChordsS16> even_chords(const Operation& op) {
  if (!wants_chords(op, Chords::even)) return std::nullopt;
  return fit_chords_s16(*op.in[0], *op.out[0],
                        [&](double v) { return row_of(op).real(v, op.attrs<Attrs>()); });
}
std::optional<OctavesS16> octave_chords(const Operation& op) {
  if (!wants_chords(op, Chords::octaves)) return std::nullopt;
  auto chords =
      fit_octaves_s16(*op.in[0], *op.out[0], [&](double v) { return row_of(op).real(v, op.attrs<Attrs>()); });
  if (chords) chords->params.count = static_cast<std::int32_t>(op.in[0]->elements());
  return chords;
}

void reference(const Operation& op, std::span<const TensorView> in, std::span<const TensorView> out) {
  const Row& row = row_of(op);
  const auto& a = op.attrs<Attrs>();
  const Elements x(in[0]), y(out[0]);
  const std::int64_t count = in[0].type->elements();
  if (is_s16_table(op)) {
    const auto table = sigmoid_table();
    (op.block->name == "tanh" ? tanh_s16 : sigmoid_s16)(s16_table(op), in[0].as<std::int16_t>().data(),
                                                        table.data(), out[0].as<std::int16_t>().data());
  } else if (const auto octaves = octave_chords(op)) {
    octaves_s16(octaves->params, in[0].as<std::int16_t>().data(), octaves->values.data(),
                out[0].as<std::int16_t>().data());
  } else if (const auto chords = even_chords(op)) {
    chords_s16({static_cast<std::int32_t>(count), chords->shift}, in[0].as<std::int16_t>().data(),
               chords->values.data(), out[0].as<std::int16_t>().data());
  } else if (by_scale(op) && op.out[0]->is_quantized()) {
    const ByteFunction f = quantized_function(op);
    for (std::int64_t i = 0; i < count; ++i) y.put_int(i, f(static_cast<std::int32_t>(x.get_int(i))));
  } else if (is_float(x.dtype)) {
    for (std::int64_t i = 0; i < count; ++i) y.put(i, row.real(x.get(i), a));
  } else {
    for (std::int64_t i = 0; i < count; ++i) y.put_int(i, row.integer(x.get_int(i)));
  }
}

Lowered call(const Operation& op, const std::string& functor, std::string members) {
  Lowered l{.function = "unary", .params_type = "Unary<nb::" + functor + ">"};
  l.params = {{"count", std::to_string(op.in[0]->elements())}, {"f", "{" + std::move(members) + "}"}};
  l.arguments = {input_arg(0), output_arg(0)};
  if (dtype_bytes(op.in[0]->dtype) == dtype_bytes(op.out[0]->dtype)) l.in_place = {{0, 0}};
  return l;
}

Lowered lower_plain(const Operation& op, const Core&) {
  const Row& row = row_of(op);
  const auto& a = op.attrs<Attrs>();
  std::string members;
  const auto add = [&](float value) { members += (members.empty() ? "" : ", ") + float_literal(value); };
  if ((row.parameters & alpha) != 0) add(a.alpha);
  if ((row.parameters & beta) != 0) add(a.beta);
  if ((row.parameters & gamma) != 0) add(a.gamma);
  return call(op, std::string(row.functor) + (row.name == "gelu" && a.approximate ? "Tanh" : ""), members);
}

Lowered lower_lines(const Operation& op, const Core&) {
  if (op.block->name == "hard_sigmoid") {
    const BoundedLineS16 f = line_of(op);
    return call(op, "BoundedLineS16",
                std::to_string(f.offset) + ", " + fixed_text({f.multiplier, f.shift}) + ", " +
                    std::to_string(f.sign) + ", " + std::to_string(f.out_min) + ", " +
                    std::to_string(f.out_max));
  }
  if (op.block->name == "hard_swish") {
    const HardSwishS16 f = hard_swish_of(op);
    return call(op, "HardSwishS16",
                std::to_string(f.in_zero) + ", " + std::to_string(f.out_zero) + ", " +
                    fixed_text({f.gate_multiplier, f.gate_shift}) + ", " +
                    fixed_text({f.multiplier, f.shift}));
  }
  if (op.block->name == "abs") {
    const AbsQuantized f = abs_of(op);
    return call(op, "AbsQuantized",
                std::to_string(f.in_zero) + ", " + std::to_string(f.out_zero) + ", " +
                    fixed_text({f.multiplier, f.shift}) + ", " + std::to_string(f.out_min) + ", " +
                    std::to_string(f.out_max));
  }
  const TwoSlopes f = slopes_of(op);
  return call(op, "TwoSlopes",
              std::to_string(f.in_zero) + ", " + std::to_string(f.out_zero) + ", " +
                  fixed_text({f.multiplier_above, f.shift_above}) + ", " +
                  fixed_text({f.multiplier_below, f.shift_below}) + ", " + std::to_string(f.sign_below) +
                  ", " + std::to_string(f.out_min) + ", " + std::to_string(f.out_max));
}

Lowered lower_lookup(const Operation& op, const Core&) {
  Lowered l{.function = "lookup", .params_type = "Lookup"};
  l.params = {{"count", std::to_string(op.in[0]->elements())}};
  l.constants = {{"table", DType::u8, byte_table(op.in[0]->dtype, quantized_function(op)),
                  "the output at each input, read as unsigned"}};
  l.arguments = {
      {Argument::From::input, 0, {}, "uint8_t"}, constant_arg(0), {Argument::From::output, 0, {}, "uint8_t"}};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_s16_table(const Operation& op, const Core&) {
  const TableS16 p = s16_table(op);
  Lowered l{.function = op.block->name + "_s16", .params_type = "TableS16"};
  l.params = {{"count", std::to_string(p.count)},
              {"multiplier", std::to_string(p.multiplier)},
              {"shift", std::to_string(p.shift)}};
  l.constants = {{"table", DType::u16, to_bytes(sigmoid_table()), "sigmoid(i / 24) in 2^-16"}};
  l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Lowered lower_table(std::string function, std::string params, std::vector<Param> members,
                    const std::vector<std::int32_t>& values, std::string note) {
  Lowered l{.function = std::move(function), .params_type = std::move(params)};
  l.params = std::move(members);
  l.constants = {{"chords", DType::i32, to_bytes(values), std::move(note)}};
  l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}
Lowered lower_chords(const Operation& op, const Core&) {
  const ChordsS16 chords = *even_chords(op);
  return lower_table(
      "chords_s16", "ChordTableS16",
      {{"count", std::to_string(op.in[0]->elements())}, {"shift", std::to_string(chords.shift)}},
      chords.values, "outputs in 2^-6 at -32768, every 2^" + std::to_string(chords.shift) + " and 32768");
}
Lowered lower_octaves(const Operation& op, const Core&) {
  const OctavesS16 chords = *octave_chords(op);
  const OctaveTableS16& p = chords.params;
  return lower_table(
      "octaves_s16", "OctaveTableS16",
      {{"count", std::to_string(p.count)},
       {"bits", std::to_string(p.bits)},
       {"zero", std::to_string(p.zero)},
       {"negative", std::to_string(p.negative)}},
      chords.values,
      "outputs in 2^-6, " + std::to_string(1 << p.bits) + " an octave, above zero, then below");
}

bool is_plain(const Operation& op, const Core&) {
  const Row& row = row_of(op);
  const DType dtype = op.in[0]->dtype;
  if (by_scale(op) || dtype == DType::f16 || dtype == DType::bf16) return false;
  return dtype == DType::f32 || row.is_template || dtype == DType::boolean;
}

std::vector<Kernel> kernels_of(const Row& row) {
  std::vector<Kernel> kernels = {{"unary", "unary/unary.h", is_plain, lower_plain}};
  if (!row.dtypes.has(DType::i8) || !row.dtypes.has(DType::f32)) return kernels;
  kernels.push_back({"unary_lookup", "unary/lookup.h",
                     [](const Operation& op, const Core&) {
                       return by_scale(op) && dtype_bytes(op.in[0]->dtype) == 1 && op.out[0]->is_quantized();
                     },
                     lower_lookup});
  if (row.name == "sigmoid" || row.name == "tanh")
    kernels.push_back({"unary_table_s16", "unary/unary.h",
                       [](const Operation& op, const Core&) { return is_s16_table(op); }, lower_s16_table});
  if (chords_of(row) == Chords::even)
    kernels.push_back({"unary_chords_s16", "unary/chords_s16.h",
                       [](const Operation& op, const Core&) { return even_chords(op).has_value(); },
                       lower_chords});
  if (chords_of(row) == Chords::octaves)
    kernels.push_back({"unary_octaves_s16", "unary/chords_s16.h",
                       [](const Operation& op, const Core&) { return octave_chords(op).has_value(); },
                       lower_octaves});
  if (has_lines(std::string(row.name)))
    kernels.push_back({"unary_s16", "unary/unary.h",
                       [](const Operation& op, const Core&) {
                         return by_scale(op) && op.in[0]->dtype == DType::i16 && op.out[0]->is_quantized();
                       },
                       lower_lines});
  return kernels;
}

std::vector<Sample> samples_of(const Row& row) {
  std::string attributes;
  if ((row.parameters & alpha) != 0) attributes += "alpha=0.25";
  if ((row.parameters & beta) != 0) attributes += ", beta=0.5";
  if ((row.parameters & gamma) != 0) attributes += ", gamma=1.5";
  std::vector<Sample> samples;
  if (row.dtypes.has(DType::f32)) samples.push_back({"f32[3,17]", attributes});
  if (row.dtypes.has(DType::f32)) samples.push_back({"f32[]", attributes});
  if (row.name == "gelu") samples.push_back({"f32[33]", "approximate=true"});
  if (row.dtypes.has(DType::boolean)) samples.push_back({"bool[2,5]"});
  if (row.integer != nullptr && row.dtypes.has(DType::i32))
    for (const char* type :
         {"i8[9]", "u8[9]", "i16[9]", "u16[3,3]", "i32[2,9]", "u32[9]", "i64[9]", "u64[9]"})
      samples.push_back({type});
  if (row.is_template && row.dtypes.has(DType::f64)) samples.push_back({"f64[7]", attributes});
  if (row.dtypes.has(DType::i8) && row.functor != "BitwiseNot" && row.functor != "LogicalNot") {
    samples.push_back({"i8[300] q(0.05,-3)", attributes, "i8[300] q(0.04,5)"});
    samples.push_back({"u8[300] q(0.05,120)", attributes, "u8[300] q(0.04,100)"});
    if (row.name == "sigmoid") samples.push_back({"i8[300] q(0.05,-3)", "", "i8[300] q(0.00390625,-128)"});
    if (row.name == "tanh") samples.push_back({"i8[300] q(0.02,-3)", "", "i8[300] q(0.0078125,0)"});
    if (row.name == "sigmoid" || row.name == "tanh")
      for (const char* scale : {"0.0005", "0.00024414062", "0.0004882812"})
        samples.push_back(
            {"i16[300] q(" + std::string(scale) + ",0)", "", "i16[300] q(0.000030517578125,0)"});
    if (has_lines(std::string(row.name)))
      samples.push_back({"i16[300] q(0.0005,0)", attributes, "i16[300] q(0.0004,0)"});
    if (chords_of(row) != Chords::none)
      samples.push_back({"i16[300] q(0.0003,0)", attributes, "i16[300] q(0.0005,3)"});
    if (row.integer == nullptr) samples.push_back({"i8[4]", attributes, "", "dtype-mismatch"});
  }
  samples.push_back(
      {row.dtypes.has(DType::boolean) ? "f32[2]" : "bool[2]", attributes, "", "dtype-mismatch"});
  return samples;
}

AttributeOps attributes_of(const Row& row) {
  switch (row.parameters) {
    case alpha:
      return attribute_ops<Attrs>(std::tuple{kUnaryAlpha});
    case alpha | beta:
      return attribute_ops<Attrs>(std::tuple{kUnaryAlpha, kUnaryBeta});
    case alpha | gamma:
      return attribute_ops<Attrs>(std::tuple{kUnaryAlpha, kUnaryGamma});
    case approximate:
      return attribute_ops<Attrs>(std::tuple{kUnaryApproximate});
    default:
      return attribute_ops<Attrs>(std::tuple{});
  }
}

}  // namespace

std::vector<Block> blocks_of_unary() {
  std::vector<Block> blocks;
  for (const Row& row : kRows) {
    Block block;
    block.is_elementwise = true;
    block.name = row.name;
    block.doc = "y[i] = " + std::string(row.doc);
    block.inputs = {Operand{"x", row.dtypes}};
    block.outputs = {Operand{"y", row.to_bool ? kBooleans : row.dtypes}};
    block.attributes = attributes_of(row);
    block.infer = infer;
    block.reference = reference;
    block.macs = no_macs;
    if (row.dtypes.has(DType::i8) && row.dtypes.has(DType::f32) && !row.to_bool)
      block.quantized_form = [form = form_of(row)](const Operation&) { return form; };
    block.kernels = kernels_of(row);
    block.samples = samples_of(row);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace nb
