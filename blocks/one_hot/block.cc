// one_hot: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/one_hot/attributes.h"

namespace nb {
namespace {

struct OneHotBlock {
  static constexpr std::string_view name = "one_hot";
  static constexpr std::string_view doc =
      "y = values[1] where the index along the new axis equals indices (or indices + depth), else values[0]";
  using Attrs = OneHotAttrs;
  static constexpr auto fields = kOneHotFields;
  static constexpr std::array inputs = {Operand{"indices", DTypeSet{DType::i32, DType::i64, DType::f32}},
                                        Operand{"values"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &indices = *op.in[0], &values = *op.in[1];
    const auto axis = checked_axis(a.axis, indices.rank() + 1);
    if (!axis) return axis.fault();
    if (a.depth < 0) return Fault{Kind::attribute_out_of_range, "a depth of " + std::to_string(a.depth)};
    if (values.elements() != 2 || values.rank() != 1)
      return Fault{Kind::shape_mismatch,
                   "the values are " + type_text(values) + ", not the two of off and on"};
    Type y{values.dtype, indices.shape, values.quantization};
    y.shape.insert(y.shape.begin() + *axis, a.depth);
    return std::vector{std::move(y)};
  }
  static AxisSplit split_of(const Operation& op) {
    return split_at(op.out[0]->shape, *checked_axis(op.attrs<Attrs>().axis, op.out[0]->rank()));
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements indices(in[0]), values(in[1]), y(out[0]);
    const AxisSplit s = split_of(op);
    for (std::int64_t at = 0; at < out[0].type->elements(); ++at) {
      const std::int64_t k = at / s.inner % s.size;
      const double index = indices.get(at / (s.inner * s.size) * s.inner + at % s.inner);
      const bool on = index == static_cast<double>(k) || index == static_cast<double>(k - s.size);
      y.copy(at, values, on ? 1 : 0);
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const AxisSplit s = split_of(op);
    Lowered l{.function = "one_hot<" + bytes_literal(op.out[0]->dtype) + ">", .params_type = "OneHot"};
    l.params = {{"outer", std::to_string(s.outer)},
                {"depth", std::to_string(s.size)},
                {"inner", std::to_string(s.inner)}};
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"one_hot", "one_hot/one_hot.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"i64[7]; f32[2]", "depth=12"},
            {"i32[2,3]; i64[2]", "axis=1, depth=10"},
            {"f32[2,3]; i8[2] q(0.1,0)", "axis=0, depth=4"},
            {"i64[]; bool[2]", "depth=3"},
            {"i64[3]; f32[3]", "depth=3", "", "shape-mismatch"},
            {"i64[3]; f32[2]", "axis=2, depth=3", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_one_hot() { return {define<OneHotBlock>()}; }

}  // namespace nb
