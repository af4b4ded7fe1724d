// Advice in sentences.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "advise/advice.h"
#include "base/text.h"

namespace nb {
namespace {

constexpr std::size_t kNamedLayers = 4;  ///< of a list in a sentence; the rest is counted

Sentence money(double value, const std::string& currency) {
  return say("{0} {1}", "{0} {1}", {amount(value), word(currency)});
}

/// The list, which may be empty, with one more at its end.
Sentence extended(const Sentence& list, const Sentence& one, std::string_view en = "{0}, {1}",
                  std::string_view fr = "{0}, {1}") {
  return list.is_empty() ? one : say(en, fr, {list, one});
}

Sentence named_layers(const std::vector<std::string>& layers) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < layers.size() && i < kNamedLayers; ++i) shown.push_back(printable(layers[i]));
  const std::size_t more = layers.size() - shown.size();
  const Sentence list = word(join(shown, ", "));
  if (more == 0) return list;
  return say("{0} and {1} more", "{0} et {1} de plus", {list, count(static_cast<std::int64_t>(more))});
}

/// Which layers get which numbers.
Sentence format_step(const AdviceFormat& format) {
  if (!format.is_made_here && format.rounds_fast)
    return say("round integer layers once (--requantize fast), which may change outputs by a step",
               "arrondir une seule fois les couches entières (--requantize fast), ce qui peut changer des "
               "sorties d'un pas");
  if (!format.is_made_here) return say("keep the model's own numbers", "garder les nombres du modèle");
  const bool is_uniform =
      format.layers.empty() || (format.layers.size() == 1 && format.layers[0].first == "*");
  if (is_uniform) {
    const DType dtype = format.layers.empty() ? DType::i8 : format.layers[0].second;
    const Sentence name = word(format_name(dtype));
    return dtype == DType::f32
               ? say("keep all layers in {0}", "garder toutes les couches en {0}", {name})
               : say("quantize all layers to {0}", "quantifier toutes les couches en {0}", {name});
  }
  std::map<DType, std::vector<std::string>> by_format;
  for (const auto& [layer, dtype] : format.layers) by_format[dtype].push_back(layer);
  Sentence others;
  for (const auto& [dtype, layers] : by_format) {
    const Sentence some = say("{0} in {1}", "{0} en {1}", {named_layers(layers), word(format_name(dtype))});
    others = extended(others, some, "{0}; {1}", "{0} ; {1}");
  }
  return say("quantize to int8 all layers but {0}", "quantifier en int8 toutes les couches sauf {0}",
             {others});
}

Sentence goal_step(KernelGoal goal) {
  return goal == KernelGoal::ram ? say("choose kernels that take the least RAM (--prefer ram)",
                                       "choisir les noyaux qui prennent le moins de RAM (--prefer ram)")
                                 : say("choose kernels and compile for the least flash (--prefer flash)",
                                       "choisir les noyaux et compiler pour le moins de flash "
                                       "(--prefer flash)");
}

const std::string& part_of(const ExternalUse& use) { return use.part.empty() ? use.memory : use.part; }

Sentence external_step(const ExternalUse& use, const AdviceCandidate& candidate) {
  Sentence what;
  if (use.is_arena)
    what = say("the arena", "l'arène");
  else if (use.layers.empty())
    what = say("the weights of all layers", "les poids de toutes les couches");
  else
    what = say("the weights of {0}", "les poids de {0}", {named_layers(use.layers)});
  const Sentence kind =
      use.is_arena ? say("external RAM", "RAM externe") : say("external flash", "flash externe");
  const Sentence place =
      use.is_added ? say("{0} on {1}", "{0} sur {1}", {word(part_of(use)), word(use.memory)})
                   : say("{0}, which the board carries", "{0}, déjà sur la carte", {word(part_of(use))});
  Sentence step = say("put {0} ({1}) into {2} of {3} ({4})", "mettre {0} ({1}) dans {2} de {3} ({4})",
                      {what, bytes_words(use.used_bytes), bytes_words(use.size_bytes), kind, place});
  const auto bought = std::find_if(candidate.parts.begin(), candidate.parts.end(),
                                   [&](const BoughtPart& one) { return one.name == part_of(use); });
  if (bought != candidate.parts.end() && bought->price)
    step = say("{0}: +{1}", "{0} : +{1}",
               {step, money(price_amount(bought->price->price), bought->price->price.currency)});
  else
    step = say("{0}: its price is not known", "{0} : son prix n'est pas connu", {step});
  if (candidate.slowdown_ms && &use == &candidate.external.back())
    step = say("{0}, +{1} ms by memory outside the part", "{0}, +{1} ms dus à la mémoire externe",
               {step, amount(*candidate.slowdown_ms)});
  return step;
}

