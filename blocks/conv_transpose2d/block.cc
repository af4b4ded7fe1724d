// conv_transpose2d: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>

#include "base/text.h"
#include "blocks/blocks.h"
#include "blocks/conv_transpose2d/attributes.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

struct ConvTranspose2d {
  static constexpr std::string_view name = "conv_transpose2d";
  static constexpr std::string_view doc =
      "y[n, i*stride - pad + k*dilation, ..., o] sums x[n,i,j,c] * w[o,k,l,c] over the channels of o's "
      "group, "
      "plus b[o], clamped; x NHWC, w [O,kh,kw,C/groups]";
  using Attrs = ConvTranspose2dAttrs;
  static constexpr auto fields = kConvTranspose2dFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr std::array inputs = {Operand{"x", DTypeSet{DType::f32, DType::i8, DType::i16}},
                                        Operand{"w", DTypeSet{DType::f32, DType::i8}},
                                        Operand{.name = "b",
                                                .dtypes = DTypeSet{DType::f32, DType::i32, DType::i64},
                                                .arity = Arity::optional,
                                                .is_bias = true}};
  static constexpr std::array outputs = {Operand{"y", DTypeSet{DType::f32, DType::i8, DType::i16}}};

  static constexpr std::int64_t kMaxStep = 1 << 24;
  static constexpr std::int64_t kMaxRows = (std::int64_t{1} << 31) - 1;

