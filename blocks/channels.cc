#include "blocks/channels.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "blocks/core/requantize.h"
#include "blocks/elements.h"

namespace nb {
namespace {

std::vector<std::int64_t> identity_sources(std::int64_t channels) {
  std::vector<std::int64_t> sources(static_cast<std::size_t>(channels));
  std::iota(sources.begin(), sources.end(), 0);
  return sources;
}

bool is_small_int(DType dtype) { return dtype == DType::i8 || dtype == DType::u8 || dtype == DType::i16; }

/// The block's reference with each operand as a row of these integers.
std::vector<std::int64_t> evaluate_rows(const Operation& op,
                                        const std::vector<std::vector<std::int64_t>>& rows) {
  const auto count = static_cast<std::int64_t>(rows[0].size());
  std::vector<Type> types;
  std::vector<Bytes> bytes;
  std::vector<TensorView> views;
  types.reserve(op.in.size() + 1);
  Operation row = op;
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    types.push_back({op.in[i]->dtype, {count}, op.in[i]->quantization});
    bytes.emplace_back(static_cast<std::size_t>(types.back().size_bytes()));
    row.in[i] = &types[i];
    row.data[i] = nullptr;
    const Elements x({&types[i], bytes[i].data()});
    for (std::int64_t k = 0; k < count; ++k) x.put_int(k, rows[i][static_cast<std::size_t>(k)]);
  }
  for (std::size_t i = 0; i < op.in.size(); ++i) views.push_back({&types[i], bytes[i].data()});
  types.push_back({op.out[0]->dtype, {count}, op.out[0]->quantization});
  row.out = {&types.back()};
  Bytes result(static_cast<std::size_t>(types.back().size_bytes()));
  const TensorView out{&types.back(), result.data()};
  op.block->reference(row, views, {&out, 1});
  const Elements y(out);
  std::vector<std::int64_t> values;
  for (std::int64_t k = 0; k < count; ++k) values.push_back(static_cast<std::int64_t>(y.get_int(k)));
  return values;
}

/// Whether each operand is there, in small integers of one scale or none, and its intervals are known.
bool is_known(const Operation& op, OperandIntervals in) {
  const auto has_one_scale = [](const Type& type) {
    return is_small_int(type.dtype) && (!type.quantization || !type.quantization->is_per_axis());
  };
  for (std::size_t i = 0; i < op.in.size(); ++i)
    if (op.in[i] == nullptr || !has_one_scale(*op.in[i]) || in[i].empty()) return false;
  return !op.in.empty() && op.out.size() == 1 && has_one_scale(*op.out[0]);
}

/// Extremes of f over the operand's intervals, f given at each of its dtype's 256 numbers.
ChannelIntervals looked_up(const Operation& op, const ChannelIntervals& in) {
  const IntRange range = dtype_range(op.in[0]->dtype);
  std::vector<std::int64_t> numbers(256);
  std::iota(numbers.begin(), numbers.end(), range.min);
  const auto table = evaluate_rows(op, {numbers});
  ChannelIntervals out;
  for (const Interval& x : in) {
    const auto [low, high] =
        std::minmax_element(table.begin() + (x.min - range.min), table.begin() + (x.max - range.min) + 1);
    out.push_back({*low, *high});
  }
  return out;
}

}  // namespace

ChannelIntervals full_intervals(DType dtype, std::int64_t channels) {
  const IntRange range = dtype_range(dtype);
  return ChannelIntervals(static_cast<std::size_t>(channels), Interval{range.min, range.max});
}

Interval clamped(Interval x, IntRange range) {
  return {std::clamp<std::int64_t>(x.min, range.min, range.max),
          std::clamp<std::int64_t>(x.max, range.min, range.max)};
}

Interval merged(Interval a, Interval b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }

ChannelFlow same_channels(const Operation& op, ChannelIntervals out) {
  return {.form = ChannelFlow::Form::keeps,
          .out = std::move(out),
          .sources = {identity_sources(op.out[0]->shape.back())}};
}

ChannelFlow elementwise_channels(const Operation& op, OperandIntervals in) {
  if (op.out.size() != 1 || op.out[0]->rank() == 0) return {};
  const std::int64_t channels = op.out[0]->shape.back();
  ChannelFlow flow{.form = ChannelFlow::Form::keeps};
  for (const Type* x : op.in) {
    if (x == nullptr)
      flow.sources.emplace_back();
    else if (x->rank() > 0 && x->shape.back() == channels)
      flow.sources.push_back(identity_sources(channels));
    else
      flow.sources.emplace_back(static_cast<std::size_t>(channels), -1);
  }
  if (!is_known(op, in)) return flow;
  if (op.in.size() == 1 && op.in[0]->dtype != DType::i16 && op.in[0]->shape == op.out[0]->shape) {
    flow.out = looked_up(op, in[0]);
    return flow;
  }
  const auto interval = [&](std::size_t i, std::size_t c) { return in[i][flow.sources[i][c] < 0 ? 0 : c]; };
  std::vector<std::vector<std::int64_t>> rows(op.in.size());
  std::vector<std::size_t> fixed;
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    bool is_fixed = true;
    for (std::size_t i = 0; i < op.in.size(); ++i) is_fixed = is_fixed && interval(i, c).is_one_number();
    if (!is_fixed) continue;
    fixed.push_back(c);
    for (std::size_t i = 0; i < op.in.size(); ++i) rows[i].push_back(interval(i, c).min);
  }
  if (fixed.empty()) return flow;
  flow.out = full_intervals(op.out[0]->dtype, channels);
  const auto values = evaluate_rows(op, rows);
  for (std::size_t k = 0; k < fixed.size(); ++k) flow.out[fixed[k]] = {values[k], values[k]};
  return flow;
}

