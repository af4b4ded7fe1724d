// How far estimated cycles are from published ones, and the intervals of predictions that follow.
//
// src/timing/rows.csv holds one line a published measurement beside what the models say of it
// (bench/timing/README.md). Nothing of the models is fitted to these rows.
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nb {

/// One measurement that somebody published.
struct TimingRow {
  std::string_view id, program, pipeline, processor, part, board, clock_hz, wait_states, caches, kind;
  bool has_same_code = false;  ///< the very instructions that were measured; else the same source
  std::string_view compiler;
  double cycles_published = 0;
  std::string_view published, source;
  std::int64_t instructions = 0;
  double cycles_estimated = 0, stall_cycles_estimated = 0;
  std::string_view apart;  ///< why it counts nowhere; empty: it counts

  /// A rule as a manual or a measurer states it, repeated: it checks the model's code, not the model.
  [[nodiscard]] bool is_rule() const { return kind == "microbenchmark"; }
  [[nodiscard]] bool counts() const { return !is_rule() && apart.empty(); }
  [[nodiscard]] double error() const { return cycles_estimated / cycles_published - 1; }
  /// By which factor the published figure is above the estimated one, as a logarithm.
  [[nodiscard]] double log_ratio() const { return std::log(cycles_published / cycles_estimated); }
};

/// All rows, in the table's order.
[[nodiscard]] std::span<const TimingRow> timing_rows();
/// From the table's text. Absent if it is none.
[[nodiscard]] std::optional<std::vector<TimingRow>> parse_timing_rows(std::string_view text);

/// Factors on estimated cycles between which the real ones lie 9 times in 10.
struct CycleInterval {
  double low = 1, high = 1;
  friend bool operator==(const CycleInterval&, const CycleInterval&) = default;
};

/// Where an interval comes from.
struct IntervalBasis {
  CycleInterval interval;
  std::size_t rows = 0, programs = 0;  ///< of that core
  bool is_widened = false;             ///< too few programs to know 9 in 10
  std::string why;                     ///< a sentence
};

/// The interval of a prediction for a core of the catalogue ("cortex-m4f"), with the pipeline that its board
/// names, if any.
///
/// Split conformal prediction with programs as groups (Dunn, Wasserman and Ramdas 2022, Distribution-free
/// prediction sets for two-layer hierarchical models): rows of one program share a weight of 1, one more
/// weight of 1 lies at infinity, and the interval takes the smallest |log(published / estimated)| below which
/// 9 in 10 of the weights lie. Under 9 programs there is none: see accuracy.cc for what is taken then.
[[nodiscard]] IntervalBasis interval_basis(std::string_view processor, std::string_view pipeline,
                                           std::span<const TimingRow> rows);
[[nodiscard]] CycleInterval interval_of(std::string_view processor, std::string_view pipeline = {});

/// Errors of some rows.
struct ErrorSummary {
  std::size_t rows = 0, programs = 0;
  /// Of |error|, rows of one program sharing one weight; absent under 8 rows.
  std::optional<double> median;
  double worst = 0;  ///< signed
  std::string_view worst_row;
  double mean_ratio = 1;  ///< geometric mean of estimated / published
};

/// What is known of one pipeline's model.
struct CoreAccuracy {
  std::string_view pipeline;
  ErrorSummary same_code, other_compilers;
  std::size_t rules = 0, rules_met = 0;  ///< met: within 5 %, or 2 cycles
  IntervalBasis basis;
  /// Of rows of the same code, and of others: the share that lies in the interval which the other programs'
  /// rows give.
  std::optional<double> same_code_coverage, other_coverage;
  /// Median of |error| of rows of the same code with one factor for the core, fitted to the other programs'
  /// rows and shrunk towards 1; beside ErrorSummary::median it shows whether a factor would help.
  std::optional<double> median_with_factor;
};

[[nodiscard]] std::vector<CoreAccuracy> core_accuracy(std::span<const TimingRow> rows);

}  // namespace nb
