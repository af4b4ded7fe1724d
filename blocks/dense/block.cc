// dense: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/core/pack_f32.h"
#include "blocks/dense/attributes.h"
#include "blocks/dense/dense_s8.h"
#include "blocks/dense/pack_dsp.h"
#include "blocks/dense/pack_mve.h"
#include "blocks/dense/pack_s16_dsp.h"
#include "blocks/dense/pack_s16_mve.h"
#include "blocks/quantized_s16.h"

namespace nb {
namespace {

struct Dense {
  static constexpr std::string_view name = "dense";
  static constexpr std::string_view doc = "y[...,o] = clamp(b[o] + sum over k of x[...,k] * w[o,k])";
  using Attrs = DenseAttrs;
  static constexpr auto fields = kDenseFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr std::array inputs = {Operand{"x", DTypeSet{DType::f32, DType::i8, DType::i16}},
                                        Operand{"w", DTypeSet{DType::f32, DType::i8}},
                                        Operand{.name = "b",
                                                .dtypes = DTypeSet{DType::f32, DType::i32, DType::i64},
                                                .arity = Arity::optional,
                                                .is_bias = true}};
  static constexpr std::array outputs = {Operand{"y", DTypeSet{DType::f32, DType::i8, DType::i16}}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &x = *op.in[0], &w = *op.in[1];
    if (w.rank() != 2 || x.rank() < 1)
      return Fault{Kind::shape_mismatch,
                   "operands are " + type_text(x) + " and " + type_text(w) + ", not [...,in] and [out,in]"};
    if (x.shape.back() != w.shape[1])
      return Fault{Kind::shape_mismatch, "weights " + shape_text(w.shape) + " expect " +
                                             std::to_string(w.shape[1]) + " features, the input is " +
                                             type_text(x)};
    if (op.has(2) && op.in[2]->shape != Shape{w.shape[0]})
      return Fault{Kind::shape_mismatch, "the bias is " + shape_text(op.in[2]->shape) + " for " +
                                             std::to_string(w.shape[0]) + " outputs"};
    if (is_float(x.dtype) != is_float(w.dtype) ||
        (op.has(2) && is_float(op.in[2]->dtype) != is_float(x.dtype)))
      return Fault{Kind::dtype_mismatch, "input and weights are " + type_text(x) + ", " + type_text(w)};
    if (auto fault = check_weights(op, 0)) return *fault;
    if (op.attrs<Attrs>().rounds_once && !is_s8(op))
      return Fault{Kind::attribute_out_of_range, "rounds_once of " + type_text(x) + ", which is not int8"};
    Shape shape = x.shape;
    shape.back() = w.shape[0];
    return std::vector{Type{x.dtype, std::move(shape)}};
  }

  static std::int64_t rows_of(const Operation& op) {
    return op.in[1]->shape[1] == 0 ? op.out[0]->elements() / std::max<std::int64_t>(op.in[1]->shape[0], 1)
                                   : op.in[0]->elements() / op.in[1]->shape[1];
  }

