#include "timing/accuracy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/resources.h"
#include "base/text.h"
#include "timing/pipeline.h"

namespace nb {
namespace {

constexpr double kCovered = 0.9;
constexpr std::size_t kProgramsForInterval = 9;  // the first number of which 9 in 10 are not all and one more
constexpr std::size_t kRowsForMedian = 8;
// A fitted factor counts as much as that many programs for "1".
constexpr double kProgramsOfPrior = 4;
constexpr std::size_t kColumns = 19;

template <typename Number>
bool read_number(std::string_view text, Number& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

using Rows = std::vector<const TimingRow*>;

template <typename Condition>
Rows select(std::span<const TimingRow> rows, Condition condition) {
  Rows selected;
  for (const TimingRow& row : rows)
    if (row.counts() && condition(row)) selected.push_back(&row);
  return selected;
}

/// By program of that core: how many of the rows.
std::map<std::pair<std::string_view, std::string_view>, std::size_t> programs_of(const Rows& rows) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> programs;
  for (const TimingRow* row : rows) ++programs[{row->pipeline, row->program}];
  return programs;
}

/// The smallest value that so much weight of all rows does not exceed, a program weighing 1; infinite if
/// there is not so much.
template <typename Value>
double weighted_order(const Rows& rows, double weight, Value value) {
  const auto programs = programs_of(rows);
  std::vector<std::pair<double, double>> order;
  order.reserve(rows.size());
  for (const TimingRow* row : rows)
    order.emplace_back(value(*row), 1.0 / static_cast<double>(programs.at({row->pipeline, row->program})));
  std::sort(order.begin(), order.end());
  double below = 0;
  for (const auto& [x, one] : order) {
    below += one;
    if (below >= weight - 1e-9) return x;
  }
  return INFINITY;
}

double distance(const TimingRow& row) { return std::abs(row.log_ratio()); }

double covering(const Rows& rows) {
  return weighted_order(rows, kCovered * static_cast<double>(programs_of(rows).size() + 1), distance);
}

ErrorSummary summary_of(const Rows& rows) {
  ErrorSummary summary{.rows = rows.size(), .programs = programs_of(rows).size()};
  double logs = 0;
  for (const TimingRow* row : rows) {
    logs -= row->log_ratio();
    if (std::abs(row->error()) <= std::abs(summary.worst)) continue;
    summary.worst = row->error();
    summary.worst_row = row->id;
  }
  if (rows.empty()) return summary;
  summary.mean_ratio = std::exp(logs / static_cast<double>(rows.size()));
  if (rows.size() >= kRowsForMedian)
    summary.median = weighted_order(rows, static_cast<double>(summary.programs) / 2,
                                    [](const TimingRow& row) { return std::abs(row.error()); });
  return summary;
}

/// Mean of the programs' mean log ratios, shrunk towards 0.
double fitted_log(const Rows& rows) {
  const auto programs = programs_of(rows);
  double sum = 0;
  for (const TimingRow* row : rows)
    sum += row->log_ratio() / static_cast<double>(programs.at({row->pipeline, row->program}));
  return sum / (static_cast<double>(programs.size()) + kProgramsOfPrior);
}

/// `rows` without those of that program, on any core.
std::vector<TimingRow> without(std::span<const TimingRow> rows, std::string_view pipeline,
                               std::string_view program) {
  std::vector<TimingRow> others;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(others),
               [&](const TimingRow& row) { return row.program != program || row.pipeline != pipeline; });
  return others;
}

std::string percent(double share) {
  const auto tenths = static_cast<std::int64_t>(std::llround(share * 1000));
  return std::to_string(tenths / 10) + "." + std::to_string(std::abs(tenths % 10)) + " %";
}

IntervalBasis basis_of(std::string_view core, std::span<const TimingRow> rows) {
  const Rows same =
      select(rows, [&](const TimingRow& row) { return row.pipeline == core && row.has_same_code; });
  const Rows all = select(rows, [&](const TimingRow& row) { return row.pipeline == core; });
  const bool same_is_enough = programs_of(same).size() >= kProgramsForInterval;
  const Rows& own = same_is_enough ? same : all;
  IntervalBasis basis{.rows = own.size(), .programs = programs_of(own).size()};
  double log_factor = covering(own);
  const std::string counted = count_text(basis.rows, "published measurement") + " of " +
                              count_text(basis.programs, "program") + " on this core";
  if (std::isfinite(log_factor)) {
    basis.why = "covers 9 in 10 of " + counted +
                (same_is_enough ? "" : ", of the same source by other compilers, too");
  } else {
    // Too few programs: models of the same making are as far off on other cores, the rows that there are may
    // be worse, and the fewer they are, the less they say.
    const Rows others =
        select(rows, [&](const TimingRow& row) { return row.pipeline != core && row.has_same_code; });
    double worst = 0;
    for (const TimingRow* row : own) worst = std::max(worst, distance(*row));
    const double elsewhere = covering(others);
    const double widening = 1 + 1 / static_cast<double>(basis.programs + 1);
    log_factor = std::max(worst, std::isfinite(elsewhere) ? elsewhere : 1.0) * widening;
    basis.is_widened = true;
    basis.why = (own.empty() ? "nothing published for this core: "
                             : "only " + counted + ": the worse of these and of ") +
                "9 in 10 on other cores, widened by " + percent(widening - 1);
  }
  basis.interval = {.low = std::exp(-log_factor), .high = std::exp(log_factor)};
  return basis;
}

}  // namespace

