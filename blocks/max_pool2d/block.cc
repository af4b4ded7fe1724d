// max_pool2d: all there is to know about it. The kernel's header lies beside.
#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/core/taps.h"
#include "blocks/max_pool2d/attributes.h"
#include "blocks/quantized.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

Checked<Window2d> window_of(const Operation& op) {
  const auto& a = op.attrs<MaxPool2dAttrs>();
  if (a.kernel.size() != 2) return Fault{Kind::attribute_out_of_range, "kernel has 2 numbers"};
  return make_window(*op.in[0], a.kernel[0], a.kernel[1], a.stride, a.pad, a.dilation);
}

struct MaxPooling {
  static constexpr std::string_view name = "max_pool2d";
  static constexpr std::string_view doc =
      "y[n,h,w,c] = clamp(max over i,j of x[n, h*stride+i*dilation-pad, ..., c]), padding left out";
  using Attrs = MaxPool2dAttrs;
  static constexpr auto fields = kMaxPool2dFields;
  static constexpr DTypeSet kDTypes{DType::f32, DType::i8, DType::u8, DType::i16};
  static constexpr std::array inputs = {Operand{"x", kDTypes}};
  static constexpr std::array outputs = {Operand{"y", kDTypes}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto window = window_of(op);
    if (!window) return window.fault();
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const Window2d& g = *window;
    if (!meets_image(g))
      return Fault{Kind::attribute_out_of_range, "a window lies entirely in the padding",
                   "pad less than the kernel's extent"};
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "max_pool2d of " + type_text(x) + " with a scale per index"};
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (a.clamp_min != -kInfinity || a.clamp_max != kInfinity)
      if (auto fault = check_quantized(op, 0)) return *fault;
    return std::vector{Type{x.dtype, {x.shape[0], g.out.h, g.out.w, x.shape[3]}, x.quantization}};
  }

  static QuantizedForm quantized_form(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const bool is_bounded = !std::isinf(a.clamp_min) || !std::isinf(a.clamp_max);
    return is_bounded ? QuantizedForm::bounds : QuantizedForm::moves;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Window2d g = *window_of(op);
    const std::int64_t channels = op.in[0]->shape[3];
    const auto pool = [&]<class T>(T low, T high) {
      const auto x = in[0].as<T>();
      const auto y = out[0].as<T>();
      std::int64_t at = 0;
      for (std::int64_t n = 0; n < op.in[0]->shape[0]; ++n)
        for (std::int64_t oy = 0; oy < g.out.h; ++oy)
          for (std::int64_t ox = 0; ox < g.out.w; ++ox)
            for (std::int64_t c = 0; c < channels; ++c) {
              T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                            : std::numeric_limits<T>::lowest();
              for (std::int64_t i = 0; i < g.kernel.h; ++i)
                for (std::int64_t j = 0; j < g.kernel.w; ++j) {
                  const std::int64_t iy = oy * g.stride.h - g.pad.h + i * g.dilation.h,
                                     ix = ox * g.stride.w - g.pad.w + j * g.dilation.w;
                  if (iy < 0 || iy >= g.in.h || ix < 0 || ix >= g.in.w) continue;
                  best = std::max(best, x[((n * g.in.h + iy) * g.in.w + ix) * channels + c]);
                }
              y[at++] = std::clamp(best, low, high);
            }
    };
    if (op.in[0]->dtype == DType::f32) return pool(a.clamp_min, a.clamp_max);
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    if (op.in[0]->dtype == DType::i8)
      pool(static_cast<std::int8_t>(range.min), static_cast<std::int8_t>(range.max));
    else if (op.in[0]->dtype == DType::u8)
      pool(static_cast<std::uint8_t>(range.min), static_cast<std::uint8_t>(range.max));
    else
      pool(static_cast<std::int16_t>(range.min), static_cast<std::int16_t>(range.max));
  }

  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const auto& a = op.attrs<Attrs>();
    ChannelFlow flow = same_channels(op, in[0]);
    if (flow.out.empty()) return flow;
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    for (Interval& x : flow.out) x = clamped(x, range);
    return flow;
  }

  static std::int64_t macs(const Operation&) { return 0; }

  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const std::string of = "<" + std::string(dtype_c_name(x.dtype)) + ">";
    Lowered l{.function = "max_pool2d" + of, .params_type = "MaxPool2d" + of};
    l.params = {{"batch", std::to_string(x.shape[0])},
                window_param(*window_of(op)),
                {"channels", std::to_string(x.shape[3])}};
    if (x.dtype == DType::f32) {
      l.params.push_back({"out_min", float_literal(a.clamp_min)});
      l.params.push_back({"out_max", float_literal(a.clamp_max)});
    } else {
      const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
      l.params.push_back({"out_min", std::to_string(range.min)});
      l.params.push_back({"out_max", std::to_string(range.max)});
    }
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }

  static std::vector<Kernel> kernels() {
    return {
        {"max_pool2d", "max_pool2d/max_pool2d.h", [](const Operation&, const Core&) { return true; }, lower}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[2,6,5,3]", "kernel=[2,2], stride=[2,2]"},
            {"f32[1,7,7,2]", "kernel=[3,3], stride=[2,1], pad=[1,0,1,2], dilation=[2,1], clamp_max=0.5"},
            {"i8[1,6,6,5] q(0.1, 3)", "kernel=[3,2], stride=[2,2], pad=[0,0,1,0], clamp_min=0"},
            {"i8[2,4,4,1] q(0.1, 3)", "kernel=[4,4]"},
            {"i16[1,4,5,2] q(0.001, 0)", "kernel=[2,3], pad=[1,1,0,1]"},
            {"u8[1,4,4,3]", "kernel=[2,2], stride=[2,2]"},
            {"f32[1,4,4,1]", "kernel=[5,5]", "", "shape-mismatch"},
            {"f32[1,4,4,1]", "kernel=[2,2], pad=[2,0,0,0]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_max_pool2d() { return {define<MaxPooling>()}; }

}  // namespace nb
