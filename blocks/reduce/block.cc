// Reductions over axes: one row each.
#include <algorithm>
#include <bit>
#include <cmath>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"
#include "blocks/reduce/attributes.h"

namespace nb {
namespace {

using Values = std::span<const double>;
using Integers = std::span<const Wide>;

double sum(Values v) {
  double total = 0;
  for (const double x : v) total += x;
  return total;
}
double sum_square(Values v) {
  double total = 0;
  for (const double x : v) total += x * x;
  return total;
}
double l1(Values v) {
  double total = 0;
  for (const double x : v) total += std::fabs(x);
  return total;
}
double largest(Values v) {
  double best = -HUGE_VAL;
  for (const double x : v) best = std::max(best, x);
  return best;
}
double smallest(Values v) {
  double best = HUGE_VAL;
  for (const double x : v) best = std::min(best, x);
  return best;
}
double product(Values v) {
  double total = 1;
  for (const double x : v) total *= x;
  return total;
}
double log_sum_exp(Values v) {
  const double top = largest(v);
  if (std::isinf(top)) return top;
  double total = 0;
  for (const double x : v) total += std::exp(x - top);
  return top + std::log(total);
}
using Unsigned = unsigned __int128;
/// acc = f(acc, x) in wrapping 128 bits.
template <class F>
Wide fold(Integers v, Wide first, F f) {
  for (const Wide x : v) first = static_cast<Wide>(f(static_cast<Unsigned>(first), static_cast<Unsigned>(x)));
  return first;
}
Wide sum_of(Integers v) {
  return fold(v, 0, [](Unsigned a, Unsigned b) { return a + b; });
}

constexpr DTypeSet kReals{DType::f32, DType::f64, DType::f16, DType::bf16};
struct Row {
  std::string_view name, doc, functor;
  DTypeSet dtypes;
  double (*real)(Values);
  Wide (*integer)(Integers) = nullptr;
  bool is_float32_only = false;
  bool keeps_numbers = false;  ///< a quantized input's numbers are the output's
  bool rescales = false;       ///< sum and mean of quantized elements
};
const Row kRows[] = {
    {"reduce_sum", "the sum", "ReduceSum", kReals | kInts, sum, sum_of, false, false, true},
    {"reduce_mean", "the mean; of integers rounded towards zero", "ReduceMean", kReals | kInts,
     [](Values v) { return sum(v) / static_cast<double>(v.size()); },
     [](Integers v) { return v.empty() ? Wide{0} : sum_of(v) / static_cast<Wide>(v.size()); }, false, false,
     true},
    {"reduce_max", "the largest; of nothing the dtype's lowest", "ReduceMax", kReals | kInts | kBooleans,
     largest, [](Integers v) { return *std::max_element(v.begin(), v.end()); }, false, true},
    {"reduce_min", "the smallest; of nothing the dtype's highest", "ReduceMin", kReals | kInts | kBooleans,
     smallest, [](Integers v) { return *std::min_element(v.begin(), v.end()); }, false, true},
    {"reduce_prod", "the product", "ReduceProd", kReals | kInts, product,
     [](Integers v) { return fold(v, 1, [](Unsigned a, Unsigned b) { return a * b; }); }},
    {"reduce_l1", "the sum of magnitudes", "ReduceL1", kReals | kInts, l1,
     [](Integers v) {
       Wide total = 0;
       for (const Wide x : v) total += x < 0 ? -x : x;
       return total;
     }},
    {"reduce_l2", "the square root of the sum of squares", "ReduceL2", kReals,
     [](Values v) { return std::sqrt(sum_square(v)); }, nullptr, true},
    {"reduce_sum_square", "the sum of squares", "ReduceSumSquare", kReals | kInts, sum_square,
     [](Integers v) { return fold(v, 0, [](Unsigned a, Unsigned b) { return a + b * b; }); }},
    {"reduce_log_sum", "the logarithm of the sum", "ReduceLogSum", kReals,
     [](Values v) { return std::log(sum(v)); }, nullptr, true},
    {"reduce_log_sum_exp", "the logarithm of the sum of e^x", "ReduceLogSumExp", kReals, log_sum_exp, nullptr,
     true},
    {"reduce_any", "whether any is true", "ReduceAny", kBooleans, nullptr,
     [](Integers v) { return Wide{std::any_of(v.begin(), v.end(), [](Wide x) { return x != 0; })}; }},
    {"reduce_all", "whether all are true", "ReduceAll", kBooleans, nullptr,
     [](Integers v) { return Wide{std::all_of(v.begin(), v.end(), [](Wide x) { return x != 0; })}; }}};

bool is_reduced(const ReduceAttrs& a, std::size_t axis) {
  return std::find(a.axes.begin(), a.axes.end(), static_cast<std::int64_t>(axis)) != a.axes.end();
}

Checked<std::vector<Type>> infer(const Row& row, const Operation& op) {
  const auto& a = op.attrs<ReduceAttrs>();
  const Type& x = *op.in[0];
  for (std::size_t i = 0; i < a.axes.size(); ++i)
    if (a.axes[i] < 0 || a.axes[i] >= x.rank() || (i > 0 && a.axes[i] <= a.axes[i - 1]))
      return Fault{Kind::attribute_out_of_range, "axes " + shape_text(a.axes) + " of " + type_text(x) +
                                                     ": they must be sorted, distinct and non-negative"};
  if (x.is_quantized() && !row.rescales && !row.keeps_numbers)
    return Fault{Kind::unsupported_feature, std::string(row.name) + " of the quantized " + type_text(x),
                 "dequantize it first"};
  Type y{x.dtype, {}};
  for (std::size_t i = 0; i < x.shape.size(); ++i)
    if (!is_reduced(a, i))
      y.shape.push_back(x.shape[i]);
    else if (a.keep_dims)
      y.shape.push_back(1);
  if (row.keeps_numbers && (!x.is_quantized() || !x.quantization->is_per_axis()))
    y.quantization = x.quantization;
  return std::vector{std::move(y)};
}

/// The input's axes that stay and those that vanish, each with its strides.
struct Nests {
  Shape kept, kept_strides, reduced, reduced_strides;
};
Nests nests_of(const Operation& op) {
  const auto& a = op.attrs<ReduceAttrs>();
  const Shape& shape = op.in[0]->shape;
  const Shape strides = row_major(shape);
  Nests n;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    (is_reduced(a, i) ? n.reduced : n.kept).push_back(shape[i]);
    (is_reduced(a, i) ? n.reduced_strides : n.kept_strides).push_back(strides[i]);
  }
  return n;
}

struct Rescaling {
  std::int32_t sum_zero = 0;
  FixedPoint factor;
  IntRange range;
};
/// As the reference kernels: the factor of the scales, then a mean's 1 / count within its mantissa.
Rescaling rescaling_of(const Operation& op, std::int64_t count, bool is_mean) {
  const Type &x = *op.in[0], &y = *op.out[0];
  Rescaling r{static_cast<std::int32_t>(x.zero_point() * count),
              fixed_point(static_cast<double>(x.scale()) / static_cast<double>(y.scale())),
              dtype_range(y.dtype)};
  if (op.rounding == Rounding::once)
    r.factor = fixed_point(static_cast<double>(x.scale()) / static_cast<double>(y.scale()) /
                               static_cast<double>(is_mean ? std::max<std::int64_t>(count, 1) : 1),
                           op.rounding);
  else if (is_mean && count > 0) {
    const int shift =
        std::min({63 - std::countl_zero(static_cast<std::uint64_t>(count)), 32, 31 + r.factor.shift});
    r.factor.multiplier = static_cast<std::int32_t>((std::int64_t{r.factor.multiplier} << shift) / count);
    r.factor.shift -= shift;
  }
  return r;
}
bool is_rescaled(const Row& row, const Operation& op) {
  return row.rescales && is_quantized_int(*op.in[0]) && is_quantized_int(*op.out[0]);
}

void reference(const Row& row, const Operation& op, std::span<const TensorView> in,
               std::span<const TensorView> out) {
  const Elements x(in[0]), y(out[0]);
  const Nests n = nests_of(op);
  std::int64_t at = 0;
  std::vector<double> values;
  std::vector<Wide> integers;
  each_index(n.kept, {n.kept_strides}, [&](auto outer) {
    const std::int64_t first = outer[0];
    values.clear();
    integers.clear();
    each_index(n.reduced, {n.reduced_strides}, [&](auto i) {
      if (is_float(x.dtype))
        values.push_back(x.get(first + i[0]));
      else
        integers.push_back(x.get_int(first + i[0]));
    });
    if (is_float(x.dtype)) {
      y.put(at++, row.real(values));
    } else if (is_rescaled(row, op)) {
      const auto count = static_cast<std::int64_t>(integers.size());
      const Rescaling r = rescaling_of(op, count, row.name == "reduce_mean");
      const auto total = static_cast<std::int32_t>(sum_of(integers)) - r.sum_zero;
      y.put_int(at++,
                std::clamp(rescale(total, r.factor.multiplier, r.factor.shift) + op.out[0]->zero_point(),
                           r.range.min, r.range.max));
    } else if (integers.empty() && row.keeps_numbers) {
      y.put(at++, row.real({}));
    } else {
      y.put_int(at++, row.integer(integers));
    }
  });
}

/// The last axis stays where it is not reduced.
ChannelFlow channel_flow(const Row& row, const Operation& op, OperandIntervals in) {
  const Nests n = nests_of(op);
  const Type &x = *op.in[0], &y = *op.out[0];
  const std::int64_t count = element_count(n.reduced);
  if (x.rank() == 0 || is_reduced(op.attrs<ReduceAttrs>(), x.shape.size() - 1) || count == 0) return {};
  ChannelFlow flow = same_channels(op, {});
  if (in[0].empty()) return flow;
  if (row.keeps_numbers && same_numbers(x, y)) flow.out = in[0];
  if (!is_rescaled(row, op)) return flow;
  const Rescaling r = rescaling_of(op, count, row.name == "reduce_mean");
  if (r.factor.shift > 0 || count > (1 << 14)) return flow;  // sums might wrap
  for (const Interval& each : in[0]) {
    const auto one = [&](std::int64_t element) {
      const auto total = static_cast<std::int32_t>(element * count) - r.sum_zero;
      return std::int64_t{rescale(total, r.factor.multiplier, r.factor.shift)} + y.zero_point();
    };
    flow.out.push_back(clamped({one(each.min), one(each.max)}, r.range));
  }
  return flow;
}

Lowered lower(const Row& row, const Operation& op) {
  const Nests n = nests_of(op);
  const std::int64_t count = element_count(n.reduced);
  const auto kept = loop_nest(n.kept, {n.kept_strides}), reduced = loop_nest(n.reduced, {n.reduced_strides});
  std::string functor(row.functor), members = "{}";
  if (is_rescaled(row, op)) {
    functor = "ReduceQuantized";
    const Rescaling r = rescaling_of(op, count, row.name == "reduce_mean");
    members = list_text(Shape{r.sum_zero, r.factor.multiplier, r.factor.shift, op.out[0]->zero_point(),
                              r.range.min, r.range.max});
  } else if (row.name == "reduce_mean") {
    members = "{" + std::to_string(count) + "}";
  }
  Lowered l{.function = "reduce",
            .params_type = "Reduce<nb::" + functor + ", " + std::to_string(kept.size()) + ", " +
                           std::to_string(reduced.size()) + ">"};
  l.params = {{"f", members}, {"kept", loop_text(kept)}, {"reduced", loop_text(reduced)}};
  l.arguments = {input_arg(0), output_arg(0)};
  return l;
}

std::vector<Sample> samples(const Row& row) {
  std::vector<Sample> all;
  if (row.dtypes.has(DType::f32))
    for (const char* attributes :
         {"axes=[1]", "axes=[0,2], keep_dims=false", "axes=[0,1,2]", "axes=[2]", "axes=[]"})
      all.push_back({"f32[3,4,5]", attributes});
  if (row.dtypes.has(DType::f32)) all.push_back({"f32[2,3,4,2,5]", "axes=[1,3]"});
  if (row.dtypes.has(DType::f64) && !row.is_float32_only) all.push_back({"f64[3,4]", "axes=[0]"});
  if (row.dtypes.has(DType::boolean)) {
    all.push_back({"bool[3,4]", "axes=[1]"});
    all.push_back({"bool[3,4]", "axes=[0], keep_dims=false"});
  }
  if (row.integer != nullptr && row.dtypes.has(DType::i32))
    for (const char* type : {"i8[2,3,4]", "u8[2,3,4]", "i32[2,3,4]", "i64[2,3,4]"})
      all.push_back({type, "axes=[0,2]"});
  if (row.keeps_numbers) all.push_back({"i8[1,5,6,3] q(0.05,-3)", "axes=[1,2]"});
  if (row.rescales) {
    all.push_back({"i8[1,5,6,3] q(0.05,-3)", "axes=[1,2], keep_dims=false", "i8[1,3] q(0.03,4)"});
    all.push_back({"i16[4,50] q(0.0005,0)", "axes=[1]", "i16[4,1] q(0.0004,0)"});
    all.push_back({"u8[4,50] q(0.05,128)", "axes=[1]", "u8[4,1] q(0.4,128)"});
  }
  const std::string dtype = row.dtypes.has(DType::f32) ? "f32" : "bool";
  all.push_back({dtype + "[2,3]", "axes=[2]", "", "attribute-out-of-range"});
  all.push_back({dtype + "[2,3]", "axes=[1,0]", "", "attribute-out-of-range"});
  return all;
}

}  // namespace

