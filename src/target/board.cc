#include "target/board.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/resources.h"
#include "base/text.h"
#include "target/board_use.h"
#include "target/catalogue.h"
#include "target/cores.h"
#include "target/external_memory.h"

namespace nb {
namespace {

constexpr std::string_view kFolder = "src/target/boards/";
constexpr std::uint64_t kMaxFileBytes = 1 << 20;

/// Virtual boards come behind the real ones, in the order of the cores table.
std::size_t rank_of(const Board& board) {
  if (!board.is_virtual) return 0;
  for (std::size_t i = 0; i < core_rows().size(); ++i)
    if (core_rows()[i].name == board.processor) return i + 1;
  return core_rows().size() + 1;
}

}  // namespace

Result<std::string> read_toml_file(const std::string& path, std::string_view what, Diagnostics& diagnostics) {
  const FileRead read = read_file(path, kMaxFileBytes);
  if (!read.bytes)
    return diagnostics.add(
        {.kind = Kind::file_unreadable,
         .message = "cannot read the " + std::string(what) + " " + quoted_text(path) + ": " + read.why_not,
         .file = path});
  return std::string(read.text());
}

std::string_view name_of(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::flash:
      return "flash";
    case MemoryKind::ram:
      return "ram";
    case MemoryKind::tcm:
      return "tcm";
    case MemoryKind::external_flash:
      return "external_flash";
    case MemoryKind::external_ram:
      return "external_ram";
  }
  return "";
}

std::string_view name_of(ExternalKind kind) {
  switch (kind) {
    case ExternalKind::nor_flash:
      return "nor_flash";
    case ExternalKind::psram:
      return "psram";
    case ExternalKind::hyper_ram:
      return "hyper_ram";
    case ExternalKind::sdram:
      return "sdram";
  }
  return "";
}

std::string_view name_of(PowerLoad load) {
  switch (load) {
    case PowerLoad::inference:
      return "inference";
    case PowerLoad::accelerator:
      return "accelerator";
    case PowerLoad::coremark:
      return "coremark";
    case PowerLoad::loop:
      return "loop";
  }
  return "";
}

std::string_view name_of(Regulator regulator) { return regulator == Regulator::ldo ? "ldo" : "smps"; }

std::string_view name_of(FillsOn fills_on) { return fills_on == FillsOn::jump ? "jump" : "miss"; }

std::string_view source_of(const Board& board, std::string_view path) {
  for (;;) {
    if (const auto at = board.sources.find(path); at != board.sources.end()) return at->second;
    if (path.empty()) return {};
    const std::size_t dot = path.rfind('.');
    path = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
  }
}

const Memory* find_memory(const Board& board, std::string_view name) {
  const auto found = std::find_if(board.memories.begin(), board.memories.end(),
                                  [&](const Memory& memory) { return memory.name == name; });
  return found == board.memories.end() ? nullptr : &*found;
}

const Memory* program_memory(const Board& board) {
  for (const MemoryKind kind : {MemoryKind::flash, MemoryKind::external_flash})
    for (const Memory& memory : board.memories)
      if (memory.kind == kind && memory.is_executable && memory.size_bytes) return &memory;
  return nullptr;
}

const Memory* stack_memory(const Board& board) {
  for (const Memory& memory : board.memories)
    if (memory.holds_stack) return &memory;
  const std::vector<const Memory*> candidates = arena_memories(board);
  return candidates.empty() ? nullptr : candidates.front();
}

std::vector<const Memory*> arena_memories(const Board& board) {
  std::vector<const Memory*> candidates;
  for (const Memory& memory : board.memories)
    if (memory.holds_arena && memory.size_bytes) candidates.push_back(&memory);
  return candidates;
}

std::optional<double> external_read_ns(const Memory& memory, std::int64_t bytes) {
  std::optional<int> latency_clocks = memory.read_latency_clocks;
  std::optional<double> latency_ns;
  for (const ExternalMemory& part : builtin_memories()) {
    if (part.name != memory.part) continue;
    if (!latency_clocks) latency_clocks = part.read_latency_clocks;
    latency_ns = part.read_latency_ns;
  }
  if (latency_clocks && memory.clock_hz)
    latency_ns = *latency_clocks * 1e9 / static_cast<double>(*memory.clock_hz);
  if (!latency_ns || !memory.bandwidth_mb_per_s) return std::nullopt;
  return *latency_ns + static_cast<double>(bytes) * 1e3 / *memory.bandwidth_mb_per_s;
}

Result<std::vector<Board>> parse_catalogue(Diagnostics& diagnostics) {
  return parse_all<Board>(kFolder, parse_board, diagnostics);
}

const std::vector<Board>& builtin_boards() {
  static const std::vector<Board> kBoards = [] {
    std::vector<Board> boards;
    for (const Resource& resource : resources_under(kFolder)) {
      Diagnostics unheard;
      if (Result<Board> board = parse_board(resource.content, resource.path, unheard))
        boards.push_back(*std::move(board));
    }
    std::ranges::sort(boards, {}, [](const Board& board) {
      return std::pair(rank_of(board), std::string_view(board.name));
    });
    return boards;
  }();
  return kBoards;
}

namespace {

/// As find_board, of a name with nothing behind it.
Result<Board> board_called(std::string_view name, Diagnostics& diagnostics) {
  if (name.ends_with(".toml")) {
    const auto text = read_toml_file(std::string(name), "board", diagnostics);
    if (!text) return kFailed;
    return parse_board(*text, name, diagnostics);
  }
  const std::string wanted = to_lower(name);
  std::vector<std::string> names;
  for (const Board& board : builtin_boards()) {
    if (board.name == wanted) return board;
    names.push_back(board.name);
  }
  const std::string near = nearest(wanted, names);
  return diagnostics.add({.kind = Kind::unknown_board,
                          .message = "no board is called `" + printable(name) + "`",
                          .notes = near.empty() ? std::vector<std::string>{"boards: " + join(names, ", ")}
                                                : std::vector<std::string>{},
                          .help = near.empty()
                                      ? "take one of these, or a path to a .toml (docs/add-a-board.md)"
                                      : "did you mean `" + near + "`?"});
}

}  // namespace

Result<Board> find_board(std::string_view name, Diagnostics& diagnostics) {
  const BoardUse use = split_use(name);
  auto board = board_called(use.board, diagnostics);
  if (!board) return kFailed;
  return used_board(std::move(*board), use.rest, name, diagnostics);
}

Result<Board> find_target_board(std::string_view name, Diagnostics& diagnostics) {
  auto board = find_board(name, diagnostics);
  if (!board || !board->is_data_only) return board;
  return diagnostics.add({.kind = Kind::unknown_board,
                          .message = "nothing is generated for " +
                                     std::string(find_core_row(board->processor)->title) + ": `" +
                                     board->name + "` is listed for its data only",
                          .help = "take a board whose core is built: `nblocks boards` marks the others"});
}

}  // namespace nb
