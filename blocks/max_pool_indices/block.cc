// max_pool_indices: all there is to know about it. The kernel's header lies beside.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/max_pool_indices/attributes.h"
#include "blocks/windowed.h"

namespace nb {
namespace {

/// Windows along each axis, or why there are none.
Checked<Shape> windows_of(const Operation& op) {
  const auto& a = op.attrs<MaxPoolIndicesAttrs>();
  const Type& x = *op.in[0];
  const std::size_t n = a.kernel.size();
  if (n < 1 || n > 3 || a.stride.size() != n || a.dilation.size() != n || a.pad.size() != 2 * n)
    return Fault{Kind::attribute_out_of_range,
                 "kernel, stride and dilation have 1 to 3 numbers, pad twice as many"};
  if (x.shape.size() != n + 2)
    return Fault{Kind::shape_mismatch, type_text(x) + " is not [N, C, " + std::to_string(n) + " axes]"};
  constexpr std::int64_t kMost = 1 << 20;
  Shape windows;
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::int64_t value : {a.kernel[i], a.stride[i], a.dilation[i]})
      if (value < 1 || value > kMost)
        return Fault{Kind::attribute_out_of_range, "a window number is not between 1 and 2^20"};
    for (const std::int64_t pad : {a.pad[i], a.pad[n + i]})
      if (pad < 0 || pad > kMost)
        return Fault{Kind::attribute_out_of_range, "a pad is not between 0 and 2^20"};
    const std::int64_t room =
        x.shape[i + 2] + a.pad[i] + a.pad[n + i] - a.dilation[i] * (a.kernel[i] - 1) - 1;
    if (room < 0) return Fault{Kind::shape_mismatch, "a window is larger than axis " + std::to_string(i)};
    windows.push_back(room / a.stride[i] + 1);
    const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
    if (!meets_image(narrow(windows[i]), narrow(a.stride[i]), narrow(a.pad[i]), narrow(a.kernel[i]),
                     narrow(a.dilation[i]), narrow(x.shape[i + 2])))
      return Fault{Kind::attribute_out_of_range, "a window lies entirely in the padding",
                   "pad less than the kernel's extent"};
  }
  return windows;
}

struct MaxPoolingWithIndices {
  static constexpr std::string_view name = "max_pool_indices";
  static constexpr std::string_view doc =
      "values and indices of the largest elements of windows over x [N,C,spatial...]; an index counts in all "
      "of x";
  using Attrs = MaxPoolIndicesAttrs;
  static constexpr auto fields = kMaxPoolIndicesFields;
  static constexpr DTypeSet kDTypes{DType::f32, DType::i8, DType::u8, DType::i16};
  static constexpr std::array inputs = {Operand{"x", kDTypes}};
  static constexpr std::array outputs = {Operand{"y", kDTypes}, Operand{"indices", DTypeSet{DType::i64}}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto windows = windows_of(op);
    if (!windows) return windows.fault();
    const Type& x = *op.in[0];
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "a pool of " + type_text(x) + " with a scale per index"};
    Shape shape = {x.shape[0], x.shape[1]};
    shape.insert(shape.end(), windows->begin(), windows->end());
    return std::vector{Type{x.dtype, shape, x.quantization}, Type{DType::i64, shape}};
  }
  /// How far an index moves along each axis of an image.
  static Shape index_steps(const Operation& op) {
    const std::span<const std::int64_t> image = std::span(op.in[0]->shape).subspan(2);
    if (!op.attrs<Attrs>().column_major) return row_major(image);
    Shape steps(image.size(), 1);
    for (std::size_t k = 1; k < steps.size(); ++k) steps[k] = steps[k - 1] * image[k - 1];
    return steps;
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Shape windows = *windows_of(op), steps = row_major(std::span(in[0].type->shape).subspan(2)),
                counts = index_steps(op);
    const std::int64_t taps = element_count(a.kernel), places = element_count(windows),
                       size = element_count(std::span(in[0].type->shape).subspan(2));
    const Elements x(in[0]), y(out[0]), indices(out[1]);
    for (std::int64_t i = 0; i < out[0].type->elements(); ++i) {
      const std::int64_t image = i / places;
      bool is_first = true;
      for (std::int64_t t = 0; t < taps; ++t) {
        std::int64_t from = image * size, index = from, rest = i % places, tap = t;
        bool is_inside = true;
        for (std::size_t k = windows.size(); k-- > 0;) {
          const std::int64_t at =
              rest % windows[k] * a.stride[k] - a.pad[k] + tap % a.kernel[k] * a.dilation[k];
          is_inside = is_inside && at >= 0 && at < in[0].type->shape[k + 2];
          from += at * steps[k];
          index += at * counts[k];
          rest /= windows[k];
          tap /= a.kernel[k];
        }
        if (!is_inside || (!is_first && !(x.get(from) > y.get(i)))) continue;
        y.copy(i, x, from);
        indices.put_int(i, index);
        is_first = false;
      }
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Shape& x = op.in[0]->shape;
    const auto image = std::span(x).subspan(2);
    const Shape windows = *windows_of(op), steps = row_major(image), counts = index_steps(op);
    std::string axes;
    for (std::size_t k = 0; k < windows.size(); ++k)
      axes += (k == 0 ? "" : ", ") + list_text(Shape{image[k], windows[k], a.kernel[k], a.stride[k],
                                                     a.dilation[k], a.pad[k], steps[k], counts[k]});
    Lowered l{.function = "max_pool_indices",
              .params_type = "MaxPoolIndices<" + std::to_string(windows.size()) + ">"};
    l.params = {{"images", std::to_string(x[0] * x[1])},
                {"image_size", std::to_string(element_count(image))},
                {"axes", "{" + axes + "}"}};
    l.arguments = {input_arg(0), output_arg(0), output_arg(1)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"max_pool_indices", "max_pool_indices/max_pool_indices.h",
             [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,5,6]", "kernel=[2,3], stride=[2,1], dilation=[1,2], pad=[1,0,0,1]"},
            {"i8[1,2,4,4] q(0.1,3)",
             "kernel=[2,2], stride=[2,2], dilation=[1,1], pad=[0,0,0,0], column_major=true"},
            {"u8[1,1,7]", "kernel=[3], stride=[1], dilation=[1], pad=[1,1]"},
            {"f32[1,1,2,3,4]",
             "kernel=[2,2,2], stride=[1,1,1], dilation=[1,1,1], pad=[0,0,0,0,0,0], column_major=true"},
            {"f32[1,4]", "kernel=[2], stride=[1], dilation=[1], pad=[0,0]", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_max_pool_indices() { return {define<MaxPoolingWithIndices>()}; }

}  // namespace nb
