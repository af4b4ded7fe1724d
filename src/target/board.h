// Boards: what a program may use, what it costs, and who says so.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostics.h"
#include "target/core.h"

namespace nb {

/// A quantity as sources give it: any of these may be absent, not all; low <= typical <= high; never zero.
struct Range {
  std::optional<double> low, typical, high;
};

enum class MemoryKind { flash, ram, tcm, external_flash, external_ram };
[[nodiscard]] std::string_view name_of(MemoryKind kind);

/// One memory in one piece. Regions at adjacent addresses that one array may span are one memory.
struct Memory {
  std::string name;
  MemoryKind kind = MemoryKind::ram;
  std::optional<std::uint32_t> address;
  std::optional<std::int64_t> size_bytes;          ///< absent only for external memories
  std::optional<std::int64_t> clock_hz;            ///< of its bus; absent: the core's
  std::optional<int> wait_states;                  ///< at that clock
  std::vector<std::int64_t> wait_states_up_to_hz;  ///< [n]: highest bus clock with n wait states
  std::optional<int> read_bits;  ///< of one read of its array, which the wait states are for
  std::string part;              ///< an external memory of the catalogue; may be empty
  std::string interface;         ///< "QSPI", "OctoSPI"...; empty inside the part
  std::optional<double> bandwidth_mb_per_s;
  std::optional<int>
      read_latency_clocks;  ///< of an external memory's bus, from the start of a read to its data
  bool is_executable = false;
  bool holds_arena = false;  ///< may hold the arena: RAM of any kind unless the file says otherwise
  bool holds_stack = false;  ///< holds stack, .data and .bss: one memory of a board
  std::string note;

  [[nodiscard]] bool is_flash() const {
    return kind == MemoryKind::flash || kind == MemoryKind::external_flash;
  }
};

enum class CacheKind { instruction, data, unified };

/// What a cache keeps. `miss`: every line that had to be fetched. `jump`: what was neither in the line in use
/// nor in the line that the prefetch had brought, so of code that runs on only the line behind a jump.
enum class FillsOn { miss, jump };

[[nodiscard]] std::string_view name_of(FillsOn fills_on);

struct Cache {
  std::string name;
  CacheKind kind = CacheKind::unified;
  std::optional<std::int64_t> size_bytes;
  std::optional<std::int64_t> line_bytes;
  std::optional<int> ways;          ///< as many as it has lines: fully associative
  std::vector<std::string> serves;  ///< memories and expansions; empty: all but the TCMs, or not known
  std::optional<std::uint32_t>
      address;                       ///< where it shows the memory that it serves, if not at that one's own
  std::optional<bool> has_prefetch;  ///< of the next line; a cache of a prefetch buffer's size is that buffer
  FillsOn fills_on = FillsOn::miss;
  std::optional<int> new_line_cycles;  ///< more for the first word of a line that the core goes on to
  std::string note;
};

/// What an external memory is: what it holds when off, and how it is driven.
enum class ExternalKind { nor_flash, psram, hyper_ram, sdram };
[[nodiscard]] std::string_view name_of(ExternalKind kind);

/// A bus of the part on which one more memory can be put and read by address. What no source gives is absent.
struct Expansion {
  std::string name;                     ///< unlike the board's memories': it becomes the name of one
  std::vector<std::string> interfaces;  ///< those of ExternalMemory that it speaks
  std::vector<ExternalKind> kinds;      ///< what may be mapped there
  std::optional<std::uint32_t> address;
  std::optional<std::int64_t> window_bytes;          ///< as far as addresses reach
  std::optional<int> bus_bits;                       ///< data lines of a parallel bus in this package
  std::optional<std::int64_t> clock_hz;              ///< the highest, data on one edge
  std::optional<std::int64_t> double_rate_clock_hz;  ///< the highest, data on both edges
  bool is_executable = false;
  std::string shared_with;  ///< the board's memory that sits on it: it is taken; may be empty
  std::string note;
};

enum class PowerState { run, idle, sleep };

/// What ran when a figure was measured: a network on the core, or on another engine of the part; CoreMark; an
/// empty loop.
enum class PowerLoad { inference, accelerator, coremark, loop };
[[nodiscard]] std::string_view name_of(PowerLoad load);

/// How the part makes the voltage of its core: the current of a linear one (`ldo`) stays over the supply's
/// voltage, the power of a switching one (`smps`).
enum class Regulator { ldo, smps };
[[nodiscard]] std::string_view name_of(Regulator regulator);

/// One published figure; exactly one of the three ranges is present.
struct Power {
  PowerState state = PowerState::run;
  bool is_of_board = false;  ///< else of the part alone
  std::optional<Range> power_mw, current_ma, current_ua_per_mhz;
  std::optional<std::int64_t> clock_hz;
  std::optional<int> supply_mv;
  std::optional<PowerLoad> load;       ///< in state `run`; absent: not given
  std::optional<Regulator> regulator;  ///< absent: not given
  std::string note;
};

struct Price {
  bool is_of_board = false;  ///< else of the part alone
  Range amount;
  std::string currency;
  std::optional<std::int64_t> quantity;
  std::string date;  ///< "YYYY", "YYYY-MM" or "YYYY-MM-DD": of the price, or of reading an undated source
  std::string note;
};

/// Where a user wants parts of a program, other than as the board prefers; and what is kept for others.
struct Placement {
  std::string weights;                  ///< the memory of layers' constants; empty: with the program
  std::vector<std::string> far_layers;  ///< whose constants lie there; empty: all layers
  std::string arena;                    ///< its memory; empty: the first with room
  std::int64_t reserved_ram_bytes = 0, reserved_flash_bytes = 0;  ///< inside the part, for other firmware
};

struct Board {
  std::string name;       ///< as `--board` takes it, with what the user added (board_use.h)
  std::string base_name;  ///< of the catalogue; empty: `name`
  std::string title;      ///< as its vendor calls it
  std::string vendor;
  std::string part;       ///< may be empty
  std::string processor;  ///< a name in cores.h: "cortex-m0plus"
  Core core;              ///< as kernels see it: core.name "m0"
  std::string pipeline;   ///< of an RV32 core: whose timings it has; may be empty
  int core_count = 1;
  std::string fpu;  ///< "none", "single", "double"; empty: not known
  std::optional<std::int64_t> clock_hz;
  std::string accelerator;      ///< may be empty
  std::string optimize = "O2";  ///< the -O flag of its compiler, without the dash
  bool is_virtual = false;      ///< stands for a core with all memory of its virtual machine
  bool is_data_only = false;    ///< nothing is generated for its core
  std::string note;
  /// Flash in order of preference for program and weights, RAM in order of preference for the arena.
  std::vector<Memory> memories;
  std::vector<Cache> caches;
  std::vector<Expansion> expansions;
  std::string no_expansion;  ///< why the part has no such bus; empty: it has, or it is not known
  std::vector<Power> powers;
  std::vector<Price> prices;
  Placement placement;
  /// Who says so, by path: "" for all, "clock_hz", "memory.flash", "memory.flash.wait_states", "price.0".
  std::map<std::string, std::string, std::less<>> sources;

