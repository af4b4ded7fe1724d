// A history in sentences and as JSON.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/history.h"
#include "report/json_values.h"

namespace nb {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLayersSaid = 3, kMostNamesSaid = 5;
/// Doubles below have all integers.
constexpr double kMostExact = 9e15;

bool is_count(const FigureChange& figure) {
  const std::array<std::string_view, 5> counts = {"cycles", "instructions", "macs", "params", "rank"};
  return figure.unit == "B" || std::find(counts.begin(), counts.end(), figure.name) != counts.end();
}

Sentence unit_of(const FigureChange& figure) {
  if (figure.unit == "days") return {"days", "jours"};
  if (figure.unit == "B") return {"bytes", "octets"};
  return word(figure.unit == "uJ" ? "µJ" : figure.unit);
}

/// "a, b, c and 4 more".
Sentence list_of(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamesSaid); ++i)
    shown.push_back(printable(names[i]));
  const Sentence all = word(join(shown, ", "));
  if (names.size() <= kMostNamesSaid) return all;
  return say("{0} and {1} more", "{0} et {1} autres",
             {all, count(static_cast<std::int64_t>(names.size() - kMostNamesSaid))});
}

Sentence place_of(const ProgramChange& program) {
  if (program.board.empty()) return word(printable(program.program));
  return say("{0} on {1}", "{0} sur {1}", {word(printable(program.program)), word(printable(program.board))});
}

class Summary {
 public:
  explicit Summary(const History& history) : history_(history) {}

  std::vector<Sentence> sentences(bool has_figures) && {
    say_sameness();
    say_subjects();
    say_fits();
    if (history_.programs.size() > 1)
      say_figures();
    else if (has_figures)
      say_program(history_.programs[0]);
    for (const ProgramChange& program : history_.programs) say_layer_names(program);
    say_alone();
    say_gates();
    return std::move(said_);
  }

 private:
  void say_sameness() {
    if (!history_.is_same()) return;
    std::int64_t figures = 0;
    for (const ProgramChange& program : history_.programs)
      figures += static_cast<std::int64_t>(program.figures.size());
    const auto programs = static_cast<std::int64_t>(history_.programs.size());
    if (programs == 1)
      said_.push_back(say("Nothing changed: all {0} figures are the same.",
                          "Rien n’a changé : les {0} chiffres sont les mêmes.", {count(figures)}));
    else
      said_.push_back(say("Nothing changed: all {0} figures of {1} rows are the same.",
                          "Rien n’a changé : les {0} chiffres de {1} lignes sont les mêmes.",
                          {count(figures), count(programs)}));
  }

  /// What stands beside what, where names do not tell.
  void say_subjects() {
    std::map<std::string, Sentence> said;
    for (const ProgramChange& program : history_.programs) {
      if (program.program != program.old_program)
        said.emplace("program " + program.program,
                     say("{0} stands beside {1} of the older report.",
                         "{0} est mis en regard de {1} de l’ancien rapport.",
                         {word(printable(program.program)), word(printable(program.old_program))}));
    }
    for (auto& [key, sentence] : said) said_.push_back(std::move(sentence));
  }

  void say_fits() {
    for (const bool fits : {false, true}) {
      std::vector<std::string> places;
      for (const ProgramChange& program : history_.programs)
        if (program.old_fits && program.new_fits == fits && *program.old_fits != fits)
          places.push_back(place_of(program).en);
      if (places.empty()) continue;
      said_.push_back(fits
                          ? say("It fits now: {0}.", "Tient désormais : {0}.", {list_of(places)})
                          : say("It does not fit any more: {0}.", "Ne tient plus : {0}.", {list_of(places)}));
    }
  }

  void say_program(const ProgramChange& program) {
    for (const FigureChange& figure : program.figures) {
      if (figure.is_same() || (!figure.is_headline && figure.of.empty())) continue;
      const Sentence title = figure.of.empty()
                                 ? figure.title
                                 : say("{0} ({1})", "{0} ({1})", {figure.title, word(printable(figure.of))});
      if (!figure.new_value)
        said_.push_back(say("{0}: not known any more, was {1}.", "{0} : plus connu, au lieu de {1}.",
                            {title, figure_text(figure, *figure.old_value)}));
      else if (!figure.old_value)
        said_.push_back(say("{0}: {1}, was not known.", "{0} : {1}, inconnu avant.",
                            {title, figure_text(figure, *figure.new_value)}));
      else
        said_.push_back(say(figure.is_within_interval()
                                ? "{0}: {1}, was {2}: {3}, within the interval of the estimates."
                                : "{0}: {1}, was {2}: {3}.",
                            figure.is_within_interval()
                                ? "{0} : {1}, au lieu de {2} : {3}, dans l’intervalle des estimations."
                                : "{0} : {1}, au lieu de {2} : {3}.",
                            {title, figure_text(figure, *figure.new_value),
                             figure_text(figure, *figure.old_value), change_text(figure)}));
    }
    say_layers(program);
  }

