#include "report/narrative.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "report/json_reads.h"
#include "report/sentences.h"
#include "report/steps.h"

namespace nb {
namespace {

using nlohmann::json;

class Sentences {
 public:
  void add(const Sentence& sentence) { list_.push_back(sentence_json(sentence)); }
  json list() && { return std::move(list_); }

 private:
  json list_ = json::array();
};

bool has_option(const json& section, std::string_view name) {
  const json& options = find_list(section, "/options");
  return std::any_of(options.begin(), options.end(),
                     [&](const json& one) { return find_text(one, "/name") == name; });
}

bool is_of_host(const json& found) { return find_text(found, "/board") == "host"; }

/// The model as the command names it; `MODEL` of several or none.
std::string model_of(const json& section) {
  std::string model;
  for (const json& file : find_list(section, "/files")) {
    if (find_text(file, "/role") != "model") continue;
    if (!model.empty()) return "MODEL";
    model = find_text(file, "/file");
  }
  return model.empty() ? "MODEL" : model;
}

void say_memory(const json& found, Sentences& said) {
  for (const json& memory : find_list(found, "/memories")) {
    const auto size = find_count(memory, "/size_bytes"), used = find_count(memory, "/used_bytes");
    if (size && used)
      said.add(say("It takes {0} of {1} bytes of {2}.", "Il prend {0} octets sur {1} de {2}.",
                   {count(*used), count(*size), word(find_text(memory, "/name"))}));
  }
}

void say_cost(const json& found, Sentences& said) {
  const auto interval = [&](const std::string& stem) -> std::optional<std::array<Sentence, 3>> {
    const auto typical = find_number(found, "/" + stem + "_estimated"),
               low = find_number(found, "/" + stem + "_low"), high = find_number(found, "/" + stem + "_high");
    if (!typical || !low || !high) return std::nullopt;
    return std::array{amount(*typical), amount(*low), amount(*high)};
  };
  if (const auto ms = interval("latency_ms"))
    said.add(
        say("It takes {0} ms ({1} to {2}).", "Il dure {0} ms ({1} à {2}).", {(*ms)[0], (*ms)[1], (*ms)[2]}));
  if (const auto uj = interval("energy_uj"))
    said.add(say("It takes {0} µJ ({1} to {2}).", "Il consomme {0} µJ ({1} à {2}).",
                 {(*uj)[0], (*uj)[1], (*uj)[2]}));
  if (const auto days = find_number(found, "/cost_basis/duty_cycle/battery_days/typical"))
    said.add(say("The battery lasts {0} days at this duty cycle.", "La pile dure {0} jours à ce rythme.",
                 {amount(*days)}));
}

void say_accuracy(const json& found, Sentences& said) {
  const std::string metric = find_text(found, "/metric/name");
  const auto program = find_number(found, "/metric/program"),
             reference = find_number(found, "/metric/reference");
  if (program && reference)
    said.add(say("{0}: {1}, against {2} of the reference.", "{0} : {1}, contre {2} pour la référence.",
                 {word(metric), amount(*program), amount(*reference)}));
  else if (program)
    said.add(say("{0}: {1}.", "{0} : {1}.", {word(metric), amount(*program)}));
  for (const json& gate : find_list(found, "/gates")) {
    const bool is_kept = is_true(gate, "/is_kept");
    said.add(say(is_kept ? "The gate {0} is kept." : "The gate {0} is not kept.",
                 is_kept ? "Le seuil {0} est tenu." : "Le seuil {0} n’est pas tenu.",
                 {word(find_text(gate, "/option"))}));
  }
}

json results(const json& found) {
  Sentences said;
  if (find_json(found, "/fits") != nullptr)
    said.add(
        is_true(found, "/fits")
            ? say("The program fits {0}.", "Le programme tient sur {0}.", {word(find_text(found, "/board"))})
            : say("The program does not fit {0}.", "Le programme ne tient pas sur {0}.",
                  {word(find_text(found, "/board"))}));
  say_memory(found, said);
  say_cost(found, said);
  say_accuracy(found, said);
  for (const json& program : find_list(found, "/programs")) {
    const std::string format = find_text(program, "/format");
    said.add(say("{0} fits {1} of {2} boards.", "{0} tient sur {1} cartes sur {2}.",
                 {word(find_text(program, "/model") + (format.empty() ? "" : " (" + format + ")")),
                  count(find_count(program, "/boards_that_fit").value_or(0)),
                  count(find_count(program, "/boards").value_or(0))}));
  }
  for (const json& sentence : find_list(found, "/history/summary"))
    said.add({find_text(sentence, "/en"), find_text(sentence, "/fr")});
  if (find_json(found, "/layer/name") != nullptr)
    said.add(say("{0} computes in {1}.", "{0} calcule en {1}.",
                 {word(find_text(found, "/layer/name")), word(find_text(found, "/layer/format"))}));
  return std::move(said).list();
}

json limitations(const json& section, const json& found) {
  Sentences said;
  const std::string verb = find_text(section, "/verb");
  const bool is_timed = find_number(found, "/cycles_estimated").has_value();
  if (is_timed || !find_list(found, "/rows").empty() || find_json(found, "/advice") != nullptr)
    said.add(
        say("Cycles, milliseconds and energy are estimates: instructions are counted on a virtual board "
            "and priced by a timing model of the core. 9 of 10 published measurements lie in such "
            "intervals.",
            "Cycles, millisecondes et énergie sont des estimations : les instructions sont comptées sur "
            "une carte virtuelle et chiffrées par un modèle temporel du cœur. 9 mesures publiées sur 10 "
            "sont dans de tels intervalles."));
  for (const json& assumption : find_list(found, "/cost_basis/assumptions"))
    if (assumption.is_string())
      said.add(say("Assumed: {0}.", "Supposé (en anglais) : {0}.", {word(assumption.get<std::string>())}));
  if (const std::string source = find_text(found, "/cost_basis/run_power/source"); !source.empty())
    said.add(say("Energy is latency times a power figure of the {0}: {1}.",
                 "L’énergie est la latence fois une puissance publiée ({0}) : {1}.",
                 {find_text(found, "/cost_basis/run_power/of") == "board" ? Sentence{"board", "carte"}
                                                                          : Sentence{"part", "composant"},
                  word(source)}));
  if (verb == "run" && find_json(found, "/samples") != nullptr && !has_option(section, "--input"))
    said.add(say("One sample of made-up bytes was run: what depends on data may take longer or shorter.",
                 "Un seul échantillon d’octets inventés a été exécuté : ce qui dépend des données peut durer "
                 "plus ou moins longtemps."));
  if (find_json(found, "/advice") != nullptr) {
    const std::string data = find_text(found, "/advice/data");
    said.add(
        find_json(found, "/advice/metric") == nullptr
            ? say("No labelled data were given: what each format costs in accuracy is not measured.",
                  "Sans données étiquetées, ce que chaque format coûte en exactitude n’est pas mesuré.")
            : say("Accuracy is that of {0} samples of {1}; other data may give another.",
                  "L’exactitude est celle de {0} échantillons de {1} ; d’autres données peuvent en donner "
                  "une autre.",
                  {count(find_count(found, "/advice/samples").value_or(0)), word(data)}));
  }
  if (verb == "analyze" && find_json(found, "/macs") != nullptr)
    said.add(
        say("Nothing was built: flash is that of weights, RAM that of the arena with an allowance for "
            "the stack.",
            "Rien n’a été compilé : la flash est celle des poids, la RAM celle de l’arène avec une "
            "réserve pour la pile."));
  if (verb == "validate") {
    const auto samples = find_count(found, "/samples"), given = find_count(found, "/samples_given");
    if (samples && given && *samples < *given)
      said.add(say("Only the first {0} of {1} samples were used.",
                   "Seuls les {0} premiers échantillons sur {1} ont été utilisés.",
                   {count(*samples), count(*given)}));
    if (samples)
      said.add(say("Accuracy is that of {0} samples of {1}; other data may give another.",
                   "L’exactitude est celle de {0} échantillons de {1} ; d’autres données peuvent en donner "
                   "une autre.",
                   {count(*samples), word(find_text(found, "/data"))}));
    if (const auto unmatched = find_count(found, "/unmatched_layers").value_or(0); unmatched > 0)
      said.add(say("{0} layers of the program have no counterpart in the reference and are not compared.",
                   "{0} couches du programme n’ont pas d’équivalent dans la référence et ne sont pas "
                   "comparées.",
                   {count(unmatched)}));
  }
  if (find_json(found, "/history") != nullptr)
    said.add(say(
        "What changed is between two reports: figures that neither has, and files that reports keep no "
        "digest of, may have changed too. An estimate that changed within its interval may be no change on a "
        "board.",
        "Les changements sont ceux de deux rapports : des chiffres qui n’y sont pas, et des fichiers dont "
        "ils "
        "ne gardent pas d’empreinte, ont pu changer aussi. Une estimation qui change dans son intervalle "
        "peut "
        "ne pas changer sur une carte."));
  if (verb == "compare") {
    std::int64_t assumed = 0, dated = 0;
    for (const json& row : find_list(found, "/rows")) {
      assumed += find_list(row, "/cost_basis/assumptions").empty() ? 0 : 1;
      dated += find_json(row, "/price") != nullptr ? 1 : 0;
    }
    if (assumed > 0)
      said.add(
          say("The speed of a memory is assumed on {0} of the boards, whose files are silent on it: their "
              "cycles are marked.",
              "La vitesse d’une mémoire, dont les fiches ne disent rien, est supposée sur {0} des cartes : "
              "leurs cycles sont marqués.",
              {count(assumed)}));
    if (dated > 0)
      said.add(say("Prices are those of their date and quantity, of the part or of the whole board.",
                   "Les prix valent pour leur date et leur quantité, du composant ou de la carte entière."));
  }
  return std::move(said).list();
}

/// What takes most cycles, and what takes more for a MAC than others.
void recommend_by_layers(const json& found, Sentences& said) {
  const json& layers = find_list(found, "/layers");
  const json* most = nullptr;
  for (const json& layer : layers)
    if (const auto share = find_number(layer, "/cycles_share");
        share && (most == nullptr || *share > most->at("cycles_share").get<double>()))
      most = &layer;
  constexpr double kWorthNaming = 0.25;
  if (most == nullptr || layers.size() < 2 || most->at("cycles_share").get<double>() < kWorthNaming) return;
  said.add(say("`{0}` takes {1} % of the cycles: what is saved there counts most.",
               "`{0}` prend {1} % des cycles : c’est là que tout gain compte le plus.",
               {word(find_text(*most, "/name")), amount(100 * most->at("cycles_share").get<double>())}));
}

void recommend_by_memories(const json& found, Sentences& said) {
  for (const json& memory : find_list(found, "/memories")) {
    const auto size = find_number(memory, "/size_bytes"), used = find_number(memory, "/used_bytes");
    constexpr double kNearlyFull = 0.8;
    if (!size || !used || *size <= 0 || *used < kNearlyFull * *size || *used > *size) continue;
    said.add(say("{0} is {1} % full: little is left for the rest of the firmware.",
                 "{0} est pleine à {1} % : il reste peu pour le reste du micrologiciel.",
                 {word(find_text(memory, "/name")), amount(100 * *used / *size)}));
  }
}

/// The boards that fit and have least of a figure.
void recommend_by_boards(const json& found, Sentences& said) {
  // Prices in another currency than most are not compared with those.
  const auto is_usual = [&](const json& row, std::string_view pointer) {
    return !pointer.starts_with("/price/") ||
           find_text(row, "/price/currency") == find_text(found, "/currency");
  };
  const auto least = [&](const char* pointer) {
    const json* best = nullptr;
    for (const json& row : find_list(found, "/rows"))
      if (const auto value = find_number(row, pointer);
          value && is_true(row, "/fits") && is_usual(row, pointer) &&
          (best == nullptr || *value < *find_number(*best, pointer)))
        best = &row;
    return best;
  };
  const auto board = [](const json& row) { return word(find_text(row, "/board")); };
  if (const json* row = least("/latency_ms_estimated"))
    said.add(say("Fastest that fits: {0}, {1} ms.", "La plus rapide où il tient : {0}, {1} ms.",
                 {board(*row), amount(*find_number(*row, "/latency_ms_estimated"))}));
  if (const json* row = least("/energy_uj_estimated"))
    said.add(say("Least energy of those whose power is known: {0}, {1} µJ.",
                 "La plus sobre de celles dont la puissance est connue : {0}, {1} µJ.",
                 {board(*row), amount(*find_number(*row, "/energy_uj_estimated"))}));
  if (const json* row = least("/price/amount"))
    said.add(say("Cheapest of those whose price is known: {0}, {1} {2}.",
                 "La moins chère de celles dont le prix est connu : {0}, {1} {2}.",
                 {board(*row), amount(*find_number(*row, "/price/amount")),
                  word(find_text(*row, "/price/currency"))}));
}

json recommendations(const json& section, const json& found) {
  Sentences said;
  const std::string verb = find_text(section, "/verb"), model = model_of(section);
  for (const json& diagnostic : find_list(found, "/diagnostics"))
    if (std::string help = find_text(diagnostic, "/help");
        !help.empty() && find_text(diagnostic, "/severity") == "error") {
      if (help[0] >= 'a' && help[0] <= 'z') help[0] = static_cast<char>(help[0] - 'a' + 'A');
      said.add(say("{0}.", "{0} (en anglais).", {word(help)}));
    }
  if (find_json(found, "/fits") != nullptr && !is_true(found, "/fits"))
    said.add(say("It does not fit: `nblocks compare {0}` names the boards that it fits.",
                 "Il ne tient pas : `nblocks compare {0}` nomme les cartes où il tient.", {word(model)}));
  const bool computes_in_floats =
      find_text(found, "/inputs/0/dtype") == "f32" || find_text(found, "/outputs/0/dtype") == "f32";
  if ((verb == "run" || verb == "analyze") && computes_in_floats && !has_option(section, "--quantize") &&
      find_list(found, "/layers").size() > 0 &&
      std::none_of(found["layers"].begin(), found["layers"].end(), [](const json& layer) {
        return find_text(layer, "/format") == "int8" || find_text(layer, "/format") == "int16";
      }))
    said.add(
        say("It computes in floats: `--quantize int8 --calibrate SAMPLES.npz` stores a weight in one "
            "byte instead of four.",
            "Il calcule en flottants : `--quantize int8 --calibrate SAMPLES.npz` range un poids dans un "
            "octet au lieu de quatre."));
  recommend_by_layers(found, said);
  recommend_by_memories(found, said);
  if (const std::string layer = find_text(found, "/first_parting_layer"); !layer.empty())
    said.add(say("Float and integer part at `{0}`: `--layers '{0}=int16'` keeps more there.",
                 "Flottants et entiers se séparent à `{0}` : `--layers '{0}=int16'` y garde davantage.",
                 {word(layer)}));
  if (verb == "compare") recommend_by_boards(found, said);
  if (verb == "run" && find_number(found, "/latency_ms_estimated") &&
      !find_number(found, "/energy_uj_estimated"))
    said.add(say("Energy is blank: `--measured-mw` takes your own measurement of the board.",
                 "L’énergie manque : `--measured-mw` prend votre propre mesure de la carte."));
  const bool has_unjudged = verb == "run" || verb == "analyze" || !find_list(found, "/rows").empty();
  if (has_unjudged && is_true(found, "/ok"))
    said.add(say("Measure its accuracy: `nblocks validate {0} --data TEST.npz`.",
                 "Mesurez son exactitude : `nblocks validate {0} --data TEST.npz`.", {word(model)}));
  return std::move(said).list();
}

/// Why a figure of the verdict is missing, by its name.
json blanks(const json& section, const json& found) {
  json blank = json::object();
  const std::string verb = find_text(section, "/verb");
  const auto add = [&](const char* name, const Sentence& why) { blank[name] = sentence_json(why); };
  if (find_json(found, "/schema_version") == nullptr) return blank;
  const Sentence no_board = say("This computer stands for no board: give one with --board.",
                                "Cet ordinateur ne représente aucune carte : donnez-en une avec --board.");
  const bool is_host = is_of_host(found);
  const bool is_misfit = find_json(found, "/fits") != nullptr && !is_true(found, "/fits");
  const Sentence misfit = say("It does not fit.", "Il ne tient pas.");
  if (verb == "run" || verb == "analyze" || verb == "validate") {
    if (!find_number(found, "/latency_ms_estimated")) {
      if (is_host)
        add("latency", no_board);
      else if (is_misfit)
        add("latency", misfit);
      else if (verb != "run")
        add("latency", say("{0} estimates no time; `nblocks run` does.",
                           "{0} n’estime pas la durée ; `nblocks run` le fait.", {word(verb)}));
      else if (!find_number(found, "/cycles_estimated"))
        add("latency", say("There is no timing model of {0}.", "Il n’y a pas de modèle temporel de {0}.",
                           {word(find_text(found, "/core"))}));
      else
        add("latency", say("The board’s clock is not known; --what-if clock=... gives one.",
                           "L’horloge de la carte n’est pas connue ; --what-if clock=... en donne une."));
    }
    if (!find_number(found, "/energy_uj_estimated")) {
      const std::string why = find_text(found, "/cost_basis/run_power/why_not");
      if (is_host)
        add("energy", no_board);
      else if (is_misfit)
        add("energy", misfit);
      else if (!why.empty())
        add("energy", say("The catalogue has no power figure of {0}.",
                          "Le catalogue n’a pas de puissance de {0}.", {word(find_text(found, "/board"))}));
      else
        add("energy", say("Energy needs a latency.", "L’énergie suppose une latence."));
    }
    if (is_host) {
      add("fits", no_board);
      for (const char* name : {"flash", "ram"}) add(name, no_board);
    }
  }
  if (verb == "run" || verb == "analyze")
    add("accuracy", say("Not measured: `nblocks validate` does, on labelled data.",
                        "Non mesurée : `nblocks validate` le fait, sur des données étiquetées."));
  if (verb == "validate" && find_json(found, "/metric") == nullptr)
    add("accuracy", say("The data have no labels.", "Les données n’ont pas d’étiquettes."));
  return blank;
}

}  // namespace

void add_narrative(json& section, const json& found) {
  section["steps"] = steps_json(section, found);
  section["results"] = results(found);
  section["limitations"] = limitations(section, found);
  section["recommendations"] = recommendations(section, found);
  section["blanks"] = blanks(section, found);
}

}  // namespace nb
