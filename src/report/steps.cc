#include "report/steps.h"

#include <nlohmann/json.hpp>
#include <set>

#include "report/json_reads.h"
#include "report/sentences.h"

namespace nb {
namespace {

using nlohmann::json;

Sentence samples_of(std::int64_t samples) {
  return samples == 1 ? say("one sample", "un échantillon")
                      : say("{0} samples", "{0} échantillons", {count(samples)});
}

/// What a report is about, and the steps that were taken so far.
class Walk {
 public:
  Walk(const json& section, const json& found)
      : section_(section), found_(found), verb_(find_text(section, "/verb")) {}

  json steps() && {
    if (verb_ == "time") {
      time_firmware();
      return std::move(steps_);
    }
    if (find_json(found_, "/history") != nullptr && find_json(found_, "/rows") == nullptr) {
      hold_against();
      return std::move(steps_);
    }
    read();
    if (find_list(found_, "/diagnostics").empty() || is_true(found_, "/ok") || has_figures()) prepare();
    if (verb_ == "generate") emit();
    if (verb_ == "run" || verb_ == "validate") build_and_run();
    if (verb_ == "validate") compare_with_reference();
    if (verb_ == "compare") compare_boards();
    if (find_json(found_, "/history") != nullptr) hold_against();
    if (verb_ == "explain") explain();
    if (verb_ == "advise") advise();
    return std::move(steps_);
  }

 private:
  void add(const char* station, const Sentence& sentence) {
    steps_.push_back({{"station", station}, {"sentence", sentence_json(sentence)}});
  }
  [[nodiscard]] bool has_figures() const { return find_json(found_, "/schema_version") != nullptr; }
  /// The first value of an option; empty if it was not given.
  [[nodiscard]] std::string option(std::string_view name) const {
    for (const json& one : find_list(section_, "/options"))
      if (find_text(one, "/name") == name) return find_text(one, "/values/0");
    return {};
  }

  void read() {
    for (const json& file : find_list(section_, "/files")) {
      if (find_text(file, "/role") != "model") continue;
      const auto size = find_count(file, "/size_bytes");
      if (!size) continue;
      add("read", say("{0} is read: {1}, {2} bytes.", "{0} est lu : {1}, {2} octets.",
                      {word(find_text(file, "/file")), word(find_text(file, "/format")), count(*size)}));
    }
  }

  void prepare() {
    const auto macs = find_count(found_, "/macs"), model_macs = find_count(found_, "/model_macs");
    if (macs && model_macs && *model_macs > *macs)
      add("simplify",
          say("Passes simplify the graph: of {0} multiply-accumulates {1} are left to compute.",
              "Des passes simplifient le graphe : sur {0} multiplications-accumulations, {1} restent à "
              "calculer.",
              {count(*model_macs), count(*macs)}));
    else
      add("simplify", say("Passes simplify the graph and fuse what one kernel can compute.",
                          "Des passes simplifient le graphe et fusionnent ce qu’un noyau sait calculer."));
    if (const std::string numbers = option("--quantize"); !numbers.empty())
      add("quantize", say("Calibration on {0} chooses the integers: {1}.",
                          "L’étalonnage sur {0} choisit les entiers : {1}.",
                          {word(option("--calibrate")), word(numbers)}));
    if (const auto layers = static_cast<std::int64_t>(find_list(found_, "/layers").size());
        layers > 0 && verb_ != "validate" && verb_ != "explain")
      add("select-kernels",
          say("{0} layers get their kernels for {1}.", "{0} couches reçoivent leurs noyaux pour {1}.",
              {count(layers), word(find_text(found_, "/core"))}));
    auto arena = find_count(found_, "/ram/arena_bytes");
    if (!arena) arena = find_count(found_, "/arena_bytes");
    if (arena)
      add("plan-memory", say("Tensors and scratch share an arena of {0} bytes by their lifetimes.",
                             "Tenseurs et tampons partagent une arène de {0} octets selon leur durée de vie.",
                             {count(*arena)}));
  }

  void emit() {
    const auto files = static_cast<std::int64_t>(find_list(found_, "/files").size());
    if (files > 0)
      add("emit",
          say("The program is written to {0}: {1} files.", "Le programme est écrit dans {0} : {1} fichiers.",
              {word(find_text(found_, "/folder")), count(files)}));
  }

  void build_and_run() {
    const std::string command = find_text(found_, "/compile_command");
    if (!command.empty())
      add("build", say("{0} compiles the emitted code for {1}.", "{0} compile le code émis pour {1}.",
                       {word(command.substr(0, command.find(' '))), word(find_text(found_, "/board"))}));
    const auto samples = find_count(found_, "/samples");
    const auto instructions = find_count(found_, "/instructions");
    if (samples && instructions)
      add("run", say("The virtual board {0} runs {1}; an inference takes {2} instructions.",
                     "La carte virtuelle {0} exécute {1} ; une inférence prend {2} instructions.",
                     {word(find_text(found_, "/machine")), samples_of(*samples), count(*instructions)}));
    else if (samples)
      add("run", say("This computer runs {0}.", "Cet ordinateur exécute {0}.", {samples_of(*samples)}));
    time();
  }

