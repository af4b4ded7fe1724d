#include "timing/energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>

#include "base/number_help.h"
#include "base/text.h"

namespace nb {
namespace {

// From bench/energy.csv, the published energy runs of MLPerf Tiny: bench/energy.py prints where each comes
// from, and fails where one is not what the rows give.
constexpr double kSpreadAfterOnePoint = 0.10;  // of other models in the same software, nine in ten
constexpr double kSpreadOfSoftware = 0.23;     // of other models in any software, nine in ten
constexpr double kFixedShareLow = 0.00;        // of the power at the highest clock: what stays at lower ones
constexpr double kFixedShare = 0.02;
constexpr double kFixedShareHigh = 0.24;
constexpr double kHeadlineRatio = 2.18;  // inference beside a datasheet's current per MHz
constexpr double kCoreMarkRatio = 1.05;  // inference beside CoreMark

constexpr int kUsualSupplyMv = 3300;  ///< of a figure that does not give its supply
constexpr double kHoursPerYear = 8766, kMostDurationMs = 3.2e11;

double mhz(std::int64_t clock_hz) { return static_cast<double>(clock_hz) / 1e6; }
double volts(int supply_mv) { return supply_mv / 1e3; }

const Range& range_of(const Power& power) {
  if (power.power_mw) return *power.power_mw;
  return power.current_ma ? *power.current_ma : *power.current_ua_per_mhz;
}

/// The range as it is given; what it leaves out lies within the spread of software round the typical.
Estimate interval_of(const Range& range) {
  const double middle = range.low && range.high ? std::sqrt(*range.low * *range.high) : 0;
  const double typical = range.typical ? *range.typical
                         : middle > 0  ? middle
                                       : range.high.value_or(range.low.value_or(0));
  return {range.low.value_or(typical / (1 + kSpreadOfSoftware)), typical,
          range.high.value_or(typical * (1 + kSpreadOfSoftware))};
}

Estimate scaled(const Estimate& interval, double low, double typical, double high) {
  return {interval.low * low, interval.typical * typical, interval.high * high};
}

/// One figure on its way to the request: its milliwatts, and what was done with it.
class Reading {
 public:
  Reading(const Board& board, const PowerRequest& request, std::size_t row)
      : board_(board), request_(request), row_(row), power_(board.powers[row]) {
    clock_hz_ = power_.clock_hz ? power_.clock_hz : board.clock_hz;
    wanted_hz_ = request.clock_hz ? request.clock_hz : board.clock_hz;
  }

  PowerFigure figure() && {
    Estimate mw = interval_of(range_of(power_));
    const int own_mv = power_.supply_mv.value_or(kUsualSupplyMv);
    if (!power_.power_mw) {
      if (!power_.supply_mv && (!request_.supply_mv || power_.regulator == Regulator::smps))
        say(fmt::format("supply not given: {:g} V taken", volts(own_mv)));
      mw = scaled(mw, volts(own_mv), volts(own_mv), volts(own_mv));
    }
    if (power_.current_ua_per_mhz) {
      const double factor = mhz(wanted_hz_.value_or(0)) / 1e3;
      mw = scaled(mw, factor, factor, factor);
    } else if (power_.state == PowerState::run) {
      mw = at_clock(mw);
    }
    if (power_.state == PowerState::run && !power_.is_of_board) mw = in_inference(mw);
    mw = at_supply(mw, own_mv);
    return {.mw = mw,
            .row = row_,
            .source = std::string(source_of(board_, "power." + std::to_string(row_))),
            .is_of_board = power_.is_of_board,
            .readings = std::move(readings_)};
  }

 private:
  void say(std::string reading) { readings_.push_back(std::move(reading)); }

  /// Another figure of the same kind at another clock, the nearest to the wanted one; null if there is none.
  [[nodiscard]] const Power* other_clock() const {
    const Power* best = nullptr;
    for (const Power& other : board_.powers)
      if (other.state == power_.state && other.is_of_board == power_.is_of_board &&
          other.load == power_.load && other.supply_mv == power_.supply_mv &&
          other.power_mw.has_value() == power_.power_mw.has_value() && !other.current_ua_per_mhz &&
          other.clock_hz && other.clock_hz != clock_hz_ &&
          (best == nullptr ||
           std::abs(*other.clock_hz - *wanted_hz_) < std::abs(*best->clock_hz - *wanted_hz_)))
        best = &other;
    return best;
  }

