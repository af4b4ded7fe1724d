// conv2d: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/conv2d/attributes.h"
#include "blocks/conv2d/conv2d_s8.h"
#include "blocks/conv2d/lower_mve.h"
#include "blocks/conv2d/lower_s16_mve.h"
#include "blocks/conv2d/pack_dsp.h"
#include "blocks/conv2d/pack_s16_dsp.h"
#include "blocks/core/pack_f32.h"
#include "blocks/core/requantize.h"
#include "blocks/quantized_s16.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

Checked<Window2d> window_of(const Operation& op) {
  const auto& a = op.attrs<Conv2dAttrs>();
  if (op.in[1]->rank() != 4)
    return Fault{Kind::shape_mismatch, "the weights are " + type_text(*op.in[1]) + ", not OHWI of rank 4"};
  return make_window(*op.in[0], op.in[1]->shape[1], op.in[1]->shape[2], a.stride, a.pad, a.dilation);
}

struct Conv2d {
  static constexpr std::string_view name = "conv2d";
  static constexpr std::string_view doc =
      "y[n,h,w,o] = clamp(b[o] + sum over i,j,c of x[n, h*stride+i*dilation-pad, ..., g(o)*I+c] * "
      "w[o,i,j,c])";
  using Attrs = Conv2dAttrs;
  static constexpr auto fields = kConv2dFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr std::array inputs = {Operand{"x", DTypeSet{DType::f32, DType::i8, DType::i16}},
                                        Operand{"w", DTypeSet{DType::f32, DType::i8}},
                                        Operand{.name = "b",
                                                .dtypes = DTypeSet{DType::f32, DType::i32, DType::i64},
                                                .arity = Arity::optional,
                                                .is_bias = true}};
  static constexpr std::array outputs = {Operand{"y", DTypeSet{DType::f32, DType::i8, DType::i16}}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const auto window = window_of(op);
    if (!window) return window.fault();
    const Type &x = *op.in[0], &w = *op.in[1];
    const std::int64_t channels = x.shape[3], out_channels = w.shape[0];
    if (a.groups < 1 || channels % a.groups != 0 || out_channels % a.groups != 0)
      return Fault{Kind::attribute_out_of_range, std::to_string(a.groups) + " groups do not divide " +
                                                     std::to_string(channels) + " input and " +
                                                     std::to_string(out_channels) + " output channels"};
    if (w.shape[3] != channels / a.groups)
      return Fault{Kind::shape_mismatch, "weights " + shape_text(w.shape) + " expect " +
                                             std::to_string(w.shape[3] * a.groups) +
                                             " input channels, the image has " + std::to_string(channels)};
    if (op.has(2) && op.in[2]->shape != Shape{out_channels})
      return Fault{Kind::shape_mismatch, "the bias is " + shape_text(op.in[2]->shape) + " for " +
                                             std::to_string(out_channels) + " output channels"};
    if (is_float(x.dtype) != is_float(w.dtype) ||
        (op.has(2) && is_float(op.in[2]->dtype) != is_float(x.dtype)))
      return Fault{Kind::dtype_mismatch, "image, weights and bias are " + type_text(x) + ", " + type_text(w) +
                                             (op.has(2) ? ", " + type_text(*op.in[2]) : "")};
    if (auto fault = check_weights(op, 0)) return *fault;
    return std::vector{Type{x.dtype, {x.shape[0], window->out.h, window->out.w, out_channels}}};
  }

