// trilu: all there is to know about it.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/trilu/attributes.h"

namespace nb {
namespace {

struct TriluBlock {
  static constexpr std::string_view name = "trilu";
  static constexpr std::string_view doc =
      "y[..., i, j] = x[..., i, j] if j - i >= diagonal (upper) or <= diagonal (lower), else 0";
  using Attrs = TriluAttrs;
  static constexpr auto fields = kTriluFields;
  static constexpr std::array inputs = {Operand{"x"}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type& x = *op.in[0];
    if (x.rank() < 2) return Fault{Kind::shape_mismatch, type_text(x) + " has no matrix"};
    if (x.quantization && x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "trilu of " + type_text(x) + " with a scale per index"};
    return std::vector{x};
  }
  static std::int64_t diagonal(const Operation& op) {
    return std::clamp<std::int64_t>(op.attrs<Attrs>().diagonal, -kMaxTensorBytes, kMaxTensorBytes);
  }
  static std::int64_t zero(const Type& x) { return x.is_quantized() ? x.zero_point() : 0; }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), y(out[0]);
    const Shape& shape = in[0].type->shape;
    const std::int64_t columns = shape.back(), rows = shape[shape.size() - 2];
    for (std::int64_t at = 0; at < in[0].type->elements(); ++at) {
      const std::int64_t distance = at % columns - at / columns % rows;
      if (op.attrs<Attrs>().upper ? distance >= diagonal(op) : distance <= diagonal(op))
        y.copy(at, x, at);
      else
        y.put_int(at, zero(*in[0].type));
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }
  static Lowered lower(const Operation& op, const Core&) {
    const Type& x = *op.in[0];
    const std::int64_t columns = x.shape.back(), rows = x.shape[x.shape.size() - 2];
    std::uint64_t bits = 0;
    Elements({&x, reinterpret_cast<std::byte*>(&bits)}).put_int(0, zero(x));
    const std::string bytes = bytes_literal(x.dtype);
    Lowered l{.function = "trilu", .params_type = "Trilu<" + bytes + ">"};
    l.params = {{"count", std::to_string(rows * columns == 0 ? 0 : x.elements() / (rows * columns))},
                {"rows", std::to_string(rows)},
                {"columns", std::to_string(columns)},
                {"diagonal", std::to_string(diagonal(op))},
                {"upper", op.attrs<Attrs>().upper ? "true" : "false"},
                {"fill", std::to_string(bits) + "u"}};
    l.arguments = {input_arg(0), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"trilu", "trilu/trilu.h", [](const Operation&, const Core&) { return true; }, lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,4]"},
            {"i64[4,3]", "upper=false, diagonal=1"},
            {"i8[1,4,4] q(0.1,-5)", "diagonal=-1"},
            {"bool[3,3]", "upper=false, diagonal=-2"},
            {"f32[3]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_trilu() { return {define<TriluBlock>()}; }

}  // namespace nb
