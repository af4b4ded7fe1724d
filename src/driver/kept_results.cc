#include "driver/kept_results.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/process.h"
#include "base/resources.h"
#include "bench/emulate.h"
#include "bench/machines.h"
#include "bench/tools.h"
#include "report/boards_page.h"
#include "report/json_values.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string hash_of_file(const fs::path& path) {
  const FileRead file = read_file(path);
  return file.bytes ? hash_text(*file.bytes) : std::string("none");
}

std::optional<std::int64_t> number_of(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::int64_t>());
}

std::optional<double> real_of(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

}  // namespace

std::string hash_text(ByteSpan bytes) { return fmt::format("{:016x}", hash_bytes(bytes)); }

std::string build_key(const Program& program, const Board& board) {
  const bench::CoreTarget& core = *bench::find_core(board.processor);
  std::string files;
  for (const EmittedFile& file : program.files) files += file.path + "\n" + file.content + "\n";
  for (const Resource& resource : resources_under("src/bench/firmware/"))
    files += std::string(resource.path) + "\n" + std::string(resource.content) + "\n";
  std::string key = NB_VERSION "\nsources " + hash_text(as_byte_span(files)) + "\n";
  key += "plugin " + hash_of_file(find_plugin()) + "\n";
  key += command_text(compile_words(board)) + "\n";
  key += tool_version(std::string(core.tool_prefix) + "g++") + "\n";
  key += tool_version(std::string(core.machines[0]->program)) + "\n";
  return key;
}

std::string resume_help(const fs::path& folder) {
  return folder.empty() ? "--resume FOLDER keeps what is done for the next time"
                        : "what was measured is kept there: the same command goes on from that";
}

Result<fs::path> cost_file(const fs::path& folder, const Compiled& compiled, const Samples& sample,
                           const MemoryConditions& conditions, Diagnostics& diagnostics) {
  const auto program = emitted(compiled, diagnostics);
  if (!program) return kFailed;
  std::string key = "nblocks cost 2, " + build_key(*program, compiled.board);
  key += "board " + board_json(compiled.board).dump() +
         "\n";  // all that decides what fits and how long it takes
  key += fmt::format("arena {} clock {} wait states {} caches {} prefetch {}\n", compiled.graph.arena_bytes,
                     conditions.clock_hz.value_or(-1), conditions.wait_states.value_or(-1),
                     conditions.has_caches, conditions.has_prefetch);
  key += "sample " + hash_text(sample.bytes) + "\n";
  return folder / ("cost-" + hash_text(as_byte_span(key)) + ".json");
}

std::optional<VariantCost> find_cost(const fs::path& file) {
  const json kept = json::parse(read_file(file).text(), nullptr, false);
  try {
    VariantCost cost{.fits = kept.at("fits"),
                     .weights_bytes = kept.at("weights_bytes"),
                     .arena_bytes = kept.at("arena_bytes"),
                     .flash_bytes = number_of(kept.at("flash_bytes")),
                     .ram_bytes = number_of(kept.at("ram_bytes")),
                     .instructions = number_of(kept.at("instructions")),
                     .cycles = real_of(kept.at("cycles")),
                     .latency_ms = real_of(kept.at("latency_ms"))};
    for (const auto& [name, layer] : kept.at("layers").items())
      cost.layers[name] = {layer.at("weights_bytes"), layer.at("instructions"), layer.at("cycles")};
    return cost;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

Status keep_cost(const fs::path& file, const VariantCost& cost, Diagnostics& diagnostics) {
  json layers = json::object();
  for (const auto& [name, layer] : cost.layers)
    layers[name] = {{"weights_bytes", layer.weights_bytes},
                    {"instructions", layer.instructions},
                    {"cycles", layer.cycles}};
  const json kept = {{"fits", cost.fits},
                     {"weights_bytes", cost.weights_bytes},
                     {"arena_bytes", cost.arena_bytes},
                     {"flash_bytes", or_null(cost.flash_bytes)},
                     {"ram_bytes", or_null(cost.ram_bytes)},
                     {"instructions", or_null(cost.instructions)},
                     {"cycles", or_null(cost.cycles)},
                     {"latency_ms", or_null(cost.latency_ms)},
                     {"layers", std::move(layers)}};
  std::string why_not;
  if (write_file(file, as_byte_span(kept.dump(1)), why_not)) return {};
  return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + file.string() + "`: " + why_not});
}

}  // namespace nb
