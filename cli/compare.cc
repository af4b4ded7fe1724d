// nblocks compare: one or several models on many boards.
#include "driver/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/history.h"
#include "cli/progress.h"
#include "report/board_values.h"

namespace nb::cli {
namespace {

std::string energy_text(const Cost& cost, const CostBasis& basis) {
  const bool is_milli = cost.energy_uj->typical >= 1000;
  return short_interval(*cost.energy_uj, is_milli ? 1e-3 : 1) + (is_milli ? " mJ" : " uJ") +
         (basis.run.figure->is_of_board ? " board" : "");
}

std::string price_of(const QuotedPrice& quoted) {
  std::string text = price_text(quoted);
  if (quoted.price.is_of_board) text += " board";
  return quoted.price.date.empty() ? text : text + ", " + quoted.price.date;
}

/// Numbers of reasons, in the order in which they are asked for.
class Footnotes {
 public:
  std::string mark(const std::string& reason) {
    const auto found = std::find(reasons_.begin(), reasons_.end(), reason);
    const auto number = found - reasons_.begin() + 1;
    if (found == reasons_.end()) reasons_.push_back(reason);
    return "[" + std::to_string(number) + "]";
  }
  void print() const {
    for (std::size_t i = 0; i < reasons_.size(); ++i) fmt::print("  [{}] {}\n", i + 1, reasons_[i]);
  }

 private:
  std::vector<std::string> reasons_;
};

std::vector<std::string> cells_of(const ComparisonRow& row, const Comparison& comparison,
                                  Footnotes& footnotes) {
  const auto blank = [&](const char* column) {
    const auto found = row.blanks.find(column);
    return found == row.blanks.end() ? std::string() : footnotes.mark(found->second);
  };
  std::vector<std::string> cells = {row.is_on_front ? "*" : "", row.board, row.processor};
  cells.push_back(row.flash_bytes ? grouped(*row.flash_bytes) : "");
  cells.push_back(row.ram_bytes ? grouped(*row.ram_bytes) : "");
  if (!row.costs) {
    cells.insert(cells.end(), {blank("cycles"), "", blank("latency"), blank("energy")});
  } else {
    const auto& [basis, layers, total, stalls, duty, assumptions] = *row.costs;
    cells.push_back(grouped(std::llround(total.cycles.typical)) + (assumptions.empty() ? " " : "~"));
    cells.push_back(
        fmt::format("{:+.0f} {:+.0f}", (basis.low_factor - 1) * 100, (basis.high_factor - 1) * 100));
    cells.push_back(total.latency_ms ? short_interval(*total.latency_ms) : blank("latency"));
    cells.push_back(total.energy_uj ? energy_text(total, basis) : blank("energy"));
  }
  cells.push_back(row.price ? price_of(*row.price) : blank("price"));
  const DutyCost* duty = row.costs && row.costs->duty ? &*row.costs->duty : nullptr;
  if (comparison.has_duty_cycle)
    cells.push_back(duty != nullptr && duty->cycle ? short_interval(duty->cycle->average_mw) : blank("duty"));
  if (comparison.has_battery) {
    cells.push_back(duty != nullptr && duty->current_ma ? short_interval(*duty->current_ma) : blank("duty"));
    cells.push_back(duty != nullptr && duty->days ? short_interval(*duty->days) : blank("duty"));
  }
  return cells;
}

void print_misfits(const std::vector<const ComparisonRow*>& rows) {
  if (rows.empty()) return;
  fmt::print("\n  does not fit on\n");
  std::size_t width = 0;
  for (const ComparisonRow* row : rows) width = std::max(width, row->board.size());
  for (const ComparisonRow* row : rows) {
    std::vector<std::string> parts;
    for (const Misfit& misfit : row->misfits)
      parts.push_back(fmt::format("{} bytes too many for {}: {} {} of {}", grouped(misfit.excess_bytes()),
                                  misfit.memory, misfit.what, grouped(misfit.needed_bytes),
                                  grouped(misfit.free_bytes)));
    fmt::print("    {:<{}}  {}\n", row->board, width, join(parts, "; "));
  }
}

/// One program on all its boards.
void print_program(const std::vector<const ComparisonRow*>& rows, const Comparison& comparison,
                   Footnotes& footnotes) {
  std::vector<Column> columns = {{"", true},  {"board", true}, {"core", true}, {"flash"},  {"RAM"},
                                 {"cycles "}, {"%"},           {"ms"},         {"energy"}, {"price", true}};
  if (comparison.has_duty_cycle) columns.push_back({"average mW"});
  if (comparison.has_battery) columns.insert(columns.end(), {{"average mA"}, {"days"}});
  std::vector<std::vector<std::string>> lines;
  std::vector<const ComparisonRow*> misfits;
  for (const ComparisonRow* row : rows) {
    if (row->fits())
      lines.push_back(cells_of(*row, comparison, footnotes));
    else
      misfits.push_back(row);
  }
  const ComparisonRow& first = *rows[0];
  const auto span_of = [&](std::int64_t ComparisonRow::*bytes) {
    std::int64_t least = first.*bytes, most = least;
    for (const ComparisonRow* row : rows) {
      least = std::min(least, row->*bytes);
      most = std::max(most, row->*bytes);
    }
    return least == most ? grouped(least) : grouped(least) + " to " + grouped(most);
  };
  fmt::print("{}{}: arena {} bytes, weights {} bytes; it fits {} of {} boards\n\n", first.model,
             first.format.empty() ? "" : " in " + first.format, span_of(&ComparisonRow::arena_bytes),
             span_of(&ComparisonRow::weights_bytes), lines.size(), rows.size());
  if (!lines.empty()) print_columns(columns, lines);
  print_misfits(misfits);
  fmt::print("\n");
}

void print_comparison(const Comparison& comparison) {
  Footnotes footnotes;
  const auto& rows = comparison.rows;
  bool has_assumptions = false;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::vector<const ComparisonRow*> program;
    std::size_t end = begin;
    for (; end < rows.size() && rows[end].file == rows[begin].file && rows[end].format == rows[begin].format;
         ++end) {
      program.push_back(&rows[end]);
      has_assumptions = has_assumptions || (rows[end].costs && !rows[end].costs->assumptions.empty());
    }
    print_program(program, comparison, footnotes);
    begin = end;
  }
  fmt::print(
      "  * no other board is better in one of ms, energy and price and no worse in the others; what is not "
      "known\n    counts as worse than what is. %: the interval of cycles and ms, nine in ten.\n");
  if (has_assumptions)
    fmt::print("  ~ the board's file is silent on a memory: `nblocks run -b BOARD` says what was assumed\n");
  footnotes.print();
}

/// One format a word of --quantize; the model as it is without it. Errors: those of compile_options.
Result<std::vector<ComparedFormat>> formats_of(const Options& options, Diagnostics& diagnostics) {
  std::vector<ComparedFormat> formats;
  std::vector<std::string> names = options.formats;
  if (names.empty()) names.emplace_back();
  for (const std::string& name : names) {
    if (std::any_of(formats.begin(), formats.end(),
                    [&](const ComparedFormat& one) { return one.name == name; }))
      continue;
    Options one = options;
    one.quantize = name == "float32" ? "" : name;
    if (name == "float32") {
      one.calibration.clear();
      one.layers.clear();
      one.has_float_ends = false;
    }
    auto compile = compile_options(one, diagnostics);
    if (!compile) return kFailed;
    formats.push_back({name, std::move(*compile)});
  }
  return formats;
}

}  // namespace

