// add, sub, mul, div: sums and products with broadcasting and a fused clamp.
#include <limits>

#include "blocks/arithmetic/attributes.h"
#include "blocks/binary/functions_quantized.h"
#include "blocks/blocks.h"
#include "blocks/two_operands.h"

namespace nb {
namespace {

/// The numbers of a quantized sum: both inputs come to twice the larger scale, with 20 (int16: 15) bits below
/// the point.
AddQuantized sum_numbers(const Operation& op, std::int32_t sign) {
  const Type &a = *op.in[0], &b = *op.in[1], &y = *op.out[0];
  const auto& bounds = op.attrs<ArithmeticAttrs>();
  const int left_shift = dtype_bytes(a.dtype) == 1 ? 20 : 15;
  const double in_a = static_cast<double>(a.scale()), in_b = static_cast<double>(b.scale());
  const double twice = 2 * std::max(in_a, in_b);
  const FixedPoint fa = fixed_point(in_a / twice), fb = fixed_point(in_b / twice);
  const FixedPoint fy =
      fixed_point(twice / (static_cast<double>(1 << left_shift) * static_cast<double>(y.scale())));
  const IntRange range = clamp_range(y, bounds.clamp_min, bounds.clamp_max);
  return {left_shift, sign,           a.zero_point(), fa.multiplier, fa.shift,  b.zero_point(), fb.multiplier,
          fb.shift,   y.zero_point(), fy.multiplier,  fy.shift,      range.min, range.max};
}

std::optional<QuantizedFunctor> sum(const Operation& op, std::int32_t sign) {
  return quantized_functor("AddQuantized", sum_numbers(op, sign));
}

/// Whether the kernels of add_s8.h compute it: int8, equal shapes, no left shifts.
bool is_add_s8(const Operation& op) {
  for (const Type* type : {op.in[0], op.in[1], op.out[0]})
    if (type->dtype != DType::i8 || !type->is_quantized() || type->shape != op.out[0]->shape) return false;
  const AddQuantized n = sum_numbers(op, 1);
  return n.a_shift <= 0 && n.b_shift <= 0 && n.out_shift <= 0;
}

Lowered lower_add_s8(const Operation& op, std::string function) {
  const AddQuantized n = sum_numbers(op, 1);
  Lowered l{.function = std::move(function), .params_type = "AddS8"};
  const auto add = [&](const char* name, std::int64_t value) {
    l.params.push_back({name, std::to_string(value)});
  };
  add("count", op.out[0]->elements());
  add("a_zero", n.a_zero), add("a_multiplier", n.a_multiplier), add("a_right_shift", -n.a_shift);
  add("b_zero", n.b_zero), add("b_multiplier", n.b_multiplier), add("b_right_shift", -n.b_shift);
  add("y_zero", n.out_zero), add("y_multiplier", n.out_multiplier), add("y_right_shift", -n.out_shift);
  add("y_min", n.out_min), add("y_max", n.out_max);
  l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
  l.in_place = {{0, 0}, {1, 0}};
  return l;
}

/// A sum of which one operand, the one of the larger scale, counts exactly half.
struct HalfSum {
  AddQuantized numbers;
  std::size_t larger;
  std::int32_t multiplier, right_shift;  ///< of the other one
};
/// Nothing where neither counts half, or a shift that remains does not go to the right.
std::optional<HalfSum> find_half_sum(const Operation& op) {
  for (const Type* type : {op.in[0], op.in[1], op.out[0]})
    if (type->dtype != op.out[0]->dtype || !type->is_quantized() || type->shape != op.out[0]->shape)
      return std::nullopt;
  const AddQuantized n = sum_numbers(op, 1);
  const auto is_half = [](std::int32_t multiplier, std::int32_t shift) {
    return multiplier == 1 << 30 && shift == 0;
  };
  const bool is_a_half = is_half(n.a_multiplier, n.a_shift), is_b_half = is_half(n.b_multiplier, n.b_shift);
  const auto goes_right = [](std::int32_t s) { return s < 0 && s >= -30; };
  if (!(is_a_half || is_b_half) || !goes_right(n.out_shift)) return std::nullopt;
  // Both: this multiplier gives half of all operands, too.
  if (is_a_half && is_b_half) return HalfSum{n, 0, std::numeric_limits<std::int32_t>::max(), 1};
  const std::int32_t shift = is_a_half ? n.b_shift : n.a_shift;
  if (!goes_right(shift)) return std::nullopt;
  return HalfSum{n, is_a_half ? 0u : 1u, is_a_half ? n.b_multiplier : n.a_multiplier, -shift};
}
Lowered lower_half_sum(const Operation& op, const HalfSum& sum, std::string function, std::string params_type,
                       bool has_zeros) {
  const AddQuantized& n = sum.numbers;
  Lowered l{.function = std::move(function), .params_type = std::move(params_type)};
  const auto add = [&](const char* name, std::int64_t value) {
    l.params.push_back({name, std::to_string(value)});
  };
  const std::int32_t zeros[] = {n.a_zero, n.b_zero};
  add("count", op.out[0]->elements());
  if (has_zeros) add("a_zero", zeros[sum.larger]), add("b_zero", zeros[1 - sum.larger]);
  add("b_multiplier", sum.multiplier), add("b_right_shift", sum.right_shift);
  if (has_zeros) add("y_zero", n.out_zero);
  add("y_multiplier", n.out_multiplier), add("y_right_shift", -n.out_shift);
  add("y_min", n.out_min), add("y_max", n.out_max);
  l.arguments = {input_arg(sum.larger), input_arg(1 - sum.larger), output_arg(0)};
  l.in_place = {{0, 0}, {1, 0}};
  return l;
}

/// The call of the kernel of AddHalfS8; without a function where it does not compute it.
Lowered lower_add_half_s8(const Operation& op) {
  if (op.out[0]->dtype != DType::i8) return {};
  const auto sum = find_half_sum(op);
  if (!sum || sum->numbers.out_shift < -22) return {};
  return lower_half_sum(op, *sum, "add_half_s8_dsp", "AddHalfS8", true);
}

/// The call of the kernels of add_s16.h; without a function where they do not compute it.
Lowered lower_add_s16(const Operation& op, std::string function) {
  for (const Type* type : {op.in[0], op.in[1], op.out[0]})
    if (type->dtype != DType::i16 || !type->is_quantized() || type->zero_point() != 0) return {};
  const auto sum = find_half_sum(op);
  if (!sum || sum->numbers.left_shift != 15) return {};
  return lower_half_sum(op, *sum, std::move(function), "AddS16", false);
}

FixedPoint product_factor(const Operation& op) {
  return fixed_point(static_cast<double>(op.in[0]->scale()) * static_cast<double>(op.in[1]->scale()) /
                         static_cast<double>(op.out[0]->scale()),
                     op.rounding);
}

std::optional<QuantizedFunctor> product(const Operation& op) {
  const Type &a = *op.in[0], &b = *op.in[1], &y = *op.out[0];
  const auto& bounds = op.attrs<ArithmeticAttrs>();
  const FixedPoint f = product_factor(op);
  const IntRange range = clamp_range(y, bounds.clamp_min, bounds.clamp_max);
  return quantized_functor("MulQuantized", MulQuantized{a.zero_point(), b.zero_point(), y.zero_point(),
                                                        f.multiplier, f.shift, range.min, range.max});
}

std::optional<QuantizedFunctor> quotient(const Operation& op) {
  const Type &a = *op.in[0], &b = *op.in[1], &y = *op.out[0];
  const auto& bounds = op.attrs<ArithmeticAttrs>();
  const double factor =
      static_cast<double>(a.scale()) / (static_cast<double>(b.scale()) * static_cast<double>(y.scale()));
  if (dtype_bytes(a.dtype) != 1 && !(factor < 0x1p30)) return std::nullopt;
  const FixedPoint f = fixed_point(factor);
  const IntRange range = clamp_range(y, bounds.clamp_min, bounds.clamp_max);
  return quantized_functor("DivQuantized", DivQuantized{a.zero_point(), b.zero_point(), y.zero_point(),
                                                        f.multiplier, f.shift, range.min, range.max});
}

constexpr DTypeSet kDTypes = kNumbers | DTypeSet{DType::f64, DType::f16, DType::bf16};

const BinaryRow kRows[] = {
    {.name = "add",
     .doc = "clamp(a[i] + b[i])",
     .functor = "Add",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return a + b; },
     .integer = [](Wide a, Wide b) { return a + b; },
     .quantized = [](const Operation& op) { return sum(op, 1); },
     .has_clamp = true,
     .is_extreme_at_corners = [](const Operation& op) { return sum_numbers(op, 1).out_shift <= 0; }},
    {.name = "sub",
     .doc = "clamp(a[i] - b[i])",
     .functor = "Sub",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return a - b; },
     .integer = [](Wide a, Wide b) { return a - b; },
     .quantized = [](const Operation& op) { return sum(op, -1); },
     .has_clamp = true,
     .is_extreme_at_corners = [](const Operation& op) { return sum_numbers(op, -1).out_shift <= 0; }},
    {.name = "mul",
     .doc = "clamp(a[i] * b[i])",
     .functor = "Mul",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return a * b; },
     .integer =
         [](Wide a, Wide b) {
           return static_cast<Wide>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
         },
     .quantized = product,
     .has_clamp = true,
     .is_extreme_at_corners = [](const Operation& op) { return product_factor(op).shift <= 0; }},
    {.name = "div",
     .doc = "clamp(a[i] / b[i]); integers round towards zero",
     .functor = "Div",
     .dtypes = kDTypes,
     .real = [](double a, double b) { return a / b; },
     .integer = [](Wide a, Wide b) { return b == 0 ? Wide{0} : a / b; },
     .quantized = quotient,
     .has_clamp = true}};

}  // namespace

