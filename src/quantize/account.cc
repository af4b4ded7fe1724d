#include "quantize/account.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/error_sums.h"
#include "base/text.h"
#include "blocks/quantized.h"
#include "quantize/equalize.h"

namespace nb {
namespace {

constexpr std::size_t kMostSamples = 32;

/// The reals that integers of this type reach.
RealRange reach_of(const Type& type) {
  const IntRange range = dtype_range(type.dtype);
  const auto scale = static_cast<double>(type.scale());
  return {static_cast<float>((range.min - type.zero_point()) * scale),
          static_cast<float>((range.max - type.zero_point()) * scale)};
}

/// The part of the elements that lies more than a step outside of what the integers reach.
double saturated_share(const Type& type, const Observation& seen) {
  if (seen.kept.empty()) return 0;
  const RealRange reach = reach_of(type);
  const auto outside = std::count_if(seen.kept.begin(), seen.kept.end(), [&](float real) {
    return real < reach.min - type.scale() || real > reach.max + type.scale();
  });
  return static_cast<double>(outside) / static_cast<double>(seen.kept.size());
}

/// Why a value has its numbers.
std::string reason_of(const QuantizedValue& value, const Observation& seen, std::size_t members) {
  const bool is_fixed = value.observer == Observer::fixed, is_wide = value.type.dtype == DType::i16;
  std::string text = is_fixed  ? "the range of its operator's integers"
                     : is_wide ? "the largest value seen"
                               : std::string(observer_name(value.observer));
  if (is_fixed && (value.seen_min < value.least || value.seen_max > value.most))
    text += "; what lies outside saturates, " + share_text(saturated_share(value.type, seen)) +
            " of what was seen";
  if (members > 1) text += "; " + count_text(members, "value") + " share it";
  return text;
}

/// Why a value has 16 bits in a model that also has eight; empty if nothing is special.
std::string reason_of_wide(const Graph& graph, const NumberPlan& plan, const Value& value, int maker,
                           const std::vector<bool>& is_front) {
  const auto has = [&](DType dtype) {
    return std::find(plan.formats.begin(), plan.formats.end(), dtype) != plan.formats.end();
  };
  if (!has(DType::i8)) return {};
  if (maker < 0)
    return value.source == Source::state ? "a state: 16 bits, so that rounding does not build up"
                                         : "16 bits, as a layer that reads it computes";
  const auto n = static_cast<std::size_t>(maker);
  if (plan.formats[n] == DType::i8) return "a state: 16 bits, so that rounding does not build up";
  if (is_front[n]) return "before the first weights: 16 bits, since eight of an input's are too few";
  return "its layer `" + graph.nodes[n].name + "` computes in 16 bits";
}

/// The row of what an input is scaled to, as one of the input.
void describe(const ScaledInput& input, const Graph& graph, const std::vector<Observation>& seen,
              QuantizedValue& row) {
  const Value& x = graph.at(input.x);
  row.name = row.layer = x.name;
  row.block = "";
  row.type = input.type(x.type.shape, row.type.dtype);
  row.seen_min = seen[input.x.index()].min, row.seen_max = seen[input.x.index()].max;
  row.least = std::numeric_limits<float>::infinity(), row.most = -row.least;
  const IntRange range = dtype_range(row.type.dtype);
  const Quantization& q = *row.type.quantization;
  for (std::size_t c = 0; c < q.scales.size(); ++c) {
    row.least = std::min(row.least, static_cast<float>(range.min - q.zero_points[c]) * q.scales[c]);
    row.most = std::max(row.most, static_cast<float>(range.max - q.zero_points[c]) * q.scales[c]);
  }
  row.reason =
      q.is_per_axis() ? "a scale for each of " + count_text(q.scales.size(), "channel") : "one scale";
  if (input.has_front) row.reason += "; the model's own normalization is part of it";
}

}  // namespace

std::string share_text(double share) {
  constexpr double kWhole = 0.095, kLeast = 0.001;  // from which on a digit behind the point says no more
  if (!(share > 0)) return "none";
  if (share < kLeast) return "less than 0.1 %";
  const double digits = share < kWhole ? 10 : 1;
  return float_text(static_cast<float>(std::round(100 * share * digits) / digits)) + " %";
}

std::vector<SaturatedValue> saturated_values(const Graph& graph, const NumberPlan& plan,
                                             const std::vector<Observation>& seen) {
  constexpr double kLeastShare = 0.001;
  const std::vector<std::optional<DType>> dtypes = integer_dtypes(graph, plan);
  const std::vector<int> made_by = graph.producers();
  std::vector<SaturatedValue> found;
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (!dtypes[v] || made_by[v] < 0 || plan.ranges.of[v]->of(*dtypes[v]).observer != Observer::fixed)
      continue;
    const Type type = plan.ranges.of[v]->type(graph.values[v].type.shape, *dtypes[v]);
    const double share = saturated_share(type, seen[v]);
    if (share < kLeastShare) continue;
    const Node& node = graph.nodes[static_cast<std::size_t>(made_by[v])];
    const RealRange reach = reach_of(type);
    found.push_back({node.name, std::string(node.block->name), type.dtype, reach.min, reach.max, share});
  }
  return found;
}