  /// Calls f(n, y, x, o, sum over the window of term(image offset, weight offset)).
  template <class Sum, class Term, class F>
  static void each_output(const Operation& op, Term term, F f) {
    const auto& a = op.attrs<Attrs>();
    const Window2d g = *window_of(op);
    const std::int64_t channels = op.in[0]->shape[3], out_channels = op.in[1]->shape[0],
                       depth = op.in[1]->shape[3];
    std::int64_t at = 0;
    for (std::int64_t n = 0; n < op.in[0]->shape[0]; ++n)
      for (std::int64_t y = 0; y < g.out.h; ++y)
        for (std::int64_t x = 0; x < g.out.w; ++x)
          for (std::int64_t o = 0; o < out_channels; ++o) {
            const std::int64_t first = o / (out_channels / a.groups) * depth;
            Sum sum = 0;
            for (std::int64_t i = 0; i < g.kernel.h; ++i)
              for (std::int64_t j = 0; j < g.kernel.w; ++j) {
                const std::int64_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h,
                                   ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
                if (iy < 0 || iy >= g.in.h || ix < 0 || ix >= g.in.w) continue;
                for (std::int64_t c = 0; c < depth; ++c)
                  sum += term(((n * g.in.h + iy) * g.in.w + ix) * channels + first + c,
                              ((o * g.kernel.h + i) * g.kernel.w + j) * depth + c);
              }
            f(at++, o, sum);
          }
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    if (op.in[0]->dtype == DType::f32) {
      const auto x = in[0].as<float>(), w = in[1].as<float>();
      const auto y = out[0].as<float>();
      each_output<double>(
          op, [&](auto i, auto j) { return static_cast<double>(x[i]) * static_cast<double>(w[j]); },
          [&](auto at, auto o, double sum) {
            y[at] = std::clamp(static_cast<float>(sum + (op.has(2) ? in[2].as<float>()[o] : 0.0f)),
                               a.clamp_min, a.clamp_max);
          });
      return;
    }
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[0]);
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto w = in[1].as<std::int8_t>();
    const auto integers = [&]<class T>(T) {
      const auto x = in[0].as<T>();
      const auto y = out[0].as<T>();
      const std::int32_t zero = op.in[0]->zero_point();
      each_output<std::int64_t>(
          op, [&](auto i, auto j) { return (x[i] - zero) * w[j]; },
          [&](auto at, auto o, std::int64_t sum) {
            y[at] = static_cast<T>(rescaled_sum(op, in, sum, static_cast<std::size_t>(o), factors, range));
          });
    };
    if (op.in[0]->dtype == DType::i8)
      integers(std::int8_t{});
    else
      integers(std::int16_t{});
  }

  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const auto& a = op.attrs<Attrs>();
    if (!is_integer(op.in[0]->dtype) || !op.out[0]->is_quantized()) return {};
    return mixed_channels(op, in, a.groups, sees_padding(*window_of(op)),
                          clamp_range(*op.out[0], a.clamp_min, a.clamp_max));
  }

  static std::int64_t macs(const Operation& op) {
    const Type& w = *op.in[1];
    return op.out[0]->elements() * w.shape[1] * w.shape[2] * w.shape[3];
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    Lowered l{.function = "conv2d_f32", .params_type = "Conv2dF32"};
    l.params = {{"batch", std::to_string(op.in[0]->shape[0])},
                window_param(*window_of(op)),
                {"in_channels", std::to_string(op.in[0]->shape[3])},
                {"out_channels", std::to_string(op.in[1]->shape[0])},
                {"groups", std::to_string(a.groups)},
                {"out_min", float_literal(a.clamp_min)},
                {"out_max", float_literal(a.clamp_max)}};
    l.arguments = {input_arg(0), input_arg(1), op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   output_arg(0)};
    return l;
  }

  static Lowered lower_f32_tiled(const Operation& op, const Core& core) {
    Lowered l = lower_f32(op, core);
    const std::span<const float> w = op.constant<float>(1), bias = bias_f32(op);
    const auto taps = static_cast<std::int32_t>(w.size() / static_cast<std::size_t>(op.in[1]->shape[0]));
    l.function = "conv2d_f32_tiled";
    return packed_call_f32(std::move(l),
                           pack_tiles_f32(static_cast<std::int32_t>(op.in[1]->shape[0]), taps, bias,
                                          [&](std::int32_t o, std::int32_t k) { return w[o * taps + k]; }));
  }

  /// The parameters of the int8 kernels.
  static Conv2dS8 s8_params(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    return {*window_of(op),
            n(op.in[0]->shape[3]),
            n(op.in[1]->shape[0]),
            n(a.groups),
            op.in[0]->zero_point(),
            op.out[0]->zero_point(),
            range.min,
            range.max};
  }

  static Lowered call_s8(const Conv2dS8& p, std::string function) {
    Lowered l{.function = std::move(function), .params_type = "Conv2dS8"};
    l.params = {window_param(p.window),
                {"in_channels", std::to_string(p.in_channels)},
                {"out_channels", std::to_string(p.out_channels)},
                {"groups", std::to_string(p.groups)},
                {"in_zero", std::to_string(p.in_zero)},
                {"out_zero", std::to_string(p.out_zero)},
                {"out_min", std::to_string(p.out_min)},
                {"out_max", std::to_string(p.out_max)}};
    return l;
  }

  static Lowered lower_s8(const Operation& op, const Core&) {
    Lowered l = call_s8(s8_params(op), "conv2d_s8");
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[0]);
    l.constants = {{"multiplier", DType::i32, to_bytes(factors.multiplier)},
                   {"shift", DType::i8, to_bytes(factors.shift)}};
    l.arguments = {input_arg(0),    input_arg(1),    op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   constant_arg(0), constant_arg(1), output_arg(0)};
    return l;
  }

  static Lowered lower_s16(const Operation& op, const Core& core) {
    Lowered l = lower_s8(op, core);
    l.function = "conv2d_s16<" + s16_bias_type(op) + ">";
    return l;
  }

  static Lowered lower_s16_dsp(const Operation& op, const Core&) {
    const Conv2dS8 p = s8_params(op);
    const PackedS16Dsp packed = pack_conv2d_s16_dsp(p, packing_operands_s16(op, p.out_channels));
    return packed_call(call_s8(p, std::string("conv2d_s16_dsp<nb::MatmulS16") + packed.form + "Dsp>"),
                       packed.stream, conv2d_s16_dsp_scratch_bytes(p),
                       "weights and constants in the order of use");
  }

  static Lowered lower_s16_mve(const Operation& op, const Core&) {
    const Conv2dS8 p = s8_params(op);
    return lower_conv2d_s16_mve(p, packing_operands_s16(op, p.out_channels),
                                "weights and constants in the order of use");
  }

  static Lowered lower_s8_dsp(const Operation& op, const Core&) {
    const Conv2dS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, p.out_channels);
    return packed_call(call_s8(p, "conv2d_s8_dsp"),
                       pack_conv2d_s8_dsp(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift),
                       conv2d_s8_dsp_scratch_bytes(p), "weights and constants in the order of use");
  }

  static Lowered lower_s8_mve(const Operation& op, const Core&) {
    const Conv2dS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, p.out_channels);
    return lower_conv2d_s8_mve(p, o.weights, o, "weights and constants in the order of use");
  }

  static bool is_s8(const Operation& op) {
    return op.in[0]->dtype == DType::i8 && op.in[0]->shape[0] == 1 &&
           (!op.has(2) || op.in[2]->dtype == DType::i32);
  }

  static std::vector<Kernel> kernels() {
    return {{"conv2d_f32_tiled", "conv2d/conv2d_f32_tiled.h",
             [](const Operation& op, const Core& core) {
               return core.has_fpu && op.in[0]->dtype == DType::f32 && is_packable(op) &&
                      op.attrs<Attrs>().groups == 1;
             },
             lower_f32_tiled},
            {"conv2d_f32", "conv2d/conv2d_f32.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; }, lower_f32},
            {"conv2d_s8_mve", "conv2d/conv2d_s8_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s8(op) && is_packable(op) && conv2d_s8_mve_applies(s8_params(op));
             },
             lower_s8_mve},
            {"conv2d_s8_dsp", "conv2d/conv2d_s8_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s8(op) && is_packable(op) && conv2d_s8_dsp_applies(s8_params(op));
             },
             lower_s8_dsp},
            {"conv2d_s8", "conv2d/conv2d_s8.h", [](const Operation& op, const Core&) { return is_s8(op); },
             lower_s8},
            {"conv2d_s16_mve", "conv2d/conv2d_s16_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s16_layer(op) && is_packable(op) && op.in[0]->shape[0] == 1 &&
                      conv2d_s16_mve_applies(s8_params(op)) && !lower_s16_mve(op, core).function.empty();
             },
             lower_s16_mve},
            {"conv2d_s16_dsp", "conv2d/conv2d_s16_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s16_layer(op) && is_packable(op) && op.in[0]->shape[0] == 1 &&
                      conv2d_s16_dsp_applies(s8_params(op), op.constant<std::int8_t>(1));
             },
             lower_s16_dsp},
            {"conv2d_s16", "conv2d/conv2d_s16.h",
             [](const Operation& op, const Core&) { return is_s16_layer(op) && op.in[0]->shape[0] == 1; },
             lower_s16}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[1,5,6,3]; const f32[4,3,3,3]; const f32[4]", "stride=[2,1], pad=[1,0,1,2], clamp_min=0"},
            {"f32[2,4,4,4]; const f32[6,1,2,2]", "groups=2, dilation=[2,2]"},
            {"f32[1,5,8,3]; const f32[9,3,3,3]; const f32[9]",
             "stride=[2,2], pad=[1,1,1,1], clamp_min=0, clamp_max=6"},
            {"f32[1,7,6,4]; const f32[10,2,3,4]", "dilation=[2,2], pad=[1,3,2,1]"},
            {"f32[1,3,5,13]; const f32[17,1,1,13]; const f32[17]", "clamp_min=-1, clamp_max=1"},
            {"f32[1,1,1,2]; const f32[8,3,3,2]; const f32[8]", "pad=[1,1,1,1]"},
            {"i8[1,6,5,3] q(0.05, -7); const i8[5,3,2,3] q(axis=0, [0.01,0.02,0.015,0.011,0.03], 0); const "
             "i32[5]",
             "pad=[1,1,1,1], clamp_min=0, clamp_max=6", "i8[1,6,6,5] q(0.03, -128)"},
            {"i16[1,6,5,3] q(0.0005, 0); const i8[5,3,2,3] q(axis=0, [0.01,0.02,0.015,0.011,0.03], 0); const "
             "i64[5]",
             "pad=[1,1,1,1], stride=[2,1], clamp_min=0", "i16[1,3,6,5] q(0.0003, 0)"},
            {"i16[1,6,5,4] q(0.0005, 0); const i8[6,2,2,2] q(0.01, 0)", "groups=2, dilation=[2,2]",
             "i16[1,4,3,6] q(0.0003, 0)"},
            {"i16[1,6,5,3] q(0.0005, 0); const i8[5,3,3,3] q(0.01, 0); const i32[5]",
             "pad=[1,1,1,1], stride=[2,1], clamp_min=0", "i16[1,3,5,5] q(0.001, 0)"},
            {"i16[1,5,7,5] q(0.0005, 0); const i8[8,1,1,5] q(0.01, 0); const i32[8]", "",
             "i16[1,5,7,8] q(0.001, 0)"},
            {"i16[1,5,5,12] q(0.0005, 0); const i8[7,1,1,12] q(0.01, 0); const i64[7]", "clamp_min=0",
             "i16[1,5,5,7] q(0.001, 0)"},
            {"i16[1,7,6,4] q(0.0005, 0); const i8[4,2,3,4] q(0.01, 0); const i32[4]",
             "dilation=[2,2], pad=[1,3,2,1], clamp_max=6", "i16[1,8,6,4] q(0.001, 0)"},
            {"i16[1,5,5,64] q(0.0005, 0); const i8[3,3,3,64] q(0.01, 0); const i32[3]", "pad=[1,1,1,1]",
             "i16[1,5,5,3] q(0.004, 0)"},
            {"f32[1,5,5,3]; const f32[4,3,3,2]", "", "", "shape-mismatch"},
            {"f32[1,2,2,1]; const f32[1,3,3,1]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_conv2d() { return {define<Conv2d>()}; }

}  // namespace nb
