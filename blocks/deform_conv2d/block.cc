// deform_conv2d: all there is to know about it. The kernel's header lies beside.
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/deform_conv2d/attributes.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

Checked<Window2d> window_of(const Operation& op) {
  const auto& a = op.attrs<DeformConv2dAttrs>();
  const Type& w = *op.in[1];
  if (w.rank() != 4)
    return Fault{Kind::shape_mismatch, "weights " + type_text(w) + " are not [O,kh,kw,C/groups]"};
  return make_window(*op.in[0], w.shape[1], w.shape[2], a.stride, a.pad, a.dilation);
}

struct DeformableConvolution {
  static constexpr std::string_view name = "deform_conv2d";
  static constexpr std::string_view doc =
      "y[n,h,w,o] = b[o] + sum over i,j,c of W[o,i,j,c] * mask[n,h,w,s,ij] * x[n, h*stride+i*dilation-pad + "
      "offset[n,h,w,s,ij,0], ... + offset[n,h,w,s,ij,1], c], bilinear, 0 outside; s the offset group of c";
  using Attrs = DeformConv2dAttrs;
  static constexpr auto fields = kDeformConv2dFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}, Operand{"w", kFloats},
                                        Operand{"offset", kFloats}, Operand{"b", kFloats, Arity::optional},
                                        Operand{"mask", kFloats, Arity::optional}};
  static constexpr std::array outputs = {Operand{"y", kFloats}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const auto window = window_of(op);
    if (!window) return window.fault();
    const Type &x = *op.in[0], &w = *op.in[1], &offset = *op.in[2];
    const std::int64_t channels = x.shape[3], taps = w.shape[1] * w.shape[2];
    if (a.groups < 1 || a.offset_groups < 1 || channels % a.groups != 0 || w.shape[0] % a.groups != 0 ||
        channels % a.offset_groups != 0 || w.shape[3] != channels / a.groups)
      return Fault{Kind::shape_mismatch, "weights " + type_text(w) + " in " + std::to_string(a.groups) +
                                             " and " + std::to_string(a.offset_groups) +
                                             " groups do not fit " + type_text(x)};
    const Shape place = {x.shape[0], window->out.h, window->out.w, a.offset_groups, taps};
    Shape moves = place;
    moves.push_back(2);
    if (offset.shape != moves)
      return Fault{Kind::shape_mismatch, "offsets " + type_text(offset) + " are not " + shape_text(moves)};
    if (op.has(3) && op.in[3]->shape != Shape{w.shape[0]})
      return Fault{Kind::shape_mismatch, "the bias is " + type_text(*op.in[3])};
    if (op.has(4) && op.in[4]->shape != place)
      return Fault{Kind::shape_mismatch, "masks " + type_text(*op.in[4]) + " are not " + shape_text(place)};
    return std::vector{Type{DType::f32, {x.shape[0], window->out.h, window->out.w, w.shape[0]}}};
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Window2d g = *window_of(op);
    const std::int64_t channels = in[0].type->shape[3], outs = in[1].type->shape[0],
                       taps = g.kernel.h * g.kernel.w, group_in = channels / a.groups,
                       group_out = outs / a.groups, shared = channels / a.offset_groups;
    const auto x = in[0].as<float>(), w = in[1].as<float>(), offset = in[2].as<float>(),
               y = out[0].as<float>();
    const auto pixel = [&](std::int64_t n, double row, double column, std::int64_t c) {
      if (!(row >= 0 && row < g.in.h && column >= 0 && column < g.in.w)) return 0.0;
      return static_cast<double>(x[static_cast<std::size_t>(
          ((n * g.in.h + static_cast<std::int64_t>(row)) * g.in.w + static_cast<std::int64_t>(column)) *
              channels +
          c)]);
    };
    for (std::int64_t at = 0; at < out[0].type->elements(); ++at) {
      const std::int64_t o = at % outs, place = at / outs, ox = place % g.out.w,
                         oy = place / g.out.w % g.out.h, n = place / g.out.w / g.out.h;
      double sum = op.has(3) ? static_cast<double>(in[3].as<float>()[static_cast<std::size_t>(o)]) : 0.0;
      for (std::int64_t t = 0; t < taps; ++t)
        for (std::int64_t k = 0; k < group_in; ++k) {
          const std::int64_t c = o / group_out * group_in + k;
          const std::int64_t move = (place * a.offset_groups + c / shared) * taps + t;
          const double row = static_cast<double>(oy * g.stride.h - g.pad.h + t / g.kernel.w * g.dilation.h) +
                             static_cast<double>(offset[static_cast<std::size_t>(2 * move)]),
                       column =
                           static_cast<double>(ox * g.stride.w - g.pad.w + t % g.kernel.w * g.dilation.w) +
                           static_cast<double>(offset[static_cast<std::size_t>(2 * move + 1)]);
          const double top = std::floor(row), left = std::floor(column), down = row - top,
                       right = column - left;
          const double value =
              (1 - down) * ((1 - right) * pixel(n, top, left, c) + right * pixel(n, top, left + 1, c)) +
              down * ((1 - right) * pixel(n, top + 1, left, c) + right * pixel(n, top + 1, left + 1, c));
          const double mask =
              op.has(4) ? static_cast<double>(in[4].as<float>()[static_cast<std::size_t>(move)]) : 1.0;
          sum +=
              mask * value * static_cast<double>(w[static_cast<std::size_t>((o * taps + t) * group_in + k)]);
        }
      y[static_cast<std::size_t>(at)] = static_cast<float>(sum);
    }
  }

  static std::int64_t macs(const Operation& op) {
    const Shape& w = op.in[1]->shape;
    return op.out[0]->elements() * w[1] * w[2] * w[3] +
           op.out[0]->elements() / std::max<std::int64_t>(w[0], 1) * w[1] * w[2] * op.in[0]->shape[3] * 4;
  }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &w = *op.in[1];
    Lowered l{.function = "deform_conv2d_f32", .params_type = "DeformConv2dF32"};
    l.params = {
        {"batch", std::to_string(x.shape[0])},       window_param(*window_of(op)),
        {"in_channels", std::to_string(x.shape[3])}, {"out_channels", std::to_string(w.shape[0])},
        {"groups", std::to_string(a.groups)},        {"offset_groups", std::to_string(a.offset_groups)}};
    const auto given = [&](std::size_t i) { return op.has(i) ? input_arg(i) : literal_arg("nullptr"); };
    l.arguments = {input_arg(0), input_arg(1),  input_arg(2),        given(3),
                   given(4),     output_arg(0), scratch_arg("float")};
    l.scratch_bytes = w.shape[1] * w.shape[2] * x.shape[3] * 4;
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"deform_conv2d_f32", "deform_conv2d/deform_conv2d_f32.h",
             [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[1,5,4,4]; const f32[6,3,2,2]; f32[1,5,4,2,6,2]; const f32[6]; f32[1,5,4,2,6]",
             "pad=[1,1,1,0], groups=2, offset_groups=2"},
            {"f32[2,5,5,2]; f32[3,2,2,2]; f32[2,2,2,1,4,2]", "stride=[2,2]"},
            {"f32[1,5,5,2]; f32[3,2,2,2]; f32[1,4,4,1,4,1]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_deform_conv2d() { return {define<DeformableConvolution>()}; }

}  // namespace nb
