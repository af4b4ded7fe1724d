// col2im: all there is to know about it. The kernel's header lies beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/col2im/attributes.h"
#include "blocks/elements.h"

namespace nb {
namespace {

/// Windows along each axis, or why there are none.
Checked<Shape> windows_of(const Col2ImAttrs& a) {
  const std::size_t n = a.image.size();
  if (n < 1 || n > 3 || a.kernel.size() != n || a.stride.size() != n || a.dilation.size() != n ||
      a.pad.size() != 2 * n)
    return Fault{Kind::attribute_out_of_range,
                 "image, kernel, stride and dilation have 1 to 3 numbers, pad twice as many"};
  constexpr std::int64_t kMost = 1 << 20;
  for (const auto* list : {&a.image, &a.kernel, &a.stride, &a.dilation})
    if (std::any_of(list->begin(), list->end(), [](std::int64_t v) { return v < 1 || v > kMost; }))
      return Fault{Kind::attribute_out_of_range, "a window number is not between 1 and 2^20"};
  if (std::any_of(a.pad.begin(), a.pad.end(), [](std::int64_t v) { return v < 0 || v > kMost; }))
    return Fault{Kind::attribute_out_of_range, "a pad is not between 0 and 2^20"};
  Shape windows;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t room = a.image[i] + a.pad[i] + a.pad[n + i] - a.dilation[i] * (a.kernel[i] - 1) - 1;
    if (room < 0) return Fault{Kind::shape_mismatch, "a window is larger than axis " + std::to_string(i)};
    windows.push_back(room / a.stride[i] + 1);
  }
  return windows;
}

struct ColumnsToImage {
  static constexpr std::string_view name = "col2im";
  static constexpr std::string_view doc =
      "y[n, c, p] = sum of x[n, (c, tap), window] over all taps of all windows that lie on pixel p";
  using Attrs = Col2ImAttrs;
  static constexpr auto fields = kCol2ImFields;
  static constexpr std::array inputs = {Operand{"x", kNumbers}};
  static constexpr std::array outputs = {Operand{"y", kNumbers}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto windows = windows_of(a);
    if (!windows) return windows.fault();
    const std::int64_t taps = element_count(a.kernel);
    if (x.quantization) return Fault{Kind::unsupported_feature, "col2im of the quantized " + type_text(x)};
    if (x.rank() != 3 || x.shape[1] % taps != 0 || x.shape[2] != element_count(*windows))
      return Fault{Kind::shape_mismatch, type_text(x) + " is not [N, channels * " + std::to_string(taps) +
                                             ", " + std::to_string(element_count(*windows)) + "]"};
    Shape shape = {x.shape[0], x.shape[1] / taps};
    shape.insert(shape.end(), a.image.begin(), a.image.end());
    return std::vector{Type{x.dtype, std::move(shape)}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Shape windows = *windows_of(a);
    const std::int64_t taps = element_count(a.kernel), columns = element_count(windows),
                       pixels = element_count(a.image);
    const Elements x(in[0]), y(out[0]);
    for (std::int64_t i = 0; i < in[0].type->elements(); ++i) {
      std::int64_t window = i % columns, tap = i / columns % taps, to = 0, step = 1;
      bool is_inside = true;
      for (std::size_t k = windows.size(); k-- > 0;) {
        const std::int64_t at =
            window % windows[k] * a.stride[k] - a.pad[k] + tap % a.kernel[k] * a.dilation[k];
        is_inside = is_inside && at >= 0 && at < a.image[k];
        to += at * step;
        step *= a.image[k];
        window /= windows[k];
        tap /= a.kernel[k];
      }
      if (!is_inside) continue;
      to += i / columns / taps * pixels;
      if (is_float(x.dtype))
        y.put(to, y.get(to) + x.get(i));
      else
        y.put_int(to, y.get_int(to) + x.get_int(i));
    }
  }
  static std::int64_t macs(const Operation& op) { return op.in[0]->elements(); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const std::size_t n = a.image.size();
    Lowered l{.function = "col2im", .params_type = "Col2Im<" + std::to_string(n) + ">"};
    l.params = {{"images", std::to_string(op.out[0]->shape[0] * op.out[0]->shape[1])},
                {"image", list_text(a.image)},
                {"kernel", list_text(a.kernel)},
                {"windows", list_text(*windows_of(a))},
                {"stride", list_text(a.stride)},
                {"dilation", list_text(a.dilation)},
                {"pad", list_text(std::span(a.pad).first(n))}};
    l.arguments = {input_arg(0), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"col2im", "col2im/col2im.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[1,8,9]", "image=[4,4], kernel=[2,2], stride=[1,1], dilation=[1,1], pad=[0,0,0,0]"},
            {"i32[2,3,4]", "image=[6], kernel=[3], stride=[2], dilation=[2], pad=[2,4]"},
            {"f32[1,8,9]", "image=[4,4], kernel=[3,3], stride=[1,1], dilation=[1,1], pad=[0,0,0,0]", "",
             "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_col2im() { return {define<ColumnsToImage>()}; }

}  // namespace nb
