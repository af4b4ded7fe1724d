#include "report/history.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "report/formats.h"
#include "report/history_subjects.h"
#include "report/json_reads.h"

namespace nb {
namespace {

using nlohmann::json;

/// Where a figure stands in a program's JSON, and its interval beside it.
struct FigureRow {
  std::string_view name, pointer, low, high, unit, en, fr;
  bool is_headline;
  std::optional<bool> is_larger_better;
  bool is_of_kind;  ///< it means another thing in a row than in a report of one program
};
constexpr std::optional<bool> kLess = false, kMore = true, kNeither = std::nullopt;
constexpr std::array<FigureRow, 19> kFigures = {{
    {"rank", "/rank", "", "", "", "Rank", "Rang", true, kLess, false},
    {"latency_ms", "/latency_ms_estimated", "/latency_ms_low", "/latency_ms_high", "ms", "Latency", "Latence",
     true, kLess, false},
    {"cycles", "/cycles_estimated", "/cycles_low", "/cycles_high", "", "Cycles", "Cycles", true, kLess,
     false},
    {"instructions", "/instructions", "", "", "", "Instructions", "Instructions", true, kLess, false},
    {"energy_uj", "/energy_uj_estimated", "/energy_uj_low", "/energy_uj_high", "uJ", "Energy", "Énergie",
     true, kLess, false},
    {"average_mw", "/cost_basis/duty_cycle/average_mw/typical", "/cost_basis/duty_cycle/average_mw/low",
     "/cost_basis/duty_cycle/average_mw/high", "mW", "Average power", "Puissance moyenne", true, kLess,
     false},
    {"battery_days", "/cost_basis/duty_cycle/battery_days/typical", "/cost_basis/duty_cycle/battery_days/low",
     "/cost_basis/duty_cycle/battery_days/high", "days", "Battery life", "Autonomie", true, kMore, false},
    {"flash_bytes", "/flash/total_bytes", "", "", "B", "Flash", "Flash", true, kLess, false},
    {"ram_bytes", "/ram/total_bytes", "", "", "B", "RAM", "RAM", true, kLess, false},
    {"ram_bytes_estimated", "/ram_total_bytes_estimated", "", "", "B", "RAM, with an allowance for the stack",
     "RAM, avec une réserve pour la pile", true, kLess, false},
    {"weights_bytes", "/flash/weights_bytes", "", "", "B", "Weights", "Poids", false, kLess, true},
    {"weights_bytes", "/weights_bytes", "", "", "B", "Weights", "Poids", true, kLess, false},
    {"arena_bytes", "/ram/arena_bytes", "", "", "B", "Arena", "Arène", false, kLess, false},
    {"arena_bytes", "/arena_bytes", "", "", "B", "Arena", "Arène", true, kLess, false},
    {"stack_bytes", "/ram/stack_bytes", "", "", "B", "Stack", "Pile", false, kLess, false},
    {"static_bytes", "/ram/static_bytes", "", "", "B", "Variables", "Variables", false, kLess, false},
    {"macs", "/macs", "", "", "", "Multiply-accumulates", "Multiplications-accumulations", false, kNeither,
     false},
    {"params", "/params", "", "", "", "Parameters", "Paramètres", false, kNeither, false},
    {"slowdown_ms", "/slowdown_ms", "", "", "ms", "Slowdown by memories outside",
     "Ralentissement par les mémoires externes", false, kLess, false},
}};

/// Of a layer, or of a function.
constexpr std::array<FigureRow, 6> kLayerFigures = {{
    {"cycles", "/cycles_estimated", "/cycles_low", "/cycles_high", "", "Cycles", "Cycles", true, kLess,
     false},
    {"instructions", "/instructions", "", "", "", "Instructions", "Instructions", true, kLess, false},
    {"weights_bytes", "/weights_bytes", "", "", "B", "Weights", "Poids", true, kLess, false},
    {"scratch_bytes", "/scratch_bytes", "", "", "B", "Scratch", "Tampon", true, kLess, false},
    {"snr_db", "/snr_db", "", "", "dB", "Signal to noise", "Signal sur bruit", true, kMore, false},
    {"macs", "/macs", "", "", "", "Multiply-accumulates", "Multiplications-accumulations", true, kNeither,
     false},
}};

/// Of an output, against labels and against the reference.
constexpr std::array<FigureRow, 8> kScores = {{
    {"acc", "/acc", "", "", "", "Accuracy", "Exactitude", false, kMore, false},
    {"balanced_accuracy", "/balanced_accuracy", "", "", "", "Balanced accuracy", "Exactitude équilibrée",
     false, kMore, false},
    {"auc", "/auc", "", "", "", "Area under ROC", "Aire sous ROC", false, kMore, false},
    {"cos", "/cos", "", "", "", "Cosine", "Cosinus", false, kMore, false},
    {"rmse", "/rmse", "", "", "", "Root mean square error", "Racine de l’erreur quadratique", false, kLess,
     false},
    {"mae", "/mae", "", "", "", "Mean absolute error", "Erreur absolue moyenne", false, kLess, false},
    {"l2r", "/l2r", "", "", "", "Relative error", "Erreur relative", false, kLess, false},
    {"max_abs_error", "/max_abs_error", "", "", "", "Largest error", "Plus grande erreur", false, kLess,
     false},
}};

std::optional<Estimate> interval_of(const json& at, const FigureRow& row, double typical) {
  if (row.low.empty()) return std::nullopt;
  const auto low = find_number(at, row.low), high = find_number(at, row.high);
  return low && high ? std::optional(Estimate{*low, typical, *high}) : std::nullopt;
}

/// A place in a report: its JSON and its pointer.
struct Place {
  const json& at;
  std::string path;
};

/// Absent if neither has it.
std::optional<FigureChange> figure_between(const FigureRow& row, const Place& before, const Place& after) {
  FigureChange figure{.name = std::string(row.name),
                      .title = {std::string(row.en), std::string(row.fr)},
                      .unit = std::string(row.unit),
                      .is_headline = row.is_headline,
                      .is_larger_better = row.is_larger_better,
                      .old_value = find_number(before.at, row.pointer),
                      .new_value = find_number(after.at, row.pointer)};
  if (figure.old_value) {
    figure.old_path = before.path + std::string(row.pointer);
    figure.old_interval = interval_of(before.at, row, *figure.old_value);
  }
  if (figure.new_value) {
    figure.new_path = after.path + std::string(row.pointer);
    figure.new_interval = interval_of(after.at, row, *figure.new_value);
  }
  return figure.old_value || figure.new_value ? std::optional(std::move(figure)) : std::nullopt;
}

/// The things of a list by the name that they alone have, in the list's order.
std::vector<std::pair<std::string, std::size_t>> named(const json& list) {
  std::map<std::string, int> counts;
  for (const json& one : list) ++counts[find_text(one, "/name")];
  std::vector<std::pair<std::string, std::size_t>> found;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (const std::string name = find_text(list[i], "/name"); !name.empty() && counts[name] == 1)
      found.emplace_back(name, i);
  return found;
}

/// Two reports of one program each, or two rows, and which of their figures can be compared.
class ProgramsBeside {
 public:
  ProgramsBeside(const json& old_report, const json& new_report)
      : old_report_(old_report), new_report_(new_report) {
    is_same_verb_ = find_text(old_report, "/report/verb") == find_text(new_report, "/report/verb");
  }

