#include "cli/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/reports.h"
#include "report/json_reads.h"

namespace nb::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLayersShown = 12, kMostConditionsShown = 12;

/// "1,234", "40.7"; a dash if it is not known.
std::string value_cell(const FigureChange& figure, const std::optional<double>& value) {
  return value ? number_text(figure, *value).en : "-";
}

std::string change_cell(const FigureChange& figure) {
  if (figure.is_same()) return "same";
  std::string text = change_text(figure).en;
  if (figure.is_within_interval()) text += " ~";
  return text;
}

void print_program(const ProgramChange& program) {
  std::vector<std::vector<std::string>> lines;
  if (program.old_fits && program.new_fits && program.old_fits != program.new_fits)
    lines.push_back({"fits", *program.old_fits ? "yes" : "no", *program.new_fits ? "yes" : "no", ""});
  for (const FigureChange& figure : program.figures) {
    if (figure.is_same() && !figure.is_headline) continue;
    std::string title = figure.title.en;
    if (!figure.unit.empty()) title += ", " + figure.unit;
    if (!figure.of.empty()) title += ", " + printable(figure.of, 60);
    lines.push_back({title, value_cell(figure, figure.old_value), value_cell(figure, figure.new_value),
                     change_cell(figure)});
  }
  print_columns({{"", true}, {"was"}, {"is"}, {"change"}}, lines);
}

std::string figure_of_layer(const LayerChange& layer, std::string_view name, bool is_new) {
  for (const FigureChange& figure : layer.figures)
    if (figure.name == name) return value_cell(figure, is_new ? figure.new_value : figure.old_value);
  return "same";
}

/// What layers are shown by: cycles, else instructions, else signal to noise, else whatever changed.
const FigureChange* measure_of(const std::vector<LayerChange>& layers) {
  for (const std::string_view name : {"cycles", "instructions", "snr_db", ""})
    for (const LayerChange& layer : layers)
      for (const FigureChange& figure : layer.figures)
        if (figure.name == name || name.empty()) return &figure;
  return nullptr;
}

void print_layers(const ProgramChange& program) {
  const auto& layers = program.layers;
  if (layers.empty()) return;
  const FigureChange* measure = measure_of(layers);
  const bool has_shares = std::any_of(layers.begin(), layers.end(),
                                      [](const LayerChange& layer) { return layer.share.has_value(); });
  std::vector<std::vector<std::string>> lines;
  for (std::size_t i = 0; i < std::min(layers.size(), kMostLayersShown); ++i) {
    const LayerChange& layer = layers[i];
    std::vector<std::string> words, line = {printable(layer.name, 44)};
    for (const LayerChange::Word& one : layer.words)
      words.push_back(one.name + " " + printable(one.new_word, 40) + ", was " + printable(one.old_word, 40));
    if (measure != nullptr) {
      line.push_back(figure_of_layer(layer, measure->name, false));
      line.push_back(figure_of_layer(layer, measure->name, true));
      if (has_shares) line.push_back(layer.share ? fmt::format("{:.1f}", 100 * *layer.share) : "");
    }
    line.push_back(join(words, "; "));
    lines.push_back(std::move(line));
  }
  std::vector<Column> columns = {{"layer", true}};
  if (measure != nullptr)
    columns.insert(
        columns.end(),
        {{measure->title.en + (measure->unit.empty() ? "" : ", " + measure->unit) + ", was"}, {"is"}});
  if (has_shares) columns.push_back({"% of change"});
  columns.push_back({"", true});
  fmt::print("\n");
  print_columns(columns, lines);
  if (layers.size() > kMostLayersShown)
    fmt::print("  and {} more: --json has them all\n", layers.size() - kMostLayersShown);
}

