// cumsum and cumprod: all there is to know about them.
#include "blocks/blocks.h"
#include "blocks/cumsum/attributes.h"
#include "blocks/elements.h"

namespace nb {
namespace {

constexpr DTypeSet kDTypes = kNumbers | DTypeSet{DType::f64, DType::f16, DType::bf16};

Checked<std::vector<Type>> infer(const Operation& op) {
  const auto axis = checked_axis(op.attrs<CumsumAttrs>().axis, op.in[0]->rank());
  if (!axis) return axis.fault();
  if (op.in[0]->is_quantized())
    return Fault{Kind::unsupported_feature, op.block->name + " of the quantized " + type_text(*op.in[0]),
                 "dequantize it first"};
  return std::vector{*op.in[0]};
}

void reference(bool product, const Operation& op, std::span<const TensorView> in,
               std::span<const TensorView> out) {
  const auto& a = op.attrs<CumsumAttrs>();
  const Elements x(in[0]), y(out[0]);
  const AxisSplit s = split_at(in[0].type->shape, *checked_axis(a.axis, in[0].type->rank()));
  for (std::int64_t n = 0; n < s.outer; ++n)
    for (std::int64_t j = 0; j < s.inner; ++j) {
      double real = product ? 1 : 0;
      auto whole = static_cast<unsigned __int128>(product ? 1 : 0);
      for (std::int64_t i = 0; i < s.size; ++i) {
        const std::int64_t at = (n * s.size + (a.reverse ? s.size - 1 - i : i)) * s.inner + j;
        const auto put = [&] {
          if (is_float(x.dtype))
            y.put(at, real);
          else
            y.put_int(at, static_cast<Wide>(whole));
        };
        if (a.exclusive) put();
        const double value = x.get(at);
        const auto integer = static_cast<unsigned __int128>(x.get_int(at));
        real = product ? real * value : real + value;
        whole = product ? whole * integer : whole + integer;
        if (!a.exclusive) put();
      }
    }
}

Lowered lower(const Operation& op, const Core&) {
  const auto& a = op.attrs<CumsumAttrs>();
  const AxisSplit s = split_at(op.in[0]->shape, *checked_axis(a.axis, op.in[0]->rank()));
  Lowered l{.function = op.block->name, .params_type = "Cumsum"};
  l.params = {{"outer", std::to_string(s.outer)},
              {"size", std::to_string(s.size)},
              {"inner", std::to_string(s.inner)},
              {"exclusive", a.exclusive ? "true" : "false"},
              {"reverse", a.reverse ? "true" : "false"}};
  l.arguments = {input_arg(0), output_arg(0)};
  l.in_place = {{0, 0}};
  return l;
}

Block block_of(bool product) {
  Block block;
  block.name = product ? "cumprod" : "cumsum";
  block.doc = "y[i] = the " + std::string(product ? "product" : "sum") +
              " of x[0] ... x[i] along the axis; integers wrap";
  block.inputs = {Operand{"x", kDTypes}};
  block.outputs = {Operand{"y", kDTypes}};
  block.attributes = attribute_ops<CumsumAttrs>(kCumsumFields);
  block.infer = infer;
  block.reference = [product](const Operation& op, std::span<const TensorView> in,
                              std::span<const TensorView> out) { reference(product, op, in, out); };
  block.macs = no_macs;
  block.kernels = {{"cumsum", "cumsum/cumsum.h",
                    [](const Operation& op, const Core&) {
                      return op.in[0]->dtype != DType::f16 && op.in[0]->dtype != DType::bf16;
                    },
                    lower}};
  block.samples = {{"f32[3,4,5]", "axis=1"},
                   {"f32[3,4]", "axis=1, exclusive=true"},
                   {"f64[5]", "axis=0, reverse=true"},
                   {"i32[5,2]", "axis=-2, exclusive=true, reverse=true"},
                   {"i64[7]", "axis=0"},
                   {"i8[7]", "axis=0"},
                   {"f32[5]", "axis=1", "", "attribute-out-of-range"},
                   {"i8[5] q(0.1,3)", "axis=0", "", "unsupported-feature"}};
  return block;
}

}  // namespace

std::vector<Block> blocks_of_cumsum() { return {block_of(false), block_of(true)}; }

}  // namespace nb
