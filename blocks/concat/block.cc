// concat: all there is to know about it.
#include <algorithm>

#include "blocks/blocks.h"
#include "blocks/channels.h"
#include "blocks/concat/attributes.h"
#include "blocks/core/requantize.h"
#include "blocks/elements.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

struct Concatenation {
  static constexpr std::string_view name = "concat";
  static constexpr std::string_view doc =
      "y = the inputs one after the other along the axis; all other dimensions agree";
  using Attrs = ConcatAttrs;
  static constexpr auto fields = kConcatFields;
  static constexpr QuantizedForm quantized_form = QuantizedForm::moves;
  static constexpr std::array inputs = {Operand{"x", kAnyDType, Arity::variadic}};
  static constexpr std::array outputs = {Operand{"y"}};

  static Checked<std::vector<Type>> infer(const Operation& op) {
    if (op.in.empty()) return Fault{Kind::invalid_model, "concat of nothing"};
    Type y = *op.in[0];
    const auto axis = checked_axis(op.attrs<Attrs>().axis, y.rank());
    if (!axis) return axis.fault();
    const auto along = static_cast<std::size_t>(*axis);
    bool same = !y.quantization || !y.quantization->is_per_axis();
    for (std::size_t i = 1; i < op.in.size(); ++i) {
      const Type& x = *op.in[i];
      if (x.dtype != y.dtype)
        return Fault{Kind::dtype_mismatch, type_text(*op.in[0]) + " and " + type_text(x)};
      Shape expected = y.shape;
      if (x.shape.size() == expected.size()) expected[along] = x.shape[along];
      if (x.shape != expected)
        return Fault{Kind::shape_mismatch, type_text(*op.in[0]) + " and " + type_text(x) +
                                               " differ beside axis " + std::to_string(along)};
      if (__builtin_add_overflow(y.shape[along], x.shape[along], &y.shape[along]))
        return Fault{Kind::limit_exceeded, "the axis is too long"};
      same = same && same_numbers(x, *op.in[0]);
    }
    if (!same) y.quantization.reset();
    return std::vector{std::move(y)};
  }

  static bool rescales(const Operation& op) {
    return std::any_of(op.in.begin(), op.in.end(), [&](const Type* x) {
      return x->is_quantized() && op.out[0]->is_quantized() && x->quantization != op.out[0]->quantization;
    });
  }
  static FixedPoint factor(const Operation& op, const Type& x) {
    return fixed_point(static_cast<double>(x.scale()) / static_cast<double>(op.out[0]->scale()), op.rounding);
  }

  static void reference(const Operation& op, std::span<const TensorView> in,
                        std::span<const TensorView> out) {
    const Elements y(out[0]);
    const Type& to = *op.out[0];
    const AxisSplit whole = split_at(to.shape, *checked_axis(op.attrs<Attrs>().axis, to.rank()));
    const bool requantizes = rescales(op);
    const IntRange range = dtype_range(to.dtype);
    std::int64_t offset = 0;
    for (const TensorView& view : in) {
      const Elements x(view);
      const Type& from = *view.type;
      const std::int64_t row =
          split_at(from.shape, *checked_axis(op.attrs<Attrs>().axis, to.rank())).size * whole.inner;
      for (std::int64_t k = 0; k < whole.outer; ++k)
        for (std::int64_t j = 0; j < row; ++j) {
          const std::int64_t at = k * whole.size * whole.inner + offset + j;
          if (requantizes) {
            const FixedPoint f = factor(op, from);
            const auto q = static_cast<std::int32_t>(x.get_int(k * row + j)) - from.zero_point();
            y.put_int(at,
                      std::clamp(rescale(q, f.multiplier, f.shift) + to.zero_point(), range.min, range.max));
          } else {
            y.copy(at, x, k * row + j);
          }
        }
      offset += row;
    }
  }
  static std::int64_t macs(const Operation& op) { return no_macs(op); }

