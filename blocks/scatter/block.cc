// scatter_elements and scatter_nd: all there is to know about them.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/scatter/attributes.h"

namespace nb {
namespace {

constexpr DTypeSet kIndices{DType::i32, DType::i64};

/// As nb::inside: from the end if negative, then the nearest that exists.
std::int64_t inside(Wide index, std::int64_t size) {
  if (index < 0) index += size;
  return static_cast<std::int64_t>(std::clamp<Wide>(index, 0, size - 1));
}

/// y[to] meets update number `from`.
void meet(ScatterReduction reduction, const Elements& y, std::int64_t to, const Elements& updates,
          std::int64_t from) {
  const auto both = [&](auto a, auto b) {
    switch (reduction) {
      case ScatterReduction::add:
        return a + b;
      case ScatterReduction::mul:
        return a * b;
      case ScatterReduction::min:
        return std::min(a, b);
      case ScatterReduction::max:
        return std::max(a, b);
      case ScatterReduction::none:
        break;
    }
    return b;
  };
  if (reduction == ScatterReduction::none)
    y.copy(to, updates, from);
  else if (is_float(y.dtype))
    y.put(to, both(y.get(to), updates.get(from)));
  else if (reduction == ScatterReduction::mul)
    y.put_int(to, static_cast<Wide>(static_cast<unsigned __int128>(y.get_int(to)) *
                                    static_cast<unsigned __int128>(updates.get_int(from))));
  else
    y.put_int(to, both(y.get_int(to), updates.get_int(from)));
}
void copy_all(const Elements& y, const Elements& x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y.copy(i, x, i);
}

std::string functor(ScatterReduction reduction) {
  static constexpr std::array<std::string_view, 5> kNames = {"Set", "Add", "Mul", "Min", "Max"};
  return "nb::Scatter" + std::string(kNames[static_cast<std::size_t>(reduction)]);
}

std::optional<Fault> fault_of(const Operation& op) {
  const Type &x = *op.in[0], &updates = *op.in[2];
  if (x.dtype != updates.dtype)
    return Fault{Kind::dtype_mismatch, type_text(updates) + " into " + type_text(x)};
  const bool reduces = op.attrs<ScatterAttrs>().reduction != ScatterReduction::none;
  if (!same_numbers(x, updates) || (x.quantization && (reduces || x.quantization->is_per_axis())))
    return Fault{Kind::unsupported_feature,
                 op.block->name + " of quantized tensors whose scales do not agree"};
  if (x.elements() == 0 && updates.elements() > 0)
    return Fault{Kind::shape_mismatch, type_text(x) + " has no element to update"};
  return std::nullopt;
}
bool is_plain(const Operation& op, const Core&) {
  const DType dtype = op.in[0]->dtype;
  return op.attrs<ScatterAttrs>().reduction == ScatterReduction::none ||
         (dtype != DType::f16 && dtype != DType::bf16);
}

struct ScatterElementsBlock {
  static constexpr std::string_view name = "scatter_elements";
  static constexpr std::string_view doc =
      "y = x, then y[i with its axis component replaced by indices[i]] meets updates[i], in order";
  using Attrs = ScatterAttrs;
  static constexpr auto fields = kScatterElementsFields;
  static constexpr std::array inputs = {Operand{"x"}, Operand{"indices", kIndices}, Operand{"updates"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &x = *op.in[0], &indices = *op.in[1], &updates = *op.in[2];
    const auto axis = checked_axis(op.attrs<Attrs>().axis, x.rank());
    if (!axis) return axis.fault();
    bool fits = x.rank() == indices.rank() && indices.shape == updates.shape;
    for (std::size_t i = 0; fits && i < x.shape.size(); ++i)
      fits = static_cast<std::int64_t>(i) == *axis || indices.shape[i] <= x.shape[i];
    if (!fits)
      return Fault{Kind::shape_mismatch, "indices " + shape_text(indices.shape) + " and updates " +
                                             shape_text(updates.shape) + " for " + type_text(x)};
    if (auto fault = fault_of(op)) return *fault;
    return std::vector{x};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const Elements x(in[0]), indices(in[1]), updates(in[2]), y(out[0]);
    copy_all(y, x, in[0].type->elements());
    const auto axis = static_cast<std::size_t>(*checked_axis(a.axis, in[0].type->rank()));
    Shape steps = row_major(in[0].type->shape);
    const std::int64_t step = steps[axis], size = in[0].type->shape[axis];
    steps[axis] = 0;
    std::int64_t at = 0;
    each_index(in[1].type->shape, {steps}, [&](auto i) {
      meet(a.reduction, y, i[0] + step * inside(indices.get_int(at), size), updates, at);
      ++at;
    });
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto axis = static_cast<std::size_t>(*checked_axis(a.axis, x.rank()));
    Shape steps = row_major(x.shape);
    const std::int64_t step = steps[axis];
    steps[axis] = 0;
    const auto nest = loop_nest(op.in[1]->shape, {steps});
    Lowered l{
        .function = "scatter_elements",
        .params_type = "ScatterElements<" + functor(a.reduction) + ", " + std::to_string(nest.size()) + ">"};
    l.params = {{"count", std::to_string(x.elements())},
                {"axis_size", std::to_string(x.shape[axis])},
                {"axis_step", std::to_string(step)},
                {"axes", loop_text(nest)}};
    l.arguments = {input_arg(0), input_arg(1), input_arg(2), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"scatter_elements", "scatter/scatter.h", is_plain, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,4,2]; i64[3,2,2]; f32[3,2,2]", "axis=1"},
            {"f32[30]; i64[10]; f32[10]", "axis=0, reduction=add"},
            {"i32[3,4]; i32[2,4]; i32[2,4]", "axis=0, reduction=mul"},
            {"i8[3,4]; i64[2,4]; i8[2,4]", "axis=0, reduction=max"},
            {"i8[3,4] q(0.1,2); i64[2,4]; i8[2,4] q(0.1,2)", "axis=-1"},
            {"u64[30]; i64[10]; u64[10]", "axis=0, reduction=min"},
            {"f32[3,4]; i64[2,4]; f32[2,3]", "", "", "shape-mismatch"},
            {"f32[3,4]; i64[2,4]; i32[2,4]", "", "", "dtype-mismatch"}};
  }
};

struct ScatterNdBlock {
  static constexpr std::string_view name = "scatter_nd";
  static constexpr std::string_view doc =
      "y = x, then y[indices[i, 0], indices[i, 1], ..., ...] meets updates[i, ...], in order";
  using Attrs = ScatterAttrs;
  static constexpr auto fields = kScatterNdFields;
  static constexpr std::array inputs = {Operand{"x"}, Operand{"indices", kIndices}, Operand{"updates"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &x = *op.in[0], &indices = *op.in[1], &updates = *op.in[2];
    const std::int64_t k = indices.rank() < 1 ? 0 : indices.shape.back();
    if (k < 1 || k > x.rank())
      return Fault{Kind::shape_mismatch, "indices " + type_text(indices) + " into " + type_text(x)};
    Shape expected(indices.shape.begin(), indices.shape.end() - 1);
    expected.insert(expected.end(), x.shape.begin() + k, x.shape.end());
    if (updates.shape != expected)
      return Fault{Kind::shape_mismatch, "updates " + shape_text(updates.shape) + " where " +
                                             shape_text(expected) + " would fit " + type_text(indices) +
                                             " into " + type_text(x)};
    if (auto fault = fault_of(op)) return *fault;
    return std::vector{x};
  }
  struct Sizes {
    std::int64_t tuples, row;
    Shape picked;
  };
  static Sizes sizes_of(const Operation& op) {
    const auto k = static_cast<std::size_t>(op.in[1]->shape.back());
    const std::span<const std::int64_t> shape(op.in[0]->shape);
    return {op.in[1]->elements() / static_cast<std::int64_t>(k),
            element_count(shape.subspan(k)),
            {shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(k)}};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), indices(in[1]), updates(in[2]), y(out[0]);
    copy_all(y, x, in[0].type->elements());
    const Sizes s = sizes_of(op);
    std::int64_t next = 0;
    for (std::int64_t i = 0; i < s.tuples; ++i) {
      std::int64_t row = 0;
      for (const std::int64_t size : s.picked) row = row * size + inside(indices.get_int(next++), size);
      for (std::int64_t j = 0; j < s.row; ++j)
        meet(op.attrs<Attrs>().reduction, y, row * s.row + j, updates, i * s.row + j);
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Sizes s = sizes_of(op);
    Lowered l{.function = "scatter_nd",
              .params_type = "ScatterNd<" + functor(op.attrs<Attrs>().reduction) + ", " +
                             std::to_string(s.picked.size()) + ">"};
    l.params = {{"count", std::to_string(op.in[0]->elements())},
                {"tuples", std::to_string(s.tuples)},
                {"row", std::to_string(s.row)},
                {"sizes", list_text(s.picked)}};
    l.arguments = {input_arg(0), input_arg(1), input_arg(2), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() { return {{"scatter_nd", "scatter/scatter.h", is_plain, lower}}; }
  static std::vector<Sample> samples() {
    return {{"f32[3,4,2]; i64[5,2]; f32[5,2]"},
            {"f32[8]; i64[4,1]; f32[4]", "reduction=add"},
            {"i64[3,4]; i32[2,2,1]; i64[2,2,4]", "reduction=min"},
            {"bool[3,4]; i32[2,2]; bool[2]"},
            {"f32[3,4]; i64[2,1]; f32[2,3]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_scatter() { return {define<ScatterElementsBlock>(), define<ScatterNdBlock>()}; }

}  // namespace nb
