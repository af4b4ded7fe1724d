// matmul: all there is to know about it. The kernels' headers lie beside.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "blocks/blocks.h"
#include "blocks/core/pack_f32.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/matmul/attributes.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct MatmulBlock {
  static constexpr std::string_view name = "matmul";
  static constexpr std::string_view doc =
      "y[...,i,j] = sum over k of a[...,i,k] * b[...,k,j]; leading axes broadcast as numpy's, integers "
      "without a scale wrap";
  using Attrs = MatmulAttrs;
  static constexpr auto fields = kMatmulFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::rounds;
  static constexpr DTypeSet kFactors{DType::f32, DType::i8,  DType::i16, DType::i32,
                                     DType::u32, DType::i64, DType::u64};
  static constexpr std::array inputs = {Operand{"a", kFactors}, Operand{"b", kFactors}};
  static constexpr std::array outputs = {Operand{"y", kFactors}};

  static bool is_small(DType dtype) { return dtype == DType::i8 || dtype == DType::i16; }

  struct Sizes {
    std::int64_t m, k, k_of_b, n;
    Shape a_batch, b_batch;
  };
  static Sizes sizes_of(const Operation& op) {
    const auto& attrs = op.attrs<Attrs>();
    const Shape &a = op.in[0]->shape, &b = op.in[1]->shape;
    const std::size_t i = a.size() - 2, j = b.size() - 2;
    Sizes s{a[i], a[i + 1], b[j], b[j + 1], {a.begin(), a.end() - 2}, {b.begin(), b.end() - 2}};
    if (attrs.transpose_a) std::swap(s.m, s.k);
    if (attrs.transpose_b) std::swap(s.k_of_b, s.n);
    return s;
  }

  static Checked<std::vector<Type>> infer(const Operation& op) {
    const Type &a = *op.in[0], &b = *op.in[1];
    const std::string both = type_text(a) + " and " + type_text(b);
    if (a.rank() < 2 || b.rank() < 2)
      return Fault{Kind::shape_mismatch, "operands are " + both + ", not matrices"};
    if (a.dtype != b.dtype) return Fault{Kind::dtype_mismatch, "the factors are " + both};
    const Sizes s = sizes_of(op);
    if (s.k != s.k_of_b)
      return Fault{Kind::shape_mismatch, "the factors " + both + " sum over " + std::to_string(s.k) +
                                             " and " + std::to_string(s.k_of_b) + " elements"};
    if (is_small(a.dtype))
      for (const std::size_t i : {0u, 1u}) {
        if (auto fault = check_quantized(op, i)) return *fault;
        if (op.in[i]->quantization->is_per_axis())
          return Fault{Kind::unsupported_feature,
                       "a factor " + type_text(*op.in[i]) + " with a scale per index"};
      }
    const Type a_batch{a.dtype, s.a_batch}, b_batch{b.dtype, s.b_batch};
    auto shape = broadcast({&a_batch, &b_batch});
    if (!shape) return shape.fault();
    shape->push_back(s.m);
    shape->push_back(s.n);
    return std::vector{Type{a.dtype, *shape}};
  }

  /// What kernel and reference share: steps in elements.
  struct Walk {
    Sizes sizes;
    Shape batch, a_strides, b_strides;
    std::int64_t a_row, a_step, b_step, b_col;
  };
  static Walk walk_of(const Operation& op) {
    const auto& attrs = op.attrs<Attrs>();
    Walk w{sizes_of(op), op.out[0]->shape, {}, {}, 0, 0, 0, 0};
    w.batch.resize(w.batch.size() - 2);
    w.a_strides = broadcast_strides(w.sizes.a_batch, w.batch);
    w.b_strides = broadcast_strides(w.sizes.b_batch, w.batch);
    for (auto& stride : w.a_strides) stride *= w.sizes.m * w.sizes.k;
    for (auto& stride : w.b_strides) stride *= w.sizes.k * w.sizes.n;
    w.a_row = attrs.transpose_a ? 1 : w.sizes.k;
    w.a_step = attrs.transpose_a ? w.sizes.m : 1;
    w.b_step = attrs.transpose_b ? 1 : w.sizes.n;
    w.b_col = attrs.transpose_b ? w.sizes.k : 1;
    return w;
  }

  /// a_scale * b_scale / out_scale; the product of the scales is a float.
  static FixedPoint factor_of(const Operation& op) {
    const float scales = op.in[0]->scale() * op.in[1]->scale();
    return fixed_point(static_cast<double>(scales) / static_cast<double>(op.out[0]->scale()), op.rounding);
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements a(in[0]), b(in[1]), y(out[0]);
    const Walk w = walk_of(op);
    const bool is_quantized = is_small(a.dtype);
    const FixedPoint factor = is_quantized ? factor_of(op) : FixedPoint{};
    const IntRange range = dtype_range(y.dtype);
    std::int64_t to = 0;
    each_index(w.batch, {w.a_strides, w.b_strides}, [&](auto at) {
      for (std::int64_t i = 0; i < w.sizes.m; ++i)
        for (std::int64_t j = 0; j < w.sizes.n; ++j, ++to) {
          const std::int64_t x = at[0] + i * w.a_row, z = at[1] + j * w.b_col;
          if (is_float(a.dtype)) {
            double sum = 0;
            for (std::int64_t k = 0; k < w.sizes.k; ++k)
              sum += a.get(x + k * w.a_step) * b.get(z + k * w.b_step);
            y.put(to, sum);
            continue;
          }
          std::uint64_t sum = 0;  // wraps
          const std::int64_t a_zero = is_quantized ? op.in[0]->zero_point() : 0;
          const std::int64_t b_zero = is_quantized ? op.in[1]->zero_point() : 0;
          for (std::int64_t k = 0; k < w.sizes.k; ++k)
            sum += static_cast<std::uint64_t>(a.get_int(x + k * w.a_step) - a_zero) *
                   static_cast<std::uint64_t>(b.get_int(z + k * w.b_step) - b_zero);
          if (!is_quantized) {
            y.put_int(to, static_cast<Wide>(sum));
            continue;
          }
          const std::int32_t scaled =
              a.dtype == DType::i16
                  ? rescale64(static_cast<std::int64_t>(sum), factor.multiplier, factor.shift)
                  : rescale(static_cast<std::int32_t>(sum), factor.multiplier, factor.shift);
          y.put_int(to, std::clamp(scaled + op.out[0]->zero_point(), range.min, range.max));
        }
    });
  }

  static std::int64_t macs(const Operation& op) { return op.out[0]->elements() * sizes_of(op).k; }

  static Lowered lower(const Operation& op, const Core&) {
    const Walk w = walk_of(op);
    const auto nest = loop_nest(w.batch, {w.a_strides, w.b_strides});
    const std::string axes = "<" + std::to_string(nest.size()) + ">";
    const DType dtype = op.in[0]->dtype;
    const std::array sizes = {w.sizes.m, w.sizes.k, w.sizes.n, w.a_row, w.a_step, w.b_step, w.b_col};
    const std::string c_name(dtype_c_name(dtype));
    Lowered l{.function = "matmul<" + c_name + ">", .params_type = "Matmul" + axes};
    l.params = {{"m, k, n, a_row, a_step, b_step, b_col", list_text(sizes)}};
    if (is_small(dtype)) {
      const FixedPoint factor = factor_of(op);
      l.function = "matmul_quantized<" + c_name + (dtype == DType::i8 ? ", int32_t>" : ", int64_t>");
      l.params_type = "MatmulQuantized" + axes;
      l.params.push_back({"a_zero", std::to_string(op.in[0]->zero_point())});
      l.params.push_back({"b_zero", std::to_string(op.in[1]->zero_point())});
      l.params.push_back({"out_zero", std::to_string(op.out[0]->zero_point())});
      l.params.push_back({"multiplier", std::to_string(factor.multiplier)});
      l.params.push_back({"shift", std::to_string(factor.shift)});
    }
    l.params.push_back({"axes", loop_text(nest)});
    l.arguments = {input_arg(0), input_arg(1), output_arg(0)};
    return l;
  }

  /// A float matrix known when compiling: the rows of all a's matrices go through a dense layer.
  static bool is_dense(const Operation& op) {
    const Sizes s = sizes_of(op);
    return op.in[0]->dtype == DType::f32 && op.is_constant(1) && s.k > 0 &&
           op.in[1]->elements() == s.k * s.n && !op.attrs<Attrs>().transpose_a;
  }

  static Lowered lower_f32_tiled(const Operation& op, const Core&) {
    const Walk w = walk_of(op);
    const std::span<const float> b = op.constant<float>(1);
    Lowered l{.function = "dense_f32_tiled", .params_type = "DenseF32"};
    const float unbounded = std::numeric_limits<float>::infinity();
    l.params = {{"rows", std::to_string(op.in[0]->elements() / std::max<std::int64_t>(w.sizes.k, 1))},
                {"in_features", std::to_string(w.sizes.k)},
                {"out_features", std::to_string(w.sizes.n)},
                {"out_min", float_literal(-unbounded)},
                {"out_max", float_literal(unbounded)}};
    return packed_call_f32(
        std::move(l),
        pack_tiles_f32(static_cast<std::int32_t>(w.sizes.n), static_cast<std::int32_t>(w.sizes.k), {},
                       [&](std::int32_t j, std::int32_t k) { return b[j * w.b_col + k * w.b_step]; }));
  }

  static std::vector<Kernel> kernels() {
    return {
        {"matmul_f32_tiled", "dense/dense_f32_tiled.h",
         [](const Operation& op, const Core& core) { return core.has_fpu && is_dense(op); }, lower_f32_tiled},
        {"matmul", "matmul/matmul_f32.h",
         [](const Operation& op, const Core&) { return !is_small(op.in[0]->dtype); }, lower},
        {"matmul_quantized", "matmul/matmul_quantized.h",
         [](const Operation& op, const Core&) {
           return is_small(op.in[0]->dtype) && op.out[0]->is_quantized();
         },
         lower}};
  }

  static std::vector<Sample> samples() {
    return {{"f32[3,5]; f32[5,6]"},
            {"f32[2,3,4]; const f32[4,2]"},
            {"f32[2,3,9]; const f32[1,11,9]", "transpose_b=true"},
            {"f32[2,1,3,4]; f32[3,5,4]", "transpose_b=true"},
            {"f32[4,3]; f32[2,4,5]", "transpose_a=true"},
            {"i32[2,3]; i32[3,2]"},
            {"i64[2,3]; i64[1,3,2]"},
            {"i8[2,3,4] q(0.05,4); i8[2,4,5] q(0.02,-3)", "", "i8[2,3,5] q(0.04,-3)"},
            {"i16[3,4] q(0.001,0); i16[5,4] q(0.002,0)", "transpose_b=true", "i16[3,5] q(0.0005,0)"},
            {"f32[2,3]; f32[4,5]", "", "", "shape-mismatch"},
            {"f32[2,3,4]; f32[3,4,5]", "", "", "shape-mismatch"},
            {"f32[3]; f32[3,4]", "", "", "shape-mismatch"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_matmul() { return {define<MatmulBlock>()}; }

}  // namespace nb
