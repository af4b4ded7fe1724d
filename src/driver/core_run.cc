#include "driver/core_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "bench/machines.h"
#include "driver/kept_results.h"

namespace nb {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::uint32_t kStackMemoryBytes = 512 * bench::kKib, kLeastArenaMemoryBytes = 64 * bench::kKib;
constexpr std::int64_t kDeepStackBytes = 64 * 1024;  ///< for a program that none of the boards' stacks holds

std::int64_t aligned(std::int64_t bytes) { return (bytes + 15) / 16 * 16; }

/// Regions of the placement as memories of the board.
std::vector<RegionPlace> places_on(const Board& board, const CorePlacement& placement) {
  const MemoryPlan plan = plan_memories(board, placement.arena_bytes);
  std::vector<RegionPlace> places = placement.places();
  RegionPlace &stack = places[1], &arena = places[2];
  places[0].memory = plan.program->name;
  stack.memory = plan.stack->name;
  arena.memory = plan.arena->name;
  if (placement.weights) places[3].memory = plan.weights->name;
  // On the board the reserve is its own, and the arena may follow what lies behind the stack.
  const std::int64_t reserve = aligned(plan.stack_bytes);
  stack.shift = static_cast<std::uint32_t>(reserve - aligned(placement.stack_bytes));
  if (plan.arena == plan.stack)
    arena.shift =
        static_cast<std::uint32_t>(stack.low + aligned(reserve + placement.static_bytes) - arena.low);
  return places;
}

/// All that a run depends on, a line each.
std::string key_of(const CoreRunRequest& request, const Program& program, std::int64_t stack_bytes,
                   ByteSpan sample) {
  const Board& board = request.compiled.board;
  std::string key = "nblocks compare 4, " + build_key(program, board);
  key += "sample " + hash_text(sample) + "\n";
  key += fmt::format("arena {} stack {}\n", request.compiled.graph.arena_bytes, stack_bytes);
  // Where things lie is not known before they are linked, and the same for all boards: any place will do.
  CorePlacement placement;
  placement.program = {0, 0x10000000, {}};
  placement.stack = {0x20000000, 0x30000000, {}};
  placement.arena = {0x40000000, 0x50000000, {}};
  if (!board.placement.weights.empty()) placement.weights = {0x60000000, 0x70000000, {}};
  placement.stack_bytes = stack_bytes;
  placement.arena_bytes = request.compiled.graph.arena_bytes;
  for (const BoardCaches& part : board_caches(request.boards, placement, request.conditions))
    key += "part\n" + part.plan.text(placement.places());
  return key;
}

json region_json(const RegionPlace& place) { return {{"low", place.low}, {"high", place.high}}; }
RegionPlace region_of(const json& from) { return {from.at("low"), from.at("high"), {}}; }

/// The run of that key, as it was kept; absent if there is none, or none that can be read.
std::optional<CoreRun> find_run(const fs::path& path, const std::string& key) {
  const FileRead file = read_file(path);
  if (!file.bytes) return std::nullopt;
  const json kept = json::parse(file.text(), nullptr, false);
  try {
    if (kept.at("key") != key) return std::nullopt;
    CoreRun run;
    run.placement = {.program = region_of(kept.at("program")),
                     .stack = region_of(kept.at("stack")),
                     .arena = region_of(kept.at("arena")),
                     .weights = {},
                     .stack_bytes = kept.at("stack_reserved_bytes"),
                     .static_bytes = kept.at("behind_stack_bytes"),
                     .arena_bytes = kept.at("arena_bytes")};
    if (!kept.at("weights").is_null()) run.placement.weights = region_of(kept.at("weights"));
    run.sizes = {.flash_bytes = kept.at("flash_span_bytes"),
                 .static_bytes = kept.at("behind_stack_bytes"),
                 .arena_bytes = kept.at("arena_bytes"),
                 .stack_bytes = kept.at("stack_bytes"),
                 .far_bytes = kept.at("far_bytes")};
    run.flash_bytes = kept.at("flash_bytes");
    run.far_bytes = kept.at("far_bytes");
    run.static_bytes = kept.at("static_bytes");
    run.constant_bytes = kept.at("constant_bytes");
    run.instructions = kept.at("instructions");
    for (const json& part : kept.at("parts")) {
      auto profile = parse_profile(part.at("log").get<std::string>());
      if (!profile) return std::nullopt;
      CoreRun::Part read{std::move(*profile), {}};
      for (const json& interval : part.at("intervals")) {
        const std::int64_t layer = interval.at(1);
        read.intervals.push_back(
            {interval.at(0), layer < 0 ? std::nullopt : std::optional<std::size_t>(layer)});
        if (read.intervals.back().interval >= read.profile.intervals.size()) return std::nullopt;
      }
      run.parts.push_back(std::move(read));
    }
    run.is_kept = true;
    return run;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

/// `logs`: of the plugin, one a part.
Status keep_run(const fs::path& path, const std::string& key, const CoreRun& run,
                const std::vector<std::string>& logs, Diagnostics& diagnostics) {
  json parts = json::array();
  for (std::size_t i = 0; i < run.parts.size(); ++i) {
    json intervals = json::array();
    for (const LayerInterval& one : run.parts[i].intervals)
      intervals.push_back({one.interval, one.layer ? static_cast<std::int64_t>(*one.layer) : -1});
    parts.push_back({{"intervals", std::move(intervals)}, {"log", logs[i]}});
  }
  const json kept = {{"key", key},
                     {"program", region_json(run.placement.program)},
                     {"stack", region_json(run.placement.stack)},
                     {"arena", region_json(run.placement.arena)},
                     {"weights", run.placement.weights ? region_json(*run.placement.weights) : json(nullptr)},
                     {"stack_reserved_bytes", run.placement.stack_bytes},
                     {"behind_stack_bytes", run.placement.static_bytes},
                     {"flash_span_bytes", run.sizes.flash_bytes},
                     {"arena_bytes", run.sizes.arena_bytes},
                     {"stack_bytes", run.sizes.stack_bytes},
                     {"flash_bytes", run.flash_bytes},
                     {"far_bytes", run.far_bytes},
                     {"static_bytes", run.static_bytes},
                     {"constant_bytes", run.constant_bytes},
                     {"instructions", run.instructions},
                     {"parts", std::move(parts)}};
  std::string why_not;
  if (write_file(path, as_byte_span(kept.dump(1)), why_not)) return {};
  return diagnostics.add({.kind = Kind::file_unwritable, .message = "`" + path.string() + "`: " + why_not});
}

/// Where the linker put it all, and how much it is.
void read_placement(const Firmware& firmware, std::int64_t stack_bytes, CoreRun& run) {
  run.placement.program = firmware.places[0];
  run.placement.stack = firmware.places[1];
  run.placement.arena = firmware.places[2];
  if (firmware.places.size() > 3) run.placement.weights = firmware.places[3];
  run.placement.stack_bytes = stack_bytes;
  const RegionPlace& program = run.placement.program;
  const std::uint64_t stack_end = run.placement.stack.low + static_cast<std::uint64_t>(aligned(stack_bytes));
  std::int64_t data_bytes = 0;
  for (const ElfSection& section : firmware.elf->sections) {
    const std::uint64_t end = section.address + section.size_bytes;
    if (section.size_bytes == 0) continue;
    if (section.is_loaded() && section.address >= program.low && section.address < program.high)
      run.sizes.flash_bytes = std::max(run.sizes.flash_bytes, static_cast<std::int64_t>(end - program.low));
    if (section.name == ".data") data_bytes = aligned(static_cast<std::int64_t>(section.size_bytes));
    if (section.name == ".data" || section.name == ".bss")
      run.sizes.static_bytes = std::max(run.sizes.static_bytes, static_cast<std::int64_t>(end - stack_end));
  }
  run.sizes.flash_bytes += data_bytes;
  run.placement.static_bytes = run.sizes.static_bytes;
  run.flash_bytes = firmware.flash_bytes;
  run.far_bytes = run.sizes.far_bytes = firmware.far_bytes;
  run.static_bytes = firmware.static_bytes;
}

/// Builds with that much stack and runs each part; absent, with nothing said, if the stack does not hold.
/// `logs` takes the plugin's, if they are to be kept.
Result<std::optional<CoreRun>> build_and_run(const CoreRunRequest& request, std::int64_t stack_bytes,
                                             const Samples& sample, std::vector<std::string>& logs,
                                             Diagnostics& diagnostics) {
  const TemporaryFolder folder;
  const Compiled& compiled = request.compiled;
  BuildOptions options{.keeps_state_between_samples = request.keeps_state};
  options.stack_bytes = stack_bytes;
  const auto built = build_program(compiled, folder.path(), options, diagnostics);
  if (!built) return kFailed;
  const Firmware& firmware = built->firmware;
  CoreRun run;
  run.sizes.arena_bytes = run.placement.arena_bytes = compiled.graph.arena_bytes;
  run.constant_bytes = built->program.constant_bytes;
  read_placement(firmware, stack_bytes, run);
  for (const BoardCaches& part : board_caches(request.boards, run.placement, request.conditions)) {
    Diagnostics said;
    auto result = run_firmware(firmware, compiled.graph, sample,
                               {.timeout_seconds = request.timeout_seconds,
                                .has_edges = true,
                                .memories = part.plan.text(firmware.places)},
                               said);
    const bool is_fault = std::any_of(said.all().begin(), said.all().end(),
                                      [](const Diagnostic& one) { return one.kind == Kind::firmware_fault; });
    if (!result && is_fault && stack_bytes < kDeepStackBytes) return std::optional<CoreRun>();
    for (const Diagnostic& one : said.all()) diagnostics.add(one);
    if (!result) return kFailed;
    run.sizes.stack_bytes = result->stack_bytes.value_or(0);
    run.instructions = result->instructions.value_or(0);
    auto intervals = layer_intervals(firmware, *result->profile, compiled.graph.nodes.size());
    run.parts.push_back({std::move(*result->profile), std::move(intervals)});
    if (!request.folder.empty()) logs.emplace_back(read_file(folder.path() / "nb_counts.txt").text());
  }
  return std::optional(std::move(run));
}

}  // namespace

std::vector<BoardCaches> board_caches(const std::vector<const Board*>& boards, const CorePlacement& placement,
                                      const MemoryConditions& conditions) {
  std::vector<BoardCaches> parts(1);
  for (const Board* board : boards) {
    const auto places = places_on(*board, placement);
    CachePlan plan = parts.back().plan;
    MemorySystem memories(*board, places, conditions, plan);
    if (plan.size() > CachePlan::kMost && !parts.back().boards.empty()) {
      parts.emplace_back();
      plan = {};
      memories = MemorySystem(*board, places, conditions, plan);
    }
    parts.back().plan = std::move(plan);
    parts.back().boards.push_back(board);
    parts.back().memories.push_back(std::move(memories));
  }
  return parts;
}

Board plain_board(const Board& board, std::int64_t arena_bytes) {
  Board plain = board;
  plain.name = board.processor;
  plain.title = "plain " + board.processor;
  plain.caches.clear();
  const auto arena_size = static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(arena_bytes, kLeastArenaMemoryBytes))));
  const bool has_far_layers = !board.placement.weights.empty();
  std::int64_t flash_size = 0;
  const bench::CoreTarget* core = bench::find_core(board.processor);
  for (const bench::Machine* machine : core->machines)
    for (const bench::MachineMemory& memory : machine->flash) {
      // Constants of far layers take half of it.
      const std::uint32_t length = memory.length_bytes / (has_far_layers ? 2 : 1);
      const bench::MemorySizes sizes{length, kStackMemoryBytes, has_far_layers ? length : 0,
                                     static_cast<std::uint32_t>(arena_size)};
      if (length > flash_size && bench::place_memories(*core, sizes)) flash_size = length;
    }
  plain.memories = {
      {.name = "program", .kind = MemoryKind::flash, .size_bytes = flash_size, .is_executable = true},
      {.name = "stack", .kind = MemoryKind::ram, .size_bytes = kStackMemoryBytes, .holds_stack = true},
      {.name = "arena", .kind = MemoryKind::ram, .size_bytes = arena_size, .holds_arena = true}};
  plain.placement = {};
  if (has_far_layers) {
    plain.memories.push_back({.name = "weights", .kind = MemoryKind::flash, .size_bytes = flash_size});
    plain.placement.weights = "weights";
    plain.placement.far_layers = board.placement.far_layers;
  }
  return plain;
}

