#include "blocks/two_operands.h"

#include <algorithm>
#include <cmath>

#include "blocks/arithmetic/attributes.h"
#include "blocks/channels.h"

namespace nb {
namespace {

bool by_scale(const Operation& op) { return is_quantized_int(*op.in[0]) && is_quantized_int(*op.in[1]); }
bool has_bounds(const ArithmeticAttrs& a) { return !std::isinf(a.clamp_min) || !std::isinf(a.clamp_max); }
ArithmeticAttrs bounds_of(const BinaryRow& row, const Operation& op) {
  return row.has_clamp ? op.attrs<ArithmeticAttrs>() : ArithmeticAttrs{};
}

std::optional<QuantizedFunctor> quantized_of(const BinaryRow& row, const Operation& op) {
  if (!by_scale(op) || row.quantized == nullptr) return std::nullopt;
  if (!row.to_bool && !is_quantized_int(*op.out[0])) return std::nullopt;
  return row.quantized(op);
}
/// Whether the integers' own meaning holds: no scales, or the same ones all over.
bool by_integers(const BinaryRow& row, const Operation& op) {
  if (row.integer == nullptr) return false;
  if (!op.in[0]->is_quantized() && !op.in[1]->is_quantized()) return op.in[0]->dtype == op.in[1]->dtype;
  return row.same_scales && same_numbers(*op.in[0], *op.in[1]) &&
         (row.to_bool || same_numbers(*op.in[0], *op.out[0]));
}

Checked<std::vector<Type>> infer(const BinaryRow& row, const Operation& op) {
  const Type &a = *op.in[0], &b = *op.in[1];
  const bool mixed_prelu =
      row.name == "prelu" && a.dtype == DType::i16 && b.dtype == DType::i8 && by_scale(op);
  if (a.dtype != b.dtype && !mixed_prelu)
    return Fault{Kind::dtype_mismatch,
                 type_text(a) + " and " + type_text(b) + " under " + std::string(row.name)};
  const bool quantized = a.is_quantized() || b.is_quantized();
  if (is_integer(a.dtype) && !(quantized && (row.quantized != nullptr || row.same_scales)) &&
      row.integer == nullptr)
    return Fault{Kind::dtype_mismatch, std::string(row.name) + " of " + type_text(a) + " without scales"};
  if (a.is_quantized() != b.is_quantized())
    return Fault{Kind::invalid_model, "only one of " + type_text(a) + " and " + type_text(b) + " has a scale",
                 "either both operands of " + std::string(row.name) + " are quantized or none"};
  if (quantized && row.quantized == nullptr && !(row.same_scales && same_numbers(a, b)))
    return Fault{Kind::unsupported_feature,
                 std::string(row.name) + " of the quantized " + type_text(a) + " and " + type_text(b),
                 row.same_scales ? "requantize one of them to the other's scale" : "dequantize them first"};
  auto shape = broadcast({&a, &b});
  if (!shape) return shape.fault();
  Type y{row.to_bool ? DType::boolean : a.dtype, std::move(*shape)};
  if (!row.to_bool && row.quantized == nullptr && row.same_scales && same_numbers(a, b))
    y.quantization = a.quantization;
  return std::vector{std::move(y)};
}

void reference(const BinaryRow& row, const Operation& op, std::span<const TensorView> in,
               std::span<const TensorView> out) {
  const Elements a(in[0]), b(in[1]), y(out[0]);
  const Shape& shape = out[0].type->shape;
  const ArithmeticAttrs bounds = bounds_of(row, op);
  const double low = static_cast<double>(bounds.clamp_min), high = static_cast<double>(bounds.clamp_max);
  const auto quantized = quantized_of(row, op);
  std::int64_t at = 0;
  each_index(shape,
             {broadcast_strides(in[0].type->shape, shape), broadcast_strides(in[1].type->shape, shape)},
             [&](std::span<const std::int64_t> i) {
               if (quantized) {
                 y.put_int(at++, quantized->f(static_cast<std::int32_t>(a.get_int(i[0])),
                                              static_cast<std::int32_t>(b.get_int(i[1]))));
               } else if (!is_float(a.dtype)) {
                 y.put_int(at, row.integer(a.get_int(i[0]), b.get_int(i[1])));
                 if (has_bounds(bounds)) y.put(at, std::clamp(y.get(at), low, high));
                 ++at;
               } else {
                 const double value = row.real(a.get(i[0]), b.get(i[1]));
                 y.put(at++, has_bounds(bounds) ? std::clamp(value, low, high) : value);
               }
             });
}

ChannelFlow channel_flow(const BinaryRow& row, const Operation& op, OperandIntervals in) {
  ChannelFlow flow = elementwise_channels(op, in);
  const auto quantized = quantized_of(row, op);
  if (flow.form != ChannelFlow::Form::keeps || in[0].empty() || in[1].empty() || !quantized ||
      row.is_extreme_at_corners == nullptr || !row.is_extreme_at_corners(op))
    return flow;
  flow.out.clear();
  for (std::size_t c = 0; c < static_cast<std::size_t>(op.out[0]->shape.back()); ++c) {
    const Interval a = in[0][flow.sources[0][c] < 0 ? 0 : c], b = in[1][flow.sources[1][c] < 0 ? 0 : c];
    const auto corner = [&](std::int64_t p, std::int64_t q) {
      return std::int64_t{quantized->f(static_cast<std::int32_t>(p), static_cast<std::int32_t>(q))};
    };
    const std::initializer_list<std::int64_t> corners = {corner(a.min, b.min), corner(a.min, b.max),
                                                         corner(a.max, b.min), corner(a.max, b.max)};
    flow.out.push_back({std::min(corners), std::max(corners)});
  }
  return flow;
}

Lowered lower(const BinaryRow& row, const Operation& op) {
  const Type &a = *op.in[0], &b = *op.in[1], &y = *op.out[0];
  const auto nest =
      loop_nest(y.shape, {broadcast_strides(a.shape, y.shape), broadcast_strides(b.shape, y.shape)});
  std::string functor = "nb::" + std::string(row.functor), members = "{}";
  if (const auto quantized = quantized_of(row, op)) {
    functor = "nb::" + quantized->name;
    const std::vector<std::int64_t> wide(quantized->members.begin(), quantized->members.end());
    members = list_text(wide);
  } else if (const ArithmeticAttrs bounds = bounds_of(row, op); has_bounds(bounds)) {
    functor = "nb::Clamped<" + functor + ", " + std::string(dtype_c_name(y.dtype)) + ">";
    const auto bound = [&](float value) {
      if (y.dtype == DType::f32) return float_literal(value);
      Bytes element(8);
      const auto& access = element_access(y.dtype);
      access.put(element.data(), 0, static_cast<double>(value));
      if (y.dtype == DType::f64) return "static_cast<double>(" + float_literal(value) + ")";
      if (y.dtype == DType::u64)
        return std::to_string(static_cast<std::uint64_t>(access.get_int(element.data(), 0))) + "u";
      const auto number = static_cast<std::int64_t>(access.get_int(element.data(), 0));
      return number == std::numeric_limits<std::int64_t>::min() ? std::string("INT64_MIN")
                                                                : std::to_string(number);
    };
    members = "{{}, " + bound(bounds.clamp_min) + ", " + bound(bounds.clamp_max) + "}";
  }
  Lowered l{.function = "binary",
            .params_type = "Binary<" + functor + ", " + std::to_string(nest.size()) + ">"};
  l.params = {{"f", std::move(members)}, {"axes", loop_text(nest)}};
  l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
  for (const std::size_t i : {0u, 1u})
    if (op.in[i]->shape == y.shape && dtype_bytes(op.in[i]->dtype) == dtype_bytes(y.dtype))
      l.in_place.emplace_back(i, 0);
  return l;
}

std::vector<Sample> samples(const BinaryRow& row) {
  std::vector<Sample> all;
  const auto add = [&](std::string inputs) { all.push_back({std::move(inputs)}); };
  if (row.dtypes.has(DType::f32)) {
    add("f32[2,3,5]; f32[2,3,5]");
    add("f32[2,3,5]; f32[]");
    add("f32[2,3,5]; f32[5]");
    add("f32[2,1,5]; f32[3,1]");
    add("f32[1]; f32[2,3,1,2,1,2,2]");
  }
  if (row.dtypes.has(DType::boolean)) add("bool[2,3]; bool[3]");
  if (row.integer != nullptr && row.dtypes.has(DType::u32))
    for (const DType dtype :
         {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::u32, DType::i64, DType::u64})
      if (row.dtypes.has(dtype))
        add(std::string(dtype_name(dtype)) + "[4,3]; " + std::string(dtype_name(dtype)) + "[3]");
  if (row.dtypes.has(DType::f64) && !row.is_float32_only) add("f64[3,4]; f64[1,4]");
  if (row.same_scales)
    add("i8[2,30] q(0.05,-3); i8[30] q(0.05,-3)"),
        all.back().outputs = row.to_bool ? "" : "i8[2,30] q(0.05,-3)";
  if (row.quantized != nullptr) {
    const std::string out8 = row.to_bool ? "bool[2,100]" : "i8[2,100] q(0.07,4)";
    all.push_back({"i8[2,100] q(0.05,-3); i8[2,100] q(0.03,7)", row.has_clamp ? "clamp_min=0" : "", out8});
    all.push_back({"i8[2,100] q(0.05,-3); i8[1] q(0.03,7)", "", out8});
    if (row.name != "prelu")
      all.push_back(
          {"u8[2,100] q(0.05,128); u8[100] q(0.03,100)", "", row.to_bool ? out8 : "u8[2,100] q(0.07,120)"});
    if (!row.to_bool)
      all.push_back({std::string("i16[2,100] q(0.0005,0); ") +
                         (row.name == "prelu" ? "i8[100] q(0.01,0)" : "i16[100] q(0.0003,0)"),
                     "", "i16[2,100] q(0.0007,0)"});
  }
  if (row.has_clamp) {
    all.push_back({"f32[2,30]; f32[30]", "clamp_min=-0.5, clamp_max=0.5"});
    all.push_back({"i32[2,30]; i32[30]", "clamp_min=0"});
  }
  const std::string dtype =
      row.dtypes.has(DType::f32) ? "f32" : (row.dtypes.has(DType::u32) ? "u32" : "bool");
  all.push_back({dtype + "[2,3]; " + dtype + "[2]", "", "", "shape-mismatch"});
  return all;
}

}  // namespace

Block binary_block(const BinaryRow& row) {
  Block block;
  block.is_elementwise = true;
  block.name = row.name;
  block.doc = "y[i] = " + std::string(row.doc) + ", a and b broadcast to one shape";
  block.inputs = {Operand{"a", row.dtypes}, Operand{"b", row.dtypes}};
  block.outputs = {Operand{"y", row.to_bool ? kBooleans : row.dtypes}};
  block.attributes =
      row.has_clamp ? attribute_ops<ArithmeticAttrs>(kArithmeticFields) : attribute_ops<NoAttrs>(kNoFields);
  block.infer = [&row](const Operation& op) { return infer(row, op); };
  block.reference = [&row](const Operation& op, std::span<const TensorView> in,
                           std::span<const TensorView> out) { reference(row, op, in, out); };
  block.macs = no_macs;
  // Comparisons rescale their operands and could decide a near tie otherwise than floats do.
  if (!row.to_bool && (row.quantized != nullptr || row.same_scales))
    block.quantized_form = [&row](const Operation&) {
      return row.same_scales ? QuantizedForm::moves : QuantizedForm::rounds;
    };
  block.kernels = {{"binary", "binary/binary.h",
                    [&row](const Operation& op, const Core&) {
                      const DType dtype = op.in[0]->dtype;
                      if (dtype == DType::f16 || dtype == DType::bf16) return false;
                      if (is_float(dtype)) return dtype == DType::f32 || !row.is_float32_only;
                      return quantized_of(row, op).has_value() || by_integers(row, op);
                    },
                    [&row](const Operation& op, const Core&) { return lower(row, op); }}};
  block.channel_flow = [&row](const Operation& op, OperandIntervals in) { return channel_flow(row, op, in); };
  block.samples = samples(row);
  return block;
}

}  // namespace nb
