// blocks, doctor.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "bench/machines.h"
#include "bench/run.h"
#include "blocks/blocks.h"
#include "cli/commands.h"
#include "diag/unknown.h"
#include "report/block_text.h"
#include "report/format_page.h"
#include "report/report.h"

namespace nb::cli {

using nlohmann::json;

int blocks(const Options& options) {
  Diagnostics diagnostics;
  const BlockSet& all = all_blocks();
  if (!options.topic.empty()) {
    const Block* block = all.find(options.topic);
    if (block == nullptr) {
      report_unknown("block", options.topic, all.names(), diagnostics);
      return finish(diagnostics, options);
    }
    if (options.is_json)
      fmt::print("{}\n", block_json(*block).dump(2));
    else
      fmt::print("{}", block_text(*block));
    return 0;
  }
  if (!options.format.empty()) {
    fmt::print("{}", options.is_markdown ? format_markdown(options.format) : format_text(options.format));
    return 0;
  }
  if (options.is_markdown) {
    fmt::print("{}", blocks_markdown(all));
    return 0;
  }
  if (options.is_json) {
    json list = json::array();
    for (const Block& block : all.all()) list.push_back(block_json(block));
    fmt::print("{}\n", list.dump(2));
    return 0;
  }
  for (const Block& block : all.all()) fmt::print("{:<22} {}\n", block.name, block.doc);
  return 0;
}

int doctor(const Options& options) {
  Diagnostics diagnostics;
  json list = json::array();
  const auto check = [&](const std::string& what, const std::filesystem::path& found,
                         const std::string& install) {
    if (options.is_json)
      list.push_back({{"tool", what}, {"path", found.string()}, {"install", install}});
    else
      fmt::print("{:<28} {}\n", what, found.empty() ? "MISSING   " + install : "ok  " + found.string());
    if (found.empty())
      diagnostics.add({.kind = Kind::tool_missing, .message = "`" + what + "` is missing", .help = install});
  };
  const std::string apt = "apt-get install -y --no-install-recommends ";
  check("g++", find_tool("g++"), apt + "g++");
  std::vector<std::string> seen;
  for (const bench::CoreTarget& core : bench::kCoreTargets) {
    for (const std::string& tool :
         {std::string(core.tool_prefix) + "g++", std::string(core.machines[0]->program)}) {
      if (std::find(seen.begin(), seen.end(), tool) != seen.end()) continue;
      seen.push_back(tool);
      check(tool, find_tool(tool), apt + std::string(core.package));
    }
  }
  check("libnbcount.so", find_plugin(), "build the target nbcount");
  if (options.is_json) fmt::print("{}\n", list.dump(2));
  return diagnostics.exit_code();
}

}  // namespace nb::cli
