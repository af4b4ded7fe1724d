// clip: all there is to know about it.
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/clip/attributes.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct ClipBlock {
  static constexpr std::string_view name = "clip";
  static constexpr std::string_view doc = "y[i] = min(max(x[i], min), max); the numbers of x stay";
  static constexpr bool is_elementwise = true;
  using Attrs = ClipAttrs;
  static constexpr auto fields = kClipFields;
  static constexpr std::array inputs = {
      Operand{"x", kNumbers | DTypeSet{DType::f64, DType::f16, DType::bf16}}};
  static constexpr std::array outputs = {
      Operand{"y", kNumbers | DTypeSet{DType::f64, DType::f16, DType::bf16}}};

  static Checked<std::vector<Type>> infer(const Operation& op) { return std::vector{*op.in[0]}; }

  /// Zero is a number of every quantized type; other bounds are rounded to one.
  static QuantizedForm quantized_form(const Operation& op) {
    const auto is_exact = [](float bound) { return bound == 0.0f || std::isinf(bound); };
    const auto& a = op.attrs<Attrs>();
    return is_exact(a.min) && is_exact(a.max) ? QuantizedForm::moves : QuantizedForm::bounds;
  }

  /// The bounds as elements: those of a quantized type, else the dtype's nearest.
  struct Bounds {
    Bytes bytes = Bytes(16);
    Elements low, high;
    explicit Bounds(const Type& x) : low({&x, bytes.data()}), high({&x, bytes.data() + 8}) {}
  };
  static void fill(Bounds& bounds, const Operation& op) {
    const Type& x = *op.in[0];
    const auto& a = op.attrs<Attrs>();
    if (is_quantized_int(x)) {
      const IntRange range = clamp_range(x, a.min, a.max);
      bounds.low.put_int(0, range.min);
      bounds.high.put_int(0, range.max);
    } else {
      bounds.low.put(0, static_cast<double>(a.min));
      bounds.high.put(0, static_cast<double>(a.max));
    }
  }
  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements x(in[0]), y(out[0]);
    Bounds bounds(*op.in[0]);
    fill(bounds, op);
    for (std::int64_t i = 0; i < in[0].type->elements(); ++i) {
      const bool whole = !is_float(x.dtype);
      const auto below = [&](const Elements& p, std::int64_t m, const Elements& q, std::int64_t n) {
        return whole ? p.get_int(m) < q.get_int(n) : p.get(m) < q.get(n);
      };
      y.copy(i, x, i);
      if (below(y, i, bounds.low, 0)) y.copy(i, bounds.low, 0);
      if (below(bounds.high, 0, y, i)) y.copy(i, bounds.high, 0);
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }

  static std::string literal(const Elements& element) {
    switch (element.dtype) {
      case DType::f32:
      case DType::f64:
        return float_literal(static_cast<float>(element.get(0)));
      case DType::u64:
        return std::to_string(static_cast<std::uint64_t>(element.get_int(0))) + "u";
      default: {
        const auto value = static_cast<std::int64_t>(element.get_int(0));
        return value == std::numeric_limits<std::int64_t>::min() ? "INT64_MIN" : std::to_string(value);
      }
    }
  }
  static Lowered lower(const Operation& op, const Core&) {
    Bounds bounds(*op.in[0]);
    fill(bounds, op);
    Lowered l{.function = "clip", .params_type = "Clip<" + std::string(dtype_c_name(op.in[0]->dtype)) + ">"};
    l.params = {{"count", std::to_string(op.in[0]->elements())},
                {"low", literal(bounds.low)},
                {"high", literal(bounds.high)}};
    l.arguments = {input_arg(0), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"clip", "clip/clip.h",
             [](const Operation& op, const Core&) {
               const Type& x = *op.in[0];
               return x.dtype != DType::f16 && x.dtype != DType::bf16 &&
                      (!x.is_quantized() || is_quantized_int(x));
             },
             lower}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[3,5]", "min=-0.5, max=0.5"},
            {"f32[7]", "min=0"},
            {"f32[7]"},
            {"f64[7]", "min=-0.5, max=0.5"},
            {"i8[300] q(0.05,-3)", "min=-1, max=6"},
            {"i8[9]", "min=-3, max=3"},
            {"u8[9]", "min=2, max=200"},
            {"i32[9]", "min=-3"},
            {"i64[9]", "max=3"},
            {"u64[9]", "max=3"},
            {"u32[9]", "min=3"},
            {"bool[2]", "", "", "dtype-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_clip() { return {define<ClipBlock>()}; }

}  // namespace nb
