// average_pool2d: all there is to know about it. The kernels' header lies beside.
#include <algorithm>

#include "blocks/average_pool2d/attributes.h"
#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/core/taps.h"
#include "blocks/quantized.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

Checked<Window2d> window_of(const Operation& op) {
  const auto& a = op.attrs<AveragePool2dAttrs>();
  if (a.kernel.size() != 2) return Fault{Kind::attribute_out_of_range, "kernel has 2 numbers"};
  return make_window(*op.in[0], a.kernel[0], a.kernel[1], a.stride, a.pad, a.dilation);
}

struct AveragePooling {
  static constexpr std::string_view name = "average_pool2d";
  static constexpr std::string_view doc =
      "y[n,h,w,c] = clamp(mean over i,j of x[n, h*stride+i*dilation-pad, ..., c]); padding counts as 0 with "
      "count_include_pad and not at all without";
  using Attrs = AveragePool2dAttrs;
  static constexpr auto fields = kAveragePool2dFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr DTypeSet kDTypes{DType::f32, DType::i8, DType::i16};
  static constexpr std::array inputs = {Operand{"x", kDTypes}};
  static constexpr std::array outputs = {Operand{"y", kDTypes}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto window = window_of(op);
    if (!window) return window.fault();
    const Type& x = *op.in[0];
    const Window2d& g = *window;
    if (!op.attrs<Attrs>().count_include_pad && !meets_image(g))
      return Fault{Kind::attribute_out_of_range, "a window lies entirely in the padding",
                   "pad less than the kernel's extent"};
    const std::int64_t area = static_cast<std::int64_t>(g.kernel.h) * g.kernel.w;
    if (area > (x.dtype == DType::i16 ? 1 << 15 : 1 << 23))
      return Fault{Kind::limit_exceeded, "a window of " + std::to_string(area) + " elements"};
    if (auto fault = check_quantized(op, 0)) return *fault;
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature,
                   "average_pool2d of " + type_text(x) + " with a scale per index"};
    return std::vector{Type{x.dtype, {x.shape[0], g.out.h, g.out.w, x.shape[3]}, x.quantization}};
  }

  /// Calls f(output offset, sum of the elements inside, how many these are, divisor).
  template <class Sum, class T, class F>
  static void each_output(const Operation& op, std::span<T> x, F f) {
    const auto& a = op.attrs<Attrs>();
    const Window2d g = *window_of(op);
    const std::int64_t channels = op.in[0]->shape[3];
    std::int64_t at = 0;
    for (std::int64_t n = 0; n < op.in[0]->shape[0]; ++n)
      for (std::int64_t oy = 0; oy < g.out.h; ++oy)
        for (std::int64_t ox = 0; ox < g.out.w; ++ox)
          for (std::int64_t c = 0; c < channels; ++c) {
            Sum sum = 0;
            std::int64_t inside = 0;
            for (std::int64_t i = 0; i < g.kernel.h; ++i)
              for (std::int64_t j = 0; j < g.kernel.w; ++j) {
                const std::int64_t iy = oy * g.stride.h - g.pad.h + i * g.dilation.h,
                                   ix = ox * g.stride.w - g.pad.w + j * g.dilation.w;
                if (iy < 0 || iy >= g.in.h || ix < 0 || ix >= g.in.w) continue;
                sum += static_cast<Sum>(x[((n * g.in.h + iy) * g.in.w + ix) * channels + c]);
                ++inside;
              }
            const std::int64_t area = static_cast<std::int64_t>(g.kernel.h) * g.kernel.w;
            f(at++, sum, inside, a.count_include_pad ? area : inside);
          }
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    if (op.in[0]->dtype == DType::f32) {
      each_output<double>(op, in[0].as<float>(), [&](auto at, double sum, auto, std::int64_t count) {
        out[0].as<float>()[at] =
            std::clamp(static_cast<float>(sum / static_cast<double>(count)), a.clamp_min, a.clamp_max);
      });
      return;
    }
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const std::int32_t zero = op.in[0]->zero_point();
    const auto integers = [&]<class T>(T) {
      each_output<std::int64_t>(
          op, in[0].as<T>(), [&](auto at, std::int64_t sum, std::int64_t inside, std::int64_t count) {
            sum += (count - inside) * zero;
            const std::int64_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
            out[0].as<T>()[at] = static_cast<T>(std::clamp<std::int64_t>(mean, range.min, range.max));
          });
    };
    if (op.in[0]->dtype == DType::i8)
      integers(std::int8_t{});
    else
      integers(std::int16_t{});
  }

  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const auto& a = op.attrs<Attrs>();
    ChannelFlow flow = same_channels(op, in[0]);
    if (flow.out.empty()) return flow;
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const std::int64_t zero = op.in[0]->zero_point();
    const bool with_zero = a.count_include_pad && sees_padding(*window_of(op));
    for (Interval& x : flow.out) x = clamped(with_zero ? merged(x, {zero, zero}) : x, range);
    return flow;
  }

  static std::int64_t macs(const Operation&) { return 0; }

  static std::vector<Param> common_params(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    return {{"batch", std::to_string(op.in[0]->shape[0])},
            window_param(*window_of(op)),
            {"channels", std::to_string(op.in[0]->shape[3])},
            {"count_include_pad", a.count_include_pad ? "true" : "false"}};
  }

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    Lowered l{.function = "average_pool2d_f32", .params_type = "AveragePool2dF32"};
    l.params = common_params(op);
    l.params.push_back({"out_min", float_literal(a.clamp_min)});
    l.params.push_back({"out_max", float_literal(a.clamp_max)});
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }

  static Lowered lower_int(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    Lowered l{.function = "average_pool2d_int<" + std::string(dtype_c_name(op.in[0]->dtype)) + ">",
              .params_type = "AveragePool2dInt"};
    l.params = common_params(op);
    l.params.push_back({"zero", std::to_string(op.in[0]->zero_point())});
    l.params.push_back({"out_min", std::to_string(range.min)});
    l.params.push_back({"out_max", std::to_string(range.max)});
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }

  /// Whether each image becomes one pixel, without padding.
  static bool is_whole(const Operation& op) {
    const Window2d g = *window_of(op);
    return g.kernel.h == g.in.h && g.kernel.w == g.in.w && g.out.h == 1 && g.out.w == 1 && g.pad.h == 0 &&
           g.pad.w == 0 && g.dilation.h == 1 && g.dilation.w == 1;
  }

  static Lowered lower_int_whole(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const Window2d g = *window_of(op);
    Lowered l{.function = "average_pool2d_int_whole<" + std::string(dtype_c_name(op.in[0]->dtype)) + ">",
              .params_type = "AverageWholeInt"};
    l.params = {{"batch", std::to_string(op.in[0]->shape[0])},
                {"pixels", std::to_string(g.in.h * g.in.w)},
                {"channels", std::to_string(op.in[0]->shape[3])},
                {"out_min", std::to_string(range.min)},
                {"out_max", std::to_string(range.max)}};
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }

  static std::vector<Kernel> kernels() {
    return {{"average_pool2d_f32", "average_pool2d/average_pool2d.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; }, lower_f32},
            {"average_pool2d_int_whole", "average_pool2d/average_pool2d.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype != DType::f32 && is_whole(op); },
             lower_int_whole},
            {"average_pool2d_int", "average_pool2d/average_pool2d.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype != DType::f32; }, lower_int}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[2,6,5,3]", "kernel=[2,2], stride=[2,2]"},
            {"f32[1,7,7,2]", "kernel=[3,3], stride=[2,1], pad=[1,0,1,2], dilation=[2,1], clamp_max=0.2"},
            {"f32[1,5,5,2]", "kernel=[3,3], pad=[1,1,1,1], count_include_pad=true"},
            {"i8[1,6,6,11] q(0.1, 3)", "kernel=[3,2], stride=[2,2], pad=[0,0,1,0], clamp_min=0"},
            {"i8[2,7,7,8] q(0.1, -5)", "kernel=[7,7]"},
            {"i8[1,5,5,3] q(0.1, 9)", "kernel=[3,3], pad=[1,1,1,1], count_include_pad=true"},
            {"i16[1,4,5,2] q(0.001, 0)", "kernel=[2,3], pad=[1,1,0,1]"},
            {"f32[1,4,4,1]", "kernel=[5,5]", "", "shape-mismatch"},
            {"f32[1,4,4,1]", "kernel=[2,2], pad=[2,0,0,0]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_average_pool2d() { return {define<AveragePooling>()}; }

}  // namespace nb