std::vector<Block> blocks_of_reduce() {
  std::vector<Block> blocks;
  for (const Row& row : kRows) {
    Block block;
    block.name = row.name;
    block.doc = "y = " + std::string(row.doc) + " over the axes";
    block.inputs = {Operand{"x", row.dtypes}};
    block.outputs = {Operand{"y", row.dtypes}};
    block.attributes = attribute_ops<ReduceAttrs>(kReduceFields);
    block.infer = [&row](const Operation& op) { return infer(row, op); };
    block.reference = [&row](const Operation& op, std::span<const TensorView> in,
                             std::span<const TensorView> out) { reference(row, op, in, out); };
    block.macs = no_macs;
    if (row.rescales || row.keeps_numbers)
      block.quantized_form = [&row](const Operation&) {
        return row.rescales ? QuantizedForm::rounds : QuantizedForm::moves;
      };
    block.kernels = {{"reduce", "reduce/reduce.h",
                      [&row](const Operation& op, const Core&) {
                        const Type &x = *op.in[0], &y = *op.out[0];
                        if (x.dtype == DType::f16 || x.dtype == DType::bf16) return false;
                        if (is_float(x.dtype)) return x.dtype == DType::f32 || !row.is_float32_only;
                        if (x.is_quantized())
                          return is_rescaled(row, op) || (row.keeps_numbers && same_numbers(x, y));
                        return row.integer != nullptr;
                      },
                      [&row](const Operation& op, const Core&) { return lower(row, op); }}};
    block.channel_flow = [&row](const Operation& op, OperandIntervals in) {
      return channel_flow(row, op, in);
    };
    block.samples = samples(row);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace nb
