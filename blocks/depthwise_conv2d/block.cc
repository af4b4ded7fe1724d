// depthwise_conv2d: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/conv2d/lower_mve.h"
#include "blocks/conv2d/lower_s16_mve.h"
#include "blocks/conv2d/pack_dsp.h"
#include "blocks/conv2d/pack_mve.h"
#include "blocks/conv2d/pack_s16_dsp.h"
#include "blocks/core/pack_f32.h"
#include "blocks/core/requantize.h"
#include "blocks/depthwise_conv2d/attributes.h"
#include "blocks/depthwise_conv2d/depthwise_conv2d_s8.h"
#include "blocks/depthwise_conv2d/pack_dsp.h"
#include "blocks/depthwise_conv2d/pack_mve.h"
#include "blocks/depthwise_conv2d/pack_s16_dsp.h"
#include "blocks/depthwise_conv2d/pack_s16_mve.h"
#include "blocks/quantized_s16.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

Checked<Window2d> window_of(const Operation& op) {
  const auto& a = op.attrs<DepthwiseConv2dAttrs>();
  if (op.in[1]->rank() != 4 || op.in[1]->shape[0] != 1)
    return Fault{Kind::shape_mismatch, "the weights are " + type_text(*op.in[1]) + ", not [1,h,w,channels]"};
  return make_window(*op.in[0], op.in[1]->shape[1], op.in[1]->shape[2], a.stride, a.pad, a.dilation);
}

struct DepthwiseConv2d {
  static constexpr std::string_view name = "depthwise_conv2d";
  static constexpr std::string_view doc =
      "y[n,h,w,c*M+m] = clamp(b[c*M+m] + sum over i,j of x[n, h*stride+i*dilation-pad, ..., c] * "
      "w[0,i,j,c*M+m])";
  using Attrs = DepthwiseConv2dAttrs;
  static constexpr auto fields = kDepthwiseConv2dFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr std::array inputs = {Operand{"x", DTypeSet{DType::f32, DType::i8, DType::i16}},
                                        Operand{"w", DTypeSet{DType::f32, DType::i8}},
                                        Operand{.name = "b",
                                                .dtypes = DTypeSet{DType::f32, DType::i32, DType::i64},
                                                .arity = Arity::optional,
                                                .is_bias = true}};
  static constexpr std::array outputs = {Operand{"y", DTypeSet{DType::f32, DType::i8, DType::i16}}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto window = window_of(op);
    if (!window) return window.fault();
    const Type &x = *op.in[0], &w = *op.in[1];
    const std::int64_t channels = x.shape[3], out_channels = w.shape[3];
    if (channels < 1 || out_channels % channels != 0)
      return Fault{Kind::shape_mismatch, std::to_string(out_channels) +
                                             " output channels are not a multiple of " +
                                             std::to_string(channels) + " input channels"};
    if (op.has(2) && op.in[2]->shape != Shape{out_channels})
      return Fault{Kind::shape_mismatch, "the bias is " + shape_text(op.in[2]->shape) + " for " +
                                             std::to_string(out_channels) + " output channels"};
    if (is_float(x.dtype) != is_float(w.dtype) ||
        (op.has(2) && is_float(op.in[2]->dtype) != is_float(x.dtype)))
      return Fault{Kind::dtype_mismatch, "image and weights are " + type_text(x) + ", " + type_text(w)};
    if (auto fault = check_weights(op, 3)) return *fault;
    return std::vector{Type{x.dtype, {x.shape[0], window->out.h, window->out.w, out_channels}}};
  }

