// gather, gather_elements and gather_nd: all there is to know about them.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/gather/attributes.h"

namespace nb {
namespace {

constexpr DTypeSet kIndices{DType::i32, DType::i64};

/// As nb::inside: from the end if negative, then the nearest that exists.
std::int64_t inside(Wide index, std::int64_t size) {
  if (index < 0) index += size;
  return static_cast<std::int64_t>(std::clamp<Wide>(index, 0, size - 1));
}
Fault nothing_to_pick(const Type& x) {
  return {Kind::shape_mismatch, "the indices pick from an axis of " + type_text(x) + " without elements"};
}
Fault per_axis(const Type& x) {
  return {Kind::unsupported_feature, "picking from " + type_text(x) + " with a scale per index"};
}

struct GatherBlock {
  static constexpr std::string_view name = "gather";
  static constexpr std::string_view doc =
      "y[b, o, i, ...] = x[b, o, indices[b, i], ...]: b the leading batch_dims axes, o those before the "
      "axis; "
      "negative indices count from the end, others outside become the nearest";
  using Attrs = GatherAttrs;
  static constexpr auto fields = kGatherFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x"}, Operand{"indices", kIndices}};
  static constexpr std::array outputs = {Operand{"y"}};

  struct Sizes {
    std::int64_t batch, outer, axis, count, row;
  };
  static Sizes sizes_of(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const std::span<const std::int64_t> shape(x.shape), indices(op.in[1]->shape);
    const auto batch = static_cast<std::size_t>(a.batch_dims);
    const auto axis = static_cast<std::size_t>(*checked_axis(a.axis, x.rank()));
    return {element_count(shape.first(batch)), element_count(shape.subspan(batch, axis - batch)), shape[axis],
            element_count(indices.subspan(batch)), element_count(shape.subspan(axis + 1))};
  }
  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &indices = *op.in[1];
    const auto axis = checked_axis(a.axis, x.rank());
    if (!axis) return axis.fault();
    if (a.batch_dims < 0 || a.batch_dims > *axis || a.batch_dims > indices.rank() ||
        !std::equal(x.shape.begin(), x.shape.begin() + a.batch_dims, indices.shape.begin()))
      return Fault{Kind::attribute_out_of_range, std::to_string(a.batch_dims) + " batch axes of " +
                                                     type_text(x) + " and " + type_text(indices)};
    if (x.quantization && x.quantization->is_per_axis()) return per_axis(x);
    Type y{x.dtype, {x.shape.begin(), x.shape.begin() + *axis}, x.quantization};
    y.shape.insert(y.shape.end(), indices.shape.begin() + a.batch_dims, indices.shape.end());
    y.shape.insert(y.shape.end(), x.shape.begin() + *axis + 1, x.shape.end());
    if (x.shape[static_cast<std::size_t>(*axis)] == 0 && indices.elements() > 0) return nothing_to_pick(x);
    return std::vector{std::move(y)};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), indices(in[1]), y(out[0]);
    const Sizes s = sizes_of(op);
    std::int64_t at = 0;
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t o = 0; o < s.outer; ++o)
        for (std::int64_t i = 0; i < s.count; ++i) {
          const std::int64_t picked = inside(indices.get_int(b * s.count + i), s.axis);
          for (std::int64_t j = 0; j < s.row; ++j)
            y.copy(at++, x, ((b * s.outer + o) * s.axis + picked) * s.row + j);
        }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Sizes s = sizes_of(op);
    Lowered l{.function = "gather", .params_type = "Gather"};
    l.params = {{"batch", std::to_string(s.batch)},
                {"outer", std::to_string(s.outer)},
                {"axis_size", std::to_string(s.axis)},
                {"count", std::to_string(s.count)},
                {"row_bytes", std::to_string(s.row * dtype_bytes(op.in[0]->dtype))}};
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"gather", "gather/gather.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[5,3]; i64[2,4]", "axis=0"},
            {"f32[2,5,3]; i32[4]", "axis=1"},
            {"i8[2,5] q(0.1,0); i32[]", "axis=1"},
            {"i64[2,3,4,2]; i64[2,5]", "axis=2, batch_dims=1"},
            {"f32[5,3]; f32[2]", "", "", "dtype-mismatch"},
            {"f32[5,3]; i32[2]", "axis=2", "", "attribute-out-of-range"},
            {"f32[2,3]; i32[3,2]", "axis=1, batch_dims=1", "", "attribute-out-of-range"}};
  }
};

