// Why two reports differ: files, nblocks, tools, options, flags of the compiler.
#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "report/history.h"
#include "report/json_reads.h"

namespace nb {
namespace {

using nlohmann::json;

struct Role {
  std::string_view name, en, fr;
};
constexpr std::array<Role, 11> kRoles = {{{"model", "Model", "Modèle"},
                                          {"companion", "Model beside it", "Modèle à côté"},
                                          {"firmware", "Firmware", "Micrologiciel"},
                                          {"reference", "Reference", "Référence"},
                                          {"data", "Data", "Données"},
                                          {"labels", "Labels", "Étiquettes"},
                                          {"input", "Input", "Entrée"},
                                          {"calibration", "Calibration", "Étalonnage"},
                                          {"constant", "Constant", "Constante"},
                                          {"board", "Board", "Carte"},
                                          {"prices", "Prices", "Prix"}}};

/// Options that change no figure, or whose files are compared by their digests; a program's board stands by
/// it.
constexpr std::array<std::string_view, 22> kSilentOptions = {
    "--against", "--board",      "--boards",     "--calibrate", "--data",      "--input",
    "--jobs",    "--max-l2r",    "--max-larger", "--max-mae",   "--max-rmse",  "--max-slower",
    "--min-acc", "--min-cos",    "--output",     "--prices",    "--reference", "--report",
    "--resume",  "--save-build", "--timeout",    "--dequantize"};

constexpr std::size_t kShownDigits = 12;

struct KeptFile {
  std::string name, digest;
};

class Reasons {
 public:
  Reasons(const json& before, const json& after) : before_(before), after_(after) {}

  std::vector<Reason> found(bool has_changes) && {
    compare_verbs();
    for (const Role& role : kRoles) compare_files(role);
    compare_nblocks();
    compare_tools();
    compare_options();
    compare_samples();
    compare_flags();
    const bool has_reason = std::any_of(reasons_.begin(), reasons_.end(), [](const Reason& reason) {
      return reason.difference != Difference::none;
    });
    if (has_changes && !has_reason)
      add("unknown", Difference::unknown,
          say("Nothing that reports name differs: nblocks {0} itself was built of other sources.",
              "Rien de ce que nomment les rapports ne diffère : nblocks {0} lui-même a été compilé d’autres "
              "sources.",
              {word(find_text(after_, "/report/nblocks"))}));
    return std::move(reasons_);
  }

 private:
  void add(std::string kind, Difference difference, Sentence sentence) {
    reasons_.push_back({std::move(kind), difference, std::move(sentence)});
  }

  /// What names and versions are in words: a title, what it is, and what it was.
  void add_pair(const char* kind, const Sentence& title, const std::string& old_text,
                const std::string& new_text) {
    if (old_text == new_text)
      add(kind, Difference::none,
          say("{0}: {1}, as before.", "{0} : {1}, comme avant.", {title, word(new_text)}));
    else if (old_text.empty())
      add(kind, Difference::some,
          say("{0}: {1}, new here.", "{0} : {1}, nouveau ici.", {title, word(new_text)}));
    else if (new_text.empty())
      add(kind, Difference::some,
          say("{0}: none any more, was {1}.", "{0} : plus rien, au lieu de {1}.", {title, word(old_text)}));
    else
      add(kind, Difference::some,
          say("{0}: {1}, was {2}.", "{0} : {1}, au lieu de {2}.", {title, word(new_text), word(old_text)}));
  }

  void compare_verbs() {
    const std::string old_verb = find_text(before_, "/report/verb"),
                      new_verb = find_text(after_, "/report/verb");
    if (old_verb != new_verb) add_pair("verb", {"Command", "Commande"}, old_verb, new_verb);
  }

  static std::vector<KeptFile> files_of(const json& report, std::string_view role) {
    std::vector<KeptFile> files;
    for (const json& file : find_list(report, "/report/files"))
      if (find_text(file, "/role") == role)
        files.push_back({find_text(file, "/file"), find_text(file, "/sha256")});
    return files;
  }

