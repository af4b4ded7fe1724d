#include "report/formats.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/json_values.h"
#include "report/report.h"

namespace nb {
namespace {

using nlohmann::json;

json cost_json(const VariantCost& cost) {
  return {{"fits", cost.fits},
          {"flash", {{"weights_bytes", cost.weights_bytes}, {"total_bytes", or_null(cost.flash_bytes)}}},
          {"ram", {{"arena_bytes", cost.arena_bytes}, {"total_bytes", or_null(cost.ram_bytes)}}},
          {"instructions", or_null(cost.instructions)},
          {"cycles_estimated", or_null(cost.cycles)},
          {"latency_ms_estimated", or_null(cost.latency_ms)}};
}

json layer_cost_json(const VariantCost::Layer& cost) {
  return {{"weights_bytes", cost.weights_bytes},
          {"instructions", cost.instructions},
          {"cycles_estimated", cost.cycles > 0 ? json(cost.cycles) : json()}};
}

json finite(double value) { return std::isfinite(value) ? json(value) : json(); }

}  // namespace

double drop_points(Metric metric, double float_value, double value) {
  constexpr double kPointsOfGrowth = 10;  // 5 % is half a point
  if (is_larger_better(metric)) return 100 * (float_value - value);
  if (float_value > 0) return kPointsOfGrowth * (value / float_value - 1);
  return value > 0 ? INFINITY : 0.0;
}

const VariantCost::Layer& cost_in(const LayerFormatCost& layer, DType format) {
  return format == DType::i8 ? layer.int8 : format == DType::i16 ? layer.int16 : layer.float32;
}

bool have_cycles(const std::vector<LayerFormatCost>& layers) {
  const auto is_known = [](const VariantCost::Layer& cost) {
    return cost.instructions == 0 || cost.cycles > 0;
  };
  const auto has_any = [](const LayerFormatCost& layer) { return layer.int8.cycles > 0; };
  return std::any_of(layers.begin(), layers.end(), has_any) &&
         std::all_of(layers.begin(), layers.end(), [&](const LayerFormatCost& layer) {
           return is_known(layer.int8) && is_known(layer.int16) && is_known(layer.float32);
         });
}

std::string layers_option(const LayerFormats& layers) {
  std::string text;
  for (const auto& [name, format] : layers) {
    std::string pattern = name;  // a comma ends a name there
    std::replace(pattern.begin(), pattern.end(), ',', '?');
    text += (text.empty() ? "" : ",") + pattern + "=" + std::string(format_name(format));
  }
  return text;
}

json layer_formats_json(const std::vector<LayerFormatCost>& layers) {
  json all = json::array();
  for (const LayerFormatCost& layer : layers)
    all.push_back({{"name", layer.name},
                   {"block", layer.block},
                   {"format", format_name(layer.format)},
                   {"int8_error", finite(layer.int8_error)},
                   {"int16_error", finite(layer.int16_error)},
                   {"int8", layer_cost_json(layer.int8)},
                   {"int16", layer_cost_json(layer.int16)},
                   {"float32", layer_cost_json(layer.float32)}});
  return all;
}

json frontier_json(const FormatFrontier& frontier) {
  json choices = json::array();
  for (const FormatChoice& choice : frontier.choices) {
    json one = cost_json(choice.cost);
    one["name"] = choice.name;
    one["layers"] = json::object();
    for (const auto& [layer, format] : choice.layers) one["layers"][layer] = format_name(format);
    one["layers_option"] = layers_option(choice.layers);
    one["value"] = finite(choice.value);
    one["drop_points"] = finite(choice.drop);
    one["is_on_front"] = choice.is_on_front();
    choices.push_back(std::move(one));
  }
  return {{"board", frontier.board},
          {"metric", name_of(frontier.metric)},
          {"max_drop_points", frontier.max_drop},
          {"choices", std::move(choices)},
          {"chosen", frontier.chosen ? json(*frontier.chosen) : json()},
          {"best", frontier.best},
          {"layers", layer_formats_json(frontier.layers)}};
}

json explanation_json(const LayerExplanation& explanation) {
  json alternatives = json::array();
  for (const LayerAlternative& one : explanation.alternatives) {
    json row = cost_json(one.cost);
    row["format"] = format_name(one.format);
    row["is_chosen"] = one.is_chosen;
    row["output_error"] = finite(one.output_error);
    row["value"] = one.value ? json(*one.value) : json();
    alternatives.push_back(std::move(row));
  }
  return {{"board", explanation.board},
          {"layer", layer_formats_json({explanation.layer})[0]},
          {"reason", explanation.reason},
          {"values", quantization_json(explanation.values)},
          {"stays_float", explanation.stays_float},
          {"metric", explanation.metric == Metric::automatic ? json() : json(name_of(explanation.metric))},
          {"alternatives", std::move(alternatives)}};
}

}  // namespace nb
