// One run of an ELF file on a QEMU machine, with the counting plugin.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "bench/machines.h"
#include "diag/diagnostics.h"
#include "timing/profile.h"

namespace nb {

/// What the plugin (plugin/count.c) is to count.
struct CountRequest {
  std::vector<std::uint32_t> marks;    ///< code addresses, numbered in this order
  std::optional<std::uint32_t> call;   ///< a function: its entry and its return are two more marks
  bool has_edges = false;              ///< what ran between marks, edge by edge
  std::string memories;                ///< CachePlan::text; may be empty
  std::optional<std::uint32_t> first;  ///< marks are passed over until this one was passed
  std::optional<std::uint32_t> last;   ///< the mark after which nothing is counted
  bool ends_at_last = false;           ///< the program ends there, too
  std::vector<std::uint32_t> faults;   ///< handlers of faults, which end the program: Profile::fault_handler
  /// However the program ends, what ran is told: at the time limit, at a fault without a handler, and in a
  /// branch to itself, which ends it (Profile::stuck_block). A fault that repeats for ever ends it, too, by
  /// what QEMU's log may hold.
  bool has_end = false;
};

struct Emulation {
  ProcessEnd end;
  std::string console;             ///< what the program printed
  std::optional<Profile> profile;  ///< if anything was to be counted
  double wall_seconds = 0;
};

/// What runs a machine, without plugin and kernel.
[[nodiscard]] std::vector<std::string> qemu_command(const bench::Machine& machine);

/// Runs `qemu` (a command without plugin and kernel) on `executable` in `folder`, which gets the files
/// nb_console.txt, nb_counts.txt, nb_marks.txt and nb_memories.txt. `request` absent: nothing is counted;
/// `plugin` empty: find_plugin(). How the program itself ended is for the caller to judge. Errors:
/// tool-missing, file-unwritable, interrupted, internal (the plugin wrote no whole log).
[[nodiscard]] Result<Emulation> emulate(const std::vector<std::string>& qemu,
                                        const std::filesystem::path& executable,
                                        const std::filesystem::path& folder,
                                        const std::optional<CountRequest>& request,
                                        const std::filesystem::path& plugin, double timeout_seconds,
                                        Diagnostics& diagnostics);

/// Where the counting plugin lies; empty if nowhere.
[[nodiscard]] std::filesystem::path find_plugin();

}  // namespace nb
