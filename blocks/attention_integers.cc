#include "blocks/attention_integers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "blocks/attention/attributes.h"
#include "blocks/elements.h"
#include "blocks/integer_functions.h"
#include "blocks/quantized.h"

namespace nb {
namespace {

enum : std::size_t { kQ, kK, kV, kMask };
constexpr std::int64_t kMostKeys = 32768;
/// Scores are below this: the difference to a hidden one is larger than that of any two.
constexpr double kLargestScore = 0x1p29;
/// Units of an octave in the argument of power_of_half, and where it ends.
constexpr int kOctaveBits = 20;
constexpr double kPowerEnd = 0x1p25 - 2;

bool has_float_mask(const Operation& op) { return op.has(kMask) && is_float(op.in[kMask]->dtype); }

/// The largest |q - zero| times the largest |k|.
double largest_product(const Operation& op) {
  if (op.in[kQ]->dtype == DType::i16) return 0x1p30;
  const double zero = op.in[kQ]->zero_point();
  return 128 * std::max(127 - zero, zero + 128);
}

std::vector<std::uint32_t> power_table(DType dtype) {
  if (dtype == DType::i16) return fine_powers();
  std::vector<std::uint32_t> table;
  const auto power = [](int i) { return 2 * 65535 * std::exp2(-i / 128.0); };
  for (int i = 0; i < 128; ++i) {
    const auto fall = static_cast<std::uint32_t>(std::llround(16 * (power(i) - power(i + 1))));
    table.push_back(static_cast<std::uint32_t>(std::llround(power(i))) << 14 | fall);
  }
  return table;
}

/// The mask in 2^-bits octaves, the largest of each of its rows 0.
std::vector<std::int32_t> integer_mask(const Operation& op, int bits) {
  constexpr double kLowest = -0x1p30;
  const auto values = op.constant<float>(kMask);
  const Shape& shape = op.in[kMask]->shape;
  const std::size_t row =
      shape.empty() ? 1 : static_cast<std::size_t>(std::max<std::int64_t>(shape.back(), 1));
  std::vector<std::int32_t> mask;
  for (std::size_t begin = 0; begin < values.size(); begin += row) {
    const auto elements = values.subspan(begin, row);
    const double largest = *std::max_element(elements.begin(), elements.end());
    for (const float element : elements) {
      const double value = (static_cast<double>(element) - largest) * std::ldexp(std::numbers::log2e, bits);
      mask.push_back(std::isinf(element)
                         ? kHiddenScore
                         : static_cast<std::int32_t>(std::nearbyint(std::max(value, kLowest))));
    }
  }
  return mask;
}

}  // namespace

std::optional<Fault> check_attention_integers(const Operation& op, std::int64_t depth, std::int64_t keys) {
  for (std::size_t i = kQ; i <= kV; ++i) {
    if (auto fault = check_quantized(op, i)) return fault;
    if (op.in[i]->quantization->is_per_axis())
      return Fault{Kind::unsupported_feature,
                   "attention of " + type_text(*op.in[i]) + " with a scale per index"};
  }
  if (op.in[kQ]->dtype == DType::i16 && op.in[kQ]->zero_point() != 0)
    return Fault{Kind::unsupported_feature, "attention of int16 queries whose zero point is not 0"};
  if (op.attrs<AttentionAttrs>().softcap > 0)
    return Fault{Kind::unsupported_feature, "attention of integers with a softcap"};
  if (!std::isfinite(op.attrs<AttentionAttrs>().scale))
    return Fault{Kind::attribute_out_of_range, "scale is " + float_text(op.attrs<AttentionAttrs>().scale)};
  if (keys > kMostKeys)
    return Fault{Kind::limit_exceeded, "attention of integers to " + std::to_string(keys) +
                                           " keys, at most " + std::to_string(kMostKeys)};
  if (op.in[kQ]->dtype == DType::i8 && largest_product(op) * static_cast<double>(depth) >= kLargestScore)
    return Fault{Kind::limit_exceeded,
                 "attention of integers with " + std::to_string(depth) + " features, at most 16000"};
  if (!has_float_mask(op)) return std::nullopt;
  if (!op.is_constant(kMask))
    return Fault{Kind::unsupported_feature,
                 "attention of integers whose float mask is computed when running"};
  for (const float value : op.constant<float>(kMask))
    if (std::isnan(value) || (std::isinf(value) && value > 0))
      return Fault{Kind::unsupported_feature,
                   "attention of integers with a mask that has " + float_text(value)};
  return std::nullopt;
}

AttentionIntegers attention_integers(const Operation& op, const Attention& shape) {
  const Type &q = *op.in[kQ], &k = *op.in[kK], &v = *op.in[kV], &y = *op.out[0];
  const bool is_narrow = q.dtype == DType::i8;
  AttentionIntegers integers{.params = {.batch = shape.batch,
                                        .heads = shape.heads,
                                        .group = shape.group,
                                        .queries = shape.queries,
                                        .keys = shape.keys,
                                        .depth = shape.depth,
                                        .value_depth = shape.value_depth,
                                        .q = shape.q,
                                        .k = shape.k,
                                        .v = shape.v,
                                        .y = shape.y,
                                        .mask = shape.mask,
                                        .left = shape.left,
                                        .right = shape.right,
                                        .offset = shape.offset,
                                        .blind = shape.blind,
                                        .q_zero = q.zero_point(),
                                        .out_zero = y.zero_point(),
                                        .score_shift = 0,
                                        .sign = shape.scale < 0 ? -1 : 1},
                             .table = power_table(q.dtype)};
  AttentionQuantized& p = integers.params;
  const auto real = [](const Type& type) { return static_cast<double>(type.scale()); };

  double largest = largest_product(op) * shape.depth;
  while (std::ldexp(largest, -p.score_shift) >= kLargestScore) ++p.score_shift;
  largest = std::ldexp(largest, -p.score_shift);
  const double octaves =
      std::ldexp(std::fabs(static_cast<double>(shape.scale)) * real(q) * real(k) * std::numbers::log2e,
                 p.score_shift);  // of a score
  double power_factor = std::ldexp(octaves, kOctaveBits);
  if (has_float_mask(op)) {
    int bits = kOctaveBits;
    while (bits > -1000 && std::ldexp(largest * octaves, bits) > 0x1p28) --bits;
    const HighFactor f = high_factor(std::ldexp(octaves, bits));
    p.mask_left = f.left, p.mask_multiplier = f.multiplier;
    power_factor = std::ldexp(1.0, kOctaveBits - bits);
    integers.mask = integer_mask(op, bits);
  }
  p.power_limit = static_cast<std::int32_t>(std::min(kPowerEnd / power_factor, 0x1p30 - 1));
  const HighFactor power = high_factor(power_factor);
  p.power_left = power.left, p.power_multiplier = power.multiplier;

  const int bits = is_narrow ? 8 : 16;
  const double ratio = real(v) / real(y);
  p.out_shift = is_narrow ? 20 : 14;
  while (p.out_shift > 0 && std::ldexp(ratio, p.out_shift + bits) > 0x1p30) --p.out_shift;
  integers.is_exact &= p.out_shift >= 2;
  const double numerator = std::min(std::ldexp(ratio, 32 + bits + p.out_shift), 0x1p62);
  const auto factor = static_cast<std::uint64_t>(numerator);
  p.factor_high = static_cast<std::int32_t>(factor >> 32);
  p.factor_low = static_cast<std::int32_t>(static_cast<std::uint32_t>(factor));
  const double offset = std::ldexp(y.zero_point() + 0.5 - v.zero_point() * ratio, p.out_shift);
  p.out_offset = static_cast<std::int32_t>(std::nearbyint(std::clamp(offset, -0x1p30, 0x1p30)));
  return integers;
}

std::string attention_function(const Operation& op, bool keeps) {
  const bool is_narrow = op.in[kQ]->dtype == DType::i8;
  const std::string element = is_narrow ? "int8_t" : "int16_t";
  const auto& a = op.attrs<AttentionAttrs>();
  const bool has_few = is_narrow && op.in[kK]->shape[a.k_axes.find('t')] <= kAttentionKeys;
  return "attention_quantized<" + element + (has_few ? ", int32_t" : ", int64_t") +
         (has_float_mask(op) ? ", int32_t" : ", uint8_t") + (keeps ? ", true>" : ">");
}

void add_attention_params(const AttentionIntegers& integers, std::vector<Param>& params) {
  const AttentionQuantized& p = integers.params;
  for (const auto& [name, value] :
       {std::pair{"q_zero", p.q_zero}, std::pair{"out_zero", p.out_zero},
        std::pair{"score_shift", p.score_shift}, std::pair{"sign", p.sign},
        std::pair{"mask_left", p.mask_left}, std::pair{"mask_multiplier", p.mask_multiplier},
        std::pair{"power_limit", p.power_limit}, std::pair{"power_left", p.power_left},
        std::pair{"power_multiplier", p.power_multiplier}, std::pair{"factor_high", p.factor_high},
        std::pair{"factor_low", p.factor_low}, std::pair{"out_shift", p.out_shift},
        std::pair{"out_offset", p.out_offset}})
    params.push_back({name, std::to_string(value)});
}

void attention_reference(const AttentionIntegers& integers, std::span<const TensorView> in,
                         std::span<const TensorView> out) {
  const AttentionQuantized& p = integers.params;
  const Elements q(in[kQ]), k(in[kK]), v(in[kV]), y(out[0]);
  const IntRange range = dtype_range(y.dtype);
  const int bits = y.dtype == DType::i8 ? 8 : 16;
  std::vector<std::int64_t> values(static_cast<std::size_t>(p.keys));
  each_index(
      Shape{p.batch, p.heads, p.queries}, {Shape{1, 0, 0}, Shape{0, 1, 0}, Shape{0, 0, 1}}, [&](auto at) {
        const std::int64_t b = at[0], h = at[1], i = at[2];
        const KeyRange seen = keys_of_query(p, static_cast<std::int32_t>(i));
        std::int32_t largest = kHiddenScore;
        const auto mask_row = static_cast<std::size_t>(b * p.mask.b + h * p.mask.h + i * p.mask.q);
        const std::uint8_t* mask = integers.mask.empty() && in.size() > kMask && in[kMask].type != nullptr
                                       ? in[kMask].as<std::uint8_t>().data() + mask_row
                                       : nullptr;
        const bool is_blind = mask != nullptr && p.blind != kBlindZeros && hides_all(mask, p.mask.k, seen);
        for (std::int64_t j = seen.begin; j < seen.end; ++j) {
          std::int64_t sum = 0;
          for (std::int64_t d = 0; d < p.depth; ++d)
            sum += static_cast<std::int64_t>(
                (q.get_int(b * p.q.b + h * p.q.h + i * p.q.t + d * p.q.d) - p.q_zero) *
                k.get_int(b * p.k.b + h / p.group * p.k.h + j * p.k.t + d * p.k.d));
          auto score = static_cast<std::int32_t>(sum >> p.score_shift) * p.sign;
          if (!integers.mask.empty())
            score = masked_score(p, score, integers.mask[mask_row + static_cast<std::size_t>(j * p.mask.k)]);
          else if (is_blind && p.blind == kBlindMean)
            score = 0;
          else if (mask != nullptr && !is_blind)
            score = masked_score(p, score, mask[j * p.mask.k]);
          values[static_cast<std::size_t>(j)] = score;
          largest = std::max(largest, score);
        }
        std::uint64_t sum = 0;
        for (std::int64_t j = seen.begin; j < seen.end; ++j) {
          std::int64_t& value = values[static_cast<std::size_t>(j)];
          const auto below = static_cast<std::uint32_t>(largest - value);
          if (largest == kHiddenScore)
            value = 0;
          else if (y.dtype == DType::i8)
            value = attention_power<std::int8_t>(power_scale(p), below, integers.table.data());
          else
            value = attention_power<std::int16_t>(power_scale(p), below, integers.table.data());
          sum += static_cast<std::uint64_t>(value);
        }
        const AttentionFactor factor = attention_factor(p, sum, bits);
        for (std::int64_t d = 0; d < p.value_depth; ++d) {
          std::int64_t total = 0;
          for (std::int64_t j = seen.begin; j < seen.end; ++j)
            total +=
                values[static_cast<std::size_t>(j)] *
                static_cast<std::int64_t>(v.get_int(b * p.v.b + h / p.group * p.v.h + j * p.v.t + d * p.v.d));
          y.put_int(
              b * p.y.b + h * p.y.h + i * p.y.t + d * p.y.d,
              std::clamp(factor.factor == 0 ? p.out_zero
                                            : attention_output({p.out_offset, p.out_shift}, factor, total),
                         range.min, range.max));
        }
      });
}

}  // namespace nb
