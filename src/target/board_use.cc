#include "target/board_use.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "target/expansion.h"

namespace nb {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"weights", "arena", "reserve_ram", "reserve_flash"};

Failed usage(std::string message, std::string help, Diagnostics& diagnostics) {
  return diagnostics.add({.kind = Kind::usage, .message = std::move(message), .help = std::move(help)});
}

/// Where the next ":KEY=" begins at or behind `from`; a name of a layer may hold colons.
std::size_t next_key(std::string_view text, std::size_t from) {
  std::size_t first = std::string_view::npos;
  for (const std::string_view key : kKeys)
    first = std::min(first, text.find(":" + std::string(key) + "=", from));
  return first;
}

/// The board's memory of that name, or with a part of that name; null if there is none.
const Memory* memory_called(const Board& board, std::string_view name) {
  if (const Memory* found = find_memory(board, name)) return found;
  for (const Memory& memory : board.memories)
    if (!memory.part.empty() && memory.part == name) return &memory;
  return nullptr;
}

/// The memory, if a program can use it. `what` it is for: "weights", "arena".
Result<const Memory*> usable_memory(const Board& board, std::string_view name, std::string_view what,
                                    Diagnostics& diagnostics) {
  const Memory* memory = memory_called(board, name);
  std::vector<std::string> names;
  for (const Memory& one : board.memories) names.push_back(one.name);
  if (memory == nullptr) {
    const std::string near = nearest(std::string(name), names);
    return usage("`" + board.name + "` has no memory `" + printable(std::string(name)) + "`, where its " +
                     std::string(what) + " would lie",
                 near.empty() ? "its memories: " + join(names, ", ") : "did you mean `" + near + "`?",
                 diagnostics);
  }
  if (!memory->size_bytes)
    return usage("the size of " + memory->name + " of `" + board.name + "` is not known",
                 "a board file of your own may have it: `nblocks boards new --like " + board.name + "`",
                 diagnostics);
  return memory;
}

Status add_memory(Board& board, std::string_view asked, Diagnostics& diagnostics) {
  const std::size_t at = asked.find('@');
  const auto memory = find_external_memory(asked.substr(0, at), diagnostics);
  if (!memory) return kFailed;
  std::vector<std::string> names;
  const Expansion* taken = nullptr;
  for (const Expansion& expansion : board.expansions) {
    names.push_back(expansion.name);
    if (at != std::string_view::npos ? expansion.name == asked.substr(at + 1)
                                     : taken == nullptr && fits(expansion, *memory))
      taken = &expansion;
  }
  const std::string buses =
      names.empty() ? "no bus for one is known of this board" : "its buses: " + join(names, ", ");
  if (taken == nullptr)
    return at == std::string_view::npos
               ? usage("no free bus of `" + board.name + "` takes " + memory->name, buses, diagnostics)
               : usage(
                     "`" + board.name + "` has no bus `" + printable(std::string(asked.substr(at + 1))) + "`",
                     buses, diagnostics);
  if (!fits(*taken, *memory))
    return usage(taken->name + " of `" + board.name + "` does not take " + memory->name,
                 "`nblocks boards show " + board.name + "` has what its buses take", diagnostics);
  board = with_memory(board, *taken, *memory);
  return {};
}

Status place(Board& board, std::string_view key, std::string_view value, Diagnostics& diagnostics) {
  if (key == "reserve_ram" || key == "reserve_flash") {
    const auto bytes = parse_bytes(value, key, diagnostics);
    if (!bytes) return kFailed;
    (key == "reserve_ram" ? board.placement.reserved_ram_bytes : board.placement.reserved_flash_bytes) =
        *bytes;
    return {};
  }
  const std::size_t equals = value.find('=');
  const auto memory = usable_memory(board, value.substr(0, equals), key, diagnostics);
  if (!memory) return kFailed;
  if (key == "arena") {
    // A board may keep an external RAM from holding arenas unasked: it is slow.
    if (!(*memory)->holds_arena && (*memory)->kind != MemoryKind::external_ram)
      return usage((*memory)->name + " of `" + board.name + "` does not hold an arena",
                   "an arena lies in RAM: `nblocks boards show " + board.name + "`", diagnostics);
    board.placement.arena = (*memory)->name;
    return {};
  }
  // With the program, weights need no place of their own.
  if (*memory == program_memory(board)) return {};
  if (!(*memory)->is_flash())
    return usage((*memory)->name + " of `" + board.name + "` is no flash: weights there would be lost",
                 "weights lie in flash: `nblocks boards show " + board.name + "`", diagnostics);
  board.placement.weights = (*memory)->name;
  if (equals != std::string_view::npos)
    for (const std::string_view layer : split(value.substr(equals + 1), ','))
      if (!trim(layer).empty()) board.placement.far_layers.emplace_back(trim(layer));
  return {};
}

}  // namespace

BoardUse split_use(std::string_view text) {
  // A path may hold what separates: there it begins behind the last ".toml".
  const std::size_t file = text.rfind(".toml");
  const std::size_t from = file == std::string_view::npos ? 0 : file;
  const std::size_t end = std::min(text.find('+', from), text.find(':', from));
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), text.substr(end)};
}

Result<Board> used_board(Board board, std::string_view rest, std::string_view text,
                         Diagnostics& diagnostics) {
  if (rest.empty()) return board;
  if (board.is_host())
    return usage("this computer has no memories to choose from: `" + printable(std::string(rest)) + "`",
                 "memories are named of a board, as in `" + std::string("stm32h735g-dk:weights=ospi_flash`"),
                 diagnostics);
  const std::string base = board.name;
  std::size_t key = next_key(rest, 0);
  const std::string_view added = rest.substr(0, key);
  if (!added.empty() && added[0] != '+')
    return usage("`" + printable(std::string(rest)) + "` behind the board `" + base + "` is not understood",
                 "`+MEMORY`, `:weights=MEMORY`, `:arena=MEMORY`, `:reserve_ram=64K` (docs/memories.md)",
                 diagnostics);
  if (!added.empty())
    for (const std::string_view memory : split(added.substr(1), '+'))
      if (!add_memory(board, memory, diagnostics)) return kFailed;
  while (key != std::string_view::npos) {
    const std::size_t end = next_key(rest, key + 1);
    const std::string_view one = rest.substr(key + 1, end == std::string_view::npos ? end : end - key - 1);
    const std::size_t equals = one.find('=');
    if (!place(board, one.substr(0, equals), one.substr(equals + 1), diagnostics)) return kFailed;
    key = end;
  }
  board.base_name = base;
  board.name = std::string(text);
  return board;
}

Result<std::int64_t> parse_bytes(std::string_view text, std::string_view option, Diagnostics& diagnostics) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const std::string unit = to_lower(std::string_view(read.ptr, static_cast<std::size_t>(end - read.ptr)));
  const std::int64_t factor = unit.empty() || unit == "b"                    ? 1
                              : unit == "k" || unit == "kib" || unit == "kb" ? 1024
                              : unit == "m" || unit == "mib" || unit == "mb" ? 1024 * 1024
                                                                             : 0;
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (read.ec != std::errc() || factor == 0 || value < 0 || value > kMost / factor)
    return usage(std::string(option) + " `" + printable(std::string(text)) + "` is no number of bytes",
                 "as in 65536, 64K or 1M", diagnostics);
  return value * factor;
}

}  // namespace nb