/// What has to be bought, as it was priced.
Sentence buying_step(const std::vector<BoughtPart>& parts) {
  Sentence list;
  for (const BoughtPart& part : parts) {
    Sentence one = say("{0} (price not known)", "{0} (prix non connu)", {word(part.name)});
    if (part.price) {
      const Price& price = part.price->price;
      const Sentence of_how_many =
          price.quantity ? say("for {0}, ", "par {0}, ", {count(*price.quantity)}) : Sentence{};
      one = say("{0} at {1} ({2}{3})", "{0} à {1} ({2}{3})",
                {word(part.name), money(price_amount(price), price.currency), of_how_many, word(price.date)});
    }
    list = extended(list, one);
  }
  return say("buy {0}", "acheter {0}", {list});
}

void name_candidate(AdviceCandidate& candidate, bool is_of_several, const Advice& advice) {
  const AdviceFormat& format = advice.formats[candidate.format];
  Sentence numbers = format.name.empty()  ? say("as it is", "tel quel")
                     : format.rounds_fast ? say("rounding once", "arrondi une fois")
                                          : word(format.name);
  const Sentence board = word(candidate.base);
  if (is_of_several) numbers = say("{0} {1}", "{0} {1}", {word(printable(format.model)), numbers});
  if (candidate.external.empty()) {
    candidate.title =
        candidate.has_outer_flash
            ? say("{0}, all in {1} and its flash", "{0}, entièrement dans {1} et sa flash", {numbers, board})
            : say("{0}, all inside {1}", "{0}, entièrement dans {1}", {numbers, board});
  } else {
    Sentence places;
    for (const ExternalUse& use : candidate.external) {
      const Sentence one = use.is_arena ? say("arena in {0}", "arène dans {0}", {word(part_of(use))})
                                        : say("weights in {0}", "poids dans {0}", {word(part_of(use))});
      places = extended(places, one);
    }
    candidate.title = say("{0} on {1}, {2}", "{0} sur {1}, {2}", {numbers, board, places});
  }
  candidate.steps.clear();
  if (format.file != advice.file)
    candidate.steps.push_back(say("take {0} instead of {1}", "prendre {0} au lieu de {1}",
                                  {word(printable(format.model)), word(printable(advice.model))}));
  candidate.steps.push_back(format_step(format));
  if (candidate.goal != KernelGoal::time) candidate.steps.push_back(goal_step(candidate.goal));
  for (const ExternalUse& use : candidate.external) candidate.steps.push_back(external_step(use, candidate));
  if (!candidate.parts.empty()) candidate.steps.push_back(buying_step(candidate.parts));
  if (candidate.companions.empty() || !candidate.joint) return;
  std::vector<std::string> names;
  for (const CompanionCost& one : candidate.companions) names.push_back(printable(one.model));
  Sentence together = say("run it beside {0} in one arena: {1} of flash and {2} of RAM for all",
                          "l'exécuter à côté de {0} dans une même arène : {1} de flash et {2} de RAM pour "
                          "tous",
                          {word(join(names, ", ")), bytes_words(candidate.joint->flash_bytes),
                           bytes_words(candidate.joint->ram_bytes)});
  if (candidate.joint->cpu_share)
    together = say("{0}, {1} % of the core's time", "{0}, {1} % du temps du cœur",
                   {together, amount(*candidate.joint->cpu_share * 100)});
  candidate.steps.push_back(together);
}