  static std::optional<Fault> attributes_fault(const Attrs& a) {
    if (a.stride.size() != 2 || a.dilation.size() != 2 || a.pad.size() != 4 || a.output_pad.size() != 2)
      return Fault{Kind::attribute_out_of_range, "stride, dilation, pad or output_pad has a wrong length"};
    for (const auto* steps : {&a.stride, &a.dilation})
      for (const std::int64_t step : *steps)
        if (step < 1 || step > kMaxStep)
          return Fault{Kind::attribute_out_of_range, "a stride or dilation is " + std::to_string(step)};
    for (const auto* pads : {&a.pad, &a.output_pad})
      for (const std::int64_t pad : *pads)
        if (pad < 0 || pad > kMaxRows)
          return Fault{Kind::attribute_out_of_range, "a pad is " + std::to_string(pad)};
    if (a.groups < 1) return Fault{Kind::attribute_out_of_range, "groups is " + std::to_string(a.groups)};
    return std::nullopt;
  }

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &w = *op.in[1];
    const std::string both = type_text(x) + " and " + type_text(w);
    if (x.rank() != 4 || w.rank() != 4)
      return Fault{Kind::shape_mismatch, "operands are " + both + ", not NHWC and OHWI"};
    if (auto fault = attributes_fault(a)) return *fault;
    if (x.shape[3] % a.groups != 0 || w.shape[0] % a.groups != 0 || w.shape[3] != x.shape[3] / a.groups)
      return Fault{Kind::shape_mismatch,
                   "operands are " + both + " in " + std::to_string(a.groups) + " groups"};
    if (op.has(2) && op.in[2]->shape != Shape{w.shape[0]})
      return Fault{Kind::shape_mismatch, "the bias is " + shape_text(op.in[2]->shape) + " for " +
                                             std::to_string(w.shape[0]) + " filters"};
    const DTypeSet biases = x.dtype == DType::f32  ? DTypeSet{DType::f32}
                            : x.dtype == DType::i8 ? DTypeSet{DType::i32}
                                                   : DTypeSet{DType::i32, DType::i64};
    if (is_float(x.dtype) != is_float(w.dtype) || (op.has(2) && !biases.has(op.in[2]->dtype)))
      return Fault{Kind::dtype_mismatch,
                   "operands are " + both + (op.has(2) ? " and " + type_text(*op.in[2]) : std::string())};
    for (const std::size_t i : {0u, 1u})
      if (auto fault = check_quantized(op, i)) return *fault;
    if (w.is_quantized()) {
      const Quantization& q = *w.quantization;
      if (std::any_of(q.zero_points.begin(), q.zero_points.end(),
                      [](std::int32_t zero) { return zero != 0; }) ||
          (q.is_per_axis() && q.axis != 0) || (!is_float(x.dtype) && x.quantization->is_per_axis()))
        return Fault{
            Kind::unsupported_feature,
            "quantized operands " + both +
                " need one scale for the image and zero points 0 in the filters, scales along axis 0"};
    }
    Shape shape = {x.shape[0], 0, 0, w.shape[0]};
    for (const std::size_t i : {0u, 1u}) {
      if (x.shape[i + 1] < 1 || w.shape[i + 1] < 1)
        return Fault{Kind::shape_mismatch, "operands " + both + " have no pixels or no taps"};
      const std::int64_t full =
          (x.shape[i + 1] - 1) * a.stride[i] + (w.shape[i + 1] - 1) * a.dilation[i] + 1 + a.output_pad[i];
      if (full > kMaxRows)
        return Fault{Kind::limit_exceeded, "the uncropped output has " + std::to_string(full) + " rows"};
      shape[i + 1] = full - a.pad[i] - a.pad[i + 2];
      if (shape[i + 1] < 1)
        return Fault{Kind::shape_mismatch,
                     "the pads crop all of " + std::to_string(full) + " rows or columns"};
    }
    return std::vector{Type{x.dtype, std::move(shape)}};
  }

  static Window2d window_of(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const auto size = [](std::int64_t h, std::int64_t w) {
      return Size2d{static_cast<std::int32_t>(h), static_cast<std::int32_t>(w)};
    };
    const Shape &x = op.in[0]->shape, &w = op.in[1]->shape, &y = op.out[0]->shape;
    return {size(x[1], x[2]),         size(y[1], y[2]),
            size(w[1], w[2]),         size(a.stride[0], a.stride[1]),
            size(a.pad[0], a.pad[1]), size(a.dilation[0], a.dilation[1])};
  }

  /// Scatters, unlike the kernels: sums[n,y,x,o], without bias. `product(i, j)` multiplies elements of x, w.
  template <class Sum, class Product>
  static std::vector<Sum> sums_of(const Operation& op, Product product) {
    const auto& a = op.attrs<Attrs>();
    const Shape &x = op.in[0]->shape, &w = op.in[1]->shape, &y = op.out[0]->shape;
    std::vector<Sum> sums(static_cast<std::size_t>(op.out[0]->elements()));
    const std::int64_t per_group = w[0] / a.groups;
    for (std::int64_t n = 0; n < x[0]; ++n)
      for (std::int64_t i = 0; i < x[1]; ++i)
        for (std::int64_t j = 0; j < x[2]; ++j)
          for (std::int64_t o = 0; o < w[0]; ++o)
            for (std::int64_t k = 0; k < w[1]; ++k)
              for (std::int64_t l = 0; l < w[2]; ++l) {
                const std::int64_t row = i * a.stride[0] + k * a.dilation[0] - a.pad[0];
                const std::int64_t column = j * a.stride[1] + l * a.dilation[1] - a.pad[1];
                if (row < 0 || row >= y[1] || column < 0 || column >= y[2]) continue;
                Sum& sum = sums[static_cast<std::size_t>(((n * y[1] + row) * y[2] + column) * y[3] + o)];
                const std::int64_t from = ((n * x[1] + i) * x[2] + j) * x[3] + o / per_group * w[3];
                const std::int64_t tap = ((o * w[1] + k) * w[2] + l) * w[3];
                for (std::int64_t c = 0; c < w[3]; ++c) sum += product(from + c, tap + c);
              }
    return sums;
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const auto filters = static_cast<std::size_t>(op.in[1]->shape[0]);
    if (op.in[0]->dtype == DType::f32) {
      const auto x = in[0].as<float>(), w = in[1].as<float>(), y = out[0].as<float>();
      const auto sums = sums_of<double>(op, [&](std::int64_t i, std::int64_t j) {
        return static_cast<double>(x[i]) * static_cast<double>(w[j]);
      });
      for (std::size_t i = 0; i < sums.size(); ++i) {
        const float bias = op.has(2) ? in[2].as<float>()[i % filters] : 0.0f;
        y[i] = std::clamp(static_cast<float>(sums[i] + static_cast<double>(bias)), a.clamp_min, a.clamp_max);
      }
      return;
    }
    const ChannelFactors factors = channel_factors(op, static_cast<std::int64_t>(filters));
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const auto w = in[1].as<std::int8_t>();
    const auto integers = [&]<class T>(T) {
      const auto x = in[0].as<T>(), y = out[0].as<T>();
      const auto sums = sums_of<std::int64_t>(op, [&](std::int64_t i, std::int64_t j) {
        return std::int64_t{x[i] - op.in[0]->zero_point()} * w[j];
      });
      for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::size_t o = i % filters;
        if (sizeof(T) == 1) {
          y[i] = static_cast<T>(rescaled_sum(op, in, sums[i], o, factors, range));
          continue;
        }
        const std::int64_t sum =
            sums[i] + (op.has(2)
                           ? static_cast<std::int64_t>(Elements(in[2]).get_int(static_cast<std::int64_t>(o)))
                           : 0);
        const std::int32_t scaled = rescale64(sum, factors.multiplier[o], factors.shift[o]);
        y[i] = static_cast<T>(std::clamp(scaled + op.out[0]->zero_point(), range.min, range.max));
      }
    };
    if (op.in[0]->dtype == DType::i8)
      integers(std::int8_t{});
    else
      integers(std::int16_t{});
  }

  static std::int64_t macs(const Operation& op) {
    const Shape& x = op.in[0]->shape;
    return x[0] * x[1] * x[2] * op.in[1]->elements();
  }

  static std::string shape_literal(const Operation& op) {
    const std::int64_t groups = op.attrs<Attrs>().groups;
    return "{" + window_param(window_of(op)).text + ", " + std::to_string(op.in[0]->shape[0]) + ", " +
           std::to_string(groups) + ", " + std::to_string(op.in[1]->shape[3]) + ", " +
           std::to_string(op.in[1]->shape[0] / groups) + "}";
  }
  static constexpr std::string_view kShapeNames = "window, batch, groups, in_channels, out_channels";

  static Lowered lower_f32(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    Lowered l{.function = "conv_transpose2d_f32", .params_type = "ConvTranspose2dF32"};
    l.params = {{std::string(kShapeNames), shape_literal(op)},
                {"out_min", float_literal(a.clamp_min)},
                {"out_max", float_literal(a.clamp_max)}};
    l.arguments = {input_arg(0), input_arg(1), op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   output_arg(0)};
    return l;
  }

  static Lowered lower_quantized(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const IntRange range = clamp_range(*op.out[0], a.clamp_min, a.clamp_max);
    const ChannelFactors factors = channel_factors(op, op.in[1]->shape[0]);
    const bool is_narrow = op.in[0]->dtype == DType::i8,
               has_narrow_bias = is_narrow || (op.has(2) && op.in[2]->dtype == DType::i32);
    Lowered l{.function = "conv_transpose2d_quantized<" +
                          std::string(is_narrow ? "int8_t, int32_t" : "int16_t, int64_t") +
                          (has_narrow_bias ? ", int32_t>" : ", int64_t>"),
              .params_type = "ConvTranspose2dQuantized"};
    l.params = {{std::string(kShapeNames), shape_literal(op)},
                {"in_zero", std::to_string(op.in[0]->zero_point())},
                {"out_zero", std::to_string(op.out[0]->zero_point())},
                {"out_min", std::to_string(range.min)},
                {"out_max", std::to_string(range.max)}};
    l.constants = {{"multiplier", DType::i32, to_bytes(factors.multiplier)},
                   {"shift", DType::i8, to_bytes(factors.shift)}};
    l.arguments = {input_arg(0),    input_arg(1),    op.has(2) ? input_arg(2) : literal_arg("nullptr"),
                   constant_arg(0), constant_arg(1), output_arg(0)};
    return l;
  }

  static std::vector<Kernel> kernels() {
    return {{"conv_transpose2d_f32", "conv_transpose2d/conv_transpose2d_f32.h",
             [](const Operation& op, const Core&) { return op.in[0]->dtype == DType::f32; }, lower_f32},
            {"conv_transpose2d_quantized", "conv_transpose2d/conv_transpose2d_quantized.h",
             [](const Operation& op, const Core&) {
               return op.in[0]->dtype != DType::f32 && op.out[0]->is_quantized();
             },
             lower_quantized}};
  }

  static std::vector<Sample> samples() {
    return {
        {"f32[1,4,5,3]; const f32[2,3,3,3]; const f32[2]", "stride=[2,2], pad=[1,1,0,1], clamp_min=0"},
        {"f32[2,3,3,4]; f32[6,2,3,2]; f32[6]", "stride=[2,1], groups=2, dilation=[1,2], output_pad=[1,2]"},
        {"f32[1,3,3,2]; const f32[2,2,2,2]", "stride=[3,3], output_pad=[2,0]"},
        {"i8[1,3,4,5] q(0.05,4); const i8[3,3,3,5] q(axis=0, [0.01,0.02,0.03], 0); const i32[3]",
         "stride=[2,2], pad=[0,0,1,1]", "i8[1,6,8,3] q(0.04,-3)"},
        {"i16[1,3,4,2] q(0.001,0); const i8[2,2,2,2] q(0.02,0); const i64[2]", "stride=[2,2]",
         "i16[1,6,8,2] q(0.0005,0)"},
        {"i16[1,3,4,2] q(0.001,0); const i8[2,2,2,2] q(0.02,0); const i32[2]", "stride=[2,2]",
         "i16[1,6,8,2] q(0.0005,0)"},
        {"i16[1,3,4,2] q(0.001,0); const i8[2,2,2,2] q(0.02,0)", "stride=[2,2]", "i16[1,6,8,2] q(0.0005,0)"},
        {"i8[1,3,4,5] q(0.05,4); const i8[3,3,3,5] q(0.01,0); const i64[3]", "", "i8[1,5,6,3] q(0.04,-3)",
         "dtype-mismatch"},
        {"f32[1,4,5,3]; const f32[2,3,3,2]", "", "", "shape-mismatch"},
        {"f32[1,4,5,3]; const f32[2,3,3,3]", "stride=[0,1]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_conv_transpose2d() { return {define<ConvTranspose2d>()}; }

}  // namespace nb
