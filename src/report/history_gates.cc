// Bounds on what may change from one report to the next.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "report/history.h"
#include "report/validation.h"

namespace nb {
namespace {

bool judges(const FigureChange& figure) { return figure.of.empty() && find_metric(figure.name).has_value(); }

/// The figures that a gate holds: the first of each group that either report has.
std::vector<const FigureChange*> held_by(std::string_view option, const ProgramChange& program) {
  std::vector<const FigureChange*> held;
  const auto add_first = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names)
      if (const FigureChange* figure = program.find(name); figure != nullptr && figure->old_value)
        return held.push_back(figure);
  };
  if (option == "--max-slower") {
    add_first({"latency_ms", "cycles", "instructions"});
  } else if (option == "--max-larger") {
    add_first({"flash_bytes", "weights_bytes"});
    add_first({"ram_bytes", "ram_bytes_estimated", "arena_bytes"});
  } else {
    for (const FigureChange& figure : program.figures)
      if (judges(figure) && figure.old_value) held.push_back(&figure);
  }
  return held;
}

/// How much worse it is: a share, or points.
double loss_of(const FigureChange& figure) {
  if (figure.points_lost) return *figure.points_lost;
  if (const auto relative = figure.relative()) return *relative;
  return *figure.new_value > *figure.old_value ? INFINITY : 0;
}

std::string loss_text(std::string_view option, double loss) {
  const bool is_points = option == "--max-drop";
  return fmt::format("{:.3g}", is_points ? loss : 100 * loss) + (is_points ? " points" : " %");
}

struct Breach {
  const ProgramChange* program = nullptr;
  const FigureChange* figure = nullptr;
};

/// What is said of a bound that is not kept: the worst figure, and how many more.
Diagnostic breach_of(const HistoryGate& gate, const Breach& worst, std::size_t count,
                     const History& history) {
  const FigureChange& figure = *worst.figure;
  std::string where = "`" + printable(worst.program->program) + "`";
  if (!worst.program->board.empty()) where += " on `" + printable(worst.program->board) + "`";
  const std::string old_text = figure_text(figure, *figure.old_value).en;
  std::string message = to_lower(figure.title.en) + " of " + where;
  if (figure.new_value)
    message += " is " + figure_text(figure, *figure.new_value).en + ", was " + old_text + ": " +
               loss_text(gate.option, *gate.worst) + (gate.option == "--max-drop" ? " lost" : " more");
  else
    message += " is not known any more, was " + old_text +
               (worst.program->new_fits == false ? ": the program does not fit" : "");
  message += ", at most " + loss_text(gate.option, gate.limit) + " is asked (" + gate.option + ")";
  if (count > 1) message += ", and " + count_text(count - 1, "more figure") + " beyond it";
  Diagnostic said{.kind = Kind::gate_failed,
                  .message = std::move(message),
                  .help = "`nblocks explain gate-failed` says what bounds on changes hold"};
  for (const Reason& reason : history.reasons)
    if (reason.difference == Difference::some) said.notes.push_back(reason.sentence.en);
  for (const Sentence& condition : worst.program->conditions) said.notes.push_back(condition.en);
  return said;
}

}  // namespace

Result<double> parse_percentage(const std::string& text, const std::string& option,
                                Diagnostics& diagnostics) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest + 1 != end || *rest != '%' || !std::isfinite(value) || value < 0)
    return diagnostics.add({.kind = Kind::usage,
                            .message = option + " `" + printable(text) + "` is not a percentage",
                            .help = "as in " + option + " 5%; 0% allows no change for the worse"});
  return value / 100;
}

std::vector<HistoryGate> hold_history_gates(const HistoryGates& gates, const History& history,
                                            Diagnostics& diagnostics) {
  std::vector<HistoryGate> results;
  const std::pair<const char*, std::optional<double>> asked[] = {
      {"--max-slower", gates.max_slower}, {"--max-larger", gates.max_larger}, {"--max-drop", gates.max_drop}};
  for (const auto& [option, limit] : asked) {
    if (!limit) continue;
    HistoryGate gate{.option = option, .limit = *limit, .is_kept = true};
    Breach worst;
    double most = -INFINITY;
    std::size_t held = 0, breaches = 0;
    for (const ProgramChange& program : history.programs)
      for (const FigureChange* figure : held_by(option, program)) {
        ++held;
        const double loss = figure->new_value ? loss_of(*figure) : INFINITY;
        constexpr double kRounding = 1e-9;
        if (loss > *limit + kRounding) ++breaches;
        if (loss > most) {
          most = loss;
          worst = {&program, figure};
        }
      }
    if (held == 0) {
      diagnostics.add({.kind = Kind::usage,
                       .message = std::string(option) + ": no figure that it holds is in both reports",
                       .help = gate.option == "--max-drop"
                                   ? "`validate` and `advise` measure accuracy"
                                   : "`run`, `compare` and `advise` have time and memory"});
      continue;
    }
    gate.is_kept = breaches == 0;
    gate.program = worst.program->program;
    gate.board = worst.program->board;
    if (std::isfinite(most)) gate.worst = most;
    if (!gate.is_kept) diagnostics.add(breach_of(gate, worst, breaches, history));
    results.push_back(std::move(gate));
  }
  return results;
}

}  // namespace nb