struct GatherElementsBlock {
  static constexpr std::string_view name = "gather_elements";
  static constexpr std::string_view doc =
      "y[i] = x[i with its axis component replaced by indices[i]]; indices as in gather";
  using Attrs = GatherAttrs;
  static constexpr std::tuple fields{std::get<0>(kGatherFields)};
  static constexpr std::array inputs = {Operand{"x"}, Operand{"indices", kIndices}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &x = *op.in[0], &indices = *op.in[1];
    const auto axis = checked_axis(op.attrs<Attrs>().axis, x.rank());
    if (!axis) return axis.fault();
    bool fits = x.rank() == indices.rank();
    for (std::size_t i = 0; fits && i < x.shape.size(); ++i)
      fits = static_cast<std::int64_t>(i) == *axis || indices.shape[i] <= x.shape[i];
    if (!fits)
      return Fault{Kind::shape_mismatch, "indices " + type_text(indices) + " reach beyond " + type_text(x)};
    if (x.quantization && x.quantization->is_per_axis()) return per_axis(x);
    if (x.elements() == 0 && indices.elements() > 0) return nothing_to_pick(x);
    return std::vector{Type{x.dtype, indices.shape, x.quantization}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), indices(in[1]), y(out[0]);
    const auto axis = static_cast<std::size_t>(*checked_axis(op.attrs<Attrs>().axis, in[0].type->rank()));
    Shape steps = row_major(in[0].type->shape);
    const std::int64_t step = steps[axis], size = in[0].type->shape[axis];
    steps[axis] = 0;
    std::int64_t at = 0;
    each_index(in[1].type->shape, {steps}, [&](auto i) {
      y.copy(at, x, i[0] + step * inside(indices.get_int(at), size));
      ++at;
    });
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Type& x = *op.in[0];
    const auto axis = static_cast<std::size_t>(*checked_axis(op.attrs<Attrs>().axis, x.rank()));
    Shape steps = row_major(x.shape);
    const std::int64_t step = steps[axis];
    steps[axis] = 0;
    const auto nest = loop_nest(op.in[1]->shape, {steps});
    Lowered l{.function = "gather_elements<" + bytes_literal(x.dtype) + ">",
              .params_type = "GatherElements<" + std::to_string(nest.size()) + ">"};
    l.params = {{"axis_size", std::to_string(x.shape[axis])},
                {"axis_step", std::to_string(step)},
                {"axes", loop_text(nest)}};
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {
        {"gather_elements", "gather/gather.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,4,2]; i64[3,5,2]", "axis=1"},
            {"i8[3,4] q(0.1,0); i32[2,4]", "axis=0"},
            {"i64[6]; i64[3]", "axis=0"},
            {"f32[3,4]; i64[4,4]", "axis=1", "", "shape-mismatch"}};
  }
};

struct GatherNdBlock {
  static constexpr std::string_view name = "gather_nd";
  static constexpr std::string_view doc =
      "y[b, i, ...] = x[b, indices[b, i, 0], indices[b, i, 1], ..., ...]: b the leading batch_dims axes";
  using Attrs = GatherAttrs;
  static constexpr std::tuple fields{std::get<1>(kGatherFields)};
  static constexpr std::array inputs = {Operand{"x"}, Operand{"indices", kIndices}};
  static constexpr std::array outputs = {Operand{"y"}};

  struct Sizes {
    std::int64_t batch, count, block, row;
    Shape picked;
  };
  static Sizes sizes_of(const Operation& op) {
    const auto batch = static_cast<std::size_t>(op.attrs<Attrs>().batch_dims);
    const std::span<const std::int64_t> shape(op.in[0]->shape), indices(op.in[1]->shape);
    const auto k = static_cast<std::size_t>(indices.back());
    const auto picked = shape.subspan(batch, k);
    return {element_count(shape.first(batch)),
            element_count(indices.subspan(batch, indices.size() - 1 - batch)),
            element_count(shape.subspan(batch)),
            element_count(shape.subspan(batch + k)),
            {picked.begin(), picked.end()}};
  }
  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type &x = *op.in[0], &indices = *op.in[1];
    if (indices.rank() < 1 || a.batch_dims < 0 || a.batch_dims >= indices.rank() || a.batch_dims > x.rank() ||
        !std::equal(x.shape.begin(), x.shape.begin() + a.batch_dims, indices.shape.begin()))
      return Fault{Kind::attribute_out_of_range, std::to_string(a.batch_dims) + " batch axes of " +
                                                     type_text(x) + " and " + type_text(indices)};
    const std::int64_t k = indices.shape.back();
    if (k < 1 || a.batch_dims + k > x.rank())
      return Fault{Kind::shape_mismatch, "tuples of " + std::to_string(k) + " indices into " + type_text(x)};
    if (x.quantization && x.quantization->is_per_axis()) return per_axis(x);
    if (x.elements() == 0) return nothing_to_pick(x);
    Type y{x.dtype, {indices.shape.begin(), indices.shape.end() - 1}, x.quantization};
    y.shape.insert(y.shape.end(), x.shape.begin() + a.batch_dims + k, x.shape.end());
    return std::vector{std::move(y)};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), indices(in[1]), y(out[0]);
    const Sizes s = sizes_of(op);
    std::int64_t at = 0, next = 0;
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t i = 0; i < s.count; ++i) {
        std::int64_t row = 0;
        for (const std::int64_t size : s.picked) row = row * size + inside(indices.get_int(next++), size);
        for (std::int64_t j = 0; j < s.row; ++j) y.copy(at++, x, b * s.block + row * s.row + j);
      }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Sizes s = sizes_of(op);
    const std::int64_t bytes = dtype_bytes(op.in[0]->dtype);
    Lowered l{.function = "gather_nd", .params_type = "GatherNd<" + std::to_string(s.picked.size()) + ">"};
    l.params = {{"batch", std::to_string(s.batch)},
                {"count", std::to_string(s.count)},
                {"batch_bytes", std::to_string(s.block * bytes)},
                {"row_bytes", std::to_string(s.row * bytes)},
                {"sizes", list_text(s.picked)}};
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"gather_nd", "gather/gather.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,4,2]; i64[5,2]"},
            {"i8[3,4] q(0.1,0); i32[2,1]"},
            {"f32[2,3,4]; i64[2,2,1]", "batch_dims=1"},
            {"f32[3,4]; i64[5,3]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_gather() {
  return {define<GatherBlock>(), define<GatherElementsBlock>(), define<GatherNdBlock>()};
}

}  // namespace nb