  /// Calls f(output offset, o, sum over the window of term(image offset, weight offset)).
  template <class Sum, class Term, class F>
  static void each_output(const Operation& op, Term term, F f) {
    const Window2d g = *window_of(op);
    const std::int64_t channels = op.in[0]->shape[3], out_channels = op.in[1]->shape[3],
                       multiplier = out_channels / channels;
    std::int64_t at = 0;
    for (std::int64_t n = 0; n < op.in[0]->shape[0]; ++n)
      for (std::int64_t y = 0; y < g.out.h; ++y)
        for (std::int64_t x = 0; x < g.out.w; ++x)
          for (std::int64_t o = 0; o < out_channels; ++o) {
            Sum sum = 0;
            for (std::int64_t i = 0; i < g.kernel.h; ++i)
              for (std::int64_t j = 0; j < g.kernel.w; ++j) {
                const std::int64_t iy = y * g.stride.h - g.pad.h + i * g.dilation.h,
                                   ix = x * g.stride.w - g.pad.w + j * g.dilation.w;
                if (iy < 0 || iy >= g.in.h || ix < 0 || ix >= g.in.w) continue;
                sum += term(((n * g.in.h + iy) * g.in.w + ix) * channels + o / multiplier,
                            (i * g.kernel.w + j) * out_channels + o);
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
    reference_integers(op, in, out);
  }

  static void reference_integers(const Operation& op, std::span<const TensorView> in,
                                 std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[3]);
    const auto w = in[1].as<std::int8_t>();
    const std::int32_t zero = op.in[0]->zero_point();
    const auto integers = [&]<class T>(T) {
      const auto x = in[0].as<T>();
      const auto y = out[0].as<T>();
      each_output<std::int64_t>(
          op, [&](auto i, auto j) { return (x[i] - zero) * w[j]; },
          [&](auto at, auto o, std::int64_t sum) {
            y[at] = static_cast<T>(rescaled_sum(op, in, sum, static_cast<std::size_t>(o), factors,
                                                clamp_range(*op.out[0], a.clamp_min, a.clamp_max)));
          });
    };
    if (op.in[0]->dtype == DType::i8)
      integers(std::int8_t{});
    else
      integers(std::int16_t{});
  }

  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    if (!is_integer(op.in[0]->dtype) || !op.out[0]->is_quantized() || !has_known_sums(op, in)) return {};
    const auto& a = op.attrs<Attrs>();
    const std::int64_t outs = op.in[1]->shape[3], multiplier = outs / op.in[0]->shape[3],
                       taps = op.in[1]->shape[1] * op.in[1]->shape[2];
    const ChannelIntervals terms = terms_of(op, in, sees_padding(*window_of(op)));
    const ChannelFactors factors = channel_factors(op, outs);
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto w = op.constant<std::int8_t>(1);
    ChannelFlow flow{.form = ChannelFlow::Form::keeps, .sources = {{}, {}, {}}};
    for (std::int64_t o = 0; o < outs; ++o) {
      Interval sum{0, 0};
      for (std::int64_t k = 0; k < taps; ++k) {
        const Interval product = times(terms[o / multiplier], w[k * outs + o]);
        sum = {sum.min + product.min, sum.max + product.max};
      }
      flow.out.push_back(rescaled_interval(op, sum, static_cast<std::size_t>(o), factors, range));
      flow.sources[0].push_back(o / multiplier);
      flow.sources[1].push_back(o);
      flow.sources[2].push_back(o);
    }
    return flow;
  }

  static std::int64_t macs(const Operation& op) {
    return op.out[0]->elements() * op.in[1]->shape[1] * op.in[1]->shape[2];
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    Lowered l{.function = "depthwise_conv2d_f32", .params_type = "DepthwiseConv2dF32"};
    l.params = {{"batch", std::to_string(op.in[0]->shape[0])},
                window_param(*window_of(op)),
                {"in_channels", std::to_string(op.in[0]->shape[3])},
                {"depth_multiplier", std::to_string(op.in[1]->shape[3] / op.in[0]->shape[3])},
                {"out_min", float_literal(a.clamp_min)},
                {"out_max", float_literal(a.clamp_max)}};
    l.arguments = {input_arg(0), input_arg(1), op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   output_arg(0)};
    return l;
  }

  static Lowered lower_f32_tiled(const Operation& op, const Core& core) {
    Lowered l = lower_f32(op, core);
    const std::span<const float> w = op.constant<float>(1);
    const auto channels = static_cast<std::int32_t>(op.in[1]->shape[3]),
               taps = static_cast<std::int32_t>(op.in[1]->shape[1] * op.in[1]->shape[2]);
    l.function = "depthwise_conv2d_f32_tiled";
    return packed_call_f32(
        std::move(l), pack_tiles_f32(channels, taps, bias_f32(op),
                                     [&](std::int32_t o, std::int32_t k) { return w[k * channels + o]; }));
  }