  static std::string digest_of(const KeptFile& file) {
    return file.digest.empty() ? "?" : file.digest.substr(0, kShownDigits);
  }

  /// Pairs files of a role by digest, then by name, then what is left if that is one each.
  void compare_files(const Role& role) {
    std::vector<KeptFile> mine = files_of(before_, role.name), theirs = files_of(after_, role.name);
    const Sentence title{std::string(role.en), std::string(role.fr)};
    const std::string kind(role.name);
    const auto take = [&](const auto& is_partner, const auto& tell) {
      for (auto file = theirs.begin(); file != theirs.end();) {
        const auto found = std::find_if(mine.begin(), mine.end(),
                                        [&](const KeptFile& old) { return is_partner(old, *file); });
        if (found == mine.end()) {
          ++file;
          continue;
        }
        tell(*found, *file);
        mine.erase(found);
        file = theirs.erase(file);
      }
    };
    const auto tell_same = [&](const KeptFile&, const KeptFile& file) {
      add(kind, Difference::none,
          say("{0}: the same file, SHA-256 {1}.", "{0} : fichier identique, SHA-256 {1}.",
              {title, word(digest_of(file))}));
    };
    const auto tell_other = [&](const KeptFile& old, const KeptFile& file) {
      if (old.digest.empty() && file.digest.empty() && old.name == file.name)
        add(kind, Difference::unknown,
            say("{0}: `{1}` is a folder, of which reports keep no digest: whether it is the same is not "
                "known.",
                "{0} : `{1}` est un dossier, dont les rapports ne gardent pas d’empreinte : on ignore s’il "
                "est "
                "le même.",
                {title, word(printable(file.name))}));
      else
        add(kind, Difference::some,
            say("{0}: another file, `{1}` with SHA-256 {2}, was `{3}` with {4}.",
                "{0} : autre fichier, `{1}` de SHA-256 {2}, au lieu de `{3}` de {4}.",
                {title, word(printable(file.name)), word(digest_of(file)), word(printable(old.name)),
                 word(digest_of(old))}));
    };
    take([](const KeptFile& old,
            const KeptFile& file) { return !file.digest.empty() && old.digest == file.digest; },
         tell_same);
    take([](const KeptFile& old, const KeptFile& file) { return old.name == file.name; }, tell_other);
    if (mine.size() == 1 && theirs.size() == 1)
      take([](const KeptFile&, const KeptFile&) { return true; }, tell_other);
    for (const KeptFile& file : theirs)
      add(kind, Difference::some,
          say("{0}: `{1}` with SHA-256 {2} was not read before.",
              "{0} : `{1}` de SHA-256 {2} n’était pas lu avant.",
              {title, word(printable(file.name)), word(digest_of(file))}));
    for (const KeptFile& file : mine)
      add(kind, Difference::some,
          say("{0}: `{1}` with SHA-256 {2} is not read any more.",
              "{0} : `{1}` de SHA-256 {2} n’est plus lu.",
              {title, word(printable(file.name)), word(digest_of(file))}));
  }

  void compare_nblocks() {
    add_pair("nblocks", word("nblocks"), printable(find_text(before_, "/report/nblocks")),
             printable(find_text(after_, "/report/nblocks")));
  }

  void compare_tools() {
    const auto tools_of = [](const json& report) {
      std::map<std::string, std::string> tools;
      for (const json& tool : find_list(report, "/report/tools")) {
        const std::string name = find_text(tool, "/name");
        std::string version = printable(find_text(tool, "/version"));
        if (version.starts_with(name + " ")) version = version.substr(name.size() + 1);
        tools[name] = version.empty() ? "?" : version;
      }
      return tools;
    };
    const auto mine = tools_of(before_);
    auto theirs = tools_of(after_);
    for (const auto& [name, version] : mine) {
      add_pair("tool", word(printable(name)), version, theirs[name]);
      theirs.erase(name);
    }
    for (const auto& [name, version] : theirs) add_pair("tool", word(printable(name)), "", version);
  }

