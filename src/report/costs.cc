#include "report/costs.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/json_values.h"

namespace nb {
namespace {

using json = nlohmann::json;

void add_interval(json& to, const char* name, const char* estimated,
                  const std::optional<Estimate>& interval) {
  const std::string stem = name;
  to[stem + estimated] = interval ? rounded(interval->typical) : json(nullptr);
  to[stem + "_low"] = interval ? rounded(interval->low) : json(nullptr);
  to[stem + "_high"] = interval ? rounded(interval->high) : json(nullptr);
}

json interval_json(const std::optional<Estimate>& interval) {
  if (!interval) return nullptr;
  return {{"low", rounded(interval->low)},
          {"typical", rounded(interval->typical)},
          {"high", rounded(interval->high)}};
}

json power_json(const PowerAnswer& answer) {
  if (!answer.figure) return {{"mw", nullptr}, {"why_not", answer.why_not}};
  return {{"mw", interval_json(answer.figure->mw)},
          {"of", answer.figure->is_of_board ? "board" : "part"},
          {"source", answer.figure->source},
          {"readings", answer.figure->readings}};
}

}  // namespace

void add_cost(json& to, const Cost& cost) {
  to["cycles_estimated"] = std::llround(cost.cycles.typical);
  to["cycles_low"] = std::llround(cost.cycles.low);
  to["cycles_high"] = std::llround(cost.cycles.high);
  add_interval(to, "latency_ms", "_estimated", cost.latency_ms);
  add_interval(to, "energy_uj", "_estimated", cost.energy_uj);
}

json cost_basis_json(const CostBasis& basis, const std::optional<DutyCost>& duty,
                     const std::vector<std::string>& assumptions) {
  json result = {{"clock_hz", or_null(basis.clock_hz)},
                 {"run_power", power_json(basis.run)},
                 {"sleep_power", power_json(basis.sleep)},
                 {"assumptions", assumptions}};
  if (duty) {
    json cycle = {{"why_not", text_or_null(duty->why_not)}};
    if (duty->cycle) {
      cycle["share"] = rounded(duty->cycle->share);
      cycle["average_mw"] = interval_json(duty->cycle->average_mw);
    }
    cycle["current_ma"] = interval_json(duty->current_ma);
    cycle["battery_days"] = interval_json(duty->days);
    result["duty_cycle"] = std::move(cycle);
  }
  return result;
}

std::string interval_text(const Estimate& interval) {
  const auto text = [&](double value) {
    const int digits =
        std::max(0, 2 - static_cast<int>(std::floor(std::log10(std::max(1e-9, interval.typical)))));
    return fmt::format("{:.{}f}", value, std::min(digits, 6));
  };
  return text(interval.typical) + " (" + text(interval.low) + " to " + text(interval.high) + ")";
}

std::string count_interval_text(const Estimate& interval) {
  const auto text = [](double value) { return grouped(std::llround(value)); };
  return text(interval.typical) + " (" + text(interval.low) + " to " + text(interval.high) + ")";
}

}  // namespace nb