  /// One input channel: every output channel is an ordinary convolution of it.
  static Lowered lower_f32_as_conv2d_tiled(const Operation& op, const Core& core) {
    Lowered l = lower_f32_tiled(op, core);
    l.function = "conv2d_f32_tiled";
    l.params_type = "Conv2dF32";
    l.params = {l.params[0],          l.params[1],
                {"in_channels", "1"}, {"out_channels", std::to_string(op.in[1]->shape[3])},
                {"groups", "1"},      l.params[4],
                l.params[5]};
    return l;
  }

  /// The parameters of the int8 kernels.
  static DepthwiseConv2dS8 s8_params(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    return {*window_of(op),
            n(op.in[0]->shape[3]),
            n(op.in[1]->shape[3] / op.in[0]->shape[3]),
            op.in[0]->zero_point(),
            op.out[0]->zero_point(),
            range.min,
            range.max};
  }

  static Lowered call_s8(const DepthwiseConv2dS8& p, std::string function) {
    Lowered l{.function = std::move(function), .params_type = "DepthwiseConv2dS8"};
    l.params = {window_param(p.window),
                {"in_channels", std::to_string(p.in_channels)},
                {"depth_multiplier", std::to_string(p.depth_multiplier)},
                {"in_zero", std::to_string(p.in_zero)},
                {"out_zero", std::to_string(p.out_zero)},
                {"out_min", std::to_string(p.out_min)},
                {"out_max", std::to_string(p.out_max)}};
    return l;
  }