/// A bound's value with its unit.
Sentence bound_value(Bound bound, double value, const Advice& advice) {
  switch (bound) {
    case Bound::latency:
      return say("{0} ms", "{0} ms", {amount(value)});
    case Bound::energy:
      return say("{0} mJ", "{0} mJ", {amount(value)});
    case Bound::price:
      return money(value, advice.currency);
    case Bound::value:
      return amount(value);
    case Bound::drop:
      return say("{0} points", "{0} points", {amount(value)});
    case Bound::share:
      return say("{0} %", "{0} %", {amount(value * 100)});
    case Bound::ram:
    case Bound::flash: {
      const std::int64_t bytes = std::llround(value);
      return bytes > 0 && bytes % 1024 == 0 ? say("{0} KiB", "{0} Kio", {count(bytes / 1024)})
                                            : bytes_words(bytes);
    }
  }
  return {};
}

Sentence option_of(Bound bound) { return word("--" + std::string(name_of(bound))); }

/// With three digits, and still no stricter than the value: what is told is to be asked for.
double rounded_away(Bound bound, double value, const Advice& advice) {
  if (bound == Bound::ram || bound == Bound::flash)
    return value < 1024 ? value : std::floor(value / 1024) * 1024;
  if (value == 0 || !std::isfinite(value)) return value;
  constexpr int kDigits = 3;
  constexpr double kRounding = 1e-9;  ///< of a value that has no more digits
  const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - (kDigits - 1));
  const bool is_least = bound == Bound::value && is_larger_better(advice.metric);
  return step * (is_least ? std::floor(value / step + kRounding) : std::ceil(value / step - kRounding));
}

void word_relaxation(Relaxation& relaxation, const Advice& advice) {
  Sentence moves;
  for (const Breach& move : relaxation.moves) {
    const double to = rounded_away(move.bound, move.value, advice);
    const Sentence one = say("{0} of {1} instead of {2}", "{0} de {1} au lieu de {2}",
                             {option_of(move.bound), bound_value(move.bound, to, advice),
                              bound_value(move.bound, move.limit, advice)});
    moves = extended(moves, one, "{0} and {1}", "{0} et {1}");
  }
  relaxation.text =
      say("with {0}: {1}", "avec {0} : {1}", {moves, advice.candidates[relaxation.candidate].title});
}

std::int64_t excess_of(const AdviceCandidate& candidate) {
  std::int64_t sum = 0;
  for (const Misfit& misfit : candidate.row.misfits) sum += misfit.excess_bytes();
  return sum;
}

Sentence ways(std::size_t number) {
  return number == 1 ? say("1 way", "1 voie", {})
                     : say("{0} ways", "{0} voies", {count(static_cast<std::int64_t>(number))});
}

/// Those that one thing rules out.
struct Excluded {
  std::vector<const AdviceCandidate*> all, alone;  ///< alone: for nothing else
};

Sentence no_room_text(const std::vector<const AdviceCandidate*>& out) {
  const AdviceCandidate& nearest = **std::min_element(
      out.begin(), out.end(), [](auto* one, auto* other) { return excess_of(*one) < excess_of(*other); });
  const Misfit& misfit = nearest.row.misfits[0];
  return say("too large: {0}; the nearest: {1}, {2} too many for {3} ({4})",
             "trop grand : {0} ; la plus proche : {1}, {2} de trop pour {3} ({4})",
             {ways(out.size()), nearest.title, bytes_words(misfit.excess_bytes()), word(misfit.memory),
              word(misfit.what)});
}

Sentence breach_text(Bound bound, bool is_known, const Excluded& out, const Advice& advice) {
  const auto breach_of = [&](const AdviceCandidate& candidate) -> const Breach& {
    return *std::find_if(candidate.breaches.begin(), candidate.breaches.end(),
                         [&](const Breach& breach) { return breach.bound == bound; });
  };
  const auto& told = out.alone.empty() ? out.all : out.alone;
  const AdviceCandidate& nearest = **std::min_element(told.begin(), told.end(), [&](auto* one, auto* other) {
    const Breach &a = breach_of(*one), &b = breach_of(*other);
    return std::abs(a.value - a.limit) < std::abs(b.value - b.limit);
  });
  const Breach& breach = breach_of(nearest);
  const Sentence limit =
      say("{0} {1}", "{0} {1}", {option_of(bound), bound_value(bound, breach.limit, advice)});
  if (!is_known)
    return say("{0} cannot be held against {1}: the figure is not known, as of {2}",
               "{0} : on ne peut juger selon {1}, le chiffre n'est pas connu, comme pour {2}",
               {ways(out.all.size()), limit, nearest.title});
  Sentence alone;
  if (out.alone.size() < out.all.size())
    alone = out.alone.empty() ? say(" (each misses another, too)", " (chacune en manque aussi une autre)", {})
                              : say(" ({0} only this one)", " ({0} seulement celle-ci)",
                                    {count(static_cast<std::int64_t>(out.alone.size()))});
  return say("{0} missed by {1}{2}; the nearest: {3}, {4}",
             "{0} manquée par {1}{2} ; la plus proche : {3}, {4}",
             {limit, ways(out.all.size()), alone, nearest.title, bound_value(bound, breach.value, advice)});
}

