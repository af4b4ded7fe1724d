// argmax and argmin: all there is to know about them.
#include "blocks/argmax/attributes.h"
#include "blocks/blocks.h"
#include "blocks/elements.h"

namespace nb {
namespace {

Checked<std::vector<Type>> infer(const Operation& op) {
  const auto& a = op.attrs<ArgmaxAttrs>();
  const Type& x = *op.in[0];
  const auto axis = checked_axis(a.axis, x.rank());
  if (!axis) return axis.fault();
  if (a.to != DType::i32 && a.to != DType::i64)
    return Fault{Kind::attribute_out_of_range, "indices as " + std::string(dtype_name(a.to)), "i32 or i64"};
  if (x.quantization && x.quantization->is_per_axis())
    return Fault{Kind::unsupported_feature,
                 op.block->name + " of " + type_text(x) + " with a scale per index"};
  Shape shape = x.shape;
  if (shape[static_cast<std::size_t>(*axis)] == 0)
    return Fault{Kind::shape_mismatch,
                 op.block->name + " along an axis of " + type_text(x) + " without elements"};
  if (a.keep_dims)
    shape[static_cast<std::size_t>(*axis)] = 1;
  else
    shape.erase(shape.begin() + *axis);
  return std::vector{Type{a.to, std::move(shape)}};
}

void reference(bool smallest, const Operation& op, std::span<const TensorView> in,
               std::span<const TensorView> out) {
  const auto& a = op.attrs<ArgmaxAttrs>();
  const Elements x(in[0]), y(out[0]);
  const AxisSplit s = split_at(in[0].type->shape, *checked_axis(a.axis, in[0].type->rank()));
  const auto beats = [&](std::int64_t i, std::int64_t j) {  // whether element i stands before element j
    if (is_float(x.dtype)) return smallest ? x.get(i) < x.get(j) : x.get(i) > x.get(j);
    return smallest ? x.get_int(i) < x.get_int(j) : x.get_int(i) > x.get_int(j);
  };
  for (std::int64_t n = 0; n < s.outer; ++n)
    for (std::int64_t j = 0; j < s.inner; ++j) {
      const auto at = [&](std::int64_t i) { return (n * s.size + i) * s.inner + j; };
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < s.size; ++i)
        if (beats(at(i), at(best)) || (a.select_last && !beats(at(best), at(i)))) best = i;
      y.put_int(n * s.inner + j, best);
    }
}

Lowered lower(bool smallest, const Operation& op) {
  const auto& a = op.attrs<ArgmaxAttrs>();
  const AxisSplit s = split_at(op.in[0]->shape, *checked_axis(a.axis, op.in[0]->rank()));
  Lowered l{.function = "argmax", .params_type = "ArgMax"};
  l.params = {{"outer", std::to_string(s.outer)},
              {"size", std::to_string(s.size)},
              {"inner", std::to_string(s.inner)},
              {"smallest", smallest ? "true" : "false"},
              {"last", a.select_last ? "true" : "false"}};
  l.arguments = {input_arg(0), output_arg(0)};
  return l;
}

Block block_of(bool smallest) {
  constexpr DTypeSet kDTypes = kNumbers | kBooleans | DTypeSet{DType::f64, DType::f16, DType::bf16};
  Block block;
  block.name = smallest ? "argmin" : "argmax";
  block.doc =
      "y = the index of the " + std::string(smallest ? "smallest" : "largest") + " element along the axis";
  block.inputs = {Operand{"x", kDTypes}};
  block.outputs = {Operand{"y", DTypeSet{DType::i32, DType::i64}}};
  block.attributes = attribute_ops<ArgmaxAttrs>(kArgmaxFields);
  block.infer = infer;
  block.reference = [smallest](const Operation& op, std::span<const TensorView> in,
                               std::span<const TensorView> out) { reference(smallest, op, in, out); };
  block.macs = no_macs;
  block.quantized_form = [](const Operation&) { return QuantizedForm::moves; };
  block.kernels = {{"argmax", "argmax/argmax.h",
                    [](const Operation& op, const Core&) {
                      return op.in[0]->dtype != DType::f16 && op.in[0]->dtype != DType::bf16;
                    },
                    [smallest](const Operation& op, const Core&) { return lower(smallest, op); }}};
  block.samples = {{"f32[3,4,5]", "axis=1"},
                   {"f32[3,4]", "axis=1, keep_dims=false, to=i32"},
                   {"i8[1,40] q(0.1,3)", "axis=1, to=i32"},
                   {"i32[3,40]", "axis=1, select_last=true"},
                   {"u8[40,2]", "axis=0"},
                   {"bool[9]", "axis=0, keep_dims=false"},
                   {"f32[3,4]", "axis=2", "", "attribute-out-of-range"},
                   {"f32[3,4]", "axis=1, to=f32", "", "attribute-out-of-range"},
                   {"f32[3,0]", "axis=1", "", "shape-mismatch"}};
  return block;
}

}  // namespace

std::vector<Block> blocks_of_argmax() { return {block_of(false), block_of(true)}; }

}  // namespace nb