  [[nodiscard]] ProgramChange change_between(const Subject& before, const Subject& after) const {
    ProgramChange change{.program = after.program(),
                         .board = after.board,
                         .old_program = before.program(),
                         .old_board = before.board};
    if (find_json(*before.at, "/fits") != nullptr) change.old_fits = is_true(*before.at, "/fits");
    if (find_json(*after.at, "/fits") != nullptr) change.new_fits = is_true(*after.at, "/fits");
    const Place old_place{*before.at, before.path}, new_place{*after.at, after.path};
    for (const FigureRow& row : kFigures) {
      if (row.is_of_kind && before.is_row != after.is_row) continue;
      if (auto figure = figure_between(row, old_place, new_place)) add(change, std::move(*figure));
    }
    add_metric(change, before, after);
    add_price(change, before, after);
    if (!before.is_row && !after.is_row) {
      add_scores(change);
      for (const char* list : {"/layers", "/functions"}) add_layers(change, list);
    }
    return change;
  }

 private:
  /// What one report alone has is told only of reports of the same verb: another verb has other figures.
  void add(ProgramChange& change, FigureChange figure) const {
    const bool is_in_both = figure.old_value && figure.new_value;
    if (!is_in_both && (!is_same_verb_ || !figure.is_headline)) return;
    if (figure.of.empty() && change.find(figure.name) != nullptr) return;
    change.figures.push_back(std::move(figure));
  }