std::vector<Block> blocks_of_arithmetic() {
  std::vector<Block> blocks;
  for (const BinaryRow& row : kRows) blocks.push_back(binary_block(row));
  blocks[3].samples.push_back(
      {"i16[2,100] q(0.0005,0); i16[100] q(0.0003,0)", "", "i16[2,100] q(0.00003,0)"});
  std::vector<Kernel>& add = blocks[0].kernels;
  add.insert(add.begin(),
             {{"add_s8_mve", "arithmetic/add_s8_mve.h",
               [](const Operation& op, const Core& core) { return core.has_mve && is_add_s8(op); },
               [](const Operation& op, const Core&) { return lower_add_s8(op, "add_s8_mve"); }},
              {"add_half_s8_dsp", "arithmetic/add_s8_dsp.h",
               [](const Operation& op, const Core& core) {
                 return core.has_dsp && !lower_add_half_s8(op).function.empty();
               },
               [](const Operation& op, const Core&) { return lower_add_half_s8(op); }},
              {"add_s8_dsp", "arithmetic/add_s8_dsp.h",
               [](const Operation& op, const Core& core) { return core.has_dsp && is_add_s8(op); },
               [](const Operation& op, const Core&) { return lower_add_s8(op, "add_s8_dsp"); }},
              {"add_s16_mve", "arithmetic/add_s16_mve.h",
               [](const Operation& op, const Core& core) {
                 return core.has_mve && !lower_add_s16(op, "add").function.empty();
               },
               [](const Operation& op, const Core&) { return lower_add_s16(op, "add_s16_mve"); }},
              {"add_s16_dsp", "arithmetic/add_s16_dsp.h",
               [](const Operation& op, const Core& core) {
                 return core.has_dsp && !lower_add_s16(op, "add").function.empty();
               },
               [](const Operation& op, const Core&) {
                 const bool is_positive = sum_numbers(op, 1).out_min == 0;
                 return lower_add_s16(op, is_positive ? "add_s16_dsp<true>" : "add_s16_dsp<false>");
               }}});
  for (const char* scales : {"0.05,-3); i8[40,70] q(0.03,7)", "0.03,-128); i8[40,70] q(0.05,127)",
                             "0.04,9); i8[40,70] q(0.04,-1)", "0.05,3); i8[40,70] q(0.00001,7)"})
    for (const char* clamp : {"", "clamp_min=0"})
      blocks[0].samples.push_back({std::string("i8[40,70] q(") + scales, clamp, "i8[40,70] q(0.06,-5)"});
  // Too coarse for the kernel of halves.
  blocks[0].samples.push_back(
      {"i8[40,70] q(0.05,-3); i8[40,70] q(0.03,7)", "clamp_min=-9", "i8[40,70] q(1.7,4)"});
  for (const char* scales : {"0.0005,0); i16[3,70] q(0.0003,0)", "0.0003,0); i16[3,70] q(0.0005,0)",
                             "0.0004,0); i16[3,70] q(0.0004,0)"})
    for (const char* clamp : {"", "clamp_min=0"})
      blocks[0].samples.push_back({std::string("i16[3,70] q(") + scales, clamp, "i16[3,70] q(0.0006,0)"});
  return blocks;
}

}  // namespace nb