  static Lowered lower_s8(const Operation& op, const Core&) {
    Lowered l = call_s8(s8_params(op), "depthwise_conv2d_s8");
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[3]);
    l.constants = {{"multiplier", DType::i32, to_bytes(factors.multiplier)},
                   {"shift", DType::i8, to_bytes(factors.shift)}};
    l.arguments = {input_arg(0),    input_arg(1),    op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   constant_arg(0), constant_arg(1), output_arg(0)};
    return l;
  }

  static Lowered lower_s16(const Operation& op, const Core& core) {
    Lowered l = lower_s8(op, core);
    l.function = "depthwise_conv2d_s16<" + s16_bias_type(op) + ">";
    return l;
  }

  static PackedS16Dsp packed_s16_dsp(const Operation& op) {
    return pack_depthwise_conv2d_s16_dsp(s8_params(op), packing_operands_s16(op, op.in[1]->shape[3]));
  }
  static Lowered lower_s16_dsp(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = s8_params(op);
    const PackedS16Dsp packed = packed_s16_dsp(op);
    const std::string form = packed.form;
    return packed_call(call_s8(p, "depthwise_conv2d_s16_dsp<nb::Depthwise" + form + "Dsp>"), packed.stream,
                       depthwise_conv2d_s16_dsp_scratch_bytes(p),
                       "weights and constants in the order of use");
  }
  static bool is_s16(const Operation& op) {
    return is_s16_layer(op) && is_packable(op) && op.in[0]->shape[0] == 1;
  }

  /// Without a function where sums do not fit into 32 bits.
  static Lowered lower_s16_mve(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = depthwise_conv2d_s8_mve_turned(s8_params(op));
    PackedDepthwiseConv2dS16Mve packed =
        pack_depthwise_conv2d_s16_mve(p, packing_operands_s16(op, op.in[1]->shape[3]));
    if (packed.stream.empty()) return {};
    const DepthwiseConv2dS16Mve& q = packed.params;
    Lowered l{.function = "depthwise_conv2d_s16_mve", .params_type = "DepthwiseConv2dS16Mve"};
    l.params = {window_param(p.window),
                {"channels", std::to_string(q.channels)},
                {"out_min", std::to_string(q.out_min)},
                {"out_max", std::to_string(q.out_max)},
                {"form", std::to_string(q.form)}};
    l = packed_call(std::move(l), packed.stream, depthwise_conv2d_s16_mve_scratch_bytes(p),
                    "weights and constants in the order of use");
    const bool is_3x3 = p.window.kernel.h == 3 && p.window.kernel.w == 3;
    l.arguments.push_back(
        literal_arg(std::string("nb::depthwise_conv2d_s16_mve_row<") + (is_3x3 ? "true>" : "false>")));
    return l;
  }

  static Lowered lower_s16_as_conv2d_mve(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = s8_params(op);
    LayerS16 layer = packing_operands_s16(op, op.in[1]->shape[3]);
    const std::vector<std::int8_t> weights = depthwise_weights_as_conv2d_s8(p, layer.weights);
    layer.weights = weights;
    return lower_conv2d_s16_mve(depthwise_as_conv2d_s8(p), layer,
                                "as a full convolution, weights and constants in the order of use");
  }

  static Lowered lower_s16_as_conv2d_dsp(const Operation& op, const Core&) {
    LayerS16 layer = packing_operands_s16(op, op.in[1]->shape[3]);
    const DepthwiseAsConv2d full = depthwise_as_conv2d(s8_params(op), layer.weights);
    layer.weights = full.weights;
    const PackedS16Dsp packed = pack_conv2d_s16_dsp(full.params, layer);
    return packed_call(as_conv2d(full.params, {.function = std::string("conv2d_s16_dsp<nb::MatmulS16") +
                                                           packed.form + "Dsp>"}),
                       packed.stream, conv2d_s16_dsp_scratch_bytes(full.params),
                       "as a full convolution, weights and constants in the order of use");
  }

  static Lowered lower_s8_dsp(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, op.in[1]->shape[3]);
    return packed_call(
        call_s8(p, "depthwise_conv2d_s8_dsp"),
        pack_depthwise_conv2d_s8_dsp(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift),
        depthwise_conv2d_s8_dsp_scratch_bytes(p), "weights and constants in the order of use");
  }

  static Lowered lower_s8_mve(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = depthwise_conv2d_s8_mve_turned(s8_params(op));
    const PackingOperands o = packing_operands(op, op.in[1]->shape[3]);
    PackedDepthwiseConv2dS8Mve packed =
        pack_depthwise_conv2d_s8_mve(p, o.weights, o.bias, o.factors.multiplier, o.factors.shift);
    const DepthwiseConv2dS8Mve& q = packed.params;
    Lowered l{.function = "depthwise_conv2d_s8_mve", .params_type = "DepthwiseConv2dS8Mve"};
    l.params = {window_param(p.window),
                {"in_channels", std::to_string(q.in_channels)},
                {"depth_multiplier", std::to_string(q.depth_multiplier)},
                {"in_zero", std::to_string(q.in_zero)},
                {"out_zero", std::to_string(q.out_zero)},
                {"out_min", std::to_string(q.out_min)},
                {"out_max", std::to_string(q.out_max)},
                {"form", std::to_string(q.form)}};
    const bool is_3x3 = p.window.kernel.h == 3 && p.window.kernel.w == 3;
    const std::string row = q.form & kGathersMve ? "gathered_row" : is_3x3 ? "row<true>" : "row<false>";
    l = packed_call(std::move(l), packed.stream, depthwise_conv2d_s8_mve_scratch_bytes(p),
                    "weights and constants in the order of use");
    l.arguments.push_back(literal_arg("nb::depthwise_conv2d_s8_mve_" + row));
    return l;
  }

  /// Few input channels: a full convolution whose other taps are zero is cheaper than a channel at a time.
  static Lowered as_conv2d(const Conv2dS8& p, Lowered call) {
    call.params_type = "Conv2dS8";
    call.params = {window_param(p.window),
                   {"in_channels", std::to_string(p.in_channels)},
                   {"out_channels", std::to_string(p.out_channels)},
                   {"groups", "1"},
                   {"in_zero", std::to_string(p.in_zero)},
                   {"out_zero", std::to_string(p.out_zero)},
                   {"out_min", std::to_string(p.out_min)},
                   {"out_max", std::to_string(p.out_max)}};
    return call;
  }

  static Lowered lower_s8_as_conv2d_dsp(const Operation& op, const Core&) {
    const PackingOperands o = packing_operands(op, op.in[1]->shape[3]);
    const DepthwiseAsConv2d full = depthwise_as_conv2d(s8_params(op), o.weights);
    return packed_call(
        as_conv2d(full.params, {.function = "conv2d_s8_dsp"}),
        pack_conv2d_s8_dsp(full.params, full.weights, o.bias, o.factors.multiplier, o.factors.shift),
        conv2d_s8_dsp_scratch_bytes(full.params),
        "as a full convolution, weights and constants in the order of use");
  }

  static Lowered lower_s8_as_conv2d_mve(const Operation& op, const Core&) {
    const DepthwiseConv2dS8 p = s8_params(op);
    const PackingOperands o = packing_operands(op, op.in[1]->shape[3]);
    const Conv2dS8 full = depthwise_as_conv2d_s8(p);
    const std::vector<std::int8_t> weights = depthwise_weights_as_conv2d_s8(p, o.weights);
    return lower_conv2d_s8_mve(full, weights, o,
                               "as a full convolution, weights and constants in the order of use");
  }

  static bool is_s8(const Operation& op) {
    return op.in[0]->dtype == DType::i8 && op.in[0]->shape[0] == 1 &&
           (!op.has(2) || op.in[2]->dtype == DType::i32);
  }

  static std::vector<Kernel> kernels() {
    return {{"depthwise_conv2d_f32_as_conv2d_tiled", "conv2d/conv2d_f32_tiled.h",
             [](const Operation& op, const Core& core) {
               return core.has_fpu && op.in[0]->dtype == DType::f32 && is_packable(op) &&
                      op.in[0]->shape[3] == 1;
             },
             lower_f32_as_conv2d_tiled},
            {"depthwise_conv2d_f32_tiled", "depthwise_conv2d/depthwise_conv2d_f32_tiled.h",
             [](const Operation& op, const Core& core) {
               return core.has_fpu && op.in[0]->dtype == DType::f32 && is_packable(op) &&
                      op.in[1]->shape[3] == op.in[0]->shape[3];
             },
             lower_f32_tiled},
            {"depthwise_conv2d_f32", "depthwise_conv2d/depthwise_conv2d_f32.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; }, lower_f32},
            {"depthwise_conv2d_s8_as_conv2d_mve", "conv2d/conv2d_s8_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s8(op) && is_packable(op) && op.in[0]->shape[3] == 1 &&
                      op.in[1]->shape[3] > 1 && conv2d_s8_mve_applies(depthwise_as_conv2d_s8(s8_params(op)));
             },
             lower_s8_as_conv2d_mve},
            {"depthwise_conv2d_s8_mve", "depthwise_conv2d/depthwise_conv2d_s8_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s8(op) && is_packable(op) &&
                      depthwise_conv2d_s8_mve_applies(s8_params(op));
             },
             lower_s8_mve},
            {"depthwise_conv2d_s8_as_conv2d_dsp", "conv2d/conv2d_s8_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s8(op) && is_packable(op) && op.in[0]->shape[3] < 4;
             },
             lower_s8_as_conv2d_dsp},
            {"depthwise_conv2d_s8_dsp", "depthwise_conv2d/depthwise_conv2d_s8_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s8(op) && is_packable(op) &&
                      depthwise_conv2d_s8_dsp_applies(s8_params(op));
             },
             lower_s8_dsp},
            {"depthwise_conv2d_s8", "depthwise_conv2d/depthwise_conv2d_s8.h",
             [](const Operation& op, const Core&) { return is_s8(op); }, lower_s8},
            {"depthwise_conv2d_s16_as_conv2d_mve", "conv2d/conv2d_s16_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s16(op) && op.in[0]->shape[3] == 1 && op.in[1]->shape[3] > 1 &&
                      conv2d_s16_mve_applies(depthwise_as_conv2d_s8(s8_params(op))) &&
                      !lower_s16_as_conv2d_mve(op, core).function.empty();
             },
             lower_s16_as_conv2d_mve},
            {"depthwise_conv2d_s16_mve", "depthwise_conv2d/depthwise_conv2d_s16_mve.h",
             [](const Operation& op, const Core& core) {
               return core.has_mve && is_s16(op) && depthwise_conv2d_s16_mve_applies(s8_params(op)) &&
                      !lower_s16_mve(op, core).function.empty();
             },
             lower_s16_mve},
            {"depthwise_conv2d_s16_as_conv2d_dsp", "conv2d/conv2d_s16_dsp.h",
             [](const Operation& op, const Core& core) {
               if (!core.has_dsp || !is_s16(op) || op.in[0]->shape[3] >= 4) return false;
               const DepthwiseAsConv2d full = depthwise_as_conv2d(s8_params(op), op.constant<std::int8_t>(1));
               return conv2d_s16_dsp_applies(full.params, full.weights);
             },
             lower_s16_as_conv2d_dsp},
            {"depthwise_conv2d_s16_dsp", "depthwise_conv2d/depthwise_conv2d_s16_dsp.h",
             [](const Operation& op, const Core& core) {
               return core.has_dsp && is_s16(op) && depthwise_conv2d_s8_dsp_applies(s8_params(op)) &&
                      packed_s16_dsp(op).form != nullptr;
             },
             lower_s16_dsp},
            {"depthwise_conv2d_s16", "depthwise_conv2d/depthwise_conv2d_s16.h",
             [](const Operation& op, const Core&) { return is_s16_layer(op) && op.in[0]->shape[0] == 1; },
             lower_s16}};
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[1,5,6,3]; const f32[1,3,3,3]; const f32[3]", "stride=[2,1], pad=[1,0,1,2], clamp_min=0"},
        {"f32[2,4,4,2]; const f32[1,2,2,6]", "dilation=[2,2]"},
        {"f32[1,6,7,19]; const f32[1,3,3,19]; const f32[19]",
         "stride=[2,2], pad=[1,1,1,1], clamp_min=0, clamp_max=6"},
        {"f32[1,7,6,8]; const f32[1,2,3,8]", "dilation=[2,2], pad=[1,3,2,1], clamp_min=0"},
        {"f32[1,5,4,1]; const f32[1,3,2,9]; const f32[9]", "pad=[1,0,1,1]"},
        {"f32[1,1,1,8]; const f32[1,3,3,8]; const f32[8]", "pad=[1,1,1,1]"},
        {"i8[1,6,5,8] q(0.05, -7); const i8[1,3,3,8] q(axis=3, "
         "[0.01,0.02,0.015,0.011,0.03,0.02,0.01,0.02], 0); const i32[8]",
         "pad=[1,1,1,1], clamp_min=0, clamp_max=6", "i8[1,6,5,8] q(0.03, -128)"},
        {"i8[1,6,5,1] q(0.05, 3); const i8[1,2,3,5] q(axis=3, [0.01,0.02,0.015,0.011,0.03], 0)",
         "stride=[2,2]", "i8[1,3,2,5] q(0.02, 5)"},
        {"i16[1,6,5,2] q(0.0005, 0); const i8[1,2,3,4] q(axis=3, [0.01,0.02,0.015,0.011], 0); const i64[4]",
         "pad=[1,1,1,1], clamp_min=0", "i16[1,7,5,4] q(0.0003, 0)"},
        {"i16[1,5,6,6] q(0.0005, 0); const i8[1,3,3,6] q(0.01, 0); const i32[6]", "pad=[1,1,1,1]",
         "i16[1,5,6,6] q(0.001, 0)"},
        {"i16[1,6,5,8] q(0.0005, 0); const i8[1,3,3,8] q(0.01, 0)", "pad=[1,1,1,1], clamp_min=0, clamp_max=6",
         "i16[1,6,5,8] q(0.001, 0)"},
        {"i16[1,7,6,5] q(0.0005, 0); const i8[1,3,3,5] q(0.01, 0); const i32[5]",
         "pad=[1,1,1,1], stride=[2,2]", "i16[1,4,3,5] q(0.001, 0)"},
        {"i16[1,7,6,4] q(0.0005, 0); const i8[1,4,5,8] q(0.01, 0); const i32[8]",
         "pad=[1,2,2,3], clamp_min=0", "i16[1,7,7,8] q(0.002, 0)"},
        {"i16[1,7,9,9] q(0.0005, 0); const i8[1,2,4,9] q(0.01, 0); const i64[9]",
         "pad=[1,2,2,3], dilation=[2,1]", "i16[1,8,11,9] q(0.001, 0)"},
        {"i16[1,6,5,1] q(0.0005, 0); const i8[1,2,3,5] q(0.01, 0); const i32[5]", "stride=[2,2]",
         "i16[1,3,2,5] q(0.002, 0)"},
        {"i16[1,9,5,4] q(0.0005, 0); const i8[1,3,3,4] q(0.01, 0); const i32[4]",
         "pad=[1,1,1,1], clamp_min=-6", "i16[1,9,5,4] q(0.001, 0)"},
        {"i16[1,9,1,16] q(0.0005, 0); const i8[1,4,1,16] q(0.01, 0); const i32[16]", "",
         "i16[1,6,1,16] q(0.001, 0)"},
        {"f32[1,5,5,3]; const f32[1,3,3,4]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_depthwise_conv2d() { return {define<DepthwiseConv2d>()}; }

}  // namespace nb