  void add_metric(ProgramChange& change, const Subject& before, const Subject& after) const {
    const std::string name = after.metric.empty() ? before.metric : after.metric;
    if (name.empty()) return;
    const auto metric = find_metric(name);
    FigureChange figure{.name = name, .title = word(name), .is_headline = true};
    if (name == "accuracy") figure.title = {"Accuracy", "Exactitude"};
    if (metric) figure.is_larger_better = is_larger_better(*metric);
    if (before.metric == name) {
      figure.old_path = before.metric_path;
      figure.old_value = find_number(old_report_, before.metric_path);
    }
    if (after.metric == name) {
      figure.new_path = after.metric_path;
      figure.new_value = find_number(new_report_, after.metric_path);
    }
    if (metric && figure.old_value && figure.new_value)
      figure.points_lost = drop_points(*metric, *figure.old_value, *figure.new_value);
    add(change, std::move(figure));
  }

  void add_price(ProgramChange& change, const Subject& before, const Subject& after) const {
    FigureChange figure{.name = "price",
                        .title = {"Price", "Prix"},
                        .unit = after.price_path.empty() ? before.currency : after.currency,
                        .is_headline = true,
                        .is_larger_better = false};
    if (figure.unit.empty()) return;
    // A price in another currency is no other price.
    if (before.currency == figure.unit && !before.price_path.empty()) {
      figure.old_path = before.price_path;
      figure.old_value = find_number(old_report_, before.price_path);
    }
    if (!after.price_path.empty()) {
      figure.new_path = after.price_path;
      figure.new_value = find_number(new_report_, after.price_path);
    }
    add(change, std::move(figure));
  }

  void add_scores(ProgramChange& change) const {
    const json &mine = find_list(old_report_, "/outputs"), &theirs = find_list(new_report_, "/outputs");
    std::map<std::string, std::size_t> old_index;
    for (const auto& [name, i] : named(mine)) old_index[name] = i;
    for (const auto& [name, i] : named(theirs)) {
      const auto found = old_index.find(name);
      if (found == old_index.end()) continue;
      for (const auto& [side, what] :
           {std::pair("/program", "the labels"), std::pair("/x_cross", "the reference")}) {
        const json *before = find_json(mine[found->second], side), *after = find_json(theirs[i], side);
        if (before == nullptr || after == nullptr) continue;
        for (const FigureRow& row : kScores) {
          auto figure = figure_between(row, {*before, "/outputs/" + std::to_string(found->second) + side},
                                       {*after, "/outputs/" + std::to_string(i) + side});
          if (!figure) continue;
          figure->of = name + " against " + what;
          add(change, std::move(*figure));
        }
      }
    }
  }

  void add_layers(ProgramChange& change, const std::string& pointer) const {
    const json &mine = find_list(old_report_, pointer), &theirs = find_list(new_report_, pointer);
    if (mine.empty() || theirs.empty()) return;
    std::map<std::string, std::size_t> old_index;
    for (const auto& [name, i] : named(mine)) old_index[name] = i;
    for (const auto& [name, i] : named(theirs)) {
      const auto found = old_index.find(name);
      if (found == old_index.end()) {
        change.appeared_layers.push_back(name);
        continue;
      }
      const std::size_t j = found->second;
      LayerChange layer{.name = name};
      for (const FigureRow& row : kLayerFigures) {
        auto figure = figure_between(row, {mine[j], pointer + "/" + std::to_string(j)},
                                     {theirs[i], pointer + "/" + std::to_string(i)});
        if (figure && figure->old_value && figure->new_value && !figure->is_same())
          layer.figures.push_back(std::move(*figure));
      }
      for (const char* name_of_word : {"block", "kernel", "format"}) {
        const std::string at = std::string("/") + name_of_word;
        const std::string before = find_text(mine[j], at), after = find_text(theirs[i], at);
        if (!before.empty() && !after.empty() && before != after)
          layer.words.push_back({name_of_word, before, after});
      }
      if (!layer.figures.empty() || !layer.words.empty()) change.layers.push_back(std::move(layer));
      old_index.erase(found);
    }
    for (const auto& [name, i] : named(mine))
      if (old_index.contains(name)) change.gone_layers.push_back(name);
    order_layers(change);
  }

