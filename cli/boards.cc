// boards: list, show, memories, new, check.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/resources.h"
#include "base/text.h"
#include "cli/commands.h"
#include "diag/unknown.h"
#include "report/boards_page.h"
#include "target/battery.h"

namespace nb::cli {

using nlohmann::json;

namespace {

using Words = std::vector<std::string>;

int refuse_usage(std::string message, std::string help, const Options& options) {
  Diagnostics diagnostics;
  diagnostics.add({.kind = Kind::usage, .message = std::move(message), .help = std::move(help)});
  return finish(diagnostics, options);
}

int print_list(const json& list, const std::string& text, const Options& options) {
  if (options.is_json)
    fmt::print("{}\n", list.dump(2));
  else
    fmt::print("{}", text);
  return 0;
}

int list_boards(const Words& words, const PriceList* prices, const Options& options) {
  if (!words.empty()) return refuse_usage("`boards list` takes no name", "nblocks boards show NAME", options);
  if (options.is_markdown) {
    fmt::print("{}", boards_markdown());
    return 0;
  }
  json list = json::array();
  if (options.is_json)
    for (const Board& board : builtin_boards()) list.push_back(board_json(board, prices));
  return print_list(list, options.is_json ? "" : boards_text(prices), options);
}

int show_board(const Words& words, const PriceList* prices, const Options& options) {
  if (words.size() != 1) return refuse_usage("`boards show` takes one board", "nblocks boards", options);
  Diagnostics diagnostics;
  const auto board = find_board(words[0], diagnostics);
  if (!board) return finish(diagnostics, options);
  return print_list(board_json(*board, prices), board_text(*board, prices), options);
}

int list_memories(const Words& words, const PriceList* prices, const Options& options) {
  if (words.size() > 1)
    return refuse_usage("`boards memories` takes one external memory, or none", "", options);
  if (words.empty()) {
    json list = json::array();
    for (const ExternalMemory& memory : builtin_memories())
      list.push_back(external_memory_json(memory, prices));
    return print_list(list, memories_text(prices), options);
  }
  Diagnostics diagnostics;
  const auto memory = find_external_memory(words[0], diagnostics);
  if (!memory) return finish(diagnostics, options);
  return print_list(external_memory_json(*memory, prices), external_memory_text(*memory, prices), options);
}

int new_board(const Words& words, const Options& options) {
  const auto is_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (words.size() != 1 || words[0].size() > 64 || !std::ranges::all_of(words[0], is_of_name))
    return refuse_usage("`boards new` takes one name, of a-z, 0-9, - and _",
                        "nblocks boards new my-board --like nucleo-f411re", options);
  if (options.like.empty())
    return refuse_usage("`boards new` needs --like, a board to begin from",
                        "take the nearest relative of `nblocks boards`", options);
  Diagnostics diagnostics;
  const auto like = find_target_board(options.like, diagnostics);
  if (!like) return finish(diagnostics, options);
  if (like->is_host()) return refuse_usage("the host has no memories to begin from", "", options);
  const std::string path = options.output.empty() ? words[0] + ".toml" : options.output;
  std::error_code unheard;
  std::string why_not = "it exists already";
  const std::string text = board_template(words[0], *like);
  if (std::filesystem::exists(path, unheard) || !write_file(path, as_byte_span(text), why_not)) {
    diagnostics.add(
        {.kind = Kind::file_unwritable, .message = "cannot write `" + printable(path) + "`: " + why_not});
    return finish(diagnostics, options);
  }
  return print_list({{"ok", true}, {"file", path}, {"like", like->name}},
                    "wrote " + path + "\nnow edit it; `nblocks boards check " + path +
                        "` says what is wrong, `-b " + path + "` takes it\n",
                    options);
}

/// What a file of the catalogue is, by its keys: a price list has prices and no name, an external memory a
/// bus, a battery a chemistry.
enum class FileKind { board, memory, battery, prices };

FileKind kind_of(const std::string& text) {
  const auto begins = [&](std::string_view key) {
    return std::ranges::any_of(split(text, '\n'), [&](std::string_view line) {
      return trim(line).starts_with(key) && trim(trim(line).substr(key.size())).starts_with('=');
    });
  };
  if (begins("core")) return FileKind::board;
  if (begins("bus_bits")) return FileKind::memory;
  if (begins("chemistry")) return FileKind::battery;
  return begins("name") || begins("title") ? FileKind::board : FileKind::prices;
}

struct CheckedFile {
  bool is_good = false;
  std::string what;                 ///< "board `x`"
  std::vector<std::string> blanks;  ///< what stays blank
  std::vector<std::string> copied;  ///< values whose source is still that of `boards new`
};

CheckedFile check_file(const std::string& text, const std::string& path, Diagnostics& diagnostics) {
  CheckedFile checked;
  switch (kind_of(text)) {
    case FileKind::board: {
      const auto board = parse_board(text, path, diagnostics);
      checked.is_good = board.is_ok();
      if (!board) break;
      checked.what = "board `" + board->name + "`, " + board->processor +
                     ", memories: " + std::to_string(board->memories.size());
      checked.blanks = blanks_of(*board);
      for (const auto& [value, source] : board->sources)
        if (source.starts_with(kCopiedSource)) checked.copied.push_back(value.empty() ? "the board" : value);
      break;
    }
    case FileKind::memory: {
      const auto memory = parse_external_memory(text, path, diagnostics);
      checked.is_good = memory.is_ok();
      if (memory) checked.what = "external memory `" + memory->name + "`";
      break;
    }
    case FileKind::battery: {
      const auto battery = parse_battery(text, path, diagnostics);
      checked.is_good = battery.is_ok();
      if (battery) checked.what = "battery `" + battery->name + "`";
      break;
    }
    case FileKind::prices: {
      const auto list = parse_price_list(text, path, diagnostics);
      checked.is_good = list.is_ok();
      if (list)
        checked.what = "price list of " + count_text(list->entries.size(), "price") + ", " + list->currency;
      break;
    }
  }
  return checked;
}

int check_files(const Words& words, const Options& options) {
  Diagnostics diagnostics;
  struct File {
    std::string path, text;
  };
  std::vector<File> files;
  if (words.empty())
    for (const char* folder : {"src/target/boards/", "src/target/memories/", "src/target/batteries/"})
      for (const Resource& resource : resources_under(folder))
        files.push_back({std::string(resource.path), std::string(resource.content)});
  for (const std::string& word : words) {
    const auto resource = find_resource("src/target/boards/" + to_lower(word) + ".toml");
    if (resource) {
      files.push_back({"src/target/boards/" + to_lower(word) + ".toml", std::string(*resource)});
    } else if (word.ends_with(".toml")) {
      if (auto text = read_toml_file(word, "file", diagnostics)) files.push_back({word, *std::move(text)});
    } else {
      (void)find_board(word, diagnostics);
    }
  }
  json list = json::array();
  std::string said;
  for (const File& file : files) {
    const CheckedFile checked = check_file(file.text, file.path, diagnostics);
    if (!checked.is_good) continue;
    list.push_back({{"file", file.path},
                    {"what", checked.what},
                    {"blank", checked.blanks},
                    {"sources_still_copied", checked.copied}});
    said += file.path + ": ok, " + checked.what + "\n";
    if (!checked.blanks.empty() && !words.empty())
      said += "  blank, for want of a source: " + join(checked.blanks, ", ") + "\n";
    if (!checked.copied.empty())
      said += "  sources still those of the copy: " + join(checked.copied, ", ") + "\n";
  }
  if (diagnostics.has_errors()) {
    if (!options.is_json) fmt::print("{}", said);
    return finish(diagnostics, options);
  }
  return print_list(list, said, options);
}

}  // namespace

int boards(const Options& options) {
  PriceList list;
  const PriceList* prices = nullptr;
  if (!options.prices.empty()) {
    Diagnostics diagnostics;
    auto loaded = load_price_list(options.prices, diagnostics);
    if (!loaded) return finish(diagnostics, options);
    if (!options.is_quiet && !options.is_json) finish(diagnostics, options);
    list = *std::move(loaded);
    prices = &list;
  }
  if (options.words.empty()) return list_boards({}, prices, options);
  const std::string& action = options.words[0];
  const Words rest(options.words.begin() + 1, options.words.end());
  if (action == "list") return list_boards(rest, prices, options);
  if (action == "show") return show_board(rest, prices, options);
  if (action == "memories") return list_memories(rest, prices, options);
  if (action == "new") return new_board(rest, options);
  if (action == "check") return check_files(rest, options);
  if (rest.empty()) return show_board({action}, prices, options);
  Diagnostics diagnostics;
  report_unknown("action of `boards`", action, {"list", "show", "memories", "new", "check"}, diagnostics);
  return finish(diagnostics, options);
}

}  // namespace nb::cli