  void say_layers(const ProgramChange& program) {
    std::size_t shown = 0;
    for (const LayerChange& layer : program.layers) {
      if (shown == kMostLayersSaid || (!layer.share && layer.words.empty())) break;
      ++shown;
      Sentence sentence = word("`" + printable(layer.name) + "`");
      if (layer.share)
        sentence =
            say("{0} makes {1} % of the change of all layers",
                "{0} fait {1} % du changement de toutes les couches", {sentence, amount(100 * *layer.share)});
      for (const LayerChange::Word& one : layer.words)
        sentence = say(
            "{0}; {1} {2}, was {3}", "{0} ; {1} {2}, au lieu de {3}",
            {sentence, word_title(one.name), word(printable(one.new_word)), word(printable(one.old_word))});
      said_.push_back(say("{0}.", "{0}.", {sentence}));
    }
  }

  void say_layer_names(const ProgramChange& program) {
    if (!program.appeared_layers.empty())
      said_.push_back(
          say("Layers that are new: {0}.", "Couches nouvelles : {0}.", {list_of(program.appeared_layers)}));
    if (!program.gone_layers.empty())
      said_.push_back(
          say("Layers that are gone: {0}.", "Couches disparues : {0}.", {list_of(program.gone_layers)}));
  }

  static Sentence word_title(const std::string& name) {
    if (name == "kernel") return {"kernel", "noyau"};
    return name == "block" ? Sentence{"block", "bloc"} : word(name);
  }

  /// Of many programs each figure's range.
  void say_figures() {
    std::vector<std::string> names;
    for (const ProgramChange& program : history_.programs)
      for (const FigureChange& figure : program.figures)
        if (figure.is_headline && figure.of.empty() && !figure.is_same() &&
            std::find(names.begin(), names.end(), figure.name) == names.end())
          names.push_back(figure.name);
    for (const std::string& name : names) {
      std::int64_t changed = 0, all = 0, within = 0;
      const ProgramChange *least = nullptr, *most = nullptr;
      const auto size = [&](const ProgramChange& program) {
        const FigureChange& figure = *program.find(name);
        return figure.points_lost ? -*figure.points_lost : figure.relative().value_or(0);
      };
      Sentence title;
      for (const ProgramChange& program : history_.programs) {
        const FigureChange* figure = program.find(name);
        if (figure == nullptr || !figure->old_value || !figure->new_value) continue;
        ++all;
        title = figure->title;
        if (figure->is_same()) continue;
        ++changed;
        within += figure->is_within_interval() ? 1 : 0;
        if (least == nullptr || size(program) < size(*least)) least = &program;
        if (most == nullptr || size(program) > size(*most)) most = &program;
      }
      if (changed == 0) continue;
      const Sentence from =
          say("{0} ({1})", "{0} ({1})", {change_text(*least->find(name)), place_of(*least)});
      const Sentence to = say("{0} ({1})", "{0} ({1})", {change_text(*most->find(name)), place_of(*most)});
      Sentence sentence = changed == 1
                              ? say("{0} changed in 1 of {1} rows: {2}",
                                    "{0} change sur 1 ligne sur {1} : {2}", {title, count(all), from})
                              : say("{0} changed in {1} of {2} rows: {3} to {4}",
                                    "{0} change sur {1} lignes sur {2} : de {3} à {4}",
                                    {title, count(changed), count(all), from, to});
      if (within > 0)
        sentence = within == changed
                       ? say("{0}, within the intervals of the estimates",
                             "{0}, dans les intervalles des estimations", {sentence})
                       : say("{0}; {1} of them within the interval of the estimates",
                             "{0} ; dont {1} dans l’intervalle des estimations", {sentence, count(within)});
      said_.push_back(say("{0}.", "{0}.", {sentence}));
    }
  }

  void say_alone() {
    if (!history_.gone.empty())
      said_.push_back(say("In the older report alone: {0}.", "Dans l’ancien rapport seul : {0}.",
                          {list_of(history_.gone)}));
    if (!history_.appeared.empty())
      said_.push_back(say("In the newer report alone: {0}.", "Dans le nouveau rapport seul : {0}.",
                          {list_of(history_.appeared)}));
  }

  void say_gates() {
    for (const HistoryGate& gate : history_.gates)
      said_.push_back(say(gate.is_kept ? "The bound {0} is kept." : "The bound {0} is not kept.",
                          gate.is_kept ? "Le seuil {0} est tenu." : "Le seuil {0} n’est pas tenu.",
                          {word(gate.option)}));
  }

  const History& history_;
  std::vector<Sentence> said_;
};