Result<CoreRun> run_core(const CoreRunRequest& request, Diagnostics& diagnostics) {
  const Compiled& compiled = request.compiled;
  std::int64_t stack_bytes = 0;
  for (const Board* board : request.boards)
    stack_bytes = std::max(stack_bytes, plan_memories(*board, compiled.graph.arena_bytes).stack_bytes);
  const Samples sample = pattern_sample(compiled.graph);
  std::string key;
  fs::path path;
  if (!request.folder.empty()) {
    const auto program = emitted(compiled, diagnostics);
    if (!program) return kFailed;
    key = key_of(request, *program, stack_bytes, sample.bytes);
    path = request.folder / (hash_text(as_byte_span(key)) + ".json");
    auto found = find_run(path, key);
    if (found &&
        found->parts.size() == board_caches(request.boards, found->placement, request.conditions).size())
      return std::move(*found);
  }
  std::vector<std::string> logs;
  auto run = build_and_run(request, stack_bytes, sample, logs, diagnostics);
  if (!run) return kFailed;
  if (!*run) {
    logs.clear();
    run = build_and_run(request, kDeepStackBytes, sample, logs, diagnostics);
    if (!run) return kFailed;
  }
  if (!path.empty() && !keep_run(path, key, **run, logs, diagnostics)) return kFailed;
  return std::move(**run);
}

}  // namespace nb
