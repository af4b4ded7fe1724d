// slice: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/moving.h"
#include "blocks/slice/attributes.h"

namespace nb {
namespace {

struct Slice {
  static constexpr std::string_view name = "slice";
  static constexpr std::string_view doc = "y[i_0, ...] = x[begin_0 + i_0 * step_0, ...] for i_k < size_k";
  using Attrs = SliceAttrs;
  static constexpr auto fields = kSliceFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static std::int64_t step_of(const Attrs& a, std::size_t i) { return a.step.empty() ? 1 : a.step[i]; }

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const auto& a = op.attrs<Attrs>();
    const std::size_t rank = x.shape.size();
    if (a.begin.size() != rank || a.size.size() != rank || (!a.step.empty() && a.step.size() != rank))
      return Fault{Kind::attribute_out_of_range,
                   "begin, size and step need one number an axis of " + type_text(x)};
    for (std::size_t i = 0; i < rank; ++i) {
      const std::int64_t step = step_of(a, i), first = a.begin[i], count = a.size[i], dim = x.shape[i];
      std::int64_t reach = 0, last = 0;
      const bool overflows = count > 0 && (__builtin_mul_overflow(count - 1, step, &reach) ||
                                           __builtin_add_overflow(first, reach, &last));
      if (step == 0 || count < 0 || overflows ||
          (count > 0 && (first < 0 || first >= dim || last < 0 || last >= dim)))
        return Fault{Kind::attribute_out_of_range,
                     std::to_string(count) + " elements from " + std::to_string(first) + " by " +
                         std::to_string(step) + " leave axis " + std::to_string(i) + " of " + type_text(x)};
    }
    Type y = reshaped(x, a.size);
    if (y.quantization && y.quantization->is_per_axis()) {
      const auto axis = static_cast<std::size_t>(y.quantization->axis);
      Quantization q{{}, {}, y.quantization->axis};
      for (std::int64_t i = 0; i < a.size[axis]; ++i) {
        const auto from = static_cast<std::size_t>(a.begin[axis] + i * step_of(a, axis));
        q.scales.push_back(x.quantization->scales[from]);
        q.zero_points.push_back(x.quantization->zero_points[from]);
      }
      y.quantization = std::move(q);
    }
    return std::vector{std::move(y)};
  }

  static Shape strides(const Operation& op) {
    Shape own = row_major(op.in[0]->shape);
    for (std::size_t i = 0; i < own.size(); ++i) own[i] *= step_of(op.attrs<Attrs>(), i);
    return own;
  }
  static std::int64_t begin(const Operation& op) {
    const Shape own = row_major(op.in[0]->shape);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < own.size(); ++i) at += own[i] * op.attrs<Attrs>().begin[i];
    return op.out[0]->elements() == 0 ? 0 : at;
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    reference_copy(in, out, begin(op), strides(op));
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"slice", "slice/slice.h", always, [](const Operation& op, const Core&) {
               return lower_copy("slice", op, begin(op), strides(op));
             }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[4,5,6]", "begin=[1,0,2], size=[2,5,3], step=[1,1,1]"},
            {"f32[4,5,6]", "begin=[3,4,5], size=[2,5,3], step=[-2,-1,-2]"},
            {"i8[1,10,3] q(0.1,-5)", "begin=[0,2,0], size=[1,4,3], step=[1,2,1]"},
            {"i64[7]", "begin=[6], size=[7], step=[-1]"},
            {"f32[3,4]", "begin=[0,1], size=[3,0], step=[1,1]"},
            {"i16[2,3] q(0.1,0)", "begin=[1,0], size=[1,3]"},
            {"f32[3,4]", "begin=[0,1], size=[3,4], step=[1,1]", "", "attribute-out-of-range"},
            {"f32[3,4]", "begin=[0,0], size=[3,4], step=[1,0]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_slice() { return {define<Slice>()}; }

}  // namespace nb