/// A line a program on a board, of those that changed.
void print_table(const std::vector<ProgramChange>& programs) {
  const bool has_one_program =
      std::all_of(programs.begin(), programs.end(),
                  [&](const ProgramChange& program) { return program.program == programs[0].program; });
  const std::pair<const char*, const char*> measures[] = {{"latency_ms", "ms"},
                                                          {"energy_uj", "uJ"},
                                                          {"flash_bytes", "flash"},
                                                          {"ram_bytes", "RAM"},
                                                          {"price", "price"}};
  std::vector<Column> columns = {{has_one_program ? "" : "program", true}, {"board", true}};
  for (const auto& [name, title] : measures) columns.insert(columns.end(), {{title}, {"%"}});
  std::vector<std::vector<std::string>> lines;
  for (const ProgramChange& program : programs) {
    if (program.is_same()) continue;
    std::vector<std::string> line = {has_one_program ? "" : printable(program.program, 44),
                                     printable(program.board, 32)};
    for (const auto& [name, title] : measures) {
      const FigureChange* figure = program.find(name);
      if (figure == nullptr) {
        line.insert(line.end(), {"", ""});
        continue;
      }
      std::string change = change_cell(*figure);
      if (const std::size_t percent = change.find(" %"); percent != std::string::npos)
        change.erase(percent, 2);
      const bool is_in_both = figure->old_value && figure->new_value;
      line.push_back(value_cell(*figure, figure->new_value));
      line.push_back(is_in_both ? change : "was " + value_cell(*figure, figure->old_value));
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return;
  print_columns(columns, lines);
  if (const std::size_t same = programs.size() - lines.size(); same > 0)
    fmt::print("  and {} that did not change\n", count_text(same, "row"));
  fmt::print("\n");
}

/// Each condition once, with the boards that it is of.
void print_conditions(const std::vector<ProgramChange>& programs) {
  std::vector<std::pair<std::string, std::vector<std::string>>> conditions;
  for (const ProgramChange& program : programs)
    for (const Sentence& sentence : program.conditions) {
      auto found = std::find_if(conditions.begin(), conditions.end(),
                                [&](const auto& one) { return one.first == sentence.en; });
      if (found == conditions.end()) found = conditions.insert(found, {sentence.en, {}});
      if (!program.board.empty()) found->second.push_back(printable(program.board));
    }
  for (std::size_t i = 0; i < std::min(conditions.size(), kMostConditionsShown); ++i) {
    auto& [sentence, boards] = conditions[i];
    std::sort(boards.begin(), boards.end());
    boards.erase(std::unique(boards.begin(), boards.end()), boards.end());
    const bool names_boards = programs.size() > 1 && !boards.empty();
    fmt::print("  * {}{}\n",
               names_boards
                   ? boards[0] +
                         (boards.size() > 1 ? " and " + count_text(boards.size() - 1, "more board") : "") +
                         ": "
                   : "",
               sentence);
  }
  if (conditions.size() > kMostConditionsShown)
    fmt::print("  * and {} of boards: --json has them all\n",
               count_text(conditions.size() - kMostConditionsShown, "more condition"));
}

bool has_change_within(const History& history) {
  for (const ProgramChange& program : history.programs)
    for (const FigureChange& figure : program.figures)
      if (figure.is_within_interval()) return true;
  return false;
}

}  // namespace

Result<std::optional<Against>> asked_history(const Options& options, Diagnostics& diagnostics) {
  const bool has_bounds = !options.max_slower.empty() || !options.max_larger.empty() || options.max_lost;
  if (options.against.empty()) {
    if (has_bounds)
      return diagnostics.add({.kind = Kind::usage,
                              .message = "a bound on changes without --against",
                              .help = "--against OLD.json: a report that --report wrote"});
    for (const std::string& model : options.words)
      if (is_kept_report(model))
        return diagnostics.add(
            {.kind = Kind::usage,
             .message = "`" + printable(model) + "` is no model, but looks like a kept report",
             .help = "--against OLD.json names the report that it is compared with"});
    return std::optional<Against>();
  }
  Against against{.file = options.against, .report = {}, .gates = {}};
  const auto read_bound = [&](const std::string& text, const char* option, std::optional<double>& limit) {
    if (text.empty()) return true;
    const auto share = parse_percentage(text, option, diagnostics);
    if (share) limit = *share;
    return share.is_ok();
  };
  const bool are_bounds = read_bound(options.max_slower, "--max-slower", against.gates.max_slower) &&
                          read_bound(options.max_larger, "--max-larger", against.gates.max_larger);
  if (!are_bounds) return kFailed;
  if (options.max_lost && !(*options.max_lost >= 0 && std::isfinite(*options.max_lost)))
    return diagnostics.add({.kind = Kind::usage,
                            .message = "--max-drop is not a number of points",
                            .help = "as in --max-drop 0.5; 0 allows no loss"});
  against.gates.max_drop = options.max_lost;
  auto report = read_report(options.against, diagnostics);
  if (!report || !check_comparable({options.against, *report}, diagnostics)) return kFailed;
  against.report = std::move(*report);
  return std::optional(std::move(against));
}

bool is_of_kept_reports(const Options& options) {
  return !options.against.empty() && std::any_of(options.words.begin(), options.words.end(), is_kept_report);
}

int compare_kept(const Against& against, const Options& options, Diagnostics& diagnostics) {
  if (options.words.size() != 1) {
    diagnostics.add(
        {.kind = Kind::usage,
         .message = std::to_string(options.words.size()) + " files, of which one is a kept report",
         .help = "one report is held against another: `nblocks compare NEW.json --against OLD.json`"});
    return finish(diagnostics, options);
  }
  for (const auto& [name, values] : options.given) {
    if (name == "--against" || name == "--max-slower" || name == "--max-larger" || name == "--max-drop")
      continue;
    diagnostics.add({.kind = Kind::usage,
                     .message = name + " with a kept report: nothing is run",
                     .help = "a model in its place is compared anew"});
    return finish(diagnostics, options);
  }
  const std::string& file = options.words[0];
  const auto report = read_report(file, diagnostics);
  if (!report) return finish(diagnostics, options);
  auto history = history_between({against.file, against.report}, {file, *report}, diagnostics);
  if (!history) return finish(diagnostics, options);
  history->gates = hold_history_gates(against.gates, *history, diagnostics);
  const json found = {
      {"schema_version", 1}, {"model", find_text(*report, "/model")}, {"history", history_json(*history)}};
  return finish_with(found, diagnostics, options, [&] { print_history(*history); });
}

std::optional<History> add_history(json& found, const Against& against, const Options& options,
                                   Diagnostics& diagnostics) {
  const json report = report_of(found, options, diagnostics);
  auto history = history_between({against.file, against.report}, {"", report}, diagnostics);
  if (!history) return std::nullopt;
  history->gates = hold_history_gates(against.gates, *history, diagnostics);
  found["history"] = history_json(*history);
  return std::move(*history);
}

void print_history(const History& history) {
  fmt::print("since {} ({}, nblocks {})\n\n", printable(history.old_name), printable(history.old_verb),
             printable(history.old_nblocks));
  const bool is_single = history.programs.size() == 1;
  if (is_single) {
    print_program(history.programs[0]);
    print_layers(history.programs[0]);
    fmt::print("\n");
  } else {
    print_table(history.programs);
  }
  const std::vector<Sentence> summary = history_summary(history, !is_single);
  for (const Sentence& sentence : summary) fmt::print("  {}\n", sentence.en);
  if (has_change_within(history))
    fmt::print("  ~: each value lies in the interval of the other; a board may not show the change.\n");
  fmt::print("{}  why\n", summary.empty() && !has_change_within(history) ? "" : "\n");
  const auto print_reasons = [&](Difference difference) {
    for (const Reason& reason : history.reasons)
      if (reason.difference == difference)
        fmt::print("  {} {}\n", difference == Difference::none ? ' ' : '*', reason.sentence.en);
  };
  print_reasons(Difference::some);
  print_conditions(history.programs);
  print_reasons(Difference::unknown);
  print_reasons(Difference::none);
}

}  // namespace nb::cli
