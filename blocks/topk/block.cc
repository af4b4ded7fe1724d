// topk: all there is to know about it.
#include <algorithm>
#include <numeric>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/topk/attributes.h"

namespace nb {
namespace {

struct TopkBlock {
  static constexpr std::string_view name = "topk";
  static constexpr std::string_view doc =
      "values and indices of the k largest (or smallest) elements along the axis, in order; of equal ones "
      "the first";
  using Attrs = TopkAttrs;
  static constexpr auto fields = kTopkFields;
  static constexpr DTypeSet kDTypes = kNumbers | DTypeSet{DType::f64, DType::f16, DType::bf16};
  static constexpr std::array inputs = {Operand{"x", kDTypes}};
  static constexpr std::array outputs = {Operand{"values", kDTypes},
                                         Operand{"indices", DTypeSet{DType::i32, DType::i64}}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto axis = checked_axis(a.axis, x.rank());
    if (!axis) return axis.fault();
    if (a.k < 0 || a.k > x.shape[static_cast<std::size_t>(*axis)])
      return Fault{Kind::attribute_out_of_range, "the " + std::to_string(a.k) + " largest along axis " +
                                                     std::to_string(*axis) + " of " + type_text(x)};
    if (a.to != DType::i32 && a.to != DType::i64)
      return Fault{Kind::attribute_out_of_range, "indices as " + std::string(dtype_name(a.to)), "i32 or i64"};
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "topk of " + type_text(x) + " with a scale per index"};
    Type values = x;
    values.shape[static_cast<std::size_t>(*axis)] = a.k;
    Type indices{a.to, values.shape};
    return std::vector{std::move(values), std::move(indices)};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Elements x(in[0]), values(out[0]), indices(out[1]);
    const AxisSplit s = split_at(in[0].type->shape, *checked_axis(a.axis, in[0].type->rank()));
    std::vector<std::int64_t> order(static_cast<std::size_t>(s.size));
    for (std::int64_t n = 0; n < s.outer; ++n)
      for (std::int64_t j = 0; j < s.inner; ++j) {
        const auto at = [&](std::int64_t i) { return (n * s.size + i) * s.inner + j; };
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t p, std::int64_t q) {
          if (!a.largest) std::swap(p, q);
          return is_float(x.dtype) ? x.get(at(p)) > x.get(at(q)) : x.get_int(at(p)) > x.get_int(at(q));
        });
        for (std::int64_t i = 0; i < a.k; ++i) {
          const std::int64_t to = (n * a.k + i) * s.inner + j, from = order[static_cast<std::size_t>(i)];
          values.copy(to, x, at(from));
          indices.put_int(to, from);
        }
      }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const AxisSplit s = split_at(op.in[0]->shape, *checked_axis(a.axis, op.in[0]->rank()));
    Lowered l{.function = "topk", .params_type = "TopK"};
    l.params = {{"outer", std::to_string(s.outer)},
                {"size", std::to_string(s.size)},
                {"inner", std::to_string(s.inner)},
                {"k", std::to_string(a.k)},
                {"largest", a.largest ? "true" : "false"}};
    l.arguments = {input_arg(0), output_arg(0), output_arg(1)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"topk", "topk/topk.h",
             [](const Operation& op, const Core&) {
               return op.in[0]->dtype != DType::f16 && op.in[0]->dtype != DType::bf16;
             },
             lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,10]", "k=4"},
            {"i8[2,30,3] q(0.1,0)", "axis=1, k=5, largest=false, to=i32"},
            {"i64[40]", "axis=0, k=40"},
            {"u8[4]", "k=0"},
            {"f32[3,10]", "k=11", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_topk() { return {define<TopkBlock>()}; }

}  // namespace nb