  void time() {
    const auto cycles = find_number(found_, "/cycles_estimated"), low = find_number(found_, "/cycles_low"),
               high = find_number(found_, "/cycles_high");
    if (!cycles || !low || !high) return;
    const auto whole = [](double value) { return count(static_cast<std::int64_t>(value)); };
    add("time", say("A timing model of {0} prices what ran: {1} cycles, in 9 cases of 10 {2} to {3}.",
                    "Un modèle temporel de {0} chiffre l’exécution : {1} cycles, dans 9 cas sur 10 de {2} "
                    "à {3}.",
                    {word(find_text(found_, "/core")), whole(*cycles), whole(*low), whole(*high)}));
  }

  void compare_with_reference() {
    const std::string reference = find_text(found_, "/reference");
    if (is_true(found_, "/is_own_reference")) return;
    add("compare",
        reference.empty()
            ? say("Its outputs are compared with the model itself on this computer.",
                  "Ses sorties sont comparées à celles du modèle lui-même sur cet ordinateur.")
            : say("Its outputs are compared with {0} on this computer.",
                  "Ses sorties sont comparées à celles de {0} sur cet ordinateur.", {word(reference)}));
    if (const auto layers = static_cast<std::int64_t>(find_list(found_, "/layers").size()); layers > 0)
      add("layers", say("{0} layers are compared one by one over {1} samples.",
                        "{0} couches sont comparées une à une sur {1} échantillons.",
                        {count(layers), count(find_count(found_, "/layer_samples").value_or(0))}));
  }

  void compare_boards() {
    std::set<std::string> cores;
    std::int64_t boards = 0, priced = 0;
    for (const json& row : find_list(found_, "/rows")) {
      ++boards;
      if (find_number(row, "/cycles_estimated")) {
        cores.insert(find_text(row, "/core"));
        ++priced;
      }
    }
    if (boards == 0) return;
    add("run", say("The program is built and run once for each of {0} cores.",
                   "Le programme est compilé et exécuté une fois pour chacun des {0} cœurs.",
                   {count(static_cast<std::int64_t>(cores.size()))}));
    add("time", say("From these runs {0} of {1} boards are priced, each with its clock and memories.",
                    "Ces exécutions chiffrent {0} cartes sur {1}, chacune avec son horloge et ses mémoires.",
                    {count(priced), count(boards)}));
  }

  void hold_against() {
    const std::string file = find_text(found_, "/history/new/file");
    add("history",
        say("{0} is set beside {1}, of {2} by nblocks {3}.",
            "{0} est mis en regard de {1}, de {2} par nblocks {3}.",
            {file.empty() ? Sentence{"The comparison", "La comparaison"} : word(file),
             word(find_text(found_, "/history/old/file")), word(find_text(found_, "/history/old/verb")),
             word(find_text(found_, "/history/old/nblocks"))}));
  }

  void explain() {
    if (const auto others = static_cast<std::int64_t>(find_list(found_, "/alternatives").size()); others > 0)
      add("alternatives", say("The layer is built and run in {0} formats, the others as chosen.",
                              "La couche est compilée et exécutée dans {0} formats, les autres comme choisi.",
                              {count(others)}));
  }

  void advise() {
    const json &ranked = find_list(found_, "/advice/ranked"), &others = find_list(found_, "/advice/others");
    std::set<std::string> boards;
    std::int64_t checked = 0;
    for (const json* list : {&ranked, &others})
      for (const json& entry : *list) {
        boards.insert(find_text(entry, "/base_board"));
        checked += find_json(entry, "/on_board") != nullptr ? 1 : 0;
      }
    if (boards.empty()) return;
    add("search", say("{0} ways to build it are priced, in {1} formats on {2} boards.",
                      "{0} façons de le construire sont chiffrées, en {1} formats sur {2} cartes.",
                      {count(static_cast<std::int64_t>(ranked.size() + others.size())),
                       count(static_cast<std::int64_t>(find_list(found_, "/advice/formats").size())),
                       count(static_cast<std::int64_t>(boards.size()))}));
    if (checked > 0)
      add("check", say("{0} of them are run on their virtual boards.",
                       "{0} d’entre elles sont exécutées sur leurs cartes virtuelles.", {count(checked)}));
  }

  void time_firmware() {
    for (const json& file : find_list(section_, "/files"))
      if (find_text(file, "/role") == "firmware")
        add("read",
            say("{0} is read: {1} bytes.", "{0} est lu : {1} octets.",
                {word(find_text(file, "/file")), count(find_count(file, "/size_bytes").value_or(0))}));
    if (const auto instructions = find_count(found_, "/instructions"))
      add("run", say("The virtual board {0} runs it: {1} instructions from {2} on.",
                     "La carte virtuelle {0} l’exécute : {1} instructions à partir de {2}.",
                     {word(find_text(found_, "/machine")), count(*instructions), word(option("--from"))}));
    time();
  }

  const json& section_;
  const json& found_;
  std::string verb_;
  json steps_ = json::array();
};

}  // namespace

json steps_json(const json& section, const json& found) { return Walk(section, found).steps(); }

}  // namespace nb