  void compare_options() {
    const auto boards_of = [](const json& report) {
      std::vector<json> boards;
      for (const json& option : find_list(report, "/report/options"))
        if (const std::string name = find_text(option, "/name"); name == "--board" || name == "--boards")
          boards.push_back(find_list(option, "/values"));
      return boards;
    };
    const bool are_boards_same = boards_of(before_) == boards_of(after_);
    const auto options_of = [](const json& report) {
      std::map<std::string, std::string> options;
      const bool is_comparison = find_text(report, "/report/verb") == "compare";
      for (const json& option : find_list(report, "/report/options")) {
        const std::string name = find_text(option, "/name");
        if (std::find(kSilentOptions.begin(), kSilentOptions.end(), name) != kSilentOptions.end()) continue;
        if (is_comparison && name == "--max-drop") continue;
        std::vector<std::string> values;
        for (const json& value : find_list(option, "/values"))
          if (value.is_string()) values.push_back(value.get<std::string>());
        options[name] = values.empty() ? "given" : printable(join(values, " "));
      }
      return options;
    };
    const auto mine = options_of(before_), theirs = options_of(after_);
    std::set<std::string> names;
    for (const auto& [name, value] : mine) names.insert(name);
    for (const auto& [name, value] : theirs) names.insert(name);
    bool is_same = true;
    for (const std::string& name : names) {
      const auto old_value = mine.find(name), new_value = theirs.find(name);
      const bool was_given = old_value != mine.end(), is_given = new_value != theirs.end();
      if (was_given && is_given && old_value->second == new_value->second) continue;
      is_same = false;
      const Sentence title = word(printable(name));
      if (was_given && is_given)
        add_pair("option", title, old_value->second, new_value->second);
      else if (is_given)
        add("option", Difference::some,
            say("{0}: {1}, was not given.", "{0} : {1}, n’était pas donnée.",
                {title, word(new_value->second)}));
      else
        add("option", Difference::some,
            say("{0}: not given any more, was {1}.", "{0} : n’est plus donnée, au lieu de {1}.",
                {title, word(old_value->second)}));
    }
    if (is_same)
      add("option", Difference::none,
          are_boards_same ? say("The options are the same.", "Les options sont les mêmes.")
                          : say("The options are the same but for boards.",
                                "Les options sont les mêmes, hormis les cartes."));
  }

  /// Of reports of the same verb: another verb has other samples.
  void compare_samples() {
    const auto mine = find_count(before_, "/samples"), theirs = find_count(after_, "/samples");
    if (!mine || !theirs || *mine == *theirs ||
        find_text(before_, "/report/verb") != find_text(after_, "/report/verb"))
      return;
    add("samples", Difference::some,
        say("Samples: {0}, was {1}.", "Échantillons : {0}, au lieu de {1}.", {count(*theirs), count(*mine)}));
  }

  /// Of reports of one program, which say how it was compiled.
  void compare_flags() {
    const std::string mine = find_text(before_, "/compile_command"),
                      theirs = find_text(after_, "/compile_command");
    if (mine.empty() || theirs.empty()) return;
    const auto words_beyond = [](const std::string& command, const std::string& other) {
      const auto known = split(other, ' ');
      std::vector<std::string> words;
      for (const std::string_view one : split(command, ' '))
        if (one.starts_with('-') && std::find(known.begin(), known.end(), one) == known.end())
          words.emplace_back(one);
      return printable(join(words, " "));
    };
    const std::string lost = words_beyond(mine, theirs), won = words_beyond(theirs, mine);
    if (!lost.empty() || !won.empty())
      add_pair("flags", {"Flags of the compiler", "Options du compilateur"}, lost, won);
  }

  const json& before_;
  const json& after_;
  std::vector<Reason> reasons_;
};

}  // namespace

std::vector<Reason> reasons_between(const json& before, const json& after, bool has_changes) {
  return Reasons(before, after).found(has_changes);
}

}  // namespace nb