std::optional<std::vector<TimingRow>> parse_timing_rows(std::string_view text) {
  std::vector<TimingRow> rows;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (++number <= 2 || line.empty()) continue;  // the digest, the columns' names
    const std::vector<std::string_view> fields = split(line, ',');
    if (fields.size() != kColumns) return std::nullopt;
    TimingRow row{.id = fields[0],
                  .program = fields[1],
                  .pipeline = fields[2],
                  .processor = fields[3],
                  .part = fields[4],
                  .board = fields[5],
                  .clock_hz = fields[6],
                  .wait_states = fields[7],
                  .caches = fields[8],
                  .kind = fields[9],
                  .has_same_code = fields[10] == "yes",
                  .compiler = fields[11],
                  .published = fields[13],
                  .source = fields[14],
                  .apart = fields[18]};
    if (!read_number(fields[12], row.cycles_published) || !read_number(fields[15], row.instructions) ||
        !read_number(fields[16], row.cycles_estimated) ||
        !read_number(fields[17], row.stall_cycles_estimated) || row.cycles_published <= 0 ||
        row.cycles_estimated <= 0)
      return std::nullopt;
    rows.push_back(row);
  }
  return rows;
}

std::span<const TimingRow> timing_rows() {
  static const std::vector<TimingRow> kRows =
      parse_timing_rows(find_resource("src/timing/rows.csv").value_or("")).value_or(std::vector<TimingRow>{});
  return kRows;
}

IntervalBasis interval_basis(std::string_view processor, std::string_view pipeline,
                             std::span<const TimingRow> rows) {
  return basis_of(pipeline_name(processor, pipeline), rows);
}

CycleInterval interval_of(std::string_view processor, std::string_view pipeline) {
  return interval_basis(processor, pipeline, timing_rows()).interval;
}

std::vector<CoreAccuracy> core_accuracy(std::span<const TimingRow> rows) {
  std::set<std::string_view> pipelines;
  for (const TimingRow& row : rows) pipelines.insert(row.pipeline);
  std::vector<CoreAccuracy> cores;
  for (const std::string_view pipeline : pipelines) {
    CoreAccuracy core{.pipeline = pipeline, .basis = basis_of(pipeline, rows)};
    const Rows same =
        select(rows, [&](const TimingRow& row) { return row.pipeline == pipeline && row.has_same_code; });
    const Rows other =
        select(rows, [&](const TimingRow& row) { return row.pipeline == pipeline && !row.has_same_code; });
    core.same_code = summary_of(same);
    core.other_compilers = summary_of(other);
    for (const TimingRow& row : rows) {
      if (row.pipeline != pipeline || !row.is_rule() || !row.apart.empty()) continue;
      ++core.rules;
      const double off = std::abs(row.cycles_estimated - row.cycles_published);
      if (off <= std::max(2.0, 0.05 * row.cycles_published)) ++core.rules_met;
    }
    const auto coverage = [&](const Rows& of) -> std::optional<double> {
      if (of.empty()) return std::nullopt;
      std::map<std::string_view, CycleInterval> intervals;
      std::size_t inside = 0;
      for (const TimingRow* row : of) {
        const auto [at, is_new] = intervals.try_emplace(row->program);
        if (is_new) at->second = basis_of(pipeline, without(rows, pipeline, row->program)).interval;
        const double ratio = std::exp(row->log_ratio());
        inside += ratio >= at->second.low && ratio <= at->second.high ? 1 : 0;
      }
      return static_cast<double>(inside) / static_cast<double>(of.size());
    };
    core.same_code_coverage = coverage(same);
    core.other_coverage = coverage(other);
    if (core.same_code.median) {
      std::map<std::string_view, double> factors;
      for (const auto& one : programs_of(same)) {
        const std::string_view program = one.first.second;
        Rows others;
        std::copy_if(same.begin(), same.end(), std::back_inserter(others),
                     [&](const TimingRow* row) { return row->program != program; });
        factors[program] = std::exp(fitted_log(others));
      }
      core.median_with_factor = weighted_order(
          same, static_cast<double>(core.same_code.programs) / 2,
          [&](const TimingRow& row) { return std::abs((row.error() + 1) * factors.at(row.program) - 1); });
    }
    cores.push_back(std::move(core));
  }
  return cores;
}

}  // namespace nb
