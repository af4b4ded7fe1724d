// What a run costs on a board: cycles, milliseconds and microjoules, each with the interval that it lies in.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "timing/energy.h"
#include "timing/estimate.h"

namespace nb {

/// The user's wishes about cost.
struct CostRequest {
  PowerRequest power;
  std::optional<double> period_ms;  ///< of a duty cycle
  std::optional<double> sleep_mw;   ///< the user's own; absent: the board's figure
  std::optional<Battery> battery;
};

/// Power of a board, once for all its layers; and why what is not there is not.
struct CostBasis {
  std::optional<std::int64_t> clock_hz;
  double low_factor = 1, high_factor = 1;  ///< of cycles, from the rows of its core (accuracy.h)
  PowerAnswer run, sleep;
};

/// The basis of costs of `board` at that clock.
[[nodiscard]] CostBasis cost_basis(const Board& board, std::optional<std::int64_t> clock_hz,
                                   const CostRequest& request);

struct Cost {
  Estimate cycles;
  std::optional<Estimate> latency_ms;  ///< absent: the clock is not known
  std::optional<Estimate> energy_uj;   ///< absent: CostBasis::run says why, or the clock is not known
};
[[nodiscard]] Cost cost_of(const Timing& timing, const CostBasis& basis);

/// A duty cycle in words and numbers; absent parts as in Cost.
struct DutyCost {
  std::optional<DutyCycle> cycle;
  std::optional<Estimate> current_ma, days;  ///< of the battery
  std::string why_not;                       ///< empty if `cycle` is there
};
/// Only if the request has a period.
[[nodiscard]] std::optional<DutyCost> duty_cost(const Cost& total, const CostBasis& basis,
                                                const CostRequest& request);

/// Something else that the same core runs, once a period.
struct OtherRun {
  std::string name;
  std::optional<Estimate> latency_ms, energy_uj;
  std::optional<double> period_ms;
};
/// Adds what the others take to a duty cycle that is there: the core sleeps that much less. If a figure of
/// theirs is not known, or the time does not suffice, the cycle goes, with the reason.
void add_runs(DutyCost& duty, const std::vector<OtherRun>& others, const CostBasis& basis,
              const CostRequest& request);

}  // namespace nb
