// Costs of runs as reports show them: cycles, milliseconds, microjoules, duty cycles.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "timing/cost.h"

namespace nb {

/// What one inference costs on its board.
struct RunCosts {
  CostBasis basis;
  std::vector<Cost> layers;  ///< one a node
  Cost total;
  double stall_cycles = 0;  ///< of the total: waiting for memory
  std::optional<DutyCost> duty;
  std::vector<std::string> assumptions;
};

/// cycles_estimated, cycles_low, cycles_high, latency_ms_estimated and its low and high, energy_uj_estimated
/// and its low and high; null for what is not known.
void add_cost(nlohmann::json& to, const Cost& cost);
/// The power figure with its source, or the reason why there is none; the duty cycle; the assumptions.
[[nodiscard]] nlohmann::json cost_basis_json(const CostBasis& basis, const std::optional<DutyCost>& duty,
                                             const std::vector<std::string>& assumptions);

/// "1.23 (1.10 to 1.40)", with as many digits as the number needs.
[[nodiscard]] std::string interval_text(const Estimate& interval);
/// The same of whole numbers: "1,234 (1,100 to 1,400)".
[[nodiscard]] std::string count_interval_text(const Estimate& interval);

}  // namespace nb
