// transpose: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/moving.h"
#include "blocks/transpose/attributes.h"

namespace nb {
namespace {

struct Transpose {
  static constexpr std::string_view name = "transpose";
  static constexpr std::string_view doc =
      "y[i_0, i_1, ...] = x[...] where output axis k is input axis perm[k]";
  using Attrs = TransposeAttrs;
  static constexpr auto fields = kTransposeFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const auto& perm = op.attrs<Attrs>().perm;
    Shape shape, found(x.shape.size(), 0);
    for (const std::int64_t axis : perm)
      if (axis >= 0 && axis < x.rank()) {
        ++found[static_cast<std::size_t>(axis)];
        shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
      }
    if (perm.size() != x.shape.size() || found != Shape(found.size(), 1))
      return Fault{Kind::attribute_out_of_range,
                   shape_text(perm) + " is no permutation of the axes of " + type_text(x)};
    Type y = reshaped(x, std::move(shape));
    if (y.quantization && y.quantization->is_per_axis())
      for (std::size_t i = 0; i < perm.size(); ++i)
        if (perm[i] == x.quantization->axis) y.quantization->axis = static_cast<int>(i);
    return std::vector{std::move(y)};
  }

  static Shape strides(const Operation& op) {
    const Shape own = row_major(op.in[0]->shape);
    Shape permuted;
    for (const std::int64_t axis : op.attrs<Attrs>().perm)
      permuted.push_back(own[static_cast<std::size_t>(axis)]);
    return permuted;
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    reference_copy(in, out, 0, strides(op));
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }

  /// Only axes of one element change their place, so that memory does not.
  static bool is_view(const Operation& op, const Core&) {
    const auto nest = loop_nest(op.out[0]->shape, {strides(op), row_major(op.out[0]->shape)});
    return nest.size() == 1 && nest[0].step[0] == nest[0].step[1];
  }
  static std::vector<Kernel> kernels() {
    return {{"transpose_view", "", is_view, [](const Operation&, const Core&) { return Lowered{}; }},
            {"transpose", "transpose/transpose.h", always,
             [](const Operation& op, const Core&) { return lower_copy("transpose", op, 0, strides(op)); }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[1,3,4,5]", "perm=[0,2,3,1]"},
            {"i8[2,3,4] q(0.5,3)", "perm=[2,1,0]"},
            {"i64[3,2]", "perm=[1,0]"},
            {"i16[2,3,1,2,2] q(0.1,0)", "perm=[4,2,0,3,1]"},
            {"f32[1,5,1,4]", "perm=[2,1,3,0]"},
            {"bool[2,2,2,2,2,2]", "perm=[5,3,1,0,2,4]"},
            {"f32[]", "perm=[]"},
            {"f32[2,3]", "perm=[0,0]", "", "attribute-out-of-range"},
            {"f32[2,3]", "perm=[1]", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_transpose() { return {define<Transpose>()}; }

}  // namespace nb