int compare(const Options& options) {
  Diagnostics diagnostics;
  const auto against = asked_history(options, diagnostics);
  if (!against) return finish(diagnostics, options);
  if (is_of_kept_reports(options)) return compare_kept(**against, options, diagnostics);
  CompareRequest request;
  for (const std::string& model : options.words) request.models.emplace_back(model);
  request.boards = options.boards;
  request.folder = options.resume;
  request.jobs = static_cast<unsigned>(options.jobs);
  request.timeout_seconds = options.timeout_seconds;
  const auto conditions = parse_conditions(options.what_if, diagnostics);
  const auto cost = cost_request(options, diagnostics);
  auto formats = formats_of(options, diagnostics);
  if (!conditions || !cost || !formats) return finish(diagnostics, options);
  request.conditions = *conditions;
  request.cost = *cost;
  std::optional<PriceList> prices;
  if (!options.prices.empty()) {
    auto list = load_price_list(options.prices, diagnostics);
    if (!list) return finish(diagnostics, options);
    prices = std::move(*list);
    request.prices = &*prices;
  }
  std::optional<Comparison> comparison;
  {
    ProgressLine line(options);
    std::mutex showing;
    request.progress = [&](const Progress& progress) {
      const std::lock_guard<std::mutex> alone(showing);
      line.show(progress);
    };
    for (ComparedFormat& format : *formats) format.options.quantize.progress = request.progress;
    request.formats = std::move(*formats);
    auto compared = nb::compare(request, diagnostics);
    if (compared) comparison = std::move(*compared);
  }
  if (!comparison) return finish(diagnostics, options);
  nlohmann::json found = comparison_json(*comparison);
  std::optional<History> history;
  if (*against) history = add_history(found, **against, options, diagnostics);
  return finish_with(found, diagnostics, options, [&] {
    print_comparison(*comparison);
    if (history) print_history(*history);
  });
}

}  // namespace nb::cli