json figure_json(const FigureChange& figure) {
  const auto number = [&](const std::optional<double>& value) {
    if (!value) return json(nullptr);
    return is_count(figure) && std::abs(*value) < kMostExact ? json(std::llround(*value)) : json(*value);
  };
  const auto end = [](const std::optional<Estimate>& interval, double Estimate::*which) {
    return interval ? json((*interval).*which) : json(nullptr);
  };
  const auto share = figure.relative();
  return {
      {"name", figure.name},
      {"of", text_or_null(figure.of)},
      {"title", sentence_json(figure.title)},
      {"unit", text_or_null(figure.unit)},
      {"is_headline", figure.is_headline},
      {"old", number(figure.old_value)},
      {"old_low", end(figure.old_interval, &Estimate::low)},
      {"old_high", end(figure.old_interval, &Estimate::high)},
      {"old_path", text_or_null(figure.old_path)},
      {"new", number(figure.new_value)},
      {"new_low", end(figure.new_interval, &Estimate::low)},
      {"new_high", end(figure.new_interval, &Estimate::high)},
      {"new_path", text_or_null(figure.new_path)},
      {"change", share ? rounded(*share) : json(nullptr)},
      {"points_lost", figure.points_lost && std::isfinite(*figure.points_lost) ? rounded(*figure.points_lost)
                                                                               : json(nullptr)},
      {"is_within_interval", figure.is_within_interval()},
      {"is_better", or_null(figure.is_better())}};
}

json figures_json(const std::vector<FigureChange>& figures) {
  json list = json::array();
  for (const FigureChange& figure : figures) list.push_back(figure_json(figure));
  return list;
}

json sentences_json(const std::vector<Sentence>& sentences) {
  json list = json::array();
  for (const Sentence& sentence : sentences) list.push_back(sentence_json(sentence));
  return list;
}

json program_json(const ProgramChange& program) {
  json layers = json::array();
  for (const LayerChange& layer : program.layers) {
    json words = json::array();
    for (const LayerChange::Word& one : layer.words)
      words.push_back({{"name", one.name}, {"old", one.old_word}, {"new", one.new_word}});
    layers.push_back({{"name", layer.name},
                      {"figures", figures_json(layer.figures)},
                      {"words", std::move(words)},
                      {"share_of_change", layer.share ? rounded(*layer.share) : json(nullptr)}});
  }
  return {{"program", program.program},
          {"board", text_or_null(program.board)},
          {"old_program", program.old_program},
          {"old_board", text_or_null(program.old_board)},
          {"old_fits", or_null(program.old_fits)},
          {"new_fits", or_null(program.new_fits)},
          {"is_same", program.is_same()},
          {"figures", figures_json(program.figures)},
          {"layers", std::move(layers)},
          {"gone_layers", program.gone_layers},
          {"appeared_layers", program.appeared_layers},
          {"conditions", sentences_json(program.conditions)}};
}

std::string_view name_of(Difference difference) {
  if (difference == Difference::unknown) return "unknown";
  return difference == Difference::some ? "some" : "none";
}

}  // namespace

Sentence number_text(const FigureChange& figure, double value) {
  if (is_count(figure) && std::abs(value) < kMostExact) return count(std::llround(value));
  int digits = figure.unit.empty() ? 4 : 3;
  constexpr int kMostDigits = 6;
  while (digits < kMostDigits && figure.old_value && figure.new_value && !figure.is_same() &&
         amount(*figure.old_value, digits).en == amount(*figure.new_value, digits).en)
    ++digits;
  return amount(value, digits);
}

Sentence figure_text(const FigureChange& figure, double value) {
  const Sentence number = number_text(figure, value);
  return figure.unit.empty() ? number : say("{0} {1}", "{0} {1}", {number, unit_of(figure)});
}

Sentence change_text(const FigureChange& figure) {
  if (figure.points_lost && figure.is_larger_better == true) {
    const double gained = -*figure.points_lost;
    const Sentence size = amount(gained);
    return say(gained > 0 ? "+{0} points" : "{0} points", gained > 0 ? "+{0} points" : "{0} points", {size});
  }
  const auto share = figure.relative();
  return share ? percent(*share) : Sentence();
}

std::vector<Sentence> history_summary(const History& history, bool has_figures) {
  return Summary(history).sentences(has_figures);
}

json history_json(const History& history) {
  json programs = json::array(), reasons = json::array(), gates = json::array();
  for (const ProgramChange& program : history.programs) programs.push_back(program_json(program));
  for (const Reason& reason : history.reasons)
    reasons.push_back({{"kind", reason.kind},
                       {"difference", name_of(reason.difference)},
                       {"sentence", sentence_json(reason.sentence)}});
  for (const HistoryGate& gate : history.gates)
    gates.push_back({{"option", gate.option},
                     {"limit", gate.limit},
                     {"worst", or_null(gate.worst)},
                     {"program", gate.program},
                     {"board", text_or_null(gate.board)},
                     {"is_kept", gate.is_kept}});
  const auto changed = std::count_if(history.programs.begin(), history.programs.end(),
                                     [](const ProgramChange& program) { return !program.is_same(); });
  return {{"old",
           {{"file", history.old_name},
            {"verb", history.old_verb},
            {"command", history.old_command},
            {"nblocks", history.old_nblocks}}},
          {"new", {{"file", text_or_null(history.new_name)}, {"verb", history.new_verb}}},
          {"is_same", history.is_same()},
          {"compared", history.programs.size()},
          {"changed", changed},
          {"programs", std::move(programs)},
          {"gone", history.gone},
          {"appeared", history.appeared},
          {"reasons", std::move(reasons)},
          {"gates", std::move(gates)},
          {"summary", sentences_json(history_summary(history))}};
}

}  // namespace nb