  Estimate at_clock(const Estimate& mw) {
    if (!clock_hz_ || !wanted_hz_ || *clock_hz_ == *wanted_hz_) return mw;
    const double ratio = static_cast<double>(*wanted_hz_) / static_cast<double>(*clock_hz_);
    if (const Power* other = other_clock()) {
      const Estimate there = interval_of(range_of(*other));
      const double slope = (there.typical / interval_of(range_of(power_)).typical - 1) /
                           (static_cast<double>(*other->clock_hz) / static_cast<double>(*clock_hz_) - 1);
      const double factor = 1 + slope * (ratio - 1);
      if (factor > 0) {
        say(fmt::format("on the line through {:g} and {:g} MHz", mhz(*clock_hz_), mhz(*other->clock_hz)));
        return scaled(mw, factor, factor, factor);
      }
    }
    say(fmt::format("measured at {:g} MHz: {:.0f} % of it, up to {:.0f} %, do not follow the clock",
                    mhz(*clock_hz_), kFixedShare * 100, kFixedShareHigh * 100));
    const auto with = [&](double share) { return share + (1 - share) * ratio; };
    const auto [least, most] = std::minmax({with(kFixedShareLow), with(kFixedShareHigh)});
    return scaled(mw, least, with(kFixedShare), most);
  }

  Estimate in_inference(const Estimate& mw) {
    if (power_.load == PowerLoad::inference) return mw;
    const double ratio = power_.load == PowerLoad::coremark ? kCoreMarkRatio : kHeadlineRatio;
    say(fmt::format("inference takes {:g} times a figure of {}", ratio,
                    power_.load ? name_of(*power_.load) : "a datasheet's headline"));
    // A part is not known that takes less than its headline, or more than the spread above what others take.
    return power_.load == PowerLoad::coremark ? scaled(mw, ratio, ratio, ratio)
                                              : scaled(mw, 1 + kSpreadOfSoftware, ratio, ratio);
  }

  Estimate at_supply(const Estimate& mw, int own_mv) {
    if (!request_.supply_mv || *request_.supply_mv == own_mv) return mw;
    const double ratio = volts(*request_.supply_mv) / volts(own_mv);
    const bool is_leakage = power_.state != PowerState::run;
    if (is_leakage || power_.regulator == Regulator::ldo) {
      say(fmt::format("at the current of {:g} V", volts(own_mv)));
      return scaled(mw, ratio, ratio, ratio);
    }
    if (power_.regulator == Regulator::smps) {
      say(fmt::format("at the power of {:g} V: a switching regulator", volts(own_mv)));
      return mw;
    }
    say(fmt::format("from {:g} V, regulator not known: at the same current, or down to the same power",
                    volts(own_mv)));
    return scaled(mw, std::min(1.0, ratio), ratio, std::max(1.0, ratio));
  }

  const Board& board_;
  const PowerRequest& request_;
  std::size_t row_;
  const Power& power_;
  std::optional<std::int64_t> clock_hz_, wanted_hz_;
  std::vector<std::string> readings_;
};

/// The lower, the better: part before board, inference before others, near clocks, near supplies.
auto rank_of(const Board& board, const PowerRequest& request, const Power& power) {
  const auto distance = [](double a, double b) { return std::abs(std::log(a / b)); };
  int load = 2;
  if (power.load == PowerLoad::inference) load = 0;
  if (power.load == PowerLoad::coremark) load = 1;
  if (power.load == PowerLoad::loop) load = 3;
  const auto wanted_hz = request.clock_hz ? request.clock_hz : board.clock_hz;
  const auto clock_hz = power.clock_hz ? power.clock_hz : board.clock_hz;
  const double off_clock =
      wanted_hz && clock_hz ? distance(static_cast<double>(*wanted_hz), static_cast<double>(*clock_hz)) : 0;
  const double off_supply =
      request.supply_mv ? distance(*request.supply_mv, power.supply_mv.value_or(kUsualSupplyMv)) : 0;
  return std::tuple(power.is_of_board, load, off_clock, off_supply);
}

PowerAnswer best_of(const Board& board, const PowerRequest& request, PowerState state) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < board.powers.size(); ++i) {
    const Power& power = board.powers[i];
    if (power.state != state || power.load == PowerLoad::accelerator) continue;
    if (power.current_ua_per_mhz && !request.clock_hz && !board.clock_hz) continue;
    if (!best || rank_of(board, request, power) < rank_of(board, request, board.powers[*best])) best = i;
  }
  if (!best) return {};
  return {.figure = Reading(board, request, *best).figure(), .why_not = {}};
}