  static Lowered lower(const Operation& op, const Core&) {
    const Type& y = *op.out[0];
    const std::int64_t axis = *checked_axis(op.attrs<Attrs>().axis, y.rank());
    const AxisSplit whole = split_at(y.shape, axis);
    const bool requantizes = rescales(op);
    const std::string count = std::to_string(op.in.size());
    Lowered l{.function = requantizes ? "concat_quantized" : "concat",
              .params_type = (requantizes ? "ConcatQuantized<" : "Concat<") + count + ">"};
    l.arguments = {output_arg(0)};
    Shape rows;
    std::string parts;
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      l.arguments.push_back(input_arg(i));
      const std::int64_t row = split_at(op.in[i]->shape, axis).size * whole.inner;
      rows.push_back(row * dtype_bytes(y.dtype));
      if (!requantizes) continue;
      const FixedPoint f = factor(op, *op.in[i]);
      parts += (i == 0 ? "" : ", ") + list_text(Shape{row, op.in[i]->zero_point(), f.multiplier, f.shift});
    }
    l.params = {{"outer", std::to_string(whole.outer)}};
    if (requantizes) {
      const IntRange range = dtype_range(y.dtype);
      l.params.push_back({"out_zero", std::to_string(y.zero_point())});
      l.params.push_back({"out_min", std::to_string(range.min)});
      l.params.push_back({"out_max", std::to_string(range.max)});
      l.params.push_back({"parts", "{" + parts + "}"});
    } else {
      l.params.push_back({"row_bytes", list_text(rows)});
    }
    return l;
  }
  static ChannelFlow channel_flow(const Operation& op, OperandIntervals in) {
    const Type& y = *op.out[0];
    const std::int64_t axis = *checked_axis(op.attrs<Attrs>().axis, y.rank());
    const std::int64_t channels = y.shape.back();
    const bool is_last = axis + 1 == y.rank(), requantizes = rescales(op);
    const auto rescaled = [&](Interval x, const Type& from) {
      const FixedPoint f = factor(op, from);
      if (f.shift > 0) return Interval{dtype_range(y.dtype).min, dtype_range(y.dtype).max};
      const auto one = [&](std::int64_t q) {
        return std::int64_t{
                   rescale(static_cast<std::int32_t>(q) - from.zero_point(), f.multiplier, f.shift)} +
               y.zero_point();
      };
      return clamped({one(x.min), one(x.max)}, dtype_range(y.dtype));
    };
    ChannelFlow flow{.form = ChannelFlow::Form::keeps};
    std::int64_t first = 0;
    bool is_known = true;
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      const std::int64_t begin = is_last ? first : 0, end = begin + op.in[i]->shape.back();
      first = end;
      flow.sources.emplace_back(channels, -1);
      is_known = is_known && !in[i].empty();
      for (std::int64_t c = begin; c < end; ++c) {
        flow.sources[i][c] = c - begin;
        if (!is_known) continue;
        const Interval x = requantizes ? rescaled(in[i][c - begin], *op.in[i]) : in[i][c - begin];
        if (is_last || i == 0)
          flow.out.push_back(x);
        else
          flow.out[c] = merged(flow.out[c], x);
      }
    }
    if (!is_known) flow.out.clear();
    return flow;
  }
  static std::vector<Kernel> kernels() {
    return {{"concat", "concat/concat.h",
             [](const Operation& op, const Core&) {
               return !rescales(op) || std::all_of(op.in.begin(), op.in.end(),
                                                   [](const Type* x) { return is_quantized_int(*x); });
             },
             lower}};
  }
  static std::vector<Sample> samples() {
    return {
        {"f32[2,3]; f32[2,1]; f32[2,4]", "axis=1"},
        {"i8[1,2,2,3] q(0.5,-1); i8[1,2,2,2] q(0.5,-1)", "axis=3"},
        {"i8[1,2,30] q(0.5,-1); i8[1,2,20] q(0.25,3); i8[1,2,10] q(0.4,0)", "axis=2", "i8[1,2,60] q(0.4,0)"},
        {"i16[2,3] q(0.01,0); i16[1,3] q(0.02,0)", "axis=0", "i16[3,3] q(0.015,0)"},
        {"i64[3]; i64[0]; i64[2]", "axis=0"},
        {"bool[2,1,2]", "axis=1"},
        {"f32[2,3]; f32[3,3]", "axis=1", "", "shape-mismatch"},
        {"f32[2,3]; i8[2,3] q(1,0)", "axis=1", "", "dtype-mismatch"},
        {"f32[2,3]; f32[2,3]", "axis=2", "", "attribute-out-of-range"}};
  }
};

}  // namespace

std::vector<Block> blocks_of_concat() { return {define<Concatenation>()}; }

}  // namespace nb
