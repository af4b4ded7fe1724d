#include "timing/cost.h"

#include "timing/accuracy.h"

namespace nb {

CostBasis cost_basis(const Board& board, std::optional<std::int64_t> clock_hz, const CostRequest& request) {
  PowerRequest power = request.power;
  power.clock_hz = clock_hz;
  if (request.battery && !power.supply_mv) power.supply_mv = request.battery->nominal_mv;
  PowerRequest asleep = power;
  asleep.measured_mw = request.sleep_mw;
  const CycleInterval interval = interval_of(board.processor, board.pipeline);
  return {.clock_hz = clock_hz,
          .low_factor = interval.low,
          .high_factor = interval.high,
          .run = run_power(board, power),
          .sleep = sleep_power(board, asleep)};
}

Cost cost_of(const Timing& timing, const CostBasis& basis) {
  const double cycles = timing.cycles();
  Cost cost{.cycles = {cycles * basis.low_factor, cycles, cycles * basis.high_factor}};
  if (!basis.clock_hz) return cost;
  const double ms = 1e3 / static_cast<double>(*basis.clock_hz);
  cost.latency_ms = Estimate{cost.cycles.low * ms, cycles * ms, cost.cycles.high * ms};
  if (basis.run.figure && cycles > 0) cost.energy_uj = run_energy_uj(basis.run.figure->mw, *cost.latency_ms);
  return cost;
}

namespace {

void take_from_battery(DutyCost& duty, const CostRequest& request) {
  if (!duty.cycle || !request.battery) return;
  duty.current_ma = battery_current_ma(*request.battery, duty.cycle->average_mw);
  duty.days = battery_days(*request.battery, duty.cycle->average_mw);
}

}  // namespace

std::optional<DutyCost> duty_cost(const Cost& total, const CostBasis& basis, const CostRequest& request) {
  if (!request.period_ms) return std::nullopt;
  DutyCost duty;
  if (!total.latency_ms) {
    duty.why_not = "the clock is not known";
  } else if (!basis.run.figure) {
    duty.why_not = basis.run.why_not;
  } else if (!basis.sleep.figure) {
    duty.why_not = basis.sleep.why_not;
  } else {
    duty.cycle =
        duty_cycle(basis.run.figure->mw, *total.latency_ms, basis.sleep.figure->mw, *request.period_ms);
    if (!duty.cycle) duty.why_not = "a run takes longer than the period";
  }
  take_from_battery(duty, request);
  return duty;
}

void add_runs(DutyCost& duty, const std::vector<OtherRun>& others, const CostBasis& basis,
              const CostRequest& request) {
  if (!duty.cycle || others.empty()) return;
  DutyCycle cycle = *duty.cycle;
  duty = {};
  const Estimate& sleep_mw = basis.sleep.figure->mw;
  for (const OtherRun& one : others) {
    if (!one.latency_ms || !one.energy_uj || !one.period_ms) {
      duty.why_not = "it runs beside `" + one.name + "`, whose " + (one.period_ms ? "energy" : "period") +
                     " is not known";
      return;
    }
    const auto more = [&](double uj, double ms, double mw) { return (uj - mw * ms) / *one.period_ms; };
    cycle.share += one.latency_ms->typical / *one.period_ms;
    cycle.average_mw.low += more(one.energy_uj->low, one.latency_ms->low, sleep_mw.low);
    cycle.average_mw.typical += more(one.energy_uj->typical, one.latency_ms->typical, sleep_mw.typical);
    cycle.average_mw.high += more(one.energy_uj->high, one.latency_ms->high, sleep_mw.high);
  }
  if (cycle.share > 1) {
    duty.why_not = "all models together take longer than their periods";
    return;
  }
  duty.cycle = cycle;
  take_from_battery(duty, request);
}

}  // namespace nb
