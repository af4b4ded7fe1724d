// layer_norm: all there is to know about it.
#include <algorithm>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/elements.h"
#include "blocks/layer_norm/attributes.h"
#include "blocks/layer_norm/layer_norm_quantized.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct LayerNormBlock {
  static constexpr std::string_view name = "layer_norm";
  static constexpr std::string_view doc =
      "y = (x - mean) * inverse_deviation * scale + bias, inverse_deviation = 1 / sqrt(variance + epsilon), "
      "the moments those of all elements along `axis` and the axes after it";
  using Attrs = LayerNormAttrs;
  static constexpr auto fields = kLayerNormFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr DTypeSet kElements{DType::f32, DType::i8, DType::i16};
  static constexpr std::array inputs = {
      Operand{.name = "x", .dtypes = kElements},
      Operand{.name = "scale", .dtypes = kFloats, .arity = Arity::optional, .is_real = true},
      Operand{.name = "bias", .dtypes = kFloats, .arity = Arity::optional, .is_real = true}};
  static constexpr std::array outputs = {Operand{"y", kElements}, Operand{"mean", kFloats, Arity::optional},
                                         Operand{"inverse_deviation", kFloats, Arity::optional}};
  /// Sums of int16 elements times the size of a row stay in 32 bits.
  static constexpr std::int64_t kLongestRow = 32768;

  static bool is_quantized(const Operation& op) { return !is_float(op.in[0]->dtype); }

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
    if (is_quantized(op))
      if (auto fault = check_integers(op, element_count(row))) return *fault;
    std::vector<Type> types = {Type{x.dtype, x.shape}};
    if (a.moments) {
      Shape kept = x.shape;
      std::fill(kept.begin() + *axis, kept.end(), 1);
      types.insert(types.end(), 2, Type{x.dtype, kept});
    }
    return types;
  }

  /// Why integers cannot be normalized in rows of `size`.
  static std::optional<Fault> check_integers(const Operation& op, std::int64_t size) {
    const Type& x = *op.in[0];
    if (auto fault = check_quantized(op, 0)) return fault;
    if (x.quantization->is_per_axis())
      return Fault{Kind::unsupported_feature, "layer_norm of " + type_text(x) + " with a scale per index"};
    if (op.attrs<Attrs>().moments)
      return Fault{Kind::unsupported_feature, "layer_norm of integers whose moments are outputs, too"};
    const float epsilon = op.attrs<Attrs>().epsilon;
    if (!(epsilon >= 0) || std::isinf(epsilon))
      return Fault{Kind::attribute_out_of_range,
                   "layer_norm of integers with an epsilon of " + float_text(epsilon)};
    if (size > kLongestRow)
      return Fault{Kind::limit_exceeded, "layer_norm of integers in rows of " + std::to_string(size) +
                                             " elements, at most " + std::to_string(kLongestRow)};
    for (std::size_t i = 1; i < 3; ++i) {
      if (!op.has(i)) continue;
      const std::string operand = "`" + std::string(inputs[i].name) + "`";
      if (!op.is_constant(i))
        return Fault{Kind::unsupported_feature,
                     "layer_norm of integers whose " + operand + " is computed when running"};
      for (const float value : op.constant<float>(i))
        if (!std::isfinite(value))
          return Fault{Kind::unsupported_feature,
                       "an element of layer_norm's " + operand + " is " + float_text(value)};
    }
    return std::nullopt;
  }

  /// How many rows are normalized, and how long they are.
  struct Rows {
    std::int64_t count, size;
  };
  static Rows rows_of(const Operation& op) {
    const AxisSplit s = split_at(op.in[0]->shape, *checked_axis(op.attrs<Attrs>().axis, op.in[0]->rank()));
    return {s.outer, s.size * s.inner};
  }

  /// What kernel and reference of integers share.
  struct Quantized {
    LayerNormQuantized params;
    std::vector<std::int32_t> gains;
    bool is_exact = true;  ///< the outputs' steps are neither too small nor too large for the multipliers
  };
  static Quantized quantized_of(const Operation& op) {
    const auto& a = op.attrs<Attrs>();
    const Rows rows = rows_of(op);
    const std::int64_t count = rows.count, size = rows.size;
    const Type &x = *op.in[0], &y = *op.out[0];
    const auto n = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    Quantized q{};
    LayerNormQuantized& p = q.params;
    p.rows = n(count), p.size = n(size), p.centered = a.centered ? 1 : 0, p.zero = x.zero_point();

    // The unit of the spread leaves it and epsilon 62 bits together.
    const double length = static_cast<double>(size), step = static_cast<double>(x.scale());
    const double range = x.dtype == DType::i8 ? 256 : 65536;
    const double largest = a.centered ? length * length * range * range / 4 : length * range * range;
    const double epsilon =
        std::max(static_cast<double>(a.epsilon), 0.0) / step / step * (a.centered ? length * length : length);
    int exponent = 0;
    (void)std::frexp(largest + epsilon, &exponent);
    const int free = 62 - exponent;
    p.spread_shift = std::clamp(free >= 0 ? free / 2 * 2 : -((1 - free) / 2 * 2), -60, 40);
    const double scaled = std::ldexp(epsilon, p.spread_shift);
    q.is_exact = scaled < 0x1p62;
    const auto units = static_cast<std::uint64_t>(q.is_exact ? std::nearbyint(scaled) : 0x1p62);
    p.epsilon_high = static_cast<std::int32_t>(static_cast<std::uint32_t>(units >> 32));
    p.epsilon_low = static_cast<std::int32_t>(static_cast<std::uint32_t>(units));

    // A normalized element is below 2^28 units. Where rows are not centered, sqrt(size) is part of the gains.
    const double most = std::sqrt((a.centered ? length : 1) * largest / (largest + epsilon));
    p.normal_bits = 28 - (most > 0 ? static_cast<int>(std::max(-31.0, std::ceil(std::log2(most)))) : 0);
    const double factor = (a.centered ? 1 : std::sqrt(length)) / static_cast<double>(y.scale());
    double gain = 0, offset = 0;
    const auto gain_of = [&](std::int64_t i) {
      return op.has(1) ? static_cast<double>(op.constant<float>(1)[static_cast<std::size_t>(i)]) * factor
                       : factor;
    };
    const auto offset_of = [&](std::int64_t i) {
      return (op.has(2) ? static_cast<double>(op.constant<float>(2)[static_cast<std::size_t>(i)]) /
                              static_cast<double>(y.scale())
                        : 0) +
             y.zero_point() + 0.5;
    };
    for (std::int64_t i = 0; i < size; ++i) {
      gain = std::max(gain, std::fabs(gain_of(i)));
      offset = std::max(offset, std::fabs(offset_of(i)));
    }
    const auto fits = [&](int shift) {
      return std::ldexp(gain, 32 + shift - p.normal_bits) <= 0x1.fffffp30 &&
             std::ldexp(offset, shift) <= 0x1p30;
    };
    p.out_shift = x.dtype == DType::i8 ? kNormalShiftS8 : 20;
    while (x.dtype == DType::i16 && p.out_shift > 0 && !fits(p.out_shift)) --p.out_shift;
    q.is_exact &= p.out_shift >= 3 && fits(p.out_shift);
    const bool is_uniform = !op.has(1) && !op.has(2);
    p.gain_step = is_uniform ? 0 : 2 * kLayerNormGroup;
    for (std::int64_t begin = 0; begin < (is_uniform ? std::min<std::int64_t>(size, 1) : size);
         begin += kLayerNormGroup) {
      const auto rounded = [&](auto of, int bits) {
        for (std::int64_t i = begin; i < begin + kLayerNormGroup; ++i) {
          const double value = is_uniform || i < size ? std::nearbyint(std::ldexp(of(i), bits)) : 0;
          q.gains.push_back(static_cast<std::int32_t>(std::clamp(value, -0x1p31, 0x1.fffffffcp30)));
        }
      };
      rounded(gain_of, 32 + p.out_shift - p.normal_bits);
      rounded(offset_of, p.out_shift);
    }
    return q;
  }

  template <class T>
  static void reference_of(const Operation& op, std::span<const T> x, std::span<T> y) {
    const auto [count, size] = rows_of(op);
    const Quantized q = quantized_of(op);
    for (std::int64_t n = 0; n < count; ++n) {
      std::int32_t sum = 0;
      std::int64_t squares = 0;
      for (std::int64_t i = n * size; i < (n + 1) * size; ++i) {
        const std::int64_t value = x[static_cast<std::size_t>(i)];
        sum += static_cast<std::int32_t>(value);
        squares += value * value;
      }
      const RowNormal normal = row_normal<T>(q.params, sum, squares);
      for (std::int64_t i = 0; i < size; ++i) {
        const auto at = static_cast<std::size_t>(n * size + i);
        const auto gain =
            static_cast<std::size_t>(i / kLayerNormGroup * q.params.gain_step + i % kLayerNormGroup);
        y[at] = normal_output(q.params, normal, x[at], q.gains[gain], q.gains[gain + kLayerNormGroup]);
      }
    }
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    if (op.in[0]->dtype == DType::i8)
      return reference_of<std::int8_t>(op, in[0].as<std::int8_t>(), out[0].as<std::int8_t>());
    if (op.in[0]->dtype == DType::i16)
      return reference_of<std::int16_t>(op, in[0].as<std::int16_t>(), out[0].as<std::int16_t>());
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
  static Lowered lower_quantized(const Operation& op, const Core&) {
    const Quantized q = quantized_of(op);
    const LayerNormQuantized& p = q.params;
    Lowered l{.function = "layer_norm_quantized<" + std::string(dtype_c_name(op.in[0]->dtype)) + ">",
              .params_type = "LayerNormQuantized"};
    l.params = {{"rows", std::to_string(p.rows)},
                {"size", std::to_string(p.size)},
                {"centered", std::to_string(p.centered)},
                {"zero", std::to_string(p.zero)},
                {"epsilon_high", std::to_string(p.epsilon_high)},
                {"epsilon_low", std::to_string(p.epsilon_low)},
                {"spread_shift", std::to_string(p.spread_shift)},
                {"normal_bits", std::to_string(p.normal_bits)},
                {"out_shift", std::to_string(p.out_shift)},
                {"gain_step", std::to_string(p.gain_step)}};
    l.constants = {{"gains", DType::i32, to_bytes(q.gains), "by four elements: multipliers, then offsets"}};
    l.arguments = {input_arg(0), constant_arg(0), output_arg(0)};
    l.in_place = {{0, 0}};
    return l;
  }
  static std::vector<Kernel> kernels() {
    return {{"layer_norm", "layer_norm/layer_norm.h",
             [](const Operation& op, const Core&) { return !is_quantized(op); }, lower},
            {"layer_norm_quantized", "layer_norm/layer_norm_quantized.h",
             [](const Operation& op, const Core&) {
               return is_quantized(op) && op.out[0]->is_quantized() && quantized_of(op).is_exact;
             },
             lower_quantized}};
  }
  static std::vector<Sample> samples() {
    return {{"f32[2,3,4]; const f32[4]; const f32[4]"},
            {"f32[2,3,4]; f32[3,4]; f32[3,4]", "axis=1, epsilon=0.1, moments=true"},
            {"f32[5,7]; f32[5,7]", "axis=-2"},
            {"f32[3,40]; ; f32[40]", "moments=true"},
            {"f32[6,1]"},
            {"f32[5,12]; const f32[12]", "centered=false, epsilon=0.01"},
            {"f32[2,3,4]; ; f32[4]", "centered=false, moments=true"},
            {"i8[7,24] q(0.05,3); const f32[24]; const f32[24]", "", "i8[7,24] q(0.04,-5)"},
            {"i8[2,3,5] q(0.02,-128); const f32[3,5]", "axis=1, epsilon=3", "i8[2,3,5] q(0.02,7)"},
            {"i8[3,41] q(0.1,0); ; const f32[41]", "centered=false, epsilon=0.01", "i8[3,41] q(0.03,10)"},
            {"i8[4,9] q(0.7,100)", "epsilon=0", "i8[4,9] q(0.02,0)"},
            {"i8[3,4,1] q(0.7,100)", "", "i8[3,4,1] q(0.02,3)"},
            {"i16[5,18] q(0.0005,0); const f32[18]; const f32[18]", "", "i16[5,18] q(0.0002,0)"},
            {"i16[2,1300] q(0.0005,3)", "centered=false", "i16[2,1300] q(0.0001,-7)"},
            {"i8[2,1300] q(0.03,3)", "epsilon=1e-9", "i8[2,1300] q(0.03,0)"},
            {"i8[2,4]", "", "", "invalid-model"},
            {"i8[2,4] q(0.1,0)", "moments=true", "", "unsupported-feature"},
            {"i8[2,4] q(0.1,0)", "epsilon=-1", "", "attribute-out-of-range"},
            {"i8[3,0] q(0.1,0)", "", "i8[3,0] q(0.1,0)"},
            {"i8[2,4] q(0.1,0); f32[4]", "", "", "unsupported-feature"},
            {"i8[1,40000] q(0.1,0)", "", "", "limit-exceeded"},
            {"f32[2,3,4]; f32[3]", "", "", "shape-mismatch"},
            {"f32[2,3,4]; f32[4]; f32[1]", "", "", "shape-mismatch"},
            {"f32[3]", "axis=1", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_layer_norm() { return {define<LayerNormBlock>()}; }

}  // namespace nb
