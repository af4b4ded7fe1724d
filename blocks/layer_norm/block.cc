// layer_norm: all there is to know about it.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/layer_norm/attributes.h"

namespace nb {
namespace {

struct LayerNormBlock {
  static constexpr std::string_view name = "layer_norm";
  static constexpr std::string_view doc =
      "y = (x - mean) * inverse_deviation * scale + bias, inverse_deviation = 1 / sqrt(variance + epsilon), "
      "the moments those of all elements along `axis` and the axes after it";
  using Attrs = LayerNormAttrs;
  static constexpr auto fields = kLayerNormFields;
  static constexpr std::array inputs = {Operand{"x", kFloats}, Operand{"scale", kFloats, Arity::optional},
                                        Operand{"bias", kFloats, Arity::optional}};
  static constexpr std::array outputs = {Operand{"y", kFloats}, Operand{"mean", kFloats, Arity::optional},
                                         Operand{"inverse_deviation", kFloats, Arity::optional}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Type& x = *op.in[0];
    const auto axis = checked_axis(a.axis, x.rank());
    if (!axis) return axis.fault();
    const Shape row(x.shape.begin() + *axis, x.shape.end());
    for (std::size_t i = 1; i < 3; ++i)
      if (op.has(i) && op.in[i]->shape != row)
        return Fault{Kind::shape_mismatch, "`" + std::string(inputs[i].name) + "` is " +
                                               shape_text(op.in[i]->shape) + " for rows of " +
                                               shape_text(row)};
    std::vector<Type> types = {Type{x.dtype, x.shape}};
    if (a.moments) {
      Shape kept = x.shape;
      std::fill(kept.begin() + *axis, kept.end(), 1);
      types.insert(types.end(), 2, Type{x.dtype, kept});
    }
    return types;
  }

  /// How many rows are normalized, and how long they are.
  struct Rows {
    std::int64_t count, size;
  };
  static Rows rows_of(const Operation& op) {
    const AxisSplit s = split_at(op.in[0]->shape, *checked_axis(op.attrs<Attrs>().axis, op.in[0]->rank()));
    return {s.outer, s.size * s.inner};
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const auto& a = op.attrs<Attrs>();
    const auto [count, size] = rows_of(op);
    const Elements x(in[0]), y(out[0]);
    for (std::int64_t n = 0; n < count; ++n) {
      double sum = 0, squares = 0;
      for (std::int64_t i = 0; i < size; ++i) sum += x.get(n * size + i);
      const double mean = a.centered ? sum / static_cast<double>(size) : 0;
      for (std::int64_t i = 0; i < size; ++i) squares += std::pow(x.get(n * size + i) - mean, 2);
      const double inverse =
          1 / std::sqrt(squares / static_cast<double>(size) + static_cast<double>(a.epsilon));
      for (std::int64_t i = 0; i < size; ++i) {
        const double scale = op.has(1) ? Elements(in[1]).get(i) : 1,
                     bias = op.has(2) ? Elements(in[2]).get(i) : 0;
        y.put(n * size + i, (x.get(n * size + i) - mean) * inverse * scale + bias);
      }
      if (!a.moments) continue;
      Elements(out[1]).put(n, mean);
      Elements(out[2]).put(n, inverse);
    }
  }
  /// Each element is squared once and scaled once.
  static std::int64_t macs(const Operation& op) { return 2 * op.in[0]->elements(); }

  static Lowered lower(const Operation& op, const Core&) {
    const auto& a = op.attrs<Attrs>();
    const auto [count, size] = rows_of(op);
    Lowered l{.function = "layer_norm", .params_type = "LayerNorm"};
    l.params = {{"rows", std::to_string(count)},
                {"size", std::to_string(size)},
                {"epsilon", float_literal(a.epsilon)},
                {"centered", a.centered ? "1" : "0"}};
    const Argument null = literal_arg("nullptr");
    l.arguments = {input_arg(0),  op.has(1) ? input_arg(1) : null,  op.has(2) ? input_arg(2) : null,
                   output_arg(0), a.moments ? output_arg(1) : null, a.moments ? output_arg(2) : null};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {
        {"layer_norm", "layer_norm/layer_norm.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,4]; const f32[4]; const f32[4]"},
            {"f32[2,3,4]; f32[3,4]; f32[3,4]", "axis=1, epsilon=0.1, moments=true"},
            {"f32[5,7]; f32[5,7]", "axis=-2"},
            {"f32[3,40]; ; f32[40]", "moments=true"},
            {"f32[6,1]"},
            {"f32[5,12]; const f32[12]", "centered=false, epsilon=0.01"},
            {"f32[2,3,4]; ; f32[4]", "centered=false, moments=true"},
            {"f32[2,3,4]; f32[3]", "", "", "shape-mismatch"},
            {"f32[2,3,4]; f32[4]; f32[1]", "", "", "shape-mismatch"},
            {"f32[3]", "axis=1", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_layer_norm() { return {define<LayerNormBlock>()}; }

}  // namespace nb