PowerAnswer measured(double mw) {
  return {.figure = PowerFigure{.mw = {mw / (1 + kSpreadAfterOnePoint), mw, mw * (1 + kSpreadAfterOnePoint)},
                                .row = {},
                                .source = "measured",
                                .is_of_board = false,
                                .readings = {}},
          .why_not = {}};
}

}  // namespace

PowerAnswer run_power(const Board& board, const PowerRequest& request) {
  if (request.measured_mw) return measured(*request.measured_mw);
  PowerAnswer answer = best_of(board, request, PowerState::run);
  if (!answer.figure) answer.why_not = "no power figure of `" + board.name + "` in the catalogue";
  return answer;
}

PowerAnswer sleep_power(const Board& board, const PowerRequest& request) {
  if (request.measured_mw) return measured(*request.measured_mw);
  PowerAnswer answer = best_of(board, request, PowerState::sleep);
  if (answer.figure) return answer;
  answer = best_of(board, request, PowerState::idle);
  if (answer.figure)
    answer.figure->readings.insert(answer.figure->readings.begin(),
                                   "no figure of sleep: that of an idle core");
  else
    answer.why_not = "no sleep figure of `" + board.name + "` in the catalogue";
  return answer;
}

Estimate run_energy_uj(const Estimate& power_mw, const Estimate& latency_ms) {
  const auto together = [](double a, double b) { return std::exp(std::hypot(std::log(a), std::log(b))); };
  const double typical = power_mw.typical * latency_ms.typical;
  return {typical / together(power_mw.typical / power_mw.low, latency_ms.typical / latency_ms.low), typical,
          typical * together(power_mw.high / power_mw.typical, latency_ms.high / latency_ms.typical)};
}

std::optional<DutyCycle> duty_cycle(const Estimate& run_mw, const Estimate& latency_ms,
                                    const Estimate& sleep_mw, double period_ms) {
  if (latency_ms.typical > period_ms) return std::nullopt;
  const Estimate energy_uj = run_energy_uj(run_mw, latency_ms);
  const auto average = [&](double uj, double ms, double mw) {
    return (uj + mw * std::max(0.0, period_ms - ms)) / period_ms;
  };
  return DutyCycle{.share = latency_ms.typical / period_ms,
                   .average_mw = {average(energy_uj.low, latency_ms.low, sleep_mw.low),
                                  average(energy_uj.typical, latency_ms.typical, sleep_mw.typical),
                                  average(energy_uj.high, latency_ms.high, sleep_mw.high)}};
}

Estimate battery_days(const Battery& battery, const Estimate& average_mw) {
  const double energy_mwh = battery.capacity_mah * volts(battery.nominal_mv);
  const double leak_mw =
      energy_mwh * battery.self_discharge_percent_per_year.value_or(0) / 100 / kHoursPerYear;
  const auto days = [&](double mw) { return energy_mwh / (mw + leak_mw) / 24; };
  return {days(average_mw.high), days(average_mw.typical), days(average_mw.low)};
}

Estimate battery_current_ma(const Battery& battery, const Estimate& average_mw) {
  const double factor = 1 / volts(battery.nominal_mv);
  return scaled(average_mw, factor, factor, factor);
}

Result<double> parse_duration_ms(std::string_view text, std::string_view option, Diagnostics& diagnostics) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  static constexpr std::array<Unit, 6> kUnits = {
      {{"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"min", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}}};
  const std::string_view trimmed = trim(text);
  double value = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), value, std::chars_format::fixed);
  const std::string_view unit = trim(trimmed.substr(static_cast<std::size_t>(end - trimmed.data())));
  const auto found = std::ranges::find(kUnits, unit, &Unit::name);
  if (error == std::errc() && found != kUnits.end()) {
    const double ms = value * found->ms;
    if (ms > 0 && ms <= kMostDurationMs) return ms;
  }
  return diagnostics.add({.kind = Kind::usage,
                          .message = std::string(option) + " takes a duration, not `" + printable(text) + "`",
                          .help = number_help(text,
                                              "a number and its unit, up to ten years: 250ms, 10s, "
                                              "5min, 1h, 1d")});
}

}  // namespace nb