/// Candidates that are out, under each limit that they miss; the one that misses by least stands for the
/// rest.
void word_ruled_out(Advice& advice) {
  std::vector<const AdviceCandidate*> no_room;
  std::map<std::pair<Bound, bool>, Excluded> breached;
  for (const AdviceCandidate& candidate : advice.candidates) {
    if (!candidate.row.fits()) no_room.push_back(&candidate);
    for (const Breach& breach : candidate.breaches) {
      Excluded& out = breached[{breach.bound, std::isfinite(breach.value)}];
      out.all.push_back(&candidate);
      if (candidate.breaches.size() == 1) out.alone.push_back(&candidate);
    }
  }
  advice.ruled_out.clear();
  if (const std::size_t count = no_room.size(); count > 0)
    advice.ruled_out.push_back({"does-not-fit", count, count, no_room_text(no_room)});
  for (const auto& [key, out] : breached) {
    const auto& [bound, is_known] = key;
    advice.ruled_out.push_back({std::string(name_of(bound)) + (is_known ? "" : " unknown"), out.all.size(),
                                out.alone.size(), breach_text(bound, is_known, out, advice)});
  }
}

Sentence costs_of(const AdviceCandidate& candidate, const Advice& advice) {
  const auto& latency = candidate.row.costs->total.latency_ms;
  const Sentence unknown_price = say("price not known", "prix non connu");
  return say("{0} ms, {1}", "{0} ms, {1}",
             {latency ? amount(latency->typical) : word("?"),
              candidate.price ? money(candidate.price->typical, advice.currency) : unknown_price});
}

void summarize(Advice& advice) {
  advice.summary.clear();
  if (advice.ranked.empty()) {
    advice.summary.push_back(say("No way that was tried keeps all limits.",
                                 "Aucune voie essayée ne respecte toutes les limites."));
  } else {
    const AdviceCandidate& best = advice.candidates[advice.ranked[0]];
    advice.summary.push_back(say(
        "{0} of {1} ways keep all limits; the first: {2}: {3}.",
        "{0} voies sur {1} respectent toutes les limites ; la première : {2} : {3}.",
        {count(static_cast<std::int64_t>(advice.ranked.size())),
         count(static_cast<std::int64_t>(advice.candidates.size())), best.title, costs_of(best, advice)}));
    for (const std::size_t i : advice.best_of_ways) {
      if (i == advice.ranked[0]) continue;
      const AdviceCandidate& other = advice.candidates[i];
      const Sentence way =
          other.way == Way::inside
              ? say("Without memory beside the part's own", "Sans autre mémoire que celle du composant")
          : other.way == Way::carried
              ? say("With a memory that the board carries", "Avec une mémoire déjà sur la carte")
              : say("With a memory that is added", "Avec une mémoire ajoutée");
      advice.summary.push_back(
          say("{0}: {1}: {2}.", "{0} : {1} : {2}.", {way, other.title, costs_of(other, advice)}));
    }
  }
  if (advice.metric == Metric::automatic)
    advice.summary.push_back(say("Accuracy is unmeasured: no --data was given.",
                                 "L'exactitude n'est pas mesurée : --data n'a pas été donné."));
}

}  // namespace

void put_into_words(Advice& advice) {
  const bool is_of_several = std::any_of(advice.formats.begin(), advice.formats.end(),
                                         [&](const AdviceFormat& one) { return one.file != advice.file; });
  for (AdviceCandidate& candidate : advice.candidates) name_candidate(candidate, is_of_several, advice);
  for (Relaxation& move : advice.relaxations) word_relaxation(move, advice);
  word_ruled_out(advice);
  summarize(advice);
}

}  // namespace nb
