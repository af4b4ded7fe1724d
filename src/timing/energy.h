// Energy: the power of a board by clock and supply, the energy of a run, duty cycles and what batteries make
// of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/battery.h"
#include "target/board.h"

namespace nb {

/// What is expected, and between what it lies for nine runs in ten: 0 < low <= typical <= high.
struct Estimate {
  double low = 0, typical = 0, high = 0;
};

/// What a power figure is wanted for.
struct PowerRequest {
  std::optional<std::int64_t> clock_hz;  ///< of the core; absent: the board's highest
  std::optional<int> supply_mv;          ///< absent: as the figure was measured
  std::optional<double> measured_mw;     ///< the user's own measurement, which stands for any figure
};

struct PowerFigure {
  Estimate mw;
  std::optional<std::size_t> row;  ///< in Board::powers; absent: the user's own
  std::string source;              ///< "measured" of the user's own
  bool is_of_board = false;        ///< with its regulators, LEDs and debuggers; else of the part alone
  std::vector<std::string>
      readings;  ///< how the row was read: what was scaled, what was supposed; may be empty
};

/// A figure, or why there is none: one of them is there.
struct PowerAnswer {
  std::optional<PowerFigure> figure;
  std::string why_not;  ///< "no power figure of `nucleo-g0b1re` in the catalogue"; empty if there is one
};

/// The power of the board while a network runs on its core. Prefers figures of the part, then those measured
/// in inference, then the nearest clock, then the nearest supply. Scaled to the request: between two clocks
/// along the line through them; from one by the share of the power that does not follow the clock; to another
/// supply at the current of a linear regulator, at the power of a switching one, between both if it is not
/// known which. A current per MHz of a datasheet and CoreMark are read as what inference takes beside them
/// (bench/energy.py). A measured figure is the typical one, and its spread is that of other models in the
/// same software.
[[nodiscard]] PowerAnswer run_power(const Board& board, const PowerRequest& request);

/// The power of the board between runs: its sleep, else its idle figure, which `readings` says.
[[nodiscard]] PowerAnswer sleep_power(const Board& board, const PowerRequest& request);

/// Microjoules of a run: power times time. What is not known of one is independent of the other, so their
/// relative spreads add as squares.
[[nodiscard]] Estimate run_energy_uj(const Estimate& power_mw, const Estimate& latency_ms);

/// What a run once a period takes.
struct DutyCycle {
  double share = 0;  ///< of the time that it runs, 0 to 1
  Estimate average_mw;
};

/// Nothing if a run takes longer than the period.
[[nodiscard]] std::optional<DutyCycle> duty_cycle(const Estimate& run_mw, const Estimate& latency_ms,
                                                  const Estimate& sleep_mw, double period_ms);

/// Days that a battery lasts at that power, its self-discharge beside it. The power is drawn at the battery's
/// nominal voltage, without loss: ask for power figures at that supply (`nominal_mv`).
[[nodiscard]] Estimate battery_days(const Battery& battery, const Estimate& average_mw);

/// Milliamperes at the battery's nominal voltage.
[[nodiscard]] Estimate battery_current_ma(const Battery& battery, const Estimate& average_mw);

/// Milliseconds of "10s", "250ms", "5us", "2min", "1h", "1.5d". Reports usage; `option` is named.
Result<double> parse_duration_ms(std::string_view text, std::string_view option, Diagnostics& diagnostics);

}  // namespace nb