  /// By what they add to the change of all.
  static void order_layers(ProgramChange& change) {
    for (const char* name : {"cycles", "instructions"}) {
      const FigureChange* whole = change.find(name);
      if (whole == nullptr || !whole->old_value || !whole->new_value) continue;
      const double all = *whole->new_value - *whole->old_value;
      for (LayerChange& layer : change.layers)
        for (const FigureChange& figure : layer.figures)
          if (figure.name == name && all != 0) layer.share = (*figure.new_value - *figure.old_value) / all;
      break;
    }
    const auto size = [](const LayerChange& layer) {
      if (layer.share) return std::abs(*layer.share);
      return layer.figures.empty() ? 0 : std::abs(layer.figures[0].relative().value_or(0));
    };
    std::stable_sort(
        change.layers.begin(), change.layers.end(),
        [&](const LayerChange& one, const LayerChange& other) { return size(one) > size(other); });
  }

  const json& old_report_;
  const json& new_report_;
  bool is_same_verb_ = false;
};

bool has_common_figure(const ProgramChange& change) {
  const auto is_in_both = [](const FigureChange& figure) { return figure.old_value && figure.new_value; };
  return std::any_of(change.figures.begin(), change.figures.end(), is_in_both) ||
         (change.old_fits && change.new_fits);
}

bool has_figures(const Subject& subject) {
  return find_json(*subject.at, "/fits") != nullptr || !subject.metric_path.empty() ||
         std::any_of(kFigures.begin(), kFigures.end(),
                     [&](const FigureRow& row) { return find_number(*subject.at, row.pointer).has_value(); });
}

/// The conditions that a program's figures hold for, where they are others than before.
std::vector<Sentence> conditions_between(const Subject& before, const Subject& after) {
  std::vector<Sentence> said;
  if (before.board != after.board && !before.board.empty() && !after.board.empty())
    said.push_back(say("Board: {0}, was {1}.", "Carte : {0}, au lieu de {1}.",
                       {word(printable(after.board)), word(printable(before.board))}));
  const auto add = [&](std::string_view pointer, Sentence title, const char* unit, double scale) {
    const auto old_value = find_number(*before.at, pointer), new_value = find_number(*after.at, pointer);
    if (!old_value || !new_value || *old_value == *new_value) return;
    said.push_back(
        say("{0}: {1} {3}, was {2}.", "{0} : {1} {3}, au lieu de {2}.",
            {std::move(title), amount(*new_value * scale), amount(*old_value * scale), word(unit)}));
  };
  add("/cost_basis/clock_hz", {"Clock", "Horloge"}, "MHz", 1e-6);
  add("/cost_basis/run_power/mw/typical", {"Power while it runs", "Puissance en marche"}, "mW", 1);
  add("/cost_basis/sleep_power/mw/typical", {"Power while it sleeps", "Puissance en veille"}, "mW", 1);
  const auto add_words = [&](std::string_view pointer, Sentence title) {
    const std::string old_word = find_text(*before.at, pointer), new_word = find_text(*after.at, pointer);
    if (old_word == new_word || old_word.empty() || new_word.empty()) return;
    said.push_back(say("{0}: {1}, was {2}.", "{0} : {1}, au lieu de {2}.",
                       {std::move(title), word(new_word), word(old_word)}));
  };
  add_words("/price/date", {"The price’s date", "Date du prix"});
  add_words("/price/source", {"The price’s source", "Source du prix"});
  const json &mine = find_list(*before.at, "/cost_basis/assumptions"),
             &theirs = find_list(*after.at, "/cost_basis/assumptions");
  if (mine != theirs)
    said.push_back(say("What is assumed of the board’s memories: {0} sentences, other ones than before.",
                       "Ce qui est supposé des mémoires de la carte : {0} phrases, autres qu’avant.",
                       {count(static_cast<std::int64_t>(theirs.size()))}));
  const auto is_same = [&](std::string_view pointer) {
    const auto old_value = find_number(*before.at, pointer), new_value = find_number(*after.at, pointer);
    return old_value && new_value && *old_value == *new_value;
  };
  if (said.empty() && is_same("/instructions") && find_number(*after.at, "/cycles_estimated") &&
      find_number(*before.at, "/cycles_estimated") && !is_same("/cycles_estimated"))
    said.push_back(say(
        "The instructions are as many as before: where code and data lie, waits of memories or the timing "
        "model give other cycles.",
        "Autant d’instructions qu’avant : la place du code et des données, les attentes des mémoires ou le "
        "modèle temporel donnent d’autres cycles."));
  return said;
}

std::string place_of(const Subject& subject) {
  return subject.board.empty() ? subject.program() : subject.program() + " on " + subject.board;
}

}  // namespace

std::optional<double> FigureChange::relative() const {
  if (!old_value || !new_value || *old_value == 0) return std::nullopt;
  return (*new_value - *old_value) / std::abs(*old_value);
}

bool FigureChange::is_within_interval() const {
  if (!old_interval || !new_interval || is_same()) return false;
  const auto holds = [](const Estimate& interval, double value) {
    return interval.low <= value && value <= interval.high;
  };
  return holds(*old_interval, *new_value) && holds(*new_interval, *old_value);
}

std::optional<bool> FigureChange::is_better() const {
  if (!is_larger_better || !old_value || !new_value || is_same()) return std::nullopt;
  return (*new_value > *old_value) == *is_larger_better;
}

const FigureChange* ProgramChange::find(std::string_view name) const {
  const auto found = std::find_if(figures.begin(), figures.end(), [&](const FigureChange& figure) {
    return figure.name == name && figure.of.empty();
  });
  return found == figures.end() ? nullptr : &*found;
}

bool ProgramChange::is_same() const {
  return old_fits == new_fits && layers.empty() && gone_layers.empty() && appeared_layers.empty() &&
         std::all_of(figures.begin(), figures.end(),
                     [](const FigureChange& figure) { return figure.is_same(); });
}

bool History::is_same() const {
  return gone.empty() && appeared.empty() &&
         std::all_of(programs.begin(), programs.end(),
                     [](const ProgramChange& program) { return program.is_same(); });
}

Status check_comparable(const NamedReport& report, Diagnostics& diagnostics) {
  const std::vector<Subject> subjects = subjects_of(report.document);
  if (std::any_of(subjects.begin(), subjects.end(), has_figures)) return Status();
  const std::string verb = find_text(report.document, "/report/verb");
  const bool has_failed = find_json(report.document, "/ok") != nullptr && !is_true(report.document, "/ok");
  return diagnostics.add(
      {.kind = Kind::bad_report,
       .message = "`" + printable(report.name) + "` has no figures to compare: it is of `" + printable(verb) +
                  "`" + (has_failed ? ", which failed" : ""),
       .help = "reports of run, validate, compare, analyze, time and advise have figures"});
}

Result<History> history_between(const NamedReport& before, const NamedReport& after,
                                Diagnostics& diagnostics) {
  const Status are_comparable[] = {check_comparable(before, diagnostics),
                                   check_comparable(after, diagnostics)};
  if (!are_comparable[0] || !are_comparable[1]) return kFailed;
  const json &mine = before.document, &theirs = after.document;
  History history{.old_name = before.name,
                  .new_name = after.name,
                  .old_verb = find_text(mine, "/report/verb"),
                  .new_verb = find_text(theirs, "/report/verb"),
                  .old_command = find_text(mine, "/report/command"),
                  .old_nblocks = find_text(mine, "/report/nblocks")};
  const std::vector<Subject> old_subjects = subjects_of(mine), new_subjects = subjects_of(theirs);
  std::set<std::size_t> old_matched, new_matched;
  const ProgramsBeside beside(mine, theirs);
  for (const auto& [i, j] : matched_subjects(old_subjects, new_subjects)) {
    ProgramChange change = beside.change_between(old_subjects[i], new_subjects[j]);
    if (!has_common_figure(change)) continue;
    change.conditions = conditions_between(old_subjects[i], new_subjects[j]);
    history.programs.push_back(std::move(change));
    old_matched.insert(i);
    new_matched.insert(j);
  }
  if (history.programs.empty())
    return diagnostics.add(
        {.kind = Kind::bad_report,
         .message = "`" + printable(before.name) + "` (" + printable(history.old_verb) + ") and `" +
                    printable(after.name) + "` (" + printable(history.new_verb) +
                    ") have nothing in common: no figure of one program on one board",
         .help = "the older has " + printable(place_of(old_subjects[0])) +
                 (old_subjects.size() > 1 ? ", ..." : "") + ", the newer " +
                 printable(place_of(new_subjects[0])) + (new_subjects.size() > 1 ? ", ..." : "")});
  for (std::size_t i = 0; i < old_subjects.size(); ++i)
    if (!old_matched.contains(i)) history.gone.push_back(place_of(old_subjects[i]));
  for (std::size_t i = 0; i < new_subjects.size(); ++i)
    if (!new_matched.contains(i)) history.appeared.push_back(place_of(new_subjects[i]));
  history.reasons = reasons_between(mine, theirs, !history.is_same());
  return history;
}

}  // namespace nb