std::vector<QuantizedValue> account_of(const Graph& graph, const Graph& rounded, const BlockSet& blocks,
                                       const Samples& set, const NumberPlan& plan,
                                       const std::vector<Observation>& seen) {
  const std::vector<std::optional<DType>> dtypes = integer_dtypes(graph, plan);
  const std::size_t count = std::min(set.count, kMostSamples);
  const Samples part = part_of(graph, set, count);
  std::vector<std::vector<std::vector<float>>> wanted(count);
  const bool is_known = run_samples(graph, part, [&](std::size_t sample, const Interpreter& at) {
    for (std::size_t v = 0; v < graph.values.size(); ++v)
      wanted[sample].push_back(dtypes[v] ? at.reals(ValueId(v)) : std::vector<float>());
  });
  if (!is_known) return {};
  std::vector<ErrorSums> sums(graph.values.size());
  NumberPlan with_float_ends = plan;
  with_float_ends.has_float_ends = true;
  const Graph made = annotated(graph, rounded, blocks, with_float_ends);
  const bool is_whole = run_samples(made, part, [&](std::size_t sample, const Interpreter& at) {
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      if (!dtypes[v]) continue;
      // It is the value before its own quantizer.
      const DType dtype = *dtypes[v];
      const Quantization q = numbers_of(plan.ranges.of[v]->of(dtype), dtype);
      std::vector<float> found = at.reals(ValueId(v));
      for (float& real : found)
        real = static_cast<float>((integer_of(static_cast<double>(real), q, dtype) - q.zero_points[0]) *
                                  static_cast<double>(q.scales[0]));
      sums[v].add(found, wanted[sample][v]);
    }
  });
  if (!is_whole) return {};
  const std::vector<int> made_by = graph.producers();
  const std::vector<bool> is_front = front_of(graph);
  std::vector<std::size_t> group_of(graph.values.size(), plan.ranges.groups.size());
  std::vector<std::size_t> members_of(plan.ranges.groups.size() + 1, 0);
  for (std::size_t g = 0; g < plan.ranges.groups.size(); ++g)
    for (const ValueId id : plan.ranges.groups[g].values) {
      if (dtypes[id.index()] != DType::i8) continue;
      group_of[id.index()] = g;
      ++members_of[g];
    }
  std::unordered_map<std::size_t, std::size_t> row_of;  // by group
  std::vector<QuantizedValue> account;
  for (const ValueId id : graph.text_order()) {
    const std::size_t v = id.index();
    if (!dtypes[v]) continue;
    const Value& value = graph.at(id);
    const Node* node = made_by[v] < 0 ? nullptr : &graph.nodes[static_cast<std::size_t>(made_by[v])];
    QuantizedValue row;
    row.name = value.name;
    row.layer = node != nullptr ? node->name : value.name;
    row.block = node != nullptr ? node->block->name : "";
    row.type = plan.ranges.of[v]->type(value.type.shape, *dtypes[v]);
    row.observer = plan.ranges.of[v]->of(*dtypes[v]).observer;
    row.seen_min = seen[v].min, row.seen_max = seen[v].max;
    const RealRange reach = reach_of(row.type);
    row.least = reach.min, row.most = reach.max;
    const std::size_t group = group_of[v];
    const std::size_t members = group < plan.ranges.groups.size() ? members_of[group] : 1;
    row.reason = row.type.dtype == DType::i16 ? reason_of_wide(graph, plan, value, made_by[v], is_front) : "";
    if (row.reason.empty()) row.reason = reason_of(row, seen[v], members);
    if (value.name.ends_with(kEqualized))
      row.reason += "; its channels are scaled to suit the weights behind";
    for (const ScaledInput& input : plan.ranges.inputs)
      if (input.z == id) describe(input, graph, seen, row);
    row.snr_db = sums[v].signal_to_noise_db().value_or(std::numeric_limits<double>::infinity());
    row.cosine = sums[v].cos().value_or(1);
    if (members < 2) {
      account.push_back(std::move(row));
      continue;
    }
    // One row for all that share numbers, under the layer that makes the first; its figures are those behind
    // the last bend, since what a bend cuts off may saturate.
    const auto [place, is_first] = row_of.emplace(group, account.size());
    if (is_first) {
      account.push_back(std::move(row));
      continue;
    }
    QuantizedValue& first = account[place->second];
    if (row.snr_db <= first.snr_db) continue;
    first.snr_db = row.snr_db, first.cosine = row.cosine;
    first.seen_min = row.seen_min, first.seen_max = row.seen_max;
  }
  return account;
}

}  // namespace nb
