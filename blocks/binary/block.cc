// Functions of two operands, element by element with broadcasting: one row a function.
#include "blocks/binary/functions.h"

#include <cmath>

#include "blocks/binary/functions_quantized.h"
#include "blocks/blocks.h"
#include "blocks/two_operands.h"

namespace nb {
namespace {

constexpr DTypeSet kReals{DType::f32, DType::f64, DType::f16, DType::bf16};
constexpr DTypeSet kDTypes = kReals | kInts;

std::optional<QuantizedFunctor> squared_difference(const Operation& op) {
  const Type &a = *op.in[0], &b = *op.in[1], &y = *op.out[0];
  const int left_shift = dtype_bytes(a.dtype) == 1 ? 7 : 0;
  const double twice = 2.0 * static_cast<double>(std::max(a.scale(), b.scale()));
  const FixedPoint fa = fixed_point(static_cast<double>(a.scale()) / twice);
  const FixedPoint fb = fixed_point(static_cast<double>(b.scale()) / twice);
  const FixedPoint fy =
      fixed_point(twice * twice / static_cast<double>(static_cast<float>(1 << (2 * left_shift)) * y.scale()));
  const IntRange range = dtype_range(y.dtype);
  return quantized_functor("SquaredDifferenceQuantized",
                           SquaredDifferenceQuantized{left_shift, a.zero_point(), fa.multiplier, fa.shift,
                                                      b.zero_point(), fb.multiplier, fb.shift, y.zero_point(),
                                                      fy.multiplier, fy.shift, range.min, range.max});
}

std::optional<QuantizedFunctor> prelu(const Operation& op) {
  const Type &x = *op.in[0], &slope = *op.in[1], &y = *op.out[0];
  const double in = static_cast<double>(x.scale()), out = static_cast<double>(y.scale());
  const FixedPoint above = fixed_point(in / out, op.rounding);
  const FixedPoint below = fixed_point(in * static_cast<double>(slope.scale()) / out, op.rounding);
  const IntRange range = dtype_range(y.dtype);
  return quantized_functor(
      "PreluQuantized", PreluQuantized{x.zero_point(), slope.zero_point(), y.zero_point(), above.multiplier,
                                       above.shift, below.multiplier, below.shift, range.min, range.max});
}

template <class F>
std::optional<QuantizedFunctor> compare(const Operation& op, const std::string& functor) {
  const Type &a = *op.in[0], &b = *op.in[1];
  const FixedPoint fa = fixed_point(static_cast<double>(a.scale())),
                   fb = fixed_point(static_cast<double>(b.scale()));
  return quantized_functor(
      "CompareQuantized<nb::" + functor + ">",
      CompareQuantized<F>{a.zero_point(), fa.multiplier, fa.shift, b.zero_point(), fb.multiplier, fb.shift});
}

double times(double a, double b) { return a * b; }
/// The low 128 bits of the product.
Wide times(Wide a, Wide b) {
  return static_cast<Wide>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
}
double square(double a) { return a * a; }
Wide square(Wide a) { return times(a, a); }

Wide floor_mod(Wide a, Wide b) {
  if (b == 0) return 0;
  const Wide r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
double floor_mod(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
Wide power(Wide a, Wide b) {
  if (b < 0) return a == 1 ? 1 : (a == -1 ? (b % 2 != 0 ? -1 : 1) : 0);
  auto result = static_cast<unsigned __int128>(1), factor = static_cast<unsigned __int128>(a);
  for (; b != 0; b >>= 1) {
    if ((b & 1) != 0) result *= factor;
    factor *= factor;
  }
  return static_cast<Wide>(result);
}

#define NB_BOTH(expression)                                        \
  .real = [](double a, double b) -> double { return expression; }, \
  .integer = [](Wide a, Wide b) -> Wide { return expression; }
#define NB_COMPARE(block, Functor, op, types)                                                         \
  {                                                                                                   \
    .name = block, .doc = "a[i] " #op " b[i]", .functor = #Functor, .dtypes = types, NB_BOTH(a op b), \
    .quantized = [](const Operation& o) { return compare<Functor>(o, #Functor); }, .to_bool = true    \
  }
#define NB_LOGICAL(block, Functor, text, expression)                                           \
  {                                                                                            \
    .name = block, .doc = text, .functor = #Functor, .dtypes = kBooleans, NB_BOTH(expression), \
    .to_bool = true                                                                            \
  }
#define NB_BITWISE(block, Functor, op)                                                                \
  {                                                                                                   \
    .name = block, .doc = "a[i] " #op " b[i]", .functor = #Functor, .dtypes = kInts, .real = nullptr, \
    .integer = [](Wide a, Wide b) { return a op b; }                                                  \
  }

const BinaryRow kRows[] = {
    {.name = "minimum",
     .doc = "the smaller of a[i] and b[i]",
     .functor = "Minimum",
     .dtypes = kDTypes,
     NB_BOTH(b < a ? b : a),
     .same_scales = true},
    {.name = "maximum",
     .doc = "the larger of a[i] and b[i]",
     .functor = "Maximum",
     .dtypes = kDTypes,
     NB_BOTH(a < b ? b : a),
     .same_scales = true},
    {.name = "squared_difference",
     .doc = "(a[i] - b[i])^2",
     .functor = "SquaredDifference",
     .dtypes = kDTypes,
     NB_BOTH(square(a - b)),
     .quantized = squared_difference},
    {.name = "pow",
     .doc = "a[i] to the power of b[i]",
     .functor = "Pow",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return std::pow(a, b); },
     .integer = power,
     .is_float32_only = true},
    {.name = "mod",
     .doc = "a[i] - b[i] * floor(a[i] / b[i]): the sign of b",
     .functor = "Mod",
     .dtypes = kDTypes,
     .real = floor_mod,
     .integer = floor_mod,
     .is_float32_only = true},
    {.name = "fmod",
     .doc = "a[i] - b[i] * trunc(a[i] / b[i]): the sign of a",
     .functor = "Fmod",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return std::fmod(a, b); },
     .integer = [](Wide a, Wide b) { return b == 0 ? Wide{0} : a % b; },
     .is_float32_only = true},
    {.name = "floor_div",
     .doc = "floor(a[i] / b[i])",
     .functor = "FloorDiv",
     .dtypes = kDTypes,
     // In floats as TensorFlow Lite Micro: a quotient just below an integer rounds up to it first.
     .real = [](double a, double b) -> double {
       return std::floor(static_cast<float>(a) / static_cast<float>(b));
     },
     .integer = [](Wide a, Wide b) { return b == 0 ? Wide{0} : (a - floor_mod(a, b)) / b; },
     .is_float32_only = true},
    {.name = "atan2",
     .doc = "the angle of the point (b[i], a[i])",
     .functor = "Atan2",
     .dtypes = kReals,
     .real = [](double a, double b) { return std::atan2(a, b); },
     .is_float32_only = true},
    {.name = "prelu",
     .doc = "a[i] if a[i] >= 0 else a[i] * b[i]",
     .functor = "Prelu",
     .dtypes = kDTypes,
     NB_BOTH(a < 0 ? times(a, b) : a),
     .quantized = prelu},
    NB_COMPARE("equal", Equal, ==, kDTypes | kBooleans),
    NB_COMPARE("not_equal", NotEqual, !=, kDTypes | kBooleans),
    NB_COMPARE("less", Less, <, kDTypes),
    NB_COMPARE("less_equal", LessEqual, <=, kDTypes),
    NB_COMPARE("greater", Greater, >, kDTypes),
    NB_COMPARE("greater_equal", GreaterEqual, >=, kDTypes),
    NB_LOGICAL("logical_and", LogicalAnd, "a[i] and b[i]", a != 0 && b != 0),
    NB_LOGICAL("logical_or", LogicalOr, "a[i] or b[i]", a != 0 || b != 0),
    NB_LOGICAL("logical_xor", LogicalXor, "either a[i] or b[i]", (a != 0) != (b != 0)),
    NB_BITWISE("bitwise_and", BitwiseAnd, &),
    NB_BITWISE("bitwise_or", BitwiseOr, |),
    NB_BITWISE("bitwise_xor", BitwiseXor, ^),
    {.name = "shift_left",
     .doc = "a[i] * 2^b[i], the bits that fit; a count outside [0, bits) gives 0",
     .functor = "ShiftLeft",
     .dtypes = kInts,
     .real = nullptr,
     .integer = [](Wide a, Wide b) { return b < 0 || b >= 64 ? Wide{0} : a << b; }},
    {.name = "shift_right",
     .doc = "a[i] / 2^b[i], rounded down; a count outside [0, bits) gives 0, or -1 of a negative a[i]",
     .functor = "ShiftRight",
     .dtypes = kInts,
     .real = nullptr,
     .integer = [](Wide a, Wide b) { return a >> (b < 0 || b >= 64 ? Wide{64} : b); }}};

}  // namespace

std::vector<Block> blocks_of_binary() {
  std::vector<Block> blocks;
  for (const BinaryRow& row : kRows) blocks.push_back(binary_block(row));
  return blocks;
}

}  // namespace nb
