#include "cli/command_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"

namespace nb::cli {
namespace {

std::vector<std::string> names_of(const std::vector<const CLI::App*>& verbs) {
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs) names.push_back(verb->get_name());
  return names;
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string all = join(words, ", ");
  return CLI::Validator(
      [words = std::move(words), all](std::string& given) {
        if (std::find(words.begin(), words.end(), given) != words.end()) return std::string();
        const std::string near = nearest(given, words);
        return "`" + printable(given) + "` is none of " + all +
               (near.empty() ? "" : "; did you mean `" + near + "`?");
      },
      "", "one of");
}

CLI::Validator at_least(double least) {
  return CLI::Validator(
      [least](std::string& given) {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(given, value) && std::isfinite(value);
        if (is_number && value >= least) return std::string();
        return "`" + printable(given) + "` is no number of " + float_text(static_cast<float>(least)) +
               " or more";
      },
      "", "at least");
}

int refuse_command_line(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  Options options;
  options.is_json = std::find(words.begin(), words.end(), "--json") != words.end();
  Diagnostic said{.kind = Kind::usage, .message = error.what()};
  const auto suggest = [&](const std::string& word, const std::vector<std::string>& names,
                           const std::string& all) {
    const std::string near = nearest(word, names);
    said.help = near.empty() ? all : "did you mean `" + near + "`?";
  };
  const std::vector<CLI::App*> given = app.get_subcommands();
  const std::vector<std::string> verbs = names_of(app.get_subcommands([](const CLI::App*) { return true; }));
  const std::string all_verbs = "verbs: " + join(verbs, ", ");
  if (given.empty() && words.empty()) {
    said.message = "no verb is given";
    said.help = all_verbs + "; `nblocks --help`";
  } else if (given.empty()) {
    const bool is_option = words[0].starts_with("-");
    said.message =
        (is_option ? "nblocks has no option `" : "no verb is called `") + printable(words[0]) + "`";
    suggest(words[0], verbs, all_verbs);
  } else {
    const CLI::App& verb = *given[0];
    std::vector<std::string> names;
    for (const CLI::Option* option : verb.get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    const std::string see = "`nblocks " + verb.get_name() + " --help`";
    said.message = verb.get_name() + ": " + printable(error.what());
    said.help = see;
    for (const std::string& word : words) {
      const std::string name = word.substr(0, word.find('='));
      if (!name.starts_with("--") || std::find(names.begin(), names.end(), name) != names.end()) continue;
      said.message = verb.get_name() + " has no option `" + printable(name) + "`";
      suggest(name, names, see);
      break;
    }
  }
  Diagnostics diagnostics;
  diagnostics.add(std::move(said));
  return finish(diagnostics, options);
}

void keep_command(const CLI::App& verb, int argc, char** argv, Options& options) {
  const std::vector<std::string> unsaid = {"--report", "--json", "--quiet", "-q"};
  const auto is_unsaid = [&](const std::string& word) {
    return std::find(unsaid.begin(), unsaid.end(), word.substr(0, word.find('='))) != unsaid.end();
  };
  options.verb = verb.get_name();
  options.command = {"nblocks"};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!is_unsaid(word))
      options.command.push_back(word);
    else if (word == "--report")
      ++i;
  }
  for (const CLI::Option* option : verb.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames()[0];
    if (is_unsaid(name)) continue;
    options.given.emplace_back(
        name, option->get_expected_max() == 0 ? std::vector<std::string>() : option->results());
  }
}

}  // namespace nb::cli