  /// This computer: no limits, nothing to fit.
  [[nodiscard]] bool is_host() const { return core.name == "host"; }
};

/// The source of a value: its own, or that of the nearest table round it. Empty only for a path "".
[[nodiscard]] std::string_view source_of(const Board& board, std::string_view path);

/// The board's memory of that name, or null.
[[nodiscard]] const Memory* find_memory(const Board& board, std::string_view name);

/// Where program, constants and start-up go: the first executable flash, inside before outside; null on the
/// host. Its size is known.
[[nodiscard]] const Memory* program_memory(const Board& board);

/// Where stack, .data and .bss go: the memory marked `stack`, else the first that may hold the arena; null on
/// the host. Its size is known.
[[nodiscard]] const Memory* stack_memory(const Board& board);

/// Memories that may hold the arena, in order of preference; one arena lies in one of them, never across two.
/// Those of unknown size are left out.
[[nodiscard]] std::vector<const Memory*> arena_memories(const Board& board);

/// Nanoseconds to read `bytes` at one address of an external memory: the latency of its bus as the board
/// reads it, else as the part has it, and then its bandwidth. Nothing if one of them is not known.
[[nodiscard]] std::optional<double> external_read_ns(const Memory& memory, std::int64_t bytes);

/// Reads a board. `file` is named in diagnostics (bad-board, with line and rule); every mistake is reported.
Result<Board> parse_board(std::string_view toml, std::string_view file, Diagnostics& diagnostics);

/// Parses all files of the catalogue, in order of their paths.
Result<std::vector<Board>> parse_catalogue(Diagnostics& diagnostics);

/// The catalogue: real boards by name, then the virtual ones in order of their cores, the host last. A file
/// of the catalogue that does not parse is missing here; a test sees to it that there is none.
[[nodiscard]] const std::vector<Board>& builtin_boards();

/// The board of that name, in any case; a name that ends in .toml is a file of the user's. What follows the
/// name is read by board_use.h. Reports unknown-board (with the nearest name), file-unreadable or bad-board,
/// and usage for what follows.
Result<Board> find_board(std::string_view name, Diagnostics& diagnostics);

/// find_board for a program to be made: reports unknown-board of a board that is there for its data only.
Result<Board> find_target_board(std::string_view name, Diagnostics& diagnostics);

/// The text of a file of the user's, at most 1 MiB; `what` says what it should be. Reports file-unreadable.
Result<std::string> read_toml_file(const std::string& path, std::string_view what, Diagnostics& diagnostics);

}  // namespace nb
