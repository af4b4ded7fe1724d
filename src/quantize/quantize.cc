#include "quantize/quantize.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "quantize/refine.h"
#include "quantize/search.h"

namespace nb {
namespace {

constexpr std::size_t kFewSamples = 16;
constexpr double kCollapsed = 0.1;  // squared error over square: 10 dB

/// What makes calibration data useless, input by input.
Status check_samples(const Graph& graph, const Samples& set, Diagnostics& diagnostics) {
  const auto refuse = [&](std::string message, std::string help) {
    diagnostics.add({.kind = Kind::bad_calibration, .message = std::move(message), .help = std::move(help)});
  };
  const std::size_t errors = diagnostics.error_count();
  std::size_t first = 0;
  for (const ValueId id : graph.inputs) {
    const Value& input = graph.at(id);
    const auto size = static_cast<std::size_t>(input.type.size_bytes());
    if (input.type.dtype == DType::f32) {
      float least = INFINITY, most = -INFINITY;
      for (std::size_t n = 0; n < set.count; ++n) {
        const auto* x = reinterpret_cast<const float*>(set.sample(n).data() + first);
        for (std::size_t i = 0; i < size / sizeof(float); ++i) {
          if (!std::isfinite(x[i])) {
            refuse("sample " + std::to_string(n) + " of input `" + input.name + "` holds " +
                       float_text(x[i]) + " at element " + std::to_string(i),
                   "calibration samples are what the model sees in use: finite numbers");
            return kFailed;
          }
          least = std::min(least, x[i]);
          most = std::max(most, x[i]);
        }
      }
      if (size > 0 && least == most)
        refuse("all elements of all " + std::to_string(set.count) + " samples of input `" + input.name +
                   "` are " + float_text(least),
               "give samples of real data: ranges are taken from them");
    }
    first += size;
  }
  if (diagnostics.error_count() != errors) return kFailed;
  if (set.count < kFewSamples)
    diagnostics.add(
        {.kind = Kind::few_samples,
         .message = count_text(set.count, "sample") + " of calibration data: ranges of values may be missed",
         .help = "give 100 or more samples that cover what the model sees in use"});
  return {};
}

}  // namespace

Result<Graph> quantized(const Graph& graph, const BlockSet& blocks, const QuantizeRequest& request,
                        Diagnostics& diagnostics) {
  const bool has_layer = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                     [&](const Node& node) { return has_integer_form(graph, node); });
  if (!has_layer)
    return diagnostics.add(
        {.kind = Kind::unsupported_feature,
         .message = "no layer of the model computes in floats and has an integer form",
         .help = "--quantize is for float models; a quantized model keeps its numbers without it"});
  auto set = request.calibration(graph);
  if (!set) return kFailed;
  if (!check_samples(graph, *set, diagnostics)) return kFailed;
  NumberPlan plan{*request.numbers, request.has_float_ends};
  const std::vector<Observation> seen = observe(graph, *set);
  plan.has_wide_front = needs_wide_front(graph, blocks, *set, plan, seen);
  if (plan.has_wide_front)
    diagnostics.add({.kind = Kind::remark,
                     .message = "what comes before the first weights computes in int16: the model normalizes "
                                "its inputs itself, and eight bits of them are too few"});
  PlannedNumbers numbers = plan_numbers(graph, plan, seen);
  Graph rounded = graph;
  round_weights(rounded, *set, plan, numbers.of);
  search_ranges(graph, rounded, blocks, *set, plan, numbers);
  if (const double error = output_error(graph, rounded, blocks, *set, plan, numbers); error > kCollapsed)
    diagnostics.add({.kind = Kind::accuracy_collapse,
                     .message = "the signal of the outputs is only " +
                                float_text(static_cast<float>(std::round(-100 * std::log10(error)) / 10)) +
                                " dB above the error that the integers make"});
  if (request.account) request.account(account_of(graph, rounded, blocks, *set, plan, numbers, seen));
  Graph made = annotated(rounded, blocks, plan, numbers.of);
  made.rounding = Rounding::once;
  return made;
}

}  // namespace nb
