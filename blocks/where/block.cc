// where: all there is to know about it.
#include "blocks/blocks.h"
#include "blocks/elements.h"

namespace nb {
namespace {

struct WhereBlock {
  static constexpr std::string_view name = "where";
  static constexpr std::string_view doc = "y[i] = condition[i] ? a[i] : b[i], broadcast to one shape";
  using Attrs = NoAttrs;
  static constexpr auto fields = kNoFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"condition", kBooleans}, Operand{"a"}, Operand{"b"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &a = *op.in[1], &b = *op.in[2];
    if (a.dtype != b.dtype)
      return Fault{Kind::dtype_mismatch, type_text(a) + " and " + type_text(b) + " under where"};
    if (!same_numbers(a, b) || (a.quantization && a.quantization->is_per_axis()))
      return Fault{Kind::unsupported_feature, "where between tensors of different scales",
                   "requantize one of them first"};
    auto shape = broadcast({op.in[0], &a, &b});
    if (!shape) return shape.fault();
    return std::vector{Type{a.dtype, std::move(*shape), a.quantization}};
  }
  static void reference(const Operation&, std::span<const TensorView> in, std::span<const TensorView> out) {
    const Elements c(in[0]), a(in[1]), b(in[2]), y(out[0]);
    const Shape& shape = out[0].type->shape;
    std::int64_t at = 0;
    each_index(shape,
               {broadcast_strides(in[0].type->shape, shape), broadcast_strides(in[1].type->shape, shape),
                broadcast_strides(in[2].type->shape, shape)},
               [&](auto i) {
                 if (c.get_int(i[0]) != 0)
                   y.copy(at++, a, i[1]);
                 else
                   y.copy(at++, b, i[2]);
               });
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Shape& shape = op.out[0]->shape;
    const auto nest = loop_nest(
        shape, {broadcast_strides(op.in[0]->shape, shape), broadcast_strides(op.in[1]->shape, shape),
                broadcast_strides(op.in[2]->shape, shape)});
    Lowered l{.function = "where<" + bytes_literal(op.out[0]->dtype) + ">",
              .params_type = "Where<" + std::to_string(nest.size()) + ">"};
    l.params = {{"axes", loop_text(nest)}};
    l.arguments = {input_arg(0), input_arg(1), input_arg(2), output_arg(0)};
    for (const std::size_t i : {0u, 1u, 2u})
      if (op.in[i]->shape == shape && dtype_bytes(op.in[i]->dtype) == dtype_bytes(op.out[0]->dtype))
        l.in_place.emplace_back(i, 0);
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"where", "where/where.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"bool[2,3]; f32[2,3]; f32[2,3]"},
            {"bool[3,1]; i8[2,1,4] q(0.1,3); i8[4] q(0.1,3)"},
            {"bool[]; i64[2,2]; i64[]"},
            {"bool[2,3]; f32[2,2]; f32[2,3]", "", "", "shape-mismatch"},
            {"bool[2,3]; f32[3]; i8[3]", "", "", "dtype-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_where() { return {define<WhereBlock>()}; }

}  // namespace nb