bool sees_padding(const Window2d& w) {
  const auto last = [](std::int64_t out, std::int64_t stride, std::int64_t pad, std::int64_t kernel,
                       std::int64_t dilation) { return (out - 1) * stride - pad + (kernel - 1) * dilation; };
  return w.pad.h > 0 || w.pad.w > 0 ||
         last(w.out.h, w.stride.h, w.pad.h, w.kernel.h, w.dilation.h) >= w.in.h ||
         last(w.out.w, w.stride.w, w.pad.w, w.kernel.w, w.dilation.w) >= w.in.w;
}

Interval rescaled_interval(const Operation& op, Interval sum, std::size_t o, const ChannelFactors& factors,
                           IntRange range) {
  const Interval anything{range.min, range.max};
  const bool is_wide = op.in[0]->dtype == DType::i16 && op.has(2) && op.in[2]->dtype == DType::i64;
  const std::int64_t bias = !op.has(2) ? 0
                            : is_wide  ? op.constant<std::int64_t>(2)[o]
                                       : op.constant<std::int32_t>(2)[o];
  // Beyond these bounds numbers wrap around, and the order of results is not that of sums.
  const int shift = factors.shift[o];
  const int bits = std::min(31 - (is_wide ? shift : std::max(shift, 0)), 46);
  const Wide bound = Wide{1} << bits;
  if (shift > 14 || Wide{sum.min} + bias < -bound || Wide{sum.max} + bias >= bound) return anything;
  const auto result = [&](std::int64_t total) {
    const std::int32_t scaled = is_wide
                                    ? rescale64(total, factors.multiplier[o], shift)
                                    : rescale(static_cast<std::int32_t>(total), factors.multiplier[o], shift);
    return std::int64_t{scaled} + op.out[0]->zero_point();
  };
  const Interval y{result(sum.min + bias), result(sum.max + bias)};
  constexpr IntRange kInt32 = {std::numeric_limits<std::int32_t>::min(),
                               std::numeric_limits<std::int32_t>::max()};
  return clamped(y, kInt32) == y ? clamped(y, range) : anything;
}

bool has_known_sums(const Operation& op, OperandIntervals in) {
  const Type &x = *op.in[0], &w = *op.in[1], &y = *op.out[0];
  const auto is_zero = [](std::int32_t zero) { return zero == 0; };
  return (x.dtype == DType::i8 || x.dtype == DType::i16) && is_quantized_int(x) && y.dtype == x.dtype &&
         is_quantized_int(y) && w.dtype == DType::i8 && w.is_quantized() &&
         std::all_of(w.quantization->zero_points.begin(), w.quantization->zero_points.end(), is_zero) &&
         is_packable(op) && !in[0].empty() && w.elements() > 0;
}

ChannelIntervals terms_of(const Operation& op, OperandIntervals in, bool with_padding) {
  ChannelIntervals terms;
  for (const Interval& x : in[0]) {
    const Interval term{x.min - op.in[0]->zero_point(), x.max - op.in[0]->zero_point()};
    terms.push_back(with_padding ? merged(term, {0, 0}) : term);
  }
  return terms;
}

ChannelFlow mixed_channels(const Operation& op, OperandIntervals in, std::int64_t groups, bool with_padding,
                           IntRange range) {
  if (!has_known_sums(op, in)) return {};
  const Shape& shape = op.in[1]->shape;
  const auto outs = static_cast<std::size_t>(shape.front()), depth = static_cast<std::size_t>(shape.back());
  const std::size_t row = outs == 0 ? 0 : static_cast<std::size_t>(element_count(shape)) / outs;
  const auto w = op.constant<std::int8_t>(1);
  const ChannelIntervals terms = terms_of(op, in, with_padding);
  const ChannelFactors factors = channel_factors(op, shape.front());
  ChannelFlow flow{.form = groups == 1 ? ChannelFlow::Form::mixes : ChannelFlow::Form::opaque,
                   .sees_padding = with_padding};
  for (std::size_t o = 0; o < outs; ++o) {
    const std::size_t first = o / (outs / static_cast<std::size_t>(groups)) * depth;
    Interval sum{0, 0};
    for (std::size_t k = 0; k < row; ++k) {
      const Interval product = times(terms[first + k % depth], w[o * row + k]);
      sum = {sum.min + product.min, sum.max + product.max};
    }
    flow.out.push_back(rescaled_interval(op, sum, o, factors, range));
  }
  return flow;
}

}  // namespace nb
