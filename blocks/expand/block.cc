// expand: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/expand/attributes.h"
#include "blocks/moving.h"

namespace nb {
namespace {

struct Expand {
  static constexpr std::string_view name = "expand";
  static constexpr std::string_view doc =
      "y = x broadcast to `shape`: axes of one element repeat, new ones lead";
  using Attrs = ExpandAttrs;
  static constexpr auto fields = kExpandFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    const Type wanted{x.dtype, op.attrs<Attrs>().shape};
    for (const std::int64_t dim : wanted.shape)
      if (dim < 0)
        return Fault{Kind::attribute_out_of_range, "a negative dimension in " + shape_text(wanted.shape)};
    const auto shape = broadcast({&x, &wanted});
    if (!shape) return shape.fault();
    if (*shape != wanted.shape)
      return Fault{Kind::shape_mismatch, type_text(x) + " does not broadcast to " + shape_text(wanted.shape)};
    Type y = reshaped(x, wanted.shape);
    if (y.quantization && y.quantization->is_per_axis()) y.quantization->axis += y.rank() - x.rank();
    return std::vector{std::move(y)};
  }
  static Shape strides(const Operation& op) { return broadcast_strides(op.in[0]->shape, op.out[0]->shape); }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    reference_copy(in, out, 0, strides(op));
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static std::vector<Kernel> kernels() {
    return {{"expand_view", "",
             [](const Operation& op, const Core&) { return op.in[0]->elements() == op.out[0]->elements(); },
             [](const Operation&, const Core&) { return Lowered{}; }},
            {"expand", "expand/expand.h", always,
             [](const Operation& op, const Core&) { return lower_copy("expand", op, 0, strides(op)); }}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,1]", "shape=[2,3,4]"},
            {"i8[1,1,3] q(0.1,1)", "shape=[2,2,3]"},
            {"i64[]", "shape=[5]"},
            {"f32[2,3]", "shape=[1,2,3]"},
            {"bool[2,1,2,1]", "shape=[2,3,2,3]"},
            {"f32[2,3]", "shape=[2,2]", "", "shape-mismatch"},
            {"f32[2,3]", "shape=[1,3]", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_expand() { return {define<Expand>()}; }

}  // namespace nb
