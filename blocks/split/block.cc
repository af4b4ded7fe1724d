// split: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/split/attributes.h"

namespace nb {
namespace {

struct Splitting {
  static constexpr std::string_view name = "split";
  static constexpr std::string_view doc = "y_k = the k-th piece of x, sizes[k] long along the axis";
  using Attrs = SplitAttrs;
  static constexpr auto fields = kSplitFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y", kAnyDType, Arity::variadic}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto axis = checked_axis(a.axis, x.rank());
    if (!axis) return axis.fault();
    const auto along = static_cast<std::size_t>(*axis);
    std::int64_t left = x.shape[along];
    std::vector<Type> types;
    for (const std::int64_t size : a.sizes) {
      if (size < 0 || size > left) left = -1;
      if (left < 0) break;
      Type y = x;
      y.shape[along] = size;
      if (y.quantization && y.quantization->axis == *axis) {
        const std::int64_t from = x.shape[along] - left;
        const auto piece = [&](auto& list) {
          list.erase(list.begin(), list.begin() + from);
          list.resize(static_cast<std::size_t>(size));
        };
        piece(y.quantization->scales);
        piece(y.quantization->zero_points);
      }
      types.push_back(std::move(y));
      left -= size;
    }
    if (left != 0 || types.empty())
      return Fault{Kind::attribute_out_of_range, "sizes " + shape_text(a.sizes) + " do not add up to axis " +
                                                     std::to_string(*axis) + " of " + type_text(x)};
    return types;
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Elements x(in[0]);
    const AxisSplit whole = split_at(in[0].type->shape, *checked_axis(a.axis, in[0].type->rank()));
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Elements y(out[i]);
      const std::int64_t row = a.sizes[i] * whole.inner;
      for (std::int64_t k = 0; k < whole.outer; ++k)
        for (std::int64_t j = 0; j < row; ++j)
          y.copy(k * row + j, x, k * whole.size * whole.inner + offset + j);
      offset += row;
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const AxisSplit whole = split_at(x.shape, *checked_axis(a.axis, x.rank()));
    Lowered l{.function = "split", .params_type = "Split<" + std::to_string(a.sizes.size()) + ">"};
    Shape rows;
    l.arguments = {input_arg(0)};
    for (std::size_t i = 0; i < a.sizes.size(); ++i) {
      rows.push_back(a.sizes[i] * whole.inner * dtype_bytes(x.dtype));
      l.arguments.push_back(output_arg(i));
    }
    l.params = {{"outer", std::to_string(whole.outer)}, {"row_bytes", list_text(rows)}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"split", "split/split.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,7,3]", "axis=1, sizes=[3,1,3]"},
            {"i8[4,3] q(0.5,-1)", "axis=0, sizes=[2,2]"},
            {"i64[2,4]", "axis=1, sizes=[1,0,3]"},
            {"i16[5] q(0.1,0)", "axis=0, sizes=[5]"},
            {"f32[2,7]", "axis=1, sizes=[3,3]", "", "attribute-out-of-range"},
            {"f32[2,7]", "axis=2, sizes=[7]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_split() { return {define<Splitting>()}; }

}  // namespace nb