  static std::int32_t once_rescaled_sum(const Operation& op, std::span<const TensorView> in, std::int64_t sum,
                                        std::size_t o, const ChannelFactors& factors, IntRange range) {
    if (op.has(2)) sum += in[2].as<std::int32_t>()[o];
    const std::int32_t scaled =
        rescale_once(static_cast<std::int32_t>(sum), factors.multiplier[o], factors.shift[o]);
    return std::clamp(scaled + op.out[0]->zero_point(), range.min, range.max);
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const std::int64_t rows = rows_of(op), features = op.in[1]->shape[1], outs = op.in[1]->shape[0];
    if (op.in[0]->dtype == DType::f32) {
      const auto x = in[0].as<float>(), w = in[1].as<float>();
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < outs; ++o) {
          double sum = op.has(2) ? in[2].as<float>()[o] : 0.0f;
          for (std::int64_t k = 0; k < features; ++k)
            sum += static_cast<double>(x[r * features + k]) * static_cast<double>(w[o * features + k]);
          out[0].as<float>()[r * outs + o] = std::clamp(static_cast<float>(sum), a.clamp_min, a.clamp_max);
        }
      return;
    }
    const ChannelFactors factors = channel_factors(op, outs);
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto w = in[1].as<std::int8_t>();
    const auto integers = [&]<class T>(T) {
      const auto x = in[0].as<T>();
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < outs; ++o) {
          std::int64_t sum = 0;
          for (std::int64_t k = 0; k < features; ++k)
            sum += (x[r * features + k] - op.in[0]->zero_point()) *
                   (w[o * features + k] - op.in[1]->quantization->zero_points[0]);
          out[0].as<T>()[r * outs + o] = static_cast<T>(
              a.rounds_once ? once_rescaled_sum(op, in, sum, static_cast<std::size_t>(o), factors, range)
                            : rescaled_sum(op, in, sum, static_cast<std::size_t>(o), factors, range));
        }
    };
    if (op.in[0]->dtype == DType::i8)
      integers(std::int8_t{});
    else
      integers(std::int16_t{});
  }

  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const auto& a = op.attrs<Attrs>();
    if (!is_integer(op.in[0]->dtype) || !op.out[0]->is_quantized() || a.rounds_once) return {};
    return mixed_channels(op, in, 1, false, clamp_range(*op.out[0], a.clamp_min, a.clamp_max));
  }

  static std::int64_t macs(const Operation& op) { return op.out[0]->elements() * op.in[1]->shape[1]; }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    Lowered l{.function = "dense_f32", .params_type = "DenseF32"};
    l.params = {{"rows", std::to_string(rows_of(op))},
                {"in_features", std::to_string(op.in[1]->shape[1])},
                {"out_features", std::to_string(op.in[1]->shape[0])},
                {"out_min", float_literal(a.clamp_min)},
                {"out_max", float_literal(a.clamp_max)}};
    l.arguments = {input_arg(0), input_arg(1), op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   output_arg(0)};
    return l;
  }

  static Lowered lower_f32_tiled(const Operation& op, const Core& core) {
    Lowered l = lower_f32(op, core);
    const std::span<const float> w = op.constant<float>(1);
    const auto rows = static_cast<std::int32_t>(op.in[1]->shape[0]),
               columns = static_cast<std::int32_t>(op.in[1]->shape[1]);
    l.function = "dense_f32_tiled";
    return packed_call_f32(
        std::move(l), pack_tiles_f32(rows, columns, bias_f32(op),
                                     [&](std::int32_t o, std::int32_t k) { return w[o * columns + k]; }));
  }

  /// The parameters of the int8 kernels.
  static DenseS8 s8_params(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    return {n(rows_of(op)),
            n(op.in[1]->shape[1]),
            n(op.in[1]->shape[0]),
            op.in[0]->zero_point(),
            op.out[0]->zero_point(),
            range.min,
            range.max};
  }

  static Lowered call_s8(const DenseS8& p, std::string function) {
    Lowered l{.function = std::move(function), .params_type = "DenseS8"};
    l.params = {{"rows", std::to_string(p.rows)},
                {"in_features", std::to_string(p.in_features)},
                {"out_features", std::to_string(p.out_features)},
                {"in_zero", std::to_string(p.in_zero)},
                {"out_zero", std::to_string(p.out_zero)},
                {"out_min", std::to_string(p.out_min)},
                {"out_max", std::to_string(p.out_max)}};
    return l;
  }

  static Lowered lower_s8(const Operation& op, const Core&) {
    return lower_unpacked(op, op.attrs<Attrs>().rounds_once ? "dense_s8_once" : "dense_s8");
  }
  static Lowered lower_s8_rows_dsp(const Operation& op, const Core&) {
    return lower_unpacked(op, "dense_s8_rows_dsp");
  }
  static Lowered lower_unpacked(const Operation& op, std::string function) {
    Lowered l = call_s8(s8_params(op), std::move(function));
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[0]);
    l.constants = {{"multiplier", DType::i32, to_bytes(factors.multiplier)},
                   {"shift", DType::i8, to_bytes(factors.shift)}};
    l.arguments = {input_arg(0),    input_arg(1),    op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   constant_arg(0), constant_arg(1), output_arg(0)};
    return l;
  }

  static Lowered lower_s16(const Operation& op, const Core& core) {
    Lowered l = lower_s8(op, core);
    l.function = "dense_s16<" + s16_bias_type(op) + ">";
    return l;
  }

  static Lowered lower_s16_dsp(const Operation& op, const Core&) {
    const DenseS8 p = s8_params(op);
    const PackedS16Dsp packed = pack_dense_s16_dsp(p, packing_operands_s16(op, p.out_features));
    return packed_call(call_s8(p, std::string("dense_s16_dsp<nb::MatmulS16") + packed.form + "Dsp>"),
                       packed.stream, dense_s16_dsp_scratch_bytes(p),
                       "weights and constants in the order of use");
  }

  /// Of two vectors or more two go at a time.
  static PackedDenseS16Mve packed_s16_mve(const Operation& op) {
    const DenseS8 p = s8_params(op);
    return pack_dense_s16_mve(p, packing_operands_s16(op, p.out_features), p.rows > 1 ? 4 : 8);
  }
  static bool is_s16_mve(const Operation& op, const Core& core) {
    return core.has_mve && is_s16_layer(op) && is_packable(op) && op.in[1]->shape[1] > 0 &&
           !packed_s16_mve(op).stream.empty();
  }
  static Lowered lower_s16_mve(const Operation& op, const Core&) {
    const PackedDenseS16Mve packed = packed_s16_mve(op);
    const DenseS16Mve& q = packed.params;
    Lowered l{.function = q.rows > 1 ? "dense_s16_mve" : "dense_s16_mve_vector",
              .params_type = "DenseS16Mve"};
    l.params = {{"rows", std::to_string(q.rows)},
                {"in_features", std::to_string(q.in_features)},
                {"out_features", std::to_string(q.out_features)},
                {"out_min", std::to_string(q.out_min)},
                {"out_max", std::to_string(q.out_max)},
                {"form", std::to_string(q.form)}};
    l.constants = {
        {"packed", DType::i8, to_bytes(packed.stream), "weights and constants in the order of use"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
    return l;
  }

  static Lowered lower_s8_dsp(const Operation& op, const Core&) {
    const DenseS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, p.out_features);
    const bool rounds_once = op.attrs<Attrs>().rounds_once;
    Lowered call = call_s8(p, "dense_s8_dsp");
    if (rounds_once) call.define = "NB_ROUNDS_ONCE";
    return packed_call(
        std::move(call),
        pack_dense_s8_dsp(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift, rounds_once),
        dense_s8_dsp_scratch_bytes(p), "weights and constants in the order of use");
  }

  static Lowered lower_s8_mve(const Operation& op, const Core&) {
    const DenseS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, p.out_features);
    const bool is_narrow = dense_s8_mve_is_narrow(p);
    const bool is_uniform = !is_narrow && is_uniform_mve(o.factors.multiplier, o.factors.shift);
    PackedDenseS8Mve packed = pack_dense_s8_mve(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift,
                                                is_narrow ? 4 : 8, is_uniform);
    const DenseS8Mve& q = packed.params;
    Lowered l{.function = is_narrow    ? "dense_s8_mve_narrow"
                          : is_uniform ? "dense_s8_mve_uniform"
                                       : "dense_s8_mve",
              .params_type = "DenseS8Mve"};
    l.params = {{"rows", std::to_string(q.rows)},
                {"in_features", std::to_string(q.in_features)},
                {"out_features", std::to_string(q.out_features)},
                {"multiplier", std::to_string(q.multiplier)},
                {"shift", std::to_string(q.shift)},
                {"out_zero", std::to_string(q.out_zero)},
                {"out_min", std::to_string(q.out_min)},
                {"out_max", std::to_string(q.out_max)},
                {"form", std::to_string(q.form)}};
    l.constants = {
        {"packed", DType::i8, to_bytes(packed.stream), "weights and constants in the order of use"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
    return l;
  }

  /// Whether the DSP kernel has the rounding that the layer asks for.
  static bool rounds_in_dsp(const Operation& op) {
    if (!op.attrs<Attrs>().rounds_once) return true;
    const DenseS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, p.out_features);
    return !pack_dense_s8_dsp(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift, true).empty();
  }

  static bool is_s8(const Operation& op) {
    return op.in[0]->dtype == DType::i8 && op.in[1]->quantization->zero_points[0] == 0 &&
           (!op.has(2) || op.in[2]->dtype == DType::i32);
  }

  static bool is_s8_twice(const Operation& op) { return is_s8(op) && !op.attrs<Attrs>().rounds_once; }

  static std::vector<Kernel> kernels() {
    return {{"dense_f32_tiled", "dense/dense_f32_tiled.h",
             [](const Operation& op, const Core& core) {
               return core.has_fpu && op.in[0]->dtype == DType::f32 && is_packable(op);
             },
             lower_f32_tiled},
            {"dense_f32", "dense/dense_f32.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; }, lower_f32},
            {"dense_s8_mve_narrow", "dense/dense_s8_mve_narrow.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s8_twice(op) && is_packable(op) &&
                      dense_s8_mve_is_narrow(s8_params(op));
             },
             lower_s8_mve},
            {"dense_s8_mve", "dense/dense_s8_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s8_twice(op) && is_packable(op);
             },
             lower_s8_mve},
            {"dense_s8_dsp", "dense/dense_s8_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s8(op) && is_packable(op) &&
                      dense_s8_dsp_applies(s8_params(op), packing_operands(op, op.in[1]->shape[0]).weights) &&
                      rounds_in_dsp(op);
             },
             lower_s8_dsp},
            {"dense_s8_rows_dsp", "dense/dense_s8_rows_dsp.h",
             [](const Operation& op, const Core& core) { return core.has_dsp && is_s8_twice(op); },
             lower_s8_rows_dsp},
            {"dense_s8", "dense/dense_s8.h", [](const Operation& op, const Core&) { return is_s8(op); },
             lower_s8},
            {"dense_s16_mve_vector", "dense/dense_s16_mve_vector.h",
             [](const Operation& op, const Core& core) { return is_s16_mve(op, core) && rows_of(op) == 1; },
             lower_s16_mve},
            {"dense_s16_mve", "dense/dense_s16_mve.h",
             [](const Operation& op, const Core& core) { return is_s16_mve(op, core) && rows_of(op) > 1; },
             lower_s16_mve},
            {"dense_s16_dsp", "dense/dense_s16_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s16_layer(op) && is_packable(op) &&
                      dense_s16_dsp_applies(s8_params(op), op.constant<std::int8_t>(1));
             },
             lower_s16_dsp},
            {"dense_s16", "dense/dense_s16.h",
             [](const Operation& op, const Core&) { return is_s16_layer(op); }, lower_s16}};
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[3,7]; const f32[5,7]; const f32[5]", "clamp_min=0"},
        {"f32[2,2,4]; const f32[6,4]"},
        {"f32[3,21]; const f32[17,21]; const f32[17]", "clamp_min=0, clamp_max=6"},
        {"f32[1,1]; const f32[8,1]; const f32[8]"},
        {"i8[1,10] q(0.05, 4); const i8[6,10] q(0.02, 0); const i32[6]", "", "i8[1,6] q(0.04, -3)"},
        {"i8[2,3001] q(0.05, 4); const i8[6,3001] q(0.02, 0); const i32[6]", "", "i8[2,6] q(9, -3)"},
        {"i8[1,3001] q(0.05, 4); const i8[3,3001] q(0.02, 0)", "clamp_min=0", "i8[1,3] q(9, -3)"},
        {"i8[2,9] q(0.05, 4); const i8[3,9] q(axis=0, [0.01,0.02,0.03], 0)", "clamp_min=0",
         "i8[2,3] q(0.04, -128)"},
        {"i8[3,50] q(0.05, 4); const i8[6,50] q(axis=0, [0.01,0.02,0.03,0.001,0.002,0.004], 0); const i32[6]",
         "clamp_min=-1, rounds_once=true", "i8[3,6] q(0.04, -3)"},
        {"i8[2,9] q(0.05, 4); const i8[2,9] q(axis=0, [0.01,9], 0)", "rounds_once=true",
         "i8[2,2] q(0.04, -128)"},
        {"i16[1,9] q(0.05, 0); const i8[3,9] q(0.01, 0)", "rounds_once=true", "", "attribute-out-of-range"},
        {"i16[2,9] q(0.0005, 0); const i8[3,9] q(axis=0, [0.01,0.02,0.03], 0); const i64[3]", "clamp_min=0",
         "i16[2,3] q(0.0004, 0)"},
        {"i16[1,300] q(0.0005, 0); const i8[3,300] q(0.01, 0); const i32[3]", "", "i16[1,3] q(0.001, 0)"},
        {"i16[1,76] q(0.0005, 0); const i8[10,76] q(0.01, 0); const i32[10]", "", "i16[1,10] q(0.002, 0)"},
        {"i16[3,40] q(0.0005, 0); const i8[7,40] q(0.01, 0); const i32[7]", "clamp_min=0, clamp_max=9",
         "i16[3,7] q(0.0004, 0)"},
        {"i16[2,19] q(0.0005, 0); const i8[6,19] q(0.01, 0); const i64[6]", "", "i16[2,6] q(0.001, 0)"},
        {"i16[3,23] q(0.0005, 0); const i8[8,23] q(0.01, 0)", "clamp_min=0, clamp_max=5",
         "i16[3,8] q(0.0005, 0)"},
        {"i16[3,1030] q(0.0005, 0); const i8[5,1030] q(0.01, 0); const i32[5]", "clamp_min=0",
         "i16[3,5] q(0.01, 0)"},
        {"i16[2,1030] q(0.0005, 0); const i8[5,1030] q(0.01, 0); const i64[5]", "clamp_max=50",
         "i16[2,5] q(0.01, 0)"},
        {"i16[2,12] q(0.0005, 0); const i8[4,12] q(axis=0, [0.01,0.00000001,9,0.5], 0); const i32[4]", "",
         "i16[2,4] q(0.02, 0)"},
        {"i16[2,12] q(0.0005, 0); const i8[4,12] q(axis=0, [0.01,0.00000001,0.0001,0.5], 0); const i64[4]",
         "", "i16[2,4] q(0.02, 0)"},
        {"f32[3,7]; const f32[5,8]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_dense() { return {define<Dense>()}; }

}  // namespace nb
